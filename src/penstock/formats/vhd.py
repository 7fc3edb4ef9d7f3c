"""Fixed VHDs, the only disks that Azure starts machines from: a raw disk, and 512 bytes behind it.

Microsoft's *Virtual Hard Disk Image Format Specification*, version 1.0, "Hard Disk Footer Format"; all numbers are big-endian.  What Azure
wants besides: "Prepare a Windows VHD or VHDX to upload to Azure" and "Information for community supported and non-endorsed
distributions" of its documentation (fixed, and the virtual size a multiple of 1 MiB).
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from penstock.model.errors import VerificationError

FOOTER_BYTES = 512
SECTOR_BYTES = 512
ALIGNMENT_BYTES = 1 << 20

_COOKIE = b"conectix"
_RESERVED_FEATURE = 2
_VERSION = 0x0001_0000
_NO_HEADER = 0xFFFF_FFFF_FFFF_FFFF
_CREATOR = b"pnst"
_CREATOR_OS = b"Wi2k"  # the two that the format knows are Windows and Mac
_LAYOUT = struct.Struct(">8sIIQI4sI4sQQHBBII16sB427x")
_CHECKSUM_AT = 64
_EPOCH_S = 946_684_800
"""2000-01-01T00:00:00Z, from which times are counted."""
_CONVERT = "convert it: qemu-img convert -O vpc -o subformat=fixed,force_size FILE FILE.vhd"


class VhdType(IntEnum):
    """``Disk Type`` of a footer."""

    FIXED = 2
    DYNAMIC = 3
    DIFFERENCING = 4


_KINDS: dict[int, str] = {VhdType.DYNAMIC: "a dynamic", VhdType.DIFFERENCING: "a differencing"}


@dataclass(frozen=True, slots=True, kw_only=True)
class VhdFooter:
    """The last 512 bytes of a VHD.

    Attributes:
        size_bytes: of the disk, the footer not counted.
        type: see :class:`VhdType`; another number where it is unknown.
        unique_id: 16 bytes; of nothing else.
        made_at_s: seconds since the Unix epoch; not before 2000.
    """

    size_bytes: int
    type: int = VhdType.FIXED
    unique_id: bytes = bytes(16)
    made_at_s: int = _EPOCH_S

    def encode(self) -> bytes:
        """The 512 bytes; original and current size are the same."""
        cylinders, heads, sectors = geometry(self.size_bytes)
        values = (
            *(_COOKIE, _RESERVED_FEATURE, _VERSION, _NO_HEADER if self.type == VhdType.FIXED else FOOTER_BYTES),
            *(self.made_at_s - _EPOCH_S, _CREATOR, _VERSION, _CREATOR_OS, self.size_bytes, self.size_bytes),
            *(cylinders, heads, sectors, self.type),
        )
        blank = _LAYOUT.pack(*values, 0, self.unique_id, 0)
        return _LAYOUT.pack(*values, checksum(blank), self.unique_id, 0)


def checksum(footer: bytes) -> int:
    """The one's complement of the sum of all bytes but those of the checksum itself."""
    return ~(sum(footer) - sum(footer[_CHECKSUM_AT : _CHECKSUM_AT + 4])) & 0xFFFF_FFFF


def geometry(size_bytes: int) -> tuple[int, int, int]:
    """Cylinders, heads and sectors of a disk: the specification's appendix "CHS Calculation"."""
    total = min(size_bytes // SECTOR_BYTES, 65535 * 16 * 255)
    if total >= 65535 * 16 * 63:
        sectors, heads = 255, 16
        cylinders_heads = total // sectors
    else:
        sectors = 17
        cylinders_heads = total // sectors
        heads = max(4, (cylinders_heads + 1023) // 1024)
        if cylinders_heads >= heads * 1024 or heads > 16:
            sectors, heads = 31, 16
            cylinders_heads = total // sectors
        if cylinders_heads >= heads * 1024:
            sectors, heads = 63, 16
            cylinders_heads = total // sectors
    return cylinders_heads // heads, heads, sectors


def parse_footer(footer: bytes, *, subject: str) -> VhdFooter:
    """Read a footer.

    Args:
        footer: the last 512 bytes of a file.
        subject: what the file is called.

    Raises:
        VerificationError: these bytes are no footer, or a damaged one.
    """
    if len(footer) != FOOTER_BYTES or not footer.startswith(_COOKIE):
        raise VerificationError("this is no VHD: there is no footer at its end", subject=subject, hint=f"if it is a raw disk, {_CONVERT}")
    _, _, _, _, made, _, _, _, _, size, _, _, _, kind, told, unique_id, _ = _LAYOUT.unpack(footer)
    if told != checksum(footer):
        raise VerificationError("the footer of the VHD is damaged: its checksum is wrong", subject=subject, hint="make the file again")
    return VhdFooter(size_bytes=size, type=kind, unique_id=unique_id, made_at_s=made + _EPOCH_S)


def check_fixed(footer: bytes, file_bytes: int, *, subject: str) -> VhdFooter:
    """See that a file is a fixed VHD that can become a page blob.

    Args:
        footer: its last 512 bytes.
        file_bytes: its size, the footer counted.
        subject: what it is called.

    Raises:
        VerificationError: it is no VHD, a damaged or cut one, or a dynamic one.
    """
    found = parse_footer(footer, subject=subject)
    if found.type != VhdType.FIXED:
        kind = _KINDS.get(found.type, "an unknown kind of")
        raise VerificationError(f"this is {kind} VHD, and Azure takes fixed ones alone", subject=subject, hint=_CONVERT)
    if found.size_bytes + FOOTER_BYTES != file_bytes:
        said = f"the footer tells of a disk of {found.size_bytes} bytes, and there are {file_bytes - FOOTER_BYTES}"
        raise VerificationError(said, subject=subject, hint="the file is cut, or something was written behind it; make it again")
    if file_bytes % SECTOR_BYTES:
        raise VerificationError(f"its size is no multiple of {SECTOR_BYTES} bytes", subject=subject, hint=_CONVERT)
    return found


def alignment_fault(file_bytes: int) -> str:
    """What is strange about the size of a VHD, or ``""``: Azure makes no image of a disk that is no multiple of 1 MiB.

    It can be uploaded all the same, so it is told and not refused.
    """
    disk_bytes = file_bytes - FOOTER_BYTES
    return f"the disk has {disk_bytes} bytes, which is no multiple of 1 MiB, as Azure wants it" if disk_bytes % ALIGNMENT_BYTES else ""
