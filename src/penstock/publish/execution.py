"""Doing a plan: every step as soon as what it needs is done, many at a time, each noted before and after.

A step that fails takes down what needs it, and nothing else.  The destinations' results come out as each of them ends.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from penstock.model.errors import PenstockError
from penstock.model.push.journal import EventKind, ExternalId, Ids, JournalEvent
from penstock.ports import PreciseClock, ProgressSink
from penstock.ports.publish import PushJournal
from penstock.ports.retries import hearing_retries
from penstock.publish.actions import Phase
from penstock.publish.plan import Plan, PlannedTarget, Step, StepId


class StepNotes(Protocol):
    """What a step says while it works."""

    async def note(self, kind: ExternalId, value: str) -> None:
        """An id is known: it is on disk when this returns."""

    async def retried(self, reason: str) -> None:
        """Something is tried again; shown, and written down."""

    def waiting(self) -> AbstractAsyncContextManager[None]:
        """While this is open the step only waits for what goes on elsewhere, and its place of ``Limits.steps`` is another's."""

    @property
    def progress(self) -> ProgressSink:
        """For bytes and waiting; ``step`` is the verb, ``item`` names content and place."""


class Performer(Protocol):
    """Does one step; one class for each workflow."""

    async def perform(self, step: Step, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        """Do it, and say what it made; ``step.known`` and the journal tell what is there already.

        Must converge: called again after a kill at any point, it makes nothing twice.

        Args:
            step: of the plan; a reuse never comes here.
            outcomes: of all that it needs.
            notes: see there.

        Raises:
            PenstockError: it cannot be done.
        """


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a destination did not come to its end.

    Attributes:
        step: that failed; its phase tells the state (``Phase.releases``).
        error: what it raised.
    """

    step: Step
    error: PenstockError


@dataclass(frozen=True, slots=True)
class TargetEnd:
    """How a destination ended.

    Attributes:
        target: as planned.
        outcomes: of its steps that ended well, also where another failed.
        failure: the first one in the order of the plan; None where all went well, and for a conflict.
        failures: all of them.
    """

    target: PlannedTarget
    outcomes: Mapping[StepId, Ids]
    failure: Failure | None = None
    failures: tuple[Failure, ...] = ()

    def made(self, kind: ExternalId, steps: Mapping[StepId, Step], *, phase: Phase | None = None) -> str:
        """The id of this kind that its steps made, the last one's; ``""`` where none did."""
        values = [
            self.outcomes[name][kind]
            for name in self.target.steps
            if kind in self.outcomes.get(name, {}) and (phase is None or steps[name].action.phase is phase)
        ]
        return values[-1] if values else ""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is done at a time.

    Attributes:
        steps: in all (``COMMUNITY_PUSH_PROCESS_THREADS``).
        phases: of one phase, also while a step of it waits; those that are not in it have no limit of their own.
    """

    steps: int = 10
    phases: Mapping[Phase, int] = field(default_factory=lambda: {Phase.UPLOAD: 4, Phase.PREPARE: 2})


StepWatcher = Callable[[Step, EventKind, str], None]
"""Told of every start, retry, end and failure, for the shells; from the loop's thread, never raises."""


async def execute(
    plan: Plan,
    performer: Performer,
    journal: PushJournal,
    clock: PreciseClock,
    *,
    progress: ProgressSink,
    watcher: StepWatcher,
    limits: Limits = Limits(),
) -> AsyncGenerator[TargetEnd, None]:
    """Do the plan, and yield each destination once, when it has ended; those with a conflict come first.

    The journal's ``STEP_STARTED`` is on disk before :meth:`Performer.perform` is called, ``STEP_DONE`` with the ids before anything that
    needs the step begins.  A step that waits (for an import) says so by :meth:`StepNotes.waiting` and holds no place of ``limits.steps``
    meanwhile.  Of the steps that could begin, the first in the order of the plan does.

    A ``PenstockError`` fails the step; what else is raised stops everything after the running steps were cancelled.  When the caller
    closes the generator (``contextlib.aclosing``), or is cancelled, all running steps are cancelled and waited for; nothing external is
    undone.

    Raises:
        OperationError: the journal cannot be written.
    """
    lines = _Lines(journal, clock, watcher)
    run = _Run(plan, performer, lines, progress, _Places(limits))
    work = asyncio.create_task(run.work())
    try:
        while (end := await run.ends.get()) is not None:
            yield end
        await work
    finally:
        run.stopped = True
        work.cancel()
        await asyncio.wait([work])
        if not work.cancelled():
            work.exception()  # raised above, or of no interest to one who left


Wait = Callable[[float], Awaitable[None]]
"""``asyncio.sleep``, or a faster one for tests."""


class _JournalLost(BaseException):
    """The journal cannot be written: no step may take this for its own failure, whatever it catches."""

    def __init__(self, error: PenstockError) -> None:
        super().__init__(str(error))
        self.error = error


class _Lines:
    """Writes lines of the journal, and tells the watcher."""

    def __init__(self, journal: PushJournal, clock: PreciseClock, watcher: StepWatcher) -> None:
        self._journal = journal
        self._clock = clock
        self._watcher = watcher

    async def write(self, kind: EventKind, step: Step, ids: Ids | None = None, detail: str = "") -> None:
        """On disk when this returns, also where the caller is cancelled meanwhile."""
        if kind is not EventKind.STEP_NOTED:
            self._watcher(step, kind, detail)
        now_s = self._clock.now_s()
        event = JournalEvent(kind=kind, at_s=now_s, run=self._journal.run_id, step=step.id, ids=dict(ids or {}), detail=detail)
        writing = asyncio.ensure_future(asyncio.to_thread(self._journal.append, event))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            raise
        except PenstockError as error:
            raise _JournalLost(error) from error


class _Places:
    """Who may work: steps take a place, and give it to others while they wait."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._working = 0
        self._phases: Counter[Phase] = Counter()
        self._returning: list[asyncio.Future[None]] = []

    @property
    def full(self) -> bool:
        """Whether no step may begin; those that come back from waiting go first."""
        return self._working >= max(1, self._limits.steps)

    def take(self, phase: Phase) -> bool:
        """Take a place where there is one."""
        limit = self._limits.phases.get(phase)
        if self.full or (limit is not None and self._phases[phase] >= max(1, limit)):
            return False
        self._working += 1
        self._phases[phase] += 1
        return True

    def give(self, phase: Phase) -> None:
        """Give it back at the end."""
        self._phases[phase] -= 1
        self.leave()

    def leave(self) -> None:
        """Give it back for a while: the phase's stays taken."""
        self._working -= 1
        while self._returning and not self.full:
            returning = self._returning.pop(0)
            if not returning.done():
                self._working += 1
                returning.set_result(None)

    def force(self) -> None:
        """Take a place again, to give it back at once."""
        self._working += 1

    async def come_back(self) -> None:
        """Take a place again, before all that has not begun; where this is cancelled the place counts as taken all the same."""
        if not self.full:
            self._working += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._returning.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self.force()
            raise


class _Notes:
    """:class:`StepNotes` of one step."""

    def __init__(self, step: Step, lines: _Lines, places: _Places, progress: ProgressSink, freed: Callable[[], None]) -> None:
        self._step = step
        self._lines = lines
        self._places = places
        self._progress = progress
        self._freed = freed
        self._loop = asyncio.get_running_loop()
        self._heard: list[asyncio.Task[None]] = []

    async def note(self, kind: ExternalId, value: str) -> None:
        await self._lines.write(EventKind.STEP_NOTED, self._step, {kind: value})

    async def retried(self, reason: str) -> None:
        await self._lines.write(EventKind.STEP_RETRIED, self._step, detail=reason)

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        self._places.leave()
        self._freed()
        try:
            yield
        except BaseException:
            self._places.force()
            raise
        await self._places.come_back()

    @property
    def progress(self) -> ProgressSink:
        return self._progress

    def hear(self, reason: str) -> None:
        """Told by adapters of what they try again, in whatever thread they do it."""
        with suppress(RuntimeError):  # the loop is closed: a thread that nobody waits for any more
            self._loop.call_soon_threadsafe(lambda: self._heard.append(self._loop.create_task(self.retried(reason))))

    async def settle(self) -> None:
        """Wait until what was heard is on disk."""
        for lost in await asyncio.gather(*self._heard, return_exceptions=True):
            if isinstance(lost, BaseException):
                raise lost


class _Run:
    """One execution; everything here happens in the loop's thread, and nothing between two awaits is seen by others half done."""

    def __init__(self, plan: Plan, performer: Performer, lines: _Lines, progress: ProgressSink, places: _Places) -> None:
        self.ends: asyncio.Queue[TargetEnd | None] = asyncio.Queue()
        self._plan = plan
        self._performer = performer
        self._lines = lines
        self._progress = progress
        self._places = places
        self._steps = plan.by_id()
        self._outcomes: dict[StepId, Ids] = {}
        self._failures: dict[StepId, Failure] = {}
        self._barred: set[StepId] = set()
        self._waiting: dict[StepId, Step] = {}
        self._open: list[PlannedTarget] = []
        self._group = asyncio.TaskGroup()
        self.stopped = False
        """Nothing begins any more; what runs is being cancelled."""

    async def work(self) -> None:
        """Everything; what stops it is raised as it is, not in a group."""
        for target in self._plan.targets:
            if target.conflict:
                self.ends.put_nowait(TargetEnd(target, {}))
            else:
                self._open.append(target)
        for step in self._plan.steps:
            if step.is_work:
                self._waiting[step.id] = step
            else:
                self._outcomes[step.id] = step.known
        try:
            async with self._group:
                self._go_on()
        except BaseExceptionGroup as group:
            raise _cause(group) from None
        finally:
            self.ends.put_nowait(None)

    def _go_on(self) -> None:
        """Bar what cannot be done any more, begin what can be done now, and tell of the destinations that have ended."""
        for step in list(self._waiting.values()):  # in the order of the plan: what comes after a step that is barred here sees it
            if any(need in self._failures or need in self._barred for need in step.needs):
                del self._waiting[step.id]
                self._barred.add(step.id)
            elif not self.stopped and self._may_begin(step) and self._places.take(step.action.phase):
                del self._waiting[step.id]
                self._group.create_task(self._do(step))
        ended = [target for target in self._open if all(self._is_over(name) for name in target.steps)]
        for target in ended:
            self._open.remove(target)
            made = {name: self._outcomes[name] for name in target.steps if name in self._outcomes}
            failures = tuple(self._failures[name] for name in target.steps if name in self._failures)
            self.ends.put_nowait(TargetEnd(target, made, failures[0] if failures else None, failures))

    def _may_begin(self, step: Step) -> bool:
        return all(need in self._outcomes for need in step.needs) and all(self._is_over(name) for name in step.after)

    def _is_over(self, name: StepId) -> bool:
        return name in self._outcomes or name in self._failures or name in self._barred

    async def _do(self, step: Step) -> None:
        try:
            await self._lines.write(EventKind.STEP_STARTED, step)
            try:
                ids = await self._perform(step)
            except PenstockError as error:
                await self._lines.write(EventKind.STEP_FAILED, step, detail=str(error))
                self._failures[step.id] = Failure(step, error)
            else:
                await self._lines.write(EventKind.STEP_DONE, step, ids)
                self._outcomes[step.id] = dict(ids)
        except BaseException:
            self.stopped = True
            raise
        finally:
            self._places.give(step.action.phase)
        self._go_on()

    async def _perform(self, step: Step) -> Ids:
        notes = _Notes(step, self._lines, self._places, self._progress, self._go_on)
        try:
            with hearing_retries(notes.hear):
                return await self._performer.perform(step, {name: self._outcomes[name] for name in step.needs}, notes)
        finally:
            await notes.settle()


def _cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first of what stopped the run; a lost journal counts before what came of it."""
    leaves: list[BaseException] = []
    queue: list[BaseException] = [group]
    while queue:
        error = queue.pop(0)
        if isinstance(error, BaseExceptionGroup):
            queue += error.exceptions
        else:
            leaves.append(error)
    lost = next((each for each in leaves if isinstance(each, _JournalLost)), None)
    return lost.error if lost is not None else leaves[0]
