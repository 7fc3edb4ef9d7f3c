"""``community-push`` from its sources to its results."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from penstock.model.errors import InputError, PenstockError, VerificationError
from penstock.model.push.accounts import AccountAlias, CredentialSet
from penstock.model.push.aws import Sharing
from penstock.model.push.content import ImageContent
from penstock.model.push.items import ItemKind, SourceListing
from penstock.model.push.journal import EventKind, JournalEvent
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.model.starmap import StarmapWorkflow
from penstock.ports import Clock, ProgressSink
from penstock.ports.publish import AwsAccounts, AwsPublisher, ImageFiles, PushJournal, PushSource, RhsmService
from penstock.publish.community.ending import failed_result, result_detail, result_of, stopped_result, unmapped_result
from penstock.publish.community.enrichment import EnrichmentRules, enrich
from penstock.publish.community.observing import Observed, observe_regions
from penstock.publish.community.performing import CommunityPerformer, Pace
from penstock.publish.community.planning import PlanRules, plan_community
from penstock.publish.community.target import CommunityTarget, Enriched
from penstock.publish.execution import Limits, StepWatcher, Wait, execute
from penstock.publish.mapping import Mappings, Unmapped
from penstock.publish.plan import Plan
from penstock.publish.preflight import Finding, Stops, preflight


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What a push works on."""

    sources: Sequence[PushSource]
    mappings: Mappings
    credentials: CredentialSet
    accounts: AwsAccounts
    rhsm: RhsmService | None
    files: ImageFiles
    clock: Clock
    progress: ProgressSink
    watcher: StepWatcher
    wait: Wait = asyncio.sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityAsk:
    """What the arguments say."""

    enrichment: EnrichmentRules = field(default_factory=EnrichmentRules)
    plan: PlanRules = field(default_factory=PlanRules)
    limits: Limits = field(default_factory=Limits)
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A push before anything is done: what ``--dry-run`` prints, and what :func:`carry_out` does.

    Attributes:
        listings: of the sources, in order.
        unmapped: items without a mapping.
        enriched: the targets, and what became of the other destinations.
        contents: of the files, by ``item.src``.
        unmeasured: why a file could not be measured, by ``item.src``.
        sharing: by label.
        observed: what the clouds said.
        findings: of preflight.
        plan: of the targets that nothing stops.
    """

    listings: tuple[SourceListing, ...]
    unmapped: tuple[Unmapped, ...]
    enriched: Enriched
    contents: Mapping[str, ImageContent]
    unmeasured: Mapping[str, PenstockError]
    sharing: Mapping[str, Sharing]
    observed: Observed
    findings: tuple[Finding, ...]
    plan: Plan

    @property
    def stopped(self) -> bool:
        """Whether nothing may be done at all."""
        return _stops_all(self.findings)


async def prepare(ask: CommunityAsk, outside: Outside, earlier: Sequence[JournalEvent], *, keep_files: bool) -> Prepared:
    """Find out everything; reading calls only.  Files are not read where it is known before that nothing will be done.

    Args:
        ask: see there.
        outside: see there.
        earlier: what earlier runs noted, ``RunBook.earlier``.
        keep_files: whether decompressed disks stay for the work; False on a dry run.

    Raises:
        PenstockError: a source cannot be read at all, or RHSM does not answer.
    """
    listings = tuple(await asyncio.gather(*(source.load() for source in outside.sources)))
    items = [item for listing in listings for item in listing.items if item.kind is ItemKind.AMI]
    resolution = await outside.mappings.resolve(items, StarmapWorkflow.COMMUNITY)
    enriched = enrich(resolution.mapped, ask.enrichment)
    products = frozenset(await outside.rhsm.products()) if outside.rhsm is not None else None
    sharing = _sharing(enriched.targets, outside.credentials)

    def look(observed: Observed) -> tuple[Finding, ...]:
        configured = outside.rhsm is not None
        return preflight(
            enriched.targets,
            enriched.failed,
            sharing,
            observed,
            rhsm_configured=configured,
            pre_push=ask.plan.pre_push,
            uses_buckets=not ask.plan.ebs_direct,
        )

    contents: dict[str, ImageContent] = {}
    unmeasured: dict[str, PenstockError] = {}
    if not _stops_all(look(Observed({}, products=products))):
        contents, unmeasured = await _measured(enriched.targets, outside, keep=keep_files)
    regions, owners = await observe_regions(enriched.targets, contents, _publishers(enriched.targets, outside))
    observed = Observed(regions, owners, products, tuple(earlier))
    findings = look(observed)
    barred = {label for each in findings if each.stops is Stops.TARGETS for label in each.labels}
    planned = [each for each in enriched.targets if each.item.src in contents and each.label in sharing and each.label not in barred]
    return Prepared(
        listings=listings,
        unmapped=resolution.unmapped,
        enriched=enriched,
        contents=contents,
        unmeasured=unmeasured,
        sharing=sharing,
        observed=observed,
        findings=findings,
        plan=plan_community(planned, contents, sharing, observed, ask.plan),
    )


async def carry_out(prepared: Prepared, ask: CommunityAsk, outside: Outside, journal: PushJournal) -> AsyncGenerator[PushResult, None]:
    """Do the plan of ``prepared``; every destination and every unmapped item has one result, which comes as soon as it is known.

    Nothing is called where ``prepared.stopped``.  Skipped destinations have none.  Plan and results are in the journal.  Whoever may stop
    early closes the generator (``contextlib.aclosing``): what runs is cancelled and waited for then.

    Raises:
        OperationError: the journal cannot be written.
    """

    async def note(kind: EventKind, detail: str) -> None:
        now_s = float(outside.clock.now_s())
        await asyncio.to_thread(journal.append, JournalEvent(kind=kind, at_s=now_s, run=journal.run_id, detail=detail))

    await note(EventKind.PLANNED, json.dumps(prepared.plan.document(), ensure_ascii=False))
    targets = {each.label: each for each in prepared.enriched.targets}
    known = [*map(unmapped_result, prepared.unmapped), *map(failed_result, prepared.enriched.failed), *_not_planned(prepared, targets)]
    for result in known:
        await note(EventKind.RESULT, result_detail(result))
        yield result
    if prepared.stopped:
        return
    performer = CommunityPerformer(
        _publishers(prepared.enriched.targets, outside),
        outside.files,
        {str(content.digest): content for content in prepared.contents.values()},
        outside.rhsm,
        wait=outside.wait,
        pace=ask.pace,
    )
    steps, unfinished = prepared.plan.by_id(), set[str]()
    async with aclosing(
        execute(prepared.plan, performer, journal, outside.clock, progress=outside.progress, watcher=outside.watcher, limits=ask.limits)
    ) as ends:
        async for end in ends:
            target = targets[end.target.label]
            if end.failure is not None:
                unfinished.add(target.item.src)
            result = result_of(target, end, steps, prepared.contents[target.item.src].digest, prepared.observed.owners)
            await note(EventKind.RESULT, result_detail(result, target.label))
            yield result
    for src, content in prepared.contents.items():
        if src not in unfinished:
            await outside.files.release(content)


def _stops_all(findings: Sequence[Finding]) -> bool:
    return any(each.stops is Stops.RUN for each in findings)


def _not_planned(prepared: Prepared, targets: Mapping[str, CommunityTarget]) -> list[PushResult]:
    """The targets that are not done: the run is stopped, or preflight bars them, or their file is wrong."""
    stops = (Stops.RUN, Stops.TARGETS) if prepared.stopped else (Stops.TARGETS,)
    named = {label: each for each in prepared.findings if each.stops in stops for label in each.labels}
    planned = set() if prepared.stopped else {each.label for each in prepared.plan.targets}
    results = []
    for label, target in targets.items():
        if label not in planned:
            result, error = stopped_result(target, named.get(label)), prepared.unmeasured.get(target.item.src)
            if error is not None:
                wrong = ItemState.INVALIDFILE if isinstance(error, VerificationError) else ItemState.UPLOADFAILED
                result = result.become(wrong, str(error))
            results.append(result)
    return results


async def _measured(
    targets: Sequence[CommunityTarget], outside: Outside, *, keep: bool
) -> tuple[dict[str, ImageContent], dict[str, PenstockError]]:
    """The contents of all files, each measured once, and why the others could not be."""
    wanted = {target.source.src: target.source for target in targets}
    measures = (outside.files.measure(item, keep=keep, progress=outside.progress) for item in wanted.values())
    contents: dict[str, ImageContent] = {}
    unmeasured: dict[str, PenstockError] = {}
    for src, found in zip(wanted, await asyncio.gather(*measures, return_exceptions=True), strict=True):
        if isinstance(found, PenstockError):
            unmeasured[src] = found
        elif isinstance(found, BaseException):
            raise found
        else:
            contents[src] = replace(found, src=src)
    return contents, unmeasured


def _publishers(targets: Sequence[CommunityTarget], outside: Outside) -> dict[AccountAlias, AwsPublisher]:
    """The accounts that there are credentials for; preflight tells of the others."""
    found: dict[AccountAlias, AwsPublisher] = {}
    for text in dict.fromkeys(target.account for target in targets):
        try:
            alias = AccountAlias.parse(text)
            found[alias] = outside.accounts.publisher(outside.credentials.aws(alias))
        except InputError:
            continue
    return found


def _sharing(targets: Sequence[CommunityTarget], credentials: CredentialSet) -> dict[str, Sharing]:
    """Who each target is shared with, by label; none where there are no credentials."""
    found: dict[str, Sharing] = {}
    for target in targets:
        try:
            found[target.label] = target.sharing.settled(credentials.aws(AccountAlias.parse(target.account)))
        except InputError:
            continue
    return found
