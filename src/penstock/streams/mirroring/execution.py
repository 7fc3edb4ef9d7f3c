"""Walking a mirror plan: every file is verified before it takes its name.

A file that fails does not stop the others, but a folder that takes nothing more does.
"""

import asyncio
from dataclasses import dataclass

from penstock.model.downloads import DestinationError
from penstock.model.errors import DigestMismatch, NotFoundError, PartialError, PenstockError, VerificationError
from penstock.model.progress import Progress
from penstock.ports import FileSource, MirrorFolder, PartialFile, ProgressSink, SignatureCheck
from penstock.streams.mirroring.plan import Action, MirrorPlan, MirrorStep
from penstock.streams.mirroring.selection import WantedFile

_LONGEST_SIGNATURE_BYTES = 256 << 10


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What became of one file.

    Attributes:
        step: what was to be done.
        path: where it is, or was to be.
        error: why it is not there, or None.
        signer: the fingerprint of the key whose signature was checked, or None where none was.
    """

    step: MirrorStep
    path: str
    error: PenstockError | None = None
    signer: str | None = None


@dataclass(frozen=True, slots=True)
class MirrorRun:
    """What became of a plan.

    Attributes:
        files: in the order of the plan.
    """

    files: tuple[Mirrored, ...]

    @property
    def failures(self) -> tuple[PenstockError, ...]:
        """What went wrong, in the order of the plan."""
        return tuple(file.error for file in self.files if file.error is not None)

    @property
    def unchecked_signatures(self) -> int:
        """How many signatures were mirrored and compared with no key."""
        return sum(file.error is None and file.step.signature is not None and file.signer is None for file in self.files)

    def verdict(self) -> PenstockError | None:
        """The error that the run as a whole comes to, or None.

        Wrong bytes go before everything; else, where some files are there, the work is partly done.
        """
        failures = self.failures
        if not failures:
            return None
        wrong = [error for error in failures if isinstance(error, VerificationError)]
        if wrong or len(failures) == 1 == len(self.files):
            return (wrong or failures)[0]
        if len(failures) == len(self.files):
            return failures[0]
        message = f"{len(failures)} of {len(self.files)} files could not be mirrored"
        return PartialError(message, hint="run again: what is there is kept, and what came of the others is continued")


@dataclass(frozen=True, slots=True)
class Mirror:
    """What a run works with.

    Attributes:
        source: the servers.
        folder: the destination.
        signatures: checks them, or None where they are mirrored unchecked.
        progress: takes events.
    """

    source: FileSource
    folder: MirrorFolder
    signatures: SignatureCheck | None
    progress: ProgressSink


async def carry_out(plan: MirrorPlan, mirror: Mirror, *, parallel: int) -> MirrorRun:
    """Do what the plan says, ``parallel`` files at a time.

    Raises:
        DestinationError: the folder does not take what came; what came before is kept for the next run.
    """
    limit = asyncio.Semaphore(parallel)

    async def one(step: MirrorStep) -> Mirrored:
        path = mirror.folder.path(step.file.name)
        async with limit:
            try:
                signer = await _carry_out(step, mirror)
            except DestinationError:
                raise
            except PenstockError as error:
                return Mirrored(step, path, error)
        return Mirrored(step, path, signer=signer)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(step)) for step in plan.steps]
    except* DestinationError as refused:
        raise _first(refused) from None
    return MirrorRun(tuple(task.result() for task in tasks))


def _first(group: BaseExceptionGroup[DestinationError]) -> BaseException:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


async def _carry_out(step: MirrorStep, mirror: Mirror) -> str | None:
    """One file and its signature; the fingerprint of the signer."""
    if step.action is Action.REUSE:
        return await _sign_off_existing(step, mirror)
    signature = await _fetch_signature(step.file, mirror)
    partial = await _bring(step, mirror)
    signer = None
    try:
        if signature is not None and mirror.signatures is not None:
            path = mirror.folder.partial_path(step.file.name)
            signer = await mirror.signatures.check(path, signature, subject=step.file.name)
        if signature is not None:
            await asyncio.to_thread(mirror.folder.write_small, step.file.signature_name, signature)
        await asyncio.to_thread(partial.publish)
    except BaseException:
        partial.close()
        raise
    return signer


async def _sign_off_existing(step: MirrorStep, mirror: Mirror) -> str | None:
    """The signature of a file that is there: fetched where it is missing, or where the one that is there is not good."""
    file = step.file
    if step.signature is None:
        return None
    path = mirror.folder.path(file.name)
    if step.signature is Action.REUSE:
        there = await asyncio.to_thread(mirror.folder.read_small, file.signature_name)
        if mirror.signatures is None:
            return None
        try:
            return await mirror.signatures.check(path, there or b"", subject=file.name)
        except VerificationError:
            pass  # an earlier run may have mirrored it unchecked; the publisher's word is the one that counts
    signature = await _fetch_signature(file, mirror)
    if signature is None:
        return None
    signer = await mirror.signatures.check(path, signature, subject=file.name) if mirror.signatures else None
    await asyncio.to_thread(mirror.folder.write_small, file.signature_name, signature)
    return signer


async def _fetch_signature(file: WantedFile, mirror: Mirror) -> bytes | None:
    if file.signature_url is None:
        return None
    try:
        return await mirror.source.fetch_small(file.signature_url, subject=file.signature_name, limit_bytes=_LONGEST_SIGNATURE_BYTES)
    except NotFoundError as error:
        hint = "the stream names a signature that the server does not have; --no-signatures mirrors the files without"
        raise NotFoundError(error.message, subject=error.subject, hint=hint) from None


async def _bring(step: MirrorStep, mirror: Mirror) -> PartialFile:
    """The whole file, verified, in its hidden sibling.

    Wrong bytes that came in pieces (of an earlier run, around a cut) cost one more try from the start: the machine may have crashed between
    them, or the server changed the file unseen.  Wrong bytes that came in one piece are the server's.

    Raises:
        DigestMismatch: they are other bytes.
    """
    file, resume, last_try = step.file, step.action is Action.RESUME, False
    while True:
        partial = await _opened(file, mirror, resume=resume)
        in_one_piece = False
        try:
            if partial.digest != file.digest:
                in_one_piece = await mirror.source.fetch(file.url, partial, subject=file.name, progress=mirror.progress)
        except BaseException:
            partial.close()
            raise
        found = partial.digest
        if found == file.digest:
            return partial
        partial.discard()
        if in_one_piece or last_try:
            hint = "the server has other bytes than the stream says; nothing is kept of them"
            raise DigestMismatch(file.name, expected=str(file.digest), found=str(found), hint=hint)
        resume, last_try = False, True


async def _opened(file: WantedFile, mirror: Mirror, *, resume: bool) -> PartialFile:
    def hashed(done: int) -> None:
        mirror.progress(Progress("compare", file.name, done))

    partial = await asyncio.to_thread(mirror.folder.open_partial, file.name, file.digest, resume=resume, on_bytes=hashed)
    if partial.size_bytes:
        mirror.progress(Progress("compare", file.name, partial.size_bytes, finished=True))
    return partial
