"""Raw disks: their digests, sparse copies of compressed ones, and which of their ranges hold data.  Blocking."""

import contextlib
import errno
import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from penstock.adapters.files.failures import file_error
from penstock.formats.vhd import FOOTER_BYTES, check_fixed
from penstock.formats.xzstream import PIECE_BYTES
from penstock.model.digest import Digest
from penstock.model.errors import InputError, OperationError, VerificationError
from penstock.model.push.content import Extent

HOLE_BYTES = 64 << 10
"""Blocks of zeros of this size, at multiples of it, become holes; the clouds skip 512 KiB (EBS) and 4 MiB (page blobs) at a time."""

_ZEROS = bytes(HOLE_BYTES)
_ZERO_PIECE = bytes(PIECE_BYTES)
_NOT_SPARSE = frozenset({errno.EINVAL, errno.EOPNOTSUPP})

OnBytes = Callable[[int], None]


class Expand(Protocol):
    """Gives the disk in a file, in pieces of which all but the last one are full: ``expand_xz``, ``unpack_disk``."""

    def __call__(self, chunks: Iterable[bytes], *, subject: str) -> Iterator[bytes]:
        """The content of the file that ``chunks`` are."""


class Stopped(Exception):
    """Whoever wanted the work does not want it any more."""


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """By which a file is known to be the one that was read."""

    device: int
    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, descriptor: int) -> "FileIdentity":
        """That of an open file.

        Raises:
            OSError: it cannot be asked for.
        """
        found = os.fstat(descriptor)
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskMeasure:
    """What one pass over a file told; ``file_md5`` is ``""`` where it was not asked for, all else tells of the disk."""

    file_sha256: Digest
    file_md5: str
    digest: Digest
    size_bytes: int
    data_bytes: int


def open_regular(path: Path) -> int:
    """A descriptor for reading a regular file.

    Raises:
        InputError: it is something else.
        NotFoundError: there is none.
        OperationError: it cannot be read.
    """
    try:
        # A FIFO would keep the program waiting for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise file_error(error, str(path)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError("this is no regular file", subject=str(path))
    return descriptor


def extents_of(descriptor: int, size_bytes: int) -> tuple[Extent, ...]:
    """The ranges of an open file that hold data (``SEEK_DATA``), in order; all of it where the file system knows no holes.

    Raises:
        OSError: it cannot be asked for.
    """
    found: list[Extent] = []
    position = 0
    while position < size_bytes:
        try:
            start = os.lseek(descriptor, position, os.SEEK_DATA)
            end = min(os.lseek(descriptor, start, os.SEEK_HOLE), size_bytes)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                break
            if error.errno in _NOT_SPARSE:
                return (Extent(0, size_bytes),)
            raise
        if end <= start:
            break
        found.append(Extent(start, end - start))
        position = end
    return tuple(found)


class Reading:
    """One pass over an open file, from which all that is known of it comes."""

    def __init__(self, descriptor: int, subject: str, *, md5: bool, stop: threading.Event, on_bytes: OnBytes) -> None:
        """Nothing is read yet.

        Args:
            descriptor: of the file.
            subject: what it is called.
            md5: whether its MD5 is wanted too.
            stop: set when nobody wants the work any more.
            on_bytes: is told of bytes of the file.
        """
        self._descriptor = descriptor
        self._subject = subject
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False) if md5 else None
        self._stop = stop
        self._on_bytes = on_bytes

    def raw(self) -> DiskMeasure:
        """Read a raw disk to its end; holes are hashed and not read.

        Raises:
            OSError: it cannot be read.
            Stopped: as it says.
        """
        size = os.fstat(self._descriptor).st_size
        extents = extents_of(self._descriptor, size)
        for piece in _pieces_with_holes(self._descriptor, extents, size):
            self._pass(piece)
        digest = Digest("sha256", self._sha256.hexdigest())
        tail = os.pread(self._descriptor, FOOTER_BYTES, max(0, size - FOOTER_BYTES))
        return self._measure(digest, size, sum(each.length for each in extents), tail)

    def expanded(self, expand: Expand, keep: int | None) -> DiskMeasure:
        """Read a compressed file or an archive to its end, in one pass for both digests and the copy.

        Args:
            expand: gives what is in it.
            keep: a descriptor of an empty file, into which the content goes with holes for zeros; None for nowhere.

        Raises:
            OSError: it cannot be read, or the copy cannot be written.
            VerificationError: it is damaged, or called ``.vhd`` and no fixed VHD.
            Stopped: as it says.
        """
        disk_sha256 = hashlib.sha256()
        size, data_bytes, tail = 0, 0, b""
        for piece in expand(self._chunks(), subject=self._subject):
            self._must_go_on()
            disk_sha256.update(piece)
            for start, end in _data_in(piece):
                data_bytes += end - start
                if keep is not None:
                    _write_at(keep, piece[start:end], size + start)
            size += len(piece)
            tail = (tail + piece[-FOOTER_BYTES:])[-FOOTER_BYTES:]
        if keep is not None:
            os.ftruncate(keep, size)
            os.fsync(keep)  # a later run trusts it by its name
        return self._measure(Digest("sha256", disk_sha256.hexdigest()), size, data_bytes, tail)

    def _chunks(self) -> Iterator[bytes]:
        position = 0
        while chunk := os.pread(self._descriptor, PIECE_BYTES, position):
            position += len(chunk)
            self._pass(chunk)
            yield chunk

    def _pass(self, piece: bytes | memoryview) -> None:
        self._must_go_on()
        self._sha256.update(piece)
        if self._md5 is not None:
            self._md5.update(piece)
        self._on_bytes(len(piece))

    def _must_go_on(self) -> None:
        if self._stop.is_set():
            raise Stopped

    def _measure(self, digest: Digest, size_bytes: int, data_bytes: int, tail: bytes) -> DiskMeasure:
        """What is called a VHD must be one that Azure takes: anything else under that name would only be refused once it is there."""
        if self._subject.lower().removesuffix(".xz").endswith(".vhd"):
            check_fixed(tail, size_bytes, subject=self._subject)
        return DiskMeasure(
            file_sha256=Digest("sha256", self._sha256.hexdigest()),
            file_md5=self._md5.hexdigest() if self._md5 is not None else "",
            digest=digest,
            size_bytes=size_bytes,
            data_bytes=data_bytes,
        )


