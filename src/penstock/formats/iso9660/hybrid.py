"""What makes an ISO boot from a USB stick: an MBR and a GPT in the system area, which ISO 9660 leaves to others.

The layout is the one that isohybrid made common: the first MBR partition is the whole image and is active, the second is the EFI image
(type EFh); BIOS runs the boot code, which loads the El Torito image from the sector written at byte 432; UEFI 2.10, section 5.3, for
the GPT.  Ours lists the EFI image alone, as an EFI system partition, so that its partitions do not overlap.
"""

import struct
import zlib
from dataclasses import dataclass
from uuid import UUID, uuid5

from penstock.formats.iso9660.records import SECTOR_BYTES
from penstock.formats.iso9660.segments import Extent
from penstock.formats.iso9660.volume import SYSTEM_AREA_SECTORS
from penstock.model.errors import InputError

DISK_SECTOR_BYTES = 512
SYSTEM_AREA_BYTES = SYSTEM_AREA_SECTORS * SECTOR_BYTES
BOOT_CODE_BYTES = 432
CYLINDER_BYTES = 64 * 32 * DISK_SECTOR_BYTES
"""A hybrid image is whole cylinders long: some firmware looks at the geometry."""
BACKUP_GPT_BYTES = 33 * DISK_SECTOR_BYTES
EFI_SYSTEM = UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")

_HEADS, _SECTORS_PER_TRACK = 64, 32
_MBR_TAIL = struct.Struct("<QIH")
_MBR_PARTITION = struct.Struct("<B3sB3sII")
_GPT_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_GPT_ENTRY = struct.Struct("<16s16sQQQ72s")
_GPT_ENTRIES = 128
_FIRST_USABLE_SECTOR = SYSTEM_AREA_BYTES // DISK_SECTOR_BYTES
_MAX_SECTORS_OF_MBR = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class MbrPartition:
    """A partition of the MBR: whether it is active, its type, where it stands."""

    active: bool
    type: int
    extent: Extent


@dataclass(frozen=True, slots=True)
class GptPartition:
    """A partition of the GPT: its type, where it stands, its name."""

    type: UUID
    extent: Extent
    name: str


@dataclass(frozen=True, slots=True)
class SystemArea:
    """What the first 32 KiB of an image say to a disk's firmware.

    Attributes:
        boot_code: 432 bytes, ``b""`` where there is none.
        bios_sector: from which the boot code loads, in sectors of 512 bytes; 0 where it does not.
        disk_id: of the MBR.
        mbr: its partitions; empty where there is no MBR.
        disk_guid: of the GPT, or None.
        gpt: its partitions.
    """

    boot_code: bytes = b""
    bios_sector: int = 0
    disk_id: int = 0
    mbr: tuple[MbrPartition, ...] = ()
    disk_guid: UUID | None = None
    gpt: tuple[GptPartition, ...] = ()

    @property
    def is_hybrid(self) -> bool:
        """Whether the image can be taken for a disk."""
        return bool(self.mbr or self.disk_guid)


@dataclass(frozen=True, slots=True)
class WholeImage:
    """The MBR partition that is the image itself: active and of type 00h or 17h for isohybrid, 96h for CHRP, CDh for GRUB's rescue images.

    Attributes:
        active: whether a BIOS may boot it.
        type: of the partition.
        start_bytes: where it starts: 0, or behind the MBR; it ends where the image ends.
    """

    active: bool = True
    type: int = 0x00
    start_bytes: int = 0


ISOHYBRID = WholeImage()


@dataclass(frozen=True, slots=True)
class HybridBoot:
    """What a new image needs to boot as a disk.

    Attributes:
        disk_id: of the MBR.
        disk_guid: of the GPT.
        boot_code: at most 432 bytes; ``b""`` for an image that UEFI alone boots.
        bios_sector_delta: what the boot code wants added to the sector of the BIOS image: 0 for isolinux, 4 for GRUB.
        whole_image: the first MBR partition; None for :data:`ISOHYBRID` with boot code, and for none without.
    """

    disk_id: int
    disk_guid: UUID
    boot_code: bytes = b""
    bios_sector_delta: int = 0
    whole_image: WholeImage | None = None

    def __post_init__(self) -> None:
        """Refuse boot code that would run into the fields behind it."""
        if len(self.boot_code) > BOOT_CODE_BYTES:
            raise InputError(f"boot code of {len(self.boot_code)} bytes does not fit into the {BOOT_CODE_BYTES} of an isohybrid MBR")


def parse_system_area(data: bytes) -> SystemArea:
    """Read an image's first 32 KiB; what is no valid MBR or GPT is not there."""
    if len(data) < SYSTEM_AREA_BYTES or data[510:512] != b"\x55\xaa":
        return SystemArea()
    bios_sector, disk_id, _ = _MBR_TAIL.unpack_from(data, BOOT_CODE_BYTES)
    code = data[:BOOT_CODE_BYTES]
    partitions = []
    for number in range(4):
        status, _, kind, _, start, length = _MBR_PARTITION.unpack_from(data, 446 + 16 * number)
        if length:
            partitions.append(MbrPartition(status == 0x80, kind, _extent(start, length)))
    guid, gpt = _parse_gpt(data)
    return SystemArea(code if any(code) else b"", bios_sector if any(code) else 0, disk_id, tuple(partitions), guid, gpt)


