"""Signals that ask the program to stop.

Ctrl-C (SIGINT), SIGTERM and SIGHUP all unwind the stack, so that context managers remove what is half done; the process then exits with
128 + the signal's number: 130, 143 and 129.  A signal that the parent chose to ignore (``nohup``, a background job) stays ignored.
"""

import signal
from types import FrameType
from typing import Final, NoReturn


class Interrupted(KeyboardInterrupt):
    """A signal asked the program to stop.

    Attributes:
        signal: which one.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(signal.Signals(number).name)
        self.signal = signal.Signals(number)

    @property
    def exit_code(self) -> int:
        """What a shell would report for a process that this signal ended."""
        return 128 + self.signal


STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _raise_interrupted(number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted(number)


def unwind_on_signals() -> None:
    """Make the stop signals raise :class:`Interrupted` in the main thread; called once, by the program's entry."""
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _raise_interrupted)
