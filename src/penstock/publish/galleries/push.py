"""Compute galleries of Azure, as a workflow of a push."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from penstock.model.catalogue import Cloud
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.push.accounts import AccountAlias, AzureCredential, CredentialSet
from penstock.model.push.galleries import GalleryPlace
from penstock.model.push.items import ItemKind, PushItem
from penstock.model.push.journal import JournalEvent
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.model.starmap import StarmapWorkflow
from penstock.ports import Clock, ProgressSink
from penstock.ports.azureblobs import AzureBlobs
from penstock.ports.azuregalleries import GalleryAccounts, GalleryService
from penstock.ports.publish import ImageFiles
from penstock.publish.azure.observing import observe_blobs
from penstock.publish.azure.performing import DEFAULT_CONCURRENCY, BlobPace, BlobPerformer
from penstock.publish.azure.preflight import disk_findings
from penstock.publish.execution import TargetEnd, Wait
from penstock.publish.findings import Finding, Stops
from penstock.publish.galleries.ending import result_of_gallery
from penstock.publish.galleries.enrichment import enrich_galleries
from penstock.publish.galleries.observing import observe_galleries
from penstock.publish.galleries.performing import GalleryPace, GalleryPerformer
from penstock.publish.galleries.planning import GalleryRules, plan_galleries, wanted_blob
from penstock.publish.galleries.target import GalleryTarget, SettledPlace
from penstock.publish.mapping import Mappings
from penstock.publish.measuring import measured, sources_of
from penstock.publish.plan import Step, StepId
from penstock.publish.workflow import Prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleriesOutside:
    """What the workflow works on.

    Attributes:
        mappings: of the run.
        credentials: of the run.
        accounts: galleries, by credential.
        storages: the storage account of a credential; it raises ``InputError`` for one that names none.
        files: of the sources.
        progress: told of bytes.
        clock: for the steps about blobs.
        wait: lets time pass.
    """

    mappings: Mappings
    credentials: CredentialSet
    accounts: GalleryAccounts
    storages: Callable[[AzureCredential], AzureBlobs]
    files: ImageFiles
    progress: ProgressSink
    clock: Clock
    wait: Wait = asyncio.sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleriesAsk:
    """What the arguments say.

    Attributes:
        plan: see there.
        pace: see there.
        beta: every release is a beta.
        concurrency: of uploads, ``CLOUDIMG_AZURE_UPLOAD_MAX_CONCURRENCY``.
    """

    plan: GalleryRules = field(default_factory=GalleryRules)
    pace: GalleryPace = field(default_factory=GalleryPace)
    beta: bool = False
    concurrency: int = DEFAULT_CONCURRENCY


@dataclass(slots=True)
class _Doors:
    """What there are credentials for, by alias; where targets go, by label; and what is wrong with the others."""

    services: dict[str, GalleryService] = field(default_factory=dict)
    stores: dict[AccountAlias, AzureBlobs] = field(default_factory=dict)
    places: dict[str, SettledPlace] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


class AzureGalleries:
    """:class:`penstock.publish.workflow.Workflow` of VHDs for compute galleries."""

    def __init__(self, ask: GalleriesAsk, outside: GalleriesOutside) -> None:
        """Nothing is asked yet."""
        self._ask = ask
        self._outside = outside

    async def prepare(
        self,
        items: Mapping[int, PushItem],
        earlier: Sequence[JournalEvent],  # noqa: ARG002  # Azure tells all that counts
        *,
        keep_files: bool,
    ) -> Prepared[GalleryTarget]:
        """See there; earlier runs have nothing to tell that Azure does not."""
        ask, outside = self._ask, self._outside
        wanted = {order: item for order, item in items.items() if item.kind is ItemKind.VHD}
        resolution = await outside.mappings.resolve(wanted, StarmapWorkflow.COMMUNITY)
        enriched = enrich_galleries(resolution.mapped, beta=ask.beta)
        doors = _doors(enriched.targets, outside)
        sound = [each for each in enriched.targets if each.label in doors.places]
        contents, unmeasured = await measured(sources_of(sound), outside.files, outside.progress, keep=keep_files)
        ready = [each for each in sound if each.item.src in contents]
        blobs = tuple(wanted_blob(each, contents[each.item.src], ask.plan) for each in ready)
        seen = await asyncio.gather(observe_galleries(ready, doors.places, doors.services), observe_blobs(blobs, doors.stores))
        performer = BlobPerformer(
            doors.stores,
            outside.files,
            {str(each.digest): each for each in contents.values()},
            {},
            clock=outside.clock,
            wait=outside.wait,
            pace=BlobPace(),
            concurrency=ask.concurrency,
        )
        return Prepared(
            cloud=Cloud.AZURE,
            enriched=enriched,
            plan=plan_galleries(ready, contents, doors.places, seen, ask.plan),
            performer=GalleryPerformer(doors.services, performer, wait=outside.wait, pace=ask.pace),
            ending=partial(_ending, {src: content.digest for src, content in contents.items()}),
            unmapped=tuple(each for each in resolution.unmapped if each.unanswered),
            passed_over=tuple(each for each in resolution.unmapped if not each.unanswered),
            contents=contents,
            unmeasured=unmeasured,
            findings=(*doors.findings, *disk_findings(ready, contents)),
        )


def _ending(digests: Mapping[str, Digest], target: GalleryTarget, end: TargetEnd, steps: Mapping[StepId, Step]) -> PushResult:
    return result_of_gallery(target, end, steps, digests[target.item.src])


def _doors(targets: Sequence[GalleryTarget], outside: GalleriesOutside) -> _Doors:
    doors, wrong = _Doors(), dict[tuple[str, str], list[str]]()
    for target in targets:
        try:
            alias = AccountAlias.parse(target.account)
            credential = outside.credentials.azure(alias)
            if alias not in doors.stores:
                doors.stores[alias] = outside.storages(credential)
                doors.services[target.account] = outside.accounts.galleries(credential)
            doors.places[target.label] = _settled(target, credential, doors.stores[alias])
        except InputError as error:
            wrong.setdefault((str(error), error.hint or "see --credentials"), []).append(target.label)
    doors.findings = [
        Finding(problem, hint, Stops.TARGETS, ItemState.UPLOADFAILED, tuple(labels)) for (problem, hint), labels in wrong.items()
    ]
    return doors


def _settled(target: GalleryTarget, credential: AzureCredential, store: AzureBlobs) -> SettledPlace:
    """Where a target goes; the mapping counts before the credentials.

    Raises:
        InputError: neither says the subscription or the resource group.
    """
    subscription = target.meta.subscription or credential.subscription_id
    group = target.meta.resource_group or credential.resource_group
    for value, meta, key in ((subscription, "subscription", "AZURE_SUBSCRIPTION_ID"), (group, "resource_group", "AZURE_RESOURCE_GROUP")):
        if not value:
            hint = f"give {key} with the credentials, or {meta} in the meta of the mapping"
            raise InputError(f"nothing says the {meta.replace('_', ' ')} of the gallery", subject=target.account, hint=hint)
    storage_group = target.meta.storage_resource_group or group
    account = f"/subscriptions/{credential.subscription_id or subscription}/resourceGroups/{storage_group}"
    return SettledPlace(
        place=GalleryPlace(subscription, group, target.destination.gallery),
        storage_account=f"{account}/providers/Microsoft.Storage/storageAccounts/{store.account}",
        publisher=credential.publisher,
    )
