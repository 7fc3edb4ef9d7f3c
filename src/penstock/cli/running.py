"""The one way from a command into asyncio, and out of it again when a signal comes.

The trouble with Ctrl-C in an asyncio program is its worker threads: the loop waits for them at its end, and so does the interpreter, for
as long as one of them sits in a read.  Here a signal cancels the main task, which unwinds its context managers; from then on the time is
limited.  A task that has not unwound after ``UNWIND_LIMIT_S``, or a thread that is still busy ``THREADS_LIMIT_S`` after the task has
ended, is left behind, and the process ends with the signal's exit code.  More signals change nothing: the end is near anyway, and half
an unwinding would leave half-written files.  A server unwinds without a limit; there a second signal sets the one of the threads.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, TypeVar

from penstock.cli.interrupts import STOP_SIGNALS, Interrupted
from penstock.cli.logs import configure_logs

T = TypeVar("T")

UNWIND_LIMIT_S: Final = 10.0
"""How long a cancelled command may clean up."""

THREADS_LIMIT_S: Final = 2.0
"""How long its worker threads may take after that."""


def run_async(coroutine: Coroutine[Any, Any, T], *, patient: bool = False, logs: Callable[[], None] = configure_logs) -> T:
    """Run ``coroutine`` in a new event loop; its result.

    Logs are configured first.  Called from the main thread, once per command.

    Args:
        coroutine: what to do.
        patient: whether it may take any time to unwind, as a server does that sends what it began to send; a second signal ends that.
        logs: configures them; a program with another contract has its own.

    Raises:
        Interrupted: SIGINT, SIGTERM or SIGHUP ended the work; everything that the coroutine holds has been released.
    """
    try:
        logs()
    except BaseException:
        coroutine.close()
        raise
    with asyncio.Runner() as runner:
        stop = _Stop(runner.get_loop(), patient=patient)
        with stop.on_signals():
            try:
                return runner.run(stop.guard(coroutine))
            except BaseException as error:
                # Whatever a cancelled task dies of (a connection that it closed itself, a group of such) is a consequence.
                if stop.signal is None:
                    raise
                raise Interrupted(stop.signal) from error
            finally:
                stop.limit_threads()


class _Stop:
    """What a signal does to one run of an event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, patient: bool) -> None:
        self._loop = loop
        self._patient = patient
        self._task: asyncio.Task[Any] | None = None
        self._deadline: threading.Timer | None = None
        self.signal: int | None = None

    async def guard(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Await ``coroutine`` as the task that a signal cancels."""
        self._task = asyncio.current_task()
        if self.signal is not None:
            coroutine.close()
            raise asyncio.CancelledError
        return await coroutine

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Take the stop signals while the loop runs.

        Handlers of the signal module, not of the loop: they run although the loop itself may be busy, so the deadline always counts.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
        taken = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
        for number in taken:
            signal.signal(number, self._on_signal)
        try:
            yield
        finally:
            # After a stop the handlers stay: the loop is still to be closed, and a second Ctrl-C must not break that off.
            if self.signal is None:
                for number, handler in taken.items():
                    signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is not None:
            if self._patient and self._deadline is None:
                self._arm(THREADS_LIMIT_S)
            return
        self.signal = number
        if not self._patient:
            self._arm(UNWIND_LIMIT_S)
        if self._task is not None:
            self._task.cancel()
        self._loop.call_soon_threadsafe(lambda: None)  # wakes the selector

    def limit_threads(self) -> None:
        """The task has ended; from here on only threads are waited for."""
        if self.signal is not None:
            self._arm(THREADS_LIMIT_S)

    def _arm(self, limit_s: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = threading.Timer(limit_s, self._leave)
        self._deadline.daemon = True
        self._deadline.start()

    def _leave(self) -> None:
        code = Interrupted(self.signal or signal.SIGINT).exit_code
        try:
            sys.stderr.write("penstock: interrupted, with work still under way\n")
            sys.stderr.flush()
        finally:
            os._exit(code)
