"""Files as plans: a list of segments, each a range of a file that is there, bytes that are not, or zeros, and never a copy.

A plan is worth the file it describes: it has a size, any range of it is a plan again, its ETag is known before a byte is read, and
what it yields is read in pieces of bounded size.  A thousand users of one ISO are a thousand short lists.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import BinaryIO, Self, TypeAlias

from penstock.formats.iso9660 import segments as segmented
from penstock.imageservice.pieces import ZEROS_FROM_BYTES, Bytes, FileRange, Segment, Source, Zeros, add, cut, normal
from penstock.model.errors import VerificationError

__all__ = [
    "CHUNK_BYTES",
    "ZEROS_FROM_BYTES",
    "Bytes",
    "FileRange",
    "Open",
    "Patch",
    "Plan",
    "Segment",
    "Source",
    "Zeros",
    "overlay",
    "patched",
    "plan_of",
    "whole",
]

CHUNK_BYTES = 1 << 20
_ZEROS = memoryview(bytes(CHUNK_BYTES))

Open: TypeAlias = Callable[[Source], BinaryIO]
"""Gives the open, seekable file of a source; it stays the caller's to close."""


@dataclass(frozen=True, slots=True)
class Patch:
    """Bytes that stand in place of as many others.

    Attributes:
        offset: where, in bytes from the start of the base.
        content: what.
        label: what it is for, in words of the user (``Ignition config``).
    """

    offset: int
    content: bytes = field(repr=False)
    label: str = ""

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.offset + len(self.content)


class Plan:
    """What a file consists of, first byte to last; make one with :meth:`of` or :func:`overlay`.

    The segments are in the normal form of :mod:`penstock.imageservice.pieces`, so that plans which say the same in other pieces are equal
    and have one ETag.
    """

    __slots__ = ("_ends", "segments")

    def __init__(self, segments: Iterable[Segment], *, are_normal: bool = False) -> None:
        self.segments: tuple[Segment, ...] = tuple(segments) if are_normal else normal(segments)
        self._ends = tuple(accumulate(segment.length for segment in self.segments))

    @classmethod
    def joined(cls, *lists: Iterable[Segment]) -> Self:
        """The plan of lists in normal form one behind another, such as those of other plans; it looks where they meet, and nowhere else."""
        made: list[Segment] = []
        for segments in lists:
            for segment in segments:
                add(made, segment)
        return cls(made, are_normal=True)

    @classmethod
    def of(cls, *segments: Segment) -> Self:
        """The plan of these segments.

        Raises:
            VerificationError: a range lies outside of its file.
        """
        for segment in segments:
            if isinstance(segment, FileRange):
                _must_lie_inside(segment)
        return cls(segments)

    @property
    def size_bytes(self) -> int:
        """The size of the file."""
        return self._ends[-1] if self._ends else 0

    @property
    def literal_bytes(self) -> int:
        """How many bytes it holds in memory: those that are in no file, zeros aside."""
        return sum(segment.length for segment in self.segments if isinstance(segment, Bytes))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self.segments == other.segments

    def __hash__(self) -> int:
        return hash(self.segments)

    def __repr__(self) -> str:
        """Sizes alone: the bytes may hold passwords."""
        return f"Plan({self.size_bytes} bytes in {len(self.segments)} segments)"

    def __add__(self, other: "Plan") -> "Plan":
        """This file with the other behind it."""
        return Plan.joined(self.segments, other.segments)

    def slice(self, start: int, end: int) -> "Plan":
        """The bytes from ``start`` to before ``end``, both 0 or more; beyond the end there are none."""
        start, end = max(start, 0), min(end, self.size_bytes)
        return Plan.joined(self._parts(start, end))

    def etag(self) -> str:
        """A strong ETag (RFC 9110 8.8.3), quoted: it is another one if any byte may be another.

        Made of the segments: of bytes their SHA-256, of file ranges the identity of the file.  Hashes the literal bytes that no
        other plan has hashed.
        """
        digest = hashlib.sha256()
        for segment in self.segments:
            if isinstance(segment, Bytes):
                line = f"bytes {segment.length} {segment.sha256}"
            elif isinstance(segment, Zeros):
                line = f"zeros {segment.length}"
            else:
                line = f"range {segment.offset} {segment.length} {segment.source.identity}"
            digest.update(f"{len(line.encode())}:{line}".encode())
        return f'"{digest.hexdigest()}"'

    def sources(self) -> frozenset[Source]:
        """The files that are needed."""
        return frozenset(segment.source for segment in self.segments if isinstance(segment, FileRange))

    def iter_chunks(self, open_source: Open, *, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes | memoryview]:
        """The bytes in order, in pieces of at most ``chunk_bytes``, none of them empty; blocks while it reads.

        Raises:
            VerificationError: a file ends before its size.
        """
        for segment in self.segments:
            if isinstance(segment, Bytes):
                view = memoryview(segment.content)
                yield from (view[start : start + chunk_bytes] for start in range(0, len(view), chunk_bytes))
            elif isinstance(segment, Zeros):
                step = min(chunk_bytes, len(_ZEROS))
                yield from (_ZEROS[: min(step, segment.length - start)] for start in range(0, segment.length, step))
            else:
                yield from _read(open_source(segment.source), segment, chunk_bytes)

    def _parts(self, start: int, end: int) -> Iterator[Segment]:
        index = bisect_right(self._ends, start)
        while start < end:
            segment = self.segments[index]
            begins_at = self._ends[index] - segment.length
            stop = min(end, self._ends[index])
            yield cut(segment, start - begins_at, stop - begins_at)
            start, index = stop, index + 1


