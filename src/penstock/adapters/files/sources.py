"""Large files that others are made of: opened once, read here and there, and watched for changes."""

import io
import os
import stat
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from penstock.adapters.files.failures import file_error
from penstock.imageservice.overlay import Source
from penstock.model.errors import InputError, VerificationError


class LocalSources:
    """The files that plans take ranges of, open for as long as the context lasts."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._files: dict[Source, BinaryIO] = {}

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the files."""
        self._stack.close()

    def add(self, path: Path) -> Source:
        """Open a file, or a disk.

        Raises:
            InputError: it is neither.
            NotFoundError: there is none.
            OperationError: it cannot be read.
        """
        try:
            # A FIFO would keep the program waiting for a writer.
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            file = self._stack.enter_context(os.fdopen(descriptor, "rb"))
            source = source_of(file, str(path))
        except OSError as error:
            raise file_error(error, str(path)) from error
        self._files[source] = file
        return source

    def open(self, source: Source) -> BinaryIO:
        """The open file of a source; its position belongs to nobody."""
        return self._files[source]

    def must_be_unchanged(self) -> None:
        """Compare every file with what it was when it was opened.

        Raises:
            VerificationError: a file was written to since.
        """
        for source, file in self._files.items():
            if source_of(file, source.name) != source:
                raise VerificationError("the file was changed while it was read", subject=source.name, hint="run again when it is complete")


def source_of(file: BinaryIO, name: str) -> Source:
    """An open file as a source; of a disk, which has no size of its own, the end is looked for.

    Raises:
        InputError: it is neither a regular file nor a disk.
        OSError: it cannot be asked.
    """
    status = os.fstat(file.fileno())
    if stat.S_ISDIR(status.st_mode):
        raise InputError("this is a folder, a file is wanted", subject=name)
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISBLK(status.st_mode):
        raise InputError("this can only be read from front to end; a file is wanted", subject=name)
    size_bytes = status.st_size if stat.S_ISREG(status.st_mode) else file.seek(0, io.SEEK_END)
    return Source.by_stat(name, size_bytes, mtime_ns=status.st_mtime_ns, inode=status.st_ino)
