"""Images of shared storage on the disk of this replica, as far as somebody read them: a file with holes, and which pieces are there.

A piece is compared with its digest when it comes, and once more when it is first used after a restart: what is damaged, there or here, is
brought anew and never given out.  Two requests for a piece bring it once.
"""

import contextlib
import io
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from penstock.adapters.files.failures import destination_error
from penstock.adapters.imagestore.threads import Threads
from penstock.formats.imagechunks import ChunkList, decode_chunks, encode_chunks
from penstock.model.digest import Digest
from penstock.model.errors import DigestMismatch, PenstockError

Read = Callable[[int, int], bytes]
"""Reads a range (offset, length) of an image from shared storage."""

_ABSENT, _CLAIMED, _VERIFIED = range(3)
_TRIES = 2
_BLOCK_BYTES = 512
_ONLY_OWNER = 0o600
_HAVE, _CHUNKS = ".have", ".json"


class CachedImage:
    """The file of one image, for everybody in this process who has it open."""

    def __init__(self, folder: Path, chunks: ChunkList, read: Read, threads: Threads, make_room: Callable[[], None]) -> None:
        """Open the file, or make it without content.

        Args:
            folder: of the cache.
            chunks: the pieces of the image.
            read: brings what is missing.
            threads: in which that is done.
            make_room: called when the file has grown.

        Raises:
            DestinationError: the folder does not take it.
        """
        self.chunks = chunks
        self.users = 0
        self._read = read
        self._threads = threads
        self._make_room = make_room
        self._lock = threading.Lock()
        self._coming: dict[int, Future[None]] = {}
        self._closing = False
        path = folder / chunks.digest.hex
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.file = io.FileIO(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _ONLY_OWNER), "r+")
            if os.fstat(self.file.fileno()).st_size != chunks.size_bytes:
                self.file.truncate(chunks.size_bytes)
            self._have = io.FileIO(os.open(f"{path}{_HAVE}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _ONLY_OWNER), "r+")
            (folder / f"{chunks.digest.hex}{_CHUNKS}").write_bytes(encode_chunks(chunks))
            claimed = self._have.read(len(chunks.chunks))
            os.utime(self._have.fileno())
        except OSError as error:
            raise destination_error(error, str(folder)) from error
        self._states = bytearray(_CLAIMED if byte else _ABSENT for byte in claimed.ljust(len(chunks.chunks), b"\0"))

    def missing(self, offset: int, length: int) -> list[int]:
        """The pieces of a range that cannot be given out yet."""
        return [number for number in self.chunks.covering(offset, length) if self._states[number] != _VERIFIED]

    def bring(self, number: int) -> "Future[None]":
        """Begin to bring a piece, unless somebody does."""
        with self._lock:
            coming = self._coming.get(number)
            if coming is None:
                if self._closing:
                    raise ValueError("the image is closed")
                coming = self._coming[number] = self._threads.submit(self._bring, number)
        return coming

    def close(self) -> None:
        """Close the files once no piece is on its way; they stay for the next time."""
        with self._lock:
            self._closing = True
            self._close_unless_busy()

    def _close_unless_busy(self) -> None:
        # A descriptor that is closed while a thread writes to it may be another file's by then.
        if self._closing and not self._coming:
            with contextlib.suppress(OSError):
                os.utime(self._have.fileno())
            self.file.close()
            self._have.close()

    def _bring(self, number: int) -> None:
        try:
            if self._states[number] != _VERIFIED and not self._is_here(number):
                self._write(number, self._verified(number))
                self._make_room()
        finally:
            with self._lock:
                del self._coming[number]
                self._close_unless_busy()

    def _is_here(self, number: int) -> bool:
        """Whether a piece that an earlier run left is as it must be."""
        if self._states[number] == _ABSENT:
            return False
        offset, length = self.chunks.range_of(number)
        with contextlib.suppress(OSError):
            if self.chunks.holds(number, os.pread(self.file.fileno(), length, offset)):
                self._states[number] = _VERIFIED
                return True
        return False

    def _verified(self, number: int) -> bytes:
        offset, length = self.chunks.range_of(number)
        for _ in range(_TRIES):
            content = self._read(offset, length)
            if self.chunks.holds(number, content):
                return content
        raise DigestMismatch(
            f"{self.chunks.digest} in shared storage",
            expected=self.chunks.chunks[number].hex(),
            found="other bytes",
            hint=f"bytes {offset} to {offset + length - 1} are damaged there: remove the image, and it is brought again",
        )

    def _write(self, number: int, content: bytes) -> None:
        at, view = self.chunks.range_of(number)[0], memoryview(content)
        try:
            while view:
                written = os.pwrite(self.file.fileno(), view, at)
                at, view = at + written, view[written:]
            os.pwrite(self._have.fileno(), b"\1", number)
        except OSError as error:
            raise destination_error(error, f"the cache of {self.chunks.digest}") from error
        self._states[number] = _VERIFIED


class Cache:
    """The files of all images; for one event loop and its threads."""

    def __init__(self, folder: Path, threads: Threads, *, limit_bytes: int | None) -> None:
        """Make nothing yet.

        Args:
            folder: made with the first image; other processes of this machine may use it at the same time.
            threads: in which pieces are brought.
            limit_bytes: how much may stay of images that this process does not have open; those that were used last stay.
        """
        self._folder = folder
        self._threads = threads
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._open: dict[Digest, CachedImage] = {}

    def open(self, chunks: ChunkList, read: Read) -> CachedImage:
        """The file of an image, for one more user; blocking.

        Raises:
            DestinationError: the folder does not take it.
        """
        with self._lock:
            image = self._open.get(chunks.digest)
            if image is None:
                image = self._open[chunks.digest] = CachedImage(self._folder, chunks, read, self._threads, self.make_room)
            image.users += 1
            return image

    def release(self, image: CachedImage) -> None:
        """One user less; blocking."""
        with self._lock:
            image.users -= 1
            if image.users:
                return
            if self._open.get(image.chunks.digest) is image:
                del self._open[image.chunks.digest]
            image.close()
        self.make_room()

    def known(self, digest: Digest) -> ChunkList | None:
        """What was known of an image when it was last open; blocking."""
        path = self._folder / f"{digest.hex}{_CHUNKS}"
        try:
            chunks = decode_chunks(path.read_bytes(), subject=str(path))
        except (OSError, PenstockError):
            return None
        return chunks if chunks.digest == digest else None

    def take(self, path: Path, chunks: ChunkList) -> None:
        """Keep a whole file, which is moved; where that cannot be done it is left.  Blocking."""
        target = self._folder / chunks.digest.hex
        with contextlib.suppress(OSError), self._lock:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if chunks.digest in self._open:
                return
            path.chmod(_ONLY_OWNER)
            path.replace(target)
            Path(f"{target}{_HAVE}").write_bytes(b"\1" * len(chunks.chunks))
            Path(f"{target}{_CHUNKS}").write_bytes(encode_chunks(chunks))
        self.make_room()

    def make_room(self) -> None:
        """Remove images that nobody here has open until the limit is kept, those first that were not used for the longest; blocking."""
        if self._limit_bytes is None:
            return
        with contextlib.suppress(OSError), self._lock:
            images = [path for path in self._folder.iterdir() if not path.suffix]
            sizes = {path: path.stat().st_blocks * _BLOCK_BYTES for path in images}
            excess = sum(sizes.values()) - self._limit_bytes
            in_use = {digest.hex for digest in self._open}
            closed = [path for path in images if path.name not in in_use]
            for path in sorted(closed, key=_used_at):
                if excess <= 0:
                    return
                for suffix in (_HAVE, _CHUNKS, ""):
                    Path(f"{path}{suffix}").unlink(missing_ok=True)
                excess -= sizes[path]


def _used_at(path: Path) -> float:
    have = Path(f"{path}{_HAVE}")
    try:
        return have.stat().st_mtime
    except OSError:
        return 0.0
