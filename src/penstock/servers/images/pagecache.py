"""What of a file the kernel has in memory, and reading what it has not: ``sendfile`` would wait for the disk, and with it the event loop.

``posix_fadvise`` with ``WILLNEED`` is no way around: what is not there makes the call itself wait for about as long.
"""

import os
from typing import Final

from penstock.ports import ImageFile

_STEP_BYTES: Final = 1 << 20
"""One byte of so many is looked for, and so many are read at a time."""


def is_cold(file: ImageFile, offset: int, count: int) -> bool:
    """Whether a part of this range would have to be read from a disk, as far as some of its bytes tell; takes a few microseconds.

    False where the file system cannot tell.
    """
    descriptor, byte = file.file.fileno(), bytearray(1)
    try:
        for position in (*range(offset, offset + count, _STEP_BYTES), offset + count - 1):
            os.preadv(descriptor, [byte], position, os.RWF_NOWAIT)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def warm(file: ImageFile, offset: int, count: int) -> None:
    """Read this range, so that the kernel has it in memory; for a worker thread, and up to where the file ends.

    It takes the file and not its descriptor: as long as it runs the file is held, although nobody else may want it any more.

    Raises:
        OSError: it cannot be read.
    """
    room, end = memoryview(bytearray(min(count, _STEP_BYTES))), offset + count
    while offset < end:
        read = os.preadv(file.file.fileno(), [room[: end - offset]], offset)
        if not read:
            return
        offset += read
