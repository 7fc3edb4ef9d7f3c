"""A folder that files are mirrored into: each grows in a hidden sibling that outlives the run, and takes its name when it is verified.

``.NAME.partial`` holds the bytes that have come, ``.NAME.partial.json`` what they are the beginning of.  The second is written after the
first was emptied and before its first byte, so that it never describes other bytes; where it is missing or broken, nothing is known of
the bytes and they are thrown away.  The lock on the first (``flock``) keeps two runs apart, and dies with its run.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Callable
from io import FileIO
from pathlib import Path

from penstock.adapters.files.atomic import write_atomic
from penstock.adapters.files.failures import file_error
from penstock.adapters.files.reading import read_document
from penstock.model.digest import Digest
from penstock.model.downloads import DestinationError, KeptPart
from penstock.model.errors import InputError, NotFoundError, PenstockError

_READ_BYTES = 1 << 20
_NEW_FILE_MODE = 0o666
_LONGEST_NOTE_BYTES = 64 << 10
_SMALL_FILE_BYTES = 1 << 20
_TRIES = 8
_KEPT = "free some space and run again: what came is kept and will be continued"


class LocalMirror:
    """``ports.MirrorFolder`` on the local file system."""

    def __init__(self, folder: Path, *, lock: bool = True, check_space: bool = False) -> None:
        """Open nothing yet.

        Args:
            folder: made with the first file.
            lock: whether another run may be at work in the folder.
            check_space: refuse at its beginning what cannot have room.
        """
        self._folder = folder
        self._lock = lock
        self._check_space = check_space

    def path(self, name: str) -> str:
        """See ``ports.MirrorFolder``."""
        return str(self._folder / name)

    def partial_path(self, name: str) -> str:
        """See ``ports.MirrorFolder``."""
        return str(_partial(self._folder / name))

    def digest(self, name: str, on_bytes: Callable[[int], None]) -> Digest | None:
        """See ``ports.MirrorFolder``."""
        path = self._folder / name
        hasher = hashlib.sha256()
        try:
            if not path.exists():
                return None
            if not path.is_file():
                raise InputError("something else than a file stands in the way", subject=str(path), hint="move it away and run again")
            with path.open("rb") as file:
                _hash_all(file.fileno(), hasher, on_bytes)
        except OSError as error:
            raise file_error(error, str(path)) from error
        return Digest("sha256", hasher.hexdigest())

    def kept_part(self, name: str) -> KeptPart | None:
        """See ``ports.MirrorFolder``."""
        return _read_note(self._folder / name)

    def open_partial(self, name: str, wanted: Digest, *, resume: bool, on_bytes: Callable[[int], None]) -> "GrowingFile":
        """See ``ports.MirrorFolder``."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            target = self._folder / name
            return GrowingFile(target, wanted, resume=resume, on_bytes=on_bytes, lock=self._lock, check_space=self._check_space)
        except OSError as error:
            raise _refused(error, str(self._folder / name)) from error

    def read_small(self, name: str) -> bytes | None:
        """See ``ports.MirrorFolder``."""
        try:
            return read_document(self._folder / name, limit_bytes=_SMALL_FILE_BYTES)
        except NotFoundError:
            return None

    def write_small(self, name: str, content: bytes) -> None:
        """See ``ports.MirrorFolder``."""
        try:
            write_atomic(self._folder / name, content)
        except PenstockError as error:
            raise DestinationError(error.message, subject=error.subject, hint=error.hint) from error


