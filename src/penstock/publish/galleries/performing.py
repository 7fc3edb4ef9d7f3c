"""The steps of images for galleries, done through the ports."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from penstock.model.errors import NotFoundError, OperationError, TransientError
from penstock.model.push.galleries import ArmOperation, FoundVersion, GalleryPlace
from penstock.model.push.journal import ExternalId, Ids
from penstock.ports.azuregalleries import GalleryService
from penstock.publish.azure.performing import BlobPerformer
from penstock.publish.execution import StepNotes, Wait
from penstock.publish.galleries.actions import CreateDefinition, CreateGallery, CreateVersion, ReleaseVersion, ShareGallery
from penstock.publish.galleries.judging import GalleryConflict, judge_definition, judge_gallery, judge_version
from penstock.publish.plan import Step, StepId, known_id

_AGAIN = "run again: what is on its way is gone on with"
_BUSY = frozenset({"creating", "updating", "migrating"})


@dataclass(frozen=True, slots=True)
class GalleryPace:
    """How long is waited for what Azure does by itself.

    Attributes:
        poll_s: between two looks, unless Azure asks for longer ones.
        visible_s: after which what was made must be seen.
        longest_s: after which a step takes too long; replicating a large disk to many regions takes an hour.
    """

    poll_s: float = 10.0
    visible_s: float = 300.0
    longest_s: float = 4 * 3600.0


class _Stateful(Protocol):
    @property
    def state(self) -> str: ...


S = TypeVar("S", bound=_Stateful)


class GalleryPerformer:
    """:class:`penstock.publish.execution.Performer` of images for galleries.

    Everything is looked at first; what is there, or is being made, is judged as in planning, then waited for.  The address of an operation
    may hold a signature, so what is in the journal of it has no query, and a later run looks at the resource itself.
    """

    def __init__(self, services: Mapping[str, GalleryService], blobs: BlobPerformer, *, wait: Wait, pace: GalleryPace) -> None:
        """Use these; services by alias."""
        self._services = services
        self._blobs = blobs
        self._wait = wait
        self._pace = pace

    async def perform(self, step: Step, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        """See :meth:`penstock.publish.execution.Performer.perform`."""
        match step.action:
            case CreateGallery() as action:
                return await self._gallery(action, notes)
            case CreateDefinition() as action:
                return await self._definition(action, notes)
            case CreateVersion() as action:
                return await self._version(action, step, outcomes, notes)
            case ReleaseVersion() as action:
                return await self._release(action, notes)
            case ShareGallery() as action:
                return await self._share(action, notes)
            case _:
                return await self._blobs.perform(step, outcomes, notes)

    async def _gallery(self, action: CreateGallery, notes: StepNotes) -> Ids:
        service, name = self._services[action.account], action.gallery.gallery
        found = await service.gallery(action.gallery)
        if found is None:
            await self._finished(service, await service.put_gallery(action.gallery, action.location, action.community), name, notes)
            found = await self._settled(lambda: service.gallery(action.gallery), name, notes)
        elif found.state.lower() in _BUSY:
            found = await self._settled(lambda: service.gallery(action.gallery), name, notes)
        _must_agree(lambda: judge_gallery(name, found, community=action.community is not None))
        return {ExternalId.RESOURCE: action.gallery.resource_id}

    async def _definition(self, action: CreateDefinition, notes: StepNotes) -> Ids:
        service = self._services[action.account]
        name, resource = f"{action.gallery.gallery}/{action.image}", f"{action.gallery.resource_id}/images/{action.image}"
        found = await service.definition(action.gallery, action.image)
        if found is None:
            await self._finished(service, await service.put_definition(action.gallery, action.image, action.wish), name, notes)
            found = await self._settled(lambda: service.definition(action.gallery, action.image), name, notes)
        elif found.state.lower() in _BUSY:
            found = await self._settled(lambda: service.definition(action.gallery, action.image), name, notes)
        _must_agree(lambda: judge_definition(name, action.wish, found))
        return {ExternalId.RESOURCE: resource}

    async def _version(self, action: CreateVersion, step: Step, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        service = self._services[action.account]
        at = (action.gallery, action.image, action.version)
        name = f"{action.gallery.gallery}/{action.image} {action.version}"
        found = await service.version(*at)
        if found is None or found.state.lower() == "failed":
            if not step.needs:  # the plan went on with a version that was being made, and it is gone
                raise TransientError("the version that was being made is gone, or failed", subject=name, hint=_AGAIN)
            blob = known_id(outcomes, step, ExternalId.BLOB)
            await self._finished(service, await service.put_version(*at, action.wish, blob=blob), name, notes)
        found = await self._settled(lambda: service.version(*at), name, notes)
        _must_agree(lambda: judge_version(name, action.content, found))
        if found.state.lower() == "failed":
            raise OperationError("the version could not be made", subject=name, hint="the next run makes it again")
        resource = f"{action.gallery.resource_id}/images/{action.image}/versions/{action.version}"
        return {ExternalId.VERSION: action.version, ExternalId.RESOURCE: resource}

    async def _release(self, action: ReleaseVersion, notes: StepNotes) -> Ids:
        service = self._services[action.account]
        at = (action.gallery, action.image, action.version)
        name = f"{action.gallery.gallery}/{action.image} {action.version}"
        found = await self._settled(lambda: service.version(*at), name, notes)
        if found.exclude_from_latest:
            await self._finished(service, await service.set_excluded(*at, excluded=False), name, notes)

            async def look() -> FoundVersion | None:
                return await service.version(*at)

            found = await self._settled(look, name, notes)
            if found.exclude_from_latest:
                raise OperationError("the version is still excluded from latest", subject=name, hint=_AGAIN)
        return {}

    async def _share(self, action: ShareGallery, notes: StepNotes) -> Ids:
        service, name = self._services[action.account], action.gallery.gallery
        found = await service.gallery(action.gallery)
        if found is None or not found.public_names:
            await self._finished(service, await service.share(action.gallery), name, notes)
        return {ExternalId.RESOURCE: await self._public_name(service, action.gallery, notes)}

    async def _public_name(self, service: GalleryService, place: GalleryPlace, notes: StepNotes) -> str:
        waited_s = 0.0
        while True:
            found = await service.gallery(place)
            if found is not None and found.public_names:
                return found.public_names[0]
            waited_s = await self._pause(waited_s, f"{place.gallery} has no public name", notes)

    async def _finished(self, service: GalleryService, operation: ArmOperation, name: str, notes: StepNotes) -> None:
        """Wait for the end of an operation.

        Raises:
            OperationError: it failed.
            TransientError: it takes too long.
        """
        if operation.shown:
            await notes.note(ExternalId.OPERATION, operation.shown)
        waited_s = 0.0
        while not operation.done:
            waited_s = await self._pause(waited_s, f"{name} is not ready", notes, operation.wait_s)
            try:
                operation = await service.operation(operation)
            except NotFoundError:  # forgotten: what it was for is looked at next
                return
        if operation.error:
            raise OperationError(operation.error, subject=name, hint="mend it, delete what failed, and run again")

    async def _settled(self, look: Callable[[], Awaitable[S | None]], name: str, notes: StepNotes) -> S:
        """What stands there, once nothing of it is being made."""
        waited_s = 0.0
        while (found := await look()) is None or found.state.lower() in _BUSY:
            if found is None and waited_s >= self._pace.visible_s:
                raise TransientError("it was made, and is not there", subject=name, hint=_AGAIN)
            waited_s = await self._pause(waited_s, f"{name} is not ready", notes)
        return found

    async def _pause(self, waited_s: float, problem: str, notes: StepNotes, at_least_s: float = 0.0) -> float:
        if waited_s >= self._pace.longest_s:
            raise TransientError(f"{problem} after {waited_s:.0f} s", hint=_AGAIN)
        pause_s = max(self._pace.poll_s, at_least_s)
        async with notes.waiting():
            await self._wait(pause_s)
        return waited_s + pause_s


def _must_agree(judge: Callable[[], object]) -> None:
    """Raise what planning would have told as a conflict.

    Raises:
        OperationError: something else was made meanwhile, or the work failed.
    """
    try:
        judge()
    except GalleryConflict as error:
        raise OperationError(str(error), hint="it was made, or failed, while this run was at work") from None
