"""What a community push does, whichever shell asked for it."""

import asyncio
import os
import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from penstock.cli.publish.community_arguments import CommunityArguments, Knobs
from penstock.cli.publish.outcome import Outcome, outcome_of_results
from penstock.cli.publish.views import PushView
from penstock.formats.codec import encode_json
from penstock.model.push.content import ImageContent
from penstock.model.push.journal import RunRecord
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.ports import Ledger
from penstock.publish.community.enrichment import EnrichmentRules
from penstock.publish.community.planning import PlanRules
from penstock.publish.community.push import CommunityAsk, Prepared, carry_out, prepare
from penstock.publish.execution import Limits
from penstock.publish.receipts import lineage_of_push, stream_fragment
from penstock.wiring import recording_ledger
from penstock.wiring.publish import CommunitySettings, open_community_push, open_results, open_runs, state_folder

_USER_INFO = re.compile(r"//[^/@]*@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A push that has ended.

    Attributes:
        run: its id.
        prepared: what was found out before.
        results: in the order of sources and mappings.
        folder: where the results are.
    """

    run: str
    prepared: Prepared
    results: tuple[PushResult, ...]
    folder: str

    @property
    def outcome(self) -> Outcome:
        """As a whole."""
        return outcome_of_results(self.results, stopped=self.prepared.stopped)


async def rehearse(arguments: CommunityArguments, view: PushView) -> Prepared:
    """What a push would do: reading calls only, no journal, no results.

    Raises:
        PenstockError: an argument is wrong, or a source cannot be read.
    """
    settings, ask = _settings(arguments)
    async with open_community_push(settings, progress=view.progress, watcher=view.step) as outside:
        return await prepare(ask, outside, await open_runs(settings.state).earlier(), keep_files=False)


async def push(arguments: CommunityArguments, view: PushView) -> Pushed:
    """Find out, plan, and do it; results, receipts and the journal are written however it ends.

    Raises:
        PenstockError: an argument is wrong, a source cannot be read, or the journal or the results cannot be written.
    """
    settings, ask = _settings(arguments)
    book = open_runs(settings.state)
    async with (
        open_community_push(settings, progress=view.progress, watcher=view.step) as outside,
        recording_ledger(arguments.ledger) as ledger,
    ):
        now_s = float(outside.clock.now_s())
        sources = tuple(_without_secrets(text) for text in settings.sources)
        record = RunRecord(id="", command="community-push", sources=sources, started_at_s=now_s, process=os.getpid())
        # Read first: in the book of this run its own beginning would already stand.
        earlier = await book.earlier()
        async with book.begin(record) as journal:
            prepared = await prepare(ask, outside, earlier, keep_files=True)
            view.planned(prepared.plan)
            results: list[PushResult] = []
            sink = open_results()
            try:
                async with aclosing(carry_out(prepared, ask, outside, journal)) as ends:
                    async for result in ends:
                        results.append(result)
                        await sink.put(result)
                        view.result(result)
            finally:
                # Also where a disk is full or somebody pressed Ctrl-C: what stands in the clouds is told.
                folder = await sink.close()
                await _record(ledger, results, tuple(prepared.contents.values()))
            results.sort(key=lambda each: each.order)
            if arguments.emit_stream is not None:
                await _emit_stream(arguments.emit_stream, arguments.stream_name, results, ledger)
            return Pushed(run=journal.run_id, prepared=prepared, results=tuple(results), folder=folder)


async def _record(ledger: Ledger, results: Sequence[PushResult], contents: Sequence[ImageContent]) -> None:
    artifacts, edges = lineage_of_push(results, contents)
    if artifacts:
        await ledger.record(artifacts, edges)


async def _emit_stream(path: Path, name: str | None, results: Sequence[PushResult], ledger: Ledger) -> None:
    """Write the part of a stream that this push gives; nothing where it published nothing."""
    from penstock.adapters.files.atomic import write_atomic
    from penstock.model.lineage import Edge, Kind
    from penstock.streams.document_lineage import stream_artifact

    pushed = [each for each in results if each.state is ItemState.PUSHED and each.receipts]
    if not pushed:
        return
    fragment = stream_fragment(results, stream=name or pushed[0].item.build.name)
    content = encode_json(fragment)
    await asyncio.to_thread(write_atomic, path, content)
    made = stream_artifact(content, fragment, {path.name})
    text = content.decode()
    receipts = [(result, receipt) for result in pushed for receipt in result.receipts if f'"{receipt.image_id}"' in text]
    edges = [
        Edge((Kind.CLOUD_IMAGE.value, receipt.image_id), made.id, f"aws {receipt.region} {result.item.release.arch}")
        for result, receipt in receipts
    ]
    await ledger.record([made], edges)


def _settings(arguments: CommunityArguments) -> tuple[CommunitySettings, CommunityAsk]:
    knobs = Knobs.read(os.environ)
    settings = CommunitySettings(
        sources=arguments.sources,
        credentials=arguments.credentials,
        starmap=arguments.starmap,
        rhsm=arguments.rhsm,
        state=state_folder(arguments.state, os.environ),
        patience=knobs.patience,
    )
    ask = CommunityAsk(
        enrichment=EnrichmentRules(
            beta=arguments.beta, require_billing_codes=knobs.require_billing_codes, container_prefix=arguments.container_prefix
        ),
        plan=PlanRules(
            pre_push=arguments.pre_push,
            ebs_direct=arguments.ebs_direct,
            replicate_copy=arguments.replicate_copy,
            snapshot_per_type=arguments.snapshot_per_type,
            skip=arguments.skip,
        ),
        limits=Limits(steps=knobs.steps),
    )
    return settings, ask


def _without_secrets(source: str) -> str:
    """A source as journals keep it: no query, nobody's name and password."""
    return _USER_INFO.sub("//", source.partition("?")[0])
