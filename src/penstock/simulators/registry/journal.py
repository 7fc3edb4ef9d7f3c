"""The request log: what clients asked for, without what they must keep secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})


@dataclass(frozen=True, slots=True)
class Request:
    """One request, written down when its head arrived.

    Attributes:
        method: for example ``GET``.
        path: as it was sent, without the query.
        query: the decoded query; of repeated keys the last.
        headers: by lower-case name, without the values of ``Authorization`` and cookies (they read ``***``).
        authorization: the scheme of the Authorization header in lower case (``basic``, ``bearer``), or ``""`` where there was none.
        site: ``registry``, or ``content`` for the second port that blobs are redirected to.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    authorization: str
    site: str

    @property
    def has_authorization(self) -> bool:
        """Whether an Authorization header came along."""
        return bool(self.authorization)

    @property
    def range(self) -> str:
        """The Range header, or ``""``."""
        return self.headers.get("range", "")


def describe_request(request: web.Request, site: str) -> Request:
    """Write down ``request``."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    scheme = headers.get("authorization", "").partition(" ")[0].lower()
    public = {name: "***" if name in _SECRET_HEADERS else value for name, value in headers.items()}
    return Request(request.method, request.path, dict(request.query), public, scheme, site)
