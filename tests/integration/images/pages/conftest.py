"""The page, the admin API and the provenance of an image service over real ISOs, configs in a folder and a ledger in memory."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pytest

from penstock.adapters.files.hostconfigs import HostConfigs
from penstock.formats.coreos_iso.image import IsoImage
from penstock.imageservice.catalogue import Catalogue, ReadyImage, Stage, Status
from penstock.imageservice.options import ServiceOptions
from penstock.imageservice.overlay import Source
from penstock.imageservice.prepare import prepare, prepare_minimal
from penstock.imageservice.recording import LedgerRecorder
from penstock.imageservice.service import ImageService
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.osimage import ImageRecord, ImageType, PayloadSteps, StoredImage, UrlOrigin, Wanted
from penstock.ports import Ledger
from penstock.servers.images import ServerOptions, serve
from penstock.servers.images.admin import AdminOptions, AdminRoutes, WantedImages
from penstock.servers.images.openapi import openapi_route
from penstock.servers.images.page import Page, PageOptions
from penstock.servers.images.provenance import ProvenanceRoutes, ServedDocuments
from penstock.simulators.ledger import MemoryLedger

if TYPE_CHECKING:
    from tests.integration.images.conftest import LiveIso

VERSION = "418.94.202501221327-0"
TOKEN = "the admin's token"
STEPS = PayloadSteps(
    "quay.example/release:4.18.1",
    Digest.of(b"release"),
    f"quay.example/art@{Digest.of(b'image')}",
    Digest.of(b"image"),
    Digest.of(b"layer"),
    "coreos/coreos-x86_64.iso",
)
WANTED = Wanted("4.18", Arch.X86_64, UrlOrigin("https://user:word@mirror.example/rhcos.iso?secret=1"), ImageType.FULL, VERSION)


class Clock:
    def now_s(self) -> int:
        return 1_760_000_000


class OpenIso:
    """An ISO of the local file system, as a store opens one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.file: BinaryIO = path.open("rb", buffering=0)
        self.size_bytes = path.stat().st_size
        self.digest = Digest.of(path.read_bytes())

    async def ensure(self, offset: int, length: int) -> None:
        """It is here."""

    def blocking(self) -> BinaryIO:
        return self._path.open("rb")

    def close(self) -> None:
        self.file.close()


@dataclass
class Service:
    """What runs.

    Attributes:
        folder: with the hosts' configs.
        service: answers.
        recorder: writes into the ledger.
        documents: the provenance of what was served.
        ledger: what was recorded.
        catalogues: what is served; the first counts.
        url: of it, without a slash at its end.
        wanted: what the admin API asked for, each time.
    """

    folder: Path
    service: ImageService
    recorder: LedgerRecorder
    documents: ServedDocuments
    ledger: Ledger
    catalogues: list[Catalogue]
    url: str = ""
    wanted: list[tuple[Wanted, ...]] = field(default_factory=list)


def ready_image(path: Path, record: ImageRecord, *, rootfs_url: str) -> ReadyImage:
    """An image as the service has it after it came."""
    opened = OpenIso(path)
    source = Source.by_digest(str(path), opened.size_bytes, str(opened.digest))
    with path.open("rb") as file:
        iso = IsoImage(file, name=path.name)
        prepared = prepare(iso, source)
        with suppress(InputError):  # there is none of ISOs of early 2021
            prepared = prepare_minimal(iso, prepared, rootfs_url=rootfs_url)
    return ReadyImage(StoredImage(record, opened.digest, opened.size_bytes, 1_760_000_000), prepared, {source: opened})


RecordOf = Callable[..., ImageRecord]


@pytest.fixture
def record_of() -> RecordOf:
    def made(*, steps: PayloadSteps | None = STEPS, url: str = "", version: str = VERSION) -> ImageRecord:
        checked = ("the layer's digest", "coreos-x86_64.iso.sha256")
        return ImageRecord("4.18", version, Arch.X86_64, ImageType.FULL, "key", ("4.18.1",), url, steps, checked)

    return made


