"""Backends, origins and clients that fail at random: nothing wrong is ever served, and everything comes in the end."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from penstock.formats.initramfs import read_initramfs
from penstock.imageservice.asks import IsoAsk
from penstock.imageservice.catalogue import Catalogue
from penstock.imageservice.keeper import Keeper
from penstock.imageservice.refusals import Refused
from penstock.imageservice.snapshot import Snapshot
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import NotFoundError, OperationError, TransientError, VerificationError
from penstock.model.hosts import BackendRefused, CredentialKind, Credentials, HostIgnition
from penstock.model.osimage import ImageType, Wanted

if TYPE_CHECKING:
    from tests.unit.imageservice.serving.conftest import World

Until = Callable[[Keeper, Callable[[Catalogue], object]], Awaitable[Catalogue]]


class FlakyBackend:
    """Every host has its own config, which changes; who shows ``wrong`` is refused, and everybody now and then."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.said: dict[str, set[int]] = {}
        self.generation = 0

    async def ignition(self, host: str, image_type: ImageType | None, credentials: Credentials) -> HostIgnition:
        generation = self.generation
        await self._answer(credentials)
        self.said.setdefault(host, set()).add(generation)
        config = {"ignition": {"version": "3.4.0"}, "host": host, "who": credentials.value, "generation": generation}
        return HostIgnition(json.dumps(config).encode())

    async def ramdisk(self, host: str, credentials: Credentials) -> bytes:
        await self._answer(credentials)
        return b""

    async def kernel_arguments(self, host: str, credentials: Credentials) -> tuple[str, ...]:
        await self._answer(credentials)
        return (f"host={host}",)

    async def _answer(self, credentials: Credentials) -> None:
        for _ in range(self._dice.randrange(4)):
            await asyncio.sleep(0)
        if credentials.value == "wrong":
            raise BackendRefused(403, subject="host")
        fault = self._dice.random()
        if fault < 0.05:
            raise BackendRefused(self._dice.choice([401, 404, 500, 503]), subject="host")
        if fault < 0.1:
            raise TransientError("no answer")


def seen_config(snapshot: Snapshot, content: bytes) -> dict[str, object]:
    (place,) = [part for part in snapshot.overlaid if part.label == "Ignition config"]
    area = content[place.offset : place.offset + place.length]
    found: dict[str, object] = json.loads(read_initramfs(area, subject="area", limit_bytes=1 << 20)["config.ign"].content)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_whatever_fails_every_client_gets_its_own_iso_or_a_refusal(
    world: "World",
    listed: Callable[..., Wanted],
    full_iso: Callable[..., bytes],
    content_of: Callable[[Snapshot], bytes],
    seed: int,
) -> None:
    dice = random.Random(seed)
    isos = {Digest.of(content): content for content in (full_iso(b"one"), full_iso(b"two"))}

    async def go() -> int:
        catalogues: list[Catalogue] = []
        for content in isos.values():
            await world.load(world.origins.offer(listed(url=f"https://mirror.example.com/{len(catalogues)}"), content))
            catalogues.append(world.catalogue)
        backend = FlakyBackend(dice)
        service = world.service(cache_bytes=40_000, backend=backend)
        served = 0
        refusals: set[tuple[int, str]] = set()

        async def client(number: int) -> None:
            nonlocal served
            host, who = f"host-{number % 3}", dice.choice(["a", "b", "wrong"])
            ask = IsoAsk(
                host,
                "4.17",
                Arch.X86_64,
                dice.choice([ImageType.FULL, ImageType.MINIMAL]),
                Credentials(CredentialKind.API_KEY, who),
            )
            etag = ""
            for turn in range(4):
                try:
                    snapshot = await service.iso(ask, from_start=turn == 0 or dice.random() < 0.3, etag=etag)
                except Refused as refused:
                    refusals.add((refused.status, refused.body))
                    continue
                etag = snapshot.etag
                content = content_of(snapshot)
                config = seen_config(snapshot, content)
                assert who != "wrong"
                assert (config["host"], config["who"]) == (host, who)
                assert config["generation"] in backend.said[host]
                assert content.count(f" host={host}\n".encode()) == 2
                assert snapshot.plan.etag() == snapshot.etag
                if ask.type is ImageType.FULL:
                    assert any(_same_outside(snapshot, content, base) for base in isos.values())
                served += 1
                if dice.random() < 0.3:
                    world.time.advance(dice.choice([1, 59, 61, 700]))
                await asyncio.sleep(0)

        async def change() -> None:
            for _ in range(20):
                backend.generation += 1
                world.catalogue = dice.choice([*catalogues, Catalogue()])
                await asyncio.sleep(0.001)
            world.catalogue = catalogues[0]

        clients = [asyncio.create_task(client(number)) for number in range(30)]
        changing = asyncio.create_task(change())
        for task in dice.sample(clients, 5):
            await asyncio.sleep(0)
            task.cancel()
        results = await asyncio.gather(*clients, return_exceptions=True)
        await changing
        assert [result for result in results if isinstance(result, Exception)] == []
        assert refusals <= {(404, "404 page not found\n"), *((status, "") for status in (401, 403, 404, 500, 503))}
        await service.close()
        return served

    assert asyncio.run(go()) > 0


