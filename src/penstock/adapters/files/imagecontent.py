"""The files of a push as raw disks and VHDs: each is read and decompressed once, whoever asks.

Decompressed disks are kept in ``disks/<sha256>.raw`` of the state folder, sparse, until nothing more is read of them.  What killed runs
left there is used where it fits, and else removed after some days.
"""

import asyncio
import contextlib
import os
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from penstock.adapters.files.arrival import AT_ONCE, Patience
from penstock.adapters.files.disks import (
    DiskMeasure,
    Expand,
    FileIdentity,
    LocalDisk,
    Reading,
    must_have_room,
    open_regular,
)
from penstock.adapters.files.failures import file_error
from penstock.adapters.files.locking import NoLock, take_lock
from penstock.adapters.files.measured import Measured, MeasuredFiles
from penstock.formats.diskarchive import unpack_disk
from penstock.formats.xzstream import expand_xz
from penstock.model.errors import DigestMismatch, InputError, VerificationError
from penstock.model.progress import Progress
from penstock.model.push.content import ImageContent
from penstock.model.push.items import PushItem
from penstock.ports import ProgressSink
from penstock.ports.publish import ContentFile

ABANDONED_S = 7 * 24 * 3600.0
"""A kept disk that nobody opened for so long is of a run that nobody continued."""

_SIBLING = ".penstock-"
_STEP_BYTES = 8 << 20
_ARCHIVE = ".tar.gz"
_EXPANSIONS: dict[str, Expand] = {".xz": expand_xz, _ARCHIVE: unpack_disk}
_HINT = "the declared digest is that of the file as it lies there, compressed where it is"

K = TypeVar("K")
T = TypeVar("T")


