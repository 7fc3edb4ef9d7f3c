"""The history of one file, told by the git program; nothing is checked out, and nothing in the repository is run.

The states are those of the line that a branch's owner saw: first parents only, a merge being the moment when its changes came, and renames
followed.  (Along all parents the commits of side branches would stand between those of the branch, and states would seem to alternate.)
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from penstock.model.errors import InputError, NotFoundError, OperationError, PenstockError
from penstock.ports import FileVersion

_HEADER = re.compile(rb"\x01([0-9a-f]{40,64}) (\d+)")
_RAW = re.compile(rb":\d+ (\d+) [0-9a-f]+ ([0-9a-f]+) ([A-Z])\d*")
_REGULAR = (b"100644", b"100755")
_DELETED = b"D"
_LOG = (
    *("log", "--follow", "--first-parent", "--diff-merges=first-parent", "--raw", "-z", "--no-abbrev"),
    *("--no-color", "--no-show-signature", "--no-ext-diff", "--format=format:%x01%H %ct"),
)
_GIT_SETTINGS = {
    "GIT_LITERAL_PATHSPECS": "1",  # a file may be called b[1].json, which otherwise is b1.json too
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
_FIRST_LINE_BYTES = 300
_MISSING_OBJECT = ("unable to read", "lazy fetching disabled", "missing blob", "bad object")
_INCOMPLETE = "the repository is a partial or a broken clone; where it is a partial one, git fetch --refetch --no-filter completes it"


@dataclass(frozen=True, slots=True)
class _Entry:
    commit: str
    committed_at_s: int
    path: str
    blob: str | None


class GitHistory:
    """``ports.FileHistory`` of a file in a git repository, bare ones too."""

    def __init__(self, folder: Path, path: str, *, revision: str = "HEAD", environment: Mapping[str, str]) -> None:
        """Ask nothing yet.

        Args:
            folder: the repository, or a folder inside of it.
            path: the file, relative to ``folder``; it need not exist any more.
            revision: where the history ends.
            environment: what git is run with; variables that point it to another repository are left out.
        """
        self._folder = folder
        self._path = path
        self._revision = revision
        kept = {name: value for name, value in environment.items() if not name.startswith("GIT_")}
        self._environment = {**kept, "LC_ALL": "C", **_GIT_SETTINGS}

    async def versions(self) -> AsyncIterator[FileVersion]:
        """See ``ports.FileHistory``."""
        entries = await self._log()
        process = await self._start("cat-file", "--batch", stdin=asyncio.subprocess.PIPE)
        try:
            for entry in reversed(entries):
                content = await self._blob(process, entry.blob) if entry.blob else None
                yield FileVersion(entry.commit, entry.committed_at_s, entry.path, content)
        finally:
            await _end(process)

    async def _log(self) -> Sequence[_Entry]:
        """The commits that changed the file, newest first."""
        subject = str(self._folder / self._path)
        process = await self._start(*_LOG, "--end-of-options", self._revision, "--", self._path)
        try:
            out, err = await process.communicate()
        finally:
            await _end(process)
        if process.returncode:
            raise _git_error(err, str(self._folder))
        entries = [entry for record in out.split(b"\x01")[1:] if (entry := _entry(b"\x01" + record))]
        if not entries:
            message = f"the history of {self._revision} does not have this file"
            raise NotFoundError(message, subject=subject, hint="name it as it is called now, relative to the repository")
        return entries

    async def _blob(self, process: asyncio.subprocess.Process, blob: str) -> bytes:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both are pipes")
        try:
            process.stdin.write(f"{blob}\n".encode())
            await process.stdin.drain()
            _, kind, size = (await process.stdout.readuntil(b"\n")).split()
            content = await process.stdout.readexactly(int(size) + 1)
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            message = f"the object {blob[:12]} of the history cannot be read"
            raise OperationError(message, subject=str(self._folder), hint=_INCOMPLETE) from error
        if kind != b"blob":
            raise OperationError(f"the object {blob[:12]} is no file", subject=str(self._folder))
        return content[:-1]

    async def _start(self, *words: str, stdin: int = asyncio.subprocess.DEVNULL) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                "git",
                *("-C", str(self._folder), "-c", "diff.renames=true", "-c", "core.fsmonitor=false", "--no-pager", *words),
                stdin=stdin,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE if stdin == asyncio.subprocess.DEVNULL else asyncio.subprocess.DEVNULL,
                env=self._environment,
            )
        except FileNotFoundError:
            hint = "install git, or ask the ledger: --from ledger"
            raise OperationError("the history cannot be read: git is not installed", subject=str(self._folder), hint=hint) from None
        except OSError as error:
            raise OperationError(f"git cannot be run: {error.strerror}", subject=str(self._folder)) from error


def _entry(record: bytes) -> _Entry | None:
    """One commit of the log: its header, then the change of the file and its paths, between NULs."""
    header = _HEADER.match(record)
    fields = record.partition(b"\n")[2].split(b"\0")
    change = _RAW.match(fields[0])
    if not header or not change:
        return None
    paths = [field.decode(errors="replace") for field in fields[1:] if field]
    gone = change[3] == _DELETED or change[1] not in _REGULAR
    return _Entry(header[1].decode(), int(header[2]), paths[-1] if paths else "", None if gone else change[2].decode())


def _git_error(said: bytes, subject: str) -> PenstockError:
    """What git's refusal means."""
    text = said.decode(errors="replace").strip()
    line = text.partition("\n")[0][:_FIRST_LINE_BYTES].removeprefix("fatal: ")
    if "not a git repository" in text or "cannot change to" in text:
        return InputError("this is no git repository", subject=subject, hint="name one with --repo, or ask the ledger: --from ledger")
    if "unknown revision" in text or "bad revision" in text or "does not have any commits" in text:
        return NotFoundError(line, subject=subject, hint="check --revision")
    if "dubious ownership" in text:
        return OperationError("git refuses a repository of another owner", subject=subject, hint="see safe.directory in git-config(1)")
    if any(words in text for words in _MISSING_OBJECT):
        return OperationError(f"git: {line}", subject=subject, hint=_INCOMPLETE)
    return OperationError(f"git: {line}", subject=subject, hint="see what git log says there")


async def _end(process: asyncio.subprocess.Process) -> None:
    """See that the process ends, whatever became of the work."""
    if process.stdin is not None:
        process.stdin.close()
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await process.wait()
