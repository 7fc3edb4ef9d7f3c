"""The area of the Ignition config: found in every generation of ISOs, and only where it can be."""

import json
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.coreos_iso import IsoFiles
from penstock.formats.coreos_iso.embed import (
    IGNINFO_PATH,
    IGNITION_PATH,
    MAX_AREA_BYTES,
    EmbedArea,
    ToldBy,
    find_embed_area,
    parse_ignition_info,
    read_area,
    write_ignition_info,
)
from penstock.model.errors import InputError, PenstockError, VerificationError

MakeIso = Callable[..., IsoFiles]
BOOT = b"k" * 1000 + bytes(3000) + b"t" * 96


def with_info(memory_iso: MakeIso, info: object) -> IsoFiles:
    return memory_iso({IGNINFO_PATH: json.dumps(info).encode(), "images/cdboot.img": BOOT, IGNITION_PATH: bytes(4096)})


def place(iso: IsoFiles, path: str) -> int:
    found = iso.find(path)
    assert found is not None
    return found[0]


def test_the_document_names_a_file_and_a_place_in_it(memory_iso: MakeIso) -> None:
    iso = with_info(memory_iso, {"file": "images/cdboot.img", "offset": 1000, "length": 3000})
    area = find_embed_area(iso)
    assert area == EmbedArea(place(iso, "images/cdboot.img") + 1000, 3000, "images/cdboot.img", ToldBy.DOCUMENT)
    assert read_area(iso, area) == bytes(3000)


@pytest.mark.parametrize(
    ("more", "offset", "length"),
    [
        ({}, 0, 4096),
        ({"offset": 1000}, 1000, 3096),  # OpenShift's image service has no room here
        ({"length": 100}, 0, 100),
        ({"offset": 0, "length": 0}, 0, 4096),  # coreos-installer has no room here
        ({"offset": None, "length": None}, 0, 4096),
    ],
)
def test_an_absent_offset_is_zero_and_an_absent_length_the_rest(memory_iso: MakeIso, more: object, offset: int, length: int) -> None:
    assert isinstance(more, dict)
    iso = with_info(memory_iso, {"file": "/images/cdboot.img", **more})
    area = find_embed_area(iso)
    assert (area.offset_bytes - place(iso, "images/cdboot.img"), area.length_bytes) == (offset, length)


def test_before_the_document_the_file_was_the_area(memory_iso: MakeIso) -> None:
    iso = memory_iso({"a": b"x", IGNITION_PATH: bytes(5000)}, struct.pack("<8sQQ", b"coreiso+", 1, 2))
    assert find_embed_area(iso) == EmbedArea(place(iso, IGNITION_PATH), 5000, IGNITION_PATH, ToldBy.FILE)


def test_the_header_counts_where_no_file_is(memory_iso: MakeIso) -> None:
    iso = memory_iso({"a": bytes(2048)}, struct.pack("<8sQQ", b"coreiso+", 32768, 2048))
    assert find_embed_area(iso) == EmbedArea(32768, 2048, "", ToldBy.HEADER)


def test_an_iso_without_an_area_is_none_of_coreos(memory_iso: MakeIso) -> None:
    with pytest.raises(InputError, match=r"rhcos.iso: this is no live ISO of CoreOS"):
        find_embed_area(memory_iso({"a": b""}))


@pytest.mark.parametrize(
    ("info", "problem"),
    [
        ({"file": "images/other.img"}, "images/other.img, which is not there"),
        ({"file": "images/cdboot.img", "offset": 4096}, "is not inside"),
        ({"file": "images/cdboot.img", "offset": 4000, "length": 97}, "is not inside"),
        ({"file": "images/cdboot.img", "offset": 2**63, "length": 2**63}, "is not inside"),
        ({"file": "images/cdboot.img", "offset": -1}, "negative"),
        ({"file": "/"}, "no file"),
        ({"offset": 1}, "'file' is missing"),
        ([], "an object is wanted"),
    ],
)
def test_an_area_that_cannot_be_is_refused(memory_iso: MakeIso, info: object, problem: str) -> None:
    with pytest.raises(PenstockError, match=problem):
        find_embed_area(with_info(memory_iso, info))


@pytest.mark.parametrize(("offset", "length"), [(32768, 2049), (2**64 - 1, 1), (0, MAX_AREA_BYTES + 1), (0, 0), (0, 2**64 - 1)])
def test_a_header_that_points_outside_of_the_iso_is_refused(memory_iso: MakeIso, offset: int, length: int) -> None:
    with pytest.raises(VerificationError):
        find_embed_area(memory_iso({"a": bytes(2048)}, struct.pack("<8sQQ", b"coreiso+", offset, length)))


@given(st.binary(max_size=200))
def test_no_document_breaks_the_reader(memory_iso: MakeIso, content: bytes) -> None:
    with pytest.raises(PenstockError):
        find_embed_area(memory_iso({IGNINFO_PATH: content, "f": bytes(10)}))


def test_the_document_is_written_with_what_it_said() -> None:
    info = parse_ignition_info(b'{"file": "a", "offset": 5, "new": [1]}', subject="a")
    assert json.loads(write_ignition_info(info)) == {"file": "a", "offset": 5, "new": [1]}
