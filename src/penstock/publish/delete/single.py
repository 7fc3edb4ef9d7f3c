"""VHDs of Azure and images of Google Cloud: what stands, what is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.model.errors import OperationError, TransientError
from penstock.model.push.blobs import BlobName
from penstock.model.push.journal import ExternalId, Ids
from penstock.ports.removal import BlobRemover, GcpRemover
from penstock.publish.actions import Action
from penstock.publish.delete.actions import DeleteBlob, DeleteGceImage
from penstock.publish.delete.fates import DELETED, MISSING, Fate
from penstock.publish.delete.target import DeleteTarget
from penstock.publish.execution import StepNotes, Wait
from penstock.publish.plan import Plan, PlanBuilder, Step, StepId, Verdict


def plan_single(targets: Sequence[DeleteTarget], actions: Mapping[str, Action], fates: Mapping[str, Fate]) -> Plan:
    """One step for each target that stands somewhere; ``actions`` by label.  Pure."""
    builder = PlanBuilder()
    for target in targets:
        problem = fates[target.label].problem
        action = actions.get(target.label)
        if problem is not None:
            builder.conflict(target.label, str(problem))
        else:
            builder.target(target.label, [] if action is None else [builder.add(action, Verdict.DELETE, "it is there")])
    return builder.plan()


class BlobPerformer:
    """:class:`penstock.publish.execution.Performer` of deletions in storage accounts of Azure; ``accounts`` by alias."""

    def __init__(self, accounts: Mapping[str, BlobRemover]) -> None:
        """Use these."""
        self._accounts = accounts

    async def perform(self, step: Step, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:  # noqa: ARG002  # nothing is waited for
        """See :meth:`penstock.publish.execution.Performer.perform`."""
        match step.action:
            case DeleteBlob() as action:
                account, at = self._accounts[action.account], BlobName(action.container, action.name)
                there = await account.delete_blob(at)
                return {ExternalId.BLOB: account.address(at), ExternalId.DELETED: DELETED if there else MISSING}
            case other:
                raise TypeError(f"{other.verb} is no step of a deletion in Azure")


@dataclass(frozen=True, slots=True)
class OperationPatience:
    """How long Google Cloud may take to delete an image."""

    poll_s: float = 2.0
    longest_s: float = 900.0


class GcePerformer:
    """:class:`penstock.publish.execution.Performer` of deletions in projects of Google Cloud; ``accounts`` by alias."""

    def __init__(self, accounts: Mapping[str, GcpRemover], *, wait: Wait, patience: OperationPatience) -> None:
        """Use these."""
        self._accounts = accounts
        self._wait = wait
        self._patience = patience

    async def perform(self, step: Step, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:  # noqa: ARG002  # ids are inputs here
        """See :meth:`penstock.publish.execution.Performer.perform`."""
        match step.action:
            case DeleteGceImage() as action:
                return await self._delete(action, notes)
            case other:
                raise TypeError(f"{other.verb} is no step of a deletion in Google Cloud")

    async def _delete(self, action: DeleteGceImage, notes: StepNotes) -> Ids:
        account, waited_s = self._accounts[action.account], 0.0
        ids = {ExternalId.RESOURCE: f"projects/{action.project}/global/images/{action.name}"}
        operation = await account.delete_image(action.project, action.name)
        if operation is None:
            return {**ids, ExternalId.DELETED: MISSING}
        await notes.note(ExternalId.OPERATION, operation)
        while not (seen := await account.operation(action.project, operation)).done:
            if waited_s >= self._patience.longest_s:
                raise TransientError(f"it is not deleted after {waited_s:.0f} s", subject=action.name, hint="run again")
            async with notes.waiting():
                await self._wait(self._patience.poll_s)
            waited_s += self._patience.poll_s
        if seen.error:
            raise OperationError(seen.error, subject=action.name)
        return {**ids, ExternalId.DELETED: DELETED}
