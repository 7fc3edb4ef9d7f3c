"""The request log: what clients asked for, without what they must keep secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from penstock.simulators.cloud.clock import moment_text

_SECRET_KEYS = frozenset(
    {"x-amz-signature", "x-amz-credential", "x-amz-security-token", "access_token", "api_key", "image_token", "key", "sig", "upload_id"}
)
_LONGEST_LOG = 100_000


@dataclass(frozen=True, slots=True)
class Request:
    """One request, written down when its head (EC2: its form) arrived.

    Attributes:
        method: for example ``GET``.
        path: decoded, without the query.
        query: decoded; of EC2's form too; of repeated keys the last; secrets read ``***``.  Forms of token endpoints are not written down.
        at: the time of the simulator's clock.
        api: which operation it was, for example ``azure.versions.list``; ``unknown`` for none that is served here.
        authorization: the scheme of the Authorization header in lower case (``bearer``), or ``""`` where there was none.
        credentials: what else was shown, by its name alone: ``image_token``; or ``""``.
    """

    method: str
    path: str
    query: Mapping[str, str]
    at: datetime
    api: str
    authorization: str
    credentials: str = ""

    def document(self) -> dict[str, object]:
        """As ``GET /_simulator/requests`` says it."""
        return {
            "method": self.method,
            "path": self.path,
            "query": dict(self.query),
            "at": moment_text(self.at),
            "api": self.api,
            "authorization": self.authorization,
            **({"credentials": self.credentials} if self.credentials else {}),
        }


def without_secrets(query: Mapping[str, str]) -> dict[str, str]:
    """``query``, in which the values of secret keys read ``***``."""
    return {key: "***" if key.lower() in _SECRET_KEYS else value for key, value in query.items()}


def write_down(log: list[Request], request: Request) -> None:
    """Add ``request``; of a very long log the older half is forgotten, so that a server may run for long."""
    if len(log) >= _LONGEST_LOG:
        del log[: _LONGEST_LOG // 2]
    log.append(request)
