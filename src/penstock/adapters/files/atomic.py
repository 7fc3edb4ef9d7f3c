"""Rewriting one file so that nobody ever sees half of it.

The new bytes go to a hidden sibling, are flushed to the device, and take the name in one step.  Whatever fails, the old file is as it
was and the sibling is gone.
"""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from penstock.adapters.files.failures import file_error
from penstock.model.errors import InputError, OperationError

_NEW_FILE_MODE = 0o666


def write_atomic(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, whole or not at all.

    A file that is there keeps its mode and, where that is allowed, its owner; where ``path`` is a symbolic link, the file it leads to is
    rewritten.  Blocks until the device has the bytes.

    Raises:
        InputError: ``path`` is a folder or a device.
        NotFoundError: the folder does not exist.
        OperationError: the disk is full, the place is read-only, or access is refused.
    """
    subject = str(path)
    try:
        target = path.resolve()
        before = target.stat() if target.exists() else None
    except (OSError, RuntimeError) as error:  # RuntimeError: a circle of links, until Python 3.13
        raise (
            file_error(error, subject) if isinstance(error, OSError) else InputError("the link leads in a circle", subject=subject)
        ) from error
    if before is not None and not stat.S_ISREG(before.st_mode):
        raise InputError("this is no regular file", subject=subject)
    if before is not None and not os.access(target, os.W_OK):
        # A rename would succeed all the same; who made the file read-only wants it to stay.
        raise OperationError("the file is read-only", subject=subject, hint="make it writable first")
    sibling = target.with_name(f".penstock-{secrets.token_hex(8)}")
    try:
        _write_new(sibling, content, before)
        sibling.replace(target)
        _flush_folder(target.parent)
    except OSError as error:
        raise file_error(error, subject) from error
    finally:
        with suppress(OSError):
            sibling.unlink(missing_ok=True)


def _write_new(path: Path, content: bytes, like: os.stat_result | None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _NEW_FILE_MODE if like is None else 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123  # a descriptor, not a path
        file.write(content)
        file.flush()
        if like is not None:
            with suppress(PermissionError):  # only root gives files away
                os.fchown(descriptor, like.st_uid, like.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(like.st_mode))
        os.fsync(descriptor)


def _flush_folder(folder: Path) -> None:
    """Make the rename itself durable; some file systems cannot flush folders, and need not."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
