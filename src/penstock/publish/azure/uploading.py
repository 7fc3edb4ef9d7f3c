"""A VHD on its way into a page blob: found there, gone on with, or begun; its pages are never mixed with those of another disk."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator

from penstock.formats.vhd import FOOTER_BYTES, check_fixed
from penstock.model.errors import OperationError, VerificationError
from penstock.model.progress import Progress
from penstock.model.push.blobs import BlobChanged, BlobName, FoundBlob, fence_of, upload_marks
from penstock.model.push.content import Extent, ImageContent
from penstock.model.push.journal import ExternalId, Ids
from penstock.ports.azureblobs import AzureBlobs
from penstock.ports.publish import ContentFile
from penstock.publish.azure.actions import UploadBlob
from penstock.publish.azure.blobs import BlobConflict, WantedBlob, is_half, is_replaceable, judge_blob
from penstock.publish.azure.pages import Written, data_in, pieces
from penstock.publish.execution import StepNotes
from penstock.publish.plan import Verdict

_ROUNDS = 5
"""How often a blob that others change at the same time is looked at again."""


class PageTurns:
    """How many pieces of 4 MiB are in memory and on their way at a time, of all uploads together."""

    def __init__(self, count: int) -> None:
        """For one event loop."""
        self.count = count
        self.semaphore = asyncio.Semaphore(count)


class BlobUpload:
    """Brings one VHD into its blob; for one step.

    The blob is made with its full size and with marks that say for which content; its sequence number is made of the digest, and every page
    is sent on the condition that it is still this one.  So a page that comes late, or from a push that was overtaken, is refused.  A page
    is written as a whole or not at all, so what the service says it has needs no second sending.  The mark of completeness is set at the
    end, when all ranges that hold data have been seen there.
    """

    def __init__(self, store: AzureBlobs, action: UploadBlob, content: ImageContent, notes: StepNotes, turns: PageTurns) -> None:
        """For this step.

        Args:
            store: the account.
            action: what is wanted.
            content: the same file, as it was measured.
            notes: of the step.
            turns: shared by all uploads.
        """
        self._store = store
        self._action = action
        self._content = content
        self._notes = notes
        self._turns = turns
        self._at = BlobName(action.container, action.blob)
        self._fence = fence_of(action.content)
        self._marks = upload_marks(action.content, action.tags)

    async def run(self, open_file: Callable[[], Awaitable[ContentFile]]) -> Ids:
        """Have the blob.

        Args:
            open_file: opens the disk; not called where the blob is there already.

        Raises:
            OperationError: something else took the name since the plan was made.
            VerificationError: the file is no VHD, or the blob does not have what was sent.
        """
        for number in range(_ROUNDS):
            found = await self._store.blob(self._at)
            if found is not None and self._is_there(found):
                return self._made
            if number and found is not None and not is_half(self._content, found):
                raise OperationError(
                    "another push took the name meanwhile", subject=str(self._at), hint="let one push at a time write to it"
                )
            try:
                await self._bring(found, open_file)
            except BlobChanged:
                continue  # another push made, replaced or completed it: look again
            return self._made
        raise OperationError(
            "other pushes change the blob again and again", subject=str(self._at), hint="let one push at a time write to this name"
        )

    @property
    def _made(self) -> Ids:
        return {ExternalId.BLOB: self._store.address(self._at)}

    def _is_there(self, found: FoundBlob) -> bool:
        """Whether it is there already: a parallel run was faster, or the answer to the last call of an earlier one was lost."""
        if is_half(self._content, found) or is_replaceable(found):
            return False
        action = self._action
        wanted = WantedBlob(account=action.account, container=action.container, name=action.blob, content=self._content, tags=action.tags)
        try:
            return judge_blob(wanted, found).verdict is Verdict.REUSE
        except BlobConflict as error:
            raise OperationError(str(error), hint="it was put there since the plan was made") from error

    async def _bring(self, found: FoundBlob | None, open_file: Callable[[], Awaitable[ContentFile]]) -> None:
        file = await open_file()
        try:
            await asyncio.to_thread(_must_be_vhd, file, self._content.src)
            written = Written()
            if found is not None and is_half(self._content, found):
                written = Written(await self._store.data_ranges(self._at))
            else:
                etag = found.etag if found is not None else ""
                await self._store.create_page_blob(self._at, self._action.size_bytes, self._marks, fence=self._fence, instead_of=etag)
            await self._notes.note(ExternalId.BLOB, self._store.address(self._at))
            needed = await _Sending(self._store, self._action, file, self._notes, self._turns).send(written)
        finally:
            file.close()
        await self._complete(needed)

    async def _complete(self, needed: Iterable[Extent]) -> None:
        """See that everything is there, and mark it; whoever replaced the blob meanwhile makes the mark fail."""
        found = await self._store.blob(self._at)
        if found is None or not is_half(self._content, found):
            raise BlobChanged("the blob was completed or replaced meanwhile", subject=str(self._at))
        missing = Written(await self._store.data_ranges(self._at, etag=found.etag)).missing(list(needed))
        if missing:
            said = f"the blob lacks what was sent to it, {len(missing)} ranges from {missing[0].offset} on"
            raise VerificationError(said, subject=str(self._at), hint="run again: what is missing is sent again")
        await self._store.set_marks(self._at, {**found.metadata, **self._marks.complete().metadata}, etag=found.etag)


class _Sending:
    """Sends what a blob does not have, several pieces at a time."""

    def __init__(self, store: AzureBlobs, action: UploadBlob, file: ContentFile, notes: StepNotes, turns: PageTurns) -> None:
        self._store = store
        self._at = BlobName(action.container, action.blob)
        self._fence = fence_of(action.content)
        self._file = file
        self._progress = notes.progress
        self._turns = turns
        self._item = store.address(self._at)
        self._done_bytes = self._total_bytes = 0
        self._needed: list[Extent] = []

    async def send(self, written: Written) -> list[Extent]:
        """Send it; the ranges that hold data, sent or there before."""
        wanted = list(pieces(await asyncio.to_thread(self._file.extents), self._file.size_bytes))
        self._total_bytes = sum(each.length for each in wanted)
        missing = written.missing(wanted)
        self._needed = [each for each in wanted if written.covers(each)]
        self._done_bytes = sum(each.length for each in self._needed)
        self._tell()
        await self._each(iter(missing), written)
        self._tell(finished=True)
        return self._needed

    async def _each(self, left: Iterator[Extent], written: Written) -> None:
        """The first error ends all."""

        async def some() -> None:
            while True:
                async with self._turns.semaphore:
                    piece = next(left, None)
                    if piece is None:
                        return
                    await self._send_piece(piece, written)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._turns.count):
                    group.create_task(some())
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _send_piece(self, piece: Extent, written: Written) -> None:
        data = await self._read(piece)
        if len(data) != piece.length:
            raise VerificationError("the file is shorter than it was", subject=str(self._at))
        found = list(data_in(piece.offset, data))
        self._needed += found
        for each in written.missing(found):
            start = each.offset - piece.offset
            part = data if each == piece else data[start : start + each.length]
            await self._store.put_pages(self._at, each.offset, part, fence=self._fence)
        self._done_bytes += piece.length
        self._tell()

    async def _read(self, piece: Extent) -> bytes:
        """The thread that reads has ended when this has, also where it is cancelled: the file is closed after that."""
        reading = asyncio.ensure_future(asyncio.to_thread(self._file.read_at, piece.offset, piece.length))
        try:
            return await asyncio.shield(reading)
        except asyncio.CancelledError:
            await asyncio.wait([reading])
            raise

    def _tell(self, *, finished: bool = False) -> None:
        self._progress(Progress("upload", self._item, self._done_bytes, self._total_bytes, finished=finished))


def _must_be_vhd(file: ContentFile, subject: str) -> None:
    """Blocking; files that :class:`penstock.ports.publish.ImageFiles` measured were looked at before, under the name ``.vhd`` alone."""
    size_bytes = file.size_bytes
    check_fixed(file.read_at(max(0, size_bytes - FOOTER_BYTES), FOOTER_BYTES), size_bytes, subject=subject)
