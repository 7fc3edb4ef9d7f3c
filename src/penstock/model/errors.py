"""The error tree, with the exit code that each branch carries to the shell.

::

    PenstockError
    ├─ InputError           a file, option or document of the caller is wrong      exit 2
    ├─ NotFoundError        a named object is not where it was looked for          exit 1
    ├─ OperationError       the work failed, and trying again will not help        exit 1
    ├─ VerificationError    bytes or documents are not what they must be           exit 3
    │  └─ DigestMismatch    the bytes came, but they are other bytes
    ├─ TransientError       bytes or an answer did not come; try again later       exit 4
    └─ PartialError         some of the work is done                               exit 5

Every error says three things: what happened, to which object, and the next step (``hint``).  None of
them may hold a secret: adapters redact before they raise.
"""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the program tells its caller; a contract."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    MISMATCH = 3
    TRY_AGAIN = 4
    PARTLY = 5
    INTERRUPTED = 130


class PenstockError(Exception):
    """An error that the user can act upon.

    Attributes:
        message: what happened, in one sentence without a full stop.
        subject: the object it happened to (a path, a reference, a digest), or ``""`` where the message names it.
        hint: the next step, or ``""``.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, message: str, *, subject: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.subject = subject
        self.hint = hint

    def __str__(self) -> str:
        """``subject: message``, as it is printed behind ``penstock:``."""
        return f"{self.subject}: {self.message}" if self.subject else self.message


class InputError(PenstockError):
    """A file, option or document that the caller gave is wrong."""

    exit_code = ExitCode.USAGE


class NotFoundError(PenstockError):
    """A named object is not where it was looked for."""


class OperationError(PenstockError):
    """The work failed for a reason that trying again does not mend: refused, forbidden, disk full."""


class VerificationError(PenstockError):
    """Bytes or documents arrived whole and are not what they must be."""

    exit_code = ExitCode.MISMATCH


class DigestMismatch(VerificationError):
    """The bytes of ``subject`` have another digest, or another length, than their descriptor says."""

    def __init__(self, subject: str, *, expected: str, found: str, hint: str = "") -> None:
        super().__init__(f"expected {expected}, found {found}", subject=subject, hint=hint)
        self.expected = expected
        self.found = found

    def __reduce__(self) -> tuple[object, ...]:
        """Copies and other processes rebuild it from its keywords, which ``Exception`` would lose."""
        return (_rebuild_mismatch, (self.subject, self.expected, self.found, self.hint))


class TransientError(PenstockError):
    """Bytes or an answer did not come: cut, timeout, 5xx, throttled."""

    exit_code = ExitCode.TRY_AGAIN


class PartialError(PenstockError):
    """Some of the work is done; the message says what is left."""

    exit_code = ExitCode.PARTLY


def _rebuild_mismatch(subject: str, expected: str, found: str, hint: str) -> DigestMismatch:
    """What pickle calls for :class:`DigestMismatch`."""
    return DigestMismatch(subject, expected=expected, found=found, hint=hint)