def _parse_gpt(data: bytes) -> tuple[UUID | None, tuple[GptPartition, ...]]:
    header = data[DISK_SECTOR_BYTES : DISK_SECTOR_BYTES + _GPT_HEADER.size]
    signature, _, size, checksum, _, _, _, _, _, guid, first, count, entry_bytes, _ = _GPT_HEADER.unpack(header)
    unsigned = header[:16] + bytes(4) + header[20:]
    if signature != b"EFI PART" or size != _GPT_HEADER.size or zlib.crc32(unsigned) != checksum or entry_bytes != _GPT_ENTRY.size:
        return None, ()
    partitions = []
    for number in range(min(count, _GPT_ENTRIES)):
        at = first * DISK_SECTOR_BYTES + number * entry_bytes
        if at + entry_bytes > len(data):
            break
        kind, _, start, last, _, name = _GPT_ENTRY.unpack_from(data, at)
        if any(kind) and last >= start:
            text = name.decode("utf-16-le", "replace").partition("\0")[0]
            partitions.append(GptPartition(UUID(bytes_le=kind), _extent(start, last - start + 1), text))
    return UUID(bytes_le=guid), tuple(partitions)


def build_system_area(boot: HybridBoot, *, bios: Extent | None, efi: Extent | None, total_bytes: int) -> bytes:
    """The first 32 KiB of an image.

    Args:
        boot: what the image is given.
        bios: the BIOS boot image, which the boot code loads.
        efi: the EFI boot image; without one there is no GPT.
        total_bytes: of the image, whole cylinders.
    """
    code = boot.boot_code.ljust(BOOT_CODE_BYTES, b"\0")
    sector = bios.offset // DISK_SECTOR_BYTES + boot.bios_sector_delta if bios and boot.boot_code else 0
    image = boot.whole_image or (ISOHYBRID if bios and boot.boot_code else None)
    partitions = []
    if image:
        extent = Extent(image.start_bytes, total_bytes - image.start_bytes)
        partitions.append(_mbr_partition(active=image.active, kind=image.type, extent=extent))
    if efi:
        partitions.append(_mbr_partition(active=False, kind=0xEF, extent=efi))
    mbr = code + _MBR_TAIL.pack(sector, boot.disk_id, 0) + b"".join(partitions).ljust(64, b"\0") + b"\x55\xaa"
    if efi is None:
        return mbr.ljust(SYSTEM_AREA_BYTES, b"\0")
    entries = _gpt_entries(boot, efi)
    last = total_bytes // DISK_SECTOR_BYTES - 1
    header = _gpt_header(boot, entries, own=1, other=last, first_entry=2, last=last)
    return (mbr + header + entries).ljust(SYSTEM_AREA_BYTES, b"\0")


def build_backup_gpt(boot: HybridBoot, *, efi: Extent, total_bytes: int) -> bytes:
    """The last :data:`BACKUP_GPT_BYTES` of an image with a GPT."""
    entries = _gpt_entries(boot, efi)
    last = total_bytes // DISK_SECTOR_BYTES - 1
    return entries + _gpt_header(boot, entries, own=last, other=1, first_entry=last - 32, last=last)


def _extent(start_sector: int, sectors: int) -> Extent:
    return Extent(start_sector * DISK_SECTOR_BYTES, sectors * DISK_SECTOR_BYTES)


def _sectors(extent: Extent) -> int:
    return -(-extent.length // DISK_SECTOR_BYTES)


def _mbr_partition(*, active: bool, kind: int, extent: Extent) -> bytes:
    start, length = extent.offset // DISK_SECTOR_BYTES, _sectors(extent)
    fields = (0x80 if active else 0, _chs(start), kind, _chs(start + length - 1))
    return _MBR_PARTITION.pack(*fields, min(start, _MAX_SECTORS_OF_MBR), min(length, _MAX_SECTORS_OF_MBR))


def _chs(sector: int) -> bytes:
    """Head, sector and cylinder as an MBR has them; what lies beyond cylinder 1023 is said by the greatest value."""
    track, in_track = divmod(sector, _SECTORS_PER_TRACK)
    cylinder, head = divmod(track, _HEADS)
    if cylinder > 1023:
        return b"\xfe\xff\xff"
    return bytes([head, (in_track + 1) | (cylinder >> 2 & 0xC0), cylinder & 0xFF])


def _gpt_entries(boot: HybridBoot, efi: Extent) -> bytes:
    start = efi.offset // DISK_SECTOR_BYTES
    name = "EFI boot image".encode("utf-16-le")
    unique = uuid5(boot.disk_guid, "efi")
    entry = _GPT_ENTRY.pack(EFI_SYSTEM.bytes_le, unique.bytes_le, start, start + _sectors(efi) - 1, 0, name)
    return entry.ljust(_GPT_ENTRIES * _GPT_ENTRY.size, b"\0")


def _gpt_header(boot: HybridBoot, entries: bytes, *, own: int, other: int, first_entry: int, last: int) -> bytes:
    def header(checksum: int) -> bytes:
        return _GPT_HEADER.pack(
            b"EFI PART",
            0x0001_0000,
            _GPT_HEADER.size,
            checksum,
            0,
            own,
            other,
            _FIRST_USABLE_SECTOR,
            last - 33,
            boot.disk_guid.bytes_le,
            first_entry,
            _GPT_ENTRIES,
            _GPT_ENTRY.size,
            zlib.crc32(entries),
        )

    return header(zlib.crc32(header(0))).ljust(DISK_SECTOR_BYTES, b"\0")
