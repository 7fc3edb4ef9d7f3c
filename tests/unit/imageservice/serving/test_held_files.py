"""Files are open as long as somebody may read them, and no longer."""

import asyncio
import gc
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from penstock.imageservice.asks import IsoAsk
from penstock.imageservice.catalogue import Catalogue
from penstock.imageservice.held import HeldFile
from penstock.imageservice.keeper import Keeper
from penstock.imageservice.snapshot import Snapshot
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.osimage import ImageType, Wanted

if TYPE_CHECKING:
    from tests.unit.imageservice.serving.conftest import World

HOST = "0f1e2d3c-0000-4000-8000-000000000001"
ASK = IsoAsk(HOST, "4.17", Arch.X86_64, ImageType.FULL)
Until = Callable[[Keeper, Callable[[Catalogue], object]], Awaitable[Catalogue]]
Eventually = Callable[[Callable[[], object]], Awaitable[None]]


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def replaced_by(digest: Digest) -> Callable[[Catalogue], bool]:
    return lambda catalogue: bool(catalogue.ready) and catalogue.ready[0].stored.digest == digest


class Counted:
    """The file of the port, without a file."""

    def __init__(self) -> None:
        self.closed = 0
        self.size_bytes = 0

    def close(self) -> None:
        self.closed += 1


def test_a_file_is_closed_with_the_last_who_holds_it() -> None:
    inner = Counted()
    held = HeldFile(inner)  # type: ignore[arg-type]  # it is only closed
    another = held
    del held
    assert inner.closed == 0
    del another
    assert inner.closed == 1


def test_a_file_that_was_closed_by_hand_is_closed_once() -> None:
    inner = Counted()
    held = HeldFile(inner)  # type: ignore[arg-type]  # it is only closed
    held.close()
    held.close()
    del held
    assert inner.closed == 1


def test_an_image_that_is_replaced_under_a_download_goes_on_from_the_old_bytes(
    world: "World",
    listed: Callable[..., Wanted],
    full_iso: Callable[..., bytes],
    content_of: Callable[[Snapshot], bytes],
    until: Until,
) -> None:
    async def go() -> None:
        old, new = (
            world.origins.offer(listed(url=f"https://{name}.example.com/a.iso"), full_iso(name.encode())) for name in ("old", "new")
        )
        keeper = world.keeper()
        service = world.service(keeper=keeper)
        await keeper.want([old])
        await keeper.until_settled()
        running = await service.iso(ASK, from_start=True)
        before = content_of(running)
        await keeper.want([new])
        await until(keeper, replaced_by(Digest.of(full_iso(b"new"))))
        await keeper.want([])
        assert content_of(running) == before
        assert b"root file systemold" in before
        assert await service.iso(ASK, from_start=False) is running
        await keeper.close()
        await service.close()

    asyncio.run(go())


def test_many_replacements_leave_nothing_open(
    world: "World", listed: Callable[..., Wanted], full_iso: Callable[..., bytes], until: Until, eventually: Eventually
) -> None:
    async def go() -> None:
        keeper = world.keeper()
        service = world.service(keeper=keeper, validity_s=0)
        running: list[Snapshot] = []
        at_start = 0
        for turn in range(20):
            content = full_iso(b"turn %d" % turn)
            wanted = world.origins.offer(listed(url=f"https://mirror.example.com/{turn}.iso"), content)
            await keeper.want([wanted])
            await until(keeper, replaced_by(Digest.of(content)))
            running.append(await service.iso(ASK, from_start=True))
            del running[:-3]
            gc.collect()
            if turn == 5:
                at_start = open_descriptors()
        # The three downloads, the catalogue, and the snapshot before the last one that a client may go on with.
        assert world.store.open_files <= 3 + 1 + 1 + 2
        assert open_descriptors() <= at_start + 2
        running.clear()
        await keeper.want([])
        world.time.advance(10_000)
        service._snapshots.sweep()
        # A thread may read the last one still.
        await eventually(lambda: gc.collect() >= 0 and world.store.open_files == 0)
        await keeper.close()
        await service.close()

    asyncio.run(go())
