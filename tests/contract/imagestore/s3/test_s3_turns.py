"""Of all replicas over a bucket one brings an image, also when replicas die or the service knows little."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from penstock.adapters.imagestore.s3options import S3Options

if TYPE_CHECKING:
    from tests.contract.imagestore.s3.conftest import Bench, Between

NewBucket = Callable[[], S3Options]


def test_a_replica_that_died_at_work_is_taken_over(bench: "Bench", new_bucket: NewBucket) -> None:
    async def work() -> list[str]:
        options, calls = new_bucket(), list[str]()
        await bench.dead_turn(options, "key")
        async with bench.store(options, expiry_s=0.5) as one:
            await asyncio.wait_for(one.put(bench.wanted, "key", bench.bringing(calls)), 60)
        return calls

    assert len(asyncio.run(work())) == 1


def test_of_many_that_wait_for_a_dead_replica_one_takes_over(bench: "Bench", new_bucket: NewBucket) -> None:
    async def work() -> list[str]:
        options, calls = new_bucket(), list[str]()
        await bench.dead_turn(options, "key")
        async with (
            bench.store(options, 1, expiry_s=0.5) as one,
            bench.store(options, 2, expiry_s=0.5) as two,
            bench.store(options, 3, expiry_s=0.5) as three,
        ):
            puts = [replica.put(bench.wanted, "key", bench.bringing(calls, pause_s=0.3)) for replica in (one, two, three)]
            await asyncio.wait_for(asyncio.gather(*puts), 60)
        return calls

    assert len(asyncio.run(work())) == 1


def test_a_replica_that_works_for_longer_than_a_turn_expires_keeps_it(bench: "Bench", new_bucket: NewBucket) -> None:
    async def work() -> list[str]:
        options, calls = new_bucket(), list[str]()
        async with bench.store(options, 1, expiry_s=1.5) as one, bench.store(options, 2, expiry_s=1.5) as two:
            puts = [replica.put(bench.wanted, "key", bench.bringing(calls, pause_s=4)) for replica in (one, two)]
            await asyncio.wait_for(asyncio.gather(*puts), 60)
        return calls

    assert len(asyncio.run(work())) == 1


def test_a_service_without_conditions_still_lets_one_bring_at_a_time(bench: "Bench", new_bucket: NewBucket, relay: "Between") -> None:
    relay.forgetful = True

    async def work() -> list[str]:
        options, calls = replace(new_bucket(), endpoint=relay.url), list[str]()
        async with bench.store(options, 1) as one, bench.store(options, 2) as two:
            first = asyncio.create_task(one.put(bench.wanted, "key", bench.bringing(calls, pause_s=1)))
            while not calls:  # noqa: ASYNC110  # a list sets no event
                await asyncio.sleep(0.01)
            await two.put(bench.wanted, "key", bench.bringing(calls))
            await first
        return calls

    assert len(asyncio.run(work())) == 1
