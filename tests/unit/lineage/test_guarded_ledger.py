import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
import structlog

from penstock.adapters.sql.ledger import SqlLedger
from penstock.lineage.guarded import GuardedLedger, OpenLedger
from penstock.lineage.location import ledger_location
from penstock.model.errors import OperationError, PenstockError
from penstock.model.lineage import Artifact, Direction, Edge, Kind
from penstock.simulators.ledger import MemoryLedger

FILE = Artifact(Kind.FILE, "a")


class BrokenLedger(MemoryLedger):
    """A ledger whose disk is full; counts the writings."""

    def __init__(self) -> None:
        super().__init__()
        self.writings = 0

    async def record(self, artifacts: Iterable[Artifact], edges: Iterable[Edge]) -> None:
        self.writings += 1
        await asyncio.sleep(0)
        raise OperationError("the disk is full")


def test_a_ledger_that_works_is_written_and_read() -> None:
    async def work() -> None:
        ledger = GuardedLedger(MemoryLedger)
        await ledger.record([FILE], [Edge(FILE.id, ("file", "b"), "copied")])
        assert await ledger.find("a") == [FILE]
        assert [far.key async for _, far in ledger.walk(FILE, Direction.DOWN)] == ["b"]

    asyncio.run(work())


def test_the_ledger_is_opened_by_the_first_call_and_once() -> None:
    opened: list[OpenLedger] = []

    def open_ledger() -> OpenLedger:
        opened.append(MemoryLedger())
        return opened[-1]

    async def work() -> None:
        ledger = GuardedLedger(open_ledger)
        await ledger.close()
        assert opened == []
        await ledger.record([FILE], [])
        await ledger.find("a")

    asyncio.run(work())
    assert len(opened) == 1


def test_what_is_known_already_opens_no_ledger_and_what_is_not_is_written() -> None:
    opened: list[MemoryLedger] = []

    def open_ledger() -> OpenLedger:
        opened.append(MemoryLedger())
        return opened[-1]

    async def work() -> None:
        ledger = GuardedLedger(open_ledger, is_known=lambda artifacts, _: list(artifacts) == [FILE])
        await ledger.record(iter([FILE]), [])
        assert opened == []
        other = Artifact(Kind.FILE, "b")
        await ledger.record(iter([other]), iter([Edge(FILE.id, other.id, "copied")]))
        await ledger.record([FILE], [])
        assert await ledger.find("a") == [FILE]

    asyncio.run(work())
    assert len(opened) == 1


def test_the_first_failure_is_told_once_and_later_writings_are_skipped() -> None:
    told: list[PenstockError] = []
    broken = BrokenLedger()

    async def work() -> None:
        ledger = GuardedLedger(lambda: broken, on_failure=told.append)
        await asyncio.gather(*(ledger.record([FILE], []) for _ in range(5)))
        before = broken.writings
        await ledger.record([FILE], [])
        assert broken.writings == before

    asyncio.run(work())
    assert [error.message for error in told] == ["the disk is full"]


def test_the_warning_goes_to_the_log() -> None:
    with structlog.testing.capture_logs() as logs:
        asyncio.run(GuardedLedger(BrokenLedger).record([FILE], []))
    assert [(line["log_level"], line["error"]) for line in logs] == [("warning", "the disk is full")]


def test_a_place_that_cannot_hold_a_ledger_fails_no_job(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told: list[PenstockError] = []
    asyncio.run(GuardedLedger(lambda: SqlLedger.open(tmp_path / "file" / "ledger.sqlite"), on_failure=told.append).record([FILE], []))
    assert [type(error) for error in told] == [OperationError]


def test_having_no_place_at_all_fails_no_job() -> None:
    told: list[PenstockError] = []
    asyncio.run(GuardedLedger(lambda: SqlLedger.open(ledger_location(None, {})), on_failure=told.append).record([FILE], []))
    assert ["no home directory" in error.message for error in told] == [True]


def test_questions_fail_as_they_do(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_text("no database")
    ledger = GuardedLedger(lambda: SqlLedger.open(tmp_path / "ledger.sqlite"))

    async def walk() -> AsyncIterator[tuple[Edge, Artifact]]:
        return ledger.walk(FILE, Direction.UP)

    with pytest.raises(OperationError):
        asyncio.run(ledger.find("a"))


def test_a_mistake_in_our_own_code_is_not_hidden() -> None:
    def open_ledger() -> OpenLedger:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(GuardedLedger(open_ledger).record([FILE], []))
