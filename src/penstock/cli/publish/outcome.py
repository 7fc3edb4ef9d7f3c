"""How a push or a deletion ended as a whole; each shell has its own number for it."""

from collections.abc import Iterable
from enum import StrEnum

from penstock.model.errors import ExitCode
from penstock.model.push.results import PushResult
from penstock.publish.findings import Stops
from penstock.publish.pushing import PreparedPush


class Outcome(StrEnum):
    """Of a run, or of its rehearsal; the value is the end that its journal tells."""

    DONE = "done"
    PARTLY = "partly"
    """Some destinations failed, or items have no mapping; the others are done."""
    FAILED = "failed"
    """All failed, or the run was stopped, or there was nothing to push."""
    UNREACHABLE = "unreachable"
    """All failed, each because somebody could not be reached: it may go well later.  Its code is that of all that failed."""

    def exit_code(self, *, best_effort: bool) -> ExitCode:
        """What ``penstock publish`` tells its caller."""
        match self:
            case Outcome.DONE:
                return ExitCode.DONE
            case Outcome.PARTLY:
                return ExitCode.DONE if best_effort else ExitCode.PARTLY
            case _:
                return ExitCode.FAILED

    @property
    def upstream_code(self) -> int:
        """What the program under its upstream name tells: 0, or 30 for whatever is not all done."""
        return 0 if self is Outcome.DONE else 30


def outcome_of_results(results: Iterable[PushResult], *, stopped: bool) -> Outcome:
    """Of a run that was carried out."""
    seen = list(results)
    bad = [each for each in seen if not each.good]
    return _outcome(good=len(seen) - len(bad), bad=len(bad), transient=sum(each.transient for each in bad), stopped=stopped)


def outcome_of_plan(prepared: PreparedPush) -> Outcome:
    """What carrying it out would come to, as far as that is known before."""
    planned = {each.label for each in prepared.plan.targets if not each.conflict}
    unplanned = {each.label for part in prepared.parts for each in part.enriched.targets} - planned
    failed = sum(len(part.enriched.failed) for part in prepared.parts)
    unreached = {label for each in prepared.findings if each.transient and each.stops is not Stops.NOTHING for label in each.labels}
    return _outcome(
        good=len(planned),
        bad=len(unplanned) + failed + len(prepared.unmapped),
        transient=len(unplanned & unreached) + sum(each.transient for each in prepared.unmapped),
        stopped=prepared.stopped,
    )


def _outcome(*, good: int, bad: int, transient: int, stopped: bool) -> Outcome:
    if bad and bad == transient and not good:
        return Outcome.UNREACHABLE
    if stopped or not good:
        return Outcome.FAILED
    return Outcome.PARTLY if bad else Outcome.DONE
