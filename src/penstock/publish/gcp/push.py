"""Images of Google Cloud, as a workflow of a push."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from penstock.model.catalogue import Cloud
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.push.accounts import AccountAlias, CredentialSet, GcpCredential
from penstock.model.push.items import ItemKind, PushItem
from penstock.model.push.journal import JournalEvent
from penstock.model.push.results import PushResult
from penstock.model.starmap import StarmapWorkflow
from penstock.ports import ProgressSink
from penstock.ports.gcp import GceFiles, GcpAccounts
from penstock.publish.execution import TargetEnd, Wait
from penstock.publish.findings import Stops
from penstock.publish.gcp.ending import result_of_gcp
from penstock.publish.gcp.enrichment import enrich_gcp
from penstock.publish.gcp.observing import observe_gcp
from penstock.publish.gcp.performing import GcpPace, GcpPerformer
from penstock.publish.gcp.planning import GcpRules, plan_gcp
from penstock.publish.gcp.preflight import preflight_gcp
from penstock.publish.gcp.target import GcpTarget
from penstock.publish.mapping import Mappings
from penstock.publish.measuring import measured, sources_of
from penstock.publish.plan import Step, StepId
from penstock.publish.workflow import Prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpOutside:
    """What the workflow works on."""

    mappings: Mappings
    credentials: CredentialSet
    accounts: GcpAccounts
    files: GceFiles
    progress: ProgressSink
    wait: Wait = asyncio.sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpAsk:
    """What the arguments say.

    Attributes:
        plan: see there.
        pace: see there.
        beta: every release is a beta.
    """

    plan: GcpRules = field(default_factory=GcpRules)
    pace: GcpPace = field(default_factory=GcpPace)
    beta: bool = False


class GcpImages:
    """:class:`penstock.publish.workflow.Workflow` of images for Google Cloud."""

    def __init__(self, ask: GcpAsk, outside: GcpOutside) -> None:
        """Nothing is asked yet."""
        self._ask = ask
        self._outside = outside

    async def prepare(self, items: Mapping[int, PushItem], earlier: Sequence[JournalEvent], *, keep_files: bool) -> Prepared[GcpTarget]:  # noqa: ARG002
        """See there; earlier runs have nothing to tell that Google does not."""
        ask, outside = self._ask, self._outside
        wanted = {order: item for order, item in items.items() if item.kind is ItemKind.GCE}
        resolution = await outside.mappings.resolve(wanted, StarmapWorkflow.COMMUNITY)
        enriched = enrich_gcp(resolution.mapped, beta=ask.beta)
        credentials = _credentials(enriched.targets, outside.credentials)
        usable = [each for each in enriched.targets if each.account in credentials and credentials[each.account].project == each.project]
        contents, unmeasured = await measured(sources_of(usable), outside.files, outside.progress, keep=keep_files)
        publishers = {account: outside.accounts.publisher(credential) for account, credential in credentials.items()}
        observed = await observe_gcp(usable, contents, publishers, credentials)
        findings = preflight_gcp(enriched.targets, contents, credentials, observed)
        barred = {label for each in findings if each.stops is Stops.TARGETS for label in each.labels}
        planned = [each for each in usable if each.item.src in contents and each.label not in barred]
        buckets = {account: credential.bucket for account, credential in credentials.items()}
        return Prepared(
            cloud=Cloud.GCP,
            enriched=enriched,
            plan=plan_gcp(planned, contents, buckets, observed, ask.plan),
            performer=GcpPerformer(
                publishers, outside.files, {str(each.digest): each for each in contents.values()}, wait=outside.wait, pace=ask.pace
            ),
            ending=partial(_ending, {src: content.digest for src, content in contents.items()}),
            unmapped=tuple(each for each in resolution.unmapped if each.unanswered),
            passed_over=tuple(each for each in resolution.unmapped if not each.unanswered),
            contents=contents,
            unmeasured=unmeasured,
            findings=findings,
        )


def _ending(digests: Mapping[str, Digest], target: GcpTarget, end: TargetEnd, steps: Mapping[StepId, Step]) -> PushResult:
    return result_of_gcp(target, end, steps, digests[target.item.src])


def _credentials(targets: Sequence[GcpTarget], credentials: CredentialSet) -> dict[str, GcpCredential]:
    """Those that there are; preflight tells of the others."""
    found: dict[str, GcpCredential] = {}
    for account in dict.fromkeys(target.account for target in targets):
        try:
            found[account] = credentials.gcp(AccountAlias.parse(account))
        except InputError:
            continue
    return found
