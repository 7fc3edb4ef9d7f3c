"""A ledger that never fails a job.

What a stage made is made, whether or not it could be written down.  So the first failure to write is told once and the
writings after it are skipped; questions, of which the answer is the job, fail as they do.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Protocol

import structlog

from penstock.model.errors import PenstockError
from penstock.model.lineage import Artifact, Direction, Edge
from penstock.ports import Ledger


class OpenLedger(Ledger, Protocol):
    """A ledger whose connections somebody must give back."""

    async def close(self) -> None:
        """Give the connections back; safe to call twice."""


def warn(error: PenstockError) -> None:
    """The one warning, to the log."""
    structlog.get_logger("penstock.lineage").warning(
        "the ledger cannot be written: what this job makes is not recorded", error=str(error), hint=error.hint or None
    )


class GuardedLedger:
    """:class:`penstock.ports.Ledger` around another one, which is opened by the first call.

    A process makes one of these, so that there is one warning.  Safe to use from several tasks and threads.
    """

    def __init__(
        self,
        open_ledger: Callable[[], OpenLedger],
        *,
        is_known: Callable[[Sequence[Artifact], Sequence[Edge]], bool] = lambda _artifacts, _edges: False,
        on_failure: Callable[[PenstockError], None] = warn,
    ) -> None:
        """Wrap the ledger that ``open_ledger`` gives.

        Args:
            open_ledger: called once, in a worker thread: it may import what is slow to import, and it may raise.
            is_known: tells, where it is easily told, that a writing would change nothing; asked as long as the ledger is not open.
            on_failure: called once, with the first error of a writing.
        """
        self._open = open_ledger
        self._is_known = is_known
        self._on_failure = on_failure
        self._ledger: OpenLedger | None = None
        self._failed = False
        self._lock = threading.Lock()

    async def record(self, artifacts: Iterable[Artifact], edges: Iterable[Edge]) -> None:
        """Write, or warn once; never raises a ``PenstockError``."""
        if self._failed:
            return
        things, links = tuple(artifacts), tuple(edges)
        try:
            if self._ledger is None and await asyncio.to_thread(self._is_known, things, links):
                return
            await (await asyncio.to_thread(self._inner)).record(things, links)
        except PenstockError as error:
            with self._lock:
                first, self._failed = not self._failed, True
            if first:
                self._on_failure(error)

    async def find(self, key: str) -> list[Artifact]:
        """See :meth:`penstock.ports.Ledger.find`."""
        return await (await asyncio.to_thread(self._inner)).find(key)

    def walk(self, start: Artifact, direction: Direction) -> AsyncIterator[tuple[Edge, Artifact]]:
        """See :meth:`penstock.ports.Ledger.walk`."""
        return self._inner().walk(start, direction)

    async def close(self) -> None:
        """Close the ledger if it was opened."""
        if self._ledger is not None:
            await self._ledger.close()

    def _inner(self) -> OpenLedger:
        with self._lock:
            if self._ledger is None:
                self._ledger = self._open()
            return self._ledger
