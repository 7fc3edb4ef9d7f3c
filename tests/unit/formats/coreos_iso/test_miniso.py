"""``miniso.dat``: packed here from a known pair of images, the way the format is described; unpacked by ours."""

import hashlib
import io
import lzma
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.formats.coreos_iso.miniso import (
    MAX_MINISO_BYTES,
    MAX_PACKED_BYTES,
    MINISO_PATH,
    CommonFile,
    parse_miniso,
    plan_minimal_iso,
    verified,
)
from penstock.formats.iso9660.eltorito import Platform
from penstock.formats.iso9660.hybrid import HybridBoot
from penstock.formats.iso9660.reader import Iso9660
from penstock.formats.iso9660.segments import FileRange, read_segments
from penstock.formats.iso9660.tree import BootImage, NewEntry, NewIso
from penstock.formats.iso9660.writer import plan_iso
from penstock.model.errors import DigestMismatch, VerificationError

ROOTFS = "images/pxeboot/rootfs.img"
RESERVED_BYTES = 16384


def number(value: int) -> bytes:
    if value <= 250:
        return bytes([value])
    if value < 1 << 16:
        return b"\xfb" + struct.pack("<H", value)
    return b"\xfc" + struct.pack("<I", value) if value < 1 << 32 else b"\xfd" + struct.pack("<Q", value)


def pack(table: Sequence[tuple[int, int, int]], minimal: bytes, *, packed: bytes | None = None, version: int = 1) -> bytes:
    """The file, for files at (sector in the minimal image, sector in the full one, length)."""
    between, at = b"", 0
    for sector, _, length in table:
        between += minimal[at : sector * 2048]
        at = sector * 2048 + length
    xz = lzma.compress(between + minimal[at:], check=lzma.CHECK_CRC64) if packed is None else packed
    head = b"MINISO\0\0" + number(version) + number(6) + b"0.17.0" + number(len(table))
    rows = b"".join(number(value) for row in table for value in row)
    return head + rows + hashlib.sha256(minimal).digest() + number(len(xz)) + xz


@dataclass(frozen=True)
class Pair:
    full: bytes
    minimal: bytes
    table: tuple[tuple[int, int, int], ...]
    data: bytes


def image_of(new: NewIso) -> bytes:
    return b"".join(read_segments(plan_iso(new).segments, {}))


