"""How a run stands, out of its journal: every destination with its phases, for ``publish status``."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, cast

from penstock.formats.jsontext import parse_json
from penstock.model.push.journal import EventKind, ExternalId, Ids, JournalEvent
from penstock.publish.actions import Phase
from penstock.publish.journal import StepState, step_states
from penstock.publish.plan import StepId, Verdict


class Stage(StrEnum):
    """How far a step is, or a phase of a destination; of a phase the one that comes last here counts among its steps.

    A phase of which some steps are done and others wait is ``RUNNING``.
    """

    REUSED = "reused"
    DONE = "done"
    WAITING = "waiting"
    RUNNING = "running"
    LEFT = "left"
    """It ran when the run died: the next run goes on with it."""
    BARRED = "barred"
    """Something before it failed."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PhaseView:
    """A phase of a destination.

    Attributes:
        stage: of its steps together.
        ids: that they have got so far.
        retries: how often something was tried again.
        since_s: when something last happened in it, seconds since the epoch; None where nothing did.
        problem: why it failed, or the last retry's reason while it runs; ``""`` else.
    """

    stage: Stage
    ids: Ids = field(default_factory=dict)
    retries: int = 0
    since_s: float | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TargetView:
    """A destination.

    Attributes:
        label: of the target; of one that was never planned account, destination and file.
        phases: those in which it has steps, in their order.
        state: of its result, in the words of pushcollector; ``""`` until it has one.
        reason: of a failure or a conflict.
        images: what it became: ids of AMIs, URNs, resources; none until it has a result.
        good: whether its result is one; None until it has one.
    """

    label: str
    phases: Mapping[Phase, PhaseView]
    state: str = ""
    reason: str = ""
    images: tuple[str, ...] = ()
    good: bool | None = None

    @property
    def ids(self) -> Ids:
        """What all phases have got, the later ones' word where they differ."""
        return {kind: value for phase in self.phases.values() for kind, value in phase.ids.items()}

    @property
    def retries(self) -> int:
        """Of all phases; steps that several destinations share count in each."""
        return sum(each.retries for each in self.phases.values())


@dataclass(frozen=True, slots=True)
class RunView:
    """A run.

    Attributes:
        run: its id, ``""`` of no events.
        targets: in the order of the plan, those that were never planned behind.
        planned: whether it got as far as a plan.
        started_s: of its first event, seconds since the epoch; None of no events.
        changed_s: of its last one.
        outcome: the words of its end, ``""`` until it has ended.
    """

    run: str
    targets: tuple[TargetView, ...]
    planned: bool
    started_s: float | None
    changed_s: float | None
    outcome: str


def run_view(events: Iterable[JournalEvent], *, alive: bool = True) -> RunView:
    """How the run of these events stands.

    Args:
        events: of one run, oldest first.
        alive: whether it still runs; what it was at when it died is :attr:`Stage.LEFT`.

    Raises:
        InputError: the plan or a result in it is no JSON.
    """
    seen = list(events)
    plan = next((_tree(each) for each in seen if each.kind is EventKind.PLANNED), {})
    results = [_tree(each) for each in seen if each.kind is EventKind.RESULT]
    outcome = next((each.detail for each in seen if each.kind is EventKind.RUN_ENDED), "")
    steps = _Steps(plan.get("steps", ()), seen, alive=alive and not outcome)
    named = {result["label"]: result for result in results if result.get("label")}
    planned = [_target(each, named.get(each["label"], {}), steps) for each in plan.get("targets", ())]
    others = [_unplanned(result) for result in results if not result.get("label")]
    return RunView(
        run=seen[0].run if seen else "",
        targets=(*planned, *others),
        planned=bool(plan),
        started_s=seen[0].at_s if seen else None,
        changed_s=seen[-1].at_s if seen else None,
        outcome=outcome,
    )


def _tree(event: JournalEvent) -> dict[str, Any]:
    return cast("dict[str, Any]", parse_json(event.detail.encode(), subject=f"the journal of {event.run}"))


