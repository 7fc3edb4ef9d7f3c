"""One way of images into a cloud: what every workflow is to a push, and what it has found out before anything is done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol

from penstock.model.catalogue import Cloud
from penstock.model.errors import PenstockError, VerificationError
from penstock.model.push.content import ImageContent
from penstock.model.push.items import PushItem
from penstock.model.push.journal import Ids, JournalEvent
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.model.starmap import StarmapEntity
from penstock.publish.ending import failed_result, stopped_result, unmapped_result
from penstock.publish.execution import Performer, StepNotes, TargetEnd
from penstock.publish.findings import Finding, Stops
from penstock.publish.mapping import Unmapped
from penstock.publish.plan import Plan, Step, StepId
from penstock.publish.targets import Enriched, T, Target

Ending = Callable[[T, TargetEnd, Mapping[StepId, Step]], PushResult]
"""From the end of a planned target to its result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared(Generic[T]):
    """A workflow before anything is done.

    Attributes:
        cloud: of all its targets.
        enriched: the targets, and what became of the other destinations.
        plan: of the targets that nothing stops.
        performer: does the steps of ``plan``.
        ending: see :data:`Ending`.
        unmapped: items without a mapping, which it must not be without.
        passed_over: items without a mapping, which is no fault: they are told.
        contents: of the files, by ``item.src``.
        unmeasured: why a file could not be measured, by ``item.src``.
        findings: of preflight.
        queries: the entities that items go by, by the number of the item, where results tell them (in marketplaces).
    """

    cloud: Cloud
    enriched: Enriched[T]
    plan: Plan
    performer: Performer
    ending: Ending[T]
    unmapped: tuple[Unmapped, ...] = ()
    passed_over: tuple[Unmapped, ...] = ()
    contents: Mapping[str, ImageContent] = field(default_factory=dict)
    unmeasured: Mapping[str, PenstockError] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    queries: Mapping[int, StarmapEntity] = field(default_factory=dict)

    @property
    def stopped(self) -> bool:
        """Whether nothing of it may be done at all."""
        return stops_all(self.findings)

    def known_results(self) -> list[PushResult]:
        """The results of what is not planned: destinations of which something is wrong, and those that preflight bars."""
        known = [*(failed_result(each, self.cloud) for each in self.enriched.failed), *self._not_planned()]
        return [self._told(each) for each in known]

    def result(self, end: TargetEnd) -> PushResult:
        """The result of a planned target."""
        target = next(each for each in self.enriched.targets if each.label == end.target.label)
        return self._told(self.ending(target, end, self.plan.by_id()))

    def _told(self, result: PushResult) -> PushResult:
        entity = self.queries.get(result.order[0])
        return result if entity is None else replace(result, starmap_query=entity)

    def _not_planned(self) -> list[PushResult]:
        stops = (Stops.RUN, Stops.TARGETS) if self.stopped else (Stops.TARGETS,)
        named = {label: each for each in self.findings if each.stops in stops for label in each.labels}
        planned = set() if self.stopped else {each.label for each in self.plan.targets}
        results = []
        for target in self.enriched.targets:
            if target.label not in planned:
                result = stopped_result(target, named.get(target.label), self.cloud)
                error = self.unmeasured.get(target.item.src)
                if error is not None:
                    wrong = ItemState.INVALIDFILE if isinstance(error, VerificationError) else ItemState.UPLOADFAILED
                    result = result.become(wrong, str(error))
                results.append(result)
        return results


class Workflow(Protocol):
    """One way of images into a cloud."""

    async def prepare(self, items: Mapping[int, PushItem], earlier: Sequence[JournalEvent], *, keep_files: bool) -> Prepared[Any]:
        """Find out everything; reading calls only.  Files are not read where it is known before that nothing will be done.

        Args:
            items: all of the run by their number; those that are none of its business it leaves alone.
            earlier: what earlier runs noted, ``RunBook.earlier``.
            keep_files: whether decompressed disks stay for the work; False on a dry run.

        Raises:
            PenstockError: nothing can be found out at all.
        """


def nothing_to_do(cloud: Cloud) -> Prepared[Any]:
    """A workflow for which there are no images."""
    return Prepared(cloud=cloud, enriched=Enriched(()), plan=Plan((), ()), performer=_Nobody(), ending=_no_ending)


class _Nobody:
    """:class:`penstock.publish.execution.Performer` of a plan without steps."""

    async def perform(self, step: Step, _outcomes: Mapping[StepId, Ids], _notes: StepNotes) -> Ids:
        raise AssertionError(step.action.verb)


def _no_ending(_target: Target, end: TargetEnd, _steps: Mapping[StepId, Step]) -> PushResult:
    raise AssertionError(end.target.label)


def stops_all(findings: Sequence[Finding]) -> bool:
    """Whether one of these stops the whole workflow."""
    return any(each.stops is Stops.RUN for each in findings)


__all__ = ["Ending", "Prepared", "Workflow", "stops_all", "unmapped_result"]
