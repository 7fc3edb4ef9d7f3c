"""A hidden folder inside the destination, from which verified files are moved to their names.

The staging stands inside the destination because a rename works within one file system only.  It holds a lock (``flock`` on the
folder), so that a later run can tell what a killed one left behind, and removes that.  Files are not flushed to the device one by one:
an image can be extracted again, and a crash of the machine is the only case in which it would matter.
"""

import errno
import fcntl
import os
import re
import secrets
import shutil
from io import FileIO
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import BinaryIO, Self, cast

from penstock.adapters.files.failures import file_error
from penstock.model.errors import InputError, VerificationError

_NAME = re.compile(r"\.penstock-staging-[0-9a-f]{16}")
_TRIES = 8


class _StagedFile(FileIO):
    """An unbuffered file whose ``write`` takes everything, and whose errors name the file in the destination."""

    def __init__(self, path: Path, subject: str) -> None:
        super().__init__(path, "xb")
        self._subject = subject

    def write(self, data: bytes | memoryview, /) -> int:  # type: ignore[override]
        view = memoryview(data)
        total = view.nbytes
        try:
            while view.nbytes:
                view = view[super().write(view) :]
        except OSError as error:
            raise file_error(error, self._subject) from error
        return total


class DirectoryStaging:
    """``ports.Staging`` on the local file system."""

    def __init__(self, destination: Path) -> None:
        """Make the staging folder inside ``destination``, which exists."""
        self._destination = destination
        self._attributes: dict[PurePosixPath, tuple[int, int]] = {}
        self._folder_modes: dict[PurePosixPath, int] = {}
        try:
            self._root, self._lock = _locked_folder(destination)
        except OSError as error:
            raise file_error(error, str(destination)) from error

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Remove whatever was not published."""
        shutil.rmtree(self._root, ignore_errors=True)
        os.close(self._lock)

    def create(self, path: PurePosixPath, *, mode: int, mtime_s: int) -> BinaryIO:
        """See ``ports.Staging``."""
        staged = self._prepare(path)
        self._attributes[path] = (mode & 0o777, mtime_s)
        try:
            return cast("BinaryIO", _StagedFile(staged, str(self._destination / path)))
        except OSError as error:
            raise file_error(error, str(self._destination / path)) from error

    def mkdir(self, path: PurePosixPath, *, mode: int) -> None:
        """See ``ports.Staging``."""
        self._make_folder(path)
        self._folder_modes[path] = mode & 0o777

    def symlink(self, path: PurePosixPath, target: str) -> None:
        """See ``ports.Staging``."""
        staged = self._prepare(path)
        try:
            staged.symlink_to(target)
        except OSError as error:
            raise file_error(error, str(self._destination / path)) from error

    def link(self, path: PurePosixPath, existing: PurePosixPath) -> None:
        """See ``ports.Staging``."""
        staged = self._prepare(path)
        try:
            os.link(self._root / existing, staged, follow_symlinks=False)
        except OSError as error:
            raise file_error(error, str(self._destination / path)) from error

    def open(self, path: PurePosixPath) -> BinaryIO:
        """See ``ports.Staging``."""
        try:
            return (self._root / path).open("rb")
        except OSError as error:
            raise file_error(error, str(self._destination / path)) from error

    def check(self) -> None:
        """See ``ports.Staging``."""
        folders, files = self._tree()
        for path in folders:
            self._check_way(path, is_folder=True)
        for path in files:
            self._check_way(path, is_folder=False)

    def publish(self) -> list[PurePosixPath]:
        """See ``ports.Staging``.

        Raises:
            InputError: something in the destination stands in the way; nothing is moved then.
        """
        self.check()
        folders, files = self._tree()
        umask = _umask()
        try:
            for path in folders:
                (self._destination / path).mkdir(mode=self._folder_modes.get(path, 0o777) | 0o700, exist_ok=True)
            for path in files:
                staged = self._root / path
                if path in self._attributes:
                    mode, mtime_s = self._attributes[path]
                    staged.chmod(mode & ~umask)
                    os.utime(staged, (mtime_s, mtime_s))
                staged.replace(self._destination / path)
        except OSError as error:
            raise file_error(error, str(self._destination)) from error
        return sorted(files)

    def _tree(self) -> tuple[list[PurePosixPath], list[PurePosixPath]]:
        folders: list[PurePosixPath] = []
        files: list[PurePosixPath] = []
        for parent, folder_names, file_names in os.walk(self._root):
            here = PurePosixPath(Path(parent).relative_to(self._root).as_posix())
            links = [name for name in folder_names if (Path(parent) / name).is_symlink()]
            folders += [here / name for name in folder_names if name not in links]
            files += [here / name for name in (*file_names, *links)]
        return sorted(folders), files

    def _check_way(self, path: PurePosixPath, *, is_folder: bool) -> None:
        target = self._destination / path
        if target.is_symlink():
            in_the_way = is_folder
        elif target.exists():
            in_the_way = target.is_dir() != is_folder
        else:
            in_the_way = False
        if in_the_way:
            wanted = "a folder" if is_folder else "a file"
            raise InputError(f"something else stands where {wanted} shall go", subject=str(target), hint="move it away and run again")

    def _prepare(self, path: PurePosixPath) -> Path:
        """The staged path, with its parents made and nothing at its place."""
        self._make_folder(path.parent)
        staged = self._root / path
        try:
            if staged.is_dir() and not staged.is_symlink():
                shutil.rmtree(staged)
            else:
                staged.unlink(missing_ok=True)
        except OSError as error:
            raise file_error(error, str(self._destination / path)) from error
        self._attributes.pop(path, None)
        return staged

    def _make_folder(self, path: PurePosixPath) -> None:
        staged = self._root
        for part in path.parts:
            staged = staged / part
            try:
                if staged.is_symlink() or (staged.exists() and not staged.is_dir()):
                    message = "the path leads through something that is no folder"
                    raise VerificationError(message, subject=str(path), hint="the image is hostile or broken")
                staged.mkdir(exist_ok=True)
            except OSError as error:
                raise file_error(error, str(self._destination / path)) from error


class Folders:
    """``ports.Outlet`` on the local file system."""

    def stage(self, directory: str, *, replace: bool) -> DirectoryStaging:
        """See ``ports.Outlet``."""
        destination = Path(directory)
        try:
            names = [entry.name for entry in destination.iterdir()]
        except FileNotFoundError:
            raise InputError("the destination folder does not exist", subject=directory, hint="make it first") from None
        except NotADirectoryError:
            raise InputError("the destination is not a folder", subject=directory) from None
        except OSError as error:
            raise file_error(error, directory) from error
        for name in names:
            if _NAME.fullmatch(name):
                _remove_if_abandoned(destination / name)
        if not replace and not all(_NAME.fullmatch(name) for name in names):
            raise InputError("the destination folder is not empty", subject=directory, hint="add --confirm to write into it all the same")
        return DirectoryStaging(destination)


def _locked_folder(destination: Path) -> tuple[Path, int]:
    """A new staging folder and the descriptor that holds its lock."""
    for _ in range(_TRIES):
        root = destination / f".penstock-staging-{secrets.token_hex(8)}"
        root.mkdir(mode=0o700)
        try:
            lock = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            os.close(lock)
            root.rmdir()
            raise
        # Between mkdir and flock another run may have taken it for abandoned, and removed it.
        if os.fstat(lock).st_nlink:
            return root, lock
        os.close(lock)
    raise OSError(errno.EBUSY, "another run keeps removing the staging folder")


def _remove_if_abandoned(staging: Path) -> None:
    """Remove what a killed run left; one that lives holds the lock."""
    try:
        lock = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(staging, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(lock)


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    current = os.umask(0o077)
    os.umask(current)
    return current
