"""Holes in files: what is punched out reads as zeros and takes no room, and the file keeps its size and its open descriptors."""

import ctypes
import errno
import os
from collections.abc import Callable
from functools import cache

_KEEP_SIZE, _PUNCH_HOLE = 0x01, 0x02  # linux/falloc.h
_CANNOT = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EPERM})


def punch(descriptor: int, offset: int, length: int) -> bool:
    """Take a range out of a file (``fallocate(2)``); False where the file system or this machine cannot, and nothing was changed.

    Raises:
        OSError: the file cannot be written to.
    """
    call = _fallocate()
    if call is None:
        return False
    while call(descriptor, _PUNCH_HOLE | _KEEP_SIZE, offset, length):
        code = ctypes.get_errno()
        if code in _CANNOT:
            return False
        if code != errno.EINTR:
            raise OSError(code, os.strerror(code))
    return True


@cache
def _fallocate() -> Callable[[int, int, int, int], int] | None:
    """What Python's ``os`` has no name for: ``os.posix_fallocate`` makes room, and never holes."""
    library = ctypes.CDLL(None, use_errno=True)
    # With 64 bits for offsets wherever the C library tells the two apart.
    call = getattr(library, "fallocate64", None) or getattr(library, "fallocate", None)
    if call is None:
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    call.restype = ctypes.c_int
    return call  # type: ignore[no-any-return]
