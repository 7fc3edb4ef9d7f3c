"""Patches into a file that is there: nothing is written but the patched ranges.

Each patch is one ``pwrite``, in the order in which they are given, and all of them are through before a signal is looked at; then the
device is waited for.  A patch whose bytes stand there already is not written.  Where a write fails, what was written before is taken
back.  What is left open is a crash of the machine, which may leave one area old and another new.
"""

import fcntl
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from penstock.adapters.files.copying import write_at
from penstock.adapters.files.failures import file_error
from penstock.adapters.files.sources import source_of
from penstock.imageservice.overlay import Patch, Source, overlay
from penstock.model.errors import OperationError, VerificationError

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def patch_file(path: Path, planned: Source, patches: Sequence[Patch]) -> int:
    """Write patches into a file; blocks until the device has them.

    Args:
        path: the file.
        planned: what the file was when the patches were made.
        patches: in the order in which they are written.

    Returns:
        How many were written; those that stood there already do not count.

    Raises:
        OperationError: the file cannot be written to, or another run is at it.
        VerificationError: the file was changed since, or a patch lies outside of it.
    """
    overlay(planned, patches)
    try:
        with path.open("r+b") as file:
            descriptor = file.fileno()
            _lock(descriptor, str(path))
            if source_of(file, planned.name) != planned:
                raise VerificationError("the file was changed since it was read", subject=str(path), hint="run again when it is complete")
            due = [(patch, old) for patch in patches if (old := os.pread(descriptor, len(patch.content), patch.offset)) != patch.content]
            with _without_signals():
                _write(descriptor, due)
            if due:
                os.fsync(descriptor)
    except OSError as error:
        raise file_error(error, str(path)) from error
    return len(due)


def _write(descriptor: int, due: list[tuple[Patch, bytes]]) -> None:
    begun: list[tuple[Patch, bytes]] = []
    try:
        for patch, old in due:
            begun.append((patch, old))
            write_at(descriptor, patch.content, patch.offset)
    except OSError:
        for patch, old in reversed(begun):
            with suppress(OSError):  # the one that failed may fail again, and the others shall not stay for that
                write_at(descriptor, old, patch.offset)
        raise


def _lock(descriptor: int, subject: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise OperationError("another program is writing to this file", subject=subject, hint="run again when it is done") from None


@contextmanager
def _without_signals() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
