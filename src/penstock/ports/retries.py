"""Who is told that something is tried again.

Adapters try again deep inside a call, and a stage wants to show and write down each time.  The listener belongs to the task that makes the
call (a context variable, which tasks and ``asyncio.to_thread`` inherit), so no port has to carry it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

RetryListener = Callable[[str], None]
"""Takes the reason, a sentence without a secret; never raises, returns at once."""

_listener: ContextVar[RetryListener | None] = ContextVar("penstock_retry_listener", default=None)


@contextmanager
def hearing_retries(listener: RetryListener) -> Iterator[None]:
    """While this is open, ``listener`` is told of everything that this task, and those that it starts, try again."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def is_heard() -> bool:
    """Whether somebody is told of what this task tries again."""
    return _listener.get() is not None


def tell_retry(reason: str) -> None:
    """Tell the listener of this task, if it has one."""
    listener = _listener.get()
    if listener is not None:
        listener(reason)
