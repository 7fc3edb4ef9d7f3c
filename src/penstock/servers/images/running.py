"""The image service put together: lists, store, origins, backend, keeper, and the routes over them."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog

from penstock.adapters.clock import SystemClock
from penstock.adapters.files.failures import file_error
from penstock.adapters.files.watching import changes, look
from penstock.adapters.imagestore.aside import aside_in
from penstock.imageservice.figures import Figures
from penstock.imageservice.keeper import Keeper
from penstock.imageservice.options import KeeperOptions, ServiceOptions
from penstock.imageservice.recording import LedgerRecorder
from penstock.imageservice.service import ImageService
from penstock.imageservice.wanted import resolved
from penstock.model.errors import PenstockError
from penstock.model.osimage import Wanted
from penstock.ports import HostBackend
from penstock.servers.images.admin import AdminOptions, AdminRoutes, WantedImages
from penstock.servers.images.listeners import Bound, ServerOptions, TlsFiles
from penstock.servers.images.listeners import serve as listen
from penstock.servers.images.openapi import openapi_route
from penstock.servers.images.page import Page, PageOptions
from penstock.servers.images.provenance import ProvenanceRoutes, ServedDocuments
from penstock.wiring import recording_ledger
from penstock.wiring.imagelists import read_lists
from penstock.wiring.imageservice import (
    BackendSettings,
    ImageLists,
    ImageSources,
    StoreSettings,
    floors_of,
    open_host_backend,
    open_image_origins,
    open_image_store,
)

if TYPE_CHECKING:
    from penstock.adapters.imagestore.local import LocalImageStore
    from penstock.adapters.imagestore.s3 import S3ImageStore

_LOOK_EVERY_S: Final = 1.0
_STATE: Final = ".penstock-images/changes.json"
_ALIASES: Final = ".penstock-images/aliases"


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the service listens, and how it answers.

    Attributes:
        address: the one to listen on; None for all of this machine.
        port: of HTTPS with a certificate, else of HTTP; 0 takes a free one.
        http_port: of plain HTTP beside HTTPS, or None.
        cert_file: PEM, with its chain; given together with the key.
        key_file: PEM.
        max_requests: how many are answered at a time.
        allowed_domains: the origins of CORS, separated by commas, or ``""``.
        drain_limit_s: how long transfers may go on after the end was asked for; None is without end.
    """

    address: str | None = None
    port: int = 8080
    http_port: int | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    max_requests: int = 400
    allowed_domains: str = ""
    drain_limit_s: float | None = None


@dataclass(frozen=True, slots=True)
class Serving:
    """All that is set on an image service.

    Attributes:
        sources: what is served, and where it comes from.
        store: where it is kept.
        backend: who says what hosts get.
        listening: where it listens.
        base_url: by which hosts reach it, without a slash at its end, or ``""``.
        validity_s: how long what the backend said counts.
        admin_token_file: holds the token of who may change what is served; None where nobody may.
        takes_configs: whether who opens the page may store a config, where the backend can.
        ledger: where it is recorded what came from what; None for the default place.
    """

    sources: ImageSources
    store: StoreSettings
    backend: BackendSettings
    listening: Listening = field(default_factory=Listening)
    base_url: str = ""
    validity_s: float = 60.0
    admin_token_file: Path | None = None
    takes_configs: bool = False
    ledger: str | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """An image service that answers.

    Attributes:
        bound: where.
        keeper: of its images.
    """

    bound: Bound
    keeper: Keeper


