"""The bytes of a plan into a file: ranges are copied by the kernel where it can, holes stay holes, and zeros become some.

``copy_file_range`` shares the blocks where the file system can (XFS, Btrfs), and copies without user space elsewhere; ``sendfile`` goes
across file systems; reading and writing goes everywhere.
"""

import errno
import os
from collections.abc import Callable, Iterator

from penstock.imageservice.overlay import Bytes, FileRange, Open, Plan, Zeros
from penstock.model.errors import VerificationError

_COPY_BYTES = 16 << 20
"""Between two of these a signal is seen."""
_READ_BYTES = 1 << 20
_CANNOT = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.ETXTBSY})

_Copy = Callable[[int, int, int, int, int], int]
"""Copies at most so many bytes: source, its offset, target, its offset, how many; gives how many it did, 0 at the end of the source."""


def copy_plan(plan: Plan, descriptor: int, open_source: Open, on_bytes: Callable[[int], None]) -> None:
    """Make an empty file what a plan says; blocks.

    Args:
        plan: the bytes.
        descriptor: of the file, open for writing.
        open_source: gives the open files of the plan's sources.
        on_bytes: is told each number of bytes that is done.

    Raises:
        VerificationError: a source ends before its size.
        OSError: the file cannot take them, or a source cannot be read.
    """
    # Whatever is not written from here on is a hole.
    os.ftruncate(descriptor, plan.size_bytes)
    position = 0
    for segment in plan.segments:
        if isinstance(segment, Bytes):
            write_at(descriptor, segment.content, position)
            on_bytes(segment.length)
        elif isinstance(segment, Zeros):
            on_bytes(segment.length)
        else:
            _copy_range(segment, open_source(segment.source).fileno(), descriptor, position, on_bytes)
        position += segment.length


def write_at(descriptor: int, content: bytes | memoryview, offset: int) -> None:
    """Write all of ``content`` at ``offset``: one system call, unless the kernel takes less.

    Raises:
        OSError: the file cannot take it.
    """
    view = memoryview(content)
    while view:
        done = os.pwrite(descriptor, view, offset)
        view, offset = view[done:], offset + done


def _copy_range(segment: FileRange, source: int, target: int, position: int, on_bytes: Callable[[int], None]) -> None:
    methods: list[_Copy] = [_by_copy_file_range, _by_sendfile, _by_reading]
    shift = position - segment.offset
    done_to = segment.offset
    for start, end in _data(source, segment.offset, segment.offset + segment.length):
        on_bytes(start - done_to)
        at = start
        while at < end:
            try:
                done = methods[0](source, at, target, at + shift, min(end - at, _COPY_BYTES))
            except OSError as error:
                if len(methods) == 1 or error.errno not in _CANNOT:
                    raise
                done = 0
            # Some file systems copy nothing and say that it went well.
            if not done and len(methods) == 1:
                raise VerificationError(f"the file ends at byte {at}, and had {segment.source.size_bytes}", subject=segment.source.name)
            if not done:
                del methods[0]
            at += done
            on_bytes(done)
        done_to = end
    on_bytes(segment.offset + segment.length - done_to)


def _data(descriptor: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The parts of a range that are no holes; all of it where the file system does not know."""
    while start < end:
        try:
            first = os.lseek(descriptor, start, os.SEEK_DATA)
            last = os.lseek(descriptor, first, os.SEEK_HOLE)
        except OSError as error:
            # ENXIO: nothing but a hole up to the end of the file.
            if error.errno != errno.ENXIO:
                yield start, end
            return
        if first < end:
            yield first, min(last, end)
        start = last


def _by_copy_file_range(source: int, offset: int, target: int, position: int, count: int) -> int:
    return os.copy_file_range(source, target, count, offset, position)


def _by_sendfile(source: int, offset: int, target: int, position: int, count: int) -> int:
    os.lseek(target, position, os.SEEK_SET)
    return os.sendfile(target, source, offset, count)


def _by_reading(source: int, offset: int, target: int, position: int, count: int) -> int:
    content = os.pread(source, min(count, _READ_BYTES), offset)
    write_at(target, content, position)
    return len(content)
