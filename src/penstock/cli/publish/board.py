"""How far each destination of a push is, phase by phase, while it runs; the words are those of ``publish status``."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from penstock.model.push.journal import EventKind
from penstock.publish.actions import Phase
from penstock.publish.plan import Plan, PlannedTarget, Step, StepId
from penstock.publish.status import Stage

_AFTER = {
    EventKind.STEP_STARTED: Stage.RUNNING,
    EventKind.STEP_NOTED: Stage.RUNNING,
    EventKind.STEP_RETRIED: Stage.RUNNING,
    EventKind.STEP_DONE: Stage.DONE,
    EventKind.STEP_FAILED: Stage.FAILED,
}
_STOPPED = frozenset({Stage.FAILED, Stage.BARRED})
_OVER = frozenset({Stage.DONE, Stage.REUSED})


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a destination stands in a phase.

    Attributes:
        stage: of its steps together.
        retries: how often something was tried again.
    """

    stage: Stage
    retries: int = 0

    def __str__(self) -> str:
        """``running``, ``running, 2 retries``."""
        if self.stage is not Stage.RUNNING or not self.retries:
            return self.stage.value
        return f"{self.stage.value}, {self.retries} {'retry' if self.retries == 1 else 'retries'}"


Row = tuple[str, Mapping[Phase, Cell]]
"""The label of a destination, and where it stands in the phases that it has."""


class Board:
    """The destinations of a plan; for one thread at a time."""

    def __init__(self, plan: Plan) -> None:
        self._count = len(plan.targets)
        self._steps = plan.by_id()
        self._targets = [each for each in plan.targets if not each.conflict]
        self._stages: dict[StepId, Stage] = {each.id: Stage.WAITING if each.is_work else Stage.REUSED for each in plan.steps}
        self._retries: Counter[StepId] = Counter()
        used = {each.action.phase for each in plan.steps}
        self.phases = tuple(phase for phase in Phase if phase in used)

    def tell(self, step: Step, kind: EventKind) -> None:
        """Something happened to a step."""
        if kind in _AFTER:
            self._stages[step.id] = _AFTER[kind]
        self._retries[step.id] += kind is EventKind.STEP_RETRIED

    def rows(self) -> list[Row]:
        """The destinations in the order of the plan; those for which nothing is done are left out."""
        stages = self._with_barred()
        return [(target.label, self._row(target, stages)) for target in self._targets]

    def busiest(self, count: int) -> list[Row]:
        """As :meth:`rows`, but at most ``count``: of more those at which something happens, then failed ones, then those that wait."""
        rows = self.rows()
        if len(rows) <= count:
            return rows
        chosen = sorted(range(len(rows)), key=lambda place: (_interest(rows[place][1].values()), place))[:count]
        return [rows[place] for place in sorted(chosen)]

    def beginning(self) -> str:
        """The first line of a run: how much there is to do."""
        return f"planned {self._count} destination{'' if self._count == 1 else 's'}: {self.summary()}"

    def summary(self) -> str:
        """For people: ``12 of 40 steps done, 3 running, 1 failed``."""
        counts = Counter(self._with_barred().values())
        words = [f"{counts[Stage.DONE]} of {counts.total() - counts[Stage.REUSED]} steps done"]
        shown = (Stage.RUNNING, Stage.FAILED, Stage.BARRED, Stage.REUSED)
        return ", ".join(words + [f"{counts[stage]} {stage.value}" for stage in shown if counts[stage]])

    def _with_barred(self) -> Mapping[StepId, Stage]:
        """All stages; what waits for something that failed will never begin."""
        stages = dict(self._stages)
        for name, step in self._steps.items():  # each after all that it needs
            if stages[name] is Stage.WAITING and any(stages.get(need) in _STOPPED for need in step.needs):
                stages[name] = Stage.BARRED
        return stages

    def _row(self, target: PlannedTarget, stages: Mapping[StepId, Stage]) -> Mapping[Phase, Cell]:
        found: dict[Phase, list[StepId]] = {}
        for name in target.steps:
            found.setdefault(self._steps[name].action.phase, []).append(name)
        return {
            phase: Cell(together([stages[name] for name in names]), sum(self._retries[name] for name in names))
            for phase, names in found.items()
        }


def standing(cells: Mapping[Phase, Cell]) -> tuple[int, str]:
    """A row in short: how many of its phases are over, and the one that tells most: ``share: running, 2 retries``; ``done``.

    That is the first that failed, else the first that runs, else the first that waits.
    """
    over = sum(each.stage in _OVER for each in cells.values())
    for wanted in (_STOPPED, {Stage.RUNNING}, {Stage.WAITING}):
        for phase, cell in cells.items():
            if cell.stage in wanted:
                return over, f"{phase.value}: {cell}"
    return over, Stage.DONE.value


def together(stages: Iterable[Stage]) -> Stage:
    """Several steps as one: the stage that comes last in :class:`Stage`; begun and not ended is running."""
    found = set(stages)
    last = max(found, key=list(Stage).index)
    return Stage.RUNNING if last is Stage.WAITING and Stage.DONE in found else last


def _interest(cells: Iterable[Cell]) -> int:
    found = {each.stage for each in cells}
    if Stage.RUNNING in found:
        return 0
    if found & _STOPPED:
        return 1
    return 2 if Stage.WAITING in found else 3
