"""AWS Marketplace, as a workflow of a push."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from penstock.model.catalogue import Cloud
from penstock.model.digest import Digest
from penstock.model.push.accounts import AccountAlias, CredentialSet
from penstock.model.push.content import ImageContent
from penstock.model.push.items import ItemKind, PushItem
from penstock.model.push.journal import JournalEvent
from penstock.model.push.results import PushResult
from penstock.model.starmap import StarmapWorkflow
from penstock.ports import Clock, ProgressSink
from penstock.ports.awsmarket import AwsSellers, SellerImages
from penstock.ports.publish import ImageFiles
from penstock.publish.aws.material import PlanRules
from penstock.publish.aws.observing import Observed, observe_regions
from penstock.publish.aws.opening import sharing_of
from penstock.publish.aws.performing import ImagePerformer, Pace
from penstock.publish.aws.registration import ami_attributes
from penstock.publish.awsmarket.ending import result_of
from penstock.publish.awsmarket.enrichment import enrich
from penstock.publish.awsmarket.judging import change_name
from penstock.publish.awsmarket.observing import ObservedMarket, observe_market
from penstock.publish.awsmarket.performing import MarketPerformer, Seller
from penstock.publish.awsmarket.planning import plan_market, publishing
from penstock.publish.awsmarket.preflight import preflight
from penstock.publish.awsmarket.rules import MarketPace, MarketRules
from penstock.publish.awsmarket.target import AwsMarketTarget
from penstock.publish.execution import TargetEnd, Wait
from penstock.publish.findings import Stops
from penstock.publish.mapping import Mappings, Unmapped
from penstock.publish.measuring import measured, sources_of
from penstock.publish.plan import Step, StepId, step_id
from penstock.publish.workflow import Prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsMarketOutside:
    """What the workflow works on.

    Attributes:
        mappings: of the run.
        credentials: of the run.
        accounts: sellers' accounts; ``AwsPushAccounts`` is them.
        files: of the sources.
        progress: told of bytes.
        clock: for the date of a release.
        wait: lets time pass.
    """

    mappings: Mappings
    credentials: CredentialSet
    accounts: AwsSellers
    files: ImageFiles
    progress: ProgressSink
    clock: Clock
    wait: Wait = asyncio.sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsMarketAsk:
    """What the arguments say.

    Attributes:
        rules: of targets: ``keep_draft``, ``upload_attributes`` (``ALLOWED_ATTRS_TO_UPDATE_FOR_UPLOAD``).
        plan: of the image's steps, and of ``pre_push`` and ``skip``.
        pace: of what is waited for in EC2.
        market: of change sets (``MARKETPLACESVM_PUSH_AWS_TIMEOUT_INTERVALS``, ``…_ATTEMPTS``).
    """

    rules: MarketRules = field(default_factory=MarketRules)
    plan: PlanRules = field(default_factory=PlanRules)
    pace: Pace = field(default_factory=Pace)
    market: MarketPace = field(default_factory=MarketPace)


class AwsMarketplace:
    """:class:`penstock.publish.workflow.Workflow` of AMIs for AWS Marketplace."""

    def __init__(self, ask: AwsMarketAsk, outside: AwsMarketOutside) -> None:
        """Nothing is asked yet."""
        self._ask = ask
        self._outside = outside

    async def prepare(
        self, items: Mapping[int, PushItem], earlier: Sequence[JournalEvent], *, keep_files: bool
    ) -> Prepared[AwsMarketTarget]:
        """See there; ``--pre-push`` asks nothing of the Catalog.  AMIs of GovCloud are passed over, as upstream does."""
        ask, outside = self._ask, self._outside
        amis = {order: item for order, item in items.items() if item.kind is ItemKind.AMI}
        governed = {order: item for order, item in amis.items() if _is_of_gov_cloud(item)}
        wanted = {order: item for order, item in amis.items() if order not in governed}
        resolution = await outside.mappings.resolve(wanted, StarmapWorkflow.STRATOSPHERE)
        enriched = enrich(resolution.mapped, outside.credentials, ask.rules, pre_push=ask.plan.pre_push)
        targets = enriched.targets
        files = [each for each in targets if not each.source.source_image]
        contents, unmeasured = await measured(sources_of(files), outside.files, outside.progress, keep=keep_files)
        publishers, sellers = self._opened(targets)
        (regions, owners), market = await asyncio.gather(
            observe_regions(targets, contents, publishers), self._observed_market(targets, contents, sellers, publishers)
        )
        observed, sharing = Observed(regions, owners, tuple(earlier)), sharing_of(targets, outside.credentials)
        findings = preflight(targets, sharing, observed, market, uses_buckets=not ask.plan.ebs_direct)
        barred = {label for each in findings if each.stops is Stops.TARGETS for label in each.labels}
        planned = [each for each in targets if (each.source.source_image or each.item.src in contents) and each.label not in barred]
        by_digest = {str(content.digest): content for content in contents.values()}
        images = ImagePerformer(publishers, outside.files, by_digest, wait=outside.wait, pace=ask.pace)
        return Prepared(
            cloud=Cloud.AWS,
            enriched=enriched,
            plan=plan_market(planned, contents, sharing, observed=observed, market=market, rules=ask.plan),
            performer=MarketPerformer(images, sellers, outside.clock, wait=outside.wait, pace=ask.market),
            ending=partial(_ending, {src: content.digest for src, content in contents.items()}, owners),
            unmapped=resolution.unmapped,
            queries={each.order: each.entity for each in resolution.mapped},
            passed_over=tuple(Unmapped(item, "AWS Marketplace takes no images of GovCloud", order) for order, item in governed.items()),
            contents=contents,
            unmeasured=unmeasured,
            findings=findings,
        )

    def _opened(self, targets: Sequence[AwsMarketTarget]) -> tuple[dict[AccountAlias, SellerImages], dict[str, Seller]]:
        """The accounts of the targets, all of which have credentials."""
        accounts, publishers, sellers = self._outside.accounts, dict[AccountAlias, SellerImages](), dict[str, Seller]()
        for text in dict.fromkeys(each.account for each in targets):
            alias = AccountAlias.parse(text)
            credential = self._outside.credentials.aws(alias)
            publishers[alias] = accounts.publisher(credential)
            sellers[text] = Seller(publishers[alias], accounts.market(credential), credential.access_role)
        return publishers, sellers

    async def _observed_market(
        self,
        targets: Sequence[AwsMarketTarget],
        contents: Mapping[str, ImageContent],
        sellers: Mapping[str, Seller],
        publishers: Mapping[AccountAlias, SellerImages],
    ) -> ObservedMarket:
        drafts: dict[tuple[str, str], list[str]] = {}
        for each in targets:
            content = contents.get(each.item.src)
            if each.keep_draft and each.details is not None and (content or each.source.source_image):
                step = step_id(publishing(each, content.digest if content else None))
                drafts.setdefault((each.account, each.product), []).append(change_name(step))
        markets = {text: seller.market for text, seller in sellers.items()}
        return await observe_market(targets, drafts, markets, publishers, pre_push=self._ask.plan.pre_push)


def _is_of_gov_cloud(item: PushItem) -> bool:
    return item.source_image is not None and "-gov-" in (ami_attributes(item).region or "")


def _ending(
    digests: Mapping[str, Digest], owners: Mapping[str, str], target: AwsMarketTarget, end: TargetEnd, steps: Mapping[StepId, Step]
) -> PushResult:
    return result_of(target, end, steps, digests.get(target.item.src), owners)
