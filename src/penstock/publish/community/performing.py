"""The steps of the community workflow, done through the ports."""

from collections.abc import Mapping

from penstock.model.errors import OperationError
from penstock.model.push.journal import ExternalId, Ids
from penstock.model.push.rhsm import RhsmImage
from penstock.ports.publish import RhsmService
from penstock.publish.aws.actions import RhsmRegion, RhsmRegistration
from penstock.publish.aws.performing import ImagePerformer
from penstock.publish.execution import StepNotes
from penstock.publish.plan import Step, StepId, known_id


class CommunityPerformer:
    """:class:`penstock.publish.execution.Performer` of the community workflow: RHSM is told here, the rest is of images."""

    def __init__(self, images: ImagePerformer, rhsm: RhsmService | None) -> None:
        """Use these."""
        self._images = images
        self._rhsm = rhsm

    async def perform(self, step: Step, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        """See :meth:`penstock.publish.execution.Performer.perform`."""
        if not isinstance(step.action, RhsmRegion | RhsmRegistration):
            return await self._images.perform(step, outcomes, notes)
        if self._rhsm is None:
            raise OperationError("RHSM is not configured", hint="give --rhsm-url")
        action = step.action
        if isinstance(action, RhsmRegion):
            await self._rhsm.ensure_region(action.region, action.provider)
            return {}
        image = RhsmImage(
            image_id=known_id(outcomes, step, ExternalId.IMAGE),
            region=action.place.region,
            arch=action.arch.lower(),
            product=action.product,
            version=action.version,
            variant=action.variant,
            image_name=action.name,
        )
        entered = await self._rhsm.put_image(image)
        return {ExternalId.IMAGE: image.image_id, ExternalId.RHSM: "created" if entered else "updated"}
