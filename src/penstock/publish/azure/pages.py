"""Which pages of a blob are to be sent: ranges of a disk, in pieces that one request takes; pure."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from penstock.model.push.content import Extent

PAGE_BYTES = 512
MOST_BYTES = 4 << 20
"""Put Page takes no more at a time."""
GAP_BYTES = 64 << 10
"""Zeros between data that are sent with it, because a request costs more."""

_ZEROS = bytes(GAP_BYTES)


def pieces(extents: Iterable[Extent], size_bytes: int) -> Iterator[Extent]:
    """The ranges to read, in order: whole pages, each within one 4 MiB block of the disk, gaps of less than 64 KiB closed.

    Args:
        extents: of the disk that hold data, in order.
        size_bytes: of the disk, a multiple of 512.
    """
    start = end = -1
    for extent in extents:
        low = extent.offset // PAGE_BYTES * PAGE_BYTES
        high = min(-(-(extent.offset + extent.length) // PAGE_BYTES) * PAGE_BYTES, size_bytes)
        if low - end < GAP_BYTES and start >= 0:
            end = max(end, high)
            continue
        if start >= 0:
            yield from _cut(start, end)
        start, end = low, high
    if start >= 0:
        yield from _cut(start, end)


def data_in(offset: int, data: bytes) -> Iterator[Extent]:
    """The ranges of a piece that hold something other than zeros, for disks that have zeros and no holes.

    Args:
        offset: of the piece in the disk, a multiple of 512.
        data: of the piece.
    """
    start = -1
    for low in range(0, len(data), GAP_BYTES):
        length = min(GAP_BYTES, len(data) - low)
        empty = data.startswith(_ZEROS[:length], low)
        if empty and start >= 0:
            yield Extent(offset + start, low - start)
            start = -1
        elif not empty and start < 0:
            start = low
    if start >= 0:
        yield Extent(offset + start, len(data) - start)


class Written:
    """The ranges that a blob has already, as the service tells them: sorted or not, touching or not."""

    def __init__(self, ranges: Iterable[Extent] = ()) -> None:
        """These."""
        self._starts: list[int] = []
        self._ends: list[int] = []
        for each in sorted(ranges, key=lambda one: one.offset):
            if self._ends and each.offset <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], each.offset + each.length)
            else:
                self._starts.append(each.offset)
                self._ends.append(each.offset + each.length)

    def covers(self, extent: Extent) -> bool:
        """Whether all of it was written."""
        found = bisect_right(self._starts, extent.offset) - 1
        return found >= 0 and extent.offset + extent.length <= self._ends[found]

    def missing(self, extents: Sequence[Extent]) -> list[Extent]:
        """Those of which something was not."""
        return [each for each in extents if not self.covers(each)]


def _cut(start: int, end: int) -> Iterator[Extent]:
    while start < end:
        high = min(end, (start // MOST_BYTES + 1) * MOST_BYTES)
        yield Extent(start, high - start)
        start = high
