"""The one way to try again: stamina's, with a server's ``Retry-After`` honoured."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

from penstock.adapters.http.failures import Throttled
from penstock.adapters.http.options import Retries
from penstock.model.errors import TransientError
from penstock.ports.retries import tell_retry

T = TypeVar("T")


async def retried(work: Callable[[], Awaitable[T]], retries: Retries, *, attempts: int | None = None, early: bool = False) -> T:
    """Do ``work``, again and with growing pauses while it fails for a reason that may pass (``TransientError``).

    Whoever hears retries (:mod:`penstock.ports.retries`) is told of each before its pause.

    Args:
        work: begins anew each time.
        retries: how often and for how long.
        attempts: fewer tries than ``retries`` says.
        early: come back before the server wants it, where that is later than ``longest_retry_after_s``; without it, it is waited for, and
            where ``total_s`` do not suffice there is no other try.

    Raises:
        PenstockError: what the last try raised.
    """

    def pause(error: Exception) -> bool | float:
        if isinstance(error, Throttled):
            if early:
                return min(error.retry_after_s, retries.longest_retry_after_s)
            # Coming back sooner than an API wants prolongs what it defends itself against.
            return error.retry_after_s <= retries.total_s and error.retry_after_s
        return isinstance(error, TransientError)

    most, began_s, tries = attempts or retries.attempts, time.monotonic(), 0

    def again(error: Exception) -> bool | float:
        wait = pause(error)
        # Where the last try has failed stamina asks too.
        if wait is not False and tries < most and time.monotonic() - began_s < retries.total_s:
            tell_retry(str(error))
        return wait

    async for attempt in stamina.retry_context(
        on=again,
        attempts=most,
        timeout=retries.total_s,
        wait_initial=retries.first_wait_s,
        wait_max=retries.longest_wait_s,
        wait_jitter=retries.first_wait_s,
    ):
        tries = attempt.num
        with attempt:
            return await work()
    raise AssertionError("stamina yields an attempt or raises")
