"""How StArMap is reached."""

from dataclasses import dataclass, field

from penstock.adapters.http.options import HttpOptions, Retries, Timeouts
from penstock.model.starmap import STARMAP_URL

STARMAP_RETRIES = Retries(attempts=4, first_wait_s=2.0, longest_wait_s=8.0, total_s=90.0)
"""Once and three times more, with pauses that double: release-engineering/starmap-client, ``starmap_client/session.py``."""

STARMAP_TIMEOUTS = Timeouts(connect_s=10.0, stall_s=10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StarmapOptions:
    """What the client needs to know.

    Attributes:
        url: of the server, without ``/api``; plain HTTP will do, as nothing secret is shown.
        http: patience, authorities of certificates, environment.
    """

    url: str = STARMAP_URL
    http: HttpOptions = field(default_factory=lambda: HttpOptions(retries=STARMAP_RETRIES, timeouts=STARMAP_TIMEOUTS))
