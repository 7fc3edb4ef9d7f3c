"""One file out of an EROFS image: names are walked, what holds it is expanded piece by piece, and nothing else is read.

The kernel's ``Documentation/filesystems/erofs.rst`` says the layout, and ``fs/erofs/erofs_fs.h`` the structures.
"""

import struct
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from itertools import islice
from typing import Final

from penstock.formats.blocks import expanded
from penstock.formats.erofs.extents import FRAGMENT, HOLE, PLAIN, ROTATED, Extent, extents_of
from penstock.formats.erofs.inodes import Inode, read_inode
from penstock.formats.erofs.superblock import Superblock
from penstock.formats.filetree import (
    MAX_FOLDER_BYTES,
    MAX_TARGET_BYTES,
    FileTree,
    Name,
    NodeKind,
    Span,
    checked_name,
    damaged,
)

_ENTRY: Final = struct.Struct("<QHBB")
_KINDS: Final = {1: NodeKind.FILE, 2: NodeKind.FOLDER, 7: NodeKind.SYMLINK}
_PIECE_BYTES: Final = 1 << 20
_MAX_PACKED_EXTENTS: Final = 1 << 20
"""What a file of 4 GiB has where each block is compressed by itself."""
_DOTS: Final = (b".", b"..")


class Erofs(FileTree[Inode]):
    """An EROFS image that is open."""

    def __init__(self, image: Span) -> None:
        super().__init__(image)
        self._superblock = Superblock.read(image)
        self._expanded = lru_cache(maxsize=2)(self._expand)  # fragments of many files share one, of up to 12 MiB

    @property
    def root_place(self) -> int:
        """The number of the root."""
        return self._superblock.root

    def node(self, place: int) -> Inode:
        """The inode of a number."""
        return read_inode(self._image, self._superblock, place)

    def names(self, folder: Inode) -> Iterator[Name]:
        """The names in a folder; ``.`` and ``..`` stand among them in the image."""
        if folder.size_bytes > MAX_FOLDER_BYTES:
            raise damaged(f"a folder has {folder.size_bytes} bytes", self.subject)
        content = b"".join(self._range(self._extents(folder), 0, folder.size_bytes))
        for start in range(0, len(content), self._superblock.block_bytes):
            yield from self._names_in(content[start : start + self._superblock.block_bytes])

    def content(self, node: Inode) -> Iterator[bytes]:
        """The content of a file in pieces of up to 12 MiB."""
        if node.kind is not NodeKind.FILE:
            raise damaged("something is read as a file that is none", self.subject)
        return self._range(self._extents(node), 0, node.size_bytes)

    def target(self, symlink: Inode) -> str:
        """Where a symlink points."""
        if symlink.size_bytes > MAX_TARGET_BYTES:
            raise damaged(f"the target of a symlink has {symlink.size_bytes} bytes", self.subject)
        return b"".join(self._range(self._extents(symlink), 0, symlink.size_bytes)).decode(errors="surrogateescape")

    def _extents(self, inode: Inode) -> Iterator[Extent]:
        return extents_of(self._image, self._superblock, inode)

    @cached_property
    def _packed(self) -> tuple[Extent, ...]:
        """The extents of the file that fragments are in."""
        if not self._superblock.packed:
            raise damaged("a file has a fragment, and the image none", self.subject)
        extents = tuple(islice(self._extents(self.node(self._superblock.packed)), _MAX_PACKED_EXTENTS + 1))
        if len(extents) > _MAX_PACKED_EXTENTS:
            raise damaged("its fragments are in more pieces than any", self.subject)
        return extents

    def _range(self, extents: Iterable[Extent], start: int, end: int, *, in_packed: bool = False) -> Iterator[bytes]:
        """The bytes of ``extents`` from ``start`` to ``end``."""
        at = start
        for extent in extents:
            if at >= end:
                return
            if extent.start + extent.length <= at:
                continue
            until = min(extent.start + extent.length, end)
            if extent.stored == FRAGMENT:
                if in_packed:
                    raise damaged("the fragments are in fragments", self.subject)
                moved = extent.position - extent.start
                yield from self._range(self._packed, moved + at, moved + until, in_packed=True)
            else:
                yield from self._stored(extent, at - extent.start, until - extent.start)
            at = until
        if at < end:
            raise damaged(f"a file ends {end - at} bytes early", self.subject)

    def _stored(self, extent: Extent, start: int, end: int) -> Iterator[bytes]:
        """The bytes of an extent from ``start`` to ``end``, both counted in it."""
        if extent.stored in (PLAIN, HOLE):
            for at in range(start, end, _PIECE_BYTES):
                length = min(_PIECE_BYTES, end - at)
                yield bytes(length) if extent.stored == HOLE else self._image.read(extent.position + at, length)
        else:
            yield self._expanded(extent)[start:end]

    def _expand(self, extent: Extent) -> bytes:
        """All of an extent."""
        data = self._image.read(extent.position, extent.stored_bytes)
        if extent.stored == ROTATED:
            return self._turned(data, extent)
        if self._superblock.zero_padding:
            data = data.lstrip(b"\0")
        data = expanded(extent.stored, data, extent.length, subject=self.subject)
        if len(data) != extent.length:
            raise damaged(f"a block gives {len(data)} bytes for {extent.length}", self.subject)
        return data

    def _turned(self, data: bytes, extent: Extent) -> bytes:
        if len(data) > self._superblock.block_bytes:
            raise damaged(f"{len(data)} bytes are stored plain in a way that is for one block", self.subject)
        first = extent.start % self._superblock.block_bytes
        return (data[first:] + data[:first])[: extent.length]

    def _names_in(self, block: bytes) -> Iterator[Name]:
        """The entries of a block of a folder: numbers in front, the names behind them."""
        if len(block) < _ENTRY.size:
            raise damaged(f"a folder has a block of {len(block)} bytes", self.subject)
        first = _ENTRY.unpack_from(block)[1]
        count, rest = divmod(first, _ENTRY.size)
        if not count or rest or first > len(block):
            raise damaged(f"the names of a folder start at byte {first}", self.subject)
        entries = list(_ENTRY.iter_unpack(block[:first]))
        ends = [entry[1] for entry in entries[1:]] + [len(block)]
        for (number, start, kind, _), end in zip(entries, ends, strict=True):
            name = block[start:end]
            if end == len(block):
                name = name.partition(b"\0")[0]
            if name not in _DOTS:
                yield Name(checked_name(name, self.subject), number, _KINDS.get(kind, NodeKind.OTHER))
