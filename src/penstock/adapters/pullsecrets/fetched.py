"""Pull secrets that a service gives: fetched at the start or the first asking, kept in memory, and again when they are old or refused."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import structlog

from penstock.formats.authfile import AuthFile, parse_pull_secret
from penstock.model.errors import PenstockError

_log = structlog.get_logger("penstock.pullsecrets")

EVERY_S = 3600.0
"""How old a pull secret may be when it is used."""

SOONEST_S = 10.0
"""How old it must be before a refusal has it fetched again: credentials that are wrong must not become a storm of questions."""

_RETRY_S = 60.0

Fetch = Callable[[], Awaitable[bytes]]


class FetchedPullSecret:
    """A pull secret that ``fetch`` gives; for one event loop.

    As a context it is fetched at once and kept fresh, so that an account that is not let in is told of at the start, and no registry has
    to wait for it; else at the first asking.
    """

    def __init__(
        self,
        name: str,
        fetch: Fetch,
        *,
        every_s: float = EVERY_S,
        soonest_s: float = SOONEST_S,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        """Fetch nothing yet.

        Args:
            name: what it is called in messages.
            fetch: gives the document, JSON with ``auths``; raises ``PenstockError``.
            every_s: how old it may be when it is used.
            soonest_s: how old it must be before it is fetched again.
            sleep: waits so many seconds, as ``asyncio.sleep``.
        """
        self._name = name
        self._fetch = fetch
        self._every_s = every_s
        self._soonest_s = soonest_s
        self._sleep = sleep
        self._freshening: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._held: AuthFile | None = None
        self._asked_s = 0.0
        self._came_s = 0.0

    async def __aenter__(self) -> Self:
        """Begin to fetch it; nobody waits for that."""
        self._freshening = asyncio.create_task(self._keep_fresh(), name=f"fresh {self._name}")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Fetch no more by itself."""
        freshening, self._freshening = self._freshening, None
        if freshening is not None:
            freshening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await freshening

    @property
    def name(self) -> str:
        """See :class:`penstock.adapters.registry.options.CredentialSource`."""
        return self._name

    async def current(self) -> AuthFile:
        """What was fetched last, fetched again where it is old; one that is old is better than none.

        Raises:
            PenstockError: of ``fetch``, where there is none; InputError where what it gives is no pull secret.
        """
        async with self._lock:
            held = self._held
            if held is None:
                return await self._fetched()
            if time.monotonic() - self._came_s < self._every_s or not self._may_ask():
                return held
            try:
                return await self._fetched()
            except PenstockError as error:
                _log.warning("the pull secret cannot be fetched; the last one is used on", source=self._name, reason=error.message)
                return held

    async def renew(self, refused: AuthFile) -> AuthFile:
        """A newer one than ``refused``; of many that ask at once, the first alone has it fetched.

        Raises:
            PenstockError: of ``fetch``; InputError where what it gives is no pull secret.
        """
        async with self._lock:
            if self._held is not None and (self._held != refused or not self._may_ask()):
                return self._held
            return await self._fetched()

    async def _keep_fresh(self) -> None:
        while True:
            try:
                await self.current()
            except PenstockError as error:
                _log.warning("the pull secret cannot be fetched", source=self._name, reason=str(error), hint=error.hint or None)
            # Where an old one is used on, the next try is soon, too.
            age_s = time.monotonic() - self._came_s
            await self._sleep(self._every_s - age_s if self._held is not None and age_s < self._every_s else _RETRY_S)

    def _may_ask(self) -> bool:
        return time.monotonic() - self._asked_s >= self._soonest_s

    async def _fetched(self) -> AuthFile:
        self._asked_s = time.monotonic()
        found = parse_pull_secret(await self._fetch(), subject=self._name)
        if self._held is not None and found != self._held:
            _log.info("the pull secret has changed", source=self._name)
        self._held = found
        self._came_s = self._asked_s
        return found
