"""How shared storage is reached."""

from dataclasses import dataclass, field
from pathlib import Path

from yarl import URL

from penstock.adapters.http.hops import is_loopback
from penstock.adapters.http.options import Timeouts
from penstock.model.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Options:
    """A place in S3 or what speaks its language; credentials come from where boto3 looks for them.

    Attributes:
        bucket: its name; it must exist.
        cache: a folder of this replica, for what was read.
        prefix: of all names in the bucket, without slashes around it.
        endpoint: the address of the service, or None for AWS.  Plain HTTP is allowed: what comes is compared with digests.
        region: None for that of the configuration.
        profile: of the user's AWS configuration; None for the default one.
        path_style: whether the bucket stands in the path and not in the name of the host.
        cache_limit_bytes: how much the cache may hold besides what is being read at the moment; None for no limit.
        expiry_s: how long the turn of a replica that says nothing more is respected.
        poll_s: how often those who wait look.
        grace_s: how long bytes stay in the bucket that no name leads to any more, for those who still read them.
        parallel: requests at a time, each in a thread.
        attempts: tries of one request.
        timeouts: see :class:`~penstock.adapters.http.options.Timeouts`.
    """

    bucket: str
    cache: Path
    prefix: str = "images"
    endpoint: str | None = None
    region: str | None = None
    profile: str | None = None
    path_style: bool = False
    cache_limit_bytes: int | None = None
    expiry_s: float = 60.0
    poll_s: float = 2.0
    grace_s: float = 6 * 3600.0
    parallel: int = 16
    attempts: int = 4
    timeouts: Timeouts = field(default_factory=Timeouts)

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            InputError: the endpoint is no address, or the bucket has no name.
        """
        if not self.bucket:
            raise InputError("the bucket has no name")
        if self.endpoint is not None:
            url = URL(self.endpoint) if self.endpoint.startswith(("http://", "https://")) else URL()
            if not url.host or url.query or url.user or url.fragment:
                raise InputError("is no address of a service", subject="the endpoint of S3", hint="write https://HOST[:PORT]")

    @property
    def emulated(self) -> bool:
        """Whether an emulator on this machine is asked."""
        return self.endpoint is not None and is_loopback(URL(self.endpoint).host or "")
