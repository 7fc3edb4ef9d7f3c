"""From the end of a destination in a gallery to its result."""

from collections.abc import Mapping

from penstock.model.catalogue import Cloud
from penstock.model.digest import Digest
from penstock.model.push.journal import ExternalId
from penstock.model.push.receipts import GalleryReceipt
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.actions import Phase
from penstock.publish.ending import ended
from penstock.publish.execution import TargetEnd
from penstock.publish.galleries.target import GalleryTarget
from penstock.publish.plan import Step, StepId


def result_of_gallery(target: GalleryTarget, end: TargetEnd, steps: Mapping[StepId, Step], content: Digest) -> PushResult:
    """The result of a target that was planned."""
    version, image = end.made(ExternalId.VERSION, steps), target.destination.image
    public = end.made(ExternalId.RESOURCE, steps, phase=Phase.PUBLIC)
    receipt = GalleryReceipt(
        account=target.account,
        resource_id=_resource_of_version(end, steps),
        gallery=target.destination.gallery,
        image=image,
        version=version,
        regions=target.meta.regions,
        content=content,
        community_name=f"/CommunityGalleries/{public}/Images/{image}/Versions/{version}" if public else "",
    )
    made = PushResult(
        order=target.order,
        item=target.item,
        filename=f"{target.destination}/{target.version}",
        state=ItemState.PUSHED,
        cloud=Cloud.AZURE.value,
        account=target.account,
        receipts=(receipt,) if version else (),
    )
    return ended(made, target, end)


def _resource_of_version(end: TargetEnd, steps: Mapping[StepId, Step]) -> str:
    """Galleries and definitions are resources too."""
    made = (each for name, each in end.outcomes.items() if ExternalId.VERSION in each and name in steps)
    return next((each[ExternalId.RESOURCE] for each in made), "")
