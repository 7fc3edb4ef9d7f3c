"""El Torito: the boot catalogue of a CD (El Torito 1.0; platform EFh as UEFI 2.10, 13.3.2.1).

The catalogue starts with a validation entry and the default entry; sections of further entries follow, one per platform.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from penstock.formats.iso9660.records import SECTOR_BYTES
from penstock.model.errors import VerificationError

BOOT_SECTOR_BYTES = 512
"""What the load size counts: a virtual sector."""
MAX_LOAD_SECTORS = 0xFFFF
PRIMARY_SECTOR = 16
"""Where the primary volume descriptor stands."""
BOOT_INFO_TABLE = range(8, 64)
"""Where a boot image keeps the table that tells it about itself (isolinux, GRUB)."""

_ENTRY_BYTES = 32
_VALIDATION, _SECTION, _LAST_SECTION, _EXTENSION = 0x01, 0x90, 0x91, 0x44
_BOOTABLE = 0x88
_ENTRY = struct.Struct("<BBHBxHI")


class Platform(IntEnum):
    """For which firmware a boot image is; 0 is also what s390x images say."""

    BIOS = 0x00
    POWERPC = 0x01
    MAC = 0x02
    UEFI = 0xEF


@dataclass(frozen=True, slots=True)
class BootEntry:
    """One entry of the catalogue.

    Attributes:
        platform: a :class:`Platform` where it is a known one.
        bootable: False for an entry that is kept but not booted.
        media: of the low four bits, 0 is no emulation, 1 to 3 are floppies, 4 is a hard disk.
        load_segment: 0 means 7C0h.
        system_type: of the partition that is emulated.
        load_sectors: how much the firmware loads, in sectors of 512 bytes.
        offset: of the image in bytes.
    """

    platform: int
    bootable: bool
    media: int
    load_segment: int
    system_type: int
    load_sectors: int
    offset: int


def load_sectors_for(size_bytes: int) -> int:
    """The load size of a whole image: its length in sectors of 512 bytes, up to whole sectors of a CD, and what the field can say."""
    return min(-(-size_bytes // SECTOR_BYTES) * (SECTOR_BYTES // BOOT_SECTOR_BYTES), MAX_LOAD_SECTORS)


def parse_catalog(data: bytes, *, subject: str) -> tuple[BootEntry, ...]:
    """Read a catalogue.

    Args:
        data: from its start; what stands behind its end is not looked at.
        subject: for messages.

    Raises:
        VerificationError: there is no valid validation entry, or a section is cut.
    """
    if len(data) < 2 * _ENTRY_BYTES or data[0] != _VALIDATION or data[30:32] != b"\x55\xaa" or _word_sum(data[:_ENTRY_BYTES]):
        raise VerificationError("the boot catalogue does not start with a valid entry", subject=subject)
    entries = [_parse_entry(data[_ENTRY_BYTES : 2 * _ENTRY_BYTES], data[1])]
    at = 2 * _ENTRY_BYTES
    last = False
    while not last and at + _ENTRY_BYTES <= len(data) and data[at] in (_SECTION, _LAST_SECTION):
        last = data[at] == _LAST_SECTION
        platform = data[at + 1]
        (count,) = struct.unpack_from("<H", data, at + 2)
        at += _ENTRY_BYTES
        for _ in range(count):
            entry = data[at : at + _ENTRY_BYTES]
            if len(entry) < _ENTRY_BYTES:
                raise VerificationError(f"the boot catalogue ends within a section of {count} entries", subject=subject)
            entries.append(_parse_entry(entry, platform))
            at += _ENTRY_BYTES
            while at + _ENTRY_BYTES <= len(data) and data[at] == _EXTENSION:
                at += _ENTRY_BYTES
    return tuple(entries)


def build_catalog(entries: tuple[BootEntry, ...]) -> bytes:
    """The catalogue, one sector: the first entry is the default one, each other has a section of its own."""
    first, *others = entries
    validation = struct.pack("<BBH24sHBB", _VALIDATION, first.platform, 0, b"", 0, 0x55, 0xAA)
    checksum = (-_word_sum(validation)) & 0xFFFF
    out = validation[:28] + struct.pack("<H", checksum) + validation[30:] + _build_entry(first)
    for number, entry in enumerate(others, start=1):
        header = _LAST_SECTION if number == len(others) else _SECTION
        out += struct.pack("<BBH28s", header, entry.platform, 1, b"") + _build_entry(entry)
    return out.ljust(SECTOR_BYTES, b"\0")


def boot_info_checksum(pieces: Iterable[bytes]) -> int:
    """The checksum of a boot image's table: the sum of the 32-bit words behind byte 64.

    Args:
        pieces: the whole image, in pieces of any length.
    """
    total, at = 0, 0
    rest = b""
    for piece in pieces:
        data = rest + piece[max(BOOT_INFO_TABLE.stop - at, 0) :]
        at += len(piece)
        whole = len(data) // 4 * 4
        total += sum(struct.unpack(f"<{whole // 4}I", data[:whole]))
        rest = data[whole:]
    return (total + int.from_bytes(rest, "little")) & 0xFFFF_FFFF


def boot_info_table(*, block: int, length: int, checksum: int) -> bytes:
    """The table: where the volume descriptor and the image stand, in sectors, the image's length in bytes and its checksum."""
    return struct.pack("<IIII", PRIMARY_SECTOR, block, length, checksum).ljust(len(BOOT_INFO_TABLE), b"\0")


def has_boot_info_table(image_start: bytes, block: int, length: int) -> bool:
    """Whether an image of ``length`` bytes at ``block`` says so in its first 64 bytes."""
    if len(image_start) < BOOT_INFO_TABLE.stop:
        return False
    return struct.unpack_from("<III", image_start, BOOT_INFO_TABLE.start) == (PRIMARY_SECTOR, block, length)


def _word_sum(entry: bytes) -> int:
    total: int = sum(struct.unpack("<16H", entry))
    return total & 0xFFFF


def _parse_entry(entry: bytes, platform: int) -> BootEntry:
    indicator, media, segment, system_type, sectors, block = _ENTRY.unpack_from(entry)
    known = Platform(platform) if platform in list(Platform) else platform
    return BootEntry(known, indicator == _BOOTABLE, media, segment, system_type, sectors, block * SECTOR_BYTES)


def _build_entry(entry: BootEntry) -> bytes:
    indicator = _BOOTABLE if entry.bootable else 0
    fields = (indicator, entry.media, entry.load_segment, entry.system_type, entry.load_sectors, entry.offset // SECTOR_BYTES)
    return _ENTRY.pack(*fields).ljust(_ENTRY_BYTES, b"\0")
