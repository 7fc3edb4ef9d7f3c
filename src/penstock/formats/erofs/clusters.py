"""The index of a compressed file: for each cluster of, say, 4 KiB, whether compressed data starts in it, and where that is stored.

Two encodings (kernel: ``fs/erofs/erofs_fs.h``, ``zmap.c``): 8 bytes for each cluster; or packs of 8 bytes for 2 clusters and of 32 bytes
for 16, which hold the block of their first start and count on from there.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from penstock.formats.filetree import Span
from penstock.model.errors import OperationError

_FULL: Final = struct.Struct("<HHHH")
_FULL_BATCH: Final = 4096
_TYPE_MASK: Final = 3
_COUNTED: Final = 1 << 11
_COUNTED_BITS: Final = 12
_PAIR_BYTES, _PAIR = 8, 2
_PACK_BYTES, _PACK = 32, 16
_MAX_PAIR_BITS, _MAX_PACK_BITS = 14, 12


class ClusterKind(IntEnum):
    """What starts in a cluster."""

    PLAIN = 0
    FIRST = 1
    """Data of the first algorithm of the file."""
    NOTHING = 2
    SECOND = 3


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the index says of a cluster.

    Attributes:
        kind: what starts in it.
        offset: where in the cluster it starts.
        block: the first block that it is stored in.
        counted: where nothing starts: how many blocks the data that started in the cluster before has, or 0.
    """

    kind: ClusterKind
    offset: int = 0
    block: int = 0
    counted: int = 0


_NOTHING: Final = Cluster(ClusterKind.NOTHING)


def full_index(image: Span, position: int, count: int, *, counts: bool) -> Iterator[Cluster]:
    """The clusters of an index of 8 bytes each.

    Args:
        image: the image.
        position: of the index.
        count: of clusters.
        counts: whether data may have more than one block.
    """
    for start in range(0, count, _FULL_BATCH):
        length = min(_FULL_BATCH, count - start)
        for advise, offset, low, high in _FULL.iter_unpack(image.read(position + start * _FULL.size, length * _FULL.size)):
            kind = ClusterKind(advise & _TYPE_MASK)
            if kind is not ClusterKind.NOTHING:
                yield Cluster(kind, offset, low | high << 16)
            else:
                yield Cluster(kind, counted=low & ~_COUNTED if counts and low & _COUNTED else 0)


class CompactIndex:
    """An index of packs: pairs up to a multiple of 32 bytes, then packs of 16 where the file has them, then pairs."""

    def __init__(self, image: Span, position: int, count: int, *, cluster_bits: int, packs: bool, counts: bool) -> None:
        """Lay out the index.

        Args:
            image: the image.
            position: of the index, a multiple of 8.
            count: of clusters.
            cluster_bits: the size of a cluster as a power of two.
            packs: whether it has packs of 16.
            counts: whether data may have more than one block.

        Raises:
            OperationError: no encoding is known for clusters of this size.
        """
        if cluster_bits > (_MAX_PACK_BITS if packs else _MAX_PAIR_BITS):
            raise OperationError(f"the EROFS has compact indexes for clusters of 2**{cluster_bits} bytes", subject=image.subject)
        first = -position % _PACK_BYTES // (_PAIR_BYTES // _PAIR)
        packed = (count - first) // _PACK * _PACK if packs and first < count else 0
        first = min(first, count)
        self._image = image
        self._offset_bits = max(cluster_bits, _COUNTED_BITS)
        self._counts = counts
        self._parts = ((first, _PAIR_BYTES, _PAIR), (packed, _PACK_BYTES, _PACK), (count - first - packed, _PAIR_BYTES, _PAIR))
        self._position = position

    @property
    def end(self) -> int:
        """The position behind the index."""
        return self._position + sum(-(-count // each) * size for count, size, each in self._parts)

    def __iter__(self) -> Iterator[Cluster]:
        """The clusters in order."""
        position = self._position
        for count, size, each in self._parts:
            for start in range(0, count, each):
                yield from self._unpacked(self._image.read(position, size), each)[: count - start]
                position += size

    def _unpacked(self, pack: bytes, each: int) -> list[Cluster]:
        bits = int.from_bytes(pack[:-4], "little")
        block = int.from_bytes(pack[-4:], "little")
        width = (len(pack) - 4) * 8 // each
        mask = (1 << self._offset_bits) - 1
        entries = [(bits >> width * number & mask, bits >> width * number + self._offset_bits & _TYPE_MASK) for number in range(each)]
        return self._with_counts(entries, block) if self._counts else self._single_blocks(entries, block)

    def _single_blocks(self, entries: list[tuple[int, int]], block: int) -> list[Cluster]:
        """All data has one block; the pack names the one before its first start."""
        found = []
        for low, kind in entries:
            if kind == ClusterKind.NOTHING:
                found.append(_NOTHING)
            else:
                block += 1
                found.append(Cluster(ClusterKind(kind), low, block))
        return found

    def _with_counts(self, entries: list[tuple[int, int]], block: int) -> list[Cluster]:
        """The pack names the block of its first start, or of the data before it whose count stands in the pack."""
        found: list[Cluster] = []
        for low, kind in entries:
            if kind != ClusterKind.NOTHING:
                if found and found[-1].kind is not ClusterKind.NOTHING:
                    block += 1
                found.append(Cluster(ClusterKind(kind), low, block))
                continue
            if low & _COUNTED:
                block += low & ~_COUNTED
                found.append(Cluster(ClusterKind.NOTHING, counted=low & ~_COUNTED))
            else:
                found.append(_NOTHING)
        return found