def overlay(base: Source, patches: Iterable[Patch]) -> Plan:
    """``base`` with patches over it, of the same size.

    Raises:
        VerificationError: a patch lies outside of the base, or two lie over one another: the areas that the file declares are wrong.
    """
    return patched(whole(base), patches, subject=base.name)


def patched(base: Plan, patches: Iterable[Patch], *, subject: str) -> Plan:
    """What :func:`overlay` makes, of a file that is a plan itself, as a minimal ISO is.

    Args:
        base: the plan.
        patches: in any order; offsets are those of the planned file.
        subject: what that file is called in errors.

    Raises:
        VerificationError: a patch lies outside of the base, or two lie over one another: the areas that the file declares are wrong.
    """
    ordered = sorted((patch for patch in patches if patch.content), key=lambda patch: patch.offset)
    for patch in ordered:
        if patch.offset < 0 or patch.end > base.size_bytes:
            raise VerificationError(
                f"{_called(patch)} lies outside of the file, which has {base.size_bytes} bytes",
                subject=subject,
                hint="the image was cut, or its description is wrong",
            )
    for first, second in pairwise(ordered):
        if first.end > second.offset:
            raise VerificationError(f"{_called(first)} and {_called(second)} overlap", subject=subject, hint="its description is wrong")
    pieces: list[Iterable[Segment]] = []
    position = 0
    for patch in ordered:
        pieces += (base.slice(position, patch.offset).segments, normal([Bytes(patch.content)]))
        position = patch.end
    return Plan.joined(*pieces, base.slice(position, base.size_bytes).segments)


def plan_of(segments: Iterable[segmented.Segment], sources: Mapping[str, Source]) -> Plan:
    """The plan that a segment list of :mod:`penstock.formats.iso9660.segments` says, as a minimal or a new ISO is.

    Args:
        segments: byte strings and ranges of named files.
        sources: the file of each name.

    Raises:
        VerificationError: a range lies outside of its file.
    """
    return Plan.of(
        *(
            Bytes(segment) if isinstance(segment, bytes) else FileRange(sources[segment.source], segment.offset, segment.length)
            for segment in segments
        )
    )


def whole(source: Source) -> Plan:
    """The file as it is."""
    return Plan((FileRange(source, 0, source.size_bytes),))


def _must_lie_inside(segment: FileRange) -> None:
    if segment.offset < 0 or segment.length < 0 or segment.offset + segment.length > segment.source.size_bytes:
        raise VerificationError(
            f"the range of {segment.length} bytes at {segment.offset} lies outside of the file, which has {segment.source.size_bytes}",
            subject=segment.source.name,
            hint="the image was cut, or its description is wrong",
        )


def _called(patch: Patch) -> str:
    return f"{patch.label or 'the patch'} ({len(patch.content)} bytes at {patch.offset})"


def _read(file: BinaryIO, segment: FileRange, chunk_bytes: int) -> Iterator[bytes]:
    position, end = segment.offset, segment.offset + segment.length
    while position < end:
        # Every time: the caller may give one file to several plans.
        file.seek(position)
        chunk = file.read(min(chunk_bytes, end - position))
        if not chunk:
            raise VerificationError(
                f"the file ends at byte {position}, and had {segment.source.size_bytes}",
                subject=segment.source.name,
                hint="it was changed while it was read",
            )
        position += len(chunk)
        yield chunk
