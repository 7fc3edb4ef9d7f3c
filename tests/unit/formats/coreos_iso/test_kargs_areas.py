"""The areas of the kernel arguments: from kargs.json, from the old header, from the marker that OpenShift's image service looks for."""

import json
import re
import struct
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.coreos_iso import IsoFiles
from penstock.formats.coreos_iso.embed import ToldBy
from penstock.formats.coreos_iso.features import Feature, Features, read_features
from penstock.formats.coreos_iso.kargs import KARGS_PATH, KargsArea, parse_kargs_info, read_kargs, read_kargs_info, write_kargs_info
from penstock.model.errors import InputError, OperationError, PenstockError, VerificationError

MakeIso = Callable[..., IsoFiles]
DEFAULT = "quiet coreos.liveiso=rhcos-1 ignition.firstboot"
SIZE = 120
GRUB, ISOLINUX = "EFI/redhat/grub.cfg", "isolinux/isolinux.cfg"


def config(before: str, arguments: str = DEFAULT) -> bytes:
    return (before + f"{arguments}\n".ljust(SIZE, "#") + "# COREOS_KARG_EMBED_AREA\ninitrd x\n").encode()


def document(files: Mapping[str, int], **more: object) -> bytes:
    listed = [{"path": path, "offset": offset, **more} for path, offset in files.items()]
    return json.dumps({"default": DEFAULT, "files": listed, "size": SIZE}).encode()


def two_files(second: str = DEFAULT) -> dict[str, bytes]:
    return {GRUB: config("linux "), ISOLINUX: config("  append ", second)}


def test_the_document_says_where_the_arguments_start(memory_iso: MakeIso) -> None:
    iso = memory_iso({**two_files(), KARGS_PATH: document({ISOLINUX: 9, GRUB: 6})})
    kargs = read_kargs(iso)
    assert kargs is not None
    assert kargs.told_by is ToldBy.DOCUMENT
    assert kargs.default == kargs.text() == DEFAULT
    assert [(area.path, area.length_bytes) for area in kargs.areas] == [(GRUB, SIZE), (ISOLINUX, SIZE)]
    assert all(iso.read(area.offset_bytes, len(DEFAULT)).decode() == DEFAULT for area in kargs.areas)


def test_pad_and_end_are_nul_on_s390x(memory_iso: MakeIso) -> None:
    content = b"code" + DEFAULT.encode().ljust(SIZE, b"\0")
    files = {"images/cdboot.img": content, KARGS_PATH: document({"images/cdboot.img": 4}, pad="\0", end="\0")}
    kargs = read_kargs(memory_iso(files))
    assert kargs is not None
    assert kargs.text() == DEFAULT
    assert kargs.areas[0].filled("a") == b"a".ljust(SIZE, b"\0")
    assert kargs.areas[0].free_from() == len(DEFAULT)


def test_the_old_header_says_offsets_in_the_iso(memory_iso: MakeIso) -> None:
    places = memory_iso(two_files())
    found = [(places.find(path) or (0, 0))[0] + before for path, before in ((GRUB, 6), (ISOLINUX, 9))]
    header = struct.pack("<8sQQ6Q", b"coreKarg", SIZE, found[0], *found, 0, 0, 0, 0) + struct.pack("<8sQQ", b"coreiso+", 0, 0)
    kargs = read_kargs(memory_iso(two_files(), header))
    assert kargs is not None
    assert (kargs.told_by, kargs.default, kargs.text()) == (ToldBy.HEADER, DEFAULT, DEFAULT)
    assert [area.offset_bytes for area in kargs.areas] == found


def test_the_document_counts_before_the_header(memory_iso: MakeIso) -> None:
    header = struct.pack("<8sQQ6Q", b"coreKarg", SIZE, *[2**40] * 7) + bytes(24)
    kargs = read_kargs(memory_iso({**two_files(), KARGS_PATH: document({GRUB: 6})}, header))
    assert kargs is not None
    assert kargs.told_by is ToldBy.DOCUMENT


@pytest.mark.parametrize("arguments", [DEFAULT, DEFAULT + " a#b", DEFAULT + " last"])
def test_the_marker_gives_the_place_and_the_room_of_the_image_service(memory_iso: MakeIso, arguments: str) -> None:
    """As that finds them, and as the document says them: the two agree."""
    files = {GRUB: config("linux ", arguments), ISOLINUX: config("  append ", arguments)}
    marked = read_kargs(memory_iso(files))
    told = read_kargs(memory_iso({**files, KARGS_PATH: document({GRUB: 6, ISOLINUX: 9})}))
    assert marked is not None
    assert told is not None
    assert (marked.told_by, marked.default) == (ToldBy.MARKER, None)
    group = re.search(rb"(\n#*)# COREOS_KARG_EMBED_AREA", files[GRUB])
    assert group is not None
    for by_marker, by_document in zip(marked.areas, told.areas, strict=True):
        assert by_marker.free_from() == 0
        assert by_marker.offset_bytes == by_document.offset_bytes + by_document.free_from()
        assert by_marker.length_bytes == by_document.length_bytes - by_document.free_from() == len(group[1])


def test_the_marker_does_not_say_where_the_arguments_start(memory_iso: MakeIso) -> None:
    kargs = read_kargs(memory_iso(two_files()))
    assert kargs is not None
    with pytest.raises(VerificationError, match="where its kernel arguments start"):
        kargs.text()


def test_an_iso_without_any_of_these_has_no_arguments(memory_iso: MakeIso) -> None:
    assert read_kargs(memory_iso({GRUB: b"linux quiet\n"})) is None


