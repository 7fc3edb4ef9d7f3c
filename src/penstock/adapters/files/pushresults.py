"""Results of a push as files, where pushcollector puts them (``_impl/local.py``): ``artifacts/<time>/`` and ``artifacts/latest``.

Upstream writes at the end of a run, and nothing where it dies.  Here each line is on disk as soon as its result is known.
"""

import asyncio
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from penstock.adapters.files.atomic import write_atomic
from penstock.adapters.files.failures import file_error
from penstock.model.errors import OperationError
from penstock.model.push.results import PushResult
from penstock.ports import Clock
from penstock.publish.results import clouds_document, pushitems_line

_LATEST = "latest"
_MODE = 0o666


class ArtifactsFolder:
    """``ports.publish.ResultSink``.  Results without an account (nothing is mapped) are in neither file, as upstream."""

    def __init__(self, root: Path = Path("artifacts"), *, clock: Clock) -> None:
        """Nothing is made before the first result.

        Args:
            root: holds a folder per run, named by the local time ``YYYYMMDDHHMMSS``; of two runs in one second the later one gets the
                next second.
            clock: of this machine.
        """
        self._root = root
        self._clock = clock
        self._results: list[PushResult] = []
        self._folder: Path | None = None
        self._turn = asyncio.Lock()

    async def put(self, result: PushResult) -> None:
        """Append a line to ``pushitems.jsonl``.

        Raises:
            OperationError: it cannot be written.
        """
        if not result.account:
            return
        async with self._turn:
            self._results.append(result)
            await _finished(lambda: self._append(pushitems_line(result)))

    async def close(self) -> str:
        """Write ``clouds.json``, in the order of the source and the mapping; the folder.

        Raises:
            OperationError: it cannot be written.
        """
        async with self._turn:
            results = sorted(self._results, key=lambda each: each.order)
            return str(await _finished(lambda: self._finish(clouds_document(results))))

    def _append(self, line: bytes) -> Path:
        folder = self._made()
        path = folder / "pushitems.jsonl"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)
            with os.fdopen(descriptor, "ab") as file:
                file.write(line)
                file.flush()
                os.fsync(descriptor)
        except OSError as error:
            raise file_error(error, str(path)) from error
        return folder

    def _finish(self, clouds: bytes) -> Path:
        folder = self._append(b"")
        write_atomic(folder / "clouds.json", clouds)
        return folder

    def _made(self) -> Path:
        if self._folder is None:
            try:
                self._root.mkdir(parents=True, exist_ok=True)
                self._folder = self._new_folder()
                self._point_latest_at(self._folder.name)
            except OSError as error:
                raise file_error(error, str(self._root)) from error
        return self._folder

    def _new_folder(self) -> Path:
        moment = datetime.fromtimestamp(self._clock.now_s()).astimezone()
        while True:
            folder = self._root / moment.strftime("%Y%m%d%H%M%S")
            try:
                folder.mkdir()
            except FileExistsError:
                moment += timedelta(seconds=1)
            else:
                return folder

    def _point_latest_at(self, name: str) -> None:
        latest = self._root / _LATEST
        if latest.exists() and not latest.is_symlink():
            raise OperationError("this is no symbolic link, and is not replaced", subject=str(latest), hint="move it away")
        link = self._root / f".penstock-{secrets.token_hex(8)}"
        link.symlink_to(name)
        try:
            link.replace(latest)
        finally:
            with suppress(OSError):
                link.unlink(missing_ok=True)


async def _finished(work: Callable[[], Path]) -> Path:
    """What ``work`` gives, in a thread; also where the caller is cancelled it is done before anything else is written."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
