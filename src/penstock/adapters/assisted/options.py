"""How assisted-service is reached."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from yarl import URL

from penstock.adapters.http.options import HttpOptions, Timeouts
from penstock.model.errors import InputError

API: Final = "/api/assisted-install/v2/infra-envs"
_HOST_VARIABLE: Final = "ASSISTED_SERVICE_HOST"
_SCHEME_VARIABLE: Final = "ASSISTED_SERVICE_SCHEME"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistedOptions:
    """Where assisted-service is, and how patiently it is asked.

    Attributes:
        host: ``HOST[:PORT]`` (``ASSISTED_SERVICE_HOST``).
        scheme: ``http`` or ``https`` (``ASSISTED_SERVICE_SCHEME``); inside a cluster plain HTTP is usual, so it is not refused.
        ca_file: PEM certificates that *replace* the system's authorities (``ASSISTED_SERVICE_API_TRUSTED_CA_FILE``).  With them the
            service is asked directly, whatever proxies the environment names, as OpenShift's image service does.
        connections: at a time; by default as many as the image service answers requests.
        timeouts: assisted-service makes what it is asked for, which takes it a while.
        environment: ``HTTPS_PROXY`` and the like.  Never shown, it may hold secrets.
    """

    host: str
    scheme: str = "http"
    ca_file: Path | None = None
    connections: int = 400
    timeouts: Timeouts = field(default_factory=lambda: Timeouts(connect_s=10.0, stall_s=30.0))
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    def base(self) -> URL:
        """The address of the infra-envs.

        Raises:
            InputError: scheme or host is wrong.
        """
        if self.scheme not in ("http", "https"):
            raise InputError(f"{self.scheme!r} is neither http nor https", subject=_SCHEME_VARIABLE)
        try:
            url = URL(f"{self.scheme}://{self.host}")
            plain = bool(url.host) and url.port is not None and not (url.user or url.password or url.query_string or url.fragment)
        except ValueError:
            url, plain = URL(), False
        if not plain or url.path.strip("/"):
            # The text is not shown: somebody may have written a password into it.
            raise InputError("is not the host of a service", subject=_HOST_VARIABLE, hint="write HOST or HOST:PORT")
        return url.with_path(API)

    def http(self) -> HttpOptions:
        """How HTTP is spoken."""
        environment = self.environment if self.ca_file is None else {}
        return HttpOptions(ca_file=self.ca_file, parallel=self.connections, timeouts=self.timeouts, environment=environment)
