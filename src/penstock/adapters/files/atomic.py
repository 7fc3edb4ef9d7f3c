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
_PRIVATE_MODE = 0o600


def write_atomic(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Write ``content`` to ``path``, whole or not at all.

    A file that is there keeps its mode and, where that is allowed, its owner; where ``path`` is a symbolic link, the file it leads to is
    rewritten.  Blocks until the device has the bytes.

    Args:
        path: of the file; its folder exists.
        content: all of it.
        mode: of the file from now on, also of the hidden sibling; None for that of the old file, else what the umask leaves.

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
        _write_new(sibling, content, before, mode)
        sibling.replace(target)
        _flush_folder(target.parent)
    except OSError as error:
        raise file_error(error, subject) from error
    finally:
        with suppress(OSError):
            sibling.unlink(missing_ok=True)


def put_private(path: Path, content: bytes) -> None:
    """Give the name ``path`` to a new file with ``content`` that its owner alone may read.

    What has the name loses it: a link is replaced and what it leads to stays as it is, a reader keeps the file that it opened.  Blocks
    until the device has the bytes.

    Raises:
        InputError: ``path`` is a folder.
        NotFoundError: the folder does not exist.
        OperationError: the disk is full, the place is read-only, or access is refused.
    """
    sibling = path.with_name(f".penstock-{secrets.token_hex(8)}")
    try:
        _write_new(sibling, content, None, mode=_PRIVATE_MODE)
        sibling.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise file_error(error, str(path)) from error
    finally:
        with suppress(OSError):
            sibling.unlink(missing_ok=True)


def _write_new(path: Path, content: bytes, like: os.stat_result | None, mode: int | None) -> None:
    narrow = like is not None or mode is not None
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600 if narrow else _NEW_FILE_MODE)
    with open(descriptor, "wb") as file:  # noqa: PTH123  # a descriptor, not a path
        file.write(content)
        file.flush()
        if like is not None:
            with suppress(PermissionError):  # only root gives files away
                os.fchown(descriptor, like.st_uid, like.st_gid)
        wanted = stat.S_IMODE(like.st_mode) if mode is None and like is not None else mode
        if wanted is not None:
            os.fchmod(descriptor, wanted)
        os.fsync(descriptor)


def _flush_folder(folder: Path) -> None:
    """Make the rename itself durable; some file systems cannot flush folders, and need not."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
