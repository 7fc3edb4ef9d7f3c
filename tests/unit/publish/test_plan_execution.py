import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.publish.fakefiles import FakeClock, FakeJournal

from penstock.model.digest import Digest
from penstock.model.errors import OperationError, TransientError
from penstock.model.push.aws import Place
from penstock.model.push.journal import EventKind, ExternalId, Ids
from penstock.ports.retries import tell_retry
from penstock.publish.actions import Phase
from penstock.publish.aws.actions import RhsmRegion, TagSnapshot
from penstock.publish.execution import Limits, StepNotes, TargetEnd, execute
from penstock.publish.plan import Plan, PlanBuilder, Step, StepId, Verdict

Work = Callable[[str, Mapping[StepId, Ids], StepNotes], Awaitable[Ids]]
HERE = Place("aws-us-storage", "us-east-1")
PLENTY = Limits()


class Doing:
    """A performer of steps that are known by the names of their snapshots."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.most_at_once = 0
        self._running = 0

    async def perform(self, step: Step, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        name = name_of(step)
        self.begun.append(name)
        self._running += 1
        self.most_at_once = max(self.most_at_once, self._running)
        try:
            return await self.work(name, outcomes, notes)
        finally:
            self._running -= 1
            self.ended.append(name)


def name_of(step: Step) -> str:
    assert isinstance(step.action, TagSnapshot)
    return step.action.name


def a_plan(needs: Mapping[str, Sequence[str]], targets: Mapping[str, Sequence[str]], reused: Sequence[str] = ()) -> Plan:
    """Steps named by letters, each behind those that it needs."""
    builder, ids = PlanBuilder(), dict[str, StepId]()
    for name, before in needs.items():
        verdict = Verdict.REUSE if name in reused else Verdict.CREATE
        known = {ExternalId.SNAPSHOT: f"known-{name}"} if name in reused else {}
        action = TagSnapshot(HERE, Digest.of(b""), name, {})
        ids[name] = builder.add(action, verdict, "", needs=[ids[each] for each in before], known=known)
    for label, last in targets.items():
        builder.target(label, [ids[each] for each in last])
    return builder.plan()


async def at_once(name: str, _outcomes: Mapping[StepId, Ids], _notes: StepNotes) -> Ids:
    await asyncio.sleep(0)
    return {ExternalId.SNAPSHOT: f"snap-{name}"}


def done(plan: Plan, doing: Doing, journal: FakeJournal | None = None, limits: Limits = PLENTY, **watched: list[str]) -> list[TargetEnd]:
    """All ends, in the order in which they came."""

    def watch(step: Step, kind: EventKind, detail: str) -> None:
        watched.get("told", []).append(f"{name_of(step)} {kind.value} {detail}".strip())

    async def run() -> list[TargetEnd]:
        ends = execute(plan, doing, journal or FakeJournal(), FakeClock(), progress=lambda _: None, watcher=watch, limits=limits)
        return [end async for end in ends]

    return asyncio.run(run())


def test_a_step_begins_when_all_that_it_needs_is_on_disk() -> None:
    journal = FakeJournal()

    async def look(name: str, outcomes: Mapping[StepId, Ids], _notes: StepNotes) -> Ids:
        ended = {each.step for each in journal.events if each.kind is EventKind.STEP_DONE}
        assert set(outcomes) <= ended
        assert journal.events[-1].kind is EventKind.STEP_STARTED
        return {ExternalId.SNAPSHOT: f"snap-{name}"}

    plan = a_plan({"a": "", "b": "a", "c": "b"}, {"t": "c"})
    assert [end.failure for end in done(plan, Doing(look), journal)] == [None]
    assert [each.kind for each in journal.events] == [EventKind.STEP_STARTED, EventKind.STEP_DONE] * 3


def test_what_is_reused_is_not_done_and_gives_its_ids() -> None:
    seen: list[Ids] = []

    async def look(_name: str, outcomes: Mapping[StepId, Ids], _notes: StepNotes) -> Ids:
        seen.extend(outcomes.values())
        return {}

    doing = Doing(look)
    done(a_plan({"a": "", "b": "a"}, {"t": "b"}, reused="a"), doing)
    assert (doing.begun, seen) == (["b"], [{ExternalId.SNAPSHOT: "known-a"}])


def failing(*names: str) -> Work:
    async def work(name: str, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        if name in names:
            raise TransientError(f"{name} was cut")
        return await at_once(name, outcomes, notes)

    return work


def test_a_failure_takes_down_what_needs_it_and_nothing_else() -> None:
    doing = Doing(failing("a"))
    ends = {end.target.label: end for end in done(a_plan({"a": "", "b": "a", "c": "b", "d": ""}, {"t": "cd", "u": "d"}), doing)}
    failure = ends["t"].failure
    assert failure is not None
    assert (name_of(failure.step), str(failure.error)) == ("a", "a was cut")
    assert ends["u"].failure is None
    assert sorted(doing.begun) == ["a", "d"]
    assert len(ends["t"].outcomes) == 1


def test_of_two_failures_the_first_in_the_order_of_the_plan_is_told() -> None:
    (end,) = done(a_plan({"a": "", "b": ""}, {"t": "ab"}), Doing(failing("b", "a")))
    assert end.failure is not None
    assert name_of(end.failure.step) == "a"


def test_a_failure_is_in_the_journal_with_its_words() -> None:
    journal = FakeJournal()
    done(a_plan({"a": ""}, {"t": "a"}), Doing(failing("a")), journal)
    assert [(each.kind, each.detail) for each in journal.events][-1] == (EventKind.STEP_FAILED, "a was cut")


def test_conflicts_come_first_and_every_destination_comes_once() -> None:
    builder = PlanBuilder()
    builder.target("t", [builder.add(TagSnapshot(HERE, Digest.of(b""), "a", {}), Verdict.CREATE, "")])
    builder.conflict("u", "something else has the name")
    assert [end.target.label for end in done(builder.plan(), Doing(at_once))] == ["u", "t"]


def test_a_destination_is_told_of_when_it_ends_and_not_at_the_end() -> None:
    gate = asyncio.Event()

    async def work(name: str, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        if name == "b":
            await gate.wait()
        return await at_once(name, outcomes, notes)

    async def run() -> list[str]:
        seen = []
        plan = a_plan({"b": "", "a": ""}, {"slow": "b", "fast": "a"})
        async for end in execute(plan, Doing(work), FakeJournal(), FakeClock(), progress=lambda _: None, watcher=lambda *_: None):
            seen.append(end.target.label)
            gate.set()
        return seen

    assert asyncio.run(run()) == ["fast", "slow"]


async def slowly(_name: str, _outcomes: Mapping[StepId, Ids], _notes: StepNotes) -> Ids:
    await asyncio.sleep(0.02)
    return {}


def test_no_more_steps_run_than_the_limit_says() -> None:
    doing = Doing(slowly)
    done(a_plan(dict.fromkeys("abcdefgh", ""), {"t": "abcdefgh"}), doing, limits=Limits(steps=3))
    assert (doing.most_at_once, doing.begun) == (3, list("abcdefgh"))


def test_no_more_steps_of_a_phase_run_than_its_limit_says() -> None:
    doing = Doing(slowly)
    done(a_plan(dict.fromkeys("abcdef", ""), {"t": "abcdef"}), doing, limits=Limits(steps=9, phases={Phase.IMPORT: 2}))
    assert doing.most_at_once == 2


def test_a_step_that_waits_gives_its_place_to_others() -> None:
    gate = asyncio.Event()

    async def work(name: str, _outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        if name == "c":
            gate.set()
        else:
            async with notes.waiting():
                await gate.wait()
        return {}

    doing = Doing(work)
    done(a_plan(dict.fromkeys("abc", ""), {"t": "abc"}), doing, limits=Limits(steps=1, phases={}))
    assert doing.begun == ["a", "b", "c"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sets(st.integers(0, 7)), st.sampled_from(["", "wait", "fail"])), min_size=1, max_size=8), st.integers(1, 3))
def test_whatever_fails_or_waits_every_step_is_done_or_barred(shape: list[tuple[set[int], str]], places: int) -> None:
    letters = "abcdefgh"[: len(shape)]
    before = dict(zip(letters, (needed for needed, _ in shape), strict=True))
    needs = {letter: [each for at, each in enumerate(letters[:place]) if at in before[letter]] for place, letter in enumerate(letters)}
    kinds = dict(zip(letters, (kind for _, kind in shape), strict=True))

    async def work(name: str, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        if kinds[name] == "wait":
            async with notes.waiting():
                await asyncio.sleep(0)
        if kinds[name] == "fail":
            raise OperationError("no")
        return await at_once(name, outcomes, notes)

    barred: set[str] = set()
    for letter in letters:
        if any(need in barred or kinds[need] == "fail" for need in needs[letter]):
            barred.add(letter)
    doing = Doing(work)
    ends = done(a_plan(needs, {letter: letter for letter in letters}), doing, limits=Limits(steps=places))
    assert sorted(doing.begun) == sorted(set(letters) - barred)
    assert {end.target.label for end in ends if end.failure} == barred | {letter for letter in letters if kinds[letter] == "fail"}


def test_what_adapters_try_again_in_threads_is_in_the_journal_and_told_before_the_end() -> None:
    journal, told = FakeJournal(), list[str]()

    async def work(_name: str, _outcomes: Mapping[StepId, Ids], _notes: StepNotes) -> Ids:
        await asyncio.to_thread(tell_retry, "503 Slow Down")
        return {}

    done(a_plan({"a": ""}, {"t": "a"}), Doing(work), journal, told=told)
    assert [(each.kind.value, each.detail) for each in journal.events][1:] == [("step-retried", "503 Slow Down"), ("step-done", "")]
    assert told == ["a step-started", "a step-retried 503 Slow Down", "a step-done"]


def test_a_note_is_on_disk_when_the_step_goes_on() -> None:
    journal = FakeJournal()

    async def work(_name: str, _outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        await notes.note(ExternalId.UPLOAD, "u-1")
        assert journal.events[-1].ids == {ExternalId.UPLOAD: "u-1"}
        return {}

    assert [end.failure for end in done(a_plan({"a": ""}, {"t": "a"}), Doing(work), journal)] == [None]


@pytest.mark.parametrize("lines", range(5))
def test_without_a_journal_nothing_goes_on(lines: int) -> None:
    async def work(name: str, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        await notes.note(ExternalId.UPLOAD, "u-1")
        return await at_once(name, outcomes, notes)

    doing = Doing(work)
    with pytest.raises(OperationError, match="no space left"):
        done(a_plan({"a": "", "b": "a"}, {"t": "b"}), doing, FakeJournal(full_after=lines))
    assert doing.begun == ([] if lines == 0 else ["a"] if lines < 4 else ["a", "b"])


def test_a_bug_stops_everything_and_is_told_as_it_is() -> None:
    async def work(name: str, _outcomes: Mapping[StepId, Ids], _notes: StepNotes) -> Ids:
        if name == "a":
            raise KeyError("a bug")
        await asyncio.sleep(3600)
        return {}

    doing = Doing(work)
    with pytest.raises(KeyError, match="a bug"):
        done(a_plan({"b": "", "a": ""}, {"t": "ab"}), doing)
    assert doing.ended == ["a", "b"]


@pytest.mark.parametrize("way", ["closed", "cancelled"])
def test_who_leaves_early_leaves_nothing_running(way: str) -> None:
    journal = FakeJournal()

    async def work(name: str, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        if name == "slow":
            await asyncio.sleep(3600)
        return await at_once(name, outcomes, notes)

    doing, ended = Doing(work), asyncio.Event()

    async def first() -> None:
        plan = a_plan({"slow": [], "fast": []}, {"t": ["slow"], "u": ["fast"]})
        async with aclosing(execute(plan, doing, journal, FakeClock(), progress=lambda _: None, watcher=lambda *_: None)) as ends:
            async for _ in ends:
                ended.set()
                if way == "closed":
                    break

    async def run() -> int:
        task = asyncio.create_task(first())
        await ended.wait()
        if way == "cancelled":
            task.cancel()
        await asyncio.wait([task])
        return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1
    assert sorted(doing.ended) == ["fast", "slow"]
    assert "step-failed" not in {each.kind.value for each in journal.events}


def test_the_journal_is_written_in_no_loop() -> None:
    threads: set[int] = set()

    class Watching(FakeJournal):
        def append(self, event: object) -> None:
            threads.add(threading.get_ident())

    done(a_plan({"a": ""}, {"t": "a"}), Doing(at_once), Watching())
    assert threads
    assert threading.get_ident() not in threads


def test_steps_without_a_place_are_done_too() -> None:
    builder = PlanBuilder()
    builder.target("t", [builder.add(RhsmRegion("AWS", "us-east-1"), Verdict.ENSURE, "")])

    class Nothing:
        async def perform(self, step: Step, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
            return {}

    async def run() -> list[TargetEnd]:
        ends = execute(builder.plan(), Nothing(), FakeJournal(), FakeClock(), progress=lambda _: None, watcher=lambda *_: None)
        return [end async for end in ends]

    assert [end.failure for end in asyncio.run(run())] == [None]
