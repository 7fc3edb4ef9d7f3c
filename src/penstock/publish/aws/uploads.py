"""An object in a bucket: found there, gone on with, or begun; its bytes are never mixed with those of another disk."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence

from penstock.model.errors import OperationError
from penstock.model.push.aws import FoundObject, OpenUpload, UploadedPart, content_of
from penstock.model.push.journal import ExternalId, Ids
from penstock.ports.publish import AwsPublisher, ContentFile
from penstock.publish.aws.actions import UploadObject
from penstock.publish.execution import StepNotes

SMALLEST_PART_BYTES = 8 * 1024**2
MOST_PARTS = 9_000
"""S3 takes 10 000."""


def part_size(size_bytes: int) -> int:
    """The size of the parts of an object, equal in every run: 8 MiB, doubled until there are no more than 9 000."""
    part_bytes = SMALLEST_PART_BYTES
    while part_bytes * MOST_PARTS < size_bytes:
        part_bytes *= 2
    return part_bytes


def parts_fit(parts: Sequence[UploadedPart], size_bytes: int, part_bytes: int) -> bool:
    """Whether these can be parts of an object of this size: each is whole, the last one alone may be short."""
    count = max(1, -(-size_bytes // part_bytes))
    last_bytes = size_bytes - (count - 1) * part_bytes
    return all(1 <= each.number <= count and each.size_bytes == (last_bytes if each.number == count else part_bytes) for each in parts)


class ObjectUpload:
    """Brings one object into its bucket; for one step.

    An open upload that the journal tells of was begun by this very step, so its parts only need to fit.  One that is merely found under
    the key may be anybody's: its parts must have the MD5 of our bytes, and the object that comes out must have our tag; else a new one is
    begun.
    """

    def __init__(self, publisher: AwsPublisher, action: UploadObject, notes: StepNotes) -> None:
        """For this step."""
        self._publisher = publisher
        self._action = action
        self._notes = notes
        self._region = action.place.region
        self._part_bytes = part_size(action.size_bytes)

    async def run(self, known: str | None, open_file: Callable[[], Awaitable[ContentFile]]) -> Ids:
        """Have the object.

        Args:
            known: the id of an upload that an earlier run noted.
            open_file: opens the disk; not called where the object is there already.

        Raises:
            OperationError: something else took the key since the plan was made.
        """
        if await self._is_there():
            return self._made
        content = await open_file()
        try:
            found = await self._found(known, content)
            if found is not None and await self._finish(found, content):
                return self._made
            action = self._action
            begun = await self._publisher.begin_upload(self._region, action.bucket, action.key, tags=action.tags)
            await self._notes.note(ExternalId.UPLOAD, begun)
            await self._finish(OpenUpload(id=begun, key=action.key), content)
            return self._made
        finally:
            content.close()

    @property
    def _made(self) -> Ids:
        return {ExternalId.OBJECT: self._action.key}

    async def _is_there(self) -> bool:
        """Whether it is there already: a parallel run was faster, or the answer to the last call of an earlier one was lost."""
        found = await self._publisher.object(self._region, self._action.bucket, self._action.key)
        if found is None or self._is_ours(found):
            return found is not None
        if self._action.key.startswith(f"{self._action.content.short}/"):
            return False  # nobody else's key; what stands there is damaged
        raise OperationError(
            "another object was put here since the plan was made",
            subject=f"s3://{self._action.bucket}/{self._action.key}",
            hint="run again: the disk gets a key of its own then",
        )

    def _is_ours(self, found: FoundObject) -> bool:
        return content_of(found.tags) == self._action.content and found.size_bytes == self._action.size_bytes

    async def _found(self, known: str | None, content: ContentFile) -> OpenUpload | None:
        """The upload to go on with, or None."""
        place = (self._region, self._action.bucket, self._action.key)
        if known is not None:
            upload = await self._publisher.upload_parts(*place, known)
            if upload is not None and self._fits(upload):
                return upload
            if upload is not None:
                await self._publisher.abort_upload(*place, known)
        for upload in await self._publisher.open_uploads(*place):
            if upload.id != known and upload.parts and self._fits(upload) and await asyncio.to_thread(self._holds, upload, content):
                await self._notes.note(ExternalId.UPLOAD, upload.id)
                return upload
        return None

    def _fits(self, upload: OpenUpload) -> bool:
        return parts_fit(upload.parts, self._action.size_bytes, self._part_bytes)

    def _holds(self, upload: OpenUpload, content: ContentFile) -> bool:
        """Whether every part has our bytes; blocking.  Where a bucket's ETags are no MD5 (SSE-KMS) none has."""
        for part in upload.parts:
            own = content.read_at((part.number - 1) * self._part_bytes, part.size_bytes)
            if hashlib.md5(own, usedforsecurity=False).hexdigest() != part.etag.strip('"'):
                return False
        return True

    async def _finish(self, upload: OpenUpload, content: ContentFile) -> bool:
        """Send what is missing and make the object; False where it came out with the tags of another."""
        place = (self._region, self._action.bucket)
        total = max(1, -(-self._action.size_bytes // self._part_bytes))
        count = _PartCount(len(upload.parts), total, self._notes)
        try:
            parts = await self._publisher.send_parts(
                *place, upload, content, part_bytes=self._part_bytes, on_part=count.one_more, progress=self._notes.progress
            )
        finally:
            await count.close()
        await self._publisher.complete_upload(*place, upload.key, upload.id, parts)
        made = await self._publisher.object(*place, upload.key)
        return made is not None and self._is_ours(made)


class _PartCount:
    """Notes how many parts are there, as fast as the disk takes the lines and no faster."""

    def __init__(self, done: int, total: int, notes: StepNotes) -> None:
        self._done = done
        self._total = total
        self._notes = notes
        self._loop = asyncio.get_running_loop()
        self._more = asyncio.Event()
        self._closed = False
        self._writing = asyncio.create_task(self._write())

    def one_more(self, _part: UploadedPart) -> None:
        """In any thread."""
        self._loop.call_soon_threadsafe(self._count)

    async def close(self) -> None:
        """All that was counted is on disk when this returns."""
        await asyncio.sleep(0)  # what was told in the loop's own thread is counted now
        self._closed = True
        self._more.set()
        await self._writing

    def _count(self) -> None:
        self._done += 1
        self._more.set()

    async def _write(self) -> None:
        written = self._done
        while True:
            await self._more.wait()
            self._more.clear()
            if self._done != written:
                written = self._done
                await self._notes.note(ExternalId.PARTS, f"{written}/{self._total}")
            if self._closed and not self._more.is_set():
                return
