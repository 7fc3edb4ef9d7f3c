"""The ports of the image service as small real things: a store in a folder, origins and a backend that say what they are told to say."""

import asyncio
import hashlib
import io
import json
import os
import struct
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

import pytest

from penstock.formats.iso9660.segments import read_segments
from penstock.formats.iso9660.tree import NewEntry, NewIso
from penstock.formats.iso9660.writer import plan_iso
from penstock.imageservice.catalogue import Catalogue
from penstock.imageservice.keeper import Keeper
from penstock.imageservice.options import KeeperOptions
from penstock.imageservice.prepare import Floors
from penstock.imageservice.service import ImageService, Recorder, ServiceOptions
from penstock.imageservice.snapshot import Snapshot
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import NotFoundError
from penstock.model.hosts import Credentials, HostIgnition
from penstock.model.osimage import (
    Brought,
    ImageRecord,
    ImageType,
    PayloadOrigin,
    PayloadSteps,
    StoredImage,
    UrlOrigin,
    Wanted,
)
from penstock.model.progress import Progress
from penstock.ports import BringImages, HostBackend, ProgressSink

if TYPE_CHECKING:
    from tests.unit.imageservice.conftest import LiveFiles

BUILD = "417.94.202501221327-0"
HOST = "0f1e2d3c-0000-4000-8000-000000000001"
CONFIG = b'{"ignition": {"version": "3.4.0"}}'
BASE_URL = "https://images.example.com"

T = TypeVar("T")


class Timeline:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.at_s = 1_000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now_s(self) -> int:
        return 1_700_000_000 + int(self.at_s)

    def monotonic(self) -> float:
        return self.at_s

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.at_s + seconds, future))
        await future

    @property
    def waits_s(self) -> list[float]:
        """How long the sleepers have still to wait."""
        return sorted(due_s - self.at_s for due_s, future in self._sleepers if not future.done())

    def advance(self, seconds: float) -> None:
        self.at_s += seconds
        for due_s, future in self._sleepers:
            if due_s <= self.at_s and not future.done():
                future.set_result(None)
        self._sleepers = [(due_s, future) for due_s, future in self._sleepers if not future.done()]


class OpenFile:
    """An open file that counts itself."""

    def __init__(self, path: Path, digest: Digest, count: Callable[[int], None]) -> None:
        self._file = io.FileIO(path)
        self.digest = digest
        self.size_bytes = os.fstat(self._file.fileno()).st_size
        self._count = count
        count(1)

    @property
    def file(self) -> BinaryIO:
        return cast("BinaryIO", self._file)

    async def ensure(self, offset: int, length: int) -> None:
        assert offset >= 0
        assert offset + length <= self.size_bytes

    def blocking(self) -> BinaryIO:
        return open(f"/proc/self/fd/{self._file.fileno()}", "rb")  # noqa: PTH123  # its own position, also where the name is gone

    def close(self) -> None:
        if not self._file.closed:
            self._file.close()
            self._count(-1)


