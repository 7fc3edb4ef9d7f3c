"""From what became of an item at a destination to its result: what all workflows have in common."""

import json
from dataclasses import replace

from penstock.model.catalogue import Cloud
from penstock.model.errors import TransientError
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.execution import TargetEnd
from penstock.publish.findings import Finding
from penstock.publish.mapping import Unmapped
from penstock.publish.targets import FailedTarget, Target


def ended(made: PushResult, target: Target, end: TargetEnd) -> PushResult:
    """``made``, the result of a target of which everything went well, as it is after ``end``.

    A conflict, and what fails before the image stands, is UPLOADFAILED under the file's name, as upstream shows it; what fails from there
    on (``Phase.releases``) is NOTPUSHED.
    """
    if end.target.conflict:
        return _unnamed(made, target).become(ItemState.UPLOADFAILED, end.target.conflict)
    if end.failure is None:
        return made
    reason = f"{end.failure.step.action.verb}: {end.failure.error}"
    transient = isinstance(end.failure.error, TransientError)
    if end.failure.step.action.phase.releases:
        return made.become(ItemState.NOTPUSHED, reason, transient=transient)
    return _unnamed(made, target).become(ItemState.UPLOADFAILED, reason, transient=transient)


def _unnamed(result: PushResult, target: Target) -> PushResult:
    return replace(result, filename=target.source.name)


def failed_result(failed: FailedTarget, cloud: Cloud) -> PushResult:
    """The result of a destination of which something was wrong from the beginning."""
    return PushResult(
        order=failed.order,
        item=failed.item,
        filename=failed.item.name,
        state=ItemState.UPLOADFAILED,
        cloud=cloud.value,
        account=failed.account,
        reason=failed.reason,
    )


def stopped_result(target: Target, finding: Finding | None, cloud: Cloud) -> PushResult:
    """The result of a target for which nothing was tried; ``finding`` says why, and None that others stopped the run."""
    return PushResult(
        order=target.order,
        item=target.item,
        filename=target.source.name,
        state=finding.state if finding else ItemState.PENDING,
        cloud=cloud.value,
        account=target.account,
        reason=finding.problem if finding else "the run stopped before anything was done",
        transient=finding is not None and finding.transient,
    )


def unmapped_result(unmapped: Unmapped) -> PushResult:
    """The result of an item that goes nowhere; it is in no file of upstream's, and the shell leaves it out there."""
    return PushResult(
        order=(unmapped.order, 0),
        item=unmapped.item,
        filename=unmapped.item.name,
        state=ItemState.NOTPUSHED,
        reason=unmapped.reason,
        transient=unmapped.transient,
    )


def result_detail(result: PushResult, label: str = "") -> str:
    """The result as the journal keeps it: JSON with what ``publish status`` shows; ``label`` is that of a planned target."""
    tree = {
        "label": label,
        "account": result.account,
        "destination": list(result.item.dest),
        "filename": result.filename,
        "state": result.state.value,
        "images": [receipt.key for receipt in result.receipts],
        "good": result.good,
        "reason": result.reason,
    }
    return json.dumps(tree, ensure_ascii=False)
