"""What a mirror run will do with each file, and why: told before anything is written."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from penstock.model.digest import Digest
from penstock.model.downloads import KeptPart, RemoteFile
from penstock.model.progress import Progress
from penstock.ports import FileSource, MirrorFolder, ProgressSink
from penstock.streams.mirroring.selection import WantedFile


class Action(StrEnum):
    """What is done for a file."""

    REUSE = "reuse"
    """It is there."""
    RESUME = "resume"
    """An earlier run brought its beginning."""
    DOWNLOAD = "download"


@dataclass(frozen=True, slots=True)
class MirrorStep:
    """One file.

    Attributes:
        file: which.
        action: what is done for it.
        reason: why that.
        size_bytes: its size, where the server tells it; None for a file that is there already.
        kept_bytes: how much of it an earlier run left.
        signature: what is done for its signature; None where it has none.
    """

    file: WantedFile
    action: Action
    reason: str
    size_bytes: int | None = None
    kept_bytes: int = 0
    signature: Action | None = None

    @property
    def missing_bytes(self) -> int | None:
        """How much is to come, where that is known."""
        if self.action is Action.REUSE:
            return 0
        if self.size_bytes is None:
            return None
        return max(0, self.size_bytes - (self.kept_bytes if self.action is Action.RESUME else 0))


@dataclass(frozen=True, slots=True)
class MirrorPlan:
    """What a run will do.

    Attributes:
        steps: in the order of the stream.
    """

    steps: tuple[MirrorStep, ...]

    @property
    def known_bytes(self) -> int:
        """How much will come, as far as the servers told."""
        return sum(step.missing_bytes or 0 for step in self.steps)

    @property
    def unknown_sizes(self) -> int:
        """For how many files they did not."""
        return sum(step.missing_bytes is None for step in self.steps)


def decide(wanted: Digest, here: Digest | None, kept: KeptPart | None, remote: RemoteFile) -> tuple[Action, str]:
    """What to do for a file.

    Args:
        wanted: the digest that the stream says.
        here: that of the file under the name, or None where there is none.
        kept: what an earlier run left, or None.
        remote: what the server says; nothing of it is needed.

    Returns:
        The action, and the reason for people.
    """
    if here == wanted:
        return Action.REUSE, "it is there, with the right digest"
    replaces = f"; the file there has the digest {here.short}" if here is not None else ""
    if kept is None or kept.size_bytes == 0:
        return Action.DOWNLOAD, f"{'not there' if here is None else 'to be replaced'}{replaces}{_trouble(remote)}"
    if kept.digest != wanted:
        return Action.DOWNLOAD, f"an earlier run left a part of another file{replaces}{_trouble(remote)}"
    if _differ(kept.total_bytes, remote.size_bytes) or _differ(kept.validator, remote.validator):
        return Action.DOWNLOAD, f"the server's file has changed since an earlier run brought a part of it{replaces}"
    return Action.RESUME, f"an earlier run brought {kept.size_bytes} bytes{replaces}{_trouble(remote)}"


def _differ(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other


def _trouble(remote: RemoteFile) -> str:
    return f"; {remote.trouble}" if remote.trouble else ""


async def plan_mirror(
    files: Sequence[WantedFile], source: FileSource, folder: MirrorFolder, *, parallel: int, progress: ProgressSink
) -> MirrorPlan:
    """Compare what is wanted with what is there, and ask the servers for what is not.

    Files that are there are read whole, for their digest.

    Raises:
        InputError: something else than a file stands in the way.
        OperationError: the folder cannot be read.
    """
    limit = asyncio.Semaphore(parallel)

    async def step_for(file: WantedFile) -> MirrorStep:
        async with limit:
            here = await asyncio.to_thread(folder.digest, file.name, lambda done: progress(Progress("compare", file.name, done)))
            if here is not None:
                progress(Progress("compare", file.name, finished=True))
            kept = None if here == file.digest else await asyncio.to_thread(folder.kept_part, file.name)
            remote = RemoteFile() if here == file.digest else await source.look(file.url)
        action, reason = decide(file.digest, here, kept, remote)
        signature: Action | None = None
        if file.signature_url is not None:
            there = action is Action.REUSE and await asyncio.to_thread(folder.read_small, file.signature_name) is not None
            signature = Action.REUSE if there else Action.DOWNLOAD
        kept_bytes = kept.size_bytes if kept is not None and action is Action.RESUME else 0
        return MirrorStep(file, action, reason, remote.size_bytes, kept_bytes, signature)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(step_for(file)) for file in files]
    return MirrorPlan(tuple(task.result() for task in tasks))