class LocalImageFiles:
    """``ports.publish.ImageFiles``; for one event loop."""

    def __init__(self, folder: Path, *, patience: Patience = AT_ONCE, readers: int | None = None) -> None:
        """Make nothing yet.

        Args:
            folder: the state folder: ``measured.json`` and ``disks/``.
            patience: how long a file is waited for.
            readers: how many files are read at a time; None for one per processor.
        """
        self._folder = folder
        self._patience = patience
        self._memory = MeasuredFiles(folder)
        self._readers = asyncio.Semaphore(readers or os.cpu_count() or 1)
        self._measuring: dict[tuple[str, bool], asyncio.Task[Measured]] = {}
        self._identities: dict[str, FileIdentity] = {}
        self._unpacking: dict[str, asyncio.Task[None]] = {}

    async def measure(self, item: PushItem, *, keep: bool, progress: ProgressSink) -> ImageContent:
        """See :meth:`penstock.ports.publish.ImageFiles.measure`; concurrent calls for one file share one reading.

        Raises:
            InputError: ``item.src`` is no path.
            NotFoundError, DigestMismatch, VerificationError, OperationError: as there.
        """
        if item.source_image is not None or "://" in item.src:
            raise InputError("this is no file on this machine", subject=item.src)
        # An archive is sent as it lies there; few ever want its disk.
        work = _Work(Path(item.src), keep=keep and not item.src.endswith(_ARCHIVE), md5=item.md5 is not None, progress=progress)
        measured = await _shared(self._measuring, (item.src, work.md5), lambda: self._measured(work))
        self._identities[item.src] = measured.identity
        _must_be_declared(item, measured)
        return measured.content(item.src)

    async def open(self, content: ImageContent, progress: ProgressSink) -> ContentFile:
        """See :meth:`penstock.ports.publish.ImageFiles.open`; each caller gets a file of its own, and closes it.

        Raises:
            NotFoundError, VerificationError, OperationError: as there.
        """
        if not content.compressed:
            identity = await self._identity(content, progress)
            return await asyncio.to_thread(_open_raw, Path(content.src), identity)
        for _ in range(3):  # another run may be done with the same disk, and remove it
            opened = await asyncio.to_thread(self._open_kept, content)
            if opened is not None:
                return opened
            await _shared(self._unpacking, content.digest.hex, lambda: self._unpack(content, progress))
        raise VerificationError("what was decompressed vanishes again and again", subject=str(self._kept(content)))

    async def open_stored(self, content: ImageContent, progress: ProgressSink) -> ContentFile:
        """See :meth:`penstock.ports.gcp.GceFiles.open_stored`.

        Raises:
            VerificationError, OperationError: as there.
        """
        identity = await self._identity(content, progress)
        return await asyncio.to_thread(_open_raw, Path(content.src), identity)

    async def release(self, content: ImageContent) -> None:
        """Remove the decompressed disk; who has it open can go on."""
        if content.compressed:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(self._kept(content).unlink, missing_ok=True)

    def _kept(self, content: ImageContent) -> Path:
        return self._folder / "disks" / f"{content.digest.hex}.raw"

    async def _identity(self, content: ImageContent, progress: ProgressSink) -> FileIdentity:
        known = self._identities.get(content.src)
        if known is None:  # measured by somebody else
            work = _Work(Path(content.src), progress=progress)
            measured = await _shared(self._measuring, (content.src, False), lambda: self._measured(work))
            _must_be_same(content, measured.file_sha256)
            known = self._identities[content.src] = measured.identity
        return known

    async def _measured(self, work: "_Work") -> Measured:
        await self._patience.until_there(work.path)
        found = await asyncio.to_thread(self._remembered, work.path)
        if found is None or (work.md5 and not found.file_md5):
            found = await self._in_thread(lambda stop: self._read(work, stop))
        return found

    async def _unpack(self, content: ImageContent, progress: ProgressSink) -> None:
        work = _Work(Path(content.src), keep=True, progress=progress)
        measured = await self._in_thread(lambda stop: self._read(work, stop))
        _must_be_same(content, measured.file_sha256)

    async def _in_thread(self, work: Callable[[threading.Event], T]) -> T:
        """Do it when it is its turn; where the task is cancelled the thread ends soon."""
        stop = threading.Event()
        async with self._readers:
            try:
                return await asyncio.to_thread(work, stop)
            finally:
                stop.set()

    # --- in threads

    def _remembered(self, path: Path) -> Measured | None:
        descriptor = open_regular(path)
        try:
            return self._memory.find(path, FileIdentity.of(descriptor))
        finally:
            os.close(descriptor)

    def _read(self, work: "_Work", stop: threading.Event) -> Measured:
        """One pass over the file, from which everything comes."""
        path = work.path
        descriptor = open_regular(path)
        expand = next((found for suffix, found in _EXPANSIONS.items() if path.name.endswith(suffix)), None)
        try:
            identity = FileIdentity.of(descriptor)
            told = _Told(work.progress, path.name, identity.size_bytes)
            reading = Reading(descriptor, str(path), md5=work.md5, stop=stop, on_bytes=told.add)
            found = self._read_expanded(reading, expand, identity.size_bytes, keep=work.keep) if expand else reading.raw()
            if FileIdentity.of(descriptor) != identity:
                raise VerificationError("the file changed while it was read", subject=str(path), hint="let it be written to its end first")
        except OSError as error:
            raise file_error(error, str(path)) from error
        finally:
            os.close(descriptor)
        told.finish()
        measured = Measured(
            identity=identity,
            file_sha256=found.file_sha256.hex,
            file_md5=found.file_md5,
            digest=found.digest.hex,
            size_bytes=found.size_bytes,
            compressed=expand is not None,
            data_bytes=found.data_bytes,
        )
        self._make_folders()
        self._memory.remember(path, measured)
        return measured

    def _read_expanded(self, reading: Reading, expand: Expand, file_bytes: int, *, keep: bool) -> DiskMeasure:
        if not keep:
            return reading.expanded(expand, None)
        disks = self._make_folders()
        _tidy(disks)
        must_have_room(disks, file_bytes)
        with _growing(disks) as (sibling, copy):
            try:
                found = reading.expanded(expand, copy)
                sibling.replace(disks / f"{found.digest.hex}.raw")
            except OSError as error:
                raise file_error(error, str(disks)) from error
        return found

    def _make_folders(self) -> Path:
        disks = self._folder / "disks"
        try:
            disks.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise file_error(error, str(disks)) from error
        return disks

    def _open_kept(self, content: ImageContent) -> LocalDisk | None:
        path = self._kept(content)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise file_error(error, str(path)) from error
        with contextlib.suppress(OSError):
            os.utime(descriptor)  # in use: not abandoned
        disk = LocalDisk(descriptor, None, subject=content.src)
        if disk.size_bytes == content.size_bytes:
            return disk
        disk.close()
        path.unlink(missing_ok=True)
        return None


