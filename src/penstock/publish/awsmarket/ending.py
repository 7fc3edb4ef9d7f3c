"""From the end of a product's target to its result."""

from collections.abc import Mapping

from penstock.model.catalogue import Cloud
from penstock.model.digest import Digest
from penstock.model.push.journal import ExternalId
from penstock.model.push.receipts import AmiReceipt
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.actions import Phase
from penstock.publish.awsmarket.target import AwsMarketTarget
from penstock.publish.ending import ended
from penstock.publish.execution import TargetEnd
from penstock.publish.plan import Step, StepId


def result_of(
    target: AwsMarketTarget, end: TargetEnd, steps: Mapping[StepId, Step], content: Digest | None, owners: Mapping[str, str]
) -> PushResult:
    """The result of a target that was planned; ``content`` is None for a copied image."""
    image, snapshot = end.made(ExternalId.IMAGE, steps), end.made(ExternalId.SNAPSHOT, steps)
    version = end.made(ExternalId.VERSION, steps, phase=Phase.PUBLISH)
    receipt = AmiReceipt(
        account=target.account,
        owner=owners.get(target.account, ""),
        region=target.place.region,
        image_id=image,
        snapshot_id=snapshot,
        name=target.image_name,
        content=content,
        product=target.product if version else "",
        version=version,
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
