"""The steps of AMIs that go, done through the ports."""

from collections.abc import Mapping
from dataclasses import dataclass

from penstock.model.errors import OperationError
from penstock.model.push.aws import Place, SnapshotInUse
from penstock.model.push.journal import ExternalId, Ids
from penstock.model.push.rhsm import RhsmImage
from penstock.ports.removal import AwsRemover, RhsmHiding
from penstock.publish.delete.actions import DeleteSnapshot, DeregisterImage, HideImage
from penstock.publish.delete.fates import DELETED, KEPT, MISSING
from penstock.publish.execution import StepNotes, Wait
from penstock.publish.plan import Step, StepId

INVISIBLE = "invisible"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a snapshot is tried of which EC2 still thinks that an image has it that was just deregistered."""

    poll_s: float = 3.0
    longest_s: float = 60.0


class AmiPerformer:
    """:class:`penstock.publish.execution.Performer` of deletions in AWS."""

    def __init__(self, accounts: Mapping[str, AwsRemover], rhsm: RhsmHiding | None, *, wait: Wait, patience: Patience) -> None:
        """Use these; ``accounts`` by alias."""
        self._accounts = accounts
        self._rhsm = rhsm
        self._wait = wait
        self._patience = patience
        self._gone: set[tuple[Place, str]] = set()

    async def perform(self, step: Step, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:  # noqa: ARG002  # ids are inputs here
        """See :meth:`penstock.publish.execution.Performer.perform`."""
        match step.action:
            case HideImage() as action:
                return await self._hide(action)
            case DeregisterImage() as action:
                return await self._deregister(action, step, notes)
            case DeleteSnapshot() as action:
                return await self._delete(action, notes)
            case other:
                raise TypeError(f"{other.verb} is no step of a deletion in AWS")

    async def _hide(self, action: HideImage) -> Ids:
        if self._rhsm is None:
            raise OperationError("RHSM is not configured", hint="give --rhsm-url")
        image = RhsmImage(
            image_id=action.image,
            region=action.place.region,
            arch=action.arch.lower(),
            product=action.product,
            version=action.version,
            variant=action.variant,
            image_name=action.name,
            status=INVISIBLE,
        )
        hidden = await self._rhsm.hide_image(image)
        return {ExternalId.IMAGE: action.image, ExternalId.RHSM: INVISIBLE if hidden else "unknown"}

    async def _deregister(self, action: DeregisterImage, step: Step, notes: StepNotes) -> Ids:
        disks = step.known.get(ExternalId.SNAPSHOT, "")
        if disks:
            await notes.note(ExternalId.SNAPSHOT, disks)
        there = await self._accounts[action.place.account].deregister_image(action.place.region, action.image)
        self._gone.add((action.place, action.image))
        return {ExternalId.IMAGE: action.image, ExternalId.DELETED: DELETED if there else MISSING}

    async def _delete(self, action: DeleteSnapshot, notes: StepNotes) -> Ids:
        account, place, waited_s = self._accounts[action.place.account], action.place, 0.0
        while True:
            users = await account.images_of_snapshots(place.region, (action.snapshot,))
            staying = sorted(each.id for each in users if (place, each.id) not in self._gone)
            if staying:
                return {ExternalId.SNAPSHOT: action.snapshot, ExternalId.IMAGE: ", ".join(staying), ExternalId.DELETED: KEPT}
            try:
                there = await account.delete_snapshot(place.region, action.snapshot)
            except SnapshotInUse as error:
                if waited_s >= self._patience.longest_s:
                    return {ExternalId.SNAPSHOT: action.snapshot, ExternalId.DELETED: KEPT}
                await notes.retried(str(error))
            else:
                return {ExternalId.SNAPSHOT: action.snapshot, ExternalId.DELETED: DELETED if there else MISSING}
            async with notes.waiting():
                await self._wait(self._patience.poll_s)
            waited_s += self._patience.poll_s
