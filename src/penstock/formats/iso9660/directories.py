"""Writing folders: directory records with Rock Ridge, their continuation areas, and the path tables (ECMA-119 6.8, 9.1, 9.4).

The length of a folder does not depend on where anything stands, so all folders are measured first and written when every place is known.
"""

import stat
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.formats.iso9660.entries import EntryKind
from penstock.formats.iso9660.records import MAX_EXTENT_BYTES, SECTOR_BYTES, DirectoryRecord, FileFlag, build_record
from penstock.formats.iso9660.rockridge import (
    CONTINUATION_BYTES,
    continuation_field,
    name_fields,
    posix_fields,
    root_fields,
    symlink_fields,
)
from penstock.formats.iso9660.segments import Extent
from penstock.formats.iso9660.tree import Node
from penstock.model.errors import InputError

MAX_FOLDERS = 0xFFFF
"""A path table numbers folders in 16 bits."""
_RECORD_BYTES = 33
_MAX_RECORD_BYTES = 254
_ITSELF, _PARENT = b"\0", b"\1"
_TYPE_BITS = {EntryKind.FILE: stat.S_IFREG, EntryKind.DIRECTORY: stat.S_IFDIR, EntryKind.SYMLINK: stat.S_IFLNK}


@dataclass(frozen=True, slots=True)
class _Record:
    """A record whose place is not known yet.

    Attributes:
        identifier: as recorded.
        node: what it points to.
        inline: the fields that stand in the record.
        overflow: those that do not fit.
        overflow_offset: where they stand in the folders' common continuation area.
        piece: the number of the extent, for a file that has several.
    """

    identifier: bytes
    node: Node
    inline: bytes
    overflow: bytes = b""
    overflow_offset: int = 0
    piece: int = 0

    @property
    def length(self) -> int:
        name = len(self.identifier) + (len(self.identifier) + 1) % 2
        area = len(self.inline) + (CONTINUATION_BYTES if self.overflow else 0)
        return _RECORD_BYTES + name + area + area % 2


