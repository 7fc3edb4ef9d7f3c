"""Reading images of shared storage: several pieces at a time, ahead of the client, and within the room that the cache has."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.adapters.imagestore.s3options import S3Options
from penstock.formats.coreos_iso.embed import EmbedArea, ToldBy
from penstock.imageservice.asks import ArtifactAsk, InitrdAsk, IsoAsk
from penstock.imageservice.catalogue import Catalogue, ReadyImage, Stage, Status
from penstock.imageservice.overlay import Source, whole
from penstock.imageservice.prepared import Base, BootFiles, PreparedImage
from penstock.imageservice.snapshot import Snapshot
from penstock.model.arch import Arch
from penstock.model.osimage import ImageRecord, ImageType, StoredImage
from penstock.ports import ImageFile
from penstock.servers.images import ServerOptions, serve

if TYPE_CHECKING:
    from tests.contract.imagestore.s3.conftest import Bench, Between

NewBucket = Callable[[], S3Options]
MIB = 1 << 20
LATENCY_S = 0.05


@dataclass
class OneFile:
    """A service that answers everything with one file."""

    snapshot: Snapshot
    catalogue: Catalogue

    async def iso(self, ask: IsoAsk, *, from_start: bool, etag: str = "") -> Snapshot:
        return self.snapshot

    async def initrd(self, ask: InitrdAsk, *, from_start: bool, etag: str = "") -> Snapshot:
        return self.snapshot

    async def addrsize(self, ask: InitrdAsk) -> Snapshot:
        return self.snapshot

    async def config(self, ask: IsoAsk, *, sha512: str = "") -> Snapshot:
        return self.snapshot

    def artifact(self, ask: ArtifactAsk) -> Snapshot:
        return self.snapshot


@asynccontextmanager
async def served(bench: "Bench", file: ImageFile) -> AsyncIterator[int]:
    """The port of a service that sends this file."""
    source = Source.by_digest("image", file.size_bytes, str(file.digest))
    plan = whole(source)
    record = ImageRecord("4.18", bench.build, Arch.X86_64, ImageType.FULL, "key")
    stored = StoredImage(record, file.digest, file.size_bytes, 1_750_000_000)
    base = Base(plan, EmbedArea(0, 4096, "images/ignition.img", ToldBy.FILE), None)
    image = ReadyImage(stored, PreparedImage(source, "rhcos-1", base, BootFiles(None, None, None)))
    snapshot = Snapshot(plan, plan.etag(), 1_750_000_000, "x.iso", "application/octet-stream", {source: file})
    service = OneFile(snapshot, Catalogue((Status(bench.wanted, Stage.READY, ready=(image,)),)))
    async with serve(service, ServerOptions(host="127.0.0.1", port=0, drain_deadline_s=1.0)) as bound:
        assert bound.http_port is not None
        yield bound.http_port


async def begin(port: int, build: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that has asked, and reads no more than its own buffers take."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 16)
    writer.write(f"GET /byid/{'0' * 8}-0000-0000-0000-{'0' * 12}/{build}/x86_64/full.iso HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110  # another process and its threads tell nobody
            await asyncio.sleep(0.01)


def test_the_pieces_of_a_range_come_at_the_same_time(bench: "Bench", new_bucket: NewBucket, relay: "Between") -> None:
    options = new_bucket()
    image = bench.stored(options)
    relay.latency_s = LATENCY_S

    async def work() -> bytes:
        async with bench.store(replace(options, endpoint=relay.url)) as one:
            file = await one.open(image)
            content = await bench.read(file, 0, 8 * bench.chunk)
            await bench.read(file, 0, 8 * bench.chunk)
            file.close()
            assert [(figure.name, figure.value) for figure in one.figures()] == [
                ("store_reads_total", 8),
                ("store_read_bytes_total", 8 * bench.chunk),
            ]
            return content

    assert asyncio.run(work()) == bench.content[: 8 * bench.chunk]
    assert relay.most_at_once >= 4


@pytest.fixture
def large(bench: "Bench") -> bytes:
    """Four windows, of two pieces each."""
    return random.Random(7).randbytes(MIB) * 32


def test_a_download_has_several_requests_on_their_way(bench: "Bench", new_bucket: NewBucket, relay: "Between", large: bytes) -> None:
    options = new_bucket()
    image = bench.stored(options, large, chunk_bytes=MIB)
    relay.latency_s = LATENCY_S

    async def work() -> bytes:
        async with bench.store(replace(options, endpoint=relay.url)) as one:
            file = await one.open(image)
            async with served(bench, file) as port:
                reader, writer = await begin(port, bench.build)
                content = await reader.readexactly(len(large))
                writer.close()
            file.close()
            return content

    assert asyncio.run(work()) == large
    assert len(relay.ranges) == 32  # each piece once
    assert relay.most_at_once >= 4


def test_one_window_is_brought_ahead_of_a_client_that_does_not_read_and_no_more(
    bench: "Bench", new_bucket: NewBucket, relay: "Between", large: bytes
) -> None:
    options = new_bucket()
    image = bench.stored(options, large, chunk_bytes=4 * MIB)

    async def work() -> None:
        async with bench.store(replace(options, endpoint=relay.url)) as one:
            file = await one.open(image)
            async with served(bench, file) as port:
                _, writer = await begin(port, bench.build)
                await until(lambda: len(relay.ranges) == 4)
                await asyncio.sleep(0.3)
                assert len(relay.ranges) == 4
                writer.transport.abort()
                await asyncio.sleep(0.3)
                assert len(relay.ranges) == 4
            file.close()

    asyncio.run(work())


def test_the_cache_keeps_to_its_limit_although_all_images_are_open(bench: "Bench", new_bucket: NewBucket) -> None:
    options = new_bucket()
    contents = [random.Random(number).randbytes(8 * bench.chunk) for number in (1, 2, 3)]
    found = [bench.stored(options, content, f"key {number}", f"418.{number}-0") for number, content in enumerate(contents)]
    folder = options.cache / "replica-0" / "content"

    async def work() -> None:
        async with bench.store(options, cache_limit_bytes=6 * bench.chunk, parallel=2) as one:
            files = [await one.open(image) for image in found]
            for _ in range(2):
                for file, content in zip(files, contents, strict=True):
                    for offset in range(0, len(content), bench.chunk):
                        assert await bench.read(file, offset, bench.chunk) == content[offset : offset + bench.chunk]
                        assert on_disk(folder) <= 8 * bench.chunk
            for file in files:
                file.close()

    asyncio.run(work())


def on_disk(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.iterdir() if not path.suffix)


def test_a_range_that_is_held_stays_while_others_are_read(bench: "Bench", new_bucket: NewBucket) -> None:
    options = new_bucket()
    image = bench.stored(options)

    async def work() -> None:
        async with bench.store(options, cache_limit_bytes=bench.chunk) as one:
            file = await one.open(image)
            held = await file.ensure(0, 2 * bench.chunk)
            assert held is not None
            for number in range(2, 9):
                await bench.read(file, number * bench.chunk, bench.chunk)
            assert os.pread(file.file.fileno(), 2 * bench.chunk, 0) == bench.content[: 2 * bench.chunk]
            held.close()
            held.close()
            await bench.read(file, 8 * bench.chunk, 10)
            await bench.read(file, 7 * bench.chunk, 10)
            assert os.pread(file.file.fileno(), bench.chunk, bench.chunk) == bytes(bench.chunk)
            file.close()

    asyncio.run(work())


def test_readers_at_once_see_the_right_bytes_in_a_cache_that_is_too_small(bench: "Bench", new_bucket: NewBucket) -> None:
    options = new_bucket()
    content = random.Random(3).randbytes(16 * bench.chunk)
    image = bench.stored(options, content)

    async def work() -> None:
        async with bench.store(options, cache_limit_bytes=2 * bench.chunk) as one:
            file = await one.open(image)

            async def reads(seed: int) -> None:
                chance = random.Random(seed)
                for _ in range(20):
                    offset = chance.randrange(len(content))
                    length = chance.randrange(1, 2 * bench.chunk)
                    assert await bench.read(file, offset, length) == content[offset : offset + length]

            def whole() -> bytes:
                with file.blocking() as reader:
                    return reader.read()

            *_, found = await asyncio.gather(*(reads(seed) for seed in range(8)), asyncio.to_thread(whole))
            assert found == content
            file.close()

    asyncio.run(work())


def test_two_processes_do_not_take_pieces_from_each_other(bench: "Bench", new_bucket: NewBucket) -> None:
    options = new_bucket()
    image = bench.stored(options)

    async def work() -> None:
        async with bench.store(options) as one, bench.store(options, cache_limit_bytes=bench.chunk) as other:
            mine, theirs = await one.open(image), await other.open(image)
            assert await bench.read(mine, 0, bench.chunk) == bench.content[: bench.chunk]
            for number in range(9):
                await bench.read(theirs, number * bench.chunk, bench.chunk)
            assert await bench.read(mine, 0, bench.chunk) == bench.content[: bench.chunk]
            mine.close()
            theirs.close()

    asyncio.run(work())
