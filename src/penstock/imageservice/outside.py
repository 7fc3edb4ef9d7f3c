"""By what a host's ISO is known although no two are alike: its bytes outside of the areas that it declares.

An ISO says itself where an Ignition config, kernel arguments and a ramdisk go, and says the same after they were written.  With zeros in
these areas it has the digest that its base has with zeros in them.
"""

import hashlib
import io
from collections.abc import Iterable
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
