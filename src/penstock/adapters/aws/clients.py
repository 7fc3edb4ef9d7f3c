"""boto3's session and its clients: one session, and one client for each region, made when it is first asked for.

A session reads the configuration, resolves the credentials and loads the data of all endpoints; that is the costly part, and the clients
share it.  Making a client is not safe in several threads at once; using one is.
"""

import os
import threading

import boto3
from botocore.client import BaseClient
from botocore.config import Config

from penstock import __version__
from penstock.adapters.aws.options import ALL_REGIONS_FROM, AwsOptions

_REHEARSAL_KEY = "rehearsal"


class Clients:
    """Clients of EC2 by region; safe in several threads."""

    def __init__(self, options: AwsOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._session: boto3.Session | None = None
        self._clients: dict[str, BaseClient] = {}

    def of(self, region: str | None) -> BaseClient:
        """The client for ``region``; for None, of a region in which the others can be asked for.

        Raises:
            InputError: the endpoint is no address.
            botocore.exceptions.BotoCoreError: the profile, its credentials or the region are not usable.
        """
        with self._lock:
            if self._session is None:
                self._session = _session(self._options)
            name = region or self._session.region_name or ALL_REGIONS_FROM
            if name not in self._clients:
                self._clients[name] = self._session.client(
                    "ec2", region_name=name, endpoint_url=self._options.endpoint_in(name), config=_config(self._options)
                )
            return self._clients[name]

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()


def _session(options: AwsOptions) -> boto3.Session:
    """The user's session; for an emulator on this machine one with made-up credentials, unless the user gives some.

    An emulator learns the region from the signature alone, so there must be one.  And boto3 would search the network for credentials.
    """
    if options.profile is None and options.emulated and not os.environ.get("AWS_ACCESS_KEY_ID"):
        return boto3.Session(aws_access_key_id=_REHEARSAL_KEY, aws_secret_access_key=_REHEARSAL_KEY, region_name=ALL_REGIONS_FROM)
    return boto3.Session(profile_name=options.profile)


def _config(options: AwsOptions) -> Config:
    return Config(
        connect_timeout=options.timeouts.connect_s,
        read_timeout=options.timeouts.stall_s,
        max_pool_connections=options.parallel,
        retries={"total_max_attempts": 1, "mode": "standard"},  # tried again by the house's own way, once and not twice
        user_agent_extra=f"penstock/{__version__}",
    )