class Folders:
    """All folders of an image, measured.

    Attributes:
        order: the folders, in the order of the path table.
        lengths: of each folder's extent in bytes, in that order.
        continuation_bytes: of the area behind the folders, whole sectors.
        path_table_bytes: of one path table.
    """

    def __init__(self, root: Node, *, created_s: int) -> None:
        """Measure a tree.

        Raises:
            InputError: there are too many folders, or a name or target is too long.
        """
        self._created_s = created_s
        self.order = _breadth_first(root)
        self._continuation = 0
        self._records = [self._records_of(folder) for folder in self.order]
        self.lengths = [_packed_length(records) for records in self._records]
        self.continuation_bytes = -(-self._continuation // SECTOR_BYTES) * SECTOR_BYTES
        self.path_table_bytes = sum(len(entry) for entry in _path_table(self.order, [0] * len(self.order), "<"))

    def record_time(self, node: Node) -> int:
        """An entry's time, or the image's."""
        return self._created_s if node.entry.mtime_s is None else node.entry.mtime_s

    def path_tables(self, blocks: Sequence[int]) -> tuple[bytes, bytes]:
        """The little-endian and the big-endian one, where ``blocks`` are the folders' places in order."""
        return b"".join(_path_table(self.order, blocks, "<")), b"".join(_path_table(self.order, blocks, ">"))

    def content(self, blocks: Sequence[int], files: Mapping[str, Extent]) -> bytes:
        """All folders and the continuation area behind them.

        Args:
            blocks: the folders' places in order; they follow each other.
            files: where each file's content stands, by path.
        """
        place = {
            id(folder): Extent(block * SECTOR_BYTES, length) for folder, block, length in zip(self.order, blocks, self.lengths, strict=True)
        }
        continuation_block = blocks[-1] + self.lengths[-1] // SECTOR_BYTES
        area = bytearray(self.continuation_bytes)
        out = bytearray()
        for records, length in zip(self._records, self.lengths, strict=True):
            start = len(out)
            for record in records:
                extent = place[id(record.node)] if record.node.is_directory else files.get(record.node.entry.path, Extent(0, 0))
                built = self._build(record, extent, continuation_block)
                if len(out) // SECTOR_BYTES != (len(out) + len(built) - 1) // SECTOR_BYTES:
                    out += bytes(-len(out) % SECTOR_BYTES)
                out += built
                area[record.overflow_offset : record.overflow_offset + len(record.overflow)] = record.overflow
            out += bytes(start + length - len(out))
        return bytes(out + area)

    def root_record(self, block: int) -> DirectoryRecord:
        """The root's record in the volume descriptor."""
        return DirectoryRecord(_ITSELF, block, self.lengths[0], FileFlag.DIRECTORY, self.record_time(self.order[0]), b"")

    def _build(self, record: _Record, extent: Extent, continuation_block: int) -> bytes:
        before = record.piece * MAX_EXTENT_BYTES
        length = min(extent.length - before, MAX_EXTENT_BYTES)
        flags = FileFlag.DIRECTORY if record.node.is_directory else FileFlag(0)
        if extent.length - before > MAX_EXTENT_BYTES and not record.node.is_directory:
            flags |= FileFlag.MORE_EXTENTS
        area = record.inline
        if record.overflow:
            sector, offset = divmod(record.overflow_offset, SECTOR_BYTES)
            area += continuation_field(continuation_block + sector, offset, len(record.overflow))
        block = (extent.offset + before) // SECTOR_BYTES
        return build_record(DirectoryRecord(record.identifier, block, length, flags, self.record_time(record.node), area))

    def _records_of(self, folder: Node) -> list[_Record]:
        parent = folder.parent or folder
        itself = self._posix(folder)
        if parent is folder:
            first, last = root_fields()
            itself = [first, *itself, last]
        records = [
            _Record(_ITSELF, folder, b"".join(itself)),
            _Record(_PARENT, parent, b"".join(self._posix(parent))),
        ]
        for name, child in sorted(folder.children.items(), key=lambda item: _identifier(item[1])):
            fields = [*self._posix(child), *name_fields(name)]
            if child.entry.kind is EntryKind.SYMLINK:
                fields += symlink_fields(child.entry.target)
            pieces = max(-(-child.entry.size_bytes // MAX_EXTENT_BYTES), 1)
            records += [self._fitted(child, fields, piece) for piece in range(pieces)]
        return records

    def _posix(self, node: Node) -> list[bytes]:
        links = 2 + len(node.folders()) if node.is_directory else 1
        mode = _TYPE_BITS[node.entry.kind] | stat.S_IMODE(node.entry.mode)
        return posix_fields(mode=mode, links=links, uid=node.entry.uid, gid=node.entry.gid, mtime_s=self.record_time(node))

    def _fitted(self, node: Node, fields: list[bytes], piece: int) -> _Record:
        """The record with as many fields as fit; the rest is given a place that no sector's end cuts."""
        identifier = _identifier(node)
        room = _MAX_RECORD_BYTES - _RECORD_BYTES - len(identifier) - (len(identifier) + 1) % 2
        if sum(map(len, fields)) <= room:
            return _Record(identifier, node, b"".join(fields), piece=piece)
        inline, used = 0, CONTINUATION_BYTES
        while used + len(fields[inline]) <= room:
            used += len(fields[inline])
            inline += 1
        overflow = b"".join(fields[inline:])
        if self._continuation % SECTOR_BYTES + len(overflow) > SECTOR_BYTES:
            self._continuation += -self._continuation % SECTOR_BYTES
        offset = self._continuation
        self._continuation += len(overflow)
        return _Record(identifier, node, b"".join(fields[:inline]), overflow, offset, piece)


def _identifier(node: Node) -> bytes:
    if node.is_directory:
        return node.plain_name.encode("ascii")
    dot = "" if "." in node.plain_name else "."
    return f"{node.plain_name}{dot};1".encode("ascii")


def _breadth_first(root: Node) -> list[Node]:
    order = [root]
    for folder in order:
        order += folder.folders()
        if len(order) > MAX_FOLDERS:
            raise InputError(f"an image has at most {MAX_FOLDERS} folders")
    return order


def _packed_length(records: list[_Record]) -> int:
    at = 0
    for record in records:
        if at // SECTOR_BYTES != (at + record.length - 1) // SECTOR_BYTES:
            at += -at % SECTOR_BYTES
        at += record.length
    return at + -at % SECTOR_BYTES


def _path_table(order: Sequence[Node], blocks: Sequence[int], byte_order: str) -> list[bytes]:
    numbers = {id(folder): number for number, folder in enumerate(order, start=1)}
    entries = []
    for folder, block in zip(order, blocks, strict=True):
        name = folder.plain_name.encode("ascii") or _ITSELF
        head = struct.pack(f"{byte_order}BBIH", len(name), 0, block, numbers[id(folder.parent or folder)])
        entries.append(head + name + b"\0" * (len(name) % 2))
    return entries
