"""How a failure is told: one clear message on stderr, and the exit code.

::

    penstock: SUBJECT: MESSAGE
    hint: NEXT STEP

========================================  =========================================================
what ended the command                    exit code
========================================  =========================================================
``PenstockError``                         its own (see ``penstock.model.errors``)
a group of errors (``TaskGroup``)         that of the most telling one
usage error of the command line           2
SIGINT, SIGTERM, SIGHUP                   130, 143, 129
the reader of stdout went away            141, in silence
stdout cannot take the answer             1
anything else                             1, as "internal error"; the traceback with ``--debug``
========================================  =========================================================

141 is what a shell reports for ``cat`` or ``git`` in the same place (128 + SIGPIPE): not 0, because the command may have stopped before its
work was done, and not 1, because nothing failed.
"""

import os
import select
import signal
import sys
import traceback
from typing import Final

import click

from penstock.cli.interrupts import Interrupted
from penstock.cli.text import printable
from penstock.model.errors import DigestMismatch, ExitCode, InputError, PartialError, PenstockError, TransientError, VerificationError

READER_WENT_AWAY: Final = 128 + signal.SIGPIPE
"""The exit code when the reader of stdout closed it."""

_STDOUT_FD: Final = 1
_STDERR_FD: Final = 2


def report(error: BaseException, *, debug: bool) -> int:
    """Tell ``error`` on stderr; the exit code.

    Args:
        error: what ended the command.
        debug: print the traceback first, where there is more to tell than a wrong option.
    """
    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case click.ClickException():
            return _report_usage(error)
        case KeyboardInterrupt() | click.Abort():
            _say("penstock: interrupted")
            return error.exit_code if isinstance(error, Interrupted) else ExitCode.INTERRUPTED
        case BrokenPipeError() if _reader_left():
            return READER_WENT_AWAY
    told = most_telling(error)
    if debug:
        _print_traceback(error)
    match told:
        case PenstockError():
            _report_penstock_error(told)
            return told.exit_code
        case OSError() if told.strerror:
            subject = "standard output" if _by_printing(told) else _file_name(told)
            _report_penstock_error(PenstockError(told.strerror, subject=subject))
            return ExitCode.FAILED
    _report_internal(told, debug=debug)
    return ExitCode.FAILED


def most_telling(error: BaseException) -> BaseException:
    """The one error of a group that says most; an error that is no group is itself.

    When one task of a group fails the others often fail with it (their connections are closed).  So an error of ours goes before a
    stranger, and what will not mend itself goes before what might: wrong bytes, wrong input, a failure, half-done work, a cut.
    """
    leaves = _leaves(error)
    return min(leaves, key=_rank) if leaves else error


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]


def _rank(error: BaseException) -> int:
    match error:
        case DigestMismatch():
            return 0
        case VerificationError():
            return 1
        case InputError():
            return 2
        case TransientError():
            return 5
        case PartialError():
            return 4
        case PenstockError():
            return 3
        case _:
            return 6


def _report_penstock_error(error: PenstockError) -> None:
    from penstock.formats.everyfault import DocumentFaults

    faults = [each.message for each in error.faults] if isinstance(error, DocumentFaults) else []
    below = "".join(f"\n  {each}" for each in faults)
    _say(f"penstock: {printable(str(error).removesuffix(below))}")
    for each in faults:  # the lines between them are ours, what is in them is the document's
        _say(f"  {printable(each)}")
    if error.hint:
        _say(f"hint: {printable(error.hint)}")


def _report_usage(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        _say(error.format_message())
        return error.exit_code
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "penstock"
    subject = command.replace(" ", ": ", 1)
    _say(f"{subject}: {printable(error.format_message().rstrip('.'))}")
    if isinstance(error, click.UsageError):
        _say(f"hint: run '{command} --help'")
    return error.exit_code


def _report_internal(error: BaseException, *, debug: bool) -> None:
    detail = printable(str(error))
    kind = type(error).__name__
    more = "" if debug else ", run with --debug for the traceback (penstock --debug …, or PENSTOCK_DEBUG=1)"
    _say(f"penstock: internal error: {kind}{': ' if detail else ''}{detail}{more}")


def _print_traceback(error: BaseException) -> None:
    _say("".join(traceback.format_exception(error)).rstrip("\n"))


def _say(line: str) -> None:
    """Write one line to stderr; a stderr that is gone cannot be told so."""
    try:
        click.echo(line, err=True)
    except OSError:
        silence(_STDERR_FD)


def _file_name(error: OSError) -> str:
    return os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""


def _reader_left() -> bool:
    """Whether stdout or stderr is a pipe that nobody reads: a network connection breaks with the same error."""
    poll = select.poll()
    watched = 0
    for fd in (_STDOUT_FD, _STDERR_FD):
        try:
            os.fstat(fd)
        except OSError:
            continue
        poll.register(fd, 0)  # errors and hang-ups are always reported
        watched += 1
    return bool(watched and poll.poll(0))


def _by_printing(error: OSError) -> bool:
    """Whether ``error`` comes from printing (help does not go through ``penstock.cli.output``): such an error names no file."""
    printing = {click.echo.__code__, flush_stdout.__code__}
    return any(frame.f_code in printing for frame, _ in traceback.walk_tb(error.__traceback__))


def flush_stdout() -> None:
    """Bring everything that was printed to the reader.

    Raises:
        OSError: stdout cannot take it, or nobody reads it any more.
    """
    if sys.stdout is not None:
        sys.stdout.flush()


def silence(fd: int) -> None:
    """Point a broken ``fd`` at the null device, so that the interpreter's own flush at the end has nothing to complain about."""
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, fd)
    finally:
        os.close(null)


def close_stdout() -> None:
    """Flush stdout for the last time; one that cannot be flushed is silenced."""
    try:
        flush_stdout()
    except OSError:
        silence(_STDOUT_FD)
