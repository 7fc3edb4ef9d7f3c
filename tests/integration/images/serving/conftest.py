"""The image service over HTTP, with snapshots over real files that a double of the service gives."""

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, TypeVar

import pytest

from penstock.formats.coreos_iso.embed import EmbedArea, ToldBy
from penstock.imageservice.asks import ArtifactAsk, InitrdAsk, IsoAsk
from penstock.imageservice.catalogue import Catalogue, ReadyImage, Stage, Status
from penstock.imageservice.overlay import Bytes, FileRange, Plan, Source, Zeros, whole
from penstock.imageservice.prepared import Base, BootFiles, PreparedImage
from penstock.imageservice.refusals import Refused
from penstock.imageservice.snapshot import Snapshot
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.osimage import ImageRecord, ImageType, StoredImage, UrlOrigin, Wanted
from penstock.ports import ImageFile
from penstock.servers.images import Bound, ServerOptions, serve

T = TypeVar("T")
HOST = "0f5d39a1-97b6-4f2c-a1a2-57b2c1a0f3ee"
VERSION = "418.94.202501221327-0"
DATE_S = 1_750_000_000


class FileDouble:
    """An open file of the local file system; ``missing`` says what cannot be brought."""

    def __init__(self, path: Path) -> None:
        self.file: BinaryIO = path.open("rb", buffering=0)
        self.size_bytes = path.stat().st_size
        self.digest = Digest("sha256", "0" * 64)
        self.ensured: list[tuple[int, int]] = []
        self.missing: Callable[[int], Exception | None] = lambda _: None

    async def ensure(self, offset: int, length: int) -> None:
        self.ensured.append((offset, length))
        error = self.missing(offset + length)
        if error is not None:
            raise error

    def blocking(self) -> BinaryIO:
        raise NotImplementedError

    def close(self) -> None:
        self.file.close()


def prepared(source: Source, *, minimal: bool = True) -> PreparedImage:
    base = Base(whole(source), EmbedArea(0, 4096, "images/ignition.img", ToldBy.FILE), None)
    return PreparedImage(
        source,
        "rhcos-1",
        base,
        BootFiles(None, None, None),
        minimal=base if minimal else None,
        minimal_with_ramdisk=base if minimal else None,
        why_no_minimal="" if minimal else "there is none on s390x",
    )


@dataclass
class ImageDouble:
    """Makes catalogues."""

    source: Source

    def wanted(self, version: str = VERSION, openshift: str = "4.18", arch: Arch = Arch.X86_64) -> Wanted:
        return Wanted(openshift, arch, UrlOrigin("https://a.example.com/rhcos.iso?secret=1"), version=version)

    def ready(
        self,
        version: str = VERSION,
        openshift: str = "4.18",
        arch: Arch = Arch.X86_64,
        *,
        minimal: bool = True,
        image_type: ImageType = ImageType.FULL,
    ) -> Status:
        wanted = replace(self.wanted(version, openshift, arch), type=image_type)
        record = ImageRecord(openshift, version, arch, image_type, key="k")
        stored = StoredImage(record, Digest("sha256", "0" * 64), self.source.size_bytes, DATE_S)
        return Status(wanted, Stage.READY, ready=(ReadyImage(stored, prepared(self.source, minimal=minimal)),))

    def failed(self, version: str, arch: Arch = Arch.X86_64) -> Status:
        return Status(self.wanted(version, "4.11", arch), Stage.FAILED, reason="the server answers with 404")

    def waiting(self, version: str, arch: Arch = Arch.X86_64) -> Status:
        return Status(self.wanted(version, "4.12", arch), Stage.WAITING)


