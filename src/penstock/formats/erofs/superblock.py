"""The superblock of an EROFS image, 1024 bytes behind its start (kernel: ``fs/erofs/erofs_fs.h``)."""

import struct
from dataclasses import dataclass
from enum import IntFlag
from typing import Final, Self

from penstock.formats.filetree import Span, damaged
from penstock.model.errors import OperationError

SUPERBLOCK_OFFSET: Final = 1024
MAGIC: Final = 0xE0F5E1E2
INODE_SLOT_BYTES: Final = 32

_LAYOUT: Final = struct.Struct("<IIIBBHQQIIII16s16sIHHHBBIQ")
_MIN_BLOCK_BITS, _MAX_BLOCK_BITS = 9, 16


class Feature(IntFlag):
    """What a reader must know; one bit may be set for either of two things that came together."""

    ZERO_PADDING = 0x01
    COMPRESSION_CONFIGS = 0x02
    CHUNKS = 0x04
    DEVICES_OR_SECOND_HEAD = 0x08
    INLINE_TAILS = 0x10
    FRAGMENTS_OR_DEDUPLICATION = 0x20
    ATTRIBUTE_PREFIXES = 0x40
    ADDRESSES_OF_48_BITS = 0x80
    METADATA_BOX = 0x100


_READ: Final = (
    Feature.ZERO_PADDING
    | Feature.COMPRESSION_CONFIGS
    | Feature.CHUNKS
    | Feature.DEVICES_OR_SECOND_HEAD
    | Feature.INLINE_TAILS
    | Feature.FRAGMENTS_OR_DEDUPLICATION
    | Feature.ATTRIBUTE_PREFIXES
)


@dataclass(frozen=True, slots=True)
class Superblock:
    """What an image says of itself.

    Attributes:
        block_bits: the size of a block as a power of two.
        root: the number of the root's inode.
        inodes: the position in the image that inodes are counted from.
        packed: the number of the inode that holds fragments of files, or 0.
        zero_padding: whether compressed data stands at the end of its blocks, zeros before it.
    """

    block_bits: int
    root: int
    inodes: int
    packed: int
    zero_padding: bool

    @classmethod
    def read(cls, image: Span) -> Self:
        """Read it from an image.

        Raises:
            OperationError: it needs what is not read here.
            VerificationError: it is no EROFS, or says what cannot be.
        """
        fields = _LAYOUT.unpack(image.read(SUPERBLOCK_OFFSET, _LAYOUT.size))
        magic, _checksum, _compatible, block_bits, _slots, root, _count, _epoch, _nanoseconds, blocks, metadata = fields[:11]
        _attributes, _uuid, _name, needed, _algorithms, devices, _device_slot, folder_bits, _prefixes, _prefix_start, packed = fields[11:]
        if magic != MAGIC:
            raise damaged(f"its magic is {magic:08x}, and that of EROFS {MAGIC:08x}", image.subject)
        unknown = needed & ~int(_READ)  # the complement of flags would know defined bits alone
        if unknown:
            named = ", ".join(feature.name or "" for feature in Feature if feature & unknown) or f"{unknown:#x}"
            raise OperationError(f"the EROFS uses what is not read here: {named.lower().replace('_', ' ')}", subject=image.subject)
        if devices:
            raise OperationError("the EROFS keeps data on other devices, which is not read here", subject=image.subject)
        if folder_bits:
            raise OperationError("the EROFS has folder blocks of another size, which is not read here", subject=image.subject)
        if not _MIN_BLOCK_BITS <= block_bits <= _MAX_BLOCK_BITS or blocks << block_bits > image.size_bytes:
            raise damaged(f"it has {blocks} blocks of 2**{block_bits} bytes, in {image.size_bytes} bytes", image.subject)
        return cls(block_bits, root, metadata << block_bits, packed, bool(needed & Feature.ZERO_PADDING))

    @property
    def block_bytes(self) -> int:
        """The size of a block."""
        return 1 << self.block_bits
