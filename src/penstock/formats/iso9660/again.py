"""An image that was read, as the input of the writer: to be changed with ``dataclasses.replace`` and written again.

Contents are ranges of the image that was read, so nothing is copied.
"""

from uuid import NAMESPACE_URL, uuid5

from penstock.formats.iso9660.eltorito import BOOT_INFO_TABLE, BootEntry, Platform, boot_info_checksum, has_boot_info_table
from penstock.formats.iso9660.entries import EntryKind, IsoEntry
from penstock.formats.iso9660.hybrid import DISK_SECTOR_BYTES, HybridBoot, SystemArea, WholeImage
from penstock.formats.iso9660.reader import Iso9660
from penstock.formats.iso9660.records import SECTOR_BYTES
from penstock.formats.iso9660.segments import COPY_BYTES, FileRange
from penstock.formats.iso9660.tree import BootImage, NewEntry, NewIso
from penstock.model.errors import VerificationError

_BIOS_SECTOR_DELTAS = (0, 4)
"""What isolinux's and GRUB's boot code want added to the sector of the BIOS image."""
_BIOS_IMAGE_MOST_BYTES = 16 << 20
_PLACES_OF_OTHERS = (0xEF, 0xEE)
"""MBR partitions that are an EFI image, or stand for the GPT."""


def iso_again(iso: Iso9660, *, source: str) -> NewIso:
    """What an image is made of, for the writer.

    Args:
        iso: the image.
        source: the name that the ranges of its file get.

    Raises:
        VerificationError: the image is broken, or boots from something that is no file of it.
    """
    entries = [entry for entry in iso.walk() if entry.kind is not EntryKind.SPECIAL]
    boot = iso.boot_entries()
    catalog = iso.boot_catalog_offset()
    files = {entry.extents[0].offset: entry for entry in entries if entry.extents}
    named = files.get(catalog) if catalog is not None and boot else None
    return NewIso(
        volume_id=iso.volume.volume_id,
        entries=tuple(_new_entry(entry, source) for entry in entries),
        created_s=iso.volume.created_s,
        boot=tuple(_boot_image(iso, entry, files) for entry in boot if entry.bootable),
        boot_catalog=named.path if named else "",
        hybrid=_hybrid(iso, boot),
        system_id=iso.volume.system_id,
        publisher_id=iso.volume.publisher_id,
        preparer_id=iso.volume.preparer_id,
        application_id=iso.volume.application_id,
    )


def _new_entry(entry: IsoEntry, source: str) -> NewEntry:
    return NewEntry(
        path=entry.path,
        kind=entry.kind,
        content=tuple(FileRange(source, extent.offset, extent.length) for extent in entry.extents),
        target=entry.target,
        mode=entry.mode,
        mtime_s=entry.mtime_s,
        uid=entry.uid,
        gid=entry.gid,
    )


def _boot_image(iso: Iso9660, entry: BootEntry, files: dict[int, IsoEntry]) -> BootImage:
    file = files.get(entry.offset)
    if file is None or not isinstance(entry.platform, Platform) or entry.media:
        what = "is no file of it" if file is None else "is of a kind that cannot be written again"
        raise VerificationError(f"the boot image at byte {entry.offset} {what}", subject=iso.name)
    checksum = None
    start = iso.read(entry.offset, BOOT_INFO_TABLE.stop)
    if file.size_bytes <= _BIOS_IMAGE_MOST_BYTES and has_boot_info_table(start, entry.offset // SECTOR_BYTES, file.size_bytes):
        with iso.open_entry(file) as content:
            checksum = boot_info_checksum(iter(lambda: content.read(COPY_BYTES), b""))
    return BootImage(file.path, entry.platform, entry.load_sectors, checksum)


def _hybrid(iso: Iso9660, boot: tuple[BootEntry, ...]) -> HybridBoot | None:
    """What makes the image a disk; boot code that does not load the BIOS boot image is dropped: it would not find its way elsewhere.

    Where no BIOS boots the image, what stands at the place of boot code is Apple's, as in GRUB's rescue images for Power.
    """
    area = iso.system_area()
    if not area.is_hybrid:
        return None
    deltas = (area.bios_sector - entry.offset // DISK_SECTOR_BYTES for entry in boot if entry.platform is Platform.BIOS)
    delta = next((delta for delta in deltas if delta in _BIOS_SECTOR_DELTAS), None)
    guid = area.disk_guid or uuid5(NAMESPACE_URL, f"iso9660:{iso.volume_id}")
    if not area.boot_code or all(entry.platform is not Platform.BIOS for entry in boot):
        return HybridBoot(area.disk_id, guid, whole_image=_whole_image(area))
    if delta is None:
        return HybridBoot(area.disk_id, guid)
    return HybridBoot(area.disk_id, guid, area.boot_code, delta, _whole_image(area))


def _whole_image(area: SystemArea) -> WholeImage | None:
    for partition in area.mbr:
        if partition.extent.offset <= DISK_SECTOR_BYTES and partition.type not in _PLACES_OF_OTHERS:
            return WholeImage(partition.active, partition.type, partition.extent.offset)
    return None
