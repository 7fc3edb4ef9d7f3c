"""How many transfers run at once."""

import asyncio
from types import TracebackType


class Slots:
    """``MAX_CONCURRENT_REQUESTS`` slots; who comes when all are taken waits, first come first served, and is never turned away.

    ``async with slots:`` holds one, until the last byte is sent.  Who stops waiting (the client went away, and the task is cancelled)
    leaves the queue.

    Attributes:
        waiting: how many wait now.
        taken: how many slots are held now.
    """

    def __init__(self, count: int) -> None:
        self._slots = asyncio.Semaphore(count)
        self.waiting = 0
        self.taken = 0

    @property
    def is_free(self) -> bool:
        """Whether who comes now would not wait."""
        return not self._slots.locked()

    async def __aenter__(self) -> None:
        """Wait for a slot."""
        self.waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self.waiting -= 1
        self.taken += 1

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Give it back."""
        self.taken -= 1
        self._slots.release()
