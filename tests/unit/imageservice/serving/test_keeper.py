"""Images come, are replaced and go, each by itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from penstock.imageservice.catalogue import Catalogue, Stage
from penstock.imageservice.keeper import Keeper
from penstock.imageservice.readying import is_whole
from penstock.model.arch import Arch
from penstock.model.errors import InputError, NotFoundError, OperationError, TransientError, VerificationError
from penstock.model.osimage import ImageType, PayloadOrigin, UrlOrigin, Wanted

if TYPE_CHECKING:
    from tests.unit.imageservice.serving.conftest import World

Until = Callable[[Keeper, Callable[[Catalogue], object]], Awaitable[Catalogue]]
Eventually = Callable[[Callable[[], object]], Awaitable[None]]
MakeWanted = Callable[..., Wanted]
FullIso = Callable[..., bytes]


def ready(catalogue: Catalogue) -> bool:
    return all(status.stage is Stage.READY for status in catalogue.statuses)


def stages(keeper: Keeper) -> list[Stage]:
    return [status.stage for status in keeper.catalogue.statuses]


def test_each_image_is_ready_by_itself(world: "World", listed: MakeWanted, full_iso: FullIso, until: Until) -> None:
    async def go() -> None:
        slow, quick = world.origins.offer(listed("4.16", "416.94-0"), full_iso(b"a")), world.origins.offer(listed(), full_iso(b"b"))
        world.origins.gates[slow] = asyncio.Event()
        keeper = world.keeper()
        await keeper.want([slow, quick])
        await until(keeper, lambda catalogue: catalogue.find("4.17", Arch.X86_64))
        assert stages(keeper) == [Stage.BRINGING, Stage.READY]
        assert not keeper.settled
        world.origins.gates[slow].set()
        await keeper.until_settled()
        assert stages(keeper) == [Stage.READY, Stage.READY]
        await keeper.close()

    asyncio.run(go())


def test_the_full_iso_is_served_before_its_minimal_ones_are_made(
    world: "World", listed: MakeWanted, full_iso: FullIso, until: Until
) -> None:
    async def go() -> None:
        seen: list[bool] = []
        keeper = world.keeper()

        async def watch() -> None:
            catalogue = keeper.catalogue
            while not (catalogue.ready and catalogue.ready[0].prepared.minimal):
                catalogue = await keeper.changed(catalogue)
                seen.extend(image.prepared.minimal is not None for image in catalogue.ready)

        watching = asyncio.create_task(watch())
        await keeper.want([world.origins.offer(listed(), full_iso())])
        await asyncio.wait_for(watching, 20)
        assert seen[0] is False
        assert seen[-1] is True
        await keeper.close()

    asyncio.run(go())


def test_what_waits_for_its_next_try_is_tried_at_once_where_somebody_wants_it_again(
    world: "World", listed: MakeWanted, full_iso: FullIso, until: Until, eventually: Eventually
) -> None:
    async def go() -> None:
        wanted = world.origins.offer(listed(), full_iso())
        world.origins.key_faults[wanted].append(OperationError("the pull secret is wrong"))
        keeper = world.keeper()
        await keeper.want([wanted])
        await eventually(lambda: world.time.waits_s)
        keeper.again()
        await until(keeper, ready)
        await keeper.until_settled()
        assert world.time.waits_s == []
        await keeper.close()

    asyncio.run(go())


def test_so_many_images_come_at_a_time_and_no_more(world: "World", listed: MakeWanted, full_iso: FullIso) -> None:
    async def go() -> None:
        keeper = world.keeper(parallel=2)
        await keeper.want([world.origins.offer(listed(f"4.{minor}", f"4{minor}.94-0"), full_iso(b"%d" % minor)) for minor in range(10, 17)])
        await keeper.until_settled()
        assert world.origins.most_at_once == 2
        await keeper.close()

    asyncio.run(go())


def test_what_is_wanted_still_stays_untouched(world: "World", listed: MakeWanted, full_iso: FullIso) -> None:
    async def go() -> None:
        stays, goes = world.origins.offer(listed(), full_iso(b"a")), world.origins.offer(listed("4.16", "416.94-0"), full_iso(b"b"))
        keeper = world.keeper(base_url="")
        await keeper.want([stays, goes])
        await keeper.until_settled()
        opens, before = world.store.opens, keeper.catalogue.find("4.17", Arch.X86_64)
        await keeper.want([world.origins.offer(listed("4.15", "415.94-0"), full_iso(b"c")), stays])
        await keeper.until_settled()
        after = keeper.catalogue.find("4.17", Arch.X86_64)
        assert before is not None
        assert after is not None
        assert after.files == before.files
        assert (world.store.opens, len(world.origins.brought)) == (opens + 1, 3)
        assert [status.wanted.openshift_version for status in keeper.catalogue.statuses] == ["4.15", "4.17"]
        await keeper.close()

    asyncio.run(go())


def test_what_is_wanted_no_longer_is_removed_and_nothing_else(world: "World", listed: MakeWanted, full_iso: FullIso) -> None:
    async def go() -> None:
        (world.store._folder / "somebody's file").write_bytes(b"")
        first = world.origins.offer(listed(), full_iso(b"a"))
        keeper = world.keeper()
        await keeper.want([first, world.origins.offer(listed("4.16", "416.94-0"), full_iso(b"b"))])
        await keeper.until_settled()
        await keeper.want([first])
        assert world.store.removed == ["rhcos-full-iso-416.94-0-x86_64.iso"]
        assert world.store.files() == {"somebody's file", "rhcos-full-iso-417.94.202501221327-0-x86_64.iso"}
        assert keeper.catalogue.find("4.16", Arch.X86_64) is None
        await keeper.close()

    asyncio.run(go())


def test_an_image_that_another_wish_needs_stays(world: "World", listed: MakeWanted, full_iso: FullIso) -> None:
    async def go() -> None:
        one, two = (world.origins.offer(listed(version), full_iso()) for version in ("4.17", "4.17.1"))
        keeper = world.keeper()
        await keeper.want([one, two])
        await keeper.until_settled()
        await keeper.want([two])
        assert not world.store.removed
        await keeper.close()

    asyncio.run(go())


def test_an_image_is_served_on_while_its_replacement_comes(world: "World", listed: MakeWanted, full_iso: FullIso, until: Until) -> None:
    async def go() -> None:
        old = world.origins.offer(listed(), full_iso(b"old"))
        new = world.origins.offer(listed(url="https://other.example.com/a.iso"), full_iso(b"new"))
        world.origins.gates[new] = asyncio.Event()
        keeper = world.keeper()
        await keeper.want([old])
        before = (await keeper.until_settled()).ready[0].stored.digest
        await keeper.want([new])
        assert keeper.catalogue.ready[0].stored.digest == before
        world.origins.gates[new].set()
        await until(keeper, lambda catalogue: catalogue.ready[0].stored.digest != before)
        assert not world.store.removed
        await keeper.close()

    asyncio.run(go())


def test_what_starts_is_stopped_when_it_is_wanted_no_longer(
    world: "World", listed: MakeWanted, full_iso: FullIso, eventually: Eventually
) -> None:
    async def go() -> None:
        wanted = world.origins.offer(listed(), full_iso())
        world.origins.gates[wanted] = asyncio.Event()
        keeper = world.keeper()
        await keeper.want([wanted])
        await eventually(lambda: world.origins.at_once)
        await keeper.want([])
        assert world.origins.at_once == 0
        assert keeper.catalogue == Catalogue()
        assert keeper.settled

    asyncio.run(go())


def test_closing_ends_all_work_and_keeps_what_is_served(
    world: "World", listed: MakeWanted, full_iso: FullIso, until: Until, eventually: Eventually
) -> None:
    async def go() -> None:
        stuck = world.origins.offer(listed("4.16", "416.94-0"), full_iso(b"a"))
        world.origins.gates[stuck] = asyncio.Event()
        keeper = world.keeper()
        await keeper.want([stuck, world.origins.offer(listed(), full_iso())])
        await until(keeper, lambda catalogue: catalogue.ready)
        await eventually(lambda: world.origins.at_once)
        await keeper.close()
        assert world.origins.at_once == 0
        assert keeper.catalogue.find("4.17", Arch.X86_64)
        assert {task.get_name() for task in asyncio.all_tasks()} == {asyncio.current_task().get_name()}  # type: ignore[union-attr]

    asyncio.run(go())


def test_an_answer_that_does_not_come_is_asked_for_again_and_later_each_time(
    world: "World", listed: MakeWanted, full_iso: FullIso, eventually: Eventually
) -> None:
    async def go() -> None:
        wanted = world.origins.offer(listed(), full_iso())
        world.origins.key_faults[wanted].extend(TransientError("no answer", subject="mirror") for _ in range(4))
        keeper = world.keeper(retry_s=2, retry_limit_s=10, tries=3)
        await keeper.want([wanted])
        seen = []
        for delay_s in (2, 4, 8, 10):
            await eventually(lambda: world.time.waits_s)
            (status,) = keeper.catalogue.statuses
            seen.append(status.stage)
            assert world.time.waits_s == [delay_s]
            at = time.strftime("%H:%M:%S", time.gmtime(world.time.now_s() + delay_s))
            assert status.reason == f"mirror: no answer; the next try is at {at} UTC"
            world.time.advance(delay_s)
            await asyncio.sleep(0)
        await eventually(lambda: keeper.catalogue.ready)
        assert seen == [Stage.WAITING, Stage.WAITING, Stage.FAILED, Stage.FAILED]
        assert keeper.catalogue.statuses[0].reason == ""
        await keeper.close()

    asyncio.run(go())


@pytest.mark.parametrize(
    "error", [OperationError("forbidden"), VerificationError("other bytes"), NotFoundError("no such file"), KeyError("x")]
)
def test_any_other_failure_is_tried_again_slowly_and_holds_up_nobody(
    world: "World", listed: MakeWanted, full_iso: FullIso, eventually: Eventually, error: Exception
) -> None:
    async def go() -> None:
        bad, good = world.origins.offer(listed("4.16", "416.94-0"), full_iso(b"a")), world.origins.offer(listed(), full_iso(b"b"))
        world.origins.bring_faults[bad].append(error)
        keeper = world.keeper(slow_retry_s=300)
        await keeper.want([bad, good])
        await asyncio.wait_for(keeper.until_settled(), 20)
        assert stages(keeper) == [Stage.FAILED, Stage.READY]
        await eventually(lambda: world.time.waits_s == [300])
        world.time.advance(300)
        await eventually(lambda: ready(keeper.catalogue))
        assert keeper.settled
        await keeper.close()

    asyncio.run(go())


def test_what_has_settled_once_stays_so_while_it_is_tried_again(
    world: "World", listed: MakeWanted, full_iso: FullIso, until: Until, eventually: Eventually
) -> None:
    async def go() -> None:
        wanted = world.origins.offer(listed(), full_iso())
        world.origins.bring_faults[wanted].append(OperationError("forbidden"))
        keeper = world.keeper()
        await keeper.want([wanted])
        await keeper.until_settled()
        world.origins.gates[wanted] = asyncio.Event()
        await eventually(lambda: world.time.waits_s)
        world.time.advance(300)
        await until(keeper, lambda catalogue: catalogue.statuses[0].stage is Stage.BRINGING)
        assert keeper.settled
        await keeper.close()

    asyncio.run(go())


def test_the_entry_behind_a_payload_serves_where_that_has_no_iso(
    world: "World", listed: MakeWanted, released: MakeWanted, full_iso: FullIso
) -> None:
    async def go() -> None:
        entry = world.origins.offer(listed("4.17"), full_iso())
        payload = released("4.17.3", fallback=entry)
        world.origins.key_faults[payload].append(NotFoundError("it has no machine-os-images", subject="release"))
        keeper = world.keeper()
        await keeper.want([payload])
        await keeper.until_settled()
        (status,) = keeper.catalogue.statuses
        assert (status.stage, status.wanted) == (Stage.READY, payload)
        assert status.reason == "the payload has no ISO (release: it has no machine-os-images): that of OS_IMAGES is served"
        await keeper.close()

    asyncio.run(go())


def test_a_payload_without_iso_and_without_entry_fails_with_the_reason(world: "World", released: MakeWanted) -> None:
    async def go() -> None:
        payload, old = released("4.17.3"), released("4.10.3")
        world.origins.key_faults[payload].append(NotFoundError("it has no machine-os-images"))
        keeper = world.keeper()
        await keeper.want([payload, old])
        await keeper.until_settled()
        first, second = keeper.catalogue.statuses
        assert first.reason.startswith("it has no machine-os-images; the next try is at ")
        assert second.reason == "payloads before 4.11 hold no ISO, and OS_IMAGES has no entry for 4.10 on this architecture"
        assert stages(keeper) == [Stage.FAILED, Stage.FAILED]
        await keeper.close()

    asyncio.run(go())


def test_what_came_before_is_served_while_the_registry_is_away(
    world: "World", released: MakeWanted, full_iso: FullIso, until: Until, eventually: Eventually
) -> None:
    async def go() -> None:
        payload = world.origins.offer(released("4.17.3"), full_iso(b"9"), full_iso(b"10"), builds=("9.6.1-0", "10.0.1-0"))
        await world.load(payload)
        digests = [image.stored.digest for image in world.catalogue.ready]
        world.origins.key_faults[payload].extend(TransientError("no answer", subject="registry") for _ in range(2))
        keeper = world.keeper()
        await keeper.want([payload])
        catalogue = await until(keeper, ready)
        (status,) = catalogue.statuses
        assert [image.stored.digest for image in status.ready] == digests
        assert all(image.prepared.minimal for image in status.ready)
        assert status.reason.startswith("an image that came before is served: registry: no answer; the next try is at ")
        for _ in range(2):
            await eventually(lambda: world.time.waits_s)
            world.time.advance(60)
            await asyncio.sleep(0)
        await until(keeper, lambda catalogue: not catalogue.statuses[0].reason)
        assert keeper.catalogue.ready[0].prepared.minimal
        assert world.origins.brought == [payload.name]
        await keeper.close()

    asyncio.run(go())


def test_what_a_payload_gave_before_goes_when_the_new_one_has_come(
    world: "World", released: MakeWanted, full_iso: FullIso, until: Until, eventually: Eventually
) -> None:
    async def go() -> None:
        payload = world.origins.offer(released("4.17.3"), full_iso(b"old"), builds=("417.94.1-0",))
        await world.load(payload)
        world.origins.offer(payload, full_iso(b"new"), builds=("417.94.2-0",))
        world.origins.bring_faults[payload].append(TransientError("cut"))
        keeper = world.keeper()
        await keeper.want([payload])
        await until(keeper, lambda catalogue: catalogue.find("417.94.1-0", Arch.X86_64))
        await eventually(lambda: world.time.waits_s)
        world.time.advance(60)
        await until(keeper, lambda catalogue: catalogue.find("417.94.2-0", Arch.X86_64))
        assert keeper.catalogue.find("417.94.1-0", Arch.X86_64) is None
        await eventually(lambda: world.store.removed == ["rhcos-full-iso-417.94.1-0-x86_64.iso"])
        await keeper.close()

    asyncio.run(go())


def test_an_image_that_was_cut_is_taken_anew(
    world: "World", listed: MakeWanted, full_iso: FullIso, until: Until, eventually: Eventually
) -> None:
    async def go() -> None:
        wanted = world.origins.offer(listed(), full_iso()[:40_000])
        keeper = world.keeper()
        await keeper.want([wanted])
        await keeper.until_settled()
        assert stages(keeper) == [Stage.FAILED]
        assert world.store.removed
        world.origins.offer(wanted, full_iso())
        await eventually(lambda: world.time.waits_s)
        world.time.advance(300)
        await until(keeper, ready)
        await keeper.close()

    asyncio.run(go())


def test_an_image_with_too_small_files_is_not_served(world: "World", listed: MakeWanted, full_iso: FullIso) -> None:
    async def go() -> None:
        from penstock.imageservice.prepare import Floors

        keeper = world.keeper(floors=Floors())
        await keeper.want([world.origins.offer(listed(), full_iso())])
        await keeper.until_settled()
        assert stages(keeper) == [Stage.FAILED]
        assert "root file system" in keeper.catalogue.statuses[0].reason
        await keeper.close()

    asyncio.run(go())


def test_a_disconnected_iso_is_served_without_minimal_ones(world: "World", listed: MakeWanted, full_iso: FullIso, until: Until) -> None:
    async def go() -> None:
        await world.load(world.origins.offer(listed("4.20", "420.94-0", image_type=ImageType.DISCONNECTED), full_iso()))
        (image,) = world.catalogue.ready
        assert image.prepared.minimal is None
        assert image.prepared.why_no_minimal
        assert not image.why_no_nmstate

    asyncio.run(go())


def test_without_a_base_url_there_are_no_minimal_isos_and_the_reason_is_told(world: "World", listed: MakeWanted, full_iso: FullIso) -> None:
    asyncio.run(world.load(world.origins.offer(listed(), full_iso()), base_url=""))
    assert "URL" in world.catalogue.ready[0].prepared.why_no_minimal


def test_the_reason_is_told_where_nmstatectl_is_called_for_and_cannot_be_had(world: "World", listed: MakeWanted, full_iso: FullIso) -> None:
    asyncio.run(world.load(world.origins.offer(listed("4.18"), full_iso())))
    (image,) = world.catalogue.ready
    assert image.prepared.minimal is not None
    assert image.why_no_nmstate.startswith("nmstatectl, which goes with network settings, cannot be taken out of the image: ")


def test_how_much_has_come_is_told(world: "World", listed: MakeWanted, full_iso: FullIso, until: Until) -> None:
    async def go() -> None:
        wanted = world.origins.offer(listed(), full_iso())
        world.origins.gates[wanted] = asyncio.Event()
        keeper = world.keeper()
        await keeper.want([wanted])
        catalogue = await until(keeper, lambda catalogue: catalogue.statuses[0].done_bytes)
        assert catalogue.statuses[0].total_bytes == 10
        world.origins.gates[wanted].set()
        await until(keeper, ready)
        assert keeper.catalogue.statuses[0].done_bytes == 0
        await keeper.close()

    asyncio.run(go())


def test_one_wish_in_two_words_is_one(world: "World", listed: MakeWanted, full_iso: FullIso) -> None:
    async def go() -> None:
        keeper = world.keeper()
        wanted = world.origins.offer(listed(), full_iso())
        await keeper.want([wanted, replace(wanted, origin=UrlOrigin("https://mirror.example.com/417.94.202501221327-0-x86_64.iso"))])
        assert len(keeper.catalogue.statuses) == 1
        await keeper.close()

    asyncio.run(go())


def test_what_earlier_lists_left_goes_once_everything_has_settled(world: "World", listed: MakeWanted, full_iso: FullIso) -> None:
    async def go() -> None:
        old = world.origins.offer(listed("4.16", "416.94-0"), full_iso(b"old"))
        failing = world.origins.offer(listed("4.15", "415.94-0"), full_iso(b"kept"))
        await world.load(old, failing)
        wanted = world.origins.offer(listed(), full_iso())
        world.origins.key_faults[failing].append(OperationError("forbidden"))
        world.origins.gates[wanted] = asyncio.Event()
        keeper = world.keeper()
        await keeper.want([wanted, failing])
        assert await keeper.prune() == ()
        world.origins.gates[wanted].set()
        await keeper.until_settled()
        assert [image.record.version for image in await keeper.prune()] == ["416.94-0"]
        assert world.store.files() == {f"rhcos-full-iso-{build}-x86_64.iso" for build in ("415.94-0", "417.94.202501221327-0")}
        await keeper.close()

    asyncio.run(go())


def test_a_tag_is_looked_up_again_and_its_new_payload_brought_while_the_old_is_served(
    world: "World", released: MakeWanted, full_iso: FullIso, until: Until
) -> None:
    wanted = world.origins.offer(released(), full_iso(b"old"))

    async def go() -> None:
        keeper = world.keeper(recheck_s=3600.0)
        await keeper.want([wanted])
        old = (await until(keeper, all_there)).ready[0]
        await sleeping(world, 3600.0)
        world.origins.offer(wanted, full_iso(b"new"), builds=("417.94.202502020202-0",))
        world.origins.gates[wanted] = asyncio.Event()
        world.time.advance(3600.0)
        during = await until(keeper, lambda catalogue: catalogue.statuses[0].stage is Stage.BRINGING)
        assert [image.stored.digest for image in during.ready] == [old.stored.digest]
        world.origins.gates[wanted].set()
        after = await until(keeper, lambda catalogue: all_there(catalogue) and catalogue.ready[0].stored.digest != old.stored.digest)
        assert [image.stored.record.version for image in after.ready] == ["417.94.202502020202-0"]
        await sleeping(world, 3600.0)
        await keeper.close()

    asyncio.run(go())
    assert len(world.origins.brought) == 2
    assert len(world.store.files()) == 1


def test_a_tag_that_stays_or_a_registry_that_does_not_answer_changes_nothing(
    world: "World", released: MakeWanted, full_iso: FullIso, until: Until
) -> None:
    wanted = world.origins.offer(released(), full_iso())

    async def go() -> None:
        keeper = world.keeper(recheck_s=3600.0)
        await keeper.want([wanted])
        before = await until(keeper, all_there)
        for fault in (None, TransientError("no answer"), InputError("401"), ValueError("unforeseen")):
            await sleeping(world, 3600.0)
            if fault is not None:
                world.origins.key_faults[wanted].append(fault)
            world.time.advance(3600.0)
        await sleeping(world, 3600.0)
        assert keeper.catalogue is before
        await keeper.close()

    asyncio.run(go())
    assert len(world.origins.brought) == 1


def test_a_payload_by_its_digest_is_not_looked_up_again(world: "World", released: MakeWanted, full_iso: FullIso, until: Until) -> None:
    wanted = replace(released(), origin=PayloadOrigin(f"example.com/ocp/release@sha256:{'0' * 64}", "4.17.3"))
    world.origins.offer(wanted, full_iso())

    async def go() -> None:
        keeper = world.keeper()
        await keeper.want([wanted])
        await until(keeper, all_there)
        await asyncio.sleep(0.05)
        assert world.time.waits_s == []
        await keeper.close()

    asyncio.run(go())


def all_there(catalogue: Catalogue) -> bool:
    return all(status.stage is Stage.READY and all(map(is_whole, status.ready)) and status.ready for status in catalogue.statuses)


async def sleeping(world: "World", seconds: float) -> None:
    """Until somebody sleeps for so long."""
    async with asyncio.timeout(20):
        while seconds not in world.time.waits_s:  # noqa: ASYNC110  # tasks that tell nobody
            await asyncio.sleep(0.002)
