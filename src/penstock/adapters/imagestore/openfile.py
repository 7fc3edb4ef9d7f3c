"""An ISO of the local file system that is open: its bytes stay as they are although its name may be taken away."""

import asyncio
import hashlib
import io
import os
import stat
from pathlib import Path
from typing import BinaryIO, Self, cast

from penstock.adapters.files.failures import file_error
from penstock.formats.imagerecord import FileState
from penstock.formats.positioned import PositionedReader
from penstock.model.digest import Digest
from penstock.model.errors import InputError, VerificationError

_BUFFER_BYTES = 128 << 10


class LocalImageFile:
    """``ports.ImageFile`` over one descriptor."""

    def __init__(self, file: io.FileIO, digest: Digest, size_bytes: int) -> None:
        """Take over ``file``, whose bytes have this digest."""
        self._file = file
        self._digest = digest
        self._size_bytes = size_bytes

    @property
    def size_bytes(self) -> int:
        """See ``ports.ImageFile``."""
        return self._size_bytes

    @property
    def digest(self) -> Digest:
        """See ``ports.ImageFile``."""
        return self._digest

    @property
    def file(self) -> BinaryIO:
        """See ``ports.ImageFile``."""
        return cast("BinaryIO", self._file)

    async def ensure(self, offset: int, length: int) -> None:
        """See ``ports.ImageFile``: everything is here."""

    def blocking(self) -> BinaryIO:
        """See ``ports.ImageFile``."""
        return io.BufferedReader(_Reader(os.dup(self._file.fileno()), self._size_bytes), _BUFFER_BYTES)

    def close(self) -> None:
        """See ``ports.ImageFile``."""
        self._file.close()


class _Reader(PositionedReader):
    """Reads by position through a descriptor of its own; the position of the file is nobody's."""

    def __init__(self, descriptor: int, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self._descriptor = descriptor

    def read_at(self, position: int, view: memoryview) -> int:
        return os.preadv(self._descriptor, [view], position)

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()


class OpenedFile:
    """A regular file that was opened to look at it; the context closes it unless :meth:`keep` was called."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            InputError: something else than a file stands there.
            NotFoundError: nothing does.
            OperationError: it cannot be read.
        """
        try:
            # A FIFO would keep the program waiting for a writer.
            self._file: io.FileIO = io.FileIO(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "r")
        except OSError as error:
            raise file_error(error, str(path)) from error
        self._kept = False
        self._subject = str(path)
        if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            self._file.close()
            raise InputError("this is no regular file", subject=str(path))

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        if not self._kept:
            self._file.close()

    @property
    def state(self) -> FileState:
        """By what it is known again."""
        return state_of(os.fstat(self._file.fileno()))

    @property
    def mtime_s(self) -> int:
        """When it was last written to."""
        return self.state.mtime_ns // 1_000_000_000

    def digest(self) -> Digest:
        """Of its bytes; reads all of them.

        Raises:
            OperationError: it cannot be read.
        """
        try:
            self._file.seek(0)
            return Digest("sha256", hashlib.file_digest(self._file, "sha256").hexdigest())
        except OSError as error:
            raise file_error(error, self._subject) from error

    def keep(self, digest: Digest) -> LocalImageFile:
        """The open file, for somebody who closes it."""
        self._kept = True
        return LocalImageFile(self._file, digest, self.state.size_bytes)


def state_of(found: os.stat_result) -> FileState:
    """What of ``stat`` changes with the bytes."""
    return FileState(found.st_size, found.st_mtime_ns, found.st_ino)


async def digest_of(path: str) -> tuple[Digest, FileState]:
    """The digest of a file, read in a worker thread, and by what it is known again; raises as :class:`OpenedFile`."""

    def work() -> tuple[Digest, FileState]:
        with OpenedFile(Path(path)) as file:
            before = file.state
            digest = file.digest()
            if file.state != before:
                raise VerificationError("the file was changed while it was read", subject=path, hint="try again when it is complete")
            return digest, before

    return await asyncio.to_thread(work)
