"""The files that say what a host gets, checked before anything of them is served: Ignition config, ramdisk, kernel arguments.

All of it is blocking.  Errors name the file and the place in it, and never what stands there: a config holds secrets.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from typing import Final

import structlog

from penstock.adapters.files.failures import file_error
from penstock.formats.initramfs import InitramfsReader
from penstock.formats.text import DocumentFault
from penstock.imageservice.ignition import check_config
from penstock.model.errors import InputError, OperationError, PenstockError, TransientError
from penstock.model.hosts import BackendRefused

MAX_CONFIG_BYTES: Final = 16 << 20
MAX_RAMDISK_BYTES: Final = 64 << 20
MAX_KARGS_BYTES: Final = 64 << 10

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_MAX_UNPACKED_BYTES = 256 << 20
_READ_TRIES = 3
_WORD = re.compile(r'(?:[^\s"]|"[^"]*")+')
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f]")
_log = structlog.get_logger("penstock.hostconfigs")


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A file as it was at one moment.

    Attributes:
        content: all of it.
        mtime_s: when it was changed, in seconds since the epoch.
    """

    content: bytes = field(repr=False)
    mtime_s: int


def host_name(host: str) -> str | None:
    """The UUID of a host as files and the ledger spell it, in lower case; None where ``host`` is no UUID.

    Nothing else is ever made part of a path.
    """
    return host.lower() if _UUID.fullmatch(host) else None


def refusal(host: str, status: HTTPStatus, hint: str = "") -> BackendRefused:
    """What a backend over files says no with."""
    return BackendRefused(status.value, subject=f"host {host}" if host_name(host) else "a host", hint=hint)


@contextmanager
def faults_refused(host: str) -> Iterator[None]:
    """Tell the log why nothing can be served, and the client that it is not its fault: ``BackendRefused`` with status 500.

    What may pass by itself, and what is a refusal already, goes through as it is.
    """
    try:
        yield
    except (BackendRefused, TransientError):
        raise
    except PenstockError as error:
        _log.error("what a host gets cannot be served", host=host, reason=str(error), hint=error.hint or None)
        raise refusal(host, HTTPStatus.INTERNAL_SERVER_ERROR, str(error)) from error


def read_whole(path: Path, *, limit_bytes: int) -> WholeFile | None:
    """The file at ``path``, or None where there is none; links are followed.

    A file that is replaced meanwhile is read as it was when it was opened.  One that somebody writes into is read again.

    Raises:
        InputError: it has more than ``limit_bytes``, or is a folder or a device.
        OperationError: it cannot be read.
        TransientError: somebody is still writing into it.
    """
    try:
        for _ in range(_READ_TRIES):
            # A pipe would keep the thread waiting for its writer.
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                before = os.fstat(descriptor)
                if not stat.S_ISREG(before.st_mode):
                    raise InputError("this is no regular file", subject=str(path))
                with open(descriptor, "rb", closefd=False) as file:  # a descriptor, not a path
                    content = file.read(limit_bytes + 1)
                after = os.fstat(descriptor)
            finally:
                os.close(descriptor)
            if len(content) > limit_bytes:
                raise InputError(f"the file is larger than {limit_bytes} bytes, the most that is read", subject=str(path))
            if (before.st_size, before.st_mtime_ns) == (len(content), after.st_mtime_ns):
                return WholeFile(content, int(after.st_mtime))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise file_error(error, str(path)) from error
    raise TransientError("the file is being written", subject=str(path), hint="write another file beside it, and rename that")


def checked_config(content: bytes, *, subject: str) -> bytes:
    """``content``, which is an Ignition config.

    Raises:
        InputError: it is none; the message tells the place, and nothing of the content.
    """
    fault = _config_fault(content, subject)
    if fault is not None:
        # Raised here, so that the error has no context: the parser's own message quotes what it could not read.
        raise InputError(fault, subject=subject, hint="give a config in the format of Ignition; Butane makes one of YAML")
    return content


def checked_ramdisk(content: bytes, *, subject: str) -> bytes:
    """``content``, which is an initramfs, or nothing.

    Raises:
        VerificationError: it is none, or a damaged one.
    """
    for _ in InitramfsReader([content], subject=subject, limit_bytes=_MAX_UNPACKED_BYTES):
        pass
    return content


def parse_kernel_arguments(content: bytes, *, subject: str) -> tuple[str, ...]:
    """The words of a text: parted by blanks and ends of lines, except between double quotes; lines that begin with # are comments.

    Raises:
        InputError: it is no text, or a quote is not closed on its line.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    words: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if stripped.count('"') % 2:
            raise InputError(f"line {number}: a double quote is not closed", subject=subject, hint="the kernel would take all that follows")
        found = _WORD.findall(stripped)
        if any(_NO_TEXT.search(word) for word in found):
            raise InputError(f"line {number}: this is no text", subject=subject, hint="write kernel arguments in UTF-8, parted by blanks")
        words += found
    return tuple(words)


def http_date(moment_s: int) -> str:
    """A moment as HTTP writes it (RFC 9110, 5.6.7), or ``""`` for one that no calendar knows."""
    try:
        return formatdate(moment_s, usegmt=True)
    except (OverflowError, ValueError, OSError):
        return ""


def existing_folder(folder: Path) -> Path:
    """``folder``, which is there.

    Raises:
        InputError: it is something else.
        NotFoundError: it is not there.
        OperationError: it cannot be read.
    """
    try:
        with os.scandir(folder):
            return folder
    except OSError as error:
        raise file_error(error, str(folder)) from error


def must_be_there(folder: Path) -> None:
    """Tell a host that nobody knows from a folder that went away, such as a volume that is not mounted.

    Raises:
        OperationError: the folder is not there.
    """
    if not folder.is_dir():
        raise OperationError("the folder of the hosts' configs is not there", subject=str(folder), hint="is its volume mounted?")


def _config_fault(content: bytes, subject: str) -> str | None:
    try:
        check_config(content, subject=subject)
    except DocumentFault as fault:
        return f"this is no JSON: {fault.position}" if fault.position else "this is no JSON"
    except InputError as error:
        return error.message
    return None
