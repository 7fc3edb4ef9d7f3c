"""The steps of images for Google Cloud, done through the ports."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from penstock.model.errors import NotFoundError, OperationError, TransientError
from penstock.model.progress import Progress
from penstock.model.push.content import ImageContent
from penstock.model.push.gcp import CONTENT_LABEL, EVERYBODY, FoundGceImage, FoundGcsObject, GceNameTaken, GceOperation
from penstock.model.push.journal import ExternalId, Ids
from penstock.ports.gcp import GceFiles, GcpPublisher
from penstock.publish.actions import PrepareFile
from penstock.publish.execution import StepNotes, Wait
from penstock.publish.gcp.actions import DeprecatePrevious, GrantUse, InsertImage, MakeGcePublic, SetFamily, UploadArchive
from penstock.publish.gcp.archive import PackedDisk, StoredArchive
from penstock.publish.gcp.names import sends_as_it_is
from penstock.publish.gcp.planning import previous_images
from penstock.publish.gcp.reuse import GceConflict, judge_archive, judge_gce_image
from penstock.publish.plan import Step, StepId, Verdict, known_id

_AGAIN = "run again: what is on its way is gone on with"


@dataclass(frozen=True, slots=True)
class GcpPace:
    """How long is waited for what Google does by itself.

    Attributes:
        first_poll_s: before an operation is looked at for the first time.
        poll_s: between two looks.
        longest_s: after which an operation takes too long.
    """

    first_poll_s: float = 1.0
    poll_s: float = 5.0
    longest_s: float = 3600.0


class GcpPerformer:
    """:class:`penstock.publish.execution.Performer` of images for Google Cloud.

    * ``UploadArchive``: what stands there is looked at first; a session that was cut by a kill is not gone on with, because its address is
      a secret and stands nowhere, so the object begins anew.  Nothing is left of the old one.
    * ``InsertImage``: the image's name is what makes it unique; one that is being made is waited for, whoever began it.
    * All others change nothing where it is so already.
    """

    def __init__(
        self,
        publishers: Mapping[str, GcpPublisher],
        files: GceFiles,
        contents: Mapping[str, ImageContent],
        *,
        wait: Wait,
        pace: GcpPace,
    ) -> None:
        """Use these; publishers by alias, ``contents`` by the text of the content's digest."""
        self._publishers = publishers
        self._files = files
        self._contents = contents
        self._wait = wait
        self._pace = pace

    async def perform(self, step: Step, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        """See :meth:`penstock.publish.execution.Performer.perform`."""
        match step.action:
            case PrepareFile() as action:
                (await self._files.open(action.content, notes.progress)).close()
                return {ExternalId.PATH: action.content.src}
            case UploadArchive() as action:
                return await self._upload(action, notes)
            case InsertImage() as action:
                return await self._insert(action, step, outcomes, notes)
            case GrantUse() | MakeGcePublic() as action:
                await self._grant(action)
            case SetFamily() as action:
                publisher = self._publishers[action.account]
                began = await publisher.set_family(action.project, action.name, action.family)
                await self._finished(publisher, action.project, began, notes)
            case DeprecatePrevious() as action:
                await self._deprecate(action, notes)
        return {ExternalId.IMAGE: known_id(outcomes, step, ExternalId.IMAGE)}

    async def _upload(self, action: UploadArchive, notes: StepNotes) -> Ids:
        publisher = self._publishers[action.account]
        found = await publisher.object(action.bucket, action.key)
        if found is None:
            found = await self._sent(action, publisher, notes)
        judged = judge_archive(action.content, found, action.key)
        if isinstance(judged, GceConflict):
            raise OperationError(judged.reason, subject=f"gs://{action.bucket}", hint="it was put there since the plan was made")
        return judged.known

    async def _sent(self, action: UploadArchive, publisher: GcpPublisher, notes: StepNotes) -> FoundGcsObject:
        content = self._contents[str(action.content)]
        as_it_is = sends_as_it_is(content.src)
        opened = self._files.open_stored if as_it_is else self._files.open
        file = await opened(content, notes.progress)
        try:
            return await publisher.upload(
                action.bucket,
                action.key,
                StoredArchive(file) if as_it_is else await asyncio.to_thread(PackedDisk, file),
                metadata={CONTENT_LABEL: action.content.hex},
                progress=notes.progress,
                item=f"{action.content.short} {action.where}",
            )
        finally:
            file.close()

    async def _insert(self, action: InsertImage, step: Step, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        publisher = self._publishers[action.account]
        waited_s, begun = 0.0, False
        while True:
            found = await publisher.image(action.project, action.insertion.name)
            judged = judge_gce_image(action.insertion, action.content, found)
            if isinstance(judged, GceConflict):
                raise OperationError(judged.reason, subject=action.project, hint="it was made while this run was at work")
            if judged.verdict is Verdict.REUSE:
                return judged.known
            if judged.verdict is Verdict.CREATE and not begun:
                if not step.needs:  # the plan went on with an image that was being made, and it is gone
                    raise TransientError("the image that was being made is gone", subject=action.insertion.name, hint=_AGAIN)
                begun = True
                key = known_id(outcomes, step, ExternalId.OBJECT)
                try:
                    began = await publisher.insert_image(action.project, action.insertion, bucket=action.bucket, key=key)
                except GceNameTaken:
                    continue  # somebody was faster: look whether it is the wanted one
                await self._finished(publisher, action.project, began, notes)
                continue
            waited_s = await self._pause(waited_s, action.insertion.name, notes)

    async def _grant(self, action: GrantUse | MakeGcePublic) -> None:
        publisher = self._publishers[action.account]
        members = action.members if isinstance(action, GrantUse) else (EVERYBODY,)
        await publisher.grant(action.project, action.name, members)
        missing = set(members) - await publisher.users(action.project, action.name)
        if missing:
            hint = "see whether the organisation's policy forbids it (constraints/iam.allowedPolicyMemberDomains)"
            raise OperationError(f"{', '.join(sorted(missing))} may still not use the image", subject=action.name, hint=hint)

    async def _deprecate(self, action: DeprecatePrevious, notes: StepNotes) -> None:
        publisher = self._publishers[action.account]
        image = await publisher.image(action.project, action.name)
        if image is None:
            raise OperationError("the image is gone", subject=action.name, hint="run again: it is made anew")
        family = await publisher.images_of_family(action.project, action.family)
        older = previous_images(family, image, name=action.name, architecture=action.architecture)

        async def deprecate(old: FoundGceImage) -> None:
            began = await publisher.deprecate(action.project, old.name, action.state, replacement=action.name)
            await self._finished(publisher, action.project, began, notes)

        await asyncio.gather(*map(deprecate, older))

    async def _finished(self, publisher: GcpPublisher, project: str, name: str, notes: StepNotes) -> None:
        """Wait for the end of an operation.

        Raises:
            OperationError: it failed.
            TransientError: it takes too long.
        """
        await notes.note(ExternalId.OPERATION, name)
        waited_s, pause_s = 0.0, self._pace.first_poll_s
        while not (operation := await self._looked_at(publisher, project, name)).done:
            notes.progress(Progress("wait", name, operation.progress_percent, 100, percent=True))
            waited_s, pause_s = await self._pause(waited_s, name, notes, pause_s), self._pace.poll_s
        if operation.error:
            raise OperationError(operation.error, subject=project, hint="mend it and run again")

    async def _looked_at(self, publisher: GcpPublisher, project: str, name: str) -> GceOperation:
        try:
            return await publisher.operation(project, name)
        except NotFoundError:  # forgotten: what it was for is looked at next
            return GceOperation(name=name, done=True)

    async def _pause(self, waited_s: float, subject: str, notes: StepNotes, pause_s: float | None = None) -> float:
        if waited_s >= self._pace.longest_s:
            raise TransientError(f"this is not done after {waited_s:.0f} s", subject=subject, hint=_AGAIN)
        pause_s = self._pace.poll_s if pause_s is None else pause_s
        async with notes.waiting():
            await self._wait(pause_s)
        return waited_s + pause_s
