"""Azure's marketplace, as a workflow of a push."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError, PenstockError
from penstock.model.push.accounts import AccountAlias, AzureCredential, CredentialSet
from penstock.model.push.content import ImageContent
from penstock.model.push.items import ItemKind, PushItem
from penstock.model.push.journal import JournalEvent
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.model.starmap import StarmapWorkflow
from penstock.ports import Clock, ProgressSink
from penstock.ports.azureblobs import AzureBlobs
from penstock.ports.azuremarket import AzurePublishers, ProductIngestion
from penstock.ports.publish import ImageFiles
from penstock.publish.azure.observing import observe_blobs
from penstock.publish.azure.performing import DEFAULT_CONCURRENCY, BlobPace, BlobPerformer
from penstock.publish.azure.preflight import disk_findings
from penstock.publish.azuremarket.ending import result_of
from penstock.publish.azuremarket.enrichment import enrich
from penstock.publish.azuremarket.jobs import Pace
from penstock.publish.azuremarket.judging import PlacedImage, placed_images, wanted_blob
from penstock.publish.azuremarket.observing import ObservedMarket, ObservedOffer, observe_market
from penstock.publish.azuremarket.performing import AzureMarketPerformer
from penstock.publish.azuremarket.planning import plan_market
from penstock.publish.azuremarket.preflight import offer_findings, storage_findings
from penstock.publish.azuremarket.rules import MarketRules
from penstock.publish.azuremarket.target import AzureMarketTarget
from penstock.publish.execution import TargetEnd, Wait
from penstock.publish.findings import Finding, Stops
from penstock.publish.mapping import Mappings
from penstock.publish.measuring import measured, sources_of
from penstock.publish.plan import Step, StepId
from penstock.publish.workflow import Prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureMarketOutside:
    """What the workflow works on.

    Attributes:
        mappings: of the run.
        credentials: of the run.
        publishers: product ingestion, by credential.
        storages: the storage account of a credential; it raises ``InputError`` for one that names none.
        files: of the sources.
        progress: told of bytes.
        clock: the hour of versions, and the end of signatures.
        wait: lets time pass.
    """

    mappings: Mappings
    credentials: CredentialSet
    publishers: AzurePublishers
    storages: Callable[[AzureCredential], AzureBlobs]
    files: ImageFiles
    progress: ProgressSink
    clock: Clock
    wait: Wait = asyncio.sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureMarketAsk:
    """What the arguments say.

    Attributes:
        rules: see there.
        pace: of jobs of the marketplace.
        blob_pace: of copies.
        concurrency: of uploads, ``CLOUDIMG_AZURE_UPLOAD_MAX_CONCURRENCY``.
    """

    rules: MarketRules = field(default_factory=MarketRules)
    pace: Pace = field(default_factory=Pace)
    blob_pace: BlobPace = field(default_factory=BlobPace)
    concurrency: int = DEFAULT_CONCURRENCY


@dataclass(frozen=True, slots=True)
class _Doors:
    """The accounts that there are credentials for, by alias."""

    publishers: Mapping[str, ProductIngestion]
    stores: Mapping[AccountAlias, AzureBlobs]
    names: Mapping[str, str]
    """Of the publishers, where the credentials say it."""

    @property
    def stores_by_name(self) -> dict[str, AzureBlobs]:
        return {alias.text: store for alias, store in self.stores.items()}


class AzureMarketplace:
    """:class:`penstock.publish.workflow.Workflow` of VHDs for marketplaces."""

    def __init__(self, ask: AzureMarketAsk, outside: AzureMarketOutside) -> None:
        """Nothing is asked yet."""
        self._ask = ask
        self._outside = outside

    async def prepare(
        self, items: Mapping[int, PushItem], earlier: Sequence[JournalEvent], *, keep_files: bool
    ) -> Prepared[AzureMarketTarget]:
        """See there; with ``pre_push`` nothing is asked of the marketplace."""
        ask, outside = self._ask, self._outside
        wanted = {order: item for order, item in items.items() if item.kind is ItemKind.VHD}
        resolution = await outside.mappings.resolve(wanted, StarmapWorkflow.STRATOSPHERE)
        enriched = enrich(resolution.mapped)
        doors, wrong = _doors(enriched.targets, outside)
        open_targets = [each for each in enriched.targets if each.account in doors.publishers]
        looked = [] if ask.rules.pre_push else open_targets
        market = await observe_market(looked, doors.publishers, doors.stores_by_name)
        early = (*wrong, *offer_findings(open_targets, market, ask.rules))
        sound = _without(open_targets, early)
        files = {src: item for src, item in sources_of(sound).items() if not _is_address(src)}
        contents, unmeasured = await measured(files, outside.files, outside.progress, keep=keep_files)
        ready = [each for each in sound if each.item.src in contents or _is_address(each.item.src)]
        blobs = {each.label: wanted_blob(each, contents, ask.rules.container) for each in ready}
        stored = await observe_blobs(tuple(blobs.values()), doors.stores)
        findings = (*early, *storage_findings(ready, stored), *disk_findings(ready, contents))
        now = datetime.fromtimestamp(outside.clock.now_s(), UTC)
        placed = placed_images(_without(ready, findings), blobs, stored.accounts, market, now)
        return Prepared(
            cloud=Cloud.AZURE,
            enriched=enriched,
            plan=plan_market(placed, stored, earlier, ask.rules),
            performer=self._performer(doors, contents, placed, market),
            ending=partial(_ending, {each.target.label: each for each in placed}, _publisher_names(placed, market, doors.names)),
            unmapped=resolution.unmapped,
            contents=contents,
            unmeasured=unmeasured,
            findings=findings,
            queries={each.order: each.entity for each in resolution.mapped},
        )

    def _performer(
        self, doors: _Doors, contents: Mapping[str, ImageContent], placed: Sequence[PlacedImage], market: ObservedMarket
    ) -> AzureMarketPerformer:
        ask, outside = self._ask, self._outside
        blobs = BlobPerformer(
            doors.stores,
            outside.files,
            {str(content.digest): content for content in contents.values()},
            {each.blob.origin: each.blob.source for each in placed if each.blob.content is None},
            clock=outside.clock,
            wait=outside.wait,
            pace=ask.blob_pace,
            concurrency=ask.concurrency,
        )
        return AzureMarketPerformer(
            doors.publishers,
            doors.stores_by_name,
            blobs,
            placed,
            market,
            rules=ask.rules,
            clock=outside.clock,
            wait=outside.wait,
            pace=ask.pace,
        )


def _ending(
    placed: Mapping[str, PlacedImage],
    publishers: Mapping[tuple[str, str], str],
    target: AzureMarketTarget,
    end: TargetEnd,
    steps: Mapping[StepId, Step],
) -> PushResult:
    return result_of(target, end, steps, placed[target.label], publishers.get(target.place, ""))


def _publisher_names(placed: Sequence[PlacedImage], market: ObservedMarket, names: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """The first part of URNs, by account and offer: what the credentials say, else the product."""
    offers = market.offers
    return {each.target.place: names[each.target.account] or offers.get(each.target.place, ObservedOffer()).publisher for each in placed}


def _without(targets: Sequence[AzureMarketTarget], findings: Sequence[Finding]) -> list[AzureMarketTarget]:
    """Those that no finding stops."""
    barred = {label for each in findings if each.stops is not Stops.NOTHING for label in each.labels}
    return [each for each in targets if each.label not in barred]


def _is_address(src: str) -> bool:
    return src.startswith(("https://", "http://"))


def _doors(targets: Sequence[AzureMarketTarget], outside: AzureMarketOutside) -> tuple[_Doors, tuple[Finding, ...]]:
    """What there are credentials for, and what is wrong with the others."""
    publishers: dict[str, ProductIngestion] = {}
    stores: dict[AccountAlias, AzureBlobs] = {}
    names: dict[str, str] = {}
    wrong: dict[str, PenstockError] = {}
    for text in dict.fromkeys(target.account for target in targets):
        try:
            alias = AccountAlias.parse(text)
            credential = outside.credentials.azure(alias)
            stores[alias] = outside.storages(credential)
            publishers[text] = outside.publishers.ingestion(credential)
            names[text] = credential.publisher
        except InputError as error:
            wrong[text] = error
    findings = []
    for text, problem in wrong.items():
        labels = tuple(each.label for each in targets if each.account == text)
        findings.append(Finding(str(problem), problem.hint or "see --credentials", Stops.TARGETS, ItemState.UPLOADFAILED, labels))
    return _Doors(publishers, stores, names), tuple(findings)