@dataclass(frozen=True, slots=True)
class _Work:
    """A file to be read: whether its content is kept, and whether its MD5 is wanted, which few sources declare."""

    path: Path
    progress: ProgressSink
    keep: bool = False
    md5: bool = False


class _Told:
    """Progress of one reading, told every few MiB."""

    def __init__(self, progress: ProgressSink, item: str, total_bytes: int) -> None:
        self._progress = progress
        self._item = item
        self._total_bytes = total_bytes
        self._done = self._said = 0

    def add(self, count: int) -> None:
        self._done += count
        if self._done - self._said >= _STEP_BYTES:
            self._said = self._done
            self._progress(Progress("read", self._item, self._done, self._total_bytes))

    def finish(self) -> None:
        self._progress(Progress("read", self._item, self._done, self._total_bytes, finished=True))


async def _shared(running: dict[K, asyncio.Task[T]], key: K, start: Callable[[], Awaitable[T]]) -> T:
    """What ``start`` gives, or what it will give to somebody who asked before; a failure is remembered for nobody who asks later."""

    async def work() -> T:
        try:
            return await start()
        finally:
            if running.get(key) is asyncio.current_task():
                del running[key]

    task = running.get(key)
    if task is None:
        task = running[key] = asyncio.ensure_future(work())
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # also where nobody waits any more
    return await asyncio.shield(task)


def _open_raw(path: Path, identity: FileIdentity) -> LocalDisk:
    disk = LocalDisk(open_regular(path), identity, subject=str(path))
    try:
        disk.must_be_unchanged()
    except BaseException:
        disk.close()
        raise
    return disk


@contextmanager
def _growing(folder: Path) -> Iterator[tuple[Path, int]]:
    """A new hidden file, which is locked while it grows, and gone afterwards unless it has got another name."""
    path = folder / f"{_SIBLING}{secrets.token_hex(8)}"
    try:
        while (lock := take_lock(path, wait=False)) is NoLock.BUSY:  # somebody tidies up, and took it for a killed run's
            path = folder / f"{_SIBLING}{secrets.token_hex(8)}"
        descriptor = lock if isinstance(lock, int) else os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise file_error(error, str(folder)) from error
    try:
        yield path, descriptor
    finally:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _tidy(folder: Path) -> None:
    """Remove what killed runs left: files that do not grow any more, and disks that nobody came back for."""
    now_s = time.time()
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            with contextlib.suppress(OSError):
                abandoned = now_s - path.stat().st_mtime > ABANDONED_S
                if path.suffix == ".raw":
                    if abandoned:
                        path.unlink()
                elif path.name.startswith(_SIBLING):
                    lock = take_lock(path, wait=False)
                    if isinstance(lock, int) or (lock is NoLock.UNSUPPORTED and abandoned):
                        path.unlink()
                    if isinstance(lock, int):
                        os.close(lock)  # after the name is gone: who gets the lock now sees that


def _must_be_declared(item: PushItem, measured: Measured) -> None:
    if item.sha256 is not None and item.sha256.hex != measured.file_sha256:
        raise DigestMismatch(item.src, expected=str(item.sha256), found=f"sha256:{measured.file_sha256}", hint=_HINT)
    if item.md5 is not None and item.md5.lower() != measured.file_md5:
        raise DigestMismatch(item.src, expected=f"md5:{item.md5.lower()}", found=f"md5:{measured.file_md5}", hint=_HINT)


def _must_be_same(content: ImageContent, file_sha256: str) -> None:
    if content.file_sha256.hex != file_sha256:
        raise VerificationError("the file changed since it was measured", subject=content.src, hint="run again")