class FolderStore:
    """An image store in one folder, by the names of the records."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.kept: dict[str, tuple[StoredImage, ...]] = {}
        self.open_files = 0
        self.removed: list[str] = []
        self.opens = 0
        self.mtime_s = 1_600_000_000

    async def images(self) -> tuple[StoredImage, ...]:
        return tuple(image for images in self.kept.values() for image in images)

    async def put(self, wanted: Wanted, key: str, bring: BringImages) -> tuple[StoredImage, ...]:
        if not self.kept.get(key):
            kept = []
            for brought in await bring(str(self._folder)):
                name = brought.record.file_name
                for other, images in list(self.kept.items()):
                    self.kept[other] = tuple(image for image in images if image.record.file_name != name)
                os.replace(brought.path, self._folder / name)  # noqa: PTH105
                self.mtime_s += 1
                kept.append(StoredImage(brought.record, brought.digest, brought.size_bytes, self.mtime_s))
            self.kept[key] = tuple(kept)
        return self.kept[key]

    async def open(self, image: StoredImage) -> OpenFile:
        self.opens += 1
        try:
            return OpenFile(self._folder / image.record.file_name, image.digest, self._count)
        except FileNotFoundError:
            raise NotFoundError("it is gone", subject=image.record.file_name) from None

    async def remove(self, image: StoredImage) -> None:
        self.removed.append(image.record.file_name)
        (self._folder / image.record.file_name).unlink(missing_ok=True)
        for key, images in list(self.kept.items()):
            self.kept[key] = tuple(other for other in images if other.record.file_name != image.record.file_name)

    def aside(self, content: bytes) -> OpenFile:
        path = self._folder / "aside"
        path.write_bytes(content)
        file = OpenFile(path, Digest.of(content), self._count)
        path.unlink()
        return file

    def files(self) -> set[str]:
        return {path.name for path in self._folder.iterdir()}

    def _count(self, step: int) -> None:
        self.open_files += step


class Origins:
    """Where ISOs come from: what :meth:`offer` gave, after the faults that stand before it."""

    def __init__(self) -> None:
        self._isos: dict[Wanted, list[tuple[ImageRecord, bytes]]] = {}
        self.key_faults: dict[Wanted, deque[Exception]] = defaultdict(deque)
        self.bring_faults: dict[Wanted, deque[Exception]] = defaultdict(deque)
        self.brought: list[str] = []
        self.gates: dict[Wanted, asyncio.Event] = {}
        self.key_gates: dict[Wanted, asyncio.Event] = {}
        self.at_once = 0
        self.most_at_once = 0

    def offer(self, wanted: Wanted, *isos: bytes, builds: tuple[str, ...] = ()) -> Wanted:
        named = builds or (wanted.version or BUILD,)
        self._isos[wanted] = [
            (self._record(wanted, build, number, content), content) for number, (build, content) in enumerate(zip(named, isos, strict=True))
        ]
        return wanted

    async def key(self, wanted: Wanted) -> str:
        await asyncio.sleep(0)
        if wanted in self.key_gates:
            await self.key_gates[wanted].wait()
        if self.key_faults[wanted]:
            raise self.key_faults[wanted].popleft()
        return self._key(wanted)

    async def bring(self, wanted: Wanted, folder: str, progress: ProgressSink) -> tuple[Brought, ...]:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            progress(Progress("download", wanted.name, 1, 10))
            await asyncio.sleep(0)
            if wanted in self.gates:
                await self.gates[wanted].wait()
            if self.bring_faults[wanted]:
                raise self.bring_faults[wanted].popleft()
            self.brought.append(wanted.name)
            return tuple(self._written(record, content, Path(folder)) for record, content in self._isos[wanted])
        finally:
            self.at_once -= 1

    def _key(self, wanted: Wanted) -> str:
        contents = b"".join(content for _, content in self._isos[wanted])
        return f"{wanted.name} {hashlib.sha256(contents).hexdigest()}"

    def _record(self, wanted: Wanted, build: str, number: int, content: bytes) -> ImageRecord:
        steps, url = None, ""
        if isinstance(wanted.origin, PayloadOrigin):
            digest = Digest.of(content)
            path = f"coreos/coreos{'' if number == 0 else 10}-{wanted.arch.value}.iso"
            steps = PayloadSteps(wanted.origin.release, digest, "example.com/images@sha256:0", digest, digest, path)
        elif isinstance(wanted.origin, UrlOrigin):
            url = wanted.origin.url
        names = (wanted.origin.release_version,) if isinstance(wanted.origin, PayloadOrigin) else ()
        return ImageRecord(wanted.openshift_version, build, wanted.arch, wanted.type, "key", names, url, steps)

    @staticmethod
    def _written(record: ImageRecord, content: bytes, folder: Path) -> Brought:
        path = folder / f".{record.file_name}-{len(content)}-{hashlib.sha256(content).hexdigest()[:8]}"
        path.write_bytes(content)
        return Brought(str(path), Digest.of(content), len(content), record)


class Backend:
    """A backend that says what it is told to say, and remembers what it was asked."""

    def __init__(self) -> None:
        self.config = CONFIG
        self.last_modified = "Wed, 22 Jan 2025 13:27:00 GMT"
        self.ramdisk_content = b""
        self.arguments: tuple[str, ...] = ()
        self.calls: list[tuple[str, ImageType | None, str]] = []
        self.faults: deque[Exception | None] = deque()
        self.gate: asyncio.Event | None = None

    async def ignition(self, host: str, image_type: ImageType | None, credentials: Credentials) -> HostIgnition:
        await self._asked("ignition", image_type, credentials)
        return HostIgnition(self.config, self.last_modified)

    async def ramdisk(self, host: str, credentials: Credentials) -> bytes:
        await self._asked("ramdisk", None, credentials)
        return self.ramdisk_content

    async def kernel_arguments(self, host: str, credentials: Credentials) -> tuple[str, ...]:
        await self._asked("arguments", None, credentials)
        return self.arguments

    async def _asked(self, what: str, image_type: ImageType | None, credentials: Credentials) -> None:
        self.calls.append((what, image_type, credentials.value))
        await asyncio.sleep(0)
        if self.gate is not None:
            await self.gate.wait()
        if self.faults:
            fault = self.faults.popleft()
            if fault is not None:
                raise fault


class World:
    """A service with everything around it; one for each test."""

    def __init__(self, folder: Path) -> None:
        self.time = Timeline()
        self.store = FolderStore(folder)
        self.origins = Origins()
        self.backend = Backend()
        self.catalogue = Catalogue()

    def keeper(self, **options: object) -> Keeper:
        chosen = KeeperOptions(**{"base_url": BASE_URL, "floors": Floors(1, 1), **options})  # type: ignore[arg-type]
        return Keeper(
            self.store,
            self.origins,
            chosen,
            aside=self.store.aside,
            clock=self.time,
            sleep=self.time.sleep,
            monotonic=self.time.monotonic,
        )

    def service(
        self, *, keeper: Keeper | None = None, recorder: Recorder | None = None, backend: HostBackend | None = None, **options: object
    ) -> ImageService:
        chosen = ServiceOptions(**{"base_url": BASE_URL, **options})  # type: ignore[arg-type]
        catalogue = (lambda: keeper.catalogue) if keeper is not None else (lambda: self.catalogue)
        asked = backend or self.backend
        return ImageService(catalogue, asked, chosen, clock=self.time, monotonic=self.time.monotonic, recorder=recorder)

    async def load(self, *wanted: Wanted, **options: object) -> None:
        """Make everything ready, minimal ISOs too; the catalogue stands still from then on."""
        keeper = self.keeper(**options)
        await keeper.want(wanted)
        await until(keeper, lambda catalogue: all(status.ready and is_whole(status.ready) for status in catalogue.statuses))
        await keeper.close()
        self.catalogue = keeper.catalogue


def is_whole(ready: tuple[object, ...]) -> bool:
    from penstock.imageservice.catalogue import ReadyImage
    from penstock.imageservice.readying import is_whole as whole

    return all(isinstance(image, ReadyImage) and whole(image) for image in ready)


async def until(keeper: Keeper, holds: Callable[[Catalogue], object]) -> Catalogue:
    """The first catalogue of which this holds."""

    async def wait() -> Catalogue:
        while not holds(keeper.catalogue):
            await keeper.changed()
        return keeper.catalogue

    return await asyncio.wait_for(wait(), 20)


async def eventually(holds: Callable[[], object]) -> None:
    """Wait until this holds."""

    async def wait() -> None:
        while not holds():  # noqa: ASYNC110  # threads and tasks that tell nobody
            await asyncio.sleep(0.002)

    await asyncio.wait_for(wait(), 20)


def content_of(snapshot: Snapshot) -> bytes:
    """All bytes of a snapshot, read from its open files as the shell does."""
    return b"".join(bytes(chunk) for chunk in snapshot.plan.iter_chunks(lambda source: snapshot.files[source].file))


@pytest.fixture
def world(tmp_path: Path) -> World:
    folder = tmp_path / "store"
    folder.mkdir()
    return World(folder)


@pytest.fixture(scope="session")
def full_iso(live_files: "LiveFiles") -> Callable[..., bytes]:
    """``full_iso(mark)``: a live ISO for x86_64, another one for each mark."""

    def made(mark: bytes = b"", **changes: bytes) -> bytes:
        files = {**live_files(), "images/pxeboot/rootfs.img": b"root file system" + mark, **changes}
        return _iso(files)

    return made


@pytest.fixture(scope="session")
def s390x_iso() -> bytes:
    boot = b"k" * 1000 + b"rw ignition.firstboot".ljust(896, b"\0") + b"x" * 104 + bytes(16384) + b"t" * 500
    kargs = {"default": "rw", "files": [{"path": "images/cdboot.img", "offset": 1000, "pad": "\0", "end": "\0"}], "size": 896}
    return _iso(
        {
            "coreos/igninfo.json": json.dumps({"file": "images/cdboot.img", "offset": 2000, "length": 16384}).encode(),
            "coreos/kargs.json": json.dumps(kargs).encode(),
            "generic.ins": b"images/kernel.img 0x00000000\n",
            "images/cdboot.img": boot,
            "images/initrd.addrsize": struct.pack(">QQ", 3 << 24, 1000),
            "images/pxeboot/initrd.img": b"initrd" * 1000,
            "images/pxeboot/kernel.img": b"kernel" * 1000,
            "images/pxeboot/rootfs.img": b"root" * 1000,
        }
    )


def _iso(files: dict[str, bytes]) -> bytes:
    entries = tuple(NewEntry(path, content=(content,)) for path, content in files.items())
    return b"".join(read_segments(plan_iso(NewIso("rhcos-417.94-0", entries, 0)).segments, {}))


@pytest.fixture(scope="session")
def listed() -> Callable[..., Wanted]:
    """``listed(openshift_version, build=, arch=, type=)``: an entry of ``OS_IMAGES``."""

    def made(
        openshift_version: str = "4.17",
        build: str = BUILD,
        arch: Arch = Arch.X86_64,
        image_type: ImageType = ImageType.FULL,
        url: str = "",
    ) -> Wanted:
        address = url or f"https://mirror.example.com/{build}-{arch.value}.iso"
        return Wanted(openshift_version, arch, UrlOrigin(address), image_type, build)

    return made


@pytest.fixture(scope="session")
def released() -> Callable[..., Wanted]:
    """``released(version, arch=, fallback=)``: an entry of ``RELEASE_IMAGES``."""

    def made(version: str = "4.17.3", arch: Arch = Arch.X86_64, fallback: Wanted | None = None, line: str = "") -> Wanted:
        origin = PayloadOrigin(f"example.com/ocp/release:{version}", version)
        return Wanted(line or ".".join(version.split(".")[:2]), arch, origin, fallback=fallback)

    return made


@pytest.fixture(name="until")
def _until() -> Callable[[Keeper, Callable[[Catalogue], object]], Awaitable[Catalogue]]:
    return until


@pytest.fixture(name="eventually")
def _eventually() -> Callable[[Callable[[], object]], Awaitable[None]]:
    return eventually


@pytest.fixture(name="content_of")
def _content_of() -> Callable[[Snapshot], bytes]:
    return content_of
