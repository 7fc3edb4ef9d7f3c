"""What becomes of targets, as far as it is known before, and in the end."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError, PenstockError, TransientError
from penstock.model.push.journal import ExternalId, Ids
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.actions import Phase
from penstock.publish.delete.target import DeleteTarget
from penstock.publish.execution import TargetEnd
from penstock.publish.plan import Step, StepId
from penstock.publish.workflow import Prepared

DELETED, MISSING, KEPT = "deleted", "missing", "kept"
"""The values of ``ExternalId.DELETED``."""

X = TypeVar("X")


@dataclass(frozen=True, slots=True)
class Fate:
    """What was found out of a target.

    Attributes:
        account: that it stands in; ``""`` where it stands in none, or nobody knows.
        problem: why nobody knows, or nothing can be done; None where all is well.
        notes: what stays, and why, for people.
    """

    account: str = ""
    problem: PenstockError | None = None
    notes: tuple[str, ...] = ()


def unnamed(target: DeleteTarget) -> PenstockError | None:
    """Why it cannot even be looked for; None where it can."""
    if not target.subject:
        hint = "name the task that pushed it (pub:…?task_id=N): its list has the ids"
        return InputError("the source does not say which image it became", subject=target.item.label, hint=hint)
    if not target.accounts:
        hint = "its list has neither cloud_info nor a known marketplace_entity_type; give credentials of the accounts to look in"
        return InputError("nothing says in which account it stands", subject=target.subject, hint=hint)
    return None


async def first_found(
    accounts: Sequence[str], closed: Mapping[str, PenstockError], look: Callable[[str], Awaitable[X | None]]
) -> tuple[str, X] | None:
    """The first of these accounts that has it, with what it has; None where none has.

    An account that cannot be asked does not matter where another one has it: which of two an image is in is often not said, and who
    deletes has the credentials of one.  Where none has it, nobody knows that it is gone.

    Args:
        accounts: aliases, in the order in which they are asked.
        closed: why some accounts cannot be asked at all.
        look: asks one.

    Raises:
        PenstockError: none has it, as far as they could be asked, and one of them could not: the first one's reason.
    """
    problems: list[PenstockError] = []
    for account in accounts:
        try:
            if account in closed:
                raise closed[account]
            found = await look(account)
        except PenstockError as error:
            problems.append(error)
            continue
        if found is not None:
            return account, found
    if problems:
        raise problems[0]
    return None


def deleted_result(
    cloud: Cloud, fates: Mapping[str, Fate], target: DeleteTarget, end: TargetEnd, steps: Mapping[StepId, Step]
) -> PushResult:
    """The result of a target.

    =====================================================  ============================
    what                                                   state
    =====================================================  ============================
    its build is not asked for                             as it was
    an account could not be asked, or its deletion failed  as it was, and ``failed``
    it is gone, and something of it went in this run       DELETED
    it was gone before                                     MISSING
    a snapshot is in use, or RHSM did not hide the image   DELETED, with the reason
    a snapshot could not be deleted                        DELETED, and ``failed``
    =====================================================  ============================
    """
    fate = fates.get(target.label, Fate())
    result = PushResult(
        order=target.order,
        item=target.item,
        filename=target.item.name,
        state=target.item.state,
        cloud=cloud.value if fate.account or target.item.cloud_info else "",
        account=fate.account or target.account or "nowhere",
        failed=False,
    )
    if not target.listed:
        return result
    if fate.problem is not None:
        return result.fail(str(fate.problem), transient=isinstance(fate.problem, TransientError))
    outcomes = [end.outcomes[name] for name in end.target.steps if name in end.outcomes and steps[name].action.phase is Phase.DELETE]
    failures = [each for each in end.failures if each.step.action.phase is Phase.DELETE]
    warnings = [*fate.notes, *_kept(outcomes)]
    warnings += [f"{each.step.action.verb}: {each.error}" for each in end.failures if each not in failures]
    words = {each.get(ExternalId.DELETED) for each in outcomes}
    state = ItemState.DELETED if DELETED in words else target.item.state if failures else ItemState.MISSING
    if failures:
        reason = "; ".join([f"{failures[0].step.action.verb}: {failures[0].error}", *warnings])
        return result.become(state, reason).fail(reason, transient=isinstance(failures[0].error, TransientError))
    return result.become(state, "; ".join(warnings))


def _kept(outcomes: Sequence[Ids]) -> list[str]:
    kept = [each for each in outcomes if each.get(ExternalId.DELETED) == KEPT]
    return [
        f"{each.get(ExternalId.SNAPSHOT, 'its snapshot')} stays: {each.get(ExternalId.IMAGE, 'an image')} has it as a disk" for each in kept
    ]


def skipped_results(prepared: Prepared[DeleteTarget]) -> list[PushResult]:
    """The results of a deletion that is not done: SKIPPED for what would go, the others as they would be."""
    results = []
    for planned in prepared.plan.targets:
        result = prepared.result(TargetEnd(planned, {}))
        results.append(result.become(ItemState.SKIPPED, result.reason) if planned.steps else result)
    return results