def _same_outside(snapshot: Snapshot, content: bytes, base: bytes) -> bool:
    cut, whole = bytearray(content), bytearray(base)
    if len(cut) != len(whole):
        return False
    for part in snapshot.overlaid:
        cut[part.offset : part.offset + part.length] = bytes(part.length)
        whole[part.offset : part.offset + part.length] = bytes(part.length)
    return cut == whole


@pytest.mark.parametrize("seed", range(4))
def test_whatever_fails_the_images_come_and_only_those_that_are_wanted(
    world: "World", listed: Callable[..., Wanted], released: Callable[..., Wanted], full_iso: Callable[..., bytes], seed: int
) -> None:
    dice = random.Random(seed)
    faults: list[Callable[[], Exception]] = [
        lambda: TransientError("cut"),
        lambda: OperationError("forbidden"),
        lambda: VerificationError("other bytes"),
        lambda: NotFoundError("not there"),
        lambda: ZeroDivisionError("a fault of the program"),
    ]

    async def go() -> None:
        offered: dict[str, set[Digest]] = {}
        everything = []
        for minor in range(11, 17):
            content = full_iso(b"%d" % minor)
            wanted = listed(f"4.{minor}", f"4{minor}.94-0") if minor % 2 else released(f"4.{minor}.1")
            world.origins.offer(wanted, content, builds=(f"4{minor}.94-0",))
            offered[wanted.openshift_version] = {Digest.of(content)}
            everything.append(wanted)
            for queue in (world.origins.key_faults[wanted], world.origins.bring_faults[wanted]):
                queue.extend(dice.choice(faults)() for _ in range(dice.randrange(4)))
        keeper = world.keeper()
        for _ in range(15):
            await keeper.want(dice.sample(everything, dice.randrange(len(everything))))
            for _ in range(dice.randrange(5)):
                await asyncio.sleep(0.002)
                world.time.advance(dice.choice([1, 60, 300]))
                for status in keeper.catalogue.statuses:
                    for image in status.ready:
                        assert image.stored.digest in offered[status.wanted.openshift_version]
        await keeper.want(everything)

        async def come() -> None:
            while not all(status.ready and not status.reason for status in keeper.catalogue.statuses):
                world.time.advance(300)
                await asyncio.sleep(0.002)

        await asyncio.wait_for(come(), 30)
        for wanted in everything:
            found = keeper.catalogue.find(wanted.openshift_version, Arch.X86_64)
            assert found is not None
            assert found.stored.digest in offered[wanted.openshift_version]
        await keeper.want([])
        assert world.store.files() <= {name for name in world.store.files() if name.startswith(".")}
        await keeper.close()

    asyncio.run(go())
