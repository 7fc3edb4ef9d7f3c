"""The smallest ISO 9660 image that an operating system mounts, so that the demo extracts a real one.

ECMA-119: sixteen unused sectors, the primary volume descriptor (8.4), the terminator (8.3), both path tables (9.4), the root
directory (9.1) and the files, each from a sector of its own.  No extensions; the same input gives the same bytes.
"""

import struct
from collections.abc import Mapping
from itertools import accumulate

SECTOR_BYTES = 2048
_SYSTEM_AREA_SECTORS = 16
_L_PATH_TABLE, _M_PATH_TABLE, _ROOT, _FIRST_FILE = 18, 19, 20, 21
_EPOCH = bytes([70, 1, 1, 0, 0, 0, 0])
_EPOCH_LONG = b"1970010100000000\0"
_NO_DATE = b"0" * 16 + b"\0"


def make_small_iso(volume_id: str, files: Mapping[str, bytes]) -> bytes:
    """An ISO 9660 image with ``files`` in its root.

    Args:
        volume_id: at most 32 characters.
        files: names of the form ``NAME.EXT`` in capitals (level 1), and their content.
    """
    contents = list(files.values())
    starts = list(accumulate((_sectors(content) for content in contents), initial=_FIRST_FILE))
    root = _record(b"\0", _ROOT, SECTOR_BYTES, is_folder=True) + _record(b"\1", _ROOT, SECTOR_BYTES, is_folder=True)
    for (name, content), start in sorted(zip(files.items(), starts, strict=False)):
        root += _record(f"{name};1".encode(), start, len(content), is_folder=False)
    if len(root) > SECTOR_BYTES:
        raise ValueError("the root directory of a small image is one sector")
    path_table_size = 10
    sectors = [
        bytes(_SYSTEM_AREA_SECTORS * SECTOR_BYTES),
        _volume_descriptor(volume_id, starts[-1], path_table_size),
        b"\xffCD001\1",
        struct.pack("<BBIH", 1, 0, _ROOT, 1) + b"\0\0",
        struct.pack(">BBIH", 1, 0, _ROOT, 1) + b"\0\0",
        root,
        *contents,
    ]
    return b"".join(part.ljust(_sectors(part) * SECTOR_BYTES, b"\0") for part in sectors)


def _sectors(content: bytes) -> int:
    return -(-len(content) // SECTOR_BYTES) or 1


def _both(value: int, size: str) -> bytes:
    """A number in both byte orders (ECMA-119 7.2.3, 7.3.3)."""
    return struct.pack(f"<{size}", value) + struct.pack(f">{size}", value)


def _record(name: bytes, start: int, size_bytes: int, *, is_folder: bool) -> bytes:
    body = b"\0" + _both(start, "I") + _both(size_bytes, "I") + _EPOCH + bytes([2 if is_folder else 0, 0, 0])
    body += _both(1, "H") + bytes([len(name)]) + name + b"\0" * (1 - len(name) % 2)
    return bytes([len(body) + 1]) + body


def _volume_descriptor(volume_id: str, total_sectors: int, path_table_bytes: int) -> bytes:
    return b"".join(
        (
            b"\1CD001\1\0",
            b" " * 32,
            volume_id.encode("ascii").ljust(32)[:32],
            bytes(8),
            _both(total_sectors, "I"),
            bytes(32),
            _both(1, "H"),
            _both(1, "H"),
            _both(SECTOR_BYTES, "H"),
            _both(path_table_bytes, "I"),
            struct.pack("<II", _L_PATH_TABLE, 0),
            struct.pack(">II", _M_PATH_TABLE, 0),
            _record(b"\0", _ROOT, SECTOR_BYTES, is_folder=True),
            b" " * (128 * 4 + 37 * 3),
            _EPOCH_LONG,
            _EPOCH_LONG,
            _NO_DATE,
            _NO_DATE,
            b"\1",
        )
    )
