"""What ``penstock images serve`` does: the parts of the image service put together, and run until a signal comes."""

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import structlog

from penstock.adapters.clock import SystemClock
from penstock.adapters.files.failures import file_error
from penstock.adapters.files.watching import changes
from penstock.adapters.imagestore.aside import aside_in
from penstock.cli.images.lists import must_be_given, read_lists
from penstock.cli.interrupts import Interrupted
from penstock.cli.running import run_async
from penstock.imageservice.keeper import Keeper
from penstock.imageservice.options import KeeperOptions, ServiceOptions
from penstock.imageservice.recording import LedgerRecorder
from penstock.imageservice.service import ImageService
from penstock.imageservice.wanted import resolved
from penstock.model.errors import InputError, PenstockError
from penstock.ports import HostBackend
from penstock.servers.images.admin import AdminOptions, AdminRoutes, WantedImages
from penstock.servers.images.listeners import Bound, ServerOptions, TlsFiles
from penstock.servers.images.listeners import serve as listen
from penstock.servers.images.openapi import openapi_route
from penstock.servers.images.page import Page, PageOptions
from penstock.servers.images.provenance import ProvenanceRoutes, ServedDocuments
from penstock.wiring import recording_ledger
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

_LOOK_EVERY_S: Final = 2.0
_STATE: Final = ".penstock-images/changes.json"
_ALIASES: Final = ".penstock-images/aliases"


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the service listens, and how it answers."""

    address: str | None
    port: int
    http_port: int | None
    cert_file: Path | None
    key_file: Path | None
    max_requests: int
    allowed_domains: str
    drain_limit_s: float | None


@dataclass(frozen=True, slots=True)
class Serving:
    """All that the command line says."""

    sources: ImageSources
    store: StoreSettings
    backend: BackendSettings
    listening: Listening
    base_url: str
    validity_s: float
    admin_token_file: Path | None
    takes_configs: bool
    ledger: str | None


def check(sources: ImageSources, backend: BackendSettings, *, admin: bool) -> None:
    """Refuse what cannot be served, before anything is opened.

    Raises:
        InputError: a list is wrong, or nothing is to be served, or nobody says what hosts get.
    """
    if not admin:
        must_be_given(sources.lists)
    read_lists(sources.lists)
    if backend.host is None and backend.config_dir is None:
        hint = "name assisted-service with --assisted-service-host (ASSISTED_SERVICE_HOST), or a folder with --config-dir"
        raise InputError("nobody says what a host gets", hint=hint)
    if backend.host is not None and backend.config_dir is not None:
        raise InputError("assisted-service and --config-dir exclude each other", hint="name one of them")


def serve(serving: Serving) -> None:
    """Serve until a signal comes.

    Raises:
        Interrupted: of another signal than SIGTERM, which ends a server as it should end.
        PenstockError: it cannot be started.
    """
    try:
        run_async(_serve(serving), patient=True)
    except Interrupted as interrupted:
        if interrupted.signal != signal.SIGTERM:
            raise


async def _serve(serving: Serving) -> None:
    async with _running(serving) as bound:
        for scheme, port in (("https", bound.https_port), ("http", bound.http_port)):
            if port is not None:
                click.echo(f"{scheme}://{_host(serving.listening.address)}:{port}")
        await asyncio.Event().wait()


@asynccontextmanager
async def _running(serving: Serving) -> AsyncIterator[Bound]:
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(recording_ledger(serving.ledger))
        store = await stack.enter_async_context(open_image_store(serving.store, serving.sources))
        origins = await stack.enter_async_context(open_image_origins(serving.sources, ledger))
        backend = await stack.enter_async_context(open_host_backend(serving.backend, serving.ledger))
        recorder = LedgerRecorder(ledger)
        stack.push_async_callback(recorder.close)
        options = KeeperOptions(base_url=serving.base_url, floors=floors_of(serving.sources.downloads))
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
        entries = await asyncio.to_thread(read_lists, serving.sources.lists)
        await store.tidy(resolved(entries))
        await images.listed(entries)
        for work in (recorder.follow(keeper), _follow_lists(serving.sources.lists, images)):
            await stack.enter_async_context(_in_background(work))
        routes = [
            *Page(service, _page_options(serving, backend)).routes(),
            *AdminRoutes(lambda: keeper.catalogue, AdminOptions(images, serving.admin_token_file)).routes(),
            *ProvenanceRoutes(service, documents).routes(),
            openapi_route(base_url=serving.base_url),
        ]
        yield await stack.enter_async_context(listen(service, _server_options(serving), extra_routes=routes))


def _page_options(serving: Serving, backend: HostBackend) -> PageOptions:
    store = getattr(backend, "put", None) if serving.takes_configs else None
    return PageOptions(store=store, points_to_config=bool(serving.base_url))


def _server_options(serving: Serving) -> ServerOptions:
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
        drain_deadline_s=listening.drain_limit_s,
    )


async def _follow_lists(lists: ImageLists, images: WantedImages) -> None:
    """Go by the lists in files as they are; one that is broken at the moment changes nothing."""
    log = structlog.get_logger("penstock.images")
    if not lists.files:
        return
    async for changed in changes(lists.files, every_s=_LOOK_EVERY_S):
        try:
            await images.listed(await asyncio.to_thread(read_lists, lists))
        except PenstockError as error:
            # Not its traceback: somebody wrote a list that is wrong.
            log.error("a list of images cannot be used; the one before it counts on", error=str(error), hint=error.hint or None)  # noqa: TRY400
        else:
            log.info("a list of images has changed", files=[str(path) for path in changed])


@asynccontextmanager
async def _in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
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


def _host(address: str | None) -> str:
    """What a client on this machine would write."""
    if address in {None, "", "0.0.0.0", "::"}:  # noqa: S104  # compared, not listened on
        return "localhost"
    return f"[{address}]" if ":" in str(address) else str(address)
