"""Waiting for files that another program is about to put somewhere, as pushsource does (``helpers.py``: ``wait_exist``)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

Wait = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a file is waited for.

    Attributes:
        timeout_s: in all, ``PUSHSOURCE_SRC_POLL_TIMEOUT``; with 0 it must be there.
        rate_s: between two looks, ``PUSHSOURCE_SRC_POLL_RATE``.
        wait: passes the time.
    """

    timeout_s: float = 0.0
    rate_s: float = 30.0
    wait: Wait = asyncio.sleep

    async def until_there(self, path: Path) -> None:
        """Return when something has the name, or when the time is over; who opens it then says what is wrong."""
        left_s = self.timeout_s
        while left_s > 0 and not await asyncio.to_thread(path.exists):
            step_s = min(max(self.rate_s, 0.1), left_s)
            await self.wait(step_s)
            left_s -= step_s


AT_ONCE = Patience()
