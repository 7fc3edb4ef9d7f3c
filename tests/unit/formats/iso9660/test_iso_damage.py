"""Images that lie: each lie is said, none is followed."""

import io
import struct
from collections.abc import Callable

import pytest

from penstock.formats.iso9660.entries import EntryKind
from penstock.formats.iso9660.reader import MAX_DIRECTORY_BYTES, Iso9660
from penstock.formats.iso9660.records import SECTOR_BYTES, both32, parse_record
from penstock.formats.iso9660.rockridge import parse_posix
from penstock.formats.iso9660.segments import read_segments
from penstock.formats.iso9660.tree import NewEntry, NewIso
from penstock.formats.iso9660.writer import plan_iso
from penstock.model.errors import VerificationError

ROOT = 20 * SECTOR_BYTES
"""Behind two descriptors and two path tables."""
Change = Callable[[bytearray], None]


@pytest.fixture
def image() -> bytearray:
    new = NewIso("v", (NewEntry("folder/file", content=(b"x" * 10,)), NewEntry("last", content=(b"y",))), 0)
    return bytearray(b"".join(read_segments(plan_iso(new).segments, {})))


def record_of(image: bytearray, identifier: bytes) -> int:
    """Where the directory record of a plain name starts."""
    return image.index(bytes([len(identifier)]) + identifier, ROOT) - 32


def walk(image: bytearray) -> list[str]:
    return [entry.path for entry in Iso9660.open(io.BytesIO(image), subject="live.iso").walk()]


def test_an_undamaged_image_is_read(image: bytearray) -> None:
    assert walk(image) == ["folder", "last", "folder/file"]


def test_a_folder_that_is_its_own_parent_is_not_followed(image: bytearray) -> None:
    at = record_of(image, b"FOLDER")
    image[at + 2 : at + 10] = both32(ROOT // SECTOR_BYTES)
    with pytest.raises(VerificationError, match=r"live\.iso: the folder 'folder' is inside of itself"):
        walk(image)


def test_a_loop_of_folders_does_not_hold_up_a_search(image: bytearray) -> None:
    at = record_of(image, b"FOLDER")
    image[at + 2 : at + 10] = both32(ROOT // SECTOR_BYTES)
    assert Iso9660.open(io.BytesIO(image)).find("folder/" * 1000 + "missing") is None


def test_a_file_outside_of_the_image_is_said_with_its_place(image: bytearray) -> None:
    at = record_of(image, b"LAST.;1")
    image[at + 2 : at + 10] = both32(0xFFFFFFF0)
    with pytest.raises(VerificationError, match=r"last stands at bytes 8796092989440 to 8796092989441, outside of the image"):
        walk(image)


def test_a_folder_of_an_absurd_length_is_not_read(image: bytearray) -> None:
    at = record_of(image, b"FOLDER")
    image[at + 10 : at + 18] = both32(MAX_DIRECTORY_BYTES + SECTOR_BYTES)
    with pytest.raises(VerificationError, match="outside of the image"):
        walk(image)


def test_a_record_that_crosses_a_sector_is_refused() -> None:
    with pytest.raises(VerificationError, match=r"live\.iso: a directory record of 34 bytes does not fit at byte 2028"):
        parse_record(bytes(2028) + bytes([34]) + bytes(2100), 2028, subject="live.iso")


def test_a_record_that_is_longer_than_its_folder_is_refused(image: bytearray) -> None:
    last = record_of(image, b"LAST.;1")
    image[last + 32] = 200
    with pytest.raises(VerificationError, match="has no whole name"):
        walk(image)


def test_a_file_whose_last_extent_is_missing_is_refused(image: bytearray) -> None:
    image[record_of(image, b"LAST.;1") + 25] |= 0x80
    with pytest.raises(VerificationError, match="lacks its last extent"):
        walk(image)


def test_a_name_that_leaves_its_folder_is_refused(image: bytearray) -> None:
    at = image.index(b"NM\x09\x01\x00last")
    image[at + 5 : at + 9] = b"/etc"
    with pytest.raises(VerificationError, match="'/etc' is not a file name"):
        walk(image)


def test_an_interleaved_file_is_refused(image: bytearray) -> None:
    image[record_of(image, b"LAST.;1") + 26] = 1
    with pytest.raises(VerificationError, match="interleaved"):
        walk(image)


def test_volume_descriptors_without_an_end_are_refused(image: bytearray) -> None:
    for sector in range(17, 17 + 70):
        image[sector * SECTOR_BYTES : sector * SECTOR_BYTES + 7] = b"\2CD001\1"
    with pytest.raises(VerificationError, match="do not end"):
        Iso9660.open(io.BytesIO(image))


def test_a_boot_catalogue_outside_of_the_image_is_refused(image: bytearray) -> None:
    image[18 * SECTOR_BYTES : 19 * SECTOR_BYTES] = image[17 * SECTOR_BYTES : 18 * SECTOR_BYTES]
    record = b"\0CD001\1" + b"EL TORITO SPECIFICATION".ljust(64, b"\0") + struct.pack("<I", 0xFFFFFFFF)
    image[17 * SECTOR_BYTES : 17 * SECTOR_BYTES + len(record)] = record
    with pytest.raises(VerificationError, match="the boot catalogue lies outside"):
        Iso9660.open(io.BytesIO(image)).boot_entries()


def test_rock_ridge_areas_that_lead_to_each_other_come_to_an_end() -> None:
    area = b"CE\x1c\1" + both32(1) + both32(0) + both32(28)
    with pytest.raises(VerificationError, match="go on without end"):
        parse_posix(area, lambda _block, _offset, _length: area, subject="live.iso")


def test_a_link_into_a_folder_is_not_followed() -> None:
    new = NewIso("v", (NewEntry("folder/file"), NewEntry("link", EntryKind.SYMLINK, target="folder")), 0)
    iso = Iso9660.open(io.BytesIO(b"".join(read_segments(plan_iso(new).segments, {}))))
    assert iso.lookup("link/file") is None
