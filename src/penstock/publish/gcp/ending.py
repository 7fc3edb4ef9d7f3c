"""From the end of a destination in Google Cloud to its result."""

from collections.abc import Mapping

from penstock.model.catalogue import Cloud
from penstock.model.digest import Digest
from penstock.model.push.journal import ExternalId
from penstock.model.push.receipts import GcpReceipt
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.ending import ended
from penstock.publish.execution import TargetEnd
from penstock.publish.gcp.actions import MakeGcePublic, SetFamily
from penstock.publish.gcp.target import GcpTarget
from penstock.publish.plan import Step, StepId


def result_of_gcp(target: GcpTarget, end: TargetEnd, steps: Mapping[StepId, Step], content: Digest) -> PushResult:
    """The result of a target that was planned."""
    number = end.made(ExternalId.IMAGE, steps)
    done = [type(steps[name].action) for name in end.outcomes]
    receipt = GcpReceipt(
        account=target.account,
        project=target.project,
        name=target.image_name,
        content=content,
        family=target.family if SetFamily in done else "",
        number=number,
        public=MakeGcePublic in done,
    )
    made = PushResult(
        order=target.order,
        item=target.item,
        filename=target.image_name,
        state=ItemState.PUSHED,
        cloud=Cloud.GCP.value,
        account=target.account,
        receipts=(receipt,) if number else (),
    )
    return ended(made, target, end)
