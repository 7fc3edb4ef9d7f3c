"""When the backend is asked, and which snapshot whom is answered with."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from penstock.imageservice.options import ServiceOptions
from penstock.imageservice.overlay import Bytes, Plan
from penstock.imageservice.refusals import Refused
from penstock.imageservice.snapshot import Snapshot
from penstock.imageservice.snapshots import Flavour, Kept, SnapshotCache, SnapshotKey
from penstock.model.arch import Arch
from penstock.model.digest import Digest

if TYPE_CHECKING:
    from tests.unit.imageservice.serving.conftest import World

IMAGE, OTHER_IMAGE = Digest.of(b"image"), Digest.of(b"other image")


def key(host: str = "host", flavour: Flavour = Flavour.FULL, credentials: str = "who") -> SnapshotKey:
    return SnapshotKey(host, "4.17", Arch.X86_64, flavour, credentials)


def snapshot(content: bytes) -> Snapshot:
    plan = Plan.of(Bytes(content))
    return Snapshot(plan, plan.etag(), 0, "a.iso", "", {})


class Maker:
    """Makes snapshots of what it says at the moment, and counts."""

    def __init__(self, says: bytes = b"one") -> None:
        self.says = says
        self.made = 0
        self.image = IMAGE
        self.gate: asyncio.Event | None = None
        self.fault: Exception | None = None

    async def __call__(self, _old: Kept | None) -> Kept:
        self.made += 1
        says = self.says
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        return Kept(snapshot(says), says, self.image, len(says))


@pytest.fixture
def cache(world: "World") -> SnapshotCache:
    return SnapshotCache(ServiceOptions(validity_s=60, session_idle_s=600, session_limit_s=3600, cache_bytes=20_000), world.time.monotonic)


def test_within_the_validity_nobody_is_asked_again(cache: SnapshotCache, world: "World") -> None:
    async def go() -> None:
        make = Maker()
        first = await cache.begun(key(), IMAGE, make)
        world.time.advance(59)
        assert await cache.begun(key(), IMAGE, make) is first
        assert make.made == 1

    asyncio.run(go())


def test_after_the_validity_the_same_answer_keeps_the_snapshot(cache: SnapshotCache, world: "World") -> None:
    async def go() -> None:
        make = Maker()
        first = await cache.begun(key(), IMAGE, make)
        world.time.advance(60)
        assert await cache.begun(key(), IMAGE, make) is first
        assert make.made == 2
        world.time.advance(59)
        await cache.begun(key(), IMAGE, make)
        assert make.made == 2

    asyncio.run(go())


def test_after_the_validity_another_answer_is_another_snapshot(cache: SnapshotCache, world: "World") -> None:
    async def go() -> None:
        make = Maker()
        first = await cache.begun(key(), IMAGE, make)
        world.time.advance(60)
        make.says = b"two"
        assert (await cache.begun(key(), IMAGE, make)).etag != first.etag

    asyncio.run(go())


def test_another_image_is_another_snapshot_although_the_answer_counts_still(cache: SnapshotCache) -> None:
    async def go() -> None:
        make = Maker()
        await cache.begun(key(), IMAGE, make)
        make.image, make.says = OTHER_IMAGE, b"two"
        assert (await cache.begun(key(), OTHER_IMAGE, make)).etag == snapshot(b"two").etag

    asyncio.run(go())


def test_who_reads_on_reads_the_same_until_idle(cache: SnapshotCache, world: "World") -> None:
    async def go() -> None:
        first = await cache.begun(key(), IMAGE, Maker())
        for _ in range(5):
            world.time.advance(600)
            assert cache.running(key()) is first
        world.time.advance(601)
        assert cache.running(key()) is None

    asyncio.run(go())


def test_who_reads_on_for_too_long_must_begin(cache: SnapshotCache, world: "World") -> None:
    async def go() -> None:
        await cache.begun(key(), IMAGE, Maker())
        for _ in range(12):
            world.time.advance(300)
            assert cache.running(key())
        world.time.advance(1)
        assert cache.running(key()) is None

    asyncio.run(go())


def test_who_says_what_he_has_seen_goes_on_with_it_after_it_was_replaced(cache: SnapshotCache, world: "World") -> None:
    async def go() -> None:
        make = Maker()
        first = await cache.begun(key(), IMAGE, make)
        world.time.advance(60)
        make.says = b"two"
        second = await cache.begun(key(), IMAGE, make)
        assert cache.running(key(), first.etag) is first
        assert cache.running(key(), second.etag) is second
        assert cache.running(key()) is second
        assert cache.running(key(), '"unknown"') is second

    asyncio.run(go())


@pytest.mark.parametrize("other", [key(host="another"), key(flavour=Flavour.INITRD), key(credentials="another")])
def test_nobody_gets_what_another_asked_for(cache: SnapshotCache, other: SnapshotKey) -> None:
    async def go() -> None:
        make = Maker()
        await cache.begun(key(), IMAGE, make)
        assert cache.running(other) is None
        await cache.begun(other, IMAGE, make)
        assert make.made == 2

    asyncio.run(go())


def test_concurrent_requests_share_one_round(cache: SnapshotCache) -> None:
    async def go() -> None:
        make = Maker()
        found = await asyncio.gather(*(cache.begun(key(), IMAGE, make) for _ in range(50)))
        assert make.made == 1
        assert len(set(map(id, found))) == 1

    asyncio.run(go())


def test_who_asked_first_may_go_away(cache: SnapshotCache) -> None:
    async def go() -> None:
        make = Maker()
        make.gate = asyncio.Event()
        first = asyncio.create_task(cache.begun(key(), IMAGE, make))
        others = [asyncio.create_task(cache.begun(key(), IMAGE, make)) for _ in range(3)]
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        make.gate.set()
        assert len({(await other).etag for other in others}) == 1
        assert first.cancelled()
        assert make.made == 1

    asyncio.run(go())


def test_a_failure_is_told_to_all_who_wait_and_is_not_kept(cache: SnapshotCache) -> None:
    async def go() -> None:
        make = Maker()
        make.fault = Refused(503)
        found = await asyncio.gather(*(cache.begun(key(), IMAGE, make) for _ in range(3)), return_exceptions=True)
        assert [getattr(error, "status", None) for error in found] == [503, 503, 503]
        assert make.made == 1
        make.fault = None
        await cache.begun(key(), IMAGE, make)
        assert make.made == 2

    asyncio.run(go())


def test_a_failure_breaks_nobody_who_reads_on(cache: SnapshotCache, world: "World") -> None:
    async def go() -> None:
        make = Maker()
        first = await cache.begun(key(), IMAGE, make)
        world.time.advance(100)
        make.fault = Refused(500)
        with pytest.raises(Refused):
            await cache.begun(key(), IMAGE, make)
        assert cache.running(key()) is first

    asyncio.run(go())


def test_what_is_taken_back_is_dropped_for_those_credentials_alone(cache: SnapshotCache) -> None:
    async def go() -> None:
        keys = [key(), key(flavour=Flavour.MINIMAL), key(credentials="another"), key(host="another")]
        for one in keys:
            await cache.begun(one, IMAGE, Maker())
        cache.drop("host", "who")
        assert [cache.running(one) is not None for one in keys] == [False, False, True, True]

    asyncio.run(go())


def test_the_least_recently_read_goes_when_the_memory_is_full(cache: SnapshotCache) -> None:
    async def go() -> None:
        for host in ("a", "b", "c"):
            await cache.begun(key(host), IMAGE, Maker(b"x" * 2000))
        cache.running(key("a"))
        await cache.begun(key("d"), IMAGE, Maker(b"x" * 2000))
        assert [host for host in "abcd" if cache.running(key(host))] == ["a", "c", "d"]
        assert cache.cost_bytes <= 20_000

    asyncio.run(go())


def test_one_that_is_larger_than_the_memory_is_kept_alone(cache: SnapshotCache) -> None:
    async def go() -> None:
        await cache.begun(key("a"), IMAGE, Maker())
        await cache.begun(key("b"), IMAGE, Maker(b"x" * 50_000))
        assert cache.running(key("b"))
        assert len(cache) == 1

    asyncio.run(go())


def test_what_nobody_may_go_on_with_is_swept_away(cache: SnapshotCache, world: "World") -> None:
    async def go() -> None:
        make = Maker()
        await cache.begun(key("a"), IMAGE, make)
        world.time.advance(60)
        make.says = b"two"
        await cache.begun(key("a"), IMAGE, make)
        await cache.begun(key("b"), IMAGE, make)
        world.time.advance(590)
        cache.running(key("b"))
        with_old = cache.cost_bytes
        world.time.advance(11)
        cache.sweep()
        assert (len(cache), cache.cost_bytes < with_old) == (1, True)
        world.time.advance(601)
        cache.sweep()
        assert (len(cache), cache.cost_bytes) == (0, 0)

    asyncio.run(go())


def test_closing_ends_the_rounds_under_way(cache: SnapshotCache) -> None:
    async def go() -> None:
        make = Maker()
        make.gate = asyncio.Event()
        waiting = asyncio.create_task(cache.begun(key(), IMAGE, make))
        await asyncio.sleep(0)
        await cache.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert len(cache) == 0

    asyncio.run(go())