def _pieces_with_holes(descriptor: int, extents: Sequence[Extent], size: int) -> Iterator[bytes | memoryview]:
    position = 0
    zeros = memoryview(_ZERO_PIECE)
    for extent in (*extents, Extent(size, 0)):
        while position < extent.offset:
            piece = zeros[: extent.offset - position]
            position += len(piece)
            yield piece
        end = extent.offset + extent.length
        while position < end:
            data = os.pread(descriptor, min(PIECE_BYTES, end - position), position)
            if not data:  # it was cut meanwhile, which its identity tells
                return
            position += len(data)
            yield data


def _data_in(piece: bytes) -> Iterator[tuple[int, int]]:
    """The ranges of a piece between blocks of zeros; pieces start at multiples of the block, so that their blocks do."""
    start = 0
    for offset in range(0, len(piece), HOLE_BYTES):
        whole = len(piece) - offset >= HOLE_BYTES
        zeros = piece.startswith(_ZEROS, offset) if whole else not any(piece[offset:])
        if zeros:
            if offset > start:
                yield start, offset
            start = min(offset + HOLE_BYTES, len(piece))
    if start < len(piece):
        yield start, len(piece)


def _write_at(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(descriptor, view, offset)
        view, offset = view[count:], offset + count


class LocalDisk:
    """``ports.publish.ContentFile``: a raw disk in a file."""

    def __init__(self, descriptor: int, identity: FileIdentity | None, *, subject: str) -> None:
        """Take over a descriptor.

        Args:
            descriptor: of the file; closed by :meth:`close`.
            identity: what it was when it was measured; None for a copy of our own, which nobody writes to.
            subject: what the file is called.
        """
        self._descriptor = descriptor
        self._identity = identity
        self._subject = subject
        self._size_bytes = os.fstat(descriptor).st_size
        self._extents: tuple[Extent, ...] | None = None
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """Of the disk."""
        return self._size_bytes

    def read_at(self, offset: int, length: int) -> bytes:
        """This range, whole; shorter only at the end.

        Raises:
            VerificationError: the file was written to since it was measured.
            OperationError: it cannot be read.
        """
        wanted = max(0, min(length, self._size_bytes - offset))
        parts: list[bytes] = []
        try:
            while wanted:
                part = os.pread(self._descriptor, wanted, offset)
                if not part:
                    raise self._changed()
                parts.append(part)
                offset, wanted = offset + len(part), wanted - len(part)
            # After the reading, so that what is given was there before anything was written.
            self.must_be_unchanged()
        except OSError as error:
            raise file_error(error, self._subject) from error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def extents(self) -> Sequence[Extent]:
        """The ranges between the holes.

        Raises:
            OperationError: they cannot be asked for.
        """
        with self._lock:  # the position of a descriptor is one for all threads
            if self._extents is None:
                try:
                    self._extents = extents_of(self._descriptor, self._size_bytes)
                except OSError as error:
                    raise file_error(error, self._subject) from error
            return self._extents

    def must_be_unchanged(self) -> None:
        """Compare the file with what was measured.

        Raises:
            VerificationError: it was written to.
            OSError: it cannot be asked for.
        """
        if self._identity is not None and FileIdentity.of(self._descriptor) != self._identity:
            raise self._changed()

    def close(self) -> None:
        """Give the descriptor back; safe to call twice, and from the one thread that no other one reads beside."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _changed(self) -> VerificationError:
        return VerificationError("the file changed since it was measured", subject=self._subject, hint="let it be written to its end first")


def must_have_room(folder: Path, at_least_bytes: int) -> None:
    """See that the file system of ``folder`` has so much room; the content of an image takes no less than its compressed file.

    Raises:
        OperationError: it has not.
    """
    with contextlib.suppress(OSError):
        found = os.statvfs(folder)
        free = found.f_bavail * found.f_frsize
        if free < at_least_bytes:
            raise OperationError(
                f"there is no room: {at_least_bytes} bytes at least are wanted, {free} are free",
                subject=str(folder),
                hint="free some space, or name another place by --state",
            )
