"""The first 96 bytes of a squashfs image (kernel: ``fs/squashfs/squashfs_fs.h``)."""

import struct
from dataclasses import dataclass
from typing import Final, Self

from penstock.formats.filetree import Span, damaged
from penstock.model.errors import OperationError

MAGIC: Final = b"hsqs"
_LAYOUT: Final = struct.Struct("<4sIIIIHHHHHHQQQQQQQQ")
_VERSION: Final = (4, 0)
_MIN_BLOCK_LOG, _MAX_BLOCK_LOG = 12, 20
_COMPRESSIONS: Final = {1: "gzip", 2: "lzma", 3: "lzo", 4: "xz", 5: "lz4", 6: "zstd"}
_READ: Final = frozenset({"gzip", "xz", "lz4", "zstd"})


@dataclass(frozen=True, slots=True)
class Superblock:
    """What an image says of itself.

    Attributes:
        compression: of all its blocks, a key of ``blocks.EXPANDERS``.
        block_bytes: the size of a block of a file, expanded.
        fragments: how many blocks hold the ends of files.
        root: the reference of the root's inode.
        inode_table, folder_table: positions in the image, where these start.
        fragment_table: where the positions of the blocks of fragment entries stand.
    """

    compression: str
    block_bytes: int
    fragments: int
    root: int
    inode_table: int
    folder_table: int
    fragment_table: int

    @classmethod
    def read(cls, image: Span) -> Self:
        """Read it from an image.

        Raises:
            OperationError: another version, or a compression that is not read here.
            VerificationError: it is no squashfs, or says what cannot be.
        """
        fields = _LAYOUT.unpack(image.read(0, _LAYOUT.size))
        magic, _inodes, _time, block_bytes, fragments, compression, block_log, _flags, _ids, major, minor, root, used = fields[:13]
        _id_table, _xattr_table, inode_table, folder_table, fragment_table, _export_table = fields[13:]
        if magic != MAGIC:
            raise damaged(f"it starts with {magic.hex()}, and no squashfs does", image.subject)
        if (major, minor) != _VERSION:
            raise OperationError(f"squashfs {major}.{minor} is not read, 4.0 is", subject=image.subject)
        if not _MIN_BLOCK_LOG <= block_log <= _MAX_BLOCK_LOG or block_bytes != 1 << block_log:
            raise damaged(f"its blocks have {block_bytes} bytes", image.subject)
        if used > image.size_bytes:
            raise damaged(f"it says that it has {used} bytes, and has {image.size_bytes}", image.subject)
        name = _COMPRESSIONS.get(compression, f"number {compression}")
        if name not in _READ:
            raise OperationError(f"the squashfs is compressed with {name}, which is not read here", subject=image.subject)
        return cls(name, block_bytes, fragments, root, inode_table, folder_table, fragment_table)