@pytest.fixture(scope="module")
def pair() -> Pair:
    """A full hybrid image whose ``miniso.dat`` is in it, and the minimal image it was packed from."""
    files = (
        NewEntry("images/efiboot.img", content=(b"efi" * 5000,)),
        NewEntry("images/ignition.img", content=(bytes(262144),)),
        NewEntry(ROOTFS, content=(b"rootfs" * 100_000,)),
        NewEntry("images/pxeboot/vmlinuz", content=(b"kernel" * 20_000,)),
        NewEntry("coreos/igninfo.json", content=(b"{}",)),
        NewEntry("empty"),
    )
    boot = (BootImage("images/efiboot.img", Platform.UEFI),)
    new = NewIso("rhcos-1", files, 1_700_000_000, boot, hybrid=HybridBoot(1, UUID(int=1)))
    minimal = image_of(replace(new, entries=tuple(entry for entry in files if entry.path != ROOTFS)))
    full = image_of(replace(new, entries=(*files, NewEntry(MINISO_PATH, content=(bytes(RESERVED_BYTES),)))))
    in_full = Iso9660.open(io.BytesIO(full))
    rows = [
        (entry.extent.offset // 2048, in_full.file(entry.path).extent.offset // 2048, entry.size_bytes)
        for entry in Iso9660.open(io.BytesIO(minimal)).walk()
        if entry.extents
    ]
    table = tuple(sorted(rows))
    data = pack(table, minimal)
    at = in_full.file(MINISO_PATH).extent.offset
    return Pair(full[:at] + data + full[at + len(data) :], minimal, table, data)


def rebuilt(data: bytes, full: bytes) -> bytes:
    parsed = parse_miniso(data, subject="live.iso")
    plan = plan_minimal_iso(parsed, source="full", full_size_bytes=len(full), subject="live.iso")
    out = b"".join(verified(plan, {"full": io.BytesIO(full)}, subject="live.iso"))
    assert len(out) == plan.size_bytes
    return out


def test_the_minimal_image_is_rebuilt_bit_for_bit_from_what_the_full_one_holds(pair: Pair) -> None:
    data = Iso9660.open(io.BytesIO(pair.full)).open_file(MINISO_PATH).read()
    assert len(data) == RESERVED_BYTES
    assert rebuilt(data, pair.full) == pair.minimal


def test_a_rebuilt_minimal_image_is_as_hybrid_as_the_one_that_was_packed(pair: Pair) -> None:
    iso = Iso9660.open(io.BytesIO(rebuilt(pair.data, pair.full)))
    assert [partition.type for partition in iso.system_area().mbr] == [0xEF]
    assert iso.find(ROOTFS) is None


def test_what_is_common_stays_a_range_of_the_full_image(pair: Pair) -> None:
    parsed = parse_miniso(pair.data, subject="live.iso")
    plan = plan_minimal_iso(parsed, source="full", full_size_bytes=len(pair.full), subject="live.iso")
    assert sum(segment.length for segment in plan.segments if isinstance(segment, FileRange)) == sum(row[2] for row in pair.table)
    sector, full_sector, length = pair.table[0]
    assert (parsed.packer_version, parsed.files[0]) == ("0.17.0", CommonFile(sector * 2048, full_sector * 2048, length))


def test_a_full_image_with_other_bytes_is_refused_at_the_end(pair: Pair) -> None:
    at = pair.table[0][1] * 2048
    with pytest.raises(DigestMismatch, match=r"the minimal ISO of live\.iso: expected sha256:"):
        rebuilt(pair.data, pair.full[:at] + b"X" + pair.full[at + 1 :])


def test_a_cut_full_image_is_refused_before_anything_is_read(pair: Pair) -> None:
    with pytest.raises(VerificationError, match="a file of the minimal ISO stands at byte"):
        rebuilt(pair.data, pair.full[: pair.table[-1][1] * 2048])


def test_numbers_of_every_width_are_read() -> None:
    table = [(3, 1 << 33, 1), (300, 2, 70_000), (70_000, 1 << 20, (1 << 32) - 1)]
    parsed = parse_miniso(pack(table, b"", packed=b"xz"), subject="live.iso")
    assert parsed.files == tuple(CommonFile(low * 2048, high * 2048, length) for low, high, length in table)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "does not start"),
        (bytes(RESERVED_BYTES), "does not start"),
        (b"MINISO\0\0", "is cut"),
        (pack([(1, 1, 1)], b"")[:-1], "is cut"),
        (pack([(1, 1, 1)], b"", version=2), "of version 2, and only version 1"),
        (pack([], b""), "names no file"),
        (pack([(1, 1, 2049), (2, 5, 1)], b""), "overlap"),
        (pack([(5, 1, 1), (2, 5, 1)], b""), "overlap"),
        (b"MINISO\0\0\1\0" + number(1 << 40), "says it has 1099511627776 files"),
        (b"MINISO\0\0\xff", "a number that no writer makes"),
        (b"MINISO\0\0" + bytes(MAX_MINISO_BYTES), "no real one has more than 1048576"),
    ],
)
def test_a_file_that_is_none_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(VerificationError, match=message):
        parse_miniso(data, subject="live.iso")


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (b"not xz at all", "cannot be unpacked"),
        (lzma.compress(b"some bytes")[:-4], "are cut"),
        (lzma.compress(b"few"), "too few bytes"),
        (lzma.compress(bytes(MAX_PACKED_BYTES + 1), preset=0), "unpacks to more than"),
    ],
)
def test_packed_bytes_that_are_broken_too_few_or_a_bomb_are_refused(packed: bytes, message: str) -> None:
    data = parse_miniso(pack([(1, 1, 1)], b"", packed=packed), subject="live.iso")
    with pytest.raises(VerificationError, match=message):
        plan_minimal_iso(data, source="full", full_size_bytes=1 << 20, subject="live.iso")


@given(at=st.integers(min_value=0), value=st.integers(0, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_never_gives_another_image(pair: Pair, at: int, value: int) -> None:
    data = bytearray(pair.data)
    data[at % len(data)] = value
    with suppress(VerificationError):
        assert rebuilt(bytes(data), pair.full) == pair.minimal
