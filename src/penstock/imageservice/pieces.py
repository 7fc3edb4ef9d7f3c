"""What plans consist of: ranges of files, bytes, and zeros that nobody has to hold; and the one form in which a plan says them.

Normal form: nothing is empty; neighbours that are one range of one file are one; and in each run of bytes that are no file's, every
longest run of at least :data:`ZEROS_FROM_BYTES` zeros is one :class:`Zeros`, and what lies between those is one :class:`Bytes` each.  So
the same bytes over the same files have one form, and lists in that form are joined by a look at the seam.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self, TypeAlias

ZEROS_FROM_BYTES = 4096
"""Shorter runs of zeros stand among other bytes."""

_BLOCK_BYTES = ZEROS_FROM_BYTES // 2
"""A run that counts has a whole block in it, wherever it starts, so that every other byte need not be looked at."""

_ZERO_BLOCK = bytes(_BLOCK_BYTES)


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
    _sha256: str = field(default="", init=False, repr=False, compare=False)

    @property
    def length(self) -> int:
        """How many."""
        return len(self.content)

    @property
    def sha256(self) -> str:
        """Their SHA-256 in hexadecimal; worked out once, as the large ones of a base are in the plan of every host."""
        if not self._sha256:
            object.__setattr__(self, "_sha256", hashlib.sha256(self.content).hexdigest())
        return self._sha256

    def part(self, start: int, end: int) -> "Bytes":
        """The bytes from ``start`` to before ``end``, counted inside the segment."""
        return Bytes(self.content[start:end])


@dataclass(frozen=True, slots=True)
class Zeros:
    """``length`` zeros; they take no memory."""

    length: int

    def part(self, start: int, end: int) -> "Zeros":
        """The zeros from ``start`` to before ``end``, counted inside the segment."""
        return Zeros(end - start)


Segment: TypeAlias = FileRange | Bytes | Zeros


def normal(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """The same bytes in normal form."""
    made: list[Segment] = []
    for segment in segments:
        if isinstance(segment, Bytes):
            for piece in _without_zeros(segment.content):
                add(made, piece)
        elif isinstance(segment, Zeros) and segment.length < ZEROS_FROM_BYTES:
            add(made, Bytes(bytes(segment.length)))
        else:
            add(made, segment)
    return tuple(made)


def cut(segment: Segment, start: int, end: int) -> Segment:
    """A part of a segment of a normal list, in normal form; of all of it the segment itself."""
    if not start and end == segment.length:
        return segment
    part = segment.part(start, end)
    return Bytes(bytes(part.length)) if isinstance(part, Zeros) and part.length < ZEROS_FROM_BYTES else part


def add(made: list[Segment], segment: Segment) -> None:
    """Put a segment, which is in normal form by itself, behind a list in normal form, which stays in it."""
    if not segment.length:
        return
    if not made:
        made.append(segment)
        return
    last = made[-1]
    if isinstance(last, FileRange) or isinstance(segment, FileRange):
        made[-1:] = _ranges(last, segment)
        return
    behind, before = _zeros_behind(last), _zeros_before(segment)
    if behind + before < ZEROS_FROM_BYTES:
        if isinstance(last, Bytes) and isinstance(segment, Bytes):  # a Zeros would be enough by itself
            made[-1] = Bytes(last.content + segment.content)
        return
    pieces = (cut(last, 0, last.length - behind), Zeros(behind + before), cut(segment, before, segment.length))
    made[-1:] = [piece for piece in pieces if piece.length]


def _ranges(first: Segment, second: Segment) -> tuple[Segment, ...]:
    """Two segments, of which at least one is a range of a file, as one where they are one."""
    if isinstance(first, FileRange) and isinstance(second, FileRange):
        follows = first.source == second.source and first.offset + first.length == second.offset
        if follows:
            return (FileRange(first.source, first.offset, first.length + second.length),)
    return (first, second)


def _zeros_behind(segment: Bytes | Zeros) -> int:
    if isinstance(segment, Zeros):
        return segment.length
    tail = segment.content[-ZEROS_FROM_BYTES:]  # there are fewer than that
    return len(tail) - len(tail.rstrip(b"\0"))


def _zeros_before(segment: Bytes | Zeros) -> int:
    if isinstance(segment, Zeros):
        return segment.length
    head = segment.content[:ZEROS_FROM_BYTES]
    return len(head) - len(head.lstrip(b"\0"))


def _without_zeros(content: bytes) -> Iterator[Segment]:
    """The bytes in pieces, long runs of zeros taken out."""
    done = 0
    for start, end in _long_zeros(content):
        if done < start:
            yield Bytes(content[done:start])
        yield Zeros(end - start)
        done = end
    if done < len(content):
        yield Bytes(content[done:])


def _long_zeros(content: bytes) -> Iterator[tuple[int, int]]:
    """Where the long runs of zeros start and end."""
    at = 0
    while at + _BLOCK_BYTES <= len(content):
        if content[at : at + _BLOCK_BYTES] != _ZERO_BLOCK:
            at += _BLOCK_BYTES
            continue
        before = content[max(at - _BLOCK_BYTES, 0) : at]
        start = at - len(before) + len(before.rstrip(b"\0"))
        at += _BLOCK_BYTES
        while content[at : at + _BLOCK_BYTES] == _ZERO_BLOCK:
            at += _BLOCK_BYTES
        rest = content[at : at + _BLOCK_BYTES]
        end = at + len(rest) - len(rest.lstrip(b"\0"))
        if end - start >= ZEROS_FROM_BYTES:
            yield start, end
        at += _BLOCK_BYTES
