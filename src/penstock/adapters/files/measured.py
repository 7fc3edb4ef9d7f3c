"""What files were found to hold, remembered between runs: ``measured.json``.  Blocking.

A file of which device, inode, size and times are the same as then is taken to be the same.  A file that was written to within moments of
being read is not remembered: a second writing in the same tick of the clock would not show.
"""

import dataclasses
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import structlog

from penstock.adapters.files.atomic import write_atomic
from penstock.adapters.files.disks import FileIdentity
from penstock.adapters.files.failures import file_error
from penstock.adapters.files.locking import take_lock
from penstock.formats.codec import decode_json
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.push.content import ImageContent

_SETTLED_NS = 100_000_000
_COARSE_SETTLED_NS = 2_000_000_000
"""Where a file system keeps whole seconds, or every other one."""
_SECOND_NS = 1_000_000_000
_MODE = 0o600
_MOST_ENTRIES = 4096
_LIMIT_BYTES = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A line of the memory; digests in hexadecimal, ``file_md5`` ``""`` where nobody asked for it."""

    identity: FileIdentity
    file_sha256: str
    file_md5: str
    digest: str
    size_bytes: int
    compressed: bool
    data_bytes: int

    def content(self, src: str) -> ImageContent:
        """The same as others know it."""
        return ImageContent(
            src=src,
            file_sha256=Digest("sha256", self.file_sha256),
            file_size_bytes=self.identity.size_bytes,
            digest=Digest("sha256", self.digest),
            size_bytes=self.size_bytes,
            compressed=self.compressed,
            data_bytes=self.data_bytes,
        )


class MeasuredFiles:
    """The memory of one folder; safe between threads and processes."""

    def __init__(self, folder: Path) -> None:
        """Read nothing yet.

        Args:
            folder: holds it; must exist by the time of :meth:`remember`.
        """
        self._path = folder / "measured.json"
        self._lock = folder / "measured.lock"

    def find(self, path: Path, identity: FileIdentity) -> Measured | None:
        """What is remembered of the file at ``path``, if it is still that file."""
        found = self._read().get(os.path.abspath(path))  # noqa: PTH100  # links stay: their names are what was asked for
        return found if found is not None and found.identity == identity else None

    def remember(self, path: Path, measured: Measured) -> None:
        """Keep it for later runs, unless the file may still be being written.

        Raises:
            OperationError: it cannot be written.
        """
        written_ns = max(measured.identity.modified_ns, measured.identity.changed_ns)
        if time.time_ns() - written_ns < (_SETTLED_NS if written_ns % _SECOND_NS else _COARSE_SETTLED_NS):
            return
        try:
            lock = take_lock(self._lock, wait=True)
        except OSError as error:
            raise file_error(error, str(self._lock)) from error
        try:
            entries = self._read()
            name = os.path.abspath(path)  # noqa: PTH100
            entries.pop(name, None)
            entries[name] = measured  # at the end: the newest
            kept = list(entries.items())[-_MOST_ENTRIES:]
            tree = {each: dataclasses.asdict(entry) for each, entry in kept}
            write_atomic(self._path, json.dumps(tree, indent=1).encode(), mode=_MODE)
        finally:
            if isinstance(lock, int):
                os.close(lock)

    def _read(self) -> dict[str, Measured]:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            _log().warning("what was measured earlier cannot be read", reason=error.strerror)
            return {}
        try:
            return decode_json(content, dict[str, Measured], subject=str(self._path), limit_bytes=_LIMIT_BYTES)
        except InputError as error:  # of another version, or damaged: files are read again
            _log().warning("what was measured earlier cannot be understood", reason=str(error))
            return {}


def _log() -> structlog.stdlib.BoundLogger:
    log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
    return log