def _target(tree: Mapping[str, Any], result: Mapping[str, Any], steps: "_Steps") -> TargetView:
    own = [name for name in tree["steps"] if name in steps.phase]
    phases = {phase: steps.together([name for name in own if steps.phase[name] is phase]) for phase in Phase}
    return TargetView(
        label=tree["label"],
        phases={phase: view for phase, view in phases.items() if view is not None},
        state=result.get("state", ""),
        reason=result.get("reason") or tree.get("conflict") or "",
        images=tuple(result.get("images", ())),
        good=result.get("good"),
    )


def _unplanned(result: Mapping[str, Any]) -> TargetView:
    words = (result.get("account", ""), *result.get("destination", ()), result.get("filename", ""))
    return TargetView(
        " ".join(filter(None, words)),
        {},
        result.get("state", ""),
        result.get("reason", ""),
        tuple(result.get("images", ())),
        result.get("good"),
    )


class _Steps:
    """The steps of the plan with what happened in them."""

    def __init__(self, trees: Sequence[Mapping[str, Any]], events: Sequence[JournalEvent], *, alive: bool) -> None:
        self.phase = {cast("StepId", tree["id"]): Phase(tree["phase"]) for tree in trees}
        self._states = step_states(events)
        self._since: dict[StepId, float] = {}
        self._retry: dict[StepId, str] = {}
        for event in events:
            if event.step:
                self._since[event.step] = event.at_s
                self._retry[event.step] = event.detail if event.kind is EventKind.STEP_RETRIED else self._retry.get(event.step, "")
        self._alive = alive
        self._stages: dict[StepId, Stage] = {}
        self._known: dict[StepId, Ids] = {}
        for tree in trees:  # each after all that it needs
            name = tree["id"]
            self._known[name] = {ExternalId(key): value for key, value in tree.get("known", {}).items()}
            self._stages[name] = self._stage(tree, alive=alive)

    def together(self, names: Sequence[StepId]) -> PhaseView | None:
        """These steps as one; None of none."""
        if not names:
            return None
        stages = [self._stages[name] for name in names]
        stage = max(stages, key=list(Stage).index)
        if stage is Stage.WAITING and Stage.DONE in stages:
            stage = Stage.RUNNING if self._alive else Stage.LEFT
        states = [self._states.get(name, StepState()) for name in names]
        problems = [state.failed for state in states if state.failed]
        if stage is Stage.RUNNING:
            problems += [self._retry[name] for name in names if self._stages[name] is Stage.RUNNING and self._retry.get(name)]
        return PhaseView(
            stage=stage,
            ids={
                kind: value for name, state in zip(names, states, strict=True) for kind, value in {**self._known[name], **state.ids}.items()
            },
            retries=sum(state.retries for state in states),
            since_s=max((self._since[name] for name in names if name in self._since), default=None),
            problem=problems[0] if problems else "",
        )

    def _stage(self, tree: Mapping[str, Any], *, alive: bool) -> Stage:
        if tree["verdict"] == Verdict.REUSE.value:
            return Stage.REUSED
        state = self._states.get(tree["id"])
        if state is None:
            barred = any(self._stages.get(need) in (Stage.FAILED, Stage.BARRED) for need in tree.get("needs", ()))
            return Stage.BARRED if barred else Stage.WAITING
        if state.done:
            return Stage.DONE
        if state.failed:
            return Stage.FAILED
        return Stage.RUNNING if alive else Stage.LEFT


def view_document(view: RunView) -> dict[str, Any]:
    """Plain data, for ``-o json``."""
    return {
        "run": view.run,
        "planned": view.planned,
        "started_s": view.started_s,
        "changed_s": view.changed_s,
        "outcome": view.outcome or None,
        "targets": [
            {
                "label": target.label,
                "state": target.state or None,
                "reason": target.reason or None,
                "good": target.good,
                "images": list(target.images),
                "retries": target.retries,
                "phases": {
                    phase.value: {
                        "stage": each.stage.value,
                        "ids": {kind.value: value for kind, value in each.ids.items()},
                        "retries": each.retries,
                        "since_s": each.since_s,
                        "problem": each.problem or None,
                    }
                    for phase, each in target.phases.items()
                },
            }
            for target in view.targets
        ],
    }
