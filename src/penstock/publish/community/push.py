"""Community images on AWS, as a workflow of a push."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from penstock.model.catalogue import Cloud
from penstock.model.digest import Digest
from penstock.model.errors import PenstockError
from penstock.model.push.accounts import CredentialSet
from penstock.model.push.content import ImageContent
from penstock.model.push.items import ItemKind, PushItem
from penstock.model.push.journal import JournalEvent
from penstock.model.push.results import PushResult
from penstock.model.starmap import StarmapWorkflow
from penstock.ports import ProgressSink
from penstock.ports.publish import AwsAccounts, ImageFiles, RhsmService
from penstock.publish.aws.copies import observe_sources
from penstock.publish.aws.observing import Observed, observe_regions
from penstock.publish.aws.opening import publishers_of, sharing_of
from penstock.publish.aws.performing import ImagePerformer, Pace
from penstock.publish.community.ending import result_of
from penstock.publish.community.enrichment import EnrichmentRules, enrich
from penstock.publish.community.performing import CommunityPerformer
from penstock.publish.community.planning import PlanRules, plan_community
from penstock.publish.community.preflight import preflight
from penstock.publish.community.target import CommunityTarget
from penstock.publish.execution import TargetEnd, Wait
from penstock.publish.findings import Finding, Stops
from penstock.publish.mapping import Mappings
from penstock.publish.measuring import measured, sources_of
from penstock.publish.plan import Step, StepId
from penstock.publish.workflow import Prepared, stops_all


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityOutside:
    """What the workflow works on."""

    mappings: Mappings
    credentials: CredentialSet
    accounts: AwsAccounts
    rhsm: RhsmService | None
    files: ImageFiles
    progress: ProgressSink
    wait: Wait = asyncio.sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityAsk:
    """What the arguments say."""

    enrichment: EnrichmentRules = field(default_factory=EnrichmentRules)
    plan: PlanRules = field(default_factory=PlanRules)
    pace: Pace = field(default_factory=Pace)


class CommunityAws:
    """:class:`penstock.publish.workflow.Workflow` of AMIs for communities."""

    def __init__(self, ask: CommunityAsk, outside: CommunityOutside) -> None:
        """Nothing is asked yet."""
        self._ask = ask
        self._outside = outside

    async def prepare(
        self, items: Mapping[int, PushItem], earlier: Sequence[JournalEvent], *, keep_files: bool
    ) -> Prepared[CommunityTarget]:
        """See there; RHSM is asked for its products where there is one."""
        ask, outside = self._ask, self._outside
        wanted = {order: item for order, item in items.items() if item.kind is ItemKind.AMI}
        resolution = await outside.mappings.resolve(wanted, StarmapWorkflow.COMMUNITY)
        enriched = enrich(resolution.mapped, ask.enrichment)
        products = frozenset(await outside.rhsm.products()) if outside.rhsm is not None and wanted else None
        sharing = sharing_of(enriched.targets, outside.credentials)

        def look(observed: Observed) -> tuple[Finding, ...]:
            configured = outside.rhsm is not None
            return preflight(
                enriched.targets,
                enriched.failed,
                sharing,
                observed,
                products,
                rhsm_configured=configured,
                pre_push=ask.plan.pre_push,
                uses_buckets=not ask.plan.ebs_direct,
            )

        contents: dict[str, ImageContent] = {}
        unmeasured: dict[str, PenstockError] = {}
        if not stops_all(look(Observed({}))):
            files = [each for each in enriched.targets if not each.source_region and each.label in sharing]
            contents, unmeasured = await measured(sources_of(files), outside.files, outside.progress, keep=keep_files)
        publishers = publishers_of((each.account for each in enriched.targets), outside.credentials, outside.accounts)
        (regions, owners), sources = await asyncio.gather(
            observe_regions(enriched.targets, contents, publishers),
            observe_sources([each for each in enriched.targets if each.source_region], publishers),
        )
        observed = Observed(regions, owners, tuple(earlier))
        findings = look(observed)
        barred = {label for each in findings if each.stops is Stops.TARGETS for label in each.labels}
        known = [each for each in enriched.targets if each.source_region or each.item.src in contents]
        planned = [each for each in known if each.label in sharing and each.label not in barred]
        by_digest = {str(content.digest): content for content in contents.values()}
        images = ImagePerformer(publishers, outside.files, by_digest, wait=outside.wait, pace=ask.pace)
        return Prepared(
            cloud=Cloud.AWS,
            enriched=enriched,
            plan=plan_community(planned, contents, sharing, observed, ask.plan, sources=sources),
            performer=CommunityPerformer(images, outside.rhsm),
            ending=partial(_ending, {src: content.digest for src, content in contents.items()}, owners),
            unmapped=resolution.unmapped,
            contents=contents,
            unmeasured=unmeasured,
            findings=findings,
        )


def _ending(
    digests: Mapping[str, Digest], owners: Mapping[str, str], target: CommunityTarget, end: TargetEnd, steps: Mapping[StepId, Step]
) -> PushResult:
    return result_of(target, end, steps, digests.get(target.item.src), owners)
