"""Large bytes of plans, put aside into a file: what all hosts share is in memory for none of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from penstock.imageservice.overlay import Bytes, FileRange, Plan, Segment, Source, whole
from penstock.imageservice.prepared import Base, PreparedImage
from penstock.model.digest import Digest
from penstock.ports import ImageFile

LEAST_BYTES = 65536
"""Smaller pieces stay in memory: a plan with many small ranges of a file costs more than they do."""

PutAside: TypeAlias = Callable[[bytes], ImageFile]
"""Writes bytes into a file without a name, which is gone once it is closed; blocking."""


@dataclass(frozen=True, slots=True)
class AsideImage:
    """An image whose plans hold little.

    Attributes:
        prepared: without the bytes of nmstatectl.
        nmstate: these as a plan, or None where there are none.
        source: the file with what was put aside, or None where nothing was.
        content: its bytes.
    """

    prepared: PreparedImage
    nmstate: Plan | None
    source: Source | None
    content: bytes = field(repr=False)


def put_aside(prepared: PreparedImage) -> AsideImage:
    """The same image with its large bytes in one file, the same file in every process."""
    pieces: dict[bytes, int] = {}
    bases = [base for base in (prepared.minimal, prepared.minimal_with_ramdisk) if base is not None]
    for content in _large(prepared, bases):
        pieces.setdefault(content, sum(map(len, pieces)))
    if not pieces:
        return AsideImage(prepared, None, None, b"")
    content = b"".join(pieces)
    source = Source.by_digest("put aside", len(content), str(Digest.of(content)))

    def moved(segment: Segment) -> Segment:
        at = pieces.get(segment.content) if isinstance(segment, Bytes) else None
        return segment if at is None else FileRange(source, at, segment.length)

    # Two uses of one base stay one object.
    new = {id(base): replace(base, plan=Plan(map(moved, base.plan.segments))) for base in bases}
    nmstate = None
    if prepared.nmstate:
        nmstate = whole(source).slice(pieces[prepared.nmstate], pieces[prepared.nmstate] + len(prepared.nmstate))
    slim = replace(
        prepared, nmstate=b"", minimal=_renewed(prepared.minimal, new), minimal_with_ramdisk=_renewed(prepared.minimal_with_ramdisk, new)
    )
    return AsideImage(slim, nmstate, source, content)


def _large(prepared: PreparedImage, bases: list[Base]) -> Iterator[bytes]:
    if prepared.nmstate:
        yield prepared.nmstate
    for base in bases:
        for segment in base.plan.segments:
            if isinstance(segment, Bytes) and segment.length >= LEAST_BYTES:
                yield segment.content


def _renewed(base: Base | None, new: dict[int, Base]) -> Base | None:
    return None if base is None else new[id(base)]
