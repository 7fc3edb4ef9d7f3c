"""From the end of a community destination on AWS to its result."""

from collections.abc import Mapping

from penstock.model.catalogue import Cloud
from penstock.model.digest import Digest
from penstock.model.push.journal import ExternalId, Ids
from penstock.model.push.receipts import AmiReceipt
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.aws.actions import MakePublic
from penstock.publish.community.target import CommunityTarget
from penstock.publish.ending import ended
from penstock.publish.execution import TargetEnd
from penstock.publish.plan import Step, StepId


def result_of(
    target: CommunityTarget, end: TargetEnd, steps: Mapping[StepId, Step], content: Digest | None, owners: Mapping[str, str]
) -> PushResult:
    """The result of a target that was planned; a conflict is UPLOADFAILED, as everything that fails before the image stands."""
    image, snapshot = end.made(ExternalId.IMAGE, steps), end.made(ExternalId.SNAPSHOT, steps)
    receipt = AmiReceipt(
        account=target.account,
        owner=owners.get(target.account, ""),
        region=target.destination.region,
        image_id=image,
        snapshot_id=snapshot,
        name=target.image_name,
        content=content,
        type=target.type.value,
        public=_was_made_public(end.outcomes, steps),
    )
    made = PushResult(
        order=target.order,
        item=target.item,
        filename=target.image_name,
        state=ItemState.PUSHED,
        cloud=Cloud.AWS.value,
        account=target.account,
        receipts=(receipt,) if image else (),
    )
    return ended(made, target, end)


def _was_made_public(outcomes: Mapping[StepId, Ids], steps: Mapping[StepId, Step]) -> bool:
    return any(isinstance(steps[name].action, MakePublic) for name in outcomes)
