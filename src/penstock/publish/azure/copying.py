"""A VHD that the service copies from an address; for RHCOS builds, whose disks stand in a storage account already."""

import asyncio
import re

from penstock.formats.vhd import FOOTER_BYTES, check_fixed
from penstock.model.errors import OperationError, TransientError, VerificationError
from penstock.model.progress import Progress
from penstock.model.push.blobs import (
    STATE_METADATA,
    BlobChanged,
    BlobKind,
    BlobName,
    BlobState,
    CopyStatus,
    FoundBlob,
    copy_marks,
)
from penstock.model.push.journal import ExternalId, Ids
from penstock.ports.azureblobs import AzureBlobs
from penstock.publish.azure.actions import CopyBlob
from penstock.publish.azure.blobs import conflict_of, is_copy_of, is_replaceable
from penstock.publish.execution import StepNotes, Wait

_ROUNDS = 5
_QUERY = re.compile(r"\?\S*")


class BlobCopy:
    """Has the service copy one VHD; for one step.

    Upstream gives copies no tags; here they have them from the beginning.  A copy that runs is waited for, whoever began it.
    """

    def __init__(self, store: AzureBlobs, action: CopyBlob, notes: StepNotes, *, wait: Wait, poll_s: float, longest_s: float) -> None:
        """For this step.

        Args:
            store: the account.
            action: what is wanted.
            notes: of the step.
            wait: ``asyncio.sleep``.
            poll_s: between two looks.
            longest_s: after which no copy is waited for any more.
        """
        self._store = store
        self._action = action
        self._notes = notes
        self._wait = wait
        self._poll_s = poll_s
        self._longest_s = longest_s
        self._at = BlobName(action.container, action.blob)

    async def run(self, source: str) -> Ids:
        """Have the blob.

        Args:
            source: the address with its query.

        Raises:
            OperationError: something else took the name since the plan was made, or the copy failed.
            VerificationError: what was copied is no fixed VHD.
            TransientError: it takes too long.
        """
        for number in range(_ROUNDS):
            found = await self._store.blob(self._at)
            if number and found is not None and not is_copy_of(self._action.source, found):
                raise OperationError(
                    "another push took the name meanwhile", subject=str(self._at), hint="let one push at a time write to it"
                )
            try:
                copy = await self._begun(found, source)
                if copy is not None:
                    await self._notes.note(ExternalId.OPERATION, copy.id)
                    found = await self._finished()
                if found is not None and found.state is not BlobState.COMPLETE:
                    await self._complete(found)
            except BlobChanged:
                continue  # another push made or completed it: look again
            made = {ExternalId.BLOB: self._store.address(self._at)}
            return {**made, ExternalId.OPERATION: copy.id} if copy is not None else made
        raise OperationError(
            "other pushes change the blob again and again", subject=str(self._at), hint="let one push at a time write to this name"
        )

    async def _begun(self, found: FoundBlob | None, source: str) -> CopyStatus | None:
        """The copy to be waited for; None where it is over already."""
        action = self._action
        ours = found is not None and is_copy_of(action.source, found)
        if found is not None and ours and found.state is not BlobState.LOST:
            return found.copy if found.copy is not None and found.copy.status == "pending" else None
        if found is not None and not ours and not is_replaceable(found):
            raise OperationError(conflict_of(found, None), hint="it was put there since the plan was made")
        etag = found.etag if found is not None else ""
        return await self._store.start_copy(self._at, source, copy_marks(action.source, action.tags), instead_of=etag)

    async def _finished(self) -> FoundBlob:
        waited_s = 0.0
        while True:
            found = await self._store.blob(self._at)
            if found is None or found.copy is None or not is_copy_of(self._action.source, found):
                raise BlobChanged("the blob was replaced while it was copied", subject=str(self._at))
            copy, item = found.copy, self._store.address(self._at)
            done = copy.status == "success"
            self._notes.progress(Progress("copy", item, copy.done_bytes, copy.total_bytes or None, finished=done))
            if done:
                return found
            if copy.status != "pending":
                why = _QUERY.sub("", copy.description) or "no reason is told"
                raise OperationError(
                    f"the copy ended as {copy.status}: {why}", subject=str(self._at), hint="is the source still there, and may it be read?"
                )
            if waited_s >= self._longest_s:
                hint = "run again: it is waited for, and not begun again"
                raise TransientError(f"the copy is not over after {waited_s:.0f} s", subject=str(self._at), hint=hint)
            async with self._notes.waiting():
                await self._wait(self._poll_s)
            waited_s += self._poll_s

    async def _complete(self, found: FoundBlob) -> None:
        """See that it is a VHD, and mark it."""
        if found.kind is not BlobKind.PAGE:
            raise VerificationError(
                f"the copy is a {found.kind.value}, and machines start from page blobs alone",
                subject=str(self._at),
                hint="copy from a page blob of Azure, or fetch the file and push that; then delete this blob",
            )
        footer = await self._store.read(self._at, max(0, found.size_bytes - FOOTER_BYTES), FOOTER_BYTES)
        await asyncio.to_thread(check_fixed, footer, found.size_bytes, subject=str(self._at))
        metadata = {**found.metadata, STATE_METADATA: BlobState.COMPLETE.value}
        await self._store.set_marks(self._at, metadata, etag=found.etag)
