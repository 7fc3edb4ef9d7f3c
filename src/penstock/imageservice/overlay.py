"""Files as plans: a list of segments, each a range of a file that is there or bytes that are not, and never a copy.

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
from penstock.model.errors import VerificationError

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """A file whose bytes do not change as long as its identity does not.

    Attributes:
        name: by which the caller finds the file (a path); no part of the identity.
        size_bytes: of the whole file.
        identity: what tells these bytes from others: :meth:`by_digest` where the digest is known, else :meth:`by_stat`.
    """

    name: str
    size_bytes: int
    identity: str

    @classmethod
    def by_digest(cls, name: str, size_bytes: int, digest: str) -> Self:
        """A file whose digest (``sha256:…``) was verified."""
        return cls(name, size_bytes, f"digest {digest}")

    @classmethod
    def by_stat(cls, name: str, size_bytes: int, *, mtime_ns: int, inode: int) -> Self:
        """A file that is known by what ``stat`` says; every change of its bytes must change one of these."""
        return cls(name, size_bytes, f"stat {size_bytes} {mtime_ns} {inode}")


@dataclass(frozen=True, slots=True)
class FileRange:
    """``length`` bytes of ``source`` from ``offset``."""

    source: Source
    offset: int
    length: int

    def part(self, start: int, end: int) -> "FileRange":
        """The bytes from ``start`` to before ``end``, counted inside the segment."""
        return FileRange(self.source, self.offset + start, end - start)


@dataclass(frozen=True, slots=True)
class Bytes:
    """These bytes; they may hold passwords, so that their ``repr`` is without them."""

    content: bytes = field(repr=False)

    @property
    def length(self) -> int:
        """How many."""
        return len(self.content)

    def part(self, start: int, end: int) -> "Bytes":
        """The bytes from ``start`` to before ``end``, counted inside the segment."""
        return Bytes(self.content[start:end])


Segment: TypeAlias = FileRange | Bytes
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

    Neighbours that are one range of one file, or both bytes, are joined, and empty segments left out, so that plans which say the same
    in other pieces are equal and have one ETag.
    """

    __slots__ = ("_ends", "segments")

    def __init__(self, segments: Iterable[Segment]) -> None:
        self.segments: tuple[Segment, ...] = tuple(_joined(segments))
        self._ends = tuple(accumulate(segment.length for segment in self.segments))

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

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self.segments == other.segments

    def __hash__(self) -> int:
        return hash(self.segments)

    def __repr__(self) -> str:
        """Sizes alone: the bytes may hold passwords."""
        return f"Plan({self.size_bytes} bytes in {len(self.segments)} segments)"

    def __add__(self, other: "Plan") -> "Plan":
        """This file with the other behind it."""
        return Plan((*self.segments, *other.segments))

    def slice(self, start: int, end: int) -> "Plan":
        """The bytes from ``start`` to before ``end``, both 0 or more; beyond the end there are none."""
        start, end = max(start, 0), min(end, self.size_bytes)
        return Plan(self._parts(start, end))

    def etag(self) -> str:
        """A strong ETag (RFC 9110 8.8.3), quoted: it is another one if any byte may be another.

        Made of the segments: of bytes their SHA-256, of file ranges the identity of the file.  Hashes all bytes; keep it.
        """
        digest = hashlib.sha256()
        for segment in self.segments:
            if isinstance(segment, Bytes):
                line = f"bytes {segment.length} {hashlib.sha256(segment.content).hexdigest()}"
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
            else:
                yield from _read(open_source(segment.source), segment, chunk_bytes)

    def _parts(self, start: int, end: int) -> Iterator[Segment]:
        index = bisect_right(self._ends, start)
        while start < end:
            segment = self.segments[index]
            begins_at = self._ends[index] - segment.length
            stop = min(end, self._ends[index])
            yield segment.part(start - begins_at, stop - begins_at)
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
    segments: list[Segment] = []
    position = 0
    for patch in ordered:
        segments += (*base.slice(position, patch.offset).segments, Bytes(patch.content))
        position = patch.end
    return Plan((*segments, *base.slice(position, base.size_bytes).segments))


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


def _joined(segments: Iterable[Segment]) -> Iterator[Segment]:
    last: Segment | None = None
    for segment in segments:
        if not segment.length:
            continue
        joined = _one(last, segment) if last is not None else None
        if joined is None and last is not None:
            yield last
        last = joined or segment
    if last is not None:
        yield last


def _one(first: Segment, second: Segment) -> Segment | None:
    """The two as one segment, where they are one."""
    if isinstance(first, Bytes) and isinstance(second, Bytes):
        return Bytes(first.content + second.content)
    if isinstance(first, FileRange) and isinstance(second, FileRange):
        follows = first.source == second.source and first.offset + first.length == second.offset
        return FileRange(first.source, first.offset, first.length + second.length) if follows else None
    return None


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
