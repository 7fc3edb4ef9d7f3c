"""By what a host's ISO is known although no two are alike: its bytes outside of the areas that it declares.

An ISO says itself where an Ignition config, kernel arguments and a ramdisk go, and says the same after they were written.  With zeros in
these areas it has the digest that its base has with zeros in them.  Which of a base's ISOs it is, the bytes of the areas tell: these and
the digest of the rest have a digest of their own, for which nobody has to keep what was served.
"""

import hashlib
import io
from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO

from penstock.formats.coreos_iso.embed import find_embed_area
from penstock.formats.coreos_iso.image import IsoImage
from penstock.formats.coreos_iso.kargs import read_kargs
from penstock.imageservice.overlay import FileRange, Plan, Segment, Source, Zeros
from penstock.imageservice.prepare import ramdisk_area
from penstock.imageservice.prepared import Area, areas_of
from penstock.model.digest import Digest
from penstock.model.errors import VerificationError


def declared_areas(iso: IsoImage) -> tuple[Area, ...]:
    """The ranges in which an ISO may differ from the one that it was made of, as it says itself; front to back.

    Raises:
        InputError: it is no live ISO of CoreOS, or a document in it is damaged.
        VerificationError: it is damaged.
    """
    return areas_of(find_embed_area(iso), read_kargs(iso), ramdisk_area(iso))


def outside_digest(file: BinaryIO, areas: Iterable[Area]) -> Digest:
    """The SHA-256 of a file with zeros in ``areas``; reads all of it, in pieces, and blocks.

    Args:
        file: seekable; a plan is one through ``open_plan``.
        areas: in any order; they may overlap.

    Raises:
        VerificationError: an area lies outside of the file.
    """
    size_bytes = file.seek(0, io.SEEK_END)
    sha256 = hashlib.sha256()
    for chunk in _outside(Source("", size_bytes, ""), areas).iter_chunks(lambda _: file):
        sha256.update(chunk)
    return Digest("sha256", sha256.hexdigest())


class InsideHash:
    """Works out the digest by which one served ISO is told from the others of its base.

    It is the SHA-256 of the bytes of its areas, front to back, and behind them the digest of its bytes outside of them, as text.
    """

    def __init__(self, areas: Iterable[Area]) -> None:
        """Nothing was passed yet.

        Args:
            areas: front to back.
        """
        self._areas = tuple(areas)
        self._sha256 = hashlib.sha256()

    def update(self, position: int, content: bytes | memoryview) -> None:
        """Pass bytes of the ISO, which stand at ``position``; from front to back, what lies outside of the areas may be left out."""
        view = memoryview(content)
        for area in self._areas:
            start, end = max(area.offset - position, 0), min(area.end - position, len(view))
            if start < end:
                self._sha256.update(view[start:end])

    def digest(self, outside: Digest) -> Digest:
        """The digest, once all was passed.

        Args:
            outside: what :func:`outside_digest` gives.
        """
        whole = self._sha256.copy()
        whole.update(str(outside).encode())
        return Digest("sha256", whole.hexdigest())


def inside_digest(plan: Plan, areas: Sequence[Area], open_source: Callable[[Source], BinaryIO], outside: Digest) -> Digest:
    """The digest of :class:`InsideHash` for an ISO that is a plan; reads the areas alone, and blocks."""
    found = InsideHash(areas)
    for area in areas:
        position = area.offset
        for chunk in plan.slice(area.offset, area.end).iter_chunks(open_source):
            found.update(position, chunk)
            position += len(chunk)
    return found.digest(outside)


def _outside(source: Source, areas: Iterable[Area]) -> Plan:
    segments: list[Segment] = []
    position = 0
    for area in sorted(areas, key=lambda area: area.offset):
        if area.offset < 0 or area.end > source.size_bytes:
            raise VerificationError(
                f"the area of {area.length} bytes at {area.offset} lies outside of the file, which has {source.size_bytes}",
                hint="the ISO was cut; take it anew",
            )
        if area.offset > position:
            segments.append(FileRange(source, position, area.offset - position))
        segments.append(Zeros(max(area.end - max(area.offset, position), 0)))
        position = max(position, area.end)
    return Plan.of(*segments, FileRange(source, position, source.size_bytes - position))
