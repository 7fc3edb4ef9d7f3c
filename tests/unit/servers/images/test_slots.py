"""The slots of transfers."""

import asyncio

from penstock.servers.images.limiter import Slots


def test_who_waits_comes_first_come_first_served() -> None:
    async def go() -> list[int]:
        slots, order = Slots(1), list[int]()

        async def transfer(number: int) -> None:
            async with slots:
                order.append(number)
                await asyncio.sleep(0)

        await asyncio.gather(*(transfer(number) for number in range(20)))
        return order

    assert asyncio.run(go()) == list(range(20))


def test_never_more_run_than_there_are_slots() -> None:
    async def go() -> int:
        slots, most = Slots(3), 0

        async def transfer() -> None:
            nonlocal most
            async with slots:
                most = max(most, slots.taken)
                await asyncio.sleep(0)

        await asyncio.gather(*(transfer() for _ in range(20)))
        assert (slots.taken, slots.waiting) == (0, 0)
        return most

    assert asyncio.run(go()) == 3


def test_who_stops_waiting_leaves_the_queue() -> None:
    async def go() -> tuple[int, list[str]]:
        slots, served = Slots(1), list[str]()

        async def transfer(name: str) -> None:
            async with slots:
                served.append(name)

        async with slots:
            left, stays = asyncio.create_task(transfer("left")), asyncio.create_task(transfer("stays"))
            await asyncio.sleep(0)
            left.cancel()
            await asyncio.sleep(0)
            waiting = slots.waiting
        await stays
        return waiting, served

    assert asyncio.run(go()) == (1, ["stays"])
