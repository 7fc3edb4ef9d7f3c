"""Folders of the local file system, as destinations; blocking."""

from pathlib import PurePosixPath
from types import TracebackType
from typing import BinaryIO, Protocol, Self


class Staging(Protocol):
    """A hidden sibling of a destination folder; blocking.

    Nothing appears in the destination before :meth:`publish`; leaving the context without it removes everything.
    """

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def create(self, path: PurePosixPath, *, mode: int, mtime_s: int) -> BinaryIO:
        """A new file, open for writing; parents are made.  A second call for the same path replaces the first file."""

    def mkdir(self, path: PurePosixPath, *, mode: int) -> None:
        """A folder; no error where it exists."""

    def symlink(self, path: PurePosixPath, target: str) -> None:
        """A symbolic link with this text; it is never followed here."""

    def link(self, path: PurePosixPath, existing: PurePosixPath) -> None:
        """A second name for a staged file."""

    def open(self, path: PurePosixPath) -> BinaryIO:
        """A staged file, open for reading."""

    def check(self) -> None:
        """See that :meth:`publish` will find its way.

        Raises:
            InputError: something in the destination stands where something of another kind shall go.
        """

    def publish(self) -> list[PurePosixPath]:
        """Move everything to its name in the destination; the files, sorted.  Folders that exist are kept and filled."""


class Outlet(Protocol):
    """A destination folder for files."""

    def stage(self, directory: str, *, replace: bool) -> Staging:
        """A staging for ``directory``.

        Raises:
            InputError: it does not exist, or it is not empty and ``replace`` is false.
            OperationError: it cannot be written.
        """
