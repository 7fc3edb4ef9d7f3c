"""What is served before its origin was asked: what came for a tag, and what came before its entry named a signature."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from penstock.imageservice.catalogue import Catalogue, Stage
from penstock.imageservice.keeper import Keeper
from penstock.model.arch import Arch
from penstock.model.errors import VerificationError
from penstock.model.osimage import UrlOrigin, Wanted

if TYPE_CHECKING:
    from tests.unit.imageservice.serving.conftest import World

Until = Callable[[Keeper, Callable[[Catalogue], object]], Awaitable[Catalogue]]
Eventually = Callable[[Callable[[], object]], Awaitable[None]]
MakeWanted = Callable[..., Wanted]
FullIso = Callable[..., bytes]
SIGNATURE = "https://mirror.example.com/a.iso.asc"


def test_what_came_for_a_tag_is_served_while_the_registry_is_asked_whether_it_moved(
    world: "World", released: MakeWanted, full_iso: FullIso, until: Until
) -> None:
    async def go() -> None:
        payload = world.origins.offer(released("4.17.3"), full_iso(b"old"), builds=("417.94.1-0",))
        await world.load(payload)
        world.origins.key_gates[payload] = asyncio.Event()
        keeper = world.keeper()
        await keeper.want([payload])
        catalogue = await until(keeper, lambda catalogue: catalogue.ready and catalogue.ready[0].prepared.minimal)
        assert catalogue.find("4.17.3", Arch.X86_64) is not None
        assert not keeper.settled
        assert catalogue.statuses[0].reason == (
            "an image that came before is served, and it is being checked whether the tag still leads to it"
        )
        world.origins.key_gates[payload].set()
        await until(keeper, lambda catalogue: catalogue.statuses[0].stage is Stage.READY and not catalogue.statuses[0].reason)
        assert world.origins.brought == [payload.name]
        await keeper.close()

    asyncio.run(go())


def test_what_came_for_a_tag_is_replaced_where_the_tag_has_moved(
    world: "World", released: MakeWanted, full_iso: FullIso, until: Until, eventually: Eventually
) -> None:
    async def go() -> None:
        payload = world.origins.offer(released("4.17.3"), full_iso(b"old"), builds=("417.94.1-0",))
        await world.load(payload)
        world.origins.offer(payload, full_iso(b"new"), builds=("417.94.2-0",))
        world.origins.gates[payload] = asyncio.Event()
        keeper = world.keeper()
        await keeper.want([payload])
        await until(keeper, lambda catalogue: catalogue.find("417.94.1-0", Arch.X86_64))
        world.origins.gates[payload].set()
        await until(keeper, lambda catalogue: catalogue.find("417.94.2-0", Arch.X86_64))
        await eventually(lambda: world.store.removed == ["rhcos-full-iso-417.94.1-0-x86_64.iso"])
        await keeper.close()

    asyncio.run(go())


def test_a_run_that_ends_does_not_open_what_came_for_a_tag_before_it_is_looked_up(
    world: "World", released: MakeWanted, full_iso: FullIso, eventually: Eventually
) -> None:
    async def go() -> None:
        payload = world.origins.offer(released("4.17.3"), full_iso())
        await world.load(payload)
        opens = world.store.opens
        world.origins.key_gates[payload] = asyncio.Event()
        keeper = world.keeper(ends=True)
        await keeper.want([payload])
        await eventually(lambda: keeper.catalogue.statuses[0].stage is Stage.BRINGING)
        assert world.store.opens == opens
        await keeper.close()

    asyncio.run(go())


def test_what_is_served_goes_while_a_signature_that_its_entry_names_now_is_not_checked(
    world: "World", listed: MakeWanted, full_iso: FullIso, until: Until
) -> None:
    async def go() -> None:
        plain = world.origins.offer(listed(), full_iso())
        named = replace(plain, origin=UrlOrigin("https://mirror.example.com/a.iso", signature=SIGNATURE))
        world.origins.offer(named, full_iso(b"signed"))
        world.origins.bring_faults[named].append(VerificationError("the signature is wrong"))
        keeper = world.keeper()
        await keeper.want([plain])
        await keeper.until_settled()
        await keeper.want([named])
        await keeper.until_settled()
        assert keeper.catalogue.find("4.17", Arch.X86_64) is None
        assert keeper.catalogue.statuses[0].reason.startswith("the signature is wrong; the next try is at ")
        # The file stays: it may be checked yet.
        assert not world.store.removed
        await keeper.close()

    asyncio.run(go())


def test_without_keys_a_signature_that_is_named_does_not_count(world: "World", listed: MakeWanted, full_iso: FullIso) -> None:
    async def go() -> None:
        plain = world.origins.offer(listed(), full_iso())
        assert isinstance(plain.origin, UrlOrigin)
        named = replace(plain, origin=UrlOrigin(plain.origin.url, signature=SIGNATURE))
        keeper = world.keeper(checks_signatures=False)
        await keeper.want([plain])
        served = (await keeper.until_settled()).ready
        await keeper.want([named])
        assert keeper.catalogue.ready[0].stored == served[0].stored
        assert keeper.settled
        await keeper.close()

    asyncio.run(go())
