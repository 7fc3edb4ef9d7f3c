"""The pieces that an ISO 9660 volume is made of: numbers, times and directory records.

ECMA-119 (which is ISO 9660) sections 7 and 9.  Every number stands in both byte orders; the little-endian half is read.
"""

import calendar
import struct
import time
from dataclasses import dataclass
from enum import IntFlag

from penstock.model.errors import VerificationError

SECTOR_BYTES = 2048
"""A logical sector; records of a directory do not cross it."""
MAX_EXTENT_BYTES = 0xFFFF_F800
"""The most that one directory record can describe and another can follow: whole sectors below 4 GiB."""

_FIXED = struct.Struct("<BBI4xI4x7sBBBH2xB")
_LAST_YEAR_OF_RECORDS = 1900 + 255
_LATEST_S = 253_402_300_799
"""The last second of the year 9999, the last that a volume descriptor can say."""


class FileFlag(IntFlag):
    """ECMA-119 9.1.6."""

    HIDDEN = 1
    DIRECTORY = 2
    ASSOCIATED = 4
    MORE_EXTENTS = 128


@dataclass(frozen=True, slots=True)
class DirectoryRecord:
    r"""One directory record (ECMA-119 9.1).

    Attributes:
        identifier: as recorded; ``\0`` and ``\1`` are the folder itself and its parent.
        block: of the extent's first block, behind its extended attribute record.
        length: of the extent in bytes.
        flags: what it is.
        mtime_s: seconds since the epoch; 0 where none or no real one is recorded.
        system_use: what stands behind the identifier: Rock Ridge fields, where there are any.
    """

    identifier: bytes
    block: int
    length: int
    flags: FileFlag
    mtime_s: int
    system_use: bytes

    @property
    def is_directory(self) -> bool:
        """Whether it describes a folder."""
        return bool(self.flags & FileFlag.DIRECTORY)


def both16(value: int) -> bytes:
    """A 16-bit number in both byte orders (7.2.3)."""
    return struct.pack("<H", value) + struct.pack(">H", value)


def both32(value: int) -> bytes:
    """A 32-bit number in both byte orders (7.3.3)."""
    return struct.pack("<I", value) + struct.pack(">I", value)


def short_time(mtime_s: int) -> bytes:
    """Seven bytes, in UTC (9.1.5); times outside of 1900 to 2155 become the nearest that can be said."""
    earliest, latest = calendar.timegm((1900, 1, 1, 0, 0, 0)), calendar.timegm((_LAST_YEAR_OF_RECORDS, 12, 31, 23, 59, 59))
    moment = time.gmtime(min(max(mtime_s, earliest), latest))
    return bytes([moment.tm_year - 1900, moment.tm_mon, moment.tm_mday, moment.tm_hour, moment.tm_min, moment.tm_sec, 0])


def long_time(moment_s: int | None) -> bytes:
    """Seventeen bytes, in UTC (8.4.26.1); None is "not specified"."""
    if moment_s is None:
        return b"0" * 16 + b"\0"
    return time.strftime("%Y%m%d%H%M%S00", time.gmtime(min(max(moment_s, 0), _LATEST_S))).encode() + b"\0"


def parse_short_time(field: bytes) -> int:
    """Seconds since the epoch; 0 for a field that is empty or names no day of the calendar."""
    year, month, day, hour, minute, second = field[:6]
    (quarters,) = struct.unpack("b", field[6:])
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        return 0
    local_s: int = calendar.timegm((1900 + year, month, day, hour, minute, second))
    return local_s - int(quarters) * 15 * 60


def parse_long_time(field: bytes) -> int:
    """Seconds since the epoch; 0 for a field that is empty or names no day of the calendar."""
    digits = field[:14]
    if not digits.isdigit():
        return 0
    year = int(digits[:4])
    month, day, hour, minute, second = (int(digits[at : at + 2]) for at in range(4, 14, 2))
    if not (year and 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        return 0
    (quarters,) = struct.unpack_from("b", field, 16)
    local_s: int = calendar.timegm((year, month, day, hour, minute, second))
    return local_s - int(quarters) * 15 * 60


def parse_record(data: bytes, start: int, *, subject: str) -> tuple[DirectoryRecord, int]:
    """The record at ``start`` and where it ends.

    Args:
        data: at least one sector of a directory.
        start: of a byte that is not zero.
        subject: for messages.

    Raises:
        VerificationError: the record is too short for its fields, crosses a sector, or is interleaved.
    """
    length = data[start]
    end = start + length
    if length < _FIXED.size + 1 or end > len(data) or start // SECTOR_BYTES != (end - 1) // SECTOR_BYTES:
        raise VerificationError(f"a directory record of {length} bytes does not fit at byte {start} of its directory", subject=subject)
    _, attribute_blocks, block, size, moment, flags, unit, gap, _, name_length = _FIXED.unpack_from(data, start)
    name_end = start + _FIXED.size + name_length
    if not name_length or name_end > end:
        raise VerificationError(f"a directory record at byte {start} of its directory has no whole name", subject=subject)
    if unit or gap:
        raise VerificationError("an interleaved file cannot be read", subject=subject)
    name = data[start + _FIXED.size : name_end]
    # A pad byte makes the system use area start at an even place.
    record = DirectoryRecord(
        name, block + attribute_blocks, size, FileFlag(flags), parse_short_time(moment), data[name_end + (name_length + 1) % 2 : end]
    )
    return record, end


def build_record(record: DirectoryRecord) -> bytes:
    """The bytes of a record, of an even length; a whole one is at most 254 bytes."""
    fixed = both32(record.block) + both32(record.length) + short_time(record.mtime_s) + bytes([record.flags, 0, 0]) + both16(1)
    body = fixed + bytes([len(record.identifier)]) + record.identifier + b"\0" * ((len(record.identifier) + 1) % 2) + record.system_use
    body += b"\0" * (len(body) % 2)
    return bytes([len(body) + 2, 0]) + body
