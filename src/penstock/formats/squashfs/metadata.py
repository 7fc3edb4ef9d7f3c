"""The metadata of a squashfs image: streams of blocks of 8 KiB, each behind two bytes that say how many are stored, and whether plain.

Inodes and folders name a byte by the position of its block behind the start of the table, and its offset in the expanded block.
"""

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from penstock.formats.blocks import expanded
from penstock.formats.filetree import Span, damaged

METADATA_BYTES: Final = 8192
_PLAIN: Final = 0x8000
_HEADER: Final = struct.Struct("<H")
_KEPT_BLOCKS: Final = 256


class Metadata:
    """The metadata blocks of an image; those that were read last are kept, 2 MiB of them."""

    def __init__(self, image: Span, compression: str) -> None:
        self._image = image
        self._compression = compression
        self.block: Callable[[int], tuple[bytes, int]] = lru_cache(maxsize=_KEPT_BLOCKS)(self._block)
        """The expanded block at a position of the image, and the position of the next."""

    def _block(self, position: int) -> tuple[bytes, int]:
        (header,) = _HEADER.unpack(self._image.read(position, _HEADER.size))
        length = header & ~_PLAIN
        if not 0 < length <= METADATA_BYTES:
            raise damaged(f"a metadata block has {length} bytes", self._image.subject)
        data = self._image.read(position + _HEADER.size, length)
        if not header & _PLAIN:
            data = expanded(self._compression, data, METADATA_BYTES, subject=self._image.subject)
        return data, position + _HEADER.size + length


class Cursor:
    """Reads on in a stream of metadata blocks."""

    def __init__(self, metadata: Metadata, position: int, offset: int, subject: str) -> None:
        """Start ``offset`` bytes into the block at ``position`` of the image."""
        self._metadata = metadata
        self._next = position
        self._block = b""
        self._at = 0
        self._subject = subject
        self._load()
        if offset > len(self._block):
            raise damaged(f"byte {offset} of a metadata block of {len(self._block)} is named", subject)
        self._at = offset

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes.

        Raises:
            VerificationError: the image ends before that, or a block is damaged.
        """
        pieces = []
        while count:
            if self._at == len(self._block):
                self._load()
            piece = self._block[self._at : self._at + count]
            self._at += len(piece)
            count -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def unpack(self, layout: struct.Struct) -> tuple[int, ...]:
        """The next numbers."""
        return layout.unpack(self.take(layout.size))

    def _load(self) -> None:
        self._block, self._next = self._metadata.block(self._next)
        self._at = 0
        if not self._block:
            raise damaged("a metadata block is empty", self._subject)