@dataclass
class ServiceDouble:
    """Answers every ask with one snapshot, refuses as the real one does, and keeps what it was asked."""

    snapshot: Snapshot
    catalogue: Catalogue
    failure: Exception | None = None
    asks: list[tuple[object, bool, str]] = field(default_factory=list)

    async def iso(self, ask: IsoAsk, *, from_start: bool, etag: str = "") -> Snapshot:
        if self.catalogue.find(ask.version, ask.arch, ask.type) is None:
            raise Refused.not_found()
        return self._answer(ask, f"{ask.host}-discovery.iso", from_start=from_start, etag=etag)

    async def initrd(self, ask: InitrdAsk, *, from_start: bool, etag: str = "") -> Snapshot:
        if self.catalogue.find(ask.version, ask.arch) is None:
            raise Refused.by_helper(400, f"version for {ask.version} {ask.arch_text}, not found ")
        return self._answer(ask, f"{ask.host}-initrd.img", from_start=from_start, etag=etag)

    async def addrsize(self, ask: InitrdAsk) -> Snapshot:
        return replace(await self.initrd(ask, from_start=True), file_name=f"{ask.host}-initrd.addrsize")

    async def config(self, ask: IsoAsk, *, sha512: str = "") -> Snapshot:  # as the real one has it
        return self._answer(ask, "config.ign")

    def artifact(self, ask: ArtifactAsk) -> Snapshot:
        return self._answer(ask, "rootfs.img")

    def _answer(self, ask: object, file_name: str, *, from_start: bool = True, etag: str = "") -> Snapshot:
        self.asks.append((ask, from_start, etag))
        if self.failure is not None:
            raise self.failure
        return replace(self.snapshot, file_name=file_name)


@dataclass
class World:
    """A service and what it serves.

    Attributes:
        service: the double.
        content: the bytes of its snapshot.
        image: makes catalogues.
        file: the open file under the snapshot.
        path: of that file.
    """

    service: ServiceDouble
    content: bytes
    image: ImageDouble
    file: FileDouble
    path: Path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A snapshot of three megabytes with ranges, bytes and zeros, large and small."""
    path = tmp_path / "base.iso"
    base = random.Random(4).randbytes(3_000_000)
    path.write_bytes(base)
    source = Source.by_digest(str(path), len(base), f"sha256:{'0' * 64}")
    patch = random.Random(5).randbytes(200_000)
    segments = (
        (FileRange(source, 0, 1_000_000), base[:1_000_000]),
        (Bytes(b"config"), b"config"),
        (Zeros(262_138), bytes(262_138)),
        (FileRange(source, 1_262_144, 10), base[1_262_144:1_262_154]),
        (Bytes(patch), patch),
        (FileRange(source, 1_500_000, 1_500_000), base[1_500_000:]),
    )
    plan = Plan.of(*(segment for segment, _ in segments))
    file = FileDouble(path)
    snapshot = Snapshot(plan, plan.etag(), DATE_S, "x.iso", "application/octet-stream", {source: file})
    image = ImageDouble(source)
    statuses = (image.ready(), image.ready("418.94.1-0", "4.18", Arch.S390X, minimal=False), image.ready("4.19.1", "4.19", Arch.AARCH64))
    yield World(ServiceDouble(snapshot, Catalogue(statuses)), b"".join(content for _, content in segments), image, file, path)
    file.close()


@pytest.fixture
def spare(world: World) -> FileDouble:
    """The file of ``world`` opened once more, for who closes it."""
    return FileDouble(world.path)


@pytest.fixture
def large(tmp_path: Path, world: World) -> World:
    """The same service with a snapshot of one file of 64 MiB."""
    path = tmp_path / "large.iso"
    block = random.Random(6).randbytes(1 << 20)
    path.write_bytes(block * 64)
    source = Source.by_digest(str(path), 64 << 20, f"sha256:{'1' * 64}")
    file = FileDouble(path)
    plan = whole(source)
    files: dict[Source, ImageFile] = {source: file}
    world.service.snapshot = Snapshot(plan, plan.etag(), DATE_S, "x.iso", "application/octet-stream", files)
    return World(world.service, block * 64, world.image, file, path)


class Running:
    """A server in a thread of its own, for clients that know nothing of event loops."""

    def __init__(self, service: ServiceDouble, options: ServerOptions) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._stack = AsyncExitStack()
        self._thread.start()
        self.bound: Bound = self.call(self._stack.enter_async_context(serve(service, options)))

    @property
    def url(self) -> str:
        if self.bound.http_port is not None:
            return f"http://127.0.0.1:{self.bound.http_port}"
        return self.tls_url

    @property
    def tls_url(self) -> str:
        return f"https://localhost:{self.bound.https_port}"

    def call(self, coroutine: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def stop(self) -> None:
        self.call(self._stack.aclose())

    def end(self) -> None:
        self.stop()
        self.call(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def running() -> Callable[..., AbstractContextManager[Running]]:
    """``with running(service, max_concurrent_requests=1) as server``: on loopback, on any free port."""

    @contextmanager
    def start(service: ServiceDouble, **options: object) -> Iterator[Running]:
        server = Running(service, replace(ServerOptions(host="127.0.0.1", port=0), **options))  # type: ignore[arg-type]
        try:
            yield server
        finally:
            server.end()

    return start
