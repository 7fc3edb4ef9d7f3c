"""From the end of a destination to its result."""

import json
from collections.abc import Mapping
from dataclasses import replace

from penstock.model.digest import Digest
from penstock.model.push.journal import ExternalId, Ids
from penstock.model.push.receipts import AmiReceipt
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.actions import MakePublic
from penstock.publish.community.target import CommunityTarget, FailedTarget
from penstock.publish.execution import TargetEnd
from penstock.publish.mapping import Unmapped
from penstock.publish.plan import Step, StepId
from penstock.publish.preflight import Finding

_CLOUD = "aws"


def result_of(
    target: CommunityTarget, end: TargetEnd, steps: Mapping[StepId, Step], content: Digest, owners: Mapping[str, str]
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
        cloud=_CLOUD,
        account=target.account,
        receipts=(receipt,) if image else (),
    )
    if end.target.conflict:
        return _unnamed(made, target).become(ItemState.UPLOADFAILED, end.target.conflict)
    if end.failure is None:
        return made
    reason = f"{end.failure.step.action.verb}: {end.failure.error}"
    if end.failure.step.action.phase.releases:
        return made.become(ItemState.NOTPUSHED, reason)
    return _unnamed(made, target).become(ItemState.UPLOADFAILED, reason)


def failed_result(failed: FailedTarget) -> PushResult:
    """The result of a destination of which something was wrong from the beginning."""
    return PushResult(
        order=failed.order,
        item=failed.item,
        filename=failed.item.name,
        state=ItemState.UPLOADFAILED,
        cloud=_CLOUD,
        account=failed.account,
        reason=failed.reason,
    )


def stopped_result(target: CommunityTarget, finding: Finding | None) -> PushResult:
    """The result of a target for which nothing was tried; ``finding`` says why, and None that others stopped the run."""
    return PushResult(
        order=target.order,
        item=target.item,
        filename=target.source.name,
        state=finding.state if finding else ItemState.PENDING,
        cloud=_CLOUD,
        account=target.account,
        reason=finding.problem if finding else "the run stopped before anything was done",
    )


def unmapped_result(unmapped: Unmapped) -> PushResult:
    """The result of an item that goes nowhere; it is in no file of upstream's, and the shell leaves it out there."""
    order = (unmapped.order, 0)
    return PushResult(order=order, item=unmapped.item, filename=unmapped.item.name, state=ItemState.NOTPUSHED, reason=unmapped.reason)


def result_detail(result: PushResult, label: str = "") -> str:
    """The result as the journal keeps it: JSON with what ``publish status`` shows; ``label`` is that of a planned target."""
    tree = {
        "label": label,
        "account": result.account,
        "destination": list(result.item.dest),
        "filename": result.filename,
        "state": result.state.value,
        "images": [receipt.image_id for receipt in result.receipts],
        "reason": result.reason,
    }
    return json.dumps(tree, ensure_ascii=False)


def _was_made_public(outcomes: Mapping[StepId, Ids], steps: Mapping[StepId, Step]) -> bool:
    return any(isinstance(steps[name].action, MakePublic) for name in outcomes)


def _unnamed(result: PushResult, target: CommunityTarget) -> PushResult:
    """Upstream shows the file's name of an item that was not uploaded."""
    return replace(result, filename=target.source.name)
