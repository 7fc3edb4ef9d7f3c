"""boto3's session and its clients: one session, and one client for each service, region and pair of keys, made when it is first asked for.

A session reads the configuration, resolves the credentials and loads the data of all endpoints; that is the costly part, and the clients
share it.  Making a client is not safe in several threads at once; using one is.
"""

import os
import threading
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config

from penstock import __version__
from penstock.adapters.aws.options import ALL_REGIONS_FROM, AwsOptions
from penstock.model.push.accounts import AwsKeys

_REHEARSAL_KEY = "rehearsal"


class Clients:
    """Clients by service, region and keys; safe in several threads."""

    def __init__(self, options: AwsOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._session: boto3.Session | None = None
        self._clients: dict[tuple[str, str, AwsKeys | None], BaseClient] = {}

    def of(self, region: str | None, service: str = "ec2", keys: AwsKeys | None = None) -> BaseClient:
        """The client of a service for ``region``; for None, of a region in which the others can be asked for.

        Args:
            region: its name.
            service: as boto3 names it: ``ec2``, ``s3``, ``sts``, ``ebs``.
            keys: in the place of those that boto3 finds.

        Raises:
            InputError: the endpoint is no address.
            botocore.exceptions.BotoCoreError: the profile, its credentials or the region are not usable.
        """
        with self._lock:
            if self._session is None:
                self._session = _session(self._options)
            name = region or self._session.region_name or ALL_REGIONS_FROM
            place = (service, name, keys)
            if place not in self._clients:
                self._clients[place] = self._session.client(
                    service,
                    region_name=name,
                    endpoint_url=self._options.endpoint_in(name),
                    aws_access_key_id=keys.access_key if keys else None,
                    aws_secret_access_key=keys.secret_key if keys else None,
                    config=_config(self._options, service),
                )
            return self._clients[place]

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


def _config(options: AwsOptions, service: str) -> Config:
    common: dict[str, Any] = {
        "connect_timeout": options.timeouts.connect_s,
        "read_timeout": options.timeouts.stall_s,
        "max_pool_connections": options.parallel + options.transfers,
        "retries": {"total_max_attempts": 1, "mode": "standard"},  # tried again by the house's own way, once and not twice
        "user_agent_extra": f"penstock/{__version__}",
        # No proxy stands between two programs of one machine, and none shall see what goes from one to the other.
        **({"proxies": {}} if options.emulated else {}),
    }
    if service != "s3":
        return Config(**common)
    elsewhere = options.endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return Config(
        **common,
        # Parts carry an MD5 of our own making, which every service of this kind knows; newer checksums not.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={
            "addressing_style": "path" if elsewhere else "auto",
            # Over TLS boto3 signs no SHA-256 of a part whose MD5 it sends; to a program of this machine neither.
            **({"payload_signing_enabled": False} if options.emulated else {}),
        },
    )
