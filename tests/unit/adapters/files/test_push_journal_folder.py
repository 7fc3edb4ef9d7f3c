import asyncio
import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.adapters.files.pushjournal import JournalFolder
from penstock.model.errors import InputError, NotFoundError, OperationError
from penstock.model.push.journal import EventKind, ExternalId, JournalEvent, RunRecord
from penstock.publish.journal import read_events

RECORD = RunRecord(id="", command="community-push", sources=("staged:/stage",), started_at_s=1_778_494_272.0, process=os.getpid())


class Clock:
    def __init__(self) -> None:
        self.at_s = 1_778_494_272

    def now_s(self) -> int:
        return self.at_s


@pytest.fixture
def clock() -> Clock:
    """11 May 2026, and as long as it is not set."""
    return Clock()


@pytest.fixture
def book(tmp_path: Path, clock: Clock) -> JournalFolder:
    """An empty one."""
    return JournalFolder(tmp_path / "state", clock)


def an_event(run: str, step: str = "s", detail: str = "") -> JournalEvent:
    kind = EventKind.STEP_NOTED if step else EventKind.PLANNED
    return JournalEvent(kind=kind, at_s=2.0, run=run, step=step, ids={ExternalId.UPLOAD: "u-1"} if step else {}, detail=detail)


async def a_run(book: JournalFolder, *steps: str, fails: BaseException | None = None) -> str:
    async with book.begin(RECORD) as journal:
        for step in steps:
            journal.append(an_event(journal.run_id, step))
        if fails:
            raise fails
    return journal.run_id


def the_file(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "state" / "runs").iterdir()
    return path


def test_a_run_has_a_first_and_a_last_event(book: JournalFolder) -> None:
    async def run() -> list[tuple[EventKind, str]]:
        name = await a_run(book, "s")
        assert name.startswith("20260511T101112Z-")
        return [(each.kind, each.detail if each.kind is EventKind.RUN_ENDED else "") async for each in book.events(name)]

    assert asyncio.run(run()) == [(EventKind.RUN_STARTED, ""), (EventKind.STEP_NOTED, ""), (EventKind.RUN_ENDED, "done")]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (OperationError("the disk is full", subject="/stage"), "stopped: /stage: the disk is full"),
        (asyncio.CancelledError(), "interrupted"),
        (KeyError("a secret"), "stopped: unexpected KeyError"),
    ],
)
def test_the_last_event_says_why_a_run_stopped(error: BaseException, outcome: str, book: JournalFolder) -> None:
    async def run() -> str:
        with pytest.raises(type(error)):
            await a_run(book, fails=error)
        return (await book.runs())[0].outcome

    assert asyncio.run(run()) == outcome


def test_a_journal_is_its_owners_alone(book: JournalFolder, tmp_path: Path) -> None:
    asyncio.run(a_run(book))
    assert stat.S_IMODE(the_file(tmp_path).stat().st_mode) == 0o600
    assert stat.S_IMODE(the_file(tmp_path).parent.stat().st_mode) == 0o700


def test_an_event_is_in_the_file_when_append_returns(book: JournalFolder, tmp_path: Path) -> None:
    async def run() -> None:
        async with book.begin(RECORD) as journal:
            journal.append(an_event(journal.run_id, "s", "a word"))
            assert b"a word" in the_file(tmp_path).read_bytes()

    asyncio.run(run())


def test_a_run_lives_while_it_is_open_and_only_then(book: JournalFolder) -> None:
    async def run() -> list[bool]:
        seen = []
        async with book.begin(RECORD):
            seen += [each.alive for each in await book.runs()]
        return seen + [each.alive for each in await book.runs()]

    assert asyncio.run(run()) == [True, False]


def test_runs_come_newest_first_with_what_they_were_told(book: JournalFolder, clock: Clock) -> None:
    async def run() -> list[tuple[str, tuple[str, ...]]]:
        await a_run(book)
        clock.at_s += 60
        await a_run(book)
        return [(each.id[:16], each.sources) for each in await book.runs()]

    assert asyncio.run(run()) == [("20260511T101212Z", ("staged:/stage",)), ("20260511T101112Z", ("staged:/stage",))]


def test_the_steps_of_earlier_runs_are_told_oldest_first(book: JournalFolder, clock: Clock) -> None:
    async def run() -> list[str]:
        await a_run(book, "a", "")
        clock.at_s += 60
        await a_run(book, "b")
        return [each.step for each in await book.earlier()]

    assert asyncio.run(run()) == ["a", "b"]


def test_what_is_long_past_is_not_told(book: JournalFolder, clock: Clock) -> None:
    async def run() -> tuple[JournalEvent, ...]:
        await a_run(book, "a")
        clock.at_s += 61 * 86_400
        return await book.earlier()

    assert asyncio.run(run()) == ()


def test_without_a_folder_there_were_no_runs(book: JournalFolder) -> None:
    assert (asyncio.run(book.earlier()), asyncio.run(book.runs())) == ((), ())


