"""What a reader finds in an image: one value per file, folder or symlink."""

import stat
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import BinaryIO

from penstock.formats.iso9660.segments import Extent
from penstock.formats.positioned import PositionedReader
from penstock.model.errors import VerificationError

_FILE_MODE, _FOLDER_MODE = 0o444, 0o555


class EntryKind(StrEnum):
    """What an entry is."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    SPECIAL = "special"
    """A device, a FIFO or a socket."""


@dataclass(frozen=True, slots=True)
class IsoEntry:
    """One entry of an image.

    Attributes:
        path: from the root, without a leading slash, in the names that the image is read by.
        kind: what it is.
        size_bytes: of a file's content; 0 for everything else.
        extents: where a file's content stands, in order; a file of 4 GiB or more has several. Empty for an empty file.
        mode: permission bits.
        uid: the owner, 0 where the image does not say.
        gid: the group, likewise.
        mtime_s: seconds since the epoch; 0 where the image does not say.
        target: of a symlink, else ``""``.
        plain_name: its name in ISO 9660's own alphabet, or in Joliet's where the image is read by Joliet names.
        is_long_named: whether ``path`` ends in a Rock Ridge name.
    """

    path: str
    kind: EntryKind
    size_bytes: int
    extents: tuple[Extent, ...]
    mode: int
    uid: int
    gid: int
    mtime_s: int
    target: str
    plain_name: str
    is_long_named: bool

    @property
    def name(self) -> str:
        """The last name of the path."""
        return self.path.rpartition("/")[2]

    @property
    def extent(self) -> Extent:
        """Where the content stands, as one range.

        Raises:
            VerificationError: it stands in pieces that do not follow each other.
        """
        if not self.extents:
            return Extent(0, 0)
        for before, after in pairwise(self.extents):
            if before.end != after.offset:
                raise VerificationError("the file's content stands in several places of the image", subject=self.path)
        return Extent(self.extents[0].offset, self.size_bytes)


def kind_of(mode: int | None, *, is_directory: bool, is_symlink: bool) -> EntryKind:
    """What an entry is; the directory record's word counts before the POSIX mode's."""
    if is_directory:
        return EntryKind.DIRECTORY
    if is_symlink or (mode is not None and stat.S_ISLNK(mode)):
        return EntryKind.SYMLINK
    if mode is None or stat.S_IFMT(mode) in (0, stat.S_IFREG, stat.S_IFDIR):
        return EntryKind.FILE
    return EntryKind.SPECIAL


def permissions_of(mode: int | None, kind: EntryKind) -> int:
    """The permission bits; what an image without Rock Ridge is mounted with where it gives none."""
    if mode is not None:
        return stat.S_IMODE(mode)
    return _FOLDER_MODE if kind is EntryKind.DIRECTORY else _FILE_MODE


class ExtentReader(PositionedReader):
    """A file within an image, as a seekable file of its own; the image's position is not kept."""

    def __init__(self, image: BinaryIO, entry: IsoEntry) -> None:
        super().__init__(entry.size_bytes)
        self._image = image
        self._entry = entry

    def read_at(self, position: int, view: memoryview) -> int:
        """Read what is left of the extent at ``position``, at most.

        Raises:
            VerificationError: the image has become shorter than it was.
        """
        before = 0
        for extent in self._entry.extents:
            inside = position - before
            if inside < extent.length:
                self._image.seek(extent.offset + inside)
                data = self._image.read(min(len(view), extent.length - inside))
                if not data and len(view):
                    raise VerificationError("the image ends within the file", subject=self._entry.path)
                view[: len(data)] = data
                return len(data)
            before += extent.length
        return 0
