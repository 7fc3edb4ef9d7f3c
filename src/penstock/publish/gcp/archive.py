"""The bytes that are sent to a bucket: a file as it lies there, or a disk that is packed on the way."""

from penstock.formats.diskarchive import pack_disk
from penstock.ports.publish import ContentFile


class StoredArchive:
    """:class:`penstock.ports.gcp.ArchiveStream` of a ``.tar.gz``."""

    def __init__(self, file: ContentFile) -> None:
        """Begin at the beginning; the file stays the caller's."""
        self._file = file
        self._position = 0

    @property
    def size_bytes(self) -> int | None:
        """Of the file."""
        return self._file.size_bytes

    def read(self, length: int) -> bytes:
        """See there."""
        part = self._file.read_at(self._position, length)
        self._position += len(part)
        return part


class PackedDisk:
    """:class:`penstock.ports.gcp.ArchiveStream` of a raw disk: made while it is read, and nowhere as a whole."""

    def __init__(self, disk: ContentFile) -> None:
        """Begin at the beginning; the disk stays the caller's."""
        self._chunks = pack_disk(disk.size_bytes, disk.extents(), disk.read_at)
        self._ready = bytearray()

    @property
    def size_bytes(self) -> int | None:
        """Nobody knows before it is made."""
        return None

    def read(self, length: int) -> bytes:
        """See there."""
        while len(self._ready) < length:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._ready += chunk
        part = bytes(self._ready[:length])
        del self._ready[:length]
        return part
