"""The files of an ISO that is open: what :class:`~penstock.formats.coreos_iso.IsoFiles` asks for, of the reader of ISO 9660."""

from typing import BinaryIO

from penstock.formats.iso9660.entries import EntryKind
from penstock.formats.iso9660.reader import Iso9660


class IsoImage:
    """An ISO that is open for reading.

    Attributes:
        image: the reader, for what it knows beyond files (volume id, boot entries).
    """

    def __init__(self, file: BinaryIO, *, name: str) -> None:
        """Read what the image says of itself.

        Args:
            file: seekable; it stays open as long as this is used, and its position is not kept.
            name: what the ISO is called in errors.

        Raises:
            InputError: this is no ISO 9660 image.
            VerificationError: the image is cut or says impossible things.
        """
        self.image = Iso9660.open(file, subject=name)
        self._file = file
        self._name = name

    @property
    def name(self) -> str:
        """What the ISO is called in errors."""
        return self._name

    @property
    def file(self) -> BinaryIO:
        """The file that it is read from; its position is not kept."""
        return self._file

    def find(self, path: str, /) -> tuple[int, int] | None:
        """Offset in the ISO and length, both in bytes, of the file at ``path``, or None where there is none.

        Raises:
            VerificationError: the image is broken on the way there, or the file stands in several places.
        """
        entry = self.image.lookup(path)
        if entry is None or entry.kind is not EntryKind.FILE:
            return None
        extent = entry.extent
        return extent.offset, extent.length

    def read(self, offset: int, length: int, /) -> bytes:
        """These bytes of the ISO; fewer only where it ends."""
        available = max(min(length, self.image.size_bytes - offset), 0)
        if not available:
            return b""
        self._file.seek(offset)
        return self._file.read(available)
