"""newc cpio archives, the kernel's format for an initramfs: written from values, and their headers read.

The kernel's ``Documentation/driver-api/early-userspace/buffer-format.rst`` says the format: a header of 110 ASCII characters (magic
``070701``, thirteen numbers of eight hexadecimal digits), the name with its NUL, zeros to a multiple of 4, the content, zeros to a
multiple of 4; the name ``TRAILER!!!`` ends the archive.  With the magic ``070702`` the last number is the sum of the content's bytes.

Archives stand one behind another in an initramfs, some compressed; :mod:`penstock.formats.initramfs` reads those.
"""

import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

from penstock.model.errors import InputError, VerificationError

HEADER_BYTES = 110
ALIGNMENT_BYTES = 4
"""What names and contents are padded to, and archives start at."""

TRAILER = "TRAILER!!!"
MAGICS = (b"070701", b"070702")

MAX_NAME_BYTES = 4096
"""The kernel's ``PATH_MAX``, the NUL included."""

FILE_MODE = stat.S_IFREG | 0o644
FOLDER_MODE = stat.S_IFDIR | 0o755

_MAX_CONTENT_BYTES = 0xFFFF_FFFF
_WITH_CHECKSUM = b"070702"
_NUMBERS = re.compile(rb"[0-9A-Fa-f]{104}")
_HINT = "the archive must be made again"


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """A member of an archive, whole.

    Attributes:
        path: relative to the root, ``etc/hostname``.
        content: the bytes of a file, the target of a symlink, nothing for a folder.
        mode: type and permissions, ``0o100644``.
    """

    path: str
    content: bytes = field(default=b"", repr=False)
    mode: int = FILE_MODE


@dataclass(frozen=True, slots=True)
class Header:
    """What the header of a member says.

    Attributes:
        inode, links: members of the same inode with two links or more are one file; its content stands in one of them.
        mode: type and permissions.
        size_bytes: of the content.
        device: major and minor number of the device that held the file.
        name_bytes: the length of the name that follows, its NUL included.
        checksum: the sum of the content's bytes modulo 2**32, or None in an archive without checksums.
    """

    inode: int
    mode: int
    links: int
    size_bytes: int
    device: tuple[int, int]
    name_bytes: int
    checksum: int | None

    @classmethod
    def parse(cls, content: bytes, *, subject: str) -> Self:
        """Read the header from its 110 bytes.

        Raises:
            VerificationError: they are none, or announce what no archive can hold.
        """
        magic, numbers = content[:6], content[6:]
        if magic not in MAGICS or not _NUMBERS.fullmatch(numbers):
            raise VerificationError("the cpio archive is damaged: no newc header stands where one must", subject=subject, hint=_HINT)
        inode, mode, _uid, _gid, links, _mtime, size_bytes, major, minor, _rmajor, _rminor, name_bytes, checksum = (
            int(numbers[start : start + 8], 16) for start in range(0, 104, 8)
        )
        if not 2 <= name_bytes <= MAX_NAME_BYTES:
            raise VerificationError(f"the cpio archive holds a name of {name_bytes} bytes", subject=subject, hint=_HINT)
        return cls(inode, mode, links, size_bytes, (major, minor), name_bytes, checksum if magic == _WITH_CHECKSUM else None)


def parse_name(content: bytes, *, subject: str) -> str:
    """The name that the bytes behind a header say; some writers pad it with more than one NUL, to align what follows.

    Raises:
        VerificationError: it is empty, or has no NUL.
    """
    name, nul, _ = content.partition(b"\0")
    if not nul or not name:
        raise VerificationError("the cpio archive holds a name that is empty or has no end", subject=subject, hint=_HINT)
    return name.decode(errors="surrogateescape")


def padding_bytes(position: int) -> int:
    """How many zeros stand between ``position`` and the next multiple of 4."""
    return -position % ALIGNMENT_BYTES


def write_archive(members: Iterable[ArchiveFile]) -> bytes:
    """The archive of ``members`` in their order, the trailer last; the same members give the same bytes.

    Owner is root, the time is 1970, every member is an inode of its own.  The kernel makes no folder that an archive does not hold
    before its files: see :func:`with_folders`.

    Raises:
        InputError: a path or a content that no archive can hold.
    """
    pieces: list[bytes] = []
    for inode, member in enumerate(members, start=1):
        pieces += _member(_checked_name(member), member.content, mode=member.mode, inode=inode)
    pieces += _member(TRAILER.encode(), b"", mode=0, inode=0)
    return b"".join(pieces)


def with_folders(members: Iterable[ArchiveFile]) -> Iterator[ArchiveFile]:
    """``members``, each behind the folders above it that have not come yet."""
    seen: set[str] = set()
    for member in members:
        steps = member.path.split("/")
        for depth in range(1, len(steps)):
            folder = "/".join(steps[:depth])
            if folder not in seen:
                seen.add(folder)
                yield ArchiveFile(folder, mode=FOLDER_MODE)
        seen.add(member.path)
        yield member


def _checked_name(member: ArchiveFile) -> bytes:
    name = member.path.encode(errors="surrogateescape")
    steps = member.path.split("/")
    if not member.path or "" in steps or "." in steps or ".." in steps or "\0" in member.path or member.path == TRAILER:
        raise InputError(f"no member of an archive can be called {member.path!r}", hint="give a plain path relative to the root")
    if len(name) >= MAX_NAME_BYTES:
        raise InputError(f"the path {member.path[:60]!r}… has {len(name)} bytes", hint=f"the kernel reads less than {MAX_NAME_BYTES}")
    if len(member.content) > _MAX_CONTENT_BYTES:
        raise InputError(f"{member.path!r} has {len(member.content)} bytes", hint=f"an archive holds files up to {_MAX_CONTENT_BYTES}")
    return name


def _member(name: bytes, content: bytes, *, mode: int, inode: int) -> tuple[bytes, ...]:
    """Header, name and content with their padding."""
    numbers = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    header = MAGICS[0] + b"".join(b"%08x" % number for number in numbers)
    head = header + name + b"\0"
    return head, bytes(padding_bytes(len(head))), content, bytes(padding_bytes(len(content)))
