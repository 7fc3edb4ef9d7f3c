"""Pushes, opened: the workflows that are asked for, with everything that they work on."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from penstock.model.push.items import ItemKind
from penstock.wiring.publish import RunSettings, open_rhsm, open_starmap

if TYPE_CHECKING:
    from penstock.adapters.aws.accounts import AwsPushAccounts
    from penstock.adapters.azure.blobs import AzureBlobClient
    from penstock.adapters.azure.gallerywriting import ArmGalleryAccounts
    from penstock.adapters.azure.ingestion import IngestionAccounts
    from penstock.adapters.files.imagecontent import LocalImageFiles
    from penstock.adapters.gcp.publisher import GcpImageAccounts
    from penstock.model.push.accounts import AzureCredential, CredentialSet
    from penstock.model.push.items import PushItem
    from penstock.model.push.journal import JournalEvent
    from penstock.ports import ProgressSink
    from penstock.ports.publish import PushSource
    from penstock.publish.awsmarket.push import AwsMarketAsk
    from penstock.publish.azuremarket.push import AzureMarketAsk
    from penstock.publish.community.push import CommunityAsk
    from penstock.publish.execution import Limits, StepWatcher
    from penstock.publish.galleries.push import GalleriesAsk
    from penstock.publish.gcp.push import GcpAsk
    from penstock.publish.mapping import Mappings
    from penstock.publish.pushing import Surroundings
    from penstock.publish.workflow import Prepared, Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowAsks:
    """What is asked of each workflow, called when there are images for it; None of one that has no part in the push."""

    aws_market: "Callable[[], AwsMarketAsk] | None" = None
    azure_market: "Callable[[], AzureMarketAsk] | None" = None
    community: "Callable[[], CommunityAsk] | None" = None
    galleries: "Callable[[], GalleriesAsk] | None" = None
    gcp: "Callable[[], GcpAsk] | None" = None

    @property
    def to_all(self) -> bool:
        """Whether marketplaces and communities are pushed to: an image that goes to neither goes nowhere at all."""
        return self.aws_market is not None and self.community is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPush:
    """A push, or a deletion, that can begin.

    Attributes:
        sources: of images.
        workflows: in the order in which they are shown.
        around: what they work with.
        all_must_go: see :class:`penstock.publish.pushing.PreparedPush`.
    """

    sources: "tuple[PushSource, ...]"
    workflows: "tuple[Workflow, ...]"
    around: "Surroundings"
    all_must_go: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outside:
    """What all workflows of a push share."""

    settings: RunSettings
    credentials: "CredentialSet"
    files: "LocalImageFiles"
    mappings: "Mappings"
    progress: "ProgressSink"
    stack: AsyncExitStack


@asynccontextmanager
async def open_push(
    settings: RunSettings, asks: WorkflowAsks, limits: "Limits", *, progress: "ProgressSink", watcher: "StepWatcher"
) -> "AsyncIterator[OpenPush]":
    """Everything that a push works on; nothing is asked yet.

    Raises:
        InputError: a setting is wrong.
        NotFoundError: a file of credentials or certificates is not there.
        OperationError: boto3, or another library of a source or a cloud, is not installed.
    """
    from penstock.publish.mapping import Mappings

    async with AsyncExitStack() as stack:
        sources, files = open_files(settings)
        outside = _Outside(
            settings=settings,
            credentials=credentials_of(settings),
            files=files,
            mappings=Mappings(settings.starmap.local, await stack.enter_async_context(open_starmap(settings.starmap))),
            progress=progress,
            stack=stack,
        )
        around = surroundings(files, limits, progress=progress, watcher=watcher)
        yield OpenPush(sources=sources, workflows=tuple(_workflows(asks, outside)), around=around, all_must_go=asks.to_all)


def open_files(settings: RunSettings) -> "tuple[tuple[PushSource, ...], LocalImageFiles]":
    """The sources, and the reader of their files.

    Raises:
        InputError: a text names no source.
        OperationError: the library of a source is not installed.
    """
    from penstock.adapters.files.arrival import Patience
    from penstock.adapters.files.imagecontent import LocalImageFiles
    from penstock.adapters.files.pushsources import parse_source

    patience = Patience(timeout_s=settings.patience.timeout_s, rate_s=settings.patience.rate_s)
    return tuple(parse_source(text, patience=patience) for text in settings.sources), LocalImageFiles(settings.state, patience=patience)


def credentials_of(settings: RunSettings) -> "CredentialSet":
    """The credentials of a run.

    Raises:
        InputError: they are none.
        NotFoundError: a file of them is not there.
    """
    from penstock.adapters.files.pushcredentials import read_credentials
    from penstock.model.push.accounts import DEFAULT_AWS_BUCKET

    if settings.accounts is not None:
        return settings.accounts
    return read_credentials(settings.credentials, settings.container or DEFAULT_AWS_BUCKET)


def surroundings(files: "LocalImageFiles", limits: "Limits", *, progress: "ProgressSink", watcher: "StepWatcher") -> "Surroundings":
    """What a run works with, whatever its workflows."""
    from penstock.adapters.clock import PreciseSystemClock
    from penstock.publish.pushing import Surroundings

    return Surroundings(files=files, clock=PreciseSystemClock(), progress=progress, watcher=watcher, limits=limits)


async def open_aws(settings: RunSettings, stack: AsyncExitStack) -> "AwsPushAccounts":
    """Accounts of AWS, closed with ``stack``.

    Raises:
        OperationError: boto3 is not installed.
    """
    from penstock.adapters.aws.accounts import PUSH_OPTIONS, AwsPushAccounts

    return await stack.enter_async_context(AwsPushAccounts(replace(PUSH_OPTIONS, endpoint=settings.endpoints.aws)))


def open_storages(stack: AsyncExitStack) -> "Callable[[AzureCredential], AzureBlobClient]":
    """Storage accounts of Azure by their credentials, each opened once and closed with ``stack``.

    Raises:
        InputError: a variable of the environment is wrong.
    """
    from penstock.adapters.azure.blobs import AzureBlobClient
    from penstock.adapters.azure.storageaccount import BlobOptions, StorageSettings, parse_connection_string
    from penstock.adapters.clock import SystemClock
    from penstock.adapters.http.authorities import named_authorities

    told = StorageSettings.of(os.environ)
    http = replace(BlobOptions().http, ca_file=named_authorities(os.environ))
    options = BlobOptions(sas_days=told.sas_days, concurrency=told.concurrency, http=http)
    opened: dict[str, AzureBlobClient] = {}

    def storage(credential: "AzureCredential") -> AzureBlobClient:
        text = credential.connection_string
        if text not in opened:
            opened[text] = AzureBlobClient(parse_connection_string(text, suffix=told.suffix), options, SystemClock())
            stack.push_async_callback(opened[text].close)
        return opened[text]

    return storage


async def open_projects(settings: RunSettings, stack: AsyncExitStack) -> "GcpImageAccounts":
    """Projects of Google Cloud, closed with ``stack``."""
    from penstock.adapters.gcp.options import GcpOptions
    from penstock.adapters.gcp.publisher import GcpImageAccounts
    from penstock.adapters.http.authorities import named_authorities
    from penstock.adapters.http.options import HttpOptions

    endpoint = settings.endpoints.gcp or os.environ.get("GCP_ENDPOINT") or None
    options = GcpOptions(endpoint=endpoint, http=HttpOptions(ca_file=named_authorities(os.environ)))
    return await stack.enter_async_context(GcpImageAccounts(options))


def _workflows(asks: WorkflowAsks, outside: _Outside) -> "Iterator[Workflow]":
    """The workflows that are asked for; each is opened when a source has an image for it, and never otherwise."""
    shared = _Shared(outside)
    if asks.aws_market is not None:
        yield _Deferred(ItemKind.AMI, partial(_aws_market, asks.aws_market, outside, shared))
    if asks.community is not None:
        yield _Deferred(ItemKind.AMI, partial(_community, asks.community, outside, shared))
    if asks.azure_market is not None:
        yield _Deferred(ItemKind.VHD, partial(_azure_market, asks.azure_market, outside, shared))
    if asks.galleries is not None:
        yield _Deferred(ItemKind.VHD, partial(_galleries, asks.galleries, outside, shared))
    if asks.gcp is not None:
        yield _Deferred(ItemKind.GCE, partial(_gcp, asks.gcp, outside))


class _Deferred:
    """:class:`penstock.publish.workflow.Workflow` that costs nothing where there is nothing for it."""

    def __init__(self, kind: ItemKind, opened: "Callable[[], Awaitable[Workflow]]") -> None:
        self._kind = kind
        self._opened = opened

    async def prepare(self, items: "Mapping[int, PushItem]", earlier: "Sequence[JournalEvent]", *, keep_files: bool) -> "Prepared[Any]":
        if not any(item.kind is self._kind for item in items.values()):
            from penstock.publish.workflow import nothing_to_do

            return nothing_to_do(self._kind.cloud)
        return await (await self._opened()).prepare(items, earlier, keep_files=keep_files)


class _Shared:
    """What two workflows of one cloud have in common; opened by the first one that needs it."""

    def __init__(self, outside: _Outside) -> None:
        self._outside = outside
        self._aws: asyncio.Task[AwsPushAccounts] | None = None
        self._storages: Callable[[AzureCredential], AzureBlobClient] | None = None

    async def aws(self) -> "AwsPushAccounts":
        if self._aws is None:
            self._aws = asyncio.ensure_future(open_aws(self._outside.settings, self._outside.stack))
        return await self._aws

    def storages(self) -> "Callable[[AzureCredential], AzureBlobClient]":
        if self._storages is None:
            self._storages = open_storages(self._outside.stack)
        return self._storages


async def _aws_market(ask: "Callable[[], AwsMarketAsk]", outside: _Outside, shared: _Shared) -> "Workflow":
    from penstock.adapters.clock import SystemClock
    from penstock.publish.awsmarket.push import AwsMarketOutside, AwsMarketplace

    market = AwsMarketOutside(
        mappings=outside.mappings,
        credentials=outside.credentials,
        accounts=await shared.aws(),
        files=outside.files,
        progress=outside.progress,
        clock=SystemClock(),
    )
    return AwsMarketplace(ask(), market)


async def _community(ask: "Callable[[], CommunityAsk]", outside: _Outside, shared: _Shared) -> "Workflow":
    from penstock.publish.community.push import CommunityAws, CommunityOutside

    community = CommunityOutside(
        mappings=outside.mappings,
        credentials=outside.credentials,
        accounts=await shared.aws(),
        rhsm=await outside.stack.enter_async_context(open_rhsm(outside.settings.rhsm)),
        files=outside.files,
        progress=outside.progress,
    )
    return CommunityAws(ask(), community)


async def _azure_market(ask: "Callable[[], AzureMarketAsk]", outside: _Outside, shared: _Shared) -> "Workflow":
    from penstock.adapters.clock import SystemClock
    from penstock.publish.azuremarket.push import AzureMarketOutside, AzureMarketplace

    market = AzureMarketOutside(
        mappings=outside.mappings,
        credentials=outside.credentials,
        publishers=await _open_publishers(outside),
        storages=shared.storages(),
        files=outside.files,
        progress=outside.progress,
        clock=SystemClock(),
    )
    return AzureMarketplace(ask(), market)


async def _galleries(ask: "Callable[[], GalleriesAsk]", outside: _Outside, shared: _Shared) -> "Workflow":
    from penstock.adapters.clock import SystemClock
    from penstock.publish.galleries.push import AzureGalleries, GalleriesOutside

    galleries = GalleriesOutside(
        mappings=outside.mappings,
        credentials=outside.credentials,
        accounts=await _open_galleries(outside),
        storages=shared.storages(),
        files=outside.files,
        progress=outside.progress,
        clock=SystemClock(),
    )
    return AzureGalleries(ask(), galleries)


async def _gcp(ask: "Callable[[], GcpAsk]", outside: _Outside) -> "Workflow":
    from penstock.publish.gcp.push import GcpImages, GcpOutside

    google = GcpOutside(
        mappings=outside.mappings,
        credentials=outside.credentials,
        accounts=await open_projects(outside.settings, outside.stack),
        files=outside.files,
        progress=outside.progress,
    )
    return GcpImages(ask(), google)


async def _open_publishers(outside: _Outside) -> "IngestionAccounts":
    from penstock.adapters.azure.ingestion import IngestionAccounts
    from penstock.adapters.azure.ingestionoptions import IngestionOptions
    from penstock.adapters.http.authorities import named_authorities

    options, endpoints = IngestionOptions.from_environment(os.environ), outside.settings.endpoints
    http = replace(options.http, ca_file=named_authorities(os.environ))
    options = replace(
        options, endpoint=endpoints.ingestion or options.endpoint, authority=endpoints.authority or options.authority, http=http
    )
    return await outside.stack.enter_async_context(IngestionAccounts(options))


async def _open_galleries(outside: _Outside) -> "ArmGalleryAccounts":
    from penstock.adapters.azure.gallerywriting import ArmGalleryAccounts, GalleryOptions
    from penstock.adapters.http.authorities import named_authorities

    options, endpoints = GalleryOptions.from_environment(os.environ), outside.settings.endpoints
    http = replace(options.http, ca_file=named_authorities(os.environ))
    options = replace(
        options, endpoint=endpoints.manager or options.endpoint, authority=endpoints.authority or options.authority, http=http
    )
    return await outside.stack.enter_async_context(ArmGalleryAccounts(options))
