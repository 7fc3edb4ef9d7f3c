"""What lies in a folder of images and what is known of it: files by name, and records by key.

The digest of a file was computed once.  It counts as long as size, time of change and inode are those of the record, else the file is
read again; a file of other bytes is not there.  A record is written before the file takes its name, and is worth nothing without it, so
that whatever interrupts leaves no name with wrong bytes and no bytes without a word.
"""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import structlog

from penstock.adapters.files.failures import destination_error
from penstock.adapters.files.locking import take_lock
from penstock.adapters.imagestore.names import Names, is_ours
from penstock.adapters.imagestore.openfile import LocalImageFile, OpenedFile
from penstock.adapters.imagestore.records import Named, Records
from penstock.formats.imagerecord import FileState, KeptImage, KeyRecord
from penstock.model.digest import Digest
from penstock.model.errors import DigestMismatch, NotFoundError, PenstockError, VerificationError
from penstock.model.osimage import Brought, StoredImage

HIDDEN = ".penstock-images"
_NOT_FOUND = "it was removed; it is brought again when it is wanted"


class Shelf:
    """The folder; all methods are blocking, and safe in several threads."""

    def __init__(self, folder: Path, *, hard_links: bool = True) -> None:
        """Make nothing yet.

        Args:
            folder: where images have their names.
            hard_links: False where the file system is known to have none.
        """
        self._folder = folder
        self._hidden = folder / HIDDEN
        self._records = Records(self._hidden / "records")
        self._names = Names(folder, self._hidden, hard_links=hard_links)
        self._mutex = threading.Lock()
        self._foreign: set[tuple[Path, FileState, Digest]] = set()

    def find(self, key: str) -> tuple[StoredImage, ...]:
        """The images of ``key``, if all of them are there and whole."""
        record = self._records.read(key)
        found = self._recognised(record) if record else ()
        return tuple(kept.image for kept in found) if record and len(found) == len(record.images) else ()

    def all(self) -> tuple[StoredImage, ...]:
        """Every image that is there and whole."""
        return tuple(kept.image for record in self._records.all() for kept in self._recognised(record))

    def holder_of(self, digest: Digest) -> Path | None:
        """A file in the folder that has these bytes, or None."""
        return next((self._place(named.kept) for named in self._twins(digest)), None)

    def unrecorded(self, name: str) -> Path | None:
        """The file that has this name although no record speaks of it, or None."""
        path = self._names.path(name)
        spoken_of = any(not named.kept.path and named.kept.image.record.file_name == name for named in self._records.images())
        return path if not spoken_of and path.is_file() else None

    def take_in(self, key: str, brought: Sequence[Brought]) -> tuple[StoredImage, ...]:
        """Give what was brought its names, and write down what is known of it.

        Args:
            key: what it was brought for.
            brought: verified files: new ones, or such as have a name in the folder.

        Raises:
            DestinationError: the folder is full or read-only.
            VerificationError: a file is not the one that was verified.
        """
        with self._writing(), self._alone():
            kept = tuple(self._described(key, one) for one in brought)
            before = self._records.read(key)
            self._records.write(KeyRecord(key, kept), must=True)
            try:
                for one, place in zip(brought, kept, strict=True):
                    self._name(Path(one.path), place)
            except BaseException:
                self._records.write(before or KeyRecord(key, ()), must=False)
                raise
            self._settle(key, kept, before)
        return tuple(one.image for one in kept)

    def note(self, key: str, standing: Sequence[Brought]) -> tuple[StoredImage, ...]:
        """Write down what is known of files that stay where they stand.

        Raises:
            VerificationError: a file is not the one that was verified.
        """
        with self._mutex:
            kept = tuple(self._described(key, one, standing=True) for one in standing)
            self._records.write(KeyRecord(key, kept), must=False)
        return tuple(one.image for one in kept)

    def open(self, image: StoredImage) -> LocalImageFile:
        """The file of an image, opened once; see ``ports.ImageStore``."""
        kept = self._kept(image)
        path = self._place(kept)
        try:
            opened = OpenedFile(path)
        except NotFoundError:
            raise NotFoundError("the image is not there any more", subject=image.record.file_name, hint=_NOT_FOUND) from None
        with opened as file:
            if file.state != kept.state:
                found = file.digest()
                if found != image.digest:
                    hint = "another file was put in its place; it is brought again"
                    raise DigestMismatch(image.record.file_name, expected=str(image.digest), found=str(found), hint=hint)
            return file.keep(image.digest)

    def remove(self, image: StoredImage) -> None:
        """Take an image away; see ``ports.ImageStore``.  A file that stands elsewhere stays there."""
        before = self._records.read(image.record.key)
        if before and all(kept.path for kept in before.images):
            self._records.write(KeyRecord(before.key, ()), must=False)
            return
        with self._writing(), self._alone():
            before = self._records.read(image.record.key)
            gone = [kept for kept in before.images if _same(kept, image)] if before else []
            if before:
                left = tuple(kept for kept in before.images if kept not in gone)
                self._records.write(replace(before, images=left), must=True)
            self._drop(gone)

    def remove_unrecorded(self, expected: Iterable[str]) -> tuple[str, ...]:
        """Remove images that no record speaks of, but for these names; what was removed."""
        with self._writing(), self._alone():
            kept = {named.kept.image.record.file_name for named in self._records.images() if not named.kept.path} | set(expected)
            standing = {Path(named.kept.path) for named in self._records.images() if named.kept.path}
            names = sorted(path.name for path in self._folder.iterdir() if is_ours(path.name)) if self._folder.is_dir() else []
            gone = tuple(name for name in names if name not in kept and self._folder / name not in standing)
            for name in gone:
                self._names.remove(name)
        return gone

    def _kept(self, image: StoredImage) -> KeptImage:
        record = self._records.read(image.record.key)
        return next((kept for kept in (record.images if record else ()) if _same(kept, image)), KeptImage(image))

    def _place(self, kept: KeptImage) -> Path:
        return Path(kept.path) if kept.path else self._names.path(kept.image.record.file_name)

    def _recognised(self, record: KeyRecord) -> tuple[KeptImage, ...]:
        """Those images of a record that are there and whole; what had to be read again is written down."""
        found = tuple(kept for kept in map(self._looked_at, record.images) if kept is not None)
        if found != record.images and len(found) == len(record.images):
            self._records.write(replace(record, images=found), must=False)
        return found

    def _looked_at(self, kept: KeptImage) -> KeptImage | None:
        path, wanted = self._place(kept), kept.image.digest
        try:
            with OpenedFile(path) as file:
                if file.state == kept.state:
                    return kept
                if file.state.size_bytes != kept.image.size_bytes or (path, file.state, wanted) in self._foreign:
                    return None
                if file.digest() == wanted:
                    return replace(kept, state=file.state)
                self._foreign.add((path, file.state, wanted))
        except PenstockError:
            return None
        _log().warning("a file in the store has other bytes than it had, and is not used", file=path.name, wanted=str(wanted))
        return None

    def _twins(self, digest: Digest) -> Iterator[Named]:
        """Images in the folder that have these bytes, without reading any."""
        for named in self._records.images():
            kept = named.kept
            if kept.image.digest == digest and not kept.path and self._state(self._place(kept)) == kept.state:
                yield named

    @staticmethod
    def _state(path: Path) -> FileState | None:
        try:
            with OpenedFile(path) as file:
                return file.state
        except PenstockError:
            return None

    def _described(self, key: str, brought: Brought, *, standing: bool = False) -> KeptImage:
        record = replace(brought.record, key=key)
        twin = None if standing else next(self._twins(brought.digest), None)
        with OpenedFile(self._place(twin.kept) if twin else Path(brought.path)) as file:
            state, mtime_s = file.state, file.mtime_s
        if state.size_bytes != brought.size_bytes:
            message = f"the file has {state.size_bytes} bytes, and {brought.size_bytes} were verified"
            raise VerificationError(message, subject=record.file_name, hint="did another program write to it?")
        image = StoredImage(record, brought.digest, brought.size_bytes, mtime_s)
        return KeptImage(image, state, str(Path(brought.path).absolute()) if standing else "")

    def _name(self, arrived: Path, kept: KeptImage) -> None:
        name, target = kept.image.record.file_name, self._place(kept)
        twins = [named.kept.image.record.file_name for named in self._twins(kept.image.digest)]
        if name in twins or any(self._names.again(twin, name) for twin in twins):
            if arrived.parent != self._folder:
                arrived.unlink()
        elif arrived != target:
            self._names.place(arrived, name)

    def _settle(self, key: str, kept: tuple[KeptImage, ...], before: KeyRecord | None) -> None:
        """Forget what other keys had under these names, and drop what this key had under others."""
        names = {one.image.record.file_name: one.image.digest for one in kept if not one.path}
        for record in self._records.all():
            if record.key != key:
                left = tuple(
                    one for one in record.images if one.path or names.get(one.image.record.file_name, one.image.digest) == one.image.digest
                )
                if left != record.images:
                    self._records.write(replace(record, images=left), must=False)
        self._drop(old for old in (before.images if before else ()) if old.image.record.file_name not in names)

    def _drop(self, gone: Iterable[KeptImage]) -> None:
        """Remove the files of images that no record speaks of any more."""
        spoken_of = {named.kept.image.record.file_name for named in self._records.images() if not named.kept.path}
        for kept in gone:
            name = kept.image.record.file_name
            if not kept.path and name not in spoken_of:
                self._names.remove(name)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One at a time, also between processes where the file system can tell."""
        with self._mutex:
            self._hidden.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = take_lock(self._hidden / "lock", wait=True)
            try:
                yield
            finally:
                if isinstance(lock, int):
                    os.close(lock)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise destination_error(error, str(self._folder)) from error


def _same(kept: KeptImage, image: StoredImage) -> bool:
    return kept.image.digest == image.digest and kept.image.record.file_name == image.record.file_name


def _log() -> "structlog.stdlib.BoundLogger":
    return structlog.get_logger("penstock.images")  # type: ignore[no-any-return]
