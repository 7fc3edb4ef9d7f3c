"""Locks on files between processes (``flock``), also where a file system has none."""

import errno
import fcntl
import os
from enum import Enum
from pathlib import Path

_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})
_TRIES = 8


class NoLock(Enum):
    """Why there is no lock."""

    BUSY = "busy"
    """Somebody else has it."""
    UNSUPPORTED = "unsupported"
    """The file system knows no locks (some network shares)."""


def take_lock(path: Path, *, wait: bool) -> int | NoLock:
    """A descriptor that holds the lock on ``path``, which is made where it is missing; closing it gives the lock back.

    Whoever holds the lock may remove the file.

    Raises:
        OSError: the file cannot be made or opened.
    """
    for _ in range(_TRIES):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(descriptor, path):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return NoLock.BUSY
        except OSError as error:
            os.close(descriptor)
            if error.errno in _NO_LOCKS:
                return NoLock.UNSUPPORTED
            raise
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    return NoLock.BUSY


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the file was not removed between opening and locking."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def is_locked(path: Path) -> bool | NoLock:
    """Whether somebody else holds a lock on ``path``; nobody is kept out meanwhile, and others may ask at the same time.

    Raises:
        OSError: the file is not there, or cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return NoLock.UNSUPPORTED
        raise
    else:
        return False
    finally:
        os.close(descriptor)
