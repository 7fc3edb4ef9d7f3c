"""Damaged ISOs, and the file that a plan is: whatever stands in an ISO, there is a minimal ISO or an error that says why not."""

import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.coreos_iso.image import IsoImage
from penstock.formats.iso9660.segments import read_segments
from penstock.formats.iso9660.tree import NewEntry, NewIso
from penstock.formats.iso9660.writer import plan_iso
from penstock.imageservice.minimal import plan_minimal
from penstock.imageservice.overlay import Bytes, FileRange, Patch, Plan, Source, patched
from penstock.imageservice.planfile import open_plan
from penstock.model.errors import PenstockError, VerificationError

if TYPE_CHECKING:
    from tests.unit.imageservice.conftest import LiveFiles

BASE = bytes(range(256))
SOURCE = Source.by_digest("base", len(BASE), "sha256:0")
SEGMENTS = st.one_of(
    st.binary(max_size=40).map(Bytes),
    st.tuples(st.integers(0, 200), st.integers(0, 56)).map(lambda place: FileRange(SOURCE, *place)),
)
PLANS = st.lists(SEGMENTS, max_size=8).map(lambda segments: Plan.of(*segments))
CONFIGS = ("coreos/kargs.json", "EFI/redhat/grub.cfg", "isolinux/isolinux.cfg", "coreos/igninfo.json")
WORDS = st.sampled_from([b"linux ", b"append ", b"initrd=", b'"offset": -1', b'"size": 9', b"coreos.liveiso=", b"\xff", b"\n", b"/", b"{"])


def whole_of(plan: Plan) -> bytes:
    return b"".join(bytes(chunk) for chunk in plan.iter_chunks(lambda _: io.BytesIO(BASE)))


@given(PLANS, st.lists(st.tuples(st.integers(0, 400), st.integers(-1, 100)), max_size=5))
def test_a_planned_file_is_read_as_if_it_were_there(plan: Plan, reads: list[tuple[int, int]]) -> None:
    content = io.BytesIO(whole_of(plan))
    with open_plan(plan, lambda _: io.BytesIO(BASE)) as file:
        for offset, length in reads:
            assert file.seek(offset) == content.seek(offset)
            assert file.read(length) == content.read(length)
        assert file.seek(0, io.SEEK_END) == plan.size_bytes


@given(PLANS, st.integers(0, 200), st.binary(max_size=20), st.integers(0, 200), st.binary(max_size=20))
def test_a_patched_plan_is_the_patched_file(plan: Plan, first: int, one: bytes, gap: int, two: bytes) -> None:
    second = first + len(one) + gap
    content = bytearray(whole_of(plan))
    patches = [Patch(second, two), Patch(first, one)]
    if any(patch.content and patch.end > plan.size_bytes for patch in patches):
        with pytest.raises(VerificationError, match="outside"):
            patched(plan, patches, subject="base")
        return
    for patch in patches:
        if patch.content:
            content[patch.offset : patch.end] = patch.content
    assert whole_of(patched(plan, patches, subject="base")) == content


@pytest.fixture(scope="module")
def image(live_files: "LiveFiles") -> bytes:
    """A full ISO without boot images, which no program has to make."""
    files = {**live_files(), "images/pxeboot/rootfs.img": b"root", "images/ignition.img": bytes(4096)}
    entries = tuple(NewEntry(path, content=(content,)) for path, content in files.items())
    return b"".join(read_segments(plan_iso(NewIso("rhcos-418.94-0", entries, 0)).segments, {}))


def test_the_iso_that_is_damaged_below_is_made_smaller_while_it_is_whole(image: bytes) -> None:
    plan, made = make_smaller(image)
    assert b"rootfs_url" in made
    assert plan.size_bytes == len(made)


@given(data=st.data())
def test_an_iso_with_damaged_documents_is_refused_or_made_smaller(image: bytes, data: st.DataObject) -> None:
    damaged = bytearray(image)
    with io.BytesIO(image) as file:
        places = [IsoImage(file, name="full.iso").image.file(path).extent for path in CONFIGS]
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places))
        word = data.draw(st.one_of(WORDS, st.binary(min_size=1, max_size=8)))
        start = data.draw(st.integers(place.offset, place.end - len(word)))
        damaged[start : start + len(word)] = word
    check(bytes(damaged))


@given(st.integers(32768, 32768 + 24 * 2048), st.binary(min_size=1, max_size=8))
def test_an_iso_with_damaged_folders_is_refused_or_made_smaller(image: bytes, start: int, wrong: bytes) -> None:
    check(image[:start] + wrong + image[start + len(wrong) :])


@given(st.integers(0, 1 << 20))
def test_a_cut_iso_is_refused(image: bytes, size_bytes: int) -> None:
    with pytest.raises(PenstockError):
        make_smaller(image[: min(size_bytes, len(image) - 1)])


def check(content: bytes) -> None:
    try:
        plan, made = make_smaller(content)
    except PenstockError:
        return
    assert len(made) == plan.size_bytes


def make_smaller(content: bytes) -> tuple[Plan, bytes]:
    with io.BytesIO(content) as file:
        source = Source.by_digest("full.iso", len(content), "sha256:0")
        plan = plan_minimal(IsoImage(file, name="full.iso"), source, rootfs_url="http://example.com/rootfs", ramdisk_bytes=0)
        return plan, b"".join(bytes(chunk) for chunk in plan.iter_chunks(lambda _: file))
