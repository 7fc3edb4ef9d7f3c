"""A disk for the demo: small, and it does not boot, but its partitions are where firmware and tools look for them.

A GUID partition table (UEFI 2.10, chapter 5) with its copy at the end, a partition for GRUB and one for the root file system.  The same
input gives the same bytes.
"""

import struct
import uuid
from typing import Final
from zlib import crc32

_SECTOR: Final = 512
_ALIGNMENT: Final = 2048
"""Sectors: partitions begin at whole MiB."""
_ENTRIES: Final = 128
_ENTRY_BYTES: Final = 128
_TABLE_SECTORS: Final = _ENTRIES * _ENTRY_BYTES // _SECTOR
_BIOS_BOOT: Final = uuid.UUID("21686148-6449-6e6f-744e-656564454649")
_LINUX: Final = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
_NAMES: Final = uuid.UUID("b0a0b3c5-6a3f-4f0e-9c77-3f1f5d1f0c11")
"""The namespace of the GUIDs that are made of names."""


def make_small_disk(name: str, root: bytes) -> bytes:
    """A raw disk.

    Args:
        name: of what is on it; its GUIDs are made of that.
        root: the content of the partition ``root``.
    """
    root_sectors = -(-len(root) // (_SECTOR * _ALIGNMENT)) * _ALIGNMENT
    parts = [("BIOS-BOOT", _BIOS_BOOT, _ALIGNMENT, _ALIGNMENT), ("root", _LINUX, 2 * _ALIGNMENT, root_sectors)]
    sectors = 2 * _ALIGNMENT + root_sectors + _ALIGNMENT
    entries = b"".join(_entry(name, *part) for part in parts).ljust(_ENTRIES * _ENTRY_BYTES, b"\0")
    disk = bytearray(sectors * _SECTOR)
    _write(disk, 0, _protective_record(sectors))
    last = sectors - 1
    _write(disk, 1, _header(name, sectors, here=1, other=last, table=2, entries=entries))
    _write(disk, 2, entries)
    _write(disk, 2 * _ALIGNMENT, root)
    _write(disk, last - _TABLE_SECTORS, entries)
    _write(disk, last, _header(name, sectors, here=last, other=1, table=last - _TABLE_SECTORS, entries=entries))
    return bytes(disk)


def _write(disk: bytearray, sector: int, content: bytes) -> None:
    disk[sector * _SECTOR : sector * _SECTOR + len(content)] = content


def _guid(name: str) -> bytes:
    return uuid.uuid5(_NAMES, name).bytes_le


def _entry(disk: str, name: str, kind: uuid.UUID, first: int, sectors: int) -> bytes:
    return struct.pack(
        "<16s16sQQQ72s", kind.bytes_le, _guid(f"{disk} {name}"), first, first + sectors - 1, 0, name.encode("utf-16-le").ljust(72, b"\0")
    )


def _header(name: str, sectors: int, *, here: int, other: int, table: int, entries: bytes) -> bytes:
    usable = 2 + _TABLE_SECTORS, sectors - 2 - _TABLE_SECTORS
    head = (b"EFI PART", 0x10000, 92)
    body = (0, here, other, *usable, _guid(name), table, _ENTRIES, _ENTRY_BYTES, crc32(entries))
    layout = "<8sIIIIQQQQ16sQIII"
    checked = crc32(struct.pack(layout, *head, 0, *body))
    return struct.pack(layout, *head, checked, *body)


def _protective_record(sectors: int) -> bytes:
    """The record that keeps tools off that know no GUIDs: one partition over everything."""
    partition = struct.pack("<B3sB3sII", 0, b"\x00\x02\x00", 0xEE, b"\xff\xff\xff", 1, min(sectors - 1, 0xFFFFFFFF))
    return bytes(446) + partition + bytes(48) + b"\x55\xaa"
