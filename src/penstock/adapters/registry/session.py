"""A request to a registry with everything around it: the right scheme, a token, redirects, one renewal, retries.

Retries are those of :mod:`penstock.adapters.http.retrying`; blob readers (:mod:`blob`) count their own, because theirs begin anew
whenever bytes have come.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from yarl import URL

from penstock.adapters.http.hops import MAX_REDIRECTS, REDIRECTS, keeps_credentials, next_hop
from penstock.adapters.http.retrying import retried
from penstock.adapters.http.transport import Answer, Request, Transport
from penstock.adapters.registry.credentials import CredentialStore
from penstock.adapters.registry.failures import answer_error
from penstock.adapters.registry.options import RegistryOptions
from penstock.adapters.registry.sites import Site, Sites, api_path
from penstock.adapters.registry.tokens import Authorizer, Scopes
from penstock.model.errors import OperationError
from penstock.model.mirrors import Endpoint

_UNAUTHORIZED = 401
_KEEPS_METHOD = frozenset({307, 308})
_SAFE_METHODS = frozenset({"GET", "HEAD"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Access:
    """How a blob reader begins: where to go, and what to show there.

    Attributes:
        url: of the blob at the registry.
        authorization: for that scheme, host and port only; secret.
        insecure: whether certificates are not checked on the way.
    """

    url: URL
    authorization: str | None
    insecure: bool

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Access({self.url.origin()})"


class Session:
    """Requests to any number of registries; made in the event loop that it will use."""

    def __init__(self, options: RegistryOptions) -> None:
        self.options = options
        self.loop = asyncio.get_running_loop()
        self.transport = Transport(options)
        self._sites = Sites(self.transport, insecure=options.insecure)
        self._credentials = CredentialStore(options)
        self._authorizer = Authorizer(self.transport, self._credentials)

    async def close(self) -> None:
        """Close all connections."""
        await self.transport.close()

    async def ask(
        self,
        endpoint: Endpoint,
        target: str | URL,
        request: Request,
        *,
        scopes: Scopes | None = None,
        fine: Sequence[int] = (200,),
        attempts: int | None = None,
    ) -> Answer:
        """Ask until there is an answer of status ``fine``.

        Args:
            endpoint: the registry and repository.
            target: a path below ``/v2/``, or the URL that the registry gave.
            request: what to ask.
            scopes: the rights that are needed; those to pull where not given.
            fine: the statuses that are returned.
            attempts: fewer tries than the options say.

        Raises:
            NotFoundError: 404.
            OperationError: another refusal.
            TransientError: it did not come, however often it was asked for.
        """
        needed = scopes or Scopes.pull(api_path(endpoint.ref))
        return await self.retried(lambda: self._once(endpoint, target, request, needed, fine), attempts=attempts)

    async def retried(self, work: Callable[[], Awaitable[T]], *, attempts: int | None = None) -> T:
        """Do ``work``, again and with growing pauses while it fails for a reason that may pass."""
        return await retried(work, self.options.retries, attempts=attempts, early=True)

    async def _once(self, endpoint: Endpoint, target: str | URL, request: Request, scopes: Scopes, fine: Sequence[int]) -> Answer:
        self._credentials.load()
        site = await self._sites.open(endpoint, request.subject)
        url = site.url(target) if isinstance(target, str) else target
        authorization = await self._authorizer.header(site, scopes, request.subject) if keeps_credentials(site.base, url) else None
        answer = await self._follow(site, request, url, authorization)
        if answer.status == _UNAUTHORIZED and keeps_credentials(site.base, answer.url):
            challenges = answer.headers.getall("WWW-Authenticate", [])
            authorization = await self._authorizer.renew(site, scopes, request.subject, rejected=authorization, challenges=challenges)
            answer = await self._follow(site, request, url, authorization)
            if answer.status == _UNAUTHORIZED and keeps_credentials(site.base, answer.url):
                raise await self._authorizer.refused(site, scopes.path, request.subject)
        if answer.status in fine:
            return answer
        raise answer_error(
            answer.status, answer.body, retry_after=answer.headers.get("Retry-After"), subject=request.subject, place=site.registry
        )

    async def _follow(self, site: Site, request: Request, url: URL, authorization: str | None) -> Answer:
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self.transport.exchange(request, url, authorization=authorization, insecure=site.insecure)
            if answer.status not in REDIRECTS or not (request.method in _SAFE_METHODS or answer.status in _KEEPS_METHOD):
                return answer
            target = next_hop(url, answer.headers.get("Location"), subject=request.subject)
            if not keeps_credentials(url, target):
                authorization = None
            url = target
        raise OperationError(f"{site.registry} redirects in a circle", subject=request.subject)

    async def access(self, endpoint: Endpoint, path: str, subject: str) -> Access:
        """Where a reader finds ``path`` below ``/v2/``, and what it shows there."""
        self._credentials.load()
        site = await self._sites.open(endpoint, subject)
        authorization = await self._authorizer.header(site, Scopes.pull(api_path(endpoint.ref)), subject)
        return Access(site.url(path), authorization, site.insecure)

    async def renewed_access(
        self, endpoint: Endpoint, path: str, subject: str, *, rejected: str | None, challenges: Sequence[str]
    ) -> Access:
        """The same after a 401.

        Raises:
            OperationError: there is nothing else to show.
        """
        site = await self._sites.open(endpoint, subject)
        scopes = Scopes.pull(api_path(endpoint.ref))
        authorization = await self._authorizer.renew(site, scopes, subject, rejected=rejected, challenges=challenges)
        return Access(site.url(path), authorization, site.insecure)

    async def refused(self, endpoint: Endpoint, subject: str) -> OperationError:
        """The error for a registry that does not accept what it asked for."""
        site = await self._sites.open(endpoint, subject)
        return await self._authorizer.refused(site, api_path(endpoint.ref), subject)
