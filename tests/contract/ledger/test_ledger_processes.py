"""Several processes over one ledger, and processes that die."""

import asyncio
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable

import pytest
import structlog
from sqlalchemy import Connection, text

from penstock.adapters.sql import writing
from penstock.adapters.sql.database import Database
from penstock.adapters.sql.ledger import SqlLedger
from penstock.adapters.sql.location import parse_location
from penstock.model.errors import TransientError
from penstock.model.lineage import Artifact, Direction, Edge, Kind

StartPython = Callable[..., "subprocess.Popen[str]"]

WRITER = """if True:
    import asyncio, sys
    from penstock.adapters.sql.ledger import SqlLedger
    from penstock.model.lineage import Artifact, Edge, Kind

    async def main(place, writer, count):
        ledger = SqlLedger.open(place)
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(int(count)):
            batch = Artifact(Kind.RELEASE, f"{writer} batch {number}", names=frozenset({"batch"}))
            parts = [Artifact(Kind.IMAGE, f"{batch.key} part {part}") for part in range(200)]
            shared = [Artifact(Kind.LAYER, f"shared {part}", None, {writer: number}) for part in range(5)]
            edges = [Edge(each.id, batch.id, "part") for each in (*parts, *shared)]
            await ledger.record([batch, *parts, *shared], edges)
            print(number, flush=True)
        await ledger.close()

    asyncio.run(main(*sys.argv[1:]))
    """


def batches(place: str) -> dict[str, int]:
    """Every recorded batch, with the number of edges that lead to it."""

    async def ask() -> dict[str, int]:
        ledger = SqlLedger.open(place)
        try:
            return {batch.key: len([edge async for edge in ledger.walk(batch, Direction.UP)]) for batch in await ledger.find("batch")}
        finally:
            await ledger.close()

    return asyncio.run(ask())


def await_ready(*writers: "subprocess.Popen[str]") -> None:
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"


def let_go(*writers: "subprocess.Popen[str]") -> None:
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()


def test_processes_that_start_at_once_create_one_ledger_and_all_their_records_are_in_it(place: str, start_python: StartPython) -> None:
    names = ["one", "two", "three", "four"]
    writers = [start_python(WRITER, place, name, "2") for name in names]
    await_ready(*writers)
    let_go(*writers)
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0, 0]
    assert batches(place) == {f"{name} batch {number}": 205 for name in names for number in (0, 1)}


@pytest.mark.parametrize("acknowledged", [0, 3])
def test_a_writer_that_is_killed_leaves_whole_records_and_a_usable_ledger(place: str, start_python: StartPython, acknowledged: int) -> None:
    """With 0 acknowledged the kill may fall into the creation of the schema."""
    for attempt in range(2):
        writer = start_python(WRITER, place, f"victim {attempt}", "100000")
        await_ready(writer)
        let_go(writer)
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(acknowledged)]
        time.sleep(random.uniform(0, 0.05 if acknowledged else 0.4))
        writer.send_signal(signal.SIGKILL)
        assert writer.wait(timeout=10) == -signal.SIGKILL
        told += writer.stdout.read().splitlines(keepends=True)

        found = batches(place)
        assert set(found.values()) <= {205}
        acknowledgements = {f"victim {attempt} batch {int(line)}" for line in told if line.endswith("\n")}
        assert acknowledgements <= found.keys()

    survivor = start_python(WRITER, place, "survivor", "1")
    await_ready(survivor)
    let_go(survivor)
    assert survivor.wait(timeout=60) == 0
    assert batches(place)["survivor batch 0"] == 205


def test_a_ledger_that_stays_locked_is_a_matter_of_trying_later(place: str) -> None:
    file = Artifact(Kind.FILE, "a", None, {"tries": 0})

    async def work() -> None:
        holder = SqlLedger.open(place)
        await holder.record([file], [])
        holding, released = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def hold(connection: Connection) -> None:
            connection.execute(text("UPDATE artifact SET key = key"))
            loop.call_soon_threadsafe(holding.set)
            released.wait(60)

        task = asyncio.create_task(asyncio.to_thread(holder._database.write, hold))
        await holding.wait()
        impatient = SqlLedger(Database(parse_location(place), busy_timeout_s=0.05), now_s=lambda: 0)
        try:
            with pytest.raises(TransientError, match="the ledger is busy"):
                await impatient.record([Artifact(Kind.FILE, "a", None, {"tries": 1})], [])
            assert await impatient.find("a") == [file]  # reading goes on meanwhile
        finally:
            released.set()
            await task
            await impatient.close()
            await holder.close()

    with structlog.testing.capture_logs():
        asyncio.run(work())


def test_a_writer_waits_for_another_one(place: str) -> None:
    """The second writing begins while the first holds its locks."""

    async def write() -> list[str]:
        first, second = SqlLedger.open(place), SqlLedger.open(place)
        one, two = Artifact(Kind.FILE, "a", None, {"one": 1}), Artifact(Kind.FILE, "a", None, {"two": 2})
        await first.record([one], [])
        order: list[str] = []

        def slow(connection: Connection) -> None:
            writing.record(connection, {one.id: one}, [], now_s=0)
            time.sleep(0.5)
            order.append("slow")

        holding = asyncio.create_task(asyncio.to_thread(first._database.write, slow))
        await asyncio.sleep(0.2)
        await second.record([two], [Edge(two.id, ("file", "b"), "copied")])
        order.append("waiting")
        await holding
        assert (await second.find("a"))[0].facts == {"one": 1, "two": 2}
        await first.close()
        await second.close()
        return order

    assert asyncio.run(write()) == ["slow", "waiting"]
