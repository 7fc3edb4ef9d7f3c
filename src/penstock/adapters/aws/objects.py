"""Objects of S3 on their way to becoming snapshots, in parts, with what a lost answer or a kill left of them."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from penstock.adapters.aws.calls import AccountCalls, tags_of
from penstock.model.errors import NotFoundError, OperationError, VerificationError
from penstock.model.progress import Progress
from penstock.model.push.aws import BucketState, FoundObject, OpenUpload, UploadedPart
from penstock.ports import ProgressSink
from penstock.ports.publish import ContentFile

_WITHOUT_CONSTRAINT = "us-east-1"
_MOST_UPLOADS = 10
_FORBIDDEN = 403


class ObjectCalls(AccountCalls):
    """The part of :class:`penstock.ports.publish.AwsPublisher` that is S3's."""

    async def bucket(self, region: str, bucket: str) -> BucketState:
        """See :meth:`penstock.ports.publish.AwsPublisher.bucket`.

        The names of buckets can be guessed, and whoever was faster may have let us write into theirs.  So S3 is told whose it must be.
        """
        question = {"Bucket": bucket, "ExpectedBucketOwner": await self.owner()}
        try:
            await self._ask("s3", region, "head_bucket", question, subject=f"bucket {bucket}")
        except NotFoundError:
            return BucketState.MISSING
        except OperationError as error:
            status = getattr(error.__cause__, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode")
            if status == _FORBIDDEN:
                return BucketState.FOREIGN
            raise
        return BucketState.OURS

    async def object(self, region: str, bucket: str, key: str) -> FoundObject | None:
        """See :meth:`penstock.ports.publish.AwsPublisher.object`."""
        place, subject = {"Bucket": bucket, "Key": key}, f"s3://{bucket}/{key}"
        try:
            head = await self._ask("s3", region, "head_object", place, subject=subject)
            tagging = await self._ask("s3", region, "get_object_tagging", place, subject=subject)
        except NotFoundError:
            return None
        return FoundObject(key=key, size_bytes=int(head["ContentLength"]), tags=tags_of(tagging, "TagSet"))

    async def open_uploads(self, region: str, bucket: str, key: str) -> tuple[OpenUpload, ...]:
        """See :meth:`penstock.ports.publish.AwsPublisher.open_uploads`; of very many the newest only."""
        found = [await self.upload_parts(region, bucket, key, name) for name in await self._open(region, bucket, key)]
        return tuple(upload for upload in found if upload is not None)

    async def upload_parts(self, region: str, bucket: str, key: str, upload_id: str) -> OpenUpload | None:
        """See :meth:`penstock.ports.publish.AwsPublisher.upload_parts`."""
        question: dict[str, Any] = {"Bucket": bucket, "Key": key, "UploadId": upload_id}
        parts: list[UploadedPart] = []
        while True:
            try:
                answer = await self._ask("s3", region, "list_parts", question, subject=f"parts of s3://{bucket}/{key}")
            except NotFoundError:
                return None
            parts += [UploadedPart(int(part["PartNumber"]), str(part["ETag"]), int(part["Size"])) for part in answer.get("Parts", [])]
            if not answer.get("IsTruncated"):
                return OpenUpload(id=upload_id, key=key, parts=tuple(sorted(parts, key=lambda part: part.number)))
            question["PartNumberMarker"] = answer["NextPartNumberMarker"]

    async def create_bucket(self, region: str, bucket: str) -> None:
        """See :meth:`penstock.ports.publish.AwsPublisher.create_bucket`.

        Upstream sleeps a minute after it, and two jobs that make one bucket at a time fail.
        """
        where = {} if region == _WITHOUT_CONSTRAINT else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        subject = f"bucket {bucket}"
        try:
            await self._ask("s3", region, "create_bucket", {"Bucket": bucket, **where}, subject=subject)
        except OperationError as error:
            if code_behind(error) != "BucketAlreadyOwnedByYou":
                raise
        question = {"Bucket": bucket, "ExpectedBucketOwner": await self.owner()}
        await self._visible(lambda: self._ask("s3", region, "head_bucket", question, subject=subject))

    async def begin_upload(self, region: str, bucket: str, key: str, *, tags: Mapping[str, str]) -> str:
        """See :meth:`penstock.ports.publish.AwsPublisher.begin_upload`."""
        question = {"Bucket": bucket, "Key": key, "Tagging": urlencode(tags), "ExpectedBucketOwner": await self.owner()}
        before = set(await self._open(region, bucket, key))

        async def begin() -> str:
            answer = await self._call("s3", region, "create_multipart_upload", question, subject=f"s3://{bucket}/{key}", tells="UploadId")
            return str(answer["UploadId"])

        async def begun() -> str | None:
            return next((name for name in await self._open(region, bucket, key) if name not in before), None)

        return await self._visible(lambda: self._make(begin, begun))

    async def send_parts(
        self,
        region: str,
        bucket: str,
        upload: OpenUpload,
        content: ContentFile,
        *,
        part_bytes: int,
        on_part: Callable[[UploadedPart], None],
        progress: ProgressSink,
    ) -> tuple[UploadedPart, ...]:
        """See :meth:`penstock.ports.publish.AwsPublisher.send_parts`.

        A part is read in the thread that sends it, so there are never more in memory than threads.
        """
        sizes = part_sizes(content.size_bytes, part_bytes)
        there = {part.number: part for part in upload.parts if sizes.get(part.number) == part.size_bytes}
        item, done_bytes = f"s3://{bucket}/{upload.key}", sum(part.size_bytes for part in there.values())
        progress(Progress("upload", item, done_bytes, content.size_bytes))

        async def send(number: int) -> None:
            nonlocal done_bytes
            place = {"Bucket": bucket, "Key": upload.key, "UploadId": upload.id, "PartNumber": number}
            part = await self._send_part(region, place, content, (number - 1) * part_bytes, sizes[number])
            on_part(part)
            there[number] = part
            done_bytes += part.size_bytes
            progress(Progress("upload", item, done_bytes, content.size_bytes))

        await self._each([number for number in sizes if number not in there], send)
        progress(Progress("upload", item, done_bytes, content.size_bytes, finished=True))
        return tuple(there[number] for number in sizes)

    async def complete_upload(self, region: str, bucket: str, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> FoundObject:
        """See :meth:`penstock.ports.publish.AwsPublisher.complete_upload`."""
        subject, size_bytes = f"s3://{bucket}/{key}", sum(part.size_bytes for part in parts)
        whole = {"Parts": [{"PartNumber": part.number, "ETag": part.etag} for part in parts]}
        question = {"Bucket": bucket, "Key": key, "UploadId": upload_id, "MultipartUpload": whole}
        over: NotFoundError | None = None
        try:
            await self._ask("s3", region, "complete_multipart_upload", question, subject=subject)
        except NotFoundError as error:
            over = error  # it was completed, and the answer was lost; or it was thrown away
        found = await self.object(region, bucket, key)
        if found is None:
            raise over or OperationError("the object is not there, although S3 made it", subject=self._about(subject, region))
        if found.size_bytes != size_bytes:
            message = f"the object has {found.size_bytes} bytes, and {size_bytes} were sent"
            raise VerificationError(message, subject=self._about(subject, region), hint="another push may write the same object")
        return found

    async def abort_upload(self, region: str, bucket: str, key: str, upload_id: str) -> None:
        """See :meth:`penstock.ports.publish.AwsPublisher.abort_upload`."""
        question = {"Bucket": bucket, "Key": key, "UploadId": upload_id}
        try:
            await self._ask("s3", region, "abort_multipart_upload", question, subject=f"s3://{bucket}/{key}")
        except NotFoundError:
            return

    async def _send_part(self, region: str, place: Mapping[str, Any], content: ContentFile, offset: int, size_bytes: int) -> UploadedPart:
        subject = f"part {place['PartNumber']} of s3://{place['Bucket']}/{place['Key']}"

        def send() -> UploadedPart:
            block = content.read_at(offset, size_bytes)
            if len(block) != size_bytes:
                raise VerificationError("the file is shorter than it was", subject=subject)
            checksum = b64encode(hashlib.md5(block, usedforsecurity=False).digest()).decode()
            answer = self._blocking(
                "s3", region, "upload_part", {**place, "Body": block, "ContentMD5": checksum}, subject=subject, tells="ETag"
            )
            return UploadedPart(int(place["PartNumber"]), str(answer["ETag"]), size_bytes)

        return await self._retried(lambda: self._in_thread(send, self._shared.transfers))

    async def _open(self, region: str, bucket: str, key: str) -> list[str]:
        """The ids of the uploads of an object that never ended, newest first; S3 lists those of one key oldest first."""
        question: dict[str, Any] = {"Bucket": bucket, "Prefix": key}
        found: list[dict[str, Any]] = []
        while True:
            try:
                answer = await self._ask("s3", region, "list_multipart_uploads", question, subject=f"uploads of s3://{bucket}/{key}")
            except NotFoundError:
                return []
            found += [upload for upload in answer.get("Uploads", []) if upload["Key"] == key]
            if not answer.get("IsTruncated"):
                newest = sorted(found, key=lambda upload: upload["Initiated"], reverse=True)
                return [str(upload["UploadId"]) for upload in newest[:_MOST_UPLOADS]]
            question |= {"KeyMarker": answer["NextKeyMarker"], "UploadIdMarker": answer["NextUploadIdMarker"]}


def part_sizes(size_bytes: int, part_bytes: int) -> dict[int, int]:
    """The size of each part in bytes, by its number; something empty has one part."""
    count = max(1, -(-size_bytes // part_bytes))
    return {number: min(part_bytes, size_bytes - (number - 1) * part_bytes) for number in range(1, count + 1)}


def code_behind(error: OperationError) -> str:
    """AWS's code of the refusal that became this error."""
    return str(getattr(error.__cause__, "response", {}).get("Error", {}).get("Code", ""))
