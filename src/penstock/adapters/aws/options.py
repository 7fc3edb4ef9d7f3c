"""How AWS is asked."""

from dataclasses import dataclass, field

from yarl import URL

from penstock.adapters.http.addresses import service_address
from penstock.adapters.http.hops import is_loopback
from penstock.adapters.http.options import Retries, Timeouts

ALL_REGIONS_FROM = "us-east-1"
"""Where the regions are asked for, unless the user's configuration names another region."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsOptions:
    """What the client needs to know; credentials come from where boto3 looks for them.

    Attributes:
        endpoint: the address of EC2 (and of all other services, where images are pushed), for an emulator or an interface endpoint;
            ``{region}`` in it is replaced.  None for AWS itself, or what boto3 finds in ``AWS_ENDPOINT_URL`` and its like.
        profile: of the user's AWS configuration; None for the default one.
        parallel: requests at a time, each in a thread.
        transfers: parts of objects and blocks of snapshots at a time, each in a thread of its own, beside ``parallel``.
        retries: see :class:`~penstock.adapters.http.options.Retries`; botocore's own are off.
        timeouts: see :class:`~penstock.adapters.http.options.Timeouts`.
    """

    endpoint: str | None = None
    profile: str | None = None
    parallel: int = 8
    transfers: int = 4
    retries: Retries = field(default_factory=Retries)
    timeouts: Timeouts = field(default_factory=Timeouts)

    def endpoint_in(self, region: str) -> str | None:
        """The address of EC2 in ``region``, or None for that of AWS.

        Raises:
            InputError: it is none, or one to which the token of a session would go in the clear.
        """
        if not self.endpoint:
            return None
        return str(service_address(self.endpoint.replace("{region}", region), "the endpoint of AWS"))

    @property
    def emulated(self) -> bool:
        """Whether an emulator on this machine is asked."""
        address = self.endpoint_in(ALL_REGIONS_FROM)
        return address is not None and is_loopback(URL(address).host or "")
