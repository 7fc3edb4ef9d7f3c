"""The inodes of an EROFS image (kernel: ``fs/erofs/erofs_fs.h``); owners, times and attributes are passed over."""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from penstock.formats.erofs.superblock import INODE_SLOT_BYTES, Superblock
from penstock.formats.filetree import Node, Span, damaged
from penstock.model.errors import OperationError

_SHORT: Final = struct.Struct("<HHHHIII")
_LONG: Final = struct.Struct("<HHHHQI")
_SHORT_BYTES, _LONG_BYTES = 32, 64
_LONG_FORM: Final = 0x01
_LAYOUT_SHIFT, _LAYOUT_MASK = 1, 0x07
_KNOWN_FORMAT: Final = 0x1F
_ATTRIBUTES_BYTES: Final = 12
_ATTRIBUTE_BYTES: Final = 4


class Layout(IntEnum):
    """How the content of an inode is stored."""

    PLAIN = 0
    COMPRESSED = 1
    """With an index of 8 bytes for each cluster."""
    INLINE = 2
    """Plain, and what does not fill a block stands behind the inode."""
    COMPACT = 3
    """Compressed, with an index of 2 or 4 bytes for each cluster."""
    CHUNKS = 4


@dataclass(frozen=True, slots=True)
class Inode(Node):
    """A node of an EROFS.

    Attributes:
        layout: of its content.
        content: the first block of plain content; the format of chunks.
        behind: the position in the image behind the inode and its attributes.
    """

    layout: Layout = Layout.PLAIN
    content: int = 0
    behind: int = 0


def read_inode(image: Span, superblock: Superblock, number: int) -> Inode:
    """Read an inode.

    Raises:
        OperationError: it is of a form or layout that is not read here.
        VerificationError: it is not in the image.
    """
    position = superblock.inodes + number * INODE_SLOT_BYTES
    head = image.read(position, _SHORT_BYTES)
    form, attributes, mode, _links, size, *rest = _SHORT.unpack_from(head)
    content, length = rest[1], _SHORT_BYTES
    if form & _LONG_FORM:
        form, attributes, mode, _links, size, content = _LONG.unpack_from(head)
        length = _LONG_BYTES
    layout = form >> _LAYOUT_SHIFT & _LAYOUT_MASK
    if form & ~_KNOWN_FORMAT or layout not in {known.value for known in Layout}:
        raise OperationError(f"an inode of the EROFS has the format {form:#x}, which is not read here", subject=image.subject)
    if size >= 1 << 63:
        raise damaged(f"an inode has {size} bytes", image.subject)
    behind = position + length + (_ATTRIBUTES_BYTES + (attributes - 1) * _ATTRIBUTE_BYTES if attributes else 0)
    return Inode(number, mode, size, Layout(layout), content, behind)