def test_a_damaged_journal_keeps_nobody_from_pushing(book: JournalFolder, tmp_path: Path, clock: Clock) -> None:
    async def run() -> list[str]:
        await a_run(book, "a")
        the_file(tmp_path).write_bytes(b"\0\0\0\n")
        clock.at_s += 60
        await a_run(book, "b")
        return [each.step for each in await book.earlier()]

    assert asyncio.run(run()) == ["b"]


@pytest.mark.parametrize("name", ["20260511T101112Z-abcd", "../../etc/passwd", ""])
def test_a_run_that_is_not_there_is_told(name: str, book: JournalFolder) -> None:
    async def run() -> None:
        async for _ in book.events(name):
            pass

    with pytest.raises(NotFoundError, match="there is no such run"):
        asyncio.run(run())


def test_a_damaged_journal_that_is_asked_for_is_told(book: JournalFolder, tmp_path: Path) -> None:
    async def run() -> None:
        name = await a_run(book)
        the_file(tmp_path).write_bytes(b"nonsense\n")
        async for _ in book.events(name):
            pass

    with pytest.raises(InputError):
        asyncio.run(run())


def test_who_follows_a_run_hears_of_everything_until_its_end(tmp_path: Path, clock: Clock) -> None:
    async def run() -> list[str]:
        turn, heard = asyncio.Event(), list[str]()

        async def wait(_: float) -> None:
            turn.set()
            await asyncio.sleep(0)

        book = JournalFolder(tmp_path, clock, wait=wait)

        async def follow(name: str) -> None:
            async for event in book.events(name, follow=True):
                heard.append(event.step or event.kind.value)

        async with book.begin(RECORD) as journal:
            following = asyncio.create_task(follow(journal.run_id))
            for step in ("a", "b"):
                await turn.wait()
                turn.clear()
                journal.append(an_event(journal.run_id, step))
        await following
        return heard

    assert asyncio.run(run()) == ["run-started", "a", "b", "run-ended"]


def test_who_follows_a_run_that_was_killed_is_not_kept(tmp_path: Path, clock: Clock) -> None:
    code = f"""
import asyncio, os, pathlib, sys
from penstock.adapters.clock import SystemClock
from penstock.adapters.files.pushjournal import JournalFolder
from penstock.model.push.journal import RunRecord

async def run():
    async with JournalFolder(pathlib.Path({str(tmp_path)!r}), SystemClock()).begin(
        RunRecord(id="", command="c", sources=(), started_at_s=0.0, process=os.getpid())
    ) as journal:
        print(journal.run_id, flush=True)
        sys.stdin.read()

asyncio.run(run())
"""
    book = JournalFolder(tmp_path, clock)
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert [each.alive for each in asyncio.run(book.runs())] == [True]
        process.send_signal(signal.SIGKILL)
        process.wait()

    async def follow() -> list[EventKind]:
        return [each.kind async for each in book.events(name, follow=True)]

    assert asyncio.run(follow()) == [EventKind.RUN_STARTED]
    assert [(each.alive, each.outcome) for each in asyncio.run(book.runs())] == [(False, "")]


def test_a_line_that_the_disk_does_not_take_whole_stops_the_run_and_leaves_no_half(book: JournalFolder, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    async def run() -> None:
        async with book.begin(RECORD) as journal:
            resource.setrlimit(resource.RLIMIT_FSIZE, (the_file(tmp_path).stat().st_size + 10, hard))
            try:
                with pytest.raises(OperationError, match="larger than is allowed"):
                    journal.append(an_event(journal.run_id))
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    asyncio.run(run())
    kinds = [each.kind for each in read_events(the_file(tmp_path).read_bytes(), subject="journal")]
    assert kinds == [EventKind.RUN_STARTED, EventKind.RUN_ENDED]


def test_nothing_is_written_behind_the_end(book: JournalFolder) -> None:
    async def run() -> None:
        async with book.begin(RECORD) as journal:
            pass
        journal.append(an_event(journal.run_id))

    with pytest.raises(OperationError, match="the journal is closed"):
        asyncio.run(run())


def test_the_last_event_says_how_the_run_went(book: JournalFolder) -> None:
    async def run() -> str:
        async with book.begin(RECORD) as journal:
            journal.conclude("partly")
        (record,) = await book.runs()
        return record.outcome

    assert asyncio.run(run()) == "partly"


def test_an_error_counts_before_what_the_run_said_of_itself(book: JournalFolder) -> None:
    async def run() -> None:
        async with book.begin(RECORD) as journal:
            journal.conclude("done")
            raise OperationError("no room")

    with pytest.raises(OperationError):
        asyncio.run(run())
    (record,) = asyncio.run(book.runs())
    assert record.outcome == "stopped: no room"


def test_times_keep_their_fraction(tmp_path: Path) -> None:
    class Precise:
        def now_s(self) -> float:
            return 1_778_494_272.125

    asyncio.run(a_run(JournalFolder(tmp_path / "state", Precise())))
    events = read_events(the_file(tmp_path).read_bytes(), subject="journal")
    assert {each.at_s for each in events} == {1_778_494_272.125}
