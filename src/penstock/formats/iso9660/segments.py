"""Large content as a list of segments: byte strings and ranges of source files.

A segment list is a value: it can be compared, sliced and hashed without opening a file, and memory does not grow with what it
describes.  The sources are named; who copies says which open file each name stands for.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from penstock.model.errors import InputError, VerificationError

COPY_BYTES = 1 << 20
"""The most that is read at a time."""


class Extent(NamedTuple):
    """A contiguous range of a file, in bytes."""

    offset: int
    length: int

    @property
    def end(self) -> int:
        """The offset of the first byte behind it."""
        return self.offset + self.length


@dataclass(frozen=True, slots=True)
class FileRange:
    """``length`` bytes from ``offset`` of the file that the name ``source`` stands for."""

    source: str
    offset: int
    length: int


Segment = bytes | FileRange
Segments = tuple[Segment, ...]


def length_of(segment: Segment) -> int:
    """The length of one segment in bytes."""
    return len(segment) if isinstance(segment, bytes) else segment.length


def total_length(segments: Iterable[Segment]) -> int:
    """The length of a segment list in bytes."""
    return sum(map(length_of, segments))


def merged(segments: Iterable[Segment]) -> Segments:
    """The same bytes in as few segments as they take: empty ones dropped, neighbours joined."""
    out: list[Segment] = []
    pending: list[bytes] = []
    for segment in segments:
        if not length_of(segment):
            continue
        if isinstance(segment, bytes):
            pending.append(segment)
            continue
        if pending:
            out.append(b"".join(pending))
            pending = []
        last = out[-1] if out else b""
        if isinstance(last, FileRange) and last.source == segment.source and last.offset + last.length == segment.offset:
            out[-1] = FileRange(last.source, last.offset, last.length + segment.length)
        else:
            out.append(segment)
    if pending:
        out.append(b"".join(pending))
    return tuple(out)


def sliced(segments: Iterable[Segment], start: int, stop: int) -> Segments:
    """The bytes from ``start`` up to ``stop`` of a segment list, as a slice of a byte string gives them."""
    out: list[Segment] = []
    at = 0
    for segment in segments:
        low, high = max(start - at, 0), min(stop - at, length_of(segment))
        if low < high:
            cut = segment[low:high] if isinstance(segment, bytes) else FileRange(segment.source, segment.offset + low, high - low)
            out.append(cut)
        at += length_of(segment)
    return tuple(out)


def read_segments(segments: Iterable[Segment], sources: Mapping[str, BinaryIO]) -> Iterator[bytes]:
    """The bytes of a segment list, in pieces of at most :data:`COPY_BYTES`.

    Args:
        segments: what to read.
        sources: an open, seekable file for each name that the ranges use; their positions change.

    Raises:
        InputError: a source is missing.
        VerificationError: a source ends before a range of it does.
    """
    for segment in segments:
        if isinstance(segment, bytes):
            for start in range(0, len(segment), COPY_BYTES):
                yield segment[start : start + COPY_BYTES]
        else:
            yield from _read_range(segment, sources)


def _read_range(piece: FileRange, sources: Mapping[str, BinaryIO]) -> Iterator[bytes]:
    file = sources.get(piece.source)
    if file is None:
        raise InputError("no file was given for this source", subject=piece.source)
    done = 0
    while done < piece.length:
        # Sought each time: between two pieces the caller may have used the file for something else.
        file.seek(piece.offset + done)
        data = file.read(min(COPY_BYTES, piece.length - done))
        if not data:
            raise VerificationError(
                f"the file ends at byte {piece.offset + done}, within a range that goes on to {piece.offset + piece.length}",
                subject=piece.source,
                hint="the file was cut or replaced; fetch it again",
            )
        done += len(data)
        yield data
