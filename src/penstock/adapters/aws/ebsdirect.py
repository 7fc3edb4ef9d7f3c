"""EBS direct: snapshots written block by block, without a bucket and without an import (API version 2019-11-02)."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping

from penstock.adapters.aws.calls import tag_list
from penstock.adapters.aws.objects import code_behind
from penstock.adapters.aws.snapshots import SnapshotCalls
from penstock.model.errors import OperationError
from penstock.model.progress import Progress
from penstock.model.push.content import Extent
from penstock.ports import ProgressSink
from penstock.ports.publish import ContentFile

BLOCK_BYTES = 512 * 1024
_TIMEOUT_MIN = 60
"""After which EBS throws away a snapshot that nobody writes to: the longest that it lets one ask for is 4 320, the default 60."""
_ZEROS = bytes(BLOCK_BYTES)


class BlockCalls(SnapshotCalls):
    """The part of :class:`penstock.ports.publish.AwsPublisher` about EBS direct."""

    async def start_snapshot(self, region: str, *, size_gib: int, description: str, tags: Mapping[str, str], token: str) -> str:
        """See :meth:`penstock.ports.publish.AwsPublisher.start_snapshot`."""
        question = {"VolumeSize": size_gib, "Description": description, "ClientToken": token, "Timeout": _TIMEOUT_MIN}
        answer = await self._ask(
            "ebs", region, "start_snapshot", {**question, "Tags": tag_list(tags)}, subject="a new snapshot", tells="SnapshotId"
        )
        return str(answer["SnapshotId"])

    async def write_snapshot(self, region: str, snapshot_id: str, content: ContentFile, progress: ProgressSink) -> int:
        """See :meth:`penstock.ports.publish.AwsPublisher.write_snapshot`; a block of zeros inside of an extent is not sent either."""
        blocks = list(blocks_of(await self._in_thread(content.extents, self._shared.transfers)))
        total_bytes, done_bytes, sent = len(blocks) * BLOCK_BYTES, 0, 0
        progress(Progress("write", snapshot_id, 0, total_bytes))

        async def write(number: int) -> None:
            nonlocal done_bytes, sent
            written = await self._write_block(region, snapshot_id, content, number)
            sent, done_bytes = sent + written, done_bytes + BLOCK_BYTES
            progress(Progress("write", snapshot_id, done_bytes, total_bytes))

        await self._each(blocks, write)
        progress(Progress("write", snapshot_id, done_bytes, total_bytes, finished=True))
        return sent

    async def complete_snapshot(self, region: str, snapshot_id: str, *, changed_blocks: int) -> None:
        """See :meth:`penstock.ports.publish.AwsPublisher.complete_snapshot`; no error where this had been done already."""
        question = {"SnapshotId": snapshot_id, "ChangedBlocksCount": changed_blocks}
        try:
            await self._ask("ebs", region, "complete_snapshot", question, subject=snapshot_id, tells="Status")
        except OperationError as error:
            # The answer to the first try was lost, perhaps: EBS writes only to snapshots that are pending.
            found = await self.describe_snapshots(region, [snapshot_id])
            if code_behind(error) not in ("ConflictException", "ValidationException") or not found or found[0].state != "completed":
                raise

    async def _write_block(self, region: str, snapshot_id: str, content: ContentFile, number: int) -> bool:
        """Send a block; whether there was anything in it."""

        def write() -> bool:
            block = content.read_at(number * BLOCK_BYTES, BLOCK_BYTES)
            if block == _ZEROS[: len(block)]:
                return False
            block = block.ljust(BLOCK_BYTES, b"\0")
            question = {
                "SnapshotId": snapshot_id,
                "BlockIndex": number,
                "BlockData": block,
                "DataLength": BLOCK_BYTES,
                "Checksum": b64encode(hashlib.sha256(block).digest()).decode(),
                "ChecksumAlgorithm": "SHA256",
            }
            self._blocking("ebs", region, "put_snapshot_block", question, subject=f"block {number} of {snapshot_id}")
            return True

        return await self._retried(lambda: self._in_thread(write, self._shared.transfers))


def blocks_of(extents: Iterable[Extent]) -> Iterator[int]:
    """The numbers of the blocks that these extents, which are in order, touch; each once."""
    free = 0
    for extent in extents:
        if extent.length:
            first, last = extent.offset // BLOCK_BYTES, (extent.offset + extent.length - 1) // BLOCK_BYTES
            yield from range(max(first, free), last + 1)
            free = last + 1
