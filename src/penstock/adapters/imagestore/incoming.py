"""Folders in which images arrive, and whose turn it is to bring one.

Each key has a lock between processes, and each machine a folder of its own for it: where locks do not reach other machines, or do not
work at all, two may bring the same image, but never into one file.  The folder outlives the run, for the next try to go on with.
"""

import asyncio
import contextlib
import hashlib
import os
import secrets
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from penstock.adapters.files.failures import destination_error
from penstock.adapters.files.locking import NoLock, take_lock
from penstock.adapters.imagestore.records import name_of
from penstock.model.downloads import DestinationError
from penstock.model.osimage import Brought
from penstock.ports import BringImages

STALE_S = 15 * 60.0
"""A folder in which nothing was written for so long is not being brought into: a silent server is given up much earlier."""

ABANDONED_S = 7 * 24 * 3600.0
"""A folder in which nothing was written for so long is not continued any more."""


class Incoming:
    """The folders and the turns of one store; for one event loop."""

    def __init__(self, folder: Path, *, poll_s: float = 0.25, host: str | None = None) -> None:
        """Make nothing yet.

        Args:
            folder: holds all of it.
            poll_s: how often a lock is looked at that another process holds.
            host: the name of this machine, the same after a restart.
        """
        self._folder = folder
        self._poll_s = poll_s
        self._host = hashlib.sha256((host or socket.gethostname()).encode()).hexdigest()[:8]
        # Where there are no locks, not even two processes of one machine can tell of each other.
        self._process = secrets.token_hex(4)
        self._turns: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncIterator[bool]:
        """Wait until nobody else brings for ``key``, and keep others waiting; whether the file system could see to that.

        Raises:
            DestinationError: the folder cannot be written to.
        """
        name = name_of(key)
        async with self._turns.setdefault(name, asyncio.Lock()):
            lock = await self._lock(name)
            try:
                yield lock is not None
            finally:
                if lock is not None:
                    # A payload whose tag moves has a key for each release: their locks would pile up.
                    with contextlib.suppress(OSError):
                        (self._folder / f"{name}.lock").unlink()
                    os.close(lock)

    async def _lock(self, name: str) -> int | None:
        while (lock := await self._try(name)) is NoLock.BUSY:  # noqa: ASYNC110  # another process sets no event
            await asyncio.sleep(self._poll_s)
        return lock if isinstance(lock, int) else None

    async def _try(self, name: str) -> int | NoLock:
        work = asyncio.ensure_future(asyncio.to_thread(self._tried, name))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # The thread goes on, and what it gets would be held for ever.
            work.add_done_callback(_give_back)
            raise

    def _tried(self, name: str) -> int | NoLock:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return take_lock(self._folder / f"{name}.lock", wait=False)
        except OSError as error:
            raise destination_error(error, str(self._folder)) from error

    def folder(self, key: str, *, alone: bool) -> Path:
        """The folder for the images of ``key``, made where it is missing; whose turn it is has it.  Blocking.

        Args:
            key: what is brought.
            alone: what :meth:`turn` gave.

        Raises:
            DestinationError: it cannot be made.
        """
        name = name_of(key)
        own = self._folder / f"{name}.{self._host}{'' if alone else f'-{self._process}'}"
        try:
            if alone and not own.exists():
                for other in self._folder.glob(f"{name}.*"):
                    if other.is_dir() and self._idle_s(other) >= STALE_S:
                        other.replace(own)  # of a machine that is gone
                        break
            own.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise destination_error(error, str(self._folder)) from error
        return own

    def finish(self, folder: Path, *, done: bool) -> None:
        """After a try: remove the folder, or keep what the next try can go on with.  Blocking."""
        if done:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                folder.rmdir()

    async def brought(self, folder: Path, bring: BringImages) -> tuple[Brought, ...]:
        """What ``bring`` brings into ``folder``; where there is no room for it, once more without what interrupted tries left.

        Raises:
            DestinationError: there is no room for it all the same.
            PenstockError: of ``bring``.
        """
        try:
            return await bring(str(folder))
        except DestinationError:
            freed = await asyncio.to_thread(self.free)
            if not freed:
                raise
        _log().info("what interrupted downloads left was removed to make room", freed_bytes=freed)
        return await bring(str(folder))

    def free(self, *, older_s: float = 0.0) -> int:
        """Remove what interrupted tries left, unless somebody is at work on it.  Blocking.

        Args:
            older_s: keep what was written to within this time.

        Returns:
            How many bytes that gave back.
        """
        freed = 0
        folders = [path for path in self._folder.glob("*.*") if path.is_dir()] if self._folder.is_dir() else []
        for path in folders:
            key, _, owner = path.name.partition(".")
            turn = self._turns.get(key)
            if turn is not None and turn.locked():
                continue
            if self._idle_s(path) < (older_s if owner == self._host else max(older_s, STALE_S)):
                continue
            with contextlib.suppress(OSError):
                lock = take_lock(self._folder / f"{key}.lock", wait=False)
                if lock is NoLock.BUSY:
                    continue
                freed += sum(entry.stat().st_blocks * 512 for entry in path.rglob("*") if entry.is_file())
                shutil.rmtree(path, ignore_errors=True)
                if isinstance(lock, int):
                    (self._folder / f"{key}.lock").unlink(missing_ok=True)
                    os.close(lock)
        return freed

    def _idle_s(self, folder: Path) -> float:
        """For how long nothing was written there, by the clock of the file system, which may be another machine's."""
        probe = self._folder / f"clock-{secrets.token_hex(8)}"
        try:
            probe.touch()
            now_s = probe.stat().st_mtime
            return now_s - max((path.lstat().st_mtime for path in (folder, *folder.rglob("*"))), default=0.0)
        except OSError:
            return 0.0
        finally:
            probe.unlink(missing_ok=True)


def _log() -> "structlog.stdlib.BoundLogger":
    return structlog.get_logger("penstock.images")  # type: ignore[no-any-return]


def _give_back(work: "asyncio.Future[int | NoLock]") -> None:
    if not work.cancelled() and work.exception() is None and isinstance(lock := work.result(), int):
        os.close(lock)
