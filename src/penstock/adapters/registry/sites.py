"""How a registry is spoken to: its API host, HTTPS or plain HTTP, and the challenge it begins with.

Distribution-spec 1.1, "Determining Support": ``GET /v2/`` is asked once for each registry and client.  HTTPS comes first.  Plain HTTP is
tried where it is allowed: for loopback registries always (as Docker does), elsewhere only when the caller said ``insecure``; a server
without TLS breaks the handshake off at once, so this costs no wait.  A certificate that is not trusted is never a reason for HTTP.
"""

import asyncio
from dataclasses import dataclass

from yarl import URL

from penstock.adapters.http.failures import TRY_LATER
from penstock.adapters.http.hops import is_loopback
from penstock.adapters.http.transport import Answer, Request, Transport
from penstock.adapters.registry.challenges import Challenge, choose_challenge, parse_challenges
from penstock.formats.authfile import DOCKER_HUB
from penstock.model.errors import TransientError
from penstock.model.imageref import ImageRef
from penstock.model.mirrors import Endpoint

_DOCKER_HUB_API = "registry-1.docker.io"
_BAD_REQUEST, _UNAUTHORIZED = 400, 401


@dataclass(slots=True)
class Site:
    """One registry, as this client has learned to know it.

    Attributes:
        registry: its name in references.
        base: scheme, host and port of its API.
        insecure: whether its certificate is not checked.
        challenge: what it last asked for, or None while it asked for nothing.
    """

    registry: str
    base: URL
    insecure: bool
    challenge: Challenge | None = None

    def url(self, path: str) -> URL:
        """The URL of ``path`` below ``/v2/``; the path may hold a query."""
        return URL(f"{self.base.origin()}/v2/{path}", encoded=True)


class Sites:
    """The registries that this client has met."""

    def __init__(self, transport: Transport, *, insecure: bool) -> None:
        self._transport = transport
        self._insecure = insecure
        self._known: dict[tuple[str, bool], Site] = {}
        self._locks: dict[tuple[str, bool], asyncio.Lock] = {}

    async def open(self, endpoint: Endpoint, subject: str) -> Site:
        """The registry of ``endpoint``; it is asked for its first words when it is new.

        Raises:
            TransientError: it cannot be reached.
            OperationError: its certificate is not trusted.
        """
        insecure = self._insecure or endpoint.insecure
        key = (endpoint.ref.registry, insecure)
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            if key not in self._known:
                self._known[key] = await self._meet(endpoint.ref, subject, insecure=insecure)
            return self._known[key]

    async def _meet(self, ref: ImageRef, subject: str, *, insecure: bool) -> Site:
        secured = Site(ref.registry, _base("https", ref), insecure)
        try:
            return await self._greet(secured, subject)
        except TransientError as over_tls:
            if not (insecure or is_loopback(ref.host)):
                raise
            try:
                return await self._greet(Site(ref.registry, _base("http", ref), insecure), subject)
            except TransientError as over_http:
                raise over_http from over_tls

    async def _greet(self, site: Site, subject: str) -> Site:
        request = Request("GET", subject, {}, limit_bytes=1 << 20)
        answer: Answer = await self._transport.exchange(request, site.url(""), insecure=site.insecure)
        if answer.status == _UNAUTHORIZED:
            site.challenge = choose_challenge(parse_challenges(answer.headers.getall("WWW-Authenticate", [])))
        elif answer.status == _BAD_REQUEST and site.base.scheme == "http":
            # So a TLS server answers plain HTTP; a moment's trouble with TLS must not settle the scheme.
            raise TransientError(f"{site.registry} speaks neither TLS now nor plain HTTP", subject=subject, hint=TRY_LATER)
        return site


def api_path(ref: ImageRef) -> str:
    """The repository as the API names it: Docker Hub keeps images without a namespace under ``library``."""
    return f"library/{ref.path}" if ref.host == DOCKER_HUB and "/" not in ref.path else ref.path


def _base(scheme: str, ref: ImageRef) -> URL:
    host = _DOCKER_HUB_API if ref.host == DOCKER_HUB else ref.host.strip("[]")
    return URL.build(scheme=scheme, host=host, port=ref.port)
