"""The keeper over a store in a folder, as it is in production."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from penstock.adapters.imagestore.aside import aside_in
from penstock.adapters.imagestore.local import LocalImageStore
from penstock.imageservice.asks import IsoAsk
from penstock.imageservice.catalogue import Catalogue
from penstock.imageservice.keeper import Keeper
from penstock.imageservice.options import KeeperOptions
from penstock.imageservice.prepare import Floors
from penstock.imageservice.snapshot import Snapshot
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import TransientError
from penstock.model.osimage import ImageRecord, ImageType, PayloadOrigin, Wanted

if TYPE_CHECKING:
    from tests.unit.imageservice.serving.conftest import World

HOST = "0f1e2d3c-0000-4000-8000-000000000001"


async def no_examination(_wanted: Wanted, path: str, _digest: Digest) -> ImageRecord:
    raise AssertionError(path)


def test_images_come_are_replaced_are_served_after_a_restart_and_go(
    world: "World",
    listed: Callable[..., Wanted],
    full_iso: Callable[..., bytes],
    content_of: Callable[[Snapshot], bytes],
    until: Callable[[Keeper, Callable[[Catalogue], object]], Awaitable[Catalogue]],
) -> None:
    scratch = world.store._folder.parent
    folder = scratch / "images"
    ask = IsoAsk(HOST, "4.17", Arch.X86_64, ImageType.MINIMAL)

    def keeper() -> Keeper:
        store = LocalImageStore(folder, examine=no_examination, poll_s=0.01)
        options = KeeperOptions(base_url="https://images.example.com", floors=Floors(1, 1))
        return Keeper(store, world.origins, options, aside=aside_in(scratch), clock=world.time, sleep=world.time.sleep)

    async def go() -> None:
        old, new = (
            world.origins.offer(listed(url=f"https://{name}.example.com/a.iso"), full_iso(name.encode())) for name in ("old", "new")
        )
        first = keeper()
        await first.want([old])
        await until(first, lambda catalogue: catalogue.ready and catalogue.ready[0].prepared.minimal)
        service = world.service(keeper=first)
        running = await service.iso(ask, from_start=True)
        before = content_of(running)
        await first.want([new])
        await until(first, lambda catalogue: catalogue.ready[0].stored.digest == Digest.of(full_iso(b"new")))
        assert content_of(running) == before
        await first.close()
        await service.close()

        second = keeper()
        await second.want([new])
        await second.until_settled()
        assert [len(second.catalogue.ready), len(world.origins.brought)] == [1, 2]
        assert [path.name for path in folder.glob("*.iso")] == ["rhcos-full-iso-417.94.202501221327-0-x86_64.iso"]
        await second.want([])
        assert not list(folder.glob("*.iso"))
        await second.close()

    asyncio.run(go())


def test_what_came_out_of_a_payload_named_by_its_digest_is_served_after_a_restart_without_asking_for_it(
    world: "World", full_iso: Callable[..., bytes]
) -> None:
    scratch = world.store._folder.parent
    release = f"example.com/ocp/release@sha256:{'1' * 64}"
    wanted = world.origins.offer(Wanted("4.17", Arch.X86_64, PayloadOrigin(release, "4.17.3")), full_iso())

    def keeper() -> Keeper:
        store = LocalImageStore(scratch / "images", examine=no_examination, poll_s=0.01)
        options = KeeperOptions(base_url="https://images.example.com", floors=Floors(1, 1))
        return Keeper(store, world.origins, options, aside=aside_in(scratch), clock=world.time, sleep=world.time.sleep)

    async def go() -> None:
        first = keeper()
        await first.want([wanted])
        await first.until_settled()
        await first.close()
        world.origins.key_faults[wanted].append(TransientError("the registry does not answer"))
        second = keeper()
        await second.want([wanted])
        await second.until_settled()
        (status,) = second.catalogue.statuses
        assert [image.stored.digest for image in status.ready] == [Digest.of(full_iso())]
        assert status.reason == ""
        assert len(world.origins.key_faults[wanted]) == 1, "nobody asked"
        assert len(world.origins.brought) == 1
        await second.close()

    asyncio.run(go())
