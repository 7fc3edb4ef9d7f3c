"""One file out of a squashfs image: names are walked, its blocks are expanded one by one, and nothing else is read.

The kernel's ``Documentation/filesystems/squashfs.rst`` says the layout.
"""

import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from penstock.formats.blocks import expanded
from penstock.formats.filetree import MAX_FOLDER_BYTES, FileTree, Name, NodeKind, Span, checked_name, damaged
from penstock.formats.squashfs.inodes import NO_FRAGMENT, Inode, read_inode
from penstock.formats.squashfs.metadata import METADATA_BYTES, Cursor, Metadata
from penstock.formats.squashfs.superblock import Superblock

_FRAGMENT: Final = struct.Struct("<QII")
_FRAGMENTS_PER_BLOCK: Final = METADATA_BYTES // _FRAGMENT.size
_POSITION: Final = struct.Struct("<Q")
_NAMES: Final = struct.Struct("<III")
_NAME: Final = struct.Struct("<HhHH")
_MAX_NAMES_PER_HEADER: Final = 256
_FOLDER_EXTRA_BYTES: Final = 3
"""The size of a folder counts ``.`` and ``..``, which it does not hold."""

_PLAIN: Final = 1 << 24
_KINDS: Final = {1: NodeKind.FOLDER, 2: NodeKind.FILE, 3: NodeKind.SYMLINK}


class Squashfs(FileTree[Inode]):
    """A squashfs image that is open."""

    def __init__(self, image: Span) -> None:
        super().__init__(image)
        self._superblock = Superblock.read(image)
        self._metadata = Metadata(image, self._superblock.compression)
        self._fragment = lru_cache(maxsize=2)(self._read_fragment)

    @property
    def root_place(self) -> int:
        """The reference of the root."""
        return self._superblock.root

    def node(self, place: int) -> Inode:
        """The inode of a reference."""
        cursor = self._cursor(self._superblock.inode_table + (place >> 16), place & 0xFFFF)
        return read_inode(cursor, place, block_bytes=self._superblock.block_bytes, subject=self.subject)

    def names(self, folder: Inode) -> Iterator[Name]:
        """The names in a folder."""
        left = folder.size_bytes - _FOLDER_EXTRA_BYTES
        if left <= 0:
            return
        if left > MAX_FOLDER_BYTES:
            raise damaged(f"a folder has {left} bytes", self.subject)
        cursor = self._cursor(self._superblock.folder_table + folder.start, folder.offset)
        while left > 0:
            count, block, _number = cursor.unpack(_NAMES)
            left -= _NAMES.size
            if count >= _MAX_NAMES_PER_HEADER:
                raise damaged(f"a folder has {count + 1} names behind one header", self.subject)
            for _ in range(count + 1):
                offset, _delta, kind, length = cursor.unpack(_NAME)
                name = checked_name(cursor.take(length + 1), self.subject)
                left -= _NAME.size + length + 1
                yield Name(name, block << 16 | offset, _KINDS.get(kind, NodeKind.OTHER))
        if left < 0:
            raise damaged("a folder has more names than its size says", self.subject)

    def content(self, node: Inode) -> Iterator[bytes]:
        """The content of a file in blocks of up to 1 MiB."""
        if node.kind is not NodeKind.FILE:
            raise damaged("something is read as a file that is none", self.subject)
        position, left = node.start, node.size_bytes
        for stored in node.block_sizes:
            length = min(left, self._superblock.block_bytes)
            left -= length
            if stored == 0:
                yield bytes(length)
                continue
            yield self._block(position, stored, length)
            position += stored & ~_PLAIN
        if left:
            fragment = self._fragment(node.fragment)
            if node.offset + left > len(fragment):
                raise damaged("the end of a file lies outside its fragment", self.subject)
            yield fragment[node.offset : node.offset + left]

    def target(self, symlink: Inode) -> str:
        """Where a symlink points."""
        return symlink.target.decode(errors="surrogateescape")

    def _cursor(self, position: int, offset: int) -> Cursor:
        return Cursor(self._metadata, position, offset, self.subject)

    def _block(self, position: int, stored: int, length: int) -> bytes:
        """A block of a file: exactly ``length`` bytes, expanded."""
        data = self._stored(position, stored)
        if len(data) != length:
            raise damaged(f"a block gives {len(data)} bytes for {length}", self.subject)
        return data

    def _stored(self, position: int, stored: int) -> bytes:
        limit, length = self._superblock.block_bytes, stored & ~_PLAIN
        if length > limit:
            raise damaged(f"a block has {length} bytes", self.subject)
        data = self._image.read(position, length)
        return data if stored & _PLAIN else expanded(self._superblock.compression, data, limit, subject=self.subject)

    def _read_fragment(self, number: int) -> bytes:
        """The block that holds the ends of several files."""
        if number == NO_FRAGMENT or number >= self._superblock.fragments:
            raise damaged(f"fragment {number} is named, of {self._superblock.fragments}", self.subject)
        table, inside = divmod(number, _FRAGMENTS_PER_BLOCK)
        (block,) = _POSITION.unpack(self._image.read(self._superblock.fragment_table + table * _POSITION.size, _POSITION.size))
        cursor = self._cursor(block, inside * _FRAGMENT.size)
        position, stored, _unused = cursor.unpack(_FRAGMENT)
        return self._stored(position, stored)
