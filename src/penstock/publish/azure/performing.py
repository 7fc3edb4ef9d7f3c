"""The steps about blobs, done through the ports."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from penstock.model.errors import NotFoundError, OperationError
from penstock.model.push.accounts import AccountAlias
from penstock.model.push.blobs import RELEASE_DATE_TAG, BlobChanged, BlobName
from penstock.model.push.content import ImageContent
from penstock.model.push.journal import ExternalId, Ids
from penstock.ports import Clock
from penstock.ports.azureblobs import AzureBlobs
from penstock.ports.publish import ContentFile, ImageFiles
from penstock.publish.actions import Action, PrepareFile
from penstock.publish.azure.actions import BlobAction, CopyBlob, CreateContainer, DateBlob, DeleteBlob, TagBlob, UploadBlob
from penstock.publish.azure.copying import BlobCopy
from penstock.publish.azure.uploading import BlobUpload, PageTurns
from penstock.publish.execution import StepNotes, Wait
from penstock.publish.plan import Step, StepId, known_id

_ROUNDS = 5
"""How often a blob that others change at the same time is looked at again."""
DEFAULT_CONCURRENCY = 16
"""Where ``CLOUDIMG_AZURE_UPLOAD_MAX_CONCURRENCY`` says nothing."""


@dataclass(frozen=True, slots=True)
class BlobPace:
    """How long is waited for copies.

    Attributes:
        poll_s: between two looks; upstream's is 10.
        copy_s: after which a copy is not waited for any more; upstream's 10 minutes are too short for a disk from another continent.
    """

    poll_s: float = 5.0
    copy_s: float = 7200.0


class BlobPerformer:
    """:class:`penstock.publish.execution.Performer` of ``PrepareFile`` and of the actions of :mod:`penstock.publish.azure.actions`.

    * ``UploadBlob``: see :class:`~penstock.publish.azure.uploading.BlobUpload`; ``CopyBlob``: see
      :class:`~penstock.publish.azure.copying.BlobCopy`.
    * ``TagBlob``, ``DateBlob``: of the blob of the first dependency, which may have another name than was wanted; ``BLOB`` is given on.

    A workflow of Azure gives it the steps that :meth:`does` takes, and does the others itself.
    """

    def __init__(
        self,
        stores: Mapping[AccountAlias, AzureBlobs],
        files: ImageFiles,
        contents: Mapping[str, ImageContent],
        sources: Mapping[str, str],
        *,
        clock: Clock,
        wait: Wait,
        pace: BlobPace = BlobPace(),
        concurrency: int = DEFAULT_CONCURRENCY,
    ) -> None:
        """Use these; for one event loop.

        Args:
            stores: by alias.
            files: of the sources.
            contents: by the text of the content's digest.
            sources: by ``WantedBlob.origin`` the same addresses with their queries.
            clock: for dates.
            wait: ``asyncio.sleep``.
            pace: see there.
            concurrency: pieces of 4 MiB that are in memory and on their way at a time.
        """
        self._stores = {alias.text: store for alias, store in stores.items()}
        self._files = files
        self._contents = contents
        self._sources = sources
        self._clock = clock
        self._wait = wait
        self._pace = pace
        self._turns = PageTurns(concurrency)

    @staticmethod
    def does(action: Action) -> bool:
        """Whether steps with this action are its."""
        return isinstance(action, PrepareFile | BlobAction)

    async def perform(self, step: Step, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        """See :meth:`penstock.publish.execution.Performer.perform`."""
        match step.action:
            case PrepareFile() as action:
                (await self._files.open(action.content, notes.progress)).close()
                return {ExternalId.PATH: action.content.src}
            case CreateContainer() as action:
                await self._at(action).create_container(action.container)
                return {ExternalId.RESOURCE: action.container}
            case UploadBlob() as action:
                return await self._upload(action, notes)
            case CopyBlob() as action:
                pace = self._pace
                copy = BlobCopy(self._at(action), action, notes, wait=self._wait, poll_s=pace.poll_s, longest_s=pace.copy_s)
                return await copy.run(self._sources[action.source])
            case TagBlob() as action:
                return await self._tag(action, known_id(outcomes, step, ExternalId.BLOB), action.tags)
            case DateBlob() as action:
                return await self._date(action, known_id(outcomes, step, ExternalId.BLOB))
            case DeleteBlob() as action:
                deleted = await self._at(action).delete_blob(BlobName(action.container, action.blob))
                return {ExternalId.DELETED: "deleted" if deleted else "missing"}
            case _:
                raise OperationError(f"{step.action.verb} is no work for a storage account")

    async def _upload(self, action: UploadBlob, notes: StepNotes) -> Ids:
        content = self._contents[str(action.content)]

        async def opened() -> ContentFile:
            return await self._files.open(content, notes.progress)

        return await BlobUpload(self._at(action), action, content, notes, self._turns).run(opened)

    async def _tag(self, action: TagBlob | DateBlob, address: str, tags: Mapping[str, str]) -> Ids:
        store = self._at(action)
        at = store.name_of(address)
        for left in reversed(range(_ROUNDS)):
            try:
                await store.set_tags(at, tags)
            except BlobChanged:
                # Somebody else wrote to it, or the answer to our own writing was lost: either way another look tells what is missing.
                if not left:
                    raise
            else:
                break
        return {ExternalId.BLOB: address}

    async def _date(self, action: DateBlob, address: str) -> Ids:
        store = self._at(action)
        found = await store.blob(store.name_of(address))
        if found is None:
            raise NotFoundError("there is no such blob any more", subject=address)
        if RELEASE_DATE_TAG in found.tags:
            return {ExternalId.BLOB: address}
        return await self._tag(action, address, {RELEASE_DATE_TAG: release_date(self._clock.now_s())})

    def _at(self, action: BlobAction) -> AzureBlobs:
        return self._stores[action.account]


def release_date(now_s: int) -> str:
    """``2026051113::42::07``: hour, minute and second as upstream writes them, in UTC."""
    return datetime.fromtimestamp(now_s, UTC).strftime("%Y%m%d%H::%M::%S")
