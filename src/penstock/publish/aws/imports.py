"""Making a snapshot: imported from an object, written block by block, or copied; each is found again before it is begun."""

from collections.abc import Awaitable, Callable, Sequence

from penstock.model.errors import NotFoundError, OperationError, TransientError
from penstock.model.progress import Progress
from penstock.model.push.aws import CONTENT_TAG, FoundSnapshot, ImportStatus, ImportTask, import_description
from penstock.model.push.journal import ExternalId, Ids
from penstock.ports.publish import AwsPublisher, ContentFile
from penstock.publish.actions import where_of
from penstock.publish.aws.actions import CopySnapshot, ImportSnapshot, WriteSnapshot
from penstock.publish.execution import StepNotes, Wait
from penstock.publish.plan import Step


class SnapshotMaker:
    """Makes one snapshot; for one step.

    An id that the step knows is gone on with as long as AWS knows it too; then what is found by description (imports) or tags is; only
    then something is begun, with the step's id as client token.  A token is good for one try: those that are spent (failed, or the
    snapshot was deleted) are counted, and the count is part of the next token.
    """

    def __init__(
        self, publisher: AwsPublisher, step: Step, notes: StepNotes, *, wait: Wait, first_poll_s: float, poll_s: float, longest_s: float
    ) -> None:
        """For this step; see :class:`~penstock.publish.aws.performing.Pace`."""
        self._publisher = publisher
        self._step = step
        self._notes = notes
        self._wait = wait
        self._first_poll_s = first_poll_s
        self._poll_s = poll_s
        self._longest_s = longest_s

    async def imported(self, action: ImportSnapshot, key: Callable[[], str]) -> Ids:
        """Import an object.

        Args:
            action: see there.
            key: of the object; not asked for where an import or a snapshot is gone on with, which may be all that is left of it.

        Raises:
            OperationError: the import failed; it is not begun again in this run.
            TransientError: it takes too long.
        """
        region, description = action.place.region, import_description(action.name, action.content)
        item = f"{action.content.short} {action.place}"
        standing = await self._known_snapshot(region)
        if standing is not None:
            return await self._completed(region, standing.id, item)
        task = await self._known_import(region)
        if task is None:
            found = await self._publisher.imports(region, (description,))
            task = await self._usable(region, found)
            if task is not None:
                await self._notes.note(ExternalId.IMPORT_TASK, task.id)
            else:
                task = await self._begun(action, self._given(key), description, self._token(len(found)))
        snapshot = await self._ended(region, task, item)
        return {ExternalId.IMPORT_TASK: task.id, ExternalId.SNAPSHOT: snapshot}

    async def written(self, action: WriteSnapshot, open_file: Callable[[], Awaitable[ContentFile]]) -> Ids:
        """Write the disk's blocks that are not zeros into a new snapshot (EBS direct); one that was left half written is gone on with."""
        region, item = action.place.region, f"{action.content.short} {action.place}"
        found = await self._tagged(region, action)
        done = next((each for each in found if each.state == "completed"), None)
        if done is not None:
            return {ExternalId.SNAPSHOT: done.id}
        standing = next((each for each in found if each.state == "pending"), None)
        if standing is not None:
            name = standing.id
        else:
            name = await self._publisher.start_snapshot(
                region,
                size_gib=action.size_gib,
                description=import_description(action.name, action.content),
                tags={"Name": action.name, CONTENT_TAG: action.content.hex},
                token=self._token(len(found)),
            )
        await self._notes.note(ExternalId.SNAPSHOT, name)
        content = await open_file()
        try:
            sent = await self._publisher.write_snapshot(region, name, content, self._notes.progress)
        finally:
            content.close()
        await self._publisher.complete_snapshot(region, name, changed_blocks=sent)
        return await self._completed(region, name, item)

    async def copied(self, action: CopySnapshot, source: Callable[[], str]) -> Ids:
        """Copy the snapshot ``source`` of another region; a copy has its tags from its first moment, and is found by them."""
        region, item = action.place.region, f"{action.content.short} {action.place}"
        found = await self._tagged(region, action)
        standing = next((each for each in found if each.state in ("completed", "pending")), None)
        if standing is not None:
            name = standing.id
        else:
            name = await self._publisher.copy_snapshot(
                region,
                source_region=action.source_region,
                snapshot_id=self._given(source),
                description=import_description(action.name, action.content),
                tags={"Name": action.name, CONTENT_TAG: action.content.hex},
            )
        await self._notes.note(ExternalId.SNAPSHOT, name)
        return await self._completed(region, name, item)

    def _given(self, made_before: Callable[[], str]) -> str:
        """The id that something new is made of; a plan that goes on with what is on its way has none."""
        if not self._step.needs:
            hint = "run again: it is begun anew then"
            raise TransientError("what the plan goes on with is not there any more", subject=where_of(self._step.action), hint=hint)
        return made_before()

    def _token(self, spent: int) -> str:
        return f"{self._step.id}-{spent}" if spent else self._step.id

    async def _begun(self, action: ImportSnapshot, key: str, description: str, token: str) -> ImportTask:
        region = action.place.region
        name = await self._publisher.start_import(region, action.bucket, key, description=description, token=token)
        await self._notes.note(ExternalId.IMPORT_TASK, name)
        await self._rest(self._first_poll_s)
        return await self._looked_at(region, name)

    async def _tagged(self, region: str, action: WriteSnapshot | CopySnapshot) -> Sequence[FoundSnapshot]:
        """The snapshots of this content and name, the completed ones first."""
        found = await self._publisher.snapshots(region, CONTENT_TAG, (action.content.hex,))
        named = [each for each in found if each.tags.get("Name") == action.name]
        return sorted(named, key=lambda each: (each.state != "completed", each.id))

    async def _known_snapshot(self, region: str) -> FoundSnapshot | None:
        known = self._step.known.get(ExternalId.SNAPSHOT)
        found = await self._publisher.describe_snapshots(region, (known,)) if known else ()
        return next((each for each in found if each.state in ("completed", "pending")), None)

    async def _known_import(self, region: str) -> ImportTask | None:
        """The import that the plan tells of, unless it is of no use any more.

        Where nothing comes before the step the import is all there is, and it ran a moment ago: it counts however it stands now, also
        while EC2 does not show its snapshot yet.
        """
        known = self._step.known.get(ExternalId.IMPORT_TASK)
        if not known:
            return None
        try:
            task = await self._publisher.import_task(region, known)
        except NotFoundError:
            return None
        return await self._usable(region, (task,)) if self._step.needs else task

    async def _usable(self, region: str, tasks: Sequence[ImportTask]) -> ImportTask | None:
        """The first that runs, or whose snapshot stands; one that EC2 does not show was deleted, or is new, so there is a second look."""
        made = [task.snapshot for task in tasks if task.status is ImportStatus.COMPLETED and task.snapshot]
        for last_look in (False, True):
            shown = await self._publisher.describe_snapshots(region, made) if made else ()
            standing = {each.id for each in shown if each.state != "error"}
            for task in tasks:
                if task.status is ImportStatus.ACTIVE or (task.status is ImportStatus.COMPLETED and task.snapshot in standing):
                    return task
            if not last_look and made:
                await self._rest(self._first_poll_s)
        return None

    async def _ended(self, region: str, task: ImportTask, item: str) -> str:
        """Wait for the end of an import; the snapshot."""
        waited_s = 0.0
        while task.status is ImportStatus.ACTIVE:
            self._tell(item, task.progress_percent)
            waited_s = await self._pause(waited_s, task.id)
            task = await self._looked_at(region, task.id)
        if task.status is ImportStatus.FAILED or not task.snapshot:
            hint = "the next run begins it again; see that the role vmimport may read the bucket"
            raise OperationError(f"the import failed: {task.message or 'the service does not say why'}", subject=task.id, hint=hint)
        self._tell(item, 100)
        return task.snapshot

    async def _looked_at(self, region: str, task_id: str) -> ImportTask:
        """One look; a task that EC2 does not show yet runs."""
        try:
            return await self._publisher.import_task(region, task_id)
        except NotFoundError:
            return ImportTask(id=task_id, status=ImportStatus.ACTIVE)

    async def _completed(self, region: str, snapshot_id: str, item: str) -> Ids:
        """Wait until a snapshot is whole."""
        waited_s = 0.0
        while True:
            found = next(iter(await self._publisher.describe_snapshots(region, (snapshot_id,))), None)
            if found is not None and found.state == "completed":
                self._tell(item, 100)
                return {ExternalId.SNAPSHOT: snapshot_id}
            if found is not None and found.state != "pending":
                raise OperationError(f"the snapshot is in state {found.state}", subject=snapshot_id, hint="delete it and run again")
            waited_s = await self._pause(waited_s, snapshot_id)

    async def _pause(self, waited_s: float, subject: str) -> float:
        if waited_s >= self._longest_s:
            hint = "run again: what is on its way is gone on with"
            raise TransientError(f"this is not done after {waited_s:.0f} s", subject=subject, hint=hint)
        # The longer it takes, the less an earlier look would tell.
        pause_s = min(self._poll_s, max(self._first_poll_s, waited_s / 4), self._longest_s - waited_s)
        await self._rest(pause_s)
        return waited_s + pause_s

    async def _rest(self, pause_s: float) -> None:
        async with self._notes.waiting():
            await self._wait(pause_s)

    def _tell(self, item: str, percent: int) -> None:
        self._notes.progress(Progress(self._step.action.verb, item, percent, 100, finished=percent >= 100, percent=True))