class GrowingFile:
    """``ports.PartialFile`` beside the file that it will be."""

    def __init__(
        self,
        target: Path,
        wanted: Digest,
        *,
        resume: bool,
        on_bytes: Callable[[int], None],
        lock: bool = True,
        check_space: bool = False,
    ) -> None:
        """Open and lock the sibling; with ``resume`` hash what it holds.

        Raises:
            OSError: it cannot be opened.
            DestinationError: another run works on it.
        """
        self._target = target
        self._wanted = wanted
        self._hasher = wanted.hasher()
        self._note: KeptPart | None = _read_note(target) if resume else None
        self._size = 0
        self._published = False
        self._check_space = check_space
        self._file: FileIO | None = _opened_and_locked(_partial(target), str(target)) if lock else _opened(_partial(target))
        try:
            if self._note is None or self._note.digest != wanted:
                self.begin(total_bytes=None, validator=None)
            else:
                self._size = _hash_all(self._file.fileno(), self._hasher, on_bytes)
                self._must_have_room(self._note.total_bytes)
        except BaseException:
            self.close()
            raise

    @property
    def size_bytes(self) -> int:
        """See ``ports.PartialFile``."""
        return self._size

    @property
    def total_bytes(self) -> int | None:
        """See ``ports.PartialFile``."""
        return self._note.total_bytes if self._note else None

    @property
    def validator(self) -> str | None:
        """See ``ports.PartialFile``."""
        return self._note.validator if self._note else None

    @property
    def digest(self) -> Digest:
        """See ``ports.PartialFile``."""
        return Digest(self._wanted.algorithm, self._hasher.hexdigest())

    def begin(self, *, total_bytes: int | None, validator: str | None) -> None:
        """See ``ports.PartialFile``."""
        note = KeptPart(self._wanted, 0, total_bytes, validator)
        try:
            file = self._open_file()
            file.seek(0)
            file.truncate(0)
            _write_note(self._target, note)
        except OSError as error:
            raise _refused(error, str(self._target)) from error
        self._note, self._size, self._hasher = note, 0, self._wanted.hasher()
        self._must_have_room(total_bytes)

    def append(self, data: memoryview, /) -> None:
        """See ``ports.PartialFile``."""
        file, view = self._open_file(), data
        try:
            while view.nbytes:
                written = file.write(view)
                self._hasher.update(view[:written])
                self._size += written
                view = view[written:]
        except OSError as error:
            raise _refused(error, str(self._target)) from error

    def publish(self) -> None:
        """See ``ports.PartialFile``."""
        file = self._open_file()
        try:
            os.fsync(file.fileno())
            _partial(self._target).replace(self._target)
            self._published = True
            _note_path(self._target).unlink(missing_ok=True)
            _flush_folder(self._target.parent)
        except OSError as error:
            raise _refused(error, str(self._target)) from error
        self.close()

    def discard(self) -> None:
        """See ``ports.PartialFile``."""
        self._unlink()
        self.close()

    def close(self) -> None:
        """See ``ports.PartialFile``."""
        file, self._file = self._file, None
        if file is None:
            return
        if not self._size and not self._published:  # nothing that a later run could continue
            self._unlink()
        with contextlib.suppress(OSError):  # what it could not take was told when it was written
            file.close()

    def _unlink(self) -> None:
        with contextlib.suppress(OSError):
            _note_path(self._target).unlink(missing_ok=True)
            _partial(self._target).unlink(missing_ok=True)

    def _must_have_room(self, total_bytes: int | None) -> None:
        """Refuse what the device cannot take, before an hour's download shows it."""
        if not self._check_space or total_bytes is None:
            return
        room = os.fstatvfs(self._open_file().fileno())
        free_bytes, missing_bytes = room.f_bavail * room.f_frsize, total_bytes - self._size
        if room.f_blocks and missing_bytes > free_bytes:
            message = f"there is no space for it: {missing_bytes} bytes are to come, {free_bytes} are free"
            raise DestinationError(message, subject=str(self._target), hint=_KEPT)

    def _open_file(self) -> FileIO:
        if self._file is None:
            raise AssertionError("the file was published, discarded or closed")
        return self._file


def _partial(target: Path) -> Path:
    return target.with_name(f".{target.name}.partial")


def _note_path(target: Path) -> Path:
    return target.with_name(f".{target.name}.partial.json")


def _opened(path: Path) -> FileIO:
    """The file at ``path``, made where it is missing."""
    return FileIO(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _NEW_FILE_MODE), "r+")


def _opened_and_locked(path: Path, subject: str) -> FileIO:
    """The file at ``path``, made where it is missing; nobody else has it."""
    for _ in range(_TRIES):
        file = _opened(path)
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between opening and locking, the run that had it may have given it its name.
            if _is_at(file.fileno(), path):
                return file
        except BlockingIOError:
            file.close()
            raise DestinationError("another run is downloading this file", subject=subject, hint="wait for it, or stop it") from None
        except BaseException:
            file.close()
            raise
        file.close()
    raise OSError(errno.EBUSY, "another run keeps replacing the file", str(path))


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _hash_all(descriptor: int, hasher: "hashlib._Hash", on_bytes: Callable[[int], None]) -> int:
    """Feed a file from its start to its end; its size.  The position is at the end then."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    buffer, done = memoryview(bytearray(_READ_BYTES)), 0
    while got := os.readv(descriptor, [buffer]):
        hasher.update(buffer[:got])
        done += got
        on_bytes(done)
    return done


def _write_note(target: Path, note: KeptPart) -> None:
    told = {"sha256": note.digest.hex, "size_bytes": note.total_bytes, "validator": note.validator}
    fresh = _note_path(target).with_suffix(".new")
    fresh.write_text(json.dumps(told), encoding="utf-8")
    fresh.replace(_note_path(target))


def _read_note(target: Path) -> KeptPart | None:
    """What the note and the size of the partial file tell; None where that is not clear."""
    try:
        state = _partial(target).lstat()
        told = json.loads(read_document(_note_path(target), limit_bytes=_LONGEST_NOTE_BYTES))
        total_bytes, validator = told["size_bytes"], told["validator"]
        digest = Digest.from_sha256(told["sha256"])
    except (OSError, PenstockError, ValueError, TypeError, KeyError, RecursionError):
        return None
    if not (stat.S_ISREG(state.st_mode) and isinstance(total_bytes, int | None) and isinstance(validator, str | None)):
        return None
    return KeptPart(digest, state.st_size, total_bytes, validator)


def _refused(error: OSError, subject: str) -> DestinationError:
    told = file_error(error, subject)
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return DestinationError(told.message, subject=told.subject, hint=_KEPT if full else told.hint)


def _flush_folder(folder: Path) -> None:
    """Make the rename itself durable; some file systems cannot flush folders, and need not."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
