"""Volume descriptors: what an image says of itself, from sector 16 on (ECMA-119 section 8).

The boot record is El Torito's; the supplementary descriptor with one of three escape sequences is Joliet's.
"""

import struct
from dataclasses import dataclass

from penstock.formats.iso9660.records import (
    SECTOR_BYTES,
    DirectoryRecord,
    both16,
    both32,
    build_record,
    long_time,
    parse_long_time,
    parse_record,
)
from penstock.model.errors import InputError, VerificationError

SYSTEM_AREA_SECTORS = 16
MAX_DESCRIPTORS = 64
VOLUME_ID_CHARACTERS = 32

_STANDARD_ID = b"CD001"
_BOOT, _PRIMARY, _SUPPLEMENTARY, _TERMINATOR = 0, 1, 2, 255
_EL_TORITO = b"EL TORITO SPECIFICATION"
_JOLIET_ESCAPES = (b"%/@", b"%/C", b"%/E")
_BLOCK_SIZES = (512, 1024, 2048)
_ROOT_RECORD_BYTES = 34
TERMINATOR = (bytes([_TERMINATOR]) + _STANDARD_ID + b"\1").ljust(SECTOR_BYTES, b"\0")


@dataclass(frozen=True, slots=True)
class Volume:
    """A primary descriptor, or a supplementary one that is Joliet's.

    Attributes:
        volume_id: without the blanks that fill it up.
        system_id: the system that may use the system area.
        publisher_id: who published it.
        preparer_id: who or what prepared its data.
        application_id: which program it is for, or made it.
        created_s: when it was made, in seconds since the epoch; 0 where it does not say.
        size_bytes: of the volume, as it says; the file may be longer.
        block_bytes: what block numbers count.
        root: the root directory's record.
    """

    volume_id: str
    system_id: str
    publisher_id: str
    preparer_id: str
    application_id: str
    created_s: int
    size_bytes: int
    block_bytes: int
    root: DirectoryRecord


@dataclass(frozen=True, slots=True)
class Descriptors:
    """What stands in the volume descriptor set.

    Attributes:
        primary: the first primary descriptor.
        joliet: or None.
        boot_catalog_block: where El Torito's catalogue starts, in sectors, or None.
    """

    primary: Volume
    joliet: Volume | None
    boot_catalog_block: int | None


@dataclass(frozen=True, slots=True)
class PathTables:
    """Where the two path tables start, in sectors, and how long each is, in bytes."""

    little_block: int
    big_block: int
    length: int


def is_descriptor(sector: bytes) -> bool:
    """Whether a sector is a volume descriptor of ISO 9660."""
    return len(sector) == SECTOR_BYTES and sector[1:6] == _STANDARD_ID


def is_terminator(sector: bytes) -> bool:
    """Whether a sector ends the set."""
    return is_descriptor(sector) and sector[0] == _TERMINATOR


def parse_descriptors(sectors: list[bytes], *, subject: str) -> Descriptors:
    """Read the descriptor set.

    Args:
        sectors: from sector 16 on, up to the terminator.
        subject: for messages.

    Raises:
        InputError: this is no ISO 9660 image.
        VerificationError: it is one, and says impossible things.
    """
    primary: Volume | None = None
    joliet: Volume | None = None
    catalog: int | None = None
    if not sectors or not is_descriptor(sectors[0]):
        raise InputError("this is not an ISO 9660 image", subject=subject, hint="its sector 16 must start with a volume descriptor")
    for sector in sectors:
        if sector[0] == _PRIMARY:
            primary = primary or _parse_volume(sector, "ascii", subject)
        elif sector[0] == _SUPPLEMENTARY and sector[88:91] in _JOLIET_ESCAPES:
            joliet = joliet or _parse_volume(sector, "utf-16-be", subject)
        elif sector[0] == _BOOT and sector[7:39].rstrip(b"\0 ") == _EL_TORITO and catalog is None:
            catalog = struct.unpack_from("<I", sector, 71)[0]
    if primary is None:
        raise VerificationError("the image has no primary volume descriptor", subject=subject)
    return Descriptors(primary, joliet, catalog)


def _parse_volume(sector: bytes, encoding: str, subject: str) -> Volume:
    def text(start: int, length: int) -> str:
        return sector[start : start + length].decode(encoding, "replace").rstrip("\0 ")

    (blocks,) = struct.unpack_from("<I", sector, 80)
    (block_bytes,) = struct.unpack_from("<H", sector, 128)
    if block_bytes not in _BLOCK_SIZES:
        raise VerificationError(f"the volume's blocks of {block_bytes} bytes are none that an image can have", subject=subject)
    root, _ = parse_record(sector[156 : 156 + _ROOT_RECORD_BYTES], 0, subject=subject)
    return Volume(
        volume_id=text(40, 32),
        system_id=text(8, 32),
        publisher_id=text(318, 128),
        preparer_id=text(446, 128),
        application_id=text(574, 128),
        created_s=parse_long_time(sector[813:830]),
        size_bytes=blocks * block_bytes,
        block_bytes=block_bytes,
        root=root,
    )


def build_primary(volume: Volume, tables: PathTables) -> bytes:
    """The primary volume descriptor, one sector.

    Args:
        volume: what it says; the texts are ASCII and fit (the writer has checked). The time of the last change is that of its making.
        tables: the path tables.
    """

    def text(value: str, length: int) -> bytes:
        return value.encode("ascii").ljust(length)

    moment = long_time(volume.created_s)
    return b"".join(
        (
            bytes([_PRIMARY]) + _STANDARD_ID + b"\1\0",
            text(volume.system_id, 32),
            text(volume.volume_id, VOLUME_ID_CHARACTERS),
            bytes(8),
            both32(volume.size_bytes // volume.block_bytes),
            bytes(32),
            both16(1),
            both16(1),
            both16(volume.block_bytes),
            both32(tables.length),
            struct.pack("<II", tables.little_block, 0),
            struct.pack(">II", tables.big_block, 0),
            build_record(volume.root),
            text("", 128),
            text(volume.publisher_id, 128),
            text(volume.preparer_id, 128),
            text(volume.application_id, 128),
            text("", 37 * 3),
            moment,
            moment,
            long_time(None),
            long_time(None),
            b"\1",
        )
    ).ljust(SECTOR_BYTES, b"\0")


def build_boot_record(catalog_block: int) -> bytes:
    """El Torito's boot record descriptor, one sector."""
    head = bytes([_BOOT]) + _STANDARD_ID + b"\1" + _EL_TORITO.ljust(64, b"\0")
    return (head + struct.pack("<I", catalog_block)).ljust(SECTOR_BYTES, b"\0")
