"""What a push does, and a deletion like it, whichever shell asked for it."""

import os
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

from penstock.cli.publish.emitting import emit_stream
from penstock.cli.publish.knobs import Knobs
from penstock.cli.publish.outcome import Outcome, outcome_of_results
from penstock.cli.publish.push_arguments import PushArguments
from penstock.cli.publish.push_asks import asks_of, limits_of, settings_of
from penstock.cli.publish.views import PushView
from penstock.model.lineage import Artifact, Edge
from penstock.model.push.content import ImageContent
from penstock.model.push.journal import RunRecord
from penstock.model.push.results import PushResult
from penstock.ports import Ledger
from penstock.publish.pushing import PreparedPush, carry_out, prepare_push
from penstock.publish.receipts import lineage_of_push
from penstock.wiring import import_ledger_ahead, recording_ledger
from penstock.wiring.publish import open_results, open_runs
from penstock.wiring.pushes import OpenPush, open_push

_USER_INFO = re.compile(r"//[^/@]*@")
Lineage = Callable[[Sequence[PushResult], Sequence[ImageContent]], tuple[list[Artifact], list[Edge]]]
"""What the ledger is told of results and of the contents of their files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A push, or a deletion, that has ended.

    Attributes:
        run: its id.
        prepared: what was found out before.
        results: in the order of sources and mappings.
        folder: where the results are.
        told: lines about the part of a stream that was written.
    """

    run: str
    prepared: PreparedPush
    results: tuple[PushResult, ...]
    folder: str
    told: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """As a whole."""
        return outcome_of_results(self.results, stopped=self.prepared.stopped)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is written down of a run.

    Attributes:
        command: its name.
        sources: as they were given.
        state: where its journal is kept.
        lineage: see :data:`Lineage`.
        results: where the folder of its results is made.
    """

    command: str
    sources: tuple[str, ...]
    state: Path
    lineage: Lineage = field(default=lineage_of_push)
    results: Path = Path("artifacts")


async def plan_push(arguments: PushArguments, view: PushView) -> PreparedPush:
    """What a push would do: reading calls only, no journal, no results.

    Raises:
        PenstockError: an argument is wrong, or a source cannot be read.
    """
    state, opening = _opening(arguments, view)
    return await find_out(opening, state)


async def push(arguments: PushArguments, view: PushView) -> Pushed:
    """Find out, plan, and do it; results, receipts and the journal are written however it ends.

    Raises:
        PenstockError: an argument is wrong, a source cannot be read, or the journal or the results cannot be written.
    """
    state, opening = _opening(arguments, view)
    async with recording_ledger(arguments.ledger, ahead=False) as ledger:
        run = Run(command=arguments.command.value, sources=arguments.sources, state=state, results=arguments.results)
        pushed = await carry_through(opening, run, view, ledger)
        if arguments.emit_stream is None:
            return pushed
        return replace(pushed, told=await emit_stream(arguments, pushed.results, ledger))


async def find_out(opening: AbstractAsyncContextManager[OpenPush], state: Path) -> PreparedPush:
    """What a run would do; raises as :func:`plan_push`."""
    async with opening as opened:
        earlier = await open_runs(state).earlier()
        return await prepare_push(opened.sources, opened.workflows, earlier, keep_files=False, all_must_go=opened.all_must_go)


async def carry_through(opening: AbstractAsyncContextManager[OpenPush], run: Run, view: PushView, ledger: Ledger) -> Pushed:
    """Find out, plan, and do a run; raises as :func:`push`."""
    book = open_runs(run.state)
    async with opening as opened:
        now_s = opened.around.clock.now_s()
        sources = tuple(_without_secrets(text) for text in run.sources)
        record = RunRecord(id="", command=run.command, sources=sources, started_at_s=now_s, process=os.getpid())
        # Read first: in the book of this run its own beginning would already stand.
        earlier = await book.earlier()
        async with book.begin(record) as journal:
            prepared = await prepare_push(opened.sources, opened.workflows, earlier, keep_files=True, all_must_go=opened.all_must_go)
            view.planned(prepared.plan)
            if not prepared.plan.idle:
                import_ledger_ahead()  # until here it is the processor that everything waits for
            results: list[PushResult] = []
            sink = open_results(run.results)
            try:
                async with aclosing(carry_out(prepared, opened.around, journal)) as ends:
                    async for result in ends:
                        results.append(result)
                        await sink.put(result)
                        view.result(result)
            finally:
                # Also where a disk is full or somebody pressed Ctrl-C: what stands in the clouds is told.
                folder = await sink.close()
                await _record(ledger, *run.lineage(results, tuple(prepared.contents.values())))
            ended = Pushed(run=journal.run_id, prepared=prepared, results=tuple(sorted(results, key=_order)), folder=folder)
            journal.conclude(ended.outcome.value)
            return ended


def _order(result: PushResult) -> tuple[int, int]:
    return result.order


async def _record(ledger: Ledger, artifacts: list[Artifact], edges: list[Edge]) -> None:
    if artifacts:
        await ledger.record(artifacts, edges)


def _opening(arguments: PushArguments, view: PushView) -> tuple[Path, AbstractAsyncContextManager[OpenPush]]:
    """Where the state is, and the push to be opened."""
    knobs = Knobs.read(os.environ)
    settings = settings_of(arguments, knobs, os.environ)
    opening = open_push(settings, asks_of(arguments, knobs), limits_of(arguments, knobs), progress=view.progress, watcher=view.step)
    return settings.state, opening


def _without_secrets(source: str) -> str:
    """A source as journals keep it: no query, nobody's name and password."""
    return _USER_INFO.sub("//", source.partition("?")[0])
