"""Journals of pushes on disk: ``runs/<run id>.jsonl``, a line for each event, flushed to the device before anything else is done.

A run holds a lock on its file while it lives (``flock``, which dies with the process however that ends), so others see whether it does.
"""

import asyncio
import json
import os
import re
import secrets
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import structlog

from penstock.adapters.files.failures import file_error
from penstock.adapters.files.locking import NoLock, is_locked, take_lock
from penstock.formats.jsontext import parse_json
from penstock.model.errors import InputError, NotFoundError, OperationError, PenstockError
from penstock.model.push.journal import EventKind, JournalEvent, RunRecord
from penstock.ports import PreciseClock
from penstock.ports.publish import PushJournal, RunJournal
from penstock.publish.journal import read_events, write_event

_RUNS = "runs"
_SUFFIX = ".jsonl"
_RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[a-z]{4}")
_LETTERS = "abcdefghijkmnpqrstuvwxyz"
_DAY_S = 86_400

_log = structlog.get_logger("penstock.publish")


class JournalFolder:
    """:class:`penstock.ports.publish.RunBook` in a folder of the user's."""

    def __init__(
        self,
        folder: Path,
        clock: PreciseClock,
        *,
        counts_s: float = 60 * _DAY_S,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Keep journals in ``runs`` of this folder, which is made when the first run begins.

        Args:
            folder: of the state of pushes.
            clock: for names and times of runs.
            counts_s: runs that began earlier than this are not looked into for :meth:`earlier`; no cloud remembers what they left.
            wait: between two looks at a run that is followed.
        """
        self._folder = folder / _RUNS
        self._clock = clock
        self._counts_s = counts_s
        self._wait = wait

    @asynccontextmanager
    async def begin(self, record: RunRecord) -> AsyncIterator[RunJournal]:
        """See :meth:`penstock.ports.publish.RunBook.begin`; the last words are those of ``conclude``, ``interrupted``, or the error.

        Raises:
            OperationError: the folder or the file cannot be made, or the disk is full.
        """
        journal = await asyncio.to_thread(_OpenJournal.create, self._folder, self._clock.now_s())
        try:
            journal.append(self._event(journal, EventKind.RUN_STARTED, _record_detail(record)))
            try:
                yield journal
            except BaseException as error:
                with suppress(PenstockError):  # the error itself is told
                    journal.append(self._event(journal, EventKind.RUN_ENDED, _end(error)))
                raise
            journal.append(self._event(journal, EventKind.RUN_ENDED, journal.outcome))
        finally:
            journal.close()

    async def earlier(self) -> tuple[JournalEvent, ...]:
        """See :meth:`penstock.ports.publish.RunBook.earlier`; a damaged file is left out with a warning, the clouds tell the rest."""
        return await asyncio.to_thread(lambda: tuple(self._step_events()))

    async def runs(self) -> tuple[RunRecord, ...]:
        """See :meth:`penstock.ports.publish.RunBook.runs`; a damaged file is left out with a warning."""
        return await asyncio.to_thread(lambda: tuple(self._records()))

    async def events(self, run_id: str, *, follow: bool = False) -> AsyncIterator[JournalEvent]:
        """See :meth:`penstock.ports.publish.RunBook.events`.

        Raises:
            NotFoundError: there is no such run.
            InputError: the file is damaged.
        """
        path = self._folder / f"{run_id}{_SUFFIX}"
        if _RUN_ID.fullmatch(run_id) is None or not path.is_file():
            raise NotFoundError("there is no such run", subject=run_id, hint="penstock publish status lists the runs that there are")
        offset = 0
        while True:
            lives = follow and await asyncio.to_thread(_is_alive, path)  # before reading: what it wrote last is read then
            whole = await asyncio.to_thread(_lines_from, path, offset)
            offset += len(whole)
            for event in read_events(whole, subject=str(path)):
                yield event
                if event.kind is EventKind.RUN_ENDED:
                    return
            if not lives:
                return
            await self._wait(0.5)

    def _event(self, journal: PushJournal, kind: EventKind, detail: str) -> JournalEvent:
        return JournalEvent(kind=kind, at_s=self._clock.now_s(), run=journal.run_id, detail=detail)

    def _paths(self) -> list[Path]:
        """Of all runs, oldest first: their names begin with the time."""
        if not self._folder.is_dir():
            return []
        return sorted(path for path in self._folder.glob(f"*{_SUFFIX}") if _RUN_ID.fullmatch(path.stem))

    def _step_events(self) -> Iterator[JournalEvent]:
        since = _stamp(self._clock.now_s() - self._counts_s)
        for path in self._paths():
            if path.stem >= since:
                yield from (event for event in _read(path) if event.step)

    def _records(self) -> Iterator[RunRecord]:
        for path in reversed(self._paths()):
            alive = _is_alive(path)
            events = _read(path)
            if events and events[0].kind is EventKind.RUN_STARTED:
                last = events[-1]
                outcome = last.detail if last.kind is EventKind.RUN_ENDED else ""
                yield replace(_record(events[0]), alive=alive and not outcome, outcome=outcome)


class _OpenJournal:
    """:class:`penstock.ports.publish.RunJournal` on an open file."""

    def __init__(self, path: Path, run_id: str, descriptor: int) -> None:
        self._path = path
        self._run_id = run_id
        self._descriptor: int | None = descriptor
        self._size_bytes = 0
        self.outcome = "done"
        self._lock = threading.Lock()

    @classmethod
    def create(cls, folder: Path, now_s: float) -> "_OpenJournal":
        """A new file under a new name, locked."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            while True:
                run_id = f"{_stamp(now_s)}-{''.join(secrets.choice(_LETTERS) for _ in range(4))}"
                path = folder / f"{run_id}{_SUFFIX}"
                if path.exists():
                    continue
                descriptor = take_lock(path, wait=False)
                if descriptor is NoLock.UNSUPPORTED:
                    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
                if not isinstance(descriptor, NoLock):
                    return cls(path, run_id, descriptor)
        except OSError as error:
            raise file_error(error, str(folder)) from error

    @property
    def run_id(self) -> str:
        return self._run_id

    def append(self, event: JournalEvent) -> None:
        line = write_event(event)
        with self._lock:
            if self._descriptor is None:
                raise OperationError("the journal is closed", subject=str(self._path))
            try:
                _write_all(self._descriptor, line)
                os.fdatasync(self._descriptor)
            except OSError as error:
                with suppress(OSError):  # half a line in the middle would make the whole file unreadable
                    os.ftruncate(self._descriptor, self._size_bytes)
                    os.lseek(self._descriptor, self._size_bytes, os.SEEK_SET)
                raise file_error(error, str(self._path)) from error
            self._size_bytes += len(line)

    def conclude(self, outcome: str) -> None:
        self.outcome = outcome

    def close(self) -> None:
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None


def _write_all(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _stamp(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y%m%dT%H%M%SZ")


def _end(error: BaseException) -> str:
    """What the last line says of a run that did not come to its end; of an error that is none of ours its name alone, no secret."""
    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt | GeneratorExit):
        return "interrupted"
    return f"stopped: {error}" if isinstance(error, PenstockError) else f"stopped: unexpected {type(error).__name__}"


def _lines_from(path: Path, offset: int) -> bytes:
    """The whole lines behind ``offset``."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read()
    except OSError as error:
        raise file_error(error, str(path)) from error
    return content[: content.rfind(b"\n") + 1]


def _read(path: Path) -> tuple[JournalEvent, ...]:
    try:
        return read_events(_lines_from(path, 0), subject=str(path))
    except PenstockError as error:
        _log.warning("a journal of an earlier run cannot be read, and is left out", journal=str(path), error=str(error))
        return ()


def _is_alive(path: Path) -> bool:
    """Whether its run lives; where the file system has no locks, whether there is a process of that number."""
    try:
        locked = is_locked(path)
    except OSError:
        return False
    if isinstance(locked, bool):
        return locked
    first = next(iter(_read(path)), None)
    return first is not None and first.kind is EventKind.RUN_STARTED and Path(f"/proc/{_record(first).process}").exists()


def _record_detail(record: RunRecord) -> str:
    tree = {"command": record.command, "sources": list(record.sources), "started": record.started_at_s, "process": record.process}
    return json.dumps(tree, ensure_ascii=False)


def _record(event: JournalEvent) -> RunRecord:
    try:
        tree = cast("Mapping[str, Any]", parse_json(event.detail.encode(), subject=event.run))
        return RunRecord(
            id=event.run,
            command=str(tree["command"]),
            sources=tuple(map(str, tree["sources"])),
            started_at_s=float(tree["started"]),
            process=int(tree["process"]),
        )
    except (InputError, KeyError, TypeError, ValueError):
        return RunRecord(id=event.run, command="", sources=(), started_at_s=event.at_s, process=0)
