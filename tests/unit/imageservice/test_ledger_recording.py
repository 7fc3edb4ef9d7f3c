"""What the image service writes into the ledger, and what happens where it cannot."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO

import pytest
from structlog.testing import capture_logs

from penstock.formats.coreos_iso.image import IsoImage
from penstock.imageservice.asks import IsoAsk
from penstock.imageservice.catalogue import Catalogue, ReadyImage, Stage, Status
from penstock.imageservice.outside import declared_areas, outside_digest
from penstock.imageservice.prepare import prepare
from penstock.imageservice.provenance import UNKNOWN, Outsides
from penstock.imageservice.recording import LedgerRecorder, known_outsides
from penstock.imageservice.snapshot import Snapshot
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import OperationError
from penstock.model.lineage import Artifact, Direction, Edge, Kind, outside_name
from penstock.model.osimage import ImageRecord, ImageType, StoredImage, UrlOrigin, Wanted
from penstock.ports import Ledger
from penstock.simulators.ledger import MemoryLedger

if TYPE_CHECKING:
    from tests.unit.imageservice.conftest import LiveFiles, MakeIso, OpenIso

DIGEST = Digest.of(b"iso")
RECORD = ImageRecord("4.18", "418.94-0", Arch.X86_64, ImageType.FULL, "key")


class IsoFile:
    """An open ISO that counts how often somebody reads all of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size_bytes = path.stat().st_size
        self.digest = DIGEST
        self.readings = 0

    @property
    def file(self) -> BinaryIO:
        raise NotImplementedError

    async def ensure(self, offset: int, length: int) -> None:
        """It is here."""

    def blocking(self) -> BinaryIO:
        self.readings += 1
        return self._path.open("rb")

    def close(self) -> None:
        """Nothing is held."""


class BrokenLedger:
    """A ledger whose disk is full."""

    async def record(self, artifacts: Iterable[Artifact], edges: Iterable[Edge]) -> None:
        raise OperationError("the disk is full", subject="ledger.sqlite")

    async def find(self, key: str) -> list[Artifact]:
        raise OperationError("the disk is full", subject="ledger.sqlite")

    def walk(self, start: Artifact, direction: Direction) -> AsyncIterator[tuple[Edge, Artifact]]:
        raise OperationError("the disk is full", subject="ledger.sqlite")


class Never:
    """A catalogue that stays, and tells when it was gone through."""

    def __init__(self, *images: ReadyImage) -> None:
        wanted = Wanted("4.18", Arch.X86_64, UrlOrigin("https://a.example/"), version="418.94-0")
        self.catalogue = Catalogue(tuple(Status(wanted, Stage.READY, ready=(image,)) for image in images))
        self.done = asyncio.Event()

    async def changed(self, seen: Catalogue | None = None) -> Catalogue:
        self.done.set()
        await asyncio.Event().wait()
        return self.catalogue


@pytest.fixture
def path(make_iso: "MakeIso", live_files: "LiveFiles") -> Path:
    return make_iso(live_files())


@pytest.fixture
def file(path: Path) -> IsoFile:
    return IsoFile(path)


@pytest.fixture
def image(path: Path, file: IsoFile, open_iso: "OpenIso") -> ReadyImage:
    with open_iso(path) as live:
        prepared = prepare(live.iso, live.source)
    return ReadyImage(StoredImage(RECORD, DIGEST, file.size_bytes, 1), prepared, MappingProxyType({live.source: file}))


def snapshot_of(image: ReadyImage) -> Snapshot:
    plan = image.prepared.full.plan
    return Snapshot(plan, plan.etag(), 1, "host-discovery.iso", "application/x", image.files)


async def follow(ledger: Ledger, image: ReadyImage) -> LedgerRecorder:
    """A recorder that has gone through a catalogue with this image, and was stopped."""
    recorder, images = LedgerRecorder(ledger), Never(image)
    task = asyncio.create_task(recorder.follow(images))
    await asyncio.wait_for(images.done.wait(), timeout=20)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return recorder


def test_the_name_of_an_image_is_the_digest_of_its_bytes_outside_of_its_areas(image: ReadyImage, path: Path) -> None:
    with path.open("rb") as opened:
        wanted = outside_digest(opened, declared_areas(IsoImage(opened, name="a.iso")))
    ledger = MemoryLedger()
    asyncio.run(follow(ledger, image))
    (found,) = asyncio.run(ledger.find(outside_name(wanted)))
    assert (found.kind, found.digest) == (Kind.FILE, DIGEST)


def test_a_second_start_takes_the_name_from_the_ledger_and_reads_nothing(image: ReadyImage, file: IsoFile) -> None:
    ledger = MemoryLedger()
    first = asyncio.run(known_outsides(ledger, image))
    asyncio.run(follow(ledger, image))
    before = file.readings
    assert asyncio.run(known_outsides(ledger, image)) == first
    assert file.readings == before


def test_many_isos_of_one_image_read_it_once(image: ReadyImage, file: IsoFile) -> None:
    async def go() -> None:
        recorder = LedgerRecorder(MemoryLedger())
        ask = IsoAsk("host", "418.94-0", Arch.X86_64, ImageType.FULL)
        await asyncio.gather(*(recorder.snapshot(ask, image, snapshot_of(image)) for _ in range(5)))
        assert recorder.outsides(image) != UNKNOWN

    asyncio.run(go())
    assert file.readings == 1


def test_a_ledger_that_cannot_be_written_is_told_to_the_log_alone(image: ReadyImage) -> None:
    async def go() -> None:
        recorder = await follow(BrokenLedger(), image)
        await recorder.snapshot(IsoAsk("host", "418.94-0", Arch.X86_64, ImageType.FULL), image, snapshot_of(image))

    with capture_logs() as logs:
        asyncio.run(go())
    assert {entry["event"] for entry in logs} == {"the ledger was not written"}


def test_an_image_whose_file_is_gone_is_recorded_without_that_name(image: ReadyImage, path: Path) -> None:
    path.unlink()
    ledger = MemoryLedger()
    with capture_logs() as logs:
        recorder = asyncio.run(follow(ledger, image))
    (found,) = asyncio.run(ledger.find(str(DIGEST)))
    assert not any(name.startswith("outside:") for name in found.names)
    assert recorder.outsides(image) == Outsides()
    assert [entry["log_level"] for entry in logs] == ["warning"]
