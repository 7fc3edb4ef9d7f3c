"""Planning a new image: where everything stands, as a list of segments.

From the front: system area, volume descriptors, path tables, folders, boot catalogue, files in the order given, padding and, in a
hybrid image, the backup GPT.  The same input gives the same bytes: nothing is taken from a clock or by chance.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from penstock.formats.iso9660.directories import Folders
from penstock.formats.iso9660.eltorito import (
    BOOT_INFO_TABLE,
    BootEntry,
    Platform,
    boot_info_table,
    build_catalog,
    load_sectors_for,
)
from penstock.formats.iso9660.entries import EntryKind
from penstock.formats.iso9660.hybrid import (
    BACKUP_GPT_BYTES,
    CYLINDER_BYTES,
    SYSTEM_AREA_BYTES,
    build_backup_gpt,
    build_system_area,
)
from penstock.formats.iso9660.records import SECTOR_BYTES
from penstock.formats.iso9660.segments import Extent, Segment, Segments, merged, sliced
from penstock.formats.iso9660.tree import BootImage, NewEntry, NewIso, build_tree, check_ids
from penstock.formats.iso9660.volume import SYSTEM_AREA_SECTORS, TERMINATOR, PathTables, Volume, build_boot_record, build_primary
from penstock.model.errors import InputError

PADDING_SECTORS = 150
"""Behind the last file: drives that read ahead fail at the very end of a disc."""
_MAX_SECTORS = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class IsoPlan:
    """An image as it will be.

    Attributes:
        segments: all its bytes.
        size_bytes: its length.
        files: where each file's content stands, by path; an empty file has no place.
    """

    segments: Segments
    size_bytes: int
    files: Mapping[str, Extent]


@dataclass(frozen=True, slots=True)
class _Layout:
    """The places of what stands before the files, in sectors."""

    tables: PathTables
    folders: list[int]
    catalog: int
    files: int


def plan_iso(new: NewIso) -> IsoPlan:
    """Plan an image.

    Raises:
        InputError: what is asked for cannot be written: a path twice or too deep, a text too long, a boot image that is no file.
    """
    check_ids(new)
    entries = _with_catalog(new)
    folders = Folders(build_tree(entries), created_s=new.created_s)
    layout = _layout(folders, has_catalog=bool(new.boot))
    files, end = _places(entries, layout.files, Extent(layout.catalog * SECTOR_BYTES, SECTOR_BYTES), new.boot_catalog if new.boot else "")
    size_bytes = _whole_size(end, new)
    boot = _boot_entries(new, files)
    segments: list[Segment] = [
        _system_area(new, files, size_bytes),
        _descriptors(new, folders, layout, size_bytes),
        *(_padded(table) for table in folders.path_tables(layout.folders)),
        folders.content(layout.folders, files),
        build_catalog(boot) if boot else b"",
    ]
    for entry in entries:
        if entry.kind is EntryKind.FILE and not (new.boot and entry.path == new.boot_catalog):
            segments += [*_content(entry, new, files), bytes(-entry.size_bytes % SECTOR_BYTES)]
    backup = _backup(new, files, size_bytes)
    segments += [bytes(size_bytes - end - len(backup)), backup]
    return IsoPlan(merged(segments), size_bytes, files)


def _with_catalog(new: NewIso) -> tuple[NewEntry, ...]:
    """The entries, among them the catalogue where it has a name: with the mode and time of an entry of that name, if there is one."""
    if not new.boot or not new.boot_catalog:
        return new.entries
    content = (bytes(SECTOR_BYTES),)
    known = [replace(entry, content=content) if entry.path == new.boot_catalog else entry for entry in new.entries]
    if not any(entry.path == new.boot_catalog for entry in new.entries):
        known.append(NewEntry(new.boot_catalog, content=content))
    return tuple(known)


def _layout(folders: Folders, *, has_catalog: bool) -> _Layout:
    table_sectors = -(-folders.path_table_bytes // SECTOR_BYTES)
    first_table = SYSTEM_AREA_SECTORS + (3 if has_catalog else 2)
    tables = PathTables(first_table, first_table + table_sectors, folders.path_table_bytes)
    at = first_table + 2 * table_sectors
    blocks = []
    for length in folders.lengths:
        blocks.append(at)
        at += length // SECTOR_BYTES
    catalog = at + folders.continuation_bytes // SECTOR_BYTES
    return _Layout(tables, blocks, catalog, catalog + (1 if has_catalog else 0))


def _places(entries: tuple[NewEntry, ...], first: int, catalog: Extent, catalog_path: str) -> tuple[dict[str, Extent], int]:
    """Where each file stands, and where the last one ends."""
    files: dict[str, Extent] = {}
    at = first * SECTOR_BYTES
    for entry in entries:
        if catalog_path and entry.path == catalog_path:
            files[entry.path] = catalog
        elif entry.kind is EntryKind.FILE and entry.size_bytes:
            files[entry.path] = Extent(at, entry.size_bytes)
            at += entry.size_bytes + -entry.size_bytes % SECTOR_BYTES
    return files, at


def _whole_size(end: int, new: NewIso) -> int:
    size_bytes = end + PADDING_SECTORS * SECTOR_BYTES
    if new.hybrid:
        size_bytes += BACKUP_GPT_BYTES
        size_bytes += -size_bytes % CYLINDER_BYTES
    if size_bytes // SECTOR_BYTES > _MAX_SECTORS:
        raise InputError(f"an image of {size_bytes} bytes is larger than ISO 9660 can be")
    return size_bytes


def _boot_entries(new: NewIso, files: Mapping[str, Extent]) -> tuple[BootEntry, ...]:
    entries = []
    for image in new.boot:
        extent = files.get(image.path)
        if extent is None:
            raise InputError("the boot image is not among the files, or empty", subject=image.path)
        sectors = load_sectors_for(extent.length) if image.load_sectors is None else image.load_sectors
        entries.append(BootEntry(image.platform, True, 0, 0, 0, sectors, extent.offset))  # bootable
    return tuple(entries)


def _image_for(new: NewIso, files: Mapping[str, Extent], platform: Platform) -> Extent | None:
    image = next((image for image in new.boot if image.platform is platform), None)
    return files[image.path] if image else None


def _system_area(new: NewIso, files: Mapping[str, Extent], size_bytes: int) -> bytes:
    if new.hybrid is None:
        return bytes(SYSTEM_AREA_BYTES)
    bios, efi = _image_for(new, files, Platform.BIOS), _image_for(new, files, Platform.UEFI)
    return build_system_area(new.hybrid, bios=bios, efi=efi, total_bytes=size_bytes)


def _backup(new: NewIso, files: Mapping[str, Extent], size_bytes: int) -> bytes:
    efi = _image_for(new, files, Platform.UEFI)
    return build_backup_gpt(new.hybrid, efi=efi, total_bytes=size_bytes) if new.hybrid and efi else b""


def _descriptors(new: NewIso, folders: Folders, layout: _Layout, size_bytes: int) -> bytes:
    volume = Volume(
        volume_id=new.volume_id,
        system_id=new.system_id,
        publisher_id=new.publisher_id,
        preparer_id=new.preparer_id,
        application_id=new.application_id,
        created_s=new.created_s,
        size_bytes=size_bytes,
        block_bytes=SECTOR_BYTES,
        root=folders.root_record(layout.folders[0]),
    )
    boot_record = build_boot_record(layout.catalog) if new.boot else b""
    return build_primary(volume, layout.tables) + boot_record + TERMINATOR


def _content(entry: NewEntry, new: NewIso, files: Mapping[str, Extent]) -> Segments:
    """A file's content, with the boot information table filled in where it has one."""
    image = next((image for image in new.boot if image.path == entry.path and image.info_checksum is not None), None)
    return entry.content if image is None else _informed(entry, image, files[entry.path])


def _informed(entry: NewEntry, image: BootImage, extent: Extent) -> Segments:
    if extent.length < BOOT_INFO_TABLE.stop:
        raise InputError(f"a boot image of {extent.length} bytes has no room for the table about itself", subject=entry.path)
    table = boot_info_table(block=extent.offset // SECTOR_BYTES, length=extent.length, checksum=image.info_checksum or 0)
    before, behind = sliced(entry.content, 0, BOOT_INFO_TABLE.start), sliced(entry.content, BOOT_INFO_TABLE.stop, extent.length)
    return (*before, table, *behind)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % SECTOR_BYTES)
