"""How a push ended as a whole; each shell has its own number for it."""

from collections.abc import Iterable
from enum import StrEnum

from penstock.model.errors import ExitCode
from penstock.model.push.results import PushResult
from penstock.publish.community.push import Prepared


class Outcome(StrEnum):
    """Of a push, or of its rehearsal."""

    DONE = "done"
    PARTLY = "partly"
    """Some destinations failed, or items have no mapping; the others are done."""
    FAILED = "failed"
    """All failed, or the run was stopped, or there was nothing to push."""

    def exit_code(self, *, best_effort: bool) -> ExitCode:
        """What ``penstock publish`` tells its caller."""
        if self is Outcome.PARTLY:
            return ExitCode.DONE if best_effort else ExitCode.PARTLY
        return ExitCode.DONE if self is Outcome.DONE else ExitCode.FAILED

    @property
    def upstream_code(self) -> int:
        """What the program under its upstream name tells: 0, or 30 for whatever is not all done."""
        return 0 if self is Outcome.DONE else 30


def outcome_of_results(results: Iterable[PushResult], *, stopped: bool) -> Outcome:
    """Of a push that was carried out."""
    states = [each.state.good for each in results]
    return _outcome(good=sum(states), bad=len(states) - sum(states), stopped=stopped)


def outcome_of_plan(prepared: Prepared) -> Outcome:
    """What carrying it out would come to, as far as that is known before."""
    planned = {each.label for each in prepared.plan.targets if not each.conflict}
    unplanned = {each.label for each in prepared.enriched.targets} - planned
    good, bad = len(planned), len(unplanned) + len(prepared.enriched.failed) + len(prepared.unmapped)
    return _outcome(good=good, bad=bad, stopped=prepared.stopped)


def _outcome(*, good: int, bad: int, stopped: bool) -> Outcome:
    if stopped or not good:
        return Outcome.FAILED
    return Outcome.PARTLY if bad else Outcome.DONE
