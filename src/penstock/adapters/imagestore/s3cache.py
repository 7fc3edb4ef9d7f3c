"""Images of shared storage on the disk of this replica, as far as somebody read them, and within a limit.

What was used last stays: images that nobody has open go first, then pieces of open ones that nobody is reading.
"""

import contextlib
import itertools
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from penstock.adapters.imagestore.s3cached import BLOCK_BYTES, CHUNKS, HAVE, CachedImage, Doubt, Read
from penstock.adapters.imagestore.threads import Threads
from penstock.formats.imagechunks import ChunkList, decode_chunks, encode_chunks
from penstock.model.digest import Digest
from penstock.model.errors import PenstockError

_ONLY_OWNER = 0o600


class Cache:
    """The files of all images; for one event loop and its threads."""

    def __init__(self, folder: Path, threads: Threads, *, limit_bytes: int | None) -> None:
        """Make nothing yet.

        Args:
            folder: made with the first image; other processes of this machine may use it at the same time.
            threads: in which pieces are brought.
            limit_bytes: how much may stay besides what is being read at the moment; None for no limit.
        """
        self._folder = folder
        self._threads = threads
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._leaving: deque[CachedImage] = deque()
        self._open: dict[Digest, CachedImage] = {}
        self._ticks = itertools.count(1)

    def open(self, chunks: ChunkList, read: Read, doubt: Doubt) -> CachedImage:
        """The file of an image, for one more user; blocking.

        Raises:
            DestinationError: the folder does not take it.
        """
        with self._alone():
            image = self._open.get(chunks.digest)
            if image is None:
                image = self._open[chunks.digest] = CachedImage(
                    self._folder, chunks, read, self._threads, doubt=doubt, make_room=self.make_room, ticks=self._ticks
                )
            image.users += 1
            return image

    def release(self, image: CachedImage) -> None:
        """One user less; blocking.

        An open image may be let go by the collection of garbage, so in any thread and at any place, also in here: nothing is waited for,
        and what cannot be done at once is done by whoever is at work.
        """
        self._leaving.append(image)
        self._settle()

    def known(self, digest: Digest) -> ChunkList | None:
        """What was known of an image when it was last open; blocking."""
        path = self._folder / f"{digest.hex}{CHUNKS}"
        try:
            chunks = decode_chunks(path.read_bytes(), subject=str(path))
        except (OSError, PenstockError):
            return None
        return chunks if chunks.digest == digest else None

    def take(self, path: Path, chunks: ChunkList) -> None:
        """Keep a whole file, which is moved; where that cannot be done it is left.  Blocking."""
        target = self._folder / chunks.digest.hex
        with contextlib.suppress(OSError), self._alone():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if chunks.digest in self._open:
                return
            path.chmod(_ONLY_OWNER)
            path.replace(target)
            Path(f"{target}{HAVE}").write_bytes(b"\1" * len(chunks.chunks))
            Path(f"{target}{CHUNKS}").write_bytes(encode_chunks(chunks))
        self.make_room()

    def make_room(self) -> None:
        """Remove what was not used for the longest until the limit is kept; blocking."""
        if self._limit_bytes is None:
            return
        with contextlib.suppress(OSError), self._alone():
            in_use = {digest.hex for digest in self._open}
            closed = [path for path in self._folder.iterdir() if not path.suffix and path.name not in in_use]
            sizes = {path: path.stat().st_blocks * BLOCK_BYTES for path in closed}
            excess = sum(sizes.values()) + sum(image.held_bytes for image in self._open.values()) - self._limit_bytes
            for path in sorted(closed, key=_used_at):
                if excess <= 0:
                    return
                for suffix in (HAVE, CHUNKS, ""):
                    Path(f"{path}{suffix}").unlink(missing_ok=True)
                excess -= sizes[path]
            if excess > 0:
                self._drop_pieces(excess)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        finally:
            self._settle()

    def _settle(self) -> None:
        """Let go of images, unless somebody is at work, who does it then."""
        closed = False
        while self._leaving and self._lock.acquire(blocking=False):
            try:
                while self._leaving:
                    closed = self._let_go(self._leaving.popleft()) or closed
            finally:
                self._lock.release()
        if closed:
            self.make_room()

    def _let_go(self, image: CachedImage) -> bool:
        """One user less; whether that was the last one."""
        image.users -= 1
        if image.users:
            return False
        if self._open.get(image.chunks.digest) is image:
            del self._open[image.chunks.digest]
        image.close()
        return True

    def _drop_pieces(self, excess: int) -> None:
        """Take pieces out of open images."""
        idle = sorted((used, number, image.chunks.digest) for image in self._open.values() for used, number in image.idle())
        for _, number, digest in idle:
            if excess <= 0:
                return
            excess -= self._open[digest].drop(number)


def _used_at(path: Path) -> float:
    have = Path(f"{path}{HAVE}")
    try:
        return have.stat().st_mtime
    except OSError:
        return 0.0
