"""Reading an ISO 9660 image from a seekable file: its tree, its boot entries and its system area, nothing of its content.

Names are Rock Ridge's where the image has them, else Joliet's, else the plain ones.  Whatever an image says is checked before it is
used: extents lie inside of the file, folders are read once, areas do not go on without end.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Self

from penstock.formats.iso9660.eltorito import BootEntry, parse_catalog
from penstock.formats.iso9660.entries import EntryKind, ExtentReader, IsoEntry, kind_of, permissions_of
from penstock.formats.iso9660.hybrid import SYSTEM_AREA_BYTES, SystemArea, parse_system_area
from penstock.formats.iso9660.names import is_plain_form, plain_name
from penstock.formats.iso9660.records import SECTOR_BYTES, DirectoryRecord, FileFlag, parse_record
from penstock.formats.iso9660.rockridge import Posix, parse_posix, skip_bytes_of
from penstock.formats.iso9660.segments import Extent
from penstock.formats.iso9660.volume import (
    MAX_DESCRIPTORS,
    SYSTEM_AREA_SECTORS,
    Volume,
    is_descriptor,
    is_terminator,
    parse_descriptors,
)
from penstock.model.errors import InputError, NotFoundError, VerificationError

MAX_DIRECTORY_BYTES = 64 << 20
"""The most that all folders of an image may take together: some 400,000 files."""
MAX_DEPTH = 128
_CATALOG_BYTES = 16 * SECTOR_BYTES
_ITSELF = (b"\0", b"\1")


class Naming(StrEnum):
    """By which names an image is read."""

    ROCK_RIDGE = "rock-ridge"
    JOLIET = "joliet"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class _Folder:
    path: str
    extent: Extent
    depth: int


class Iso9660:
    """An image that is open for reading.

    Attributes:
        name: what the image is called in messages.
        size_bytes: of the file.
        volume: what the primary volume descriptor says.
        naming: by which names paths are given.
    """

    def __init__(self, file: BinaryIO, subject: str) -> None:
        """Use :meth:`open`."""
        self._file = file
        self.name = subject
        self.size_bytes = file.seek(0, io.SEEK_END)
        descriptors = parse_descriptors(self._descriptor_sectors(), subject=subject)
        self.volume = descriptors.primary
        self._catalog_block = descriptors.boot_catalog_block
        if self.volume.size_bytes > self.size_bytes:
            raise VerificationError(
                f"the image is cut: its volume has {self.volume.size_bytes} bytes, the file {self.size_bytes}",
                subject=subject,
                hint="download or copy it again",
            )
        self._skip_bytes = skip_bytes_of(self._own_record(self.volume).system_use)
        self.naming = Naming.PLAIN
        self._tree = self.volume
        if self._skip_bytes is not None:
            self.naming = Naming.ROCK_RIDGE
        elif descriptors.joliet is not None:
            self.naming, self._tree = Naming.JOLIET, descriptors.joliet

    @classmethod
    def open(cls, file: BinaryIO, *, subject: str = "the image") -> Self:
        """Read what an image says of itself.

        Args:
            file: seekable; its position is not kept. It must stay open as long as the image is used.
            subject: what to call the image in messages.

        Raises:
            InputError: this is no ISO 9660 image.
            VerificationError: the image is cut or says impossible things.
        """
        return cls(file, subject)

    @property
    def volume_id(self) -> str:
        """The volume identifier, such as ``rhcos-418.94.202501221327-0``."""
        return self.volume.volume_id

    def walk(self) -> Iterator[IsoEntry]:
        """Every entry below the root, each folder before what is in it, in recorded order.

        Raises:
            VerificationError: a folder is inside of itself, an extent outside of the file, a record broken.
        """
        return self._walk(self._tree)

    def lookup(self, path: str) -> IsoEntry | None:
        """The entry with this path, or None.

        A name is met by the name the image is read by or by the plain name, both as recorded; in an image without long names
        also by the plain form of it, so that ``coreos/igninfo.json`` finds ``COREOS/IGNINFO.JSO``.  Symlinks are not followed.

        Raises:
            VerificationError: a folder on the way is broken.
        """
        found = self._lookup(self._tree, path)
        if found is None and self.naming is Naming.JOLIET:
            found = self._lookup(self.volume, path)
        return found

    def find(self, path: str) -> Extent | None:
        """Where a file's content stands in the image, or None where the image has no such file.

        Raises:
            VerificationError: the image is broken on the way there, or the content stands in several places.
        """
        entry = self.lookup(path)
        return entry.extent if entry is not None and entry.kind is EntryKind.FILE else None

    def read(self, offset: int, length: int) -> bytes:
        """These bytes of the image; fewer only where it ends."""
        self._file.seek(offset)
        return self._file.read(length)

    def file(self, path: str) -> IsoEntry:
        """The entry of a regular file.

        Raises:
            NotFoundError: the image has no file with this path.
            VerificationError: the image is broken on the way there.
        """
        entry = self.lookup(path)
        if entry is None or entry.kind is not EntryKind.FILE:
            raise NotFoundError(f"the image has no file {path}", subject=self.name)
        return entry

    def open_file(self, path: str) -> io.BufferedReader:
        """A file's content, as a file.

        Raises:
            NotFoundError: the image has no file with this path.
            VerificationError: the image is broken on the way there.
        """
        return self.open_entry(self.file(path))

    def open_entry(self, entry: IsoEntry) -> io.BufferedReader:
        """The content of an entry of this image."""
        return io.BufferedReader(ExtentReader(self._file, entry))

    def boot_entries(self) -> tuple[BootEntry, ...]:
        """El Torito's boot catalogue, the default entry first; empty where the image has none.

        Raises:
            VerificationError: the catalogue is broken.
        """
        if self._catalog_block is None:
            return ()
        offset = self._catalog_block * SECTOR_BYTES
        if offset >= self.size_bytes:
            raise VerificationError("the boot catalogue lies outside of the image", subject=self.name)
        return parse_catalog(self._read(Extent(offset, min(_CATALOG_BYTES, self.size_bytes - offset))), subject=self.name)

    def boot_catalog_offset(self) -> int | None:
        """Where the boot catalogue stands, in bytes, or None."""
        return None if self._catalog_block is None else self._catalog_block * SECTOR_BYTES

    def system_area(self) -> SystemArea:
        """What the image says to firmware that takes it for a disk."""
        return parse_system_area(self._read(Extent(0, SYSTEM_AREA_BYTES)))

    def _descriptor_sectors(self) -> list[bytes]:
        sectors: list[bytes] = []
        for number in range(SYSTEM_AREA_SECTORS, SYSTEM_AREA_SECTORS + MAX_DESCRIPTORS):
            self._file.seek(number * SECTOR_BYTES)
            sector = self._file.read(SECTOR_BYTES)
            if is_terminator(sector):
                return sectors
            if not is_descriptor(sector):
                break
            sectors.append(sector)
        if not sectors:
            raise InputError(
                "this is not an ISO 9660 image", subject=self.name, hint="a live image starts with a volume descriptor at byte 32768"
            )
        raise VerificationError("the volume descriptors do not end", subject=self.name)

    def _own_record(self, volume: Volume) -> DirectoryRecord:
        """The record of the root within the root, which is where SUSP says that it is used."""
        content = self._read(Extent(volume.root.block * volume.block_bytes, SECTOR_BYTES))
        if not content[0]:
            raise VerificationError("the root directory is empty", subject=self.name)
        return parse_record(content, 0, subject=self.name)[0]

    def _read(self, extent: Extent) -> bytes:
        if extent.end > self.size_bytes:
            raise VerificationError(
                f"bytes {extent.offset} to {extent.end} lie outside of the image of {self.size_bytes} bytes", subject=self.name
            )
        self._file.seek(extent.offset)
        data = self._file.read(extent.length)
        if len(data) != extent.length:
            raise VerificationError(f"the image ends before byte {extent.end}", subject=self.name)
        return data

    def _walk(self, tree: Volume) -> Iterator[IsoEntry]:
        waiting = [self._root(tree)]
        seen: set[int] = set()
        budget = MAX_DIRECTORY_BYTES
        while waiting:
            folder = waiting.pop()
            if folder.extent.offset in seen or folder.depth > MAX_DEPTH:
                raise VerificationError(f"the folder {folder.path!r} is inside of itself, or linked twice", subject=self.name)
            seen.add(folder.extent.offset)
            budget -= folder.extent.length
            if budget < 0:
                raise VerificationError(f"the folders take more than {MAX_DIRECTORY_BYTES} bytes", subject=self.name)
            inner = []
            for entry, extent in self._entries(tree, folder):
                yield entry
                if entry.kind is EntryKind.DIRECTORY:
                    inner.append(_Folder(entry.path, extent, folder.depth + 1))
            waiting += reversed(inner)

    def _lookup(self, tree: Volume, path: str) -> IsoEntry | None:
        parts = path.strip("/").split("/")
        folder = self._root(tree)
        for depth, part in enumerate(parts, start=1):
            found = _best(part, list(self._entries(tree, folder)))
            if found is None or depth > MAX_DEPTH:
                return None
            entry, extent = found
            if depth == len(parts):
                return entry
            if entry.kind is not EntryKind.DIRECTORY:
                return None
            folder = _Folder(entry.path, extent, depth)
        return None

    def _root(self, tree: Volume) -> _Folder:
        return _Folder("", Extent(tree.root.block * tree.block_bytes, tree.root.length), 0)

    def _entries(self, tree: Volume, folder: _Folder) -> Iterator[tuple[IsoEntry, Extent]]:
        """The entries of a folder, and where the content of each starts; for a folder its whole extent."""
        if folder.extent.length > MAX_DIRECTORY_BYTES:
            raise VerificationError(f"the folder {folder.path!r} says it has {folder.extent.length} bytes", subject=self.name)
        data = self._read(folder.extent)
        pieces: list[DirectoryRecord] = []
        for record in _records(data, self.name):
            if record.identifier in _ITSELF or record.flags & FileFlag.ASSOCIATED:
                continue
            if pieces and pieces[0].identifier != record.identifier:
                raise VerificationError(f"a file of the folder {folder.path!r} lacks its last extent", subject=self.name)
            pieces.append(record)
            if record.flags & FileFlag.MORE_EXTENTS and not record.is_directory:
                continue
            found = self._entry(tree, folder, pieces)
            pieces = []
            if found is not None:
                yield found
        if pieces:
            raise VerificationError(f"a file of the folder {folder.path!r} lacks its last extent", subject=self.name)

    def _entry(self, tree: Volume, folder: _Folder, pieces: list[DirectoryRecord]) -> tuple[IsoEntry, Extent] | None:
        record = pieces[0]
        posix = self._posix(tree, record)
        if posix.relocated:
            return None
        plain = plain_name(record.identifier, "utf-16-be" if tree is not self.volume else "ascii")
        name = posix.name or plain
        if not name or "/" in name or "\0" in name or name in (".", ".."):
            raise VerificationError(f"{name!r} in the folder {folder.path!r} is not a file name", subject=self.name)
        kind = kind_of(posix.mode, is_directory=record.is_directory or posix.child_block is not None, is_symlink=posix.target is not None)
        extents = tuple(Extent(piece.block * tree.block_bytes, piece.length) for piece in pieces)
        path = f"{folder.path}/{name}" if folder.path else name
        if posix.child_block is not None:
            extents = (self._moved_folder(posix.child_block * tree.block_bytes),)
        outside = next((extent for extent in extents if extent.length and extent.end > self.size_bytes), None)
        if outside is not None:
            message = f"{path} stands at bytes {outside.offset} to {outside.end}, outside of the image of {self.size_bytes} bytes"
            raise VerificationError(message, subject=self.name, hint="the image is cut or damaged; download it again")
        is_file = kind is EntryKind.FILE
        entry = IsoEntry(
            path=path,
            kind=kind,
            size_bytes=sum(extent.length for extent in extents) if is_file else 0,
            extents=tuple(extent for extent in extents if extent.length) if is_file else (),
            mode=permissions_of(posix.mode, kind),
            uid=posix.uid,
            gid=posix.gid,
            mtime_s=record.mtime_s if posix.mtime_s is None else posix.mtime_s,
            target=posix.target or "",
            plain_name=plain,
            is_long_named=posix.name is not None,
        )
        return entry, extents[0]

    def _moved_folder(self, offset: int) -> Extent:
        """The extent of a folder that stands elsewhere, whose length its own record has."""
        sector = self._read(Extent(offset, SECTOR_BYTES))
        record = parse_record(sector, 0, subject=self.name)[0] if sector[0] else None
        if record is None or not record.is_directory:
            raise VerificationError(f"byte {offset} is not the start of a folder", subject=self.name)
        return Extent(offset, record.length)

    def _posix(self, tree: Volume, record: DirectoryRecord) -> Posix:
        if self._skip_bytes is None or tree is not self.volume:
            return Posix()

        def continuation(block: int, offset: int, length: int) -> bytes:
            return self._read(Extent(block * tree.block_bytes + offset, length))

        return parse_posix(record.system_use[self._skip_bytes :], continuation, subject=self.name)


def _records(data: bytes, subject: str) -> Iterator[DirectoryRecord]:
    at = 0
    while at < len(data):
        if not data[at]:
            # The rest of this sector is empty.
            at = (at // SECTOR_BYTES + 1) * SECTOR_BYTES
            continue
        record, at = parse_record(data, at, subject=subject)
        yield record


def _best(name: str, entries: list[tuple[IsoEntry, Extent]]) -> tuple[IsoEntry, Extent] | None:
    """The entry that a name means: by its own name, else by its plain name, else by the plain form of an entry without another name."""
    for pair in entries:
        if pair[0].name == name:
            return pair
    for pair in entries:
        if pair[0].plain_name == name:
            return pair
    for pair in entries:
        entry = pair[0]
        if not entry.is_long_named and is_plain_form(entry.plain_name, name, is_directory=entry.kind is EntryKind.DIRECTORY):
            return pair
    return None