@asynccontextmanager
async def image_service(serving: Serving) -> AsyncIterator[Running]:
    """Run an image service while the context is open; leaving it waits for the transfers that run.

    Raises:
        PenstockError: it cannot be started.
    """
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(recording_ledger(serving.ledger))
        store = await stack.enter_async_context(open_image_store(serving.store, serving.sources))
        origins = await stack.enter_async_context(open_image_origins(serving.sources, ledger))
        backend = await stack.enter_async_context(open_host_backend(serving.backend, serving.ledger))
        recorder = LedgerRecorder(ledger)
        stack.push_async_callback(recorder.close)
        downloads = serving.sources.downloads
        options = KeeperOptions(base_url=serving.base_url, floors=floors_of(downloads), checks_signatures=downloads.keyring is not None)
        await asyncio.to_thread(_make_folder, serving.store.folder)
        keeper = Keeper(store, origins, options, aside=aside_in(serving.store.folder), clock=SystemClock())
        stack.push_async_callback(keeper.close)
        documents = ServedDocuments(recorder.outsides)
        service = ImageService(
            lambda: keeper.catalogue,
            backend,
            ServiceOptions(base_url=serving.base_url, validity_s=serving.validity_s),
            clock=SystemClock(),
            recorder=documents.before(recorder.snapshot),
        )
        stack.push_async_callback(service.close)
        images = WantedImages(keeper.want, serving.store.folder / _STATE)
        limited = ProvenanceRoutes(service, documents).routes()
        routes = [
            *Page(service, _page_options(serving, backend)).routes(),
            *AdminRoutes(lambda: keeper.catalogue, AdminOptions(images, serving.admin_token_file)).routes(),
            openapi_route(base_url=serving.base_url),
        ]
        # Before anything is brought, so that a port that is taken is told at once.
        bound = await stack.enter_async_context(
            listen(
                service,
                _server_options(serving, lambda: (*service.figures(), *store.figures())),
                extra_routes=routes,
                limited_routes=limited,
            )
        )
        if not serving.base_url:
            hint = "give the URL by which hosts reach this service with --base-url (IMAGE_SERVICE_BASE_URL)"
            _log().warning("there will be no minimal ISOs: hosts would not know where to take their root file system", hint=hint)
        # Nobody needs what is still to come while running transfers are let end.
        stack.push_async_callback(keeper.close)
        seen = await look(serving.sources.lists.files)
        entries = await asyncio.to_thread(read_lists, serving.sources.lists)
        await _tidy(store, resolved(entries))
        await images.listed(entries)
        works = [
            recorder.follow(keeper),
            _follow_lists(serving.sources.lists, seen, images),
            _follow_pull_secret(serving.sources.pull_secret.file, keeper),
        ]
        if serving.store.bucket is None:  # what is in S3 may be there for others
            works.append(_prune(keeper))
        for work in works:
            await stack.enter_async_context(_in_background(work))
        yield Running(bound, keeper)


def _page_options(serving: Serving, backend: HostBackend) -> PageOptions:
    store = getattr(backend, "put", None) if serving.takes_configs else None
    return PageOptions(store=store, points_to_config=bool(serving.base_url))


def _server_options(serving: Serving, figures: Figures) -> ServerOptions:
    listening = serving.listening
    tls = TlsFiles(listening.cert_file, listening.key_file) if listening.cert_file and listening.key_file else None
    return ServerOptions(
        host=listening.address or None,
        port=listening.port,
        http_port=listening.http_port,
        tls=tls,
        max_concurrent_requests=listening.max_requests,
        allowed_domains=listening.allowed_domains,
        base_url=serving.base_url,
        alias_folder=serving.store.folder / _ALIASES,
        figures=figures,
        drain_deadline_s=listening.drain_limit_s,
    )


async def _tidy(store: "LocalImageStore | S3ImageStore", wanted: Sequence[Wanted]) -> None:
    try:
        await store.tidy(wanted)
    except PenstockError as error:
        # What is there can be served all the same: the disk may be full, or be meant for reading alone.
        _log().warning("the store cannot be tidied up", error=str(error), hint=error.hint or None)


async def _prune(keeper: Keeper) -> None:
    """Once all is there that can be, remove what earlier lists left, as OpenShift's image service does at its start."""
    await keeper.until_settled()
    await keeper.prune()


async def _follow_lists(lists: ImageLists, seen: Mapping[Path, str], images: WantedImages) -> None:
    """Go by the lists in files as they are; one that is broken at the moment changes nothing."""
    log = _log()
    if not lists.files:
        return
    async for changed in changes(seen, every_s=_LOOK_EVERY_S):
        try:
            await images.listed(await asyncio.to_thread(read_lists, lists))
        except PenstockError as error:
            # Not its traceback: somebody wrote a list that is wrong.
            log.error("a list of images cannot be used; the one before it counts on", error=str(error), hint=error.hint or None)  # noqa: TRY400
        else:
            log.info("a list of images has changed", files=[str(path) for path in changed])


async def _follow_pull_secret(path: Path | None, keeper: Keeper) -> None:
    """What was refused is tried at once when there is another pull secret; who changed it need not wait for the next try."""
    if path is None:
        return
    async for _ in changes(await look((path,)), every_s=_LOOK_EVERY_S):
        keeper.again()


@asynccontextmanager
async def _in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    async def watched() -> None:
        try:
            await work
        except Exception:  # noqa: BLE001  # whatever it is, images are served on
            _log().exception("work in the background ended for a reason that nobody foresaw")

    task = asyncio.create_task(watched())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise file_error(error, str(folder)) from error


def _log() -> "structlog.stdlib.BoundLogger":
    return structlog.get_logger("penstock.images")  # type: ignore[no-any-return]
