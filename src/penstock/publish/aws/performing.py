"""The steps of images on AWS, done through the ports."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from penstock.model.errors import NotFoundError, OperationError, TransientError
from penstock.model.push.accounts import AccountAlias
from penstock.model.push.aws import FoundImage, NameTaken, Place
from penstock.model.push.content import ImageContent
from penstock.model.push.journal import ExternalId, Ids
from penstock.ports.publish import AwsPublisher, ContentFile, ImageFiles
from penstock.publish.actions import PrepareFile
from penstock.publish.aws.actions import (
    CopyImage,
    CopySnapshot,
    CreateBucket,
    ImportSnapshot,
    MakePublic,
    RegisterImage,
    ShareImage,
    ShareSnapshot,
    TagImage,
    TagSnapshot,
    UploadObject,
    WriteSnapshot,
)
from penstock.publish.aws.copying import ImageCopy
from penstock.publish.aws.imports import SnapshotMaker
from penstock.publish.aws.reuse import Conflict, WantedImage, judge_image
from penstock.publish.aws.uploads import ObjectUpload
from penstock.publish.execution import StepNotes, Wait
from penstock.publish.plan import Step, StepId, known_id

_EVERYBODY = "all"
_LOST = frozenset({"failed", "error", "invalid"})


@dataclass(frozen=True, slots=True)
class Pace:
    """How long is waited for what AWS does by itself.

    Attributes:
        first_poll_s: before an import is looked at for the first time, and the shortest pause between two looks.
        poll_s: the longest pause, after a minute and more; upstream's is 15.
        import_s: after which an import has failed; upstream's is 2 hours.
        visible_s: after which a new image must be seen, and be public.
    """

    first_poll_s: float = 2.0
    poll_s: float = 15.0
    import_s: float = 7200.0
    visible_s: float = 300.0


class ImagePerformer:
    """:class:`penstock.publish.execution.Performer` of the steps that make an image and share it.

    * ``UploadObject``: see :class:`~penstock.publish.aws.uploads.ObjectUpload`.
    * ``ImportSnapshot``, ``WriteSnapshot``, ``CopySnapshot``: see :class:`~penstock.publish.aws.imports.SnapshotMaker`.
    * ``RegisterImage``: ``NameTaken`` is looked up and judged as in planning: a parallel run made it (reuse), or it is a conflict; the new
      image is waited for until EC2 shows it as available.
    * ``CopyImage``: see :class:`~penstock.publish.aws.copying.ImageCopy`.
    * ``MakePublic``, and ``ShareImage`` with everybody: verified until ``public`` shows it, at most ``visible_s``.

    Every step about a snapshot or an image gives the id on to those that need it.
    """

    def __init__(
        self,
        publishers: Mapping[AccountAlias, AwsPublisher],
        files: ImageFiles,
        contents: Mapping[str, ImageContent],
        *,
        wait: Wait,
        pace: Pace,
    ) -> None:
        """Use these; ``contents`` by the text of the content's digest."""
        self._publishers = publishers
        self._files = files
        self._contents = contents
        self._wait = wait
        self._pace = pace

    async def perform(self, step: Step, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        """See :meth:`penstock.publish.execution.Performer.perform`."""
        work = _Work(step, outcomes, notes)
        match step.action:
            case PrepareFile() | CreateBucket() | UploadObject() as action:
                return await self._bring(action, work)
            case ImportSnapshot() | WriteSnapshot() | CopySnapshot() as action:
                return await self._make_snapshot(action, work)
            case TagSnapshot() | ShareSnapshot() as action:
                return await self._change_snapshot(action, work)
            case RegisterImage() as action:
                return await self._register(action, work)
            case CopyImage() as action:
                pace = self._pace
                copy = ImageCopy(self._at(action.place), action, notes, wait=self._wait, poll_s=pace.poll_s, longest_s=pace.import_s)
                return await copy.run(work.known(ExternalId.IMAGE))
            case TagImage() | ShareImage() | MakePublic() as action:
                return await self._change_image(action, work)
            case other:
                raise TypeError(f"{other.verb} is no step of an image")

    async def _bring(self, action: PrepareFile | CreateBucket | UploadObject, work: "_Work") -> Ids:
        if isinstance(action, PrepareFile):
            (await self._files.open(action.content, work.notes.progress)).close()
            return {ExternalId.PATH: action.content.src}
        publisher = self._at(action.place)
        if isinstance(action, CreateBucket):
            await publisher.create_bucket(action.place.region, action.bucket)
            return {ExternalId.BUCKET: action.bucket}
        return await ObjectUpload(publisher, action, work.notes).run(work.known(ExternalId.UPLOAD), self._opener(action, work))

    async def _make_snapshot(self, action: ImportSnapshot | WriteSnapshot | CopySnapshot, work: "_Work") -> Ids:
        pace = self._pace
        maker = SnapshotMaker(
            self._at(action.place),
            work.step,
            work.notes,
            wait=self._wait,
            first_poll_s=pace.first_poll_s,
            poll_s=pace.poll_s,
            longest_s=pace.import_s,
        )
        if isinstance(action, ImportSnapshot):
            return await maker.imported(action, lambda: work.needed(ExternalId.OBJECT))
        if isinstance(action, WriteSnapshot):
            return await maker.written(action, self._opener(action, work))
        return await maker.copied(action, lambda: work.needed(ExternalId.SNAPSHOT))

    async def _change_snapshot(self, action: TagSnapshot | ShareSnapshot, work: "_Work") -> Ids:
        snapshot = work.needed(ExternalId.SNAPSHOT)
        publisher, region = self._at(action.place), action.place.region
        if isinstance(action, TagSnapshot):
            await publisher.tag(region, snapshot, action.tags)
        else:
            await publisher.share_snapshot(region, snapshot, action.accounts)
        return {ExternalId.SNAPSHOT: snapshot}

    async def _register(self, action: RegisterImage, work: "_Work") -> Ids:
        snapshot = work.needed(ExternalId.SNAPSHOT)
        publisher, region = self._at(action.place), action.place.region
        try:
            image = await publisher.register_image(region, action.registration, snapshot, tags=action.tags)
        except NameTaken:
            return await self._taken(action, work)
        await work.notes.note(ExternalId.IMAGE, image)
        await self._seen(action.place, image, work, "available", lambda found: found.state == "available")
        return {ExternalId.IMAGE: image, ExternalId.SNAPSHOT: snapshot}

    async def _change_image(self, action: TagImage | ShareImage | MakePublic, work: "_Work") -> Ids:
        image = work.needed(ExternalId.IMAGE)
        publisher, region = self._at(action.place), action.place.region
        if isinstance(action, TagImage):
            await publisher.tag(region, image, action.tags)
            return {ExternalId.IMAGE: image}
        accounts, groups = (action.accounts, action.groups) if isinstance(action, ShareImage) else ((), (_EVERYBODY,))
        await publisher.share_image(region, image, accounts=accounts, groups=groups)
        if _EVERYBODY in groups:
            await self._seen(action.place, image, work, "public", lambda found: found.public)
        return {ExternalId.IMAGE: image}

    async def _taken(self, action: RegisterImage, work: "_Work") -> Ids:
        """The image that has the name already: somebody made it since the plan, or the answer to our own call was lost."""
        publisher, region, name = self._at(action.place), action.place.region, action.registration.name
        waited_s = 0.0
        while not (named := await publisher.images_by_name(region, (name,))):
            waited_s = await self._pause(work, waited_s, f"EC2 says that an image has the name {name}, and shows none")
        roots = {each.id: each for each in await publisher.describe_snapshots(region, [id_ for each in named for id_ in each.snapshots])}
        judged = judge_image(WantedImage(action.registration, action.content, action.tags), named, (), roots)
        if isinstance(judged, Conflict):
            raise OperationError(judged.reason, subject=name, hint="it was made while this run was at work")
        return judged.known

    async def _seen(self, place: Place, image: str, work: "_Work", what: str, fits: Callable[[FoundImage], bool]) -> None:
        waited_s = 0.0
        while True:
            try:
                found = await self._at(place).image(place.region, image)
            except NotFoundError:
                found = None
            if found is not None and fits(found):
                return
            if found is not None and found.state in _LOST:
                raise OperationError(f"the image is {found.state}", subject=image, hint="deregister it and run again")
            waited_s = await self._pause(work, waited_s, f"the image is not {what}", image)

    async def _pause(self, work: "_Work", waited_s: float, problem: str, subject: str = "") -> float:
        if waited_s >= self._pace.visible_s:
            raise TransientError(f"{problem} after {waited_s:.0f} s", subject=subject, hint="run again: what is done is not done twice")
        pause_s = min(1.0 + waited_s, self._pace.poll_s)
        async with work.notes.waiting():
            await self._wait(pause_s)
        return waited_s + pause_s

    def _at(self, place: Place) -> AwsPublisher:
        return self._publishers[AccountAlias.parse(place.account)]

    def _opener(self, action: UploadObject | WriteSnapshot, work: "_Work") -> Callable[[], Awaitable[ContentFile]]:
        content = self._contents[str(action.content)]
        return lambda: self._files.open(content, work.notes.progress)


@dataclass(frozen=True, slots=True)
class _Work:
    """A step with what came before it."""

    step: Step
    outcomes: Mapping[StepId, Ids]
    notes: StepNotes

    def needed(self, kind: ExternalId) -> str:
        return known_id(self.outcomes, self.step, kind)

    def known(self, kind: ExternalId) -> str | None:
        return self.step.known.get(kind)
