"""What a file of an EROFS image is made of: ranges of it, each stored in one way (kernel: ``fs/erofs/data.c``, ``zmap.c``)."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from penstock.formats.erofs.clusters import Cluster, ClusterKind, CompactIndex, full_index
from penstock.formats.erofs.inodes import Inode, Layout
from penstock.formats.erofs.superblock import Superblock
from penstock.formats.filetree import Span, damaged
from penstock.model.errors import OperationError

PLAIN, HOLE, ROTATED, FRAGMENT = "plain", "hole", "rotated", "fragment"
"""Ways to store an extent that need no algorithm; in a ``ROTATED`` block the data starts where it does in the file, and wraps around."""

MAX_STORED_BYTES: Final = 1 << 20
MAX_EXTENT_BYTES: Final = 12 << 20
"""Of what is compressed; both are limits of the format."""

_ALGORITHMS: Final = {0: "lz4", 1: "MicroLZMA", 2: "deflate", 3: "zstd"}
_NO_BLOCK: Final = 0xFFFF_FFFF
_HEADER: Final = struct.Struct("<IHBB")
_PADDING_BYTES: Final = 8
_ALL_IN_FRAGMENT: Final = 1 << 63
_INDEX_BYTES: Final = 8
_CHUNK_SIZE_MASK, _CHUNK_INDEXES, _CHUNK_KNOWN = 0x1F, 0x20, 0x3F
_CHUNK_BATCH: Final = 1024


class Advise(IntFlag):
    """What the header of a compressed file says."""

    PACKS_OR_EXTENTS = 0x01
    COUNTED_FIRST = 0x02
    COUNTED_SECOND = 0x04
    INLINE_TAIL = 0x08
    ROTATED = 0x10
    FRAGMENT_TAIL = 0x20


@dataclass(frozen=True, slots=True)
class Extent:
    """A range of a file.

    Attributes:
        start: where it starts in the file.
        length: how much of the file it is.
        stored: how: one of the words above, or an algorithm.
        position: where it is stored in the image; of a fragment, in the packed file.
        stored_bytes: how much is stored.
    """

    start: int
    length: int
    stored: str
    position: int = 0
    stored_bytes: int = 0


def extents_of(image: Span, superblock: Superblock, inode: Inode) -> Iterator[Extent]:
    """The extents of a file, a folder or a symlink, front to back; together they are all of it.

    Raises:
        OperationError: it is stored in a way that is not read here.
        VerificationError: it is damaged.
    """
    if not inode.size_bytes:
        return iter(())
    if inode.layout is Layout.CHUNKS:
        return _chunks(image, superblock, inode)
    if inode.layout in (Layout.COMPRESSED, Layout.COMPACT):
        return _checked(_Compressed(image, superblock, inode).extents(), image.subject)
    return _flat(image, superblock, inode)


def _flat(image: Span, superblock: Superblock, inode: Inode) -> Iterator[Extent]:
    """Blocks in a row; of an inline file the last block stands behind the inode, cut where the file ends."""
    size, block_bytes = inode.size_bytes, superblock.block_bytes
    position = inode.content << superblock.block_bits
    if inode.layout is Layout.PLAIN:
        if inode.content == _NO_BLOCK:
            yield Extent(0, size, HOLE)
        else:
            yield Extent(0, size, PLAIN, position, size)
        return
    in_blocks = (size - 1) // block_bytes * block_bytes
    if in_blocks:
        yield Extent(0, in_blocks, PLAIN, position, in_blocks)
    tail = size - in_blocks
    if inode.behind % block_bytes + tail > block_bytes:
        raise damaged("the end of a file crosses a block", image.subject)
    yield Extent(in_blocks, tail, PLAIN, inode.behind, tail)


def _chunks(image: Span, superblock: Superblock, inode: Inode) -> Iterator[Extent]:
    """Pieces of one size; each has a block that it starts at."""
    form = inode.content & 0xFFFF
    if form & ~_CHUNK_KNOWN:
        raise OperationError(f"a file of the EROFS has chunks of the format {form:#x}, which is not read here", subject=image.subject)
    chunk_bytes = 1 << superblock.block_bits + (form & _CHUNK_SIZE_MASK)
    entry = struct.Struct("<HHI" if form & _CHUNK_INDEXES else "<I")
    count = -(-inode.size_bytes // chunk_bytes)
    table = -(-inode.behind // entry.size) * entry.size
    for first in range(0, count, _CHUNK_BATCH):
        data = image.read(table + first * entry.size, min(_CHUNK_BATCH, count - first) * entry.size)
        for number, fields in enumerate(entry.iter_unpack(data), start=first):
            start, block = number * chunk_bytes, fields[-1]
            length = min(chunk_bytes, inode.size_bytes - start)
            if block == _NO_BLOCK:
                yield Extent(start, length, HOLE)
                continue
            if len(fields) > 1 and fields[1]:
                raise OperationError("a file of the EROFS is on another device, which is not read here", subject=image.subject)
            yield Extent(start, length, PLAIN, block << superblock.block_bits, length)


class _Compressed:
    """The extents of a compressed file, by its header and its index."""

    def __init__(self, image: Span, superblock: Superblock, inode: Inode) -> None:
        self._image = image
        self._superblock = superblock
        self._size = inode.size_bytes
        self._full = inode.layout is Layout.COMPRESSED
        self._start = -(-inode.behind // _INDEX_BYTES) * _INDEX_BYTES
        self._header = image.read(self._start, _HEADER.size)
        self._low, advise, self._algorithms, cluster_bits = _HEADER.unpack(self._header)
        self._advise = Advise(advise)
        self._cluster_bits = superblock.block_bits + (cluster_bits & 0x0F)

    def extents(self) -> Iterator[Extent]:
        whole = int.from_bytes(self._header, "little")
        if whole & _ALL_IN_FRAGMENT:
            yield Extent(0, self._size, FRAGMENT, whole ^ _ALL_IN_FRAGMENT)
            return
        if self._full and self._advise & Advise.PACKS_OR_EXTENTS:
            raise OperationError("a file of the EROFS has a table of extents, which is not read here", subject=self._image.subject)
        counted = self._advise & (Advise.COUNTED_FIRST | Advise.COUNTED_SECOND)
        count = -(-self._size >> self._cluster_bits)
        position = self._start + _HEADER.size
        if self._full:
            position += _PADDING_BYTES
            end = position + count * _INDEX_BYTES
            yield from self._from_clusters(full_index(self._image, position, count, counts=bool(counted)), end)
            return
        packs = bool(self._advise & Advise.PACKS_OR_EXTENTS)
        index = CompactIndex(self._image, position, count, cluster_bits=self._cluster_bits, packs=packs, counts=bool(counted))
        yield from self._from_clusters(index, index.end)

    def _from_clusters(self, clusters: Iterable[Cluster], end: int) -> Iterator[Extent]:
        """Each start reaches to the next one, the last to the end of the file."""
        start, head, blocks = 0, None, 1
        for number, cluster in enumerate(clusters):
            if cluster.kind is ClusterKind.NOTHING:
                blocks = cluster.counted or blocks
                continue
            here = (number << self._cluster_bits) + cluster.offset
            if here >= self._size:
                break
            if head is not None:
                yield self._extent(start, here - start, head, blocks)
            elif here:
                break
            start, head, blocks = here, cluster, 1
        if head is None:
            raise damaged("the compressed data of a file does not start with it", self._image.subject)
        yield self._tail(start, head, blocks, end)

    def _tail(self, start: int, head: Cluster, blocks: int, end: int) -> Extent:
        length = self._size - start
        if self._advise & Advise.FRAGMENT_TAIL:
            return Extent(start, length, FRAGMENT, self._low | (head.block << 32 if self._full else 0))
        inline_bytes = self._low >> 16 if self._advise & Advise.INLINE_TAIL else 0
        if inline_bytes:
            if end % self._superblock.block_bytes + inline_bytes > self._superblock.block_bytes:
                raise damaged("the end of a file crosses a block", self._image.subject)
            return Extent(start, length, self._stored(head), end, inline_bytes)
        return self._extent(start, length, head, blocks)

    def _extent(self, start: int, length: int, head: Cluster, blocks: int) -> Extent:
        bits = self._superblock.block_bits
        return Extent(start, length, self._stored(head), head.block << bits, blocks << bits)

    def _stored(self, head: Cluster) -> str:
        if head.kind is ClusterKind.PLAIN:
            return ROTATED if self._advise & Advise.ROTATED else PLAIN
        number = self._algorithms & 0x0F if head.kind is ClusterKind.FIRST else self._algorithms >> 4
        if number not in _ALGORITHMS:
            raise OperationError(f"the EROFS uses the compression number {number}, which is not read here", subject=self._image.subject)
        return _ALGORITHMS[number]


def _checked(extents: Iterator[Extent], subject: str) -> Iterator[Extent]:
    """``extents``, of which none is empty or beyond the limits of the format."""
    for extent in extents:
        too_large = extent.stored != FRAGMENT and (extent.length > MAX_EXTENT_BYTES or extent.stored_bytes > MAX_STORED_BYTES)
        if extent.length <= 0 or too_large:
            raise damaged(f"{extent.length} bytes of a file are stored in {extent.stored_bytes}", subject)
        if extent.stored in (PLAIN, ROTATED) and extent.length > extent.stored_bytes:
            raise damaged(f"{extent.length} bytes of a file are stored plain in {extent.stored_bytes}", subject)
        yield extent
