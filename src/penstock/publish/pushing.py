"""A push from its sources to its results: any number of workflows, one plan, one journal."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from penstock.model.push.content import ImageContent
from penstock.model.push.items import PushItem, SourceListing
from penstock.model.push.journal import EventKind, Ids, JournalEvent
from penstock.model.push.results import PushResult
from penstock.ports import PreciseClock, ProgressSink
from penstock.ports.publish import ImageFiles, PushJournal, PushSource
from penstock.publish.ending import result_detail, unmapped_result
from penstock.publish.execution import Limits, Performer, StepNotes, StepWatcher, execute
from penstock.publish.findings import Finding
from penstock.publish.mapping import Unmapped
from penstock.publish.plan import Plan, Step, StepId, merged_plan
from penstock.publish.workflow import Prepared, Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a push works with, whatever its workflows.

    Attributes:
        files: of the sources.
        clock: for the journal.
        progress: told of bytes.
        watcher: told of steps.
        limits: how much is done at a time.
    """

    files: ImageFiles
    clock: PreciseClock
    progress: ProgressSink
    watcher: StepWatcher
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class PreparedPush:
    """A push before anything is done: what ``--dry-run`` prints, and what :func:`carry_out` does.

    Attributes:
        listings: of the sources, in order.
        parts: of the workflows, in order.
        all_must_go: whether an item that no part has a mapping for is a fault, whatever the parts say of it.
    """

    listings: tuple[SourceListing, ...]
    parts: tuple[Prepared[Any], ...]
    all_must_go: bool = False

    @property
    def working(self) -> tuple[Prepared[Any], ...]:
        """The parts that nothing stops."""
        return tuple(each for each in self.parts if not each.stopped)

    @property
    def stopped(self) -> bool:
        """Whether nothing may be done at all: every part that had something to do is stopped."""
        return not self.working or (any(each.stopped for each in self.parts) and not any(each.enriched.targets for each in self.working))

    @property
    def plan(self) -> Plan:
        """Of all parts together, also of those that are stopped; equal steps are one."""
        return merged_plan([each.plan for each in self.parts])

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of all parts, each once."""
        return tuple(dict.fromkeys(finding for each in self.parts for finding in each.findings))

    @property
    def contents(self) -> Mapping[str, ImageContent]:
        """Of all files, by ``item.src``."""
        return {src: content for each in self.parts for src, content in each.contents.items()}

    @property
    def unmapped(self) -> tuple[Unmapped, ...]:
        """The items that go nowhere and should: no part has a mapping, or one could not be asked for."""
        mapped = {order for each in self.parts for order in _mapped_orders(each)}
        found: dict[int, Unmapped] = {}
        for part in self.parts:
            for each in (*part.unmapped, *(part.passed_over if self.all_must_go else ())):
                if each.unanswered or each.order not in mapped:
                    found.setdefault(each.order, each)
        return tuple(found[order] for order in sorted(found))

    @property
    def passed_over(self) -> tuple[Unmapped, ...]:
        """The items that go nowhere and need not."""
        mapped = {order for each in self.parts for order in _mapped_orders(each)} | {each.order for each in self.unmapped}
        found = {each.order: each for part in self.parts for each in part.passed_over if each.order not in mapped}
        return tuple(found[order] for order in sorted(found))


def _mapped_orders(part: Prepared[Any]) -> set[int]:
    """The numbers of the items that a part has destinations for, whatever became of these."""
    return {each.order[0] for each in (*part.enriched.targets, *part.enriched.failed, *part.enriched.skipped)}


async def prepare_push(
    sources: Sequence[PushSource],
    workflows: Sequence[Workflow],
    earlier: Sequence[JournalEvent],
    *,
    keep_files: bool,
    all_must_go: bool = False,
) -> PreparedPush:
    """Load the sources once, and let every workflow find out what it would do; reading calls only.

    Args:
        sources: of items.
        workflows: in the order in which they are shown.
        earlier: what earlier runs noted.
        keep_files: see :meth:`penstock.publish.workflow.Workflow.prepare`.
        all_must_go: see :class:`PreparedPush`.

    Raises:
        PenstockError: a source cannot be read at all, or a service that all depends on does not answer.
    """
    listings = tuple(await asyncio.gather(*(source.load() for source in sources)))
    items: Mapping[int, PushItem] = dict(enumerate(item for listing in listings for item in listing.items))
    parts = await asyncio.gather(*(each.prepare(items, earlier, keep_files=keep_files) for each in workflows))
    return PreparedPush(listings, tuple(parts), all_must_go)


async def carry_out(prepared: PreparedPush, around: Surroundings, journal: PushJournal) -> AsyncGenerator[PushResult, None]:
    """Do the plan of ``prepared``; every destination and every unmapped item has one result, which comes as soon as it is known.

    Nothing is called for a part that is stopped.  Skipped destinations have no result.  Plan and results are in the journal.  Whoever may
    stop early closes the generator (``contextlib.aclosing``): what runs is cancelled and waited for then.

    Raises:
        OperationError: the journal cannot be written.
    """

    async def note(kind: EventKind, detail: str) -> None:
        now_s = around.clock.now_s()
        await asyncio.to_thread(journal.append, JournalEvent(kind=kind, at_s=now_s, run=journal.run_id, detail=detail))

    await note(EventKind.PLANNED, json.dumps(prepared.plan.document(), ensure_ascii=False))
    known = [*map(unmapped_result, prepared.unmapped), *(result for part in prepared.parts for result in part.known_results())]
    for result in known:
        await note(EventKind.RESULT, result_detail(result))
        yield result
    parts = {target.label: part for part in prepared.working for target in part.plan.targets}
    plan = merged_plan([part.plan for part in prepared.working])
    if not plan.targets:
        return
    performer = _EachItsOwn(prepared.working)
    unfinished = {src for part in prepared.parts if part.stopped for src in part.contents}
    async with aclosing(
        execute(plan, performer, journal, around.clock, progress=around.progress, watcher=around.watcher, limits=around.limits)
    ) as ends:
        async for end in ends:
            result = parts[end.target.label].result(end)
            if end.failure is not None:
                unfinished.add(result.item.src)
            await note(EventKind.RESULT, result_detail(result, end.target.label))
            yield result
    for src, content in prepared.contents.items():
        if src not in unfinished:
            await around.files.release(content)


class _EachItsOwn:
    """:class:`penstock.publish.execution.Performer` of several parts: a step is done by the first part that planned it."""

    def __init__(self, parts: Sequence[Prepared[Any]]) -> None:
        self._performers: dict[StepId, Performer] = {step.id: part.performer for part in reversed(parts) for step in part.plan.steps}

    async def perform(self, step: Step, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        return await self._performers[step.id].perform(step, outcomes, notes)
