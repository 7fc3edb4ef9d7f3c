"""The inodes of a squashfs image (kernel: ``fs/squashfs/squashfs_fs.h``, ``inode.c``); owners, times and attributes are passed over."""

import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from penstock.formats.filetree import MAX_TARGET_BYTES, Node, damaged
from penstock.formats.squashfs.metadata import Cursor

NO_FRAGMENT: Final = 0xFFFF_FFFF
MAX_BLOCKS: Final = 1 << 20
"""Of one file: 128 GiB with blocks of the usual size.  A few stored bytes may announce any number of them."""

_COMMON: Final = struct.Struct("<HHHHII")
_FOLDER: Final = struct.Struct("<IIHHI")
_LONG_FOLDER: Final = struct.Struct("<IIIIHHI")
_FILE: Final = struct.Struct("<IIII")
_LONG_FILE: Final = struct.Struct("<QQQIIII")
_SYMLINK: Final = struct.Struct("<II")


@dataclass(frozen=True, slots=True)
class Inode(Node):
    """A node of a squashfs.

    Attributes:
        start: of a file: where its blocks start in the image; of a folder: the block of its names in their table.
        offset: of a file: where its end starts in the fragment; of a folder: where its names start in that block.
        fragment: the number of the fragment that holds the end of a file, or :data:`NO_FRAGMENT`.
        block_sizes: of a file, as they are stored.
        target: of a symlink.
    """

    start: int = 0
    offset: int = 0
    fragment: int = NO_FRAGMENT
    block_sizes: tuple[int, ...] = ()
    target: bytes = b""


def read_inode(cursor: Cursor, place: int, *, block_bytes: int, subject: str) -> Inode:
    """Read the inode that ``cursor`` stands at.

    Args:
        cursor: in the table of inodes.
        place: its reference.
        block_bytes: of a block of a file.
        subject: names the image in errors.

    Raises:
        VerificationError: it is damaged.
    """
    kind, mode, *_ = cursor.unpack(_COMMON)
    if kind not in _READERS:
        raise damaged(f"an inode has the type {kind}", subject)
    type_bits, read = _READERS[kind]
    return read(_Start(cursor, place, type_bits | stat.S_IMODE(mode), block_bytes, subject))


@dataclass(frozen=True, slots=True)
class _Start:
    """What every type of inode is read with."""

    cursor: Cursor
    place: int
    mode: int
    block_bytes: int
    subject: str


def _folder(at: _Start) -> Inode:
    start, _links, size, offset, _parent = at.cursor.unpack(_FOLDER)
    return Inode(at.place, at.mode, size, start=start, offset=offset)


def _long_folder(at: _Start) -> Inode:
    _links, size, start, _parent, _indexes, offset, _attributes = at.cursor.unpack(_LONG_FOLDER)
    return Inode(at.place, at.mode, size, start=start, offset=offset)


def _file(at: _Start) -> Inode:
    start, fragment, offset, size = at.cursor.unpack(_FILE)
    return _with_blocks(at, size, start, fragment, offset)


def _long_file(at: _Start) -> Inode:
    start, size, _sparse, _links, fragment, offset, _attributes = at.cursor.unpack(_LONG_FILE)
    return _with_blocks(at, size, start, fragment, offset)


def _with_blocks(at: _Start, size: int, start: int, fragment: int, offset: int) -> Inode:
    count = size // at.block_bytes if fragment != NO_FRAGMENT else -(-size // at.block_bytes)
    if count > MAX_BLOCKS:
        raise damaged(f"a file has {count} blocks", at.subject)
    sizes = struct.unpack(f"<{count}I", at.cursor.take(4 * count))
    return Inode(at.place, at.mode, size, start=start, offset=offset, fragment=fragment, block_sizes=sizes)


def _symlink(at: _Start) -> Inode:
    _links, size = at.cursor.unpack(_SYMLINK)
    if size > MAX_TARGET_BYTES:
        raise damaged(f"the target of a symlink has {size} bytes", at.subject)
    return Inode(at.place, at.mode, size, target=at.cursor.take(size))


def _other(at: _Start) -> Inode:
    return Inode(at.place, at.mode, 0)


_READERS: Final[dict[int, tuple[int, Callable[[_Start], Inode]]]] = {
    1: (stat.S_IFDIR, _folder),
    2: (stat.S_IFREG, _file),
    3: (stat.S_IFLNK, _symlink),
    4: (stat.S_IFBLK, _other),
    5: (stat.S_IFCHR, _other),
    6: (stat.S_IFIFO, _other),
    7: (stat.S_IFSOCK, _other),
    8: (stat.S_IFDIR, _long_folder),
    9: (stat.S_IFREG, _long_file),
    10: (stat.S_IFLNK, _symlink),
    11: (stat.S_IFBLK, _other),
    12: (stat.S_IFCHR, _other),
    13: (stat.S_IFIFO, _other),
    14: (stat.S_IFSOCK, _other),
}
