"""A host's ISO has the digest of its base outside of the areas that it declares, whatever was written into them."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.demo.small_iso import make_small_iso
from penstock.formats.coreos_iso.image import IsoImage
from penstock.imageservice.assembly import Assembled, assemble_iso
from penstock.imageservice.outside import declared_areas, outside_digest
from penstock.imageservice.overlay import Plan, Source
from penstock.imageservice.planfile import open_plan
from penstock.imageservice.prepare import prepare, prepare_minimal
from penstock.imageservice.prepared import Area, Base
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import VerificationError

if TYPE_CHECKING:
    from tests.unit.imageservice.conftest import LiveFiles, MakeIso, OpenIso

CONTENT = make_small_iso("418.94-0", Arch.X86_64, squashfs=b"root file system" * 5000, created_s=0)
SOURCE = Source.by_digest("full.iso", len(CONTENT), "sha256:0")
ROOTFS_URL = "http://192.0.2.1/boot-artifacts/rootfs?arch=x86_64&version=418.94-0"
Opened = Callable[[Source], BytesIO]

CONFIGS = st.binary(max_size=3000).map(lambda blob: b'{"ignition": {"version": "3.4.0"}, "x": "' + blob.hex().encode() + b'"}')
WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=12)
ARGUMENTS = st.lists(WORDS, max_size=6).map(tuple)
RAMDISKS = st.one_of(st.just(b""), st.binary(min_size=1, max_size=2000))


def opened(source: Source) -> BytesIO:
    assert source == SOURCE
    return BytesIO(CONTENT)


def image(plan: Plan) -> IsoImage:
    return IsoImage(open_plan(plan, opened), name="some.iso")


def outside_of(plan: Plan) -> Digest:
    return outside_digest(open_plan(plan, opened), declared_areas(image(plan)))


def bytes_of(plan: Plan) -> bytes:
    return b"".join(bytes(chunk) for chunk in plan.iter_chunks(opened))


def base(*, is_minimal: bool) -> Base:
    iso = IsoImage(BytesIO(CONTENT), name="full.iso")
    prepared = prepare(iso, SOURCE)
    if not is_minimal:
        return prepared.full
    made = prepare_minimal(iso, prepared, rootfs_url=ROOTFS_URL, nmstate=b"nmstatectl").minimal_with_ramdisk
    assert made is not None
    return made


BASES = {is_minimal: base(is_minimal=is_minimal) for is_minimal in (False, True)}
OUTSIDES = {is_minimal: outside_of(made.plan) for is_minimal, made in BASES.items()}


def assembled(is_minimal: bool, config: bytes, arguments: tuple[str, ...], ramdisk: bytes) -> Assembled:
    return assemble_iso(BASES[is_minimal], config=config, arguments=arguments, ramdisk=ramdisk if is_minimal else b"")


@given(st.booleans(), CONFIGS, ARGUMENTS, RAMDISKS)
def test_every_differing_byte_lies_in_what_is_said_to_be_overlaid_and_in_the_areas(
    is_minimal: bool, config: bytes, arguments: tuple[str, ...], ramdisk: bytes
) -> None:
    host = assembled(is_minimal, config, arguments, ramdisk)
    before, after = bytes_of(BASES[is_minimal].plan), bytes_of(host.plan)
    assert len(before) == len(after)
    position = 0
    for part in host.overlaid:
        assert before[position : part.offset] == after[position : part.offset]
        assert any(area.offset <= part.offset and part.offset + part.length <= area.end for area in BASES[is_minimal].areas)
        position = part.offset + part.length
    assert before[position:] == after[position:]


@given(st.booleans(), CONFIGS, ARGUMENTS, RAMDISKS)
def test_a_hosts_iso_declares_the_areas_of_its_base_and_has_its_digest_outside(
    is_minimal: bool, config: bytes, arguments: tuple[str, ...], ramdisk: bytes
) -> None:
    host = assembled(is_minimal, config, arguments, ramdisk)
    assert declared_areas(image(host.plan)) == BASES[is_minimal].areas
    assert outside_of(host.plan) == OUTSIDES[is_minimal]


@given(st.integers(0, len(CONTENT) - 1), st.integers(0, 7))
@settings(max_examples=50)
def test_a_bit_flipped_outside_changes_the_digest_and_one_inside_does_not(position: int, bit: int) -> None:
    areas = BASES[False].areas
    changed = bytearray(CONTENT)
    changed[position] ^= 1 << bit
    is_inside = any(area.offset <= position < area.end for area in areas)
    assert (outside_digest(BytesIO(changed), areas) == OUTSIDES[False]) == is_inside


AREAS = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 100)).map(lambda drawn: Area(*drawn)), max_size=6)


@given(st.binary(min_size=500, max_size=500), AREAS)
def test_it_is_the_digest_of_the_file_with_zeros_in_the_areas(content: bytes, areas: list[Area]) -> None:
    zeroed = bytearray(content)
    for area in areas:
        zeroed[area.offset : area.end] = bytes(area.length)
    assert outside_digest(BytesIO(content), areas) == Digest.of(zeroed)


def test_full_and_minimal_isos_are_told_apart() -> None:
    assert OUTSIDES[False] != OUTSIDES[True]


@pytest.mark.parametrize("area", [Area(-1, 2), Area(499, 2), Area(501, 0)])
def test_an_area_outside_of_the_file_is_refused(area: Area) -> None:
    with pytest.raises(VerificationError, match="lies outside of the file, which has 500"):
        outside_digest(BytesIO(bytes(500)), [area])


@pytest.mark.parametrize("fills_it", [False, True])
def test_an_iso_that_is_marked_alone_declares_the_same_before_and_after(
    make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso", fills_it: bool
) -> None:
    """Where nothing says where the arguments start, their whole line counts: its end moves when some are added."""
    files = live_files()
    del files["coreos/kargs.json"]
    with open_iso(make_iso(files)) as full:
        prepared = prepare(full.iso, full.source)
        assert prepared.full.kargs is not None
        room = min(area.length_bytes for area in prepared.full.kargs.areas) - 2
        host = assemble_iso(prepared.full, config=b"{}", arguments=("x" * room,) if fills_it else ("p1", "p2"))
        served = IsoImage(open_plan(host.plan, lambda _: full.iso.file), name="served.iso")
        assert declared_areas(served) == prepared.full.areas == declared_areas(full.iso)
        digests = [
            outside_digest(open_plan(plan, lambda _: full.iso.file), prepared.full.areas) for plan in (host.plan, prepared.full.plan)
        ]
    assert digests[0] == digests[1]


def test_a_base_that_holds_a_config_already_has_the_same_digest() -> None:
    host = assemble_iso(BASES[False], config=b'{"secret": true}', arguments=("p1",))
    customised = replace(BASES[False], plan=host.plan)
    assert outside_of(assemble_iso(customised, config=b"{}").plan) == OUTSIDES[False]