def test_areas_that_differ_are_an_error(memory_iso: MakeIso) -> None:
    kargs = read_kargs(memory_iso({**two_files("other"), KARGS_PATH: document({GRUB: 6, ISOLINUX: 9})}))
    assert kargs is not None
    with pytest.raises(VerificationError, match=f"differ: '{DEFAULT}' in {GRUB}, 'other' in {ISOLINUX}"):
        kargs.text()


@given(
    st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]), max_size=20),
    st.sampled_from([(b"#", b"\n"), (b"\0", b"\0")]),
)
def test_what_fills_an_area_is_read_from_it(text: str, ends: tuple[bytes, bytes]) -> None:
    area = KargsArea(0, bytes(SIZE), pad=ends[0], end=ends[1])
    filled = area.filled(text.strip())
    assert len(filled) == SIZE
    again = KargsArea(0, filled, pad=ends[0], end=ends[1])
    assert again.text() == text.strip()
    assert filled[: again.free_from()].decode() == text.strip()


def test_an_area_without_an_end_has_no_place_to_add_to() -> None:
    with pytest.raises(VerificationError, match="no end"):
        KargsArea(0, b"abc###").free_from()


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({KARGS_PATH: document({"EFI/other": 1})}, "EFI/other, which is not there"),
        ({KARGS_PATH: document({GRUB: 100})}, "is not inside"),
        ({KARGS_PATH: document({GRUB: 2**62})}, "is not inside"),
        ({KARGS_PATH: document({GRUB: -1})}, "negative"),
        ({KARGS_PATH: document({GRUB: 6}, pad="##")}, "single characters"),
        ({KARGS_PATH: document({GRUB: 6}, end="")}, "single characters"),
        ({KARGS_PATH: document({GRUB: 6}, end="ü")}, "single characters"),
        ({KARGS_PATH: document({})}, "0 areas"),
        ({KARGS_PATH: b'{"default":"abc","files":[],"size":2049}'}, "2048 at most"),
        ({KARGS_PATH: b'{"default":"abc","files":[],"size":2}'}, "have 3 bytes, the areas 2"),
        ({KARGS_PATH: b"{"}, "line 1"),
    ],
)
def test_a_document_that_says_what_cannot_be_is_refused(memory_iso: MakeIso, files: dict[str, bytes], problem: str) -> None:
    with pytest.raises(PenstockError, match=problem):
        read_kargs(memory_iso({**two_files(), **files}))


@pytest.mark.parametrize("numbers", [(2049, 1, 1), (0, 1, 1), (100, 1, 0), (100, 2**64 - 1, 1), (100, 1, 2**50)])
def test_a_header_that_says_what_cannot_be_is_refused(memory_iso: MakeIso, numbers: tuple[int, int, int]) -> None:
    header = struct.pack("<8sQQ6Q", b"coreKarg", *numbers, 0, 0, 0, 0, 0) + bytes(24)
    with pytest.raises(VerificationError):
        read_kargs(memory_iso(two_files(), header))


def test_arguments_that_are_no_text_are_refused(memory_iso: MakeIso) -> None:
    kargs = read_kargs(memory_iso({GRUB: b"linux \xff".ljust(200, b"#"), KARGS_PATH: document({GRUB: 6})}))
    assert kargs is not None
    with pytest.raises(VerificationError, match="not UTF-8"):
        kargs.text()


def test_another_default_keeps_the_files_size_and_every_other_key(memory_iso: MakeIso) -> None:
    content = document({GRUB: 6}, pad="#", end="\n", more=1).replace(b'"size"', b'"new": 2, "size"').ljust(600)
    info = read_kargs_info(memory_iso({KARGS_PATH: content}))
    assert info is not None
    written = write_kargs_info(info.with_fields(default="quiet"), size_bytes=600)
    assert len(written) == 600
    assert json.loads(written) == json.loads(content) | {"default": "quiet"}
    assert parse_kargs_info(written, subject="a").default == "quiet"


def test_where_the_usual_layout_has_no_room_the_document_stands_on_one_line() -> None:
    content = b'{"default":"quiet coreos.liveiso=rhcos-1","files":[{"path":"EFI/redhat/grub.cfg","offset":6}],"size":300}'
    info = parse_kargs_info(content, subject="kargs.json")
    written = write_kargs_info(info.with_fields(default="quiet"), size_bytes=len(content))
    assert len(written) == len(content)
    assert parse_kargs_info(written, subject="kargs.json").default == "quiet"


def test_a_document_that_does_not_fit_is_refused() -> None:
    info = parse_kargs_info(document({GRUB: 6}), subject="a")
    with pytest.raises(InputError, match="bytes, and the file 100"):
        write_kargs_info(info, size_bytes=100)


def test_features_are_those_that_are_true(memory_iso: MakeIso) -> None:
    content = b'{"installer-config": true, "installer-config-directives": {"console": true, "stream": false}, "later": {}}'
    features = read_features(memory_iso({"coreos/features.json": content}))
    assert features == Features(frozenset({Feature.INSTALLER_CONFIG}), frozenset({"console"}))
    features.require_directive("console", subject="a")
    with pytest.raises(OperationError, match="a: this image does not support the feature live-initrd-network"):
        features.require(Feature.LIVE_INITRD_NETWORK, subject="a")
    with pytest.raises(OperationError, match="a: this image does not support stream"):
        features.require_directive("stream", subject="a")


def test_an_old_iso_has_no_features(memory_iso: MakeIso) -> None:
    assert read_features(memory_iso({})) == Features()
