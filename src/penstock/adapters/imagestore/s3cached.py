"""One image of shared storage on the disk of this replica, as far as somebody read it: a file with holes, and which pieces are there.

A piece is compared with its digest when it comes, and once more when it is first used after a restart: what is damaged, there or here, is
brought anew and never given out.  Two requests for a piece bring it once.  Whoever reads a range pins it: a piece that nobody has pinned
may be taken out again to make room, and is then brought once more.
"""

import contextlib
import io
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

from penstock.adapters.files.failures import destination_error
from penstock.adapters.files.locking import NoLock, take_lock
from penstock.adapters.imagestore.holes import punch
from penstock.adapters.imagestore.threads import Threads
from penstock.formats.imagechunks import ChunkList, encode_chunks
from penstock.model.errors import DigestMismatch, PenstockError

Read = Callable[[int, int], bytes]
"""Reads a range (offset, length) of an image from shared storage."""

Doubt = Callable[[], None]
"""Tells shared storage that an image is damaged there."""

HAVE, CHUNKS = ".have", ".json"
"""Beside the bytes of an image, which have its digest for a name: which pieces are there, and the digests of all."""

BLOCK_BYTES = 512
"""What the file system counts in."""

_ABSENT, _CLAIMED, _VERIFIED = range(3)
_TRIES = 2
_ONLY_OWNER = 0o600


class Pin:
    """Pieces that stay until it is closed."""

    __slots__ = ("_image", "_numbers")

    def __init__(self, image: "CachedImage", numbers: range) -> None:
        """Take over one use of these pieces."""
        self._image: CachedImage | None = image
        self._numbers = numbers

    def close(self) -> None:
        """Let them go; safe to call twice."""
        image, self._image = self._image, None
        if image is not None:
            image.unpin(self._numbers)


class CachedImage:
    """The file of one image, for everybody in this process who has it open; no other process writes to it."""

    def __init__(
        self,
        folder: Path,
        chunks: ChunkList,
        read: Read,
        threads: Threads,
        *,
        doubt: Doubt,
        make_room: Callable[[], None],
        ticks: Iterator[int],
    ) -> None:
        """Open the file, or make it without content.

        Args:
            folder: of the cache.
            chunks: the pieces of the image.
            read: brings what is missing.
            threads: in which that is done.
            doubt: called when a piece is not what it must be, however often it is read.
            make_room: called when the file has grown.
            ticks: numbers that grow, by which pieces of several images are told apart that were used earlier or later.

        Raises:
            DestinationError: the folder does not take it.
        """
        self.chunks = chunks
        self.users = 0
        self._read = read
        self._doubt = doubt
        self._threads = threads
        self._make_room = make_room
        self._ticks = ticks
        self._lock = threading.RLock()  # the collection of garbage may close it in a thread that is at work on it
        self._coming: dict[int, Future[None]] = {}
        self._closing = False
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.file, self._have = _opened(folder, chunks)
            if os.fstat(self.file.fileno()).st_size != chunks.size_bytes:
                self.file.truncate(chunks.size_bytes)
            (folder / f"{chunks.digest.hex}{CHUNKS}").write_bytes(encode_chunks(chunks))
            claimed = self._have.read(len(chunks.chunks))
            os.utime(self._have.fileno())
        except OSError as error:
            raise destination_error(error, str(folder)) from error
        self._states = bytearray(_CLAIMED if byte else _ABSENT for byte in claimed.ljust(len(chunks.chunks), b"\0"))
        self._pins = [0] * len(chunks.chunks)
        self._used = [0] * len(chunks.chunks)

    @property
    def held_bytes(self) -> int:
        """What the file takes of the disk."""
        return os.fstat(self.file.fileno()).st_blocks * BLOCK_BYTES

    def pin(self, offset: int, length: int) -> Pin:
        """Keep the pieces of a range from now on, those too that are still to come."""
        numbers = self.chunks.covering(offset, length)
        with self._lock:
            tick = next(self._ticks)
            for number in numbers:
                self._pins[number] += 1
                self._used[number] = tick
        return Pin(self, numbers)

    def unpin(self, numbers: range) -> None:
        """One use less."""
        with self._lock:
            for number in numbers:
                self._pins[number] -= 1

    def missing(self, offset: int, length: int) -> list[int]:
        """The pieces of a range, which is pinned, that cannot be given out yet."""
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

    def idle(self) -> list[tuple[int, int]]:
        """The pieces that nobody needs now, each with when it was last used."""
        return [(self._used[number], number) for number, state in enumerate(self._states) if state != _ABSENT and not self._pins[number]]

    def drop(self, number: int) -> int:
        """Take a piece out of the file, unless somebody needs it; how many bytes that gave back, 0 where it cannot be done.

        Raises:
            OSError: the file cannot be written to.
        """
        offset, length = self.chunks.range_of(number)
        with self._lock:
            if self._closing or self._pins[number] or number in self._coming or self._states[number] == _ABSENT:
                return 0
            if not punch(self.file.fileno(), offset, length):
                return 0
            self._states[number] = _ABSENT
            os.pwrite(self._have.fileno(), b"\0", number)
        return length

    def close(self) -> None:
        """Close the files once no piece is on its way; they stay for the next time."""
        with self._lock:
            self._closing = True
            self._close_unless_busy()

    def _close_unless_busy(self) -> None:
        # A descriptor that is closed while a thread writes to it may be another file's by then.
        if self._closing and not self._coming and not self.file.closed:
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
        with contextlib.suppress(PenstockError):
            self._doubt()
        raise DigestMismatch(
            f"{self.chunks.digest} in shared storage",
            expected=self.chunks.chunks[number].hex(),
            found="other bytes",
            hint=f"bytes {offset} to {offset + length - 1} are damaged there: the image is brought again at the next start",
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


def _opened(folder: Path, chunks: ChunkList) -> tuple[io.FileIO, io.FileIO]:
    """The file of an image, and which pieces of it are there: for this process alone, as pieces may be taken out.

    While another process has it, or where nobody can tell, it is a file without a name, which is gone when it is closed.
    """
    path = folder / chunks.digest.hex
    descriptor = take_lock(path, wait=False)
    if isinstance(descriptor, NoLock):
        return _nameless(folder), _nameless(folder)
    have = os.open(f"{path}{HAVE}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _ONLY_OWNER)
    return io.FileIO(descriptor, "r+"), io.FileIO(have, "r+")


def _nameless(folder: Path) -> io.FileIO:
    descriptor, name = tempfile.mkstemp(prefix=".own-", suffix=".tmp", dir=folder)
    os.unlink(name)  # noqa: PTH108  # mkstemp gives a text
    return io.FileIO(descriptor, "r+")