@pytest.fixture
def ready_of(record_of: RecordOf) -> Iterator[Callable[..., ReadyImage]]:
    """``ready_of(iso)``: the image that a service makes of an ISO."""
    opened: list[ReadyImage] = []

    def made(iso: "LiveIso", *, rootfs_url: str = "https://images.example/rootfs?arch=x86_64&version=1") -> ReadyImage:
        opened.append(ready_image(iso.path, record_of(), rootfs_url=rootfs_url))
        return opened[-1]

    yield made
    for image in opened:
        for file in image.files.values():
            file.close()


@pytest.fixture
def ready(live: "LiveIso", ready_of: Callable[..., ReadyImage]) -> ReadyImage:
    """The image of a small ISO without a minimal one of its own."""
    return ready_of(live)


class Settled:
    """A catalogue that never changes, and tells when the recorder has done with it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.recorded = asyncio.Event()

    async def changed(self, seen: Catalogue | None = None) -> Catalogue:
        self.recorded.set()
        await asyncio.Event().wait()
        return self.catalogue


MakeService = Callable[..., Service]


@pytest.fixture
def make_service(tmp_path: Path) -> MakeService:
    """``make_service(image, …)``: an image service over a folder with configs, not listening yet."""

    def made(*images: ReadyImage, catalogue: Catalogue | None = None, ledger: Ledger | None = None, **options: object) -> Service:
        folder = tmp_path / "hosts"
        folder.mkdir(exist_ok=True)
        catalogues = [catalogue or Catalogue(tuple(Status(WANTED, Stage.READY, ready=(image,)) for image in images))]
        ledger = ledger or MemoryLedger()
        recorder = LedgerRecorder(ledger)
        documents = ServedDocuments(recorder.outsides)
        service = ImageService(
            lambda: catalogues[0],
            HostConfigs(folder),
            ServiceOptions(**options),  # type: ignore[arg-type]
            clock=Clock(),
            recorder=documents.before(recorder.snapshot),
        )
        return Service(folder, service, recorder, documents, ledger, catalogues)

    return made


Listen = Callable[..., AbstractContextManager[Service]]


@pytest.fixture
def listen(tmp_path: Path) -> Listen:
    """``with listen(service, …) as service``: the whole application on a free port, in a thread."""

    @contextmanager
    def listening(
        service: Service, *, stores: bool = True, token: str | None = TOKEN, listed: tuple[Wanted, ...] = (WANTED,)
    ) -> Iterator[Service]:
        token_file = tmp_path / "admin-token"
        if token is not None:
            token_file.write_text(f"{token}\n")

        async def want(wanted: tuple[Wanted, ...]) -> None:
            service.wanted.append(wanted)

        async def start(stack: AsyncExitStack) -> str:
            settled = Settled(service.catalogues[0])
            following = asyncio.create_task(service.recorder.follow(settled))
            stack.callback(following.cancel)
            await settled.recorded.wait()
            images = WantedImages(want, tmp_path / "data" / "wanted-images.json")
            await images.listed(listed)
            options = AdminOptions(images, token_file if token is not None else None)
            routes = [
                *Page(service.service, PageOptions(store=HostConfigs(service.folder).put if stores else None)).routes(),
                *AdminRoutes(lambda: service.catalogues[0], options).routes(),
                openapi_route(),
            ]
            limited = ProvenanceRoutes(service.service, service.documents).routes()
            listening = serve(service.service, ServerOptions("127.0.0.1", 0), extra_routes=routes, limited_routes=limited)
            bound = await stack.enter_async_context(listening)
            stack.push_async_callback(service.recorder.close)
            stack.push_async_callback(service.service.close)  # waits for what is being recorded
            return f"http://127.0.0.1:{bound.http_port}"

        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        stack = AsyncExitStack()
        try:
            service.url = asyncio.run_coroutine_threadsafe(start(stack), loop).result()
            yield service
        finally:
            asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result()
            asyncio.run_coroutine_threadsafe(loop.shutdown_default_executor(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    return listening
