"""The plan of a push: steps, each with a reason, in an order in which they can be done; printed and executed alike.

A step is named by the hash of its inputs, so equal work is one step, whichever destinations want it, and the same step has the same name
in the next run.  A step whose outcome is there already stays in the plan, with the verdict *reuse*: what depends on it finds its ids there.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from penstock.model.push.journal import ExternalId, Ids
from penstock.publish.actions import Action, inputs_of, where_of

StepId = str
"""16 hex digits."""


class Verdict(StrEnum):
    """What becomes of a step."""

    CREATE = "create"
    RESUME = "resume"
    """Something of it runs or lies there already, and is gone on with."""
    REUSE = "reuse"
    """It is there; nothing is called."""
    ENSURE = "ensure"
    """A call that changes nothing where it is so already: tags, sharing, RHSM, public."""
    DELETE = "delete"
    """It is there, and goes."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is done.

    Attributes:
        id: see :func:`step_id`.
        action: what.
        verdict: how.
        reason: why, a clause for people: ``no image has this name``, ``same name and content``.
        needs: the steps that come before; the first one gives the id that the action is about.
        known: the ids that are there already: all of them for a reuse, those of the work on its way for a resume.
        after: steps that must be over before, however they ended; they give nothing, and are no part of a destination that needs this one.
    """

    id: StepId
    action: Action
    verdict: Verdict
    reason: str
    needs: tuple[StepId, ...] = ()
    known: Ids = field(default_factory=dict)
    after: tuple[StepId, ...] = ()

    @property
    def is_work(self) -> bool:
        """Whether anything is called for it."""
        return self.verdict is not Verdict.REUSE


@dataclass(frozen=True, slots=True)
class PlannedTarget:
    """What a destination needs.

    Attributes:
        label: of the target.
        steps: all of them, needed ones before those that need them; none for a conflict.
        conflict: why nothing is done for it, or ``""``; the others go on.
    """

    label: str
    steps: tuple[StepId, ...] = ()
    conflict: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does.

    Attributes:
        steps: each after all that it needs.
        targets: in the order of the results.
    """

    steps: tuple[Step, ...]
    targets: tuple[PlannedTarget, ...]

    def by_id(self) -> dict[StepId, Step]:
        """All steps by their names."""
        return {each.id: each for each in self.steps}

    @property
    def idle(self) -> bool:
        """Whether nothing would be made: every step that is left only makes sure."""
        return all(each.verdict in (Verdict.REUSE, Verdict.ENSURE) for each in self.steps)

    def document(self) -> dict[str, Any]:
        """Plain data: what ``--dry-run -o json`` prints and the journal keeps, version 1."""
        return {
            "version": 1,
            "steps": [
                {
                    "id": each.id,
                    "verdict": each.verdict.value,
                    "phase": each.action.phase.value,
                    **inputs_of(each.action),
                    "reason": each.reason,
                    "needs": list(each.needs),
                    **({"after": list(each.after)} if each.after else {}),
                    "known": {key.value: value for key, value in each.known.items()},
                }
                for each in self.steps
            ],
            "targets": [{"label": each.label, "steps": list(each.steps), "conflict": each.conflict or None} for each in self.targets],
        }

    def tree(self) -> Iterator[tuple[int, str]]:
        """Lines for people, each with its depth: destinations, and below them their steps; a step that was shown is named in short."""
        steps, shown = self.by_id(), set[StepId]()
        for target in self.targets:
            yield 0, target.label + (f": {target.conflict}" if target.conflict else "")
            for name in target.steps:
                step = steps[name]
                again = ", shared, see above" if name in shown else f": {step.reason}"
                yield 1, f"{step.verdict.value:<6} {step.action.verb} [{where_of(step.action)}] {name[:8]}{again}"
                shown.add(name)


def merged_plan(plans: Sequence[Plan]) -> Plan:
    """Several plans as one: steps of equal inputs are one step, and what the first plan says of it stays."""
    steps = {step.id: step for plan in reversed(plans) for step in plan.steps}
    order = dict.fromkeys(step.id for plan in plans for step in plan.steps)
    return Plan(tuple(steps[name] for name in order), tuple(target for plan in plans for target in plan.targets))


def step_id(action: Action) -> StepId:
    """The name of a step: the beginning of the SHA-256 of its action's fields, which say all that its outcome depends on.

    What it needs is no part of it: an image that is found needs no upload, and is the same step as when it was made.
    """
    text = json.dumps(inputs_of(action), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class PlanBuilder:
    """Collects steps; equal ones become one.  For one plan, in one thread."""

    def __init__(self) -> None:
        self._steps: dict[StepId, Step] = {}
        self._targets: list[PlannedTarget] = []

    def add(
        self,
        action: Action,
        verdict: Verdict,
        reason: str,
        *,
        needs: Sequence[StepId] = (),
        known: Ids | None = None,
        after: Sequence[StepId] = (),
    ) -> StepId:
        """Add a step, or find the one that there is; what the first call said of it stays.

        Raises:
            KeyError: a step that it needs, or comes after, was never added.
        """
        name = step_id(action)
        if name not in self._steps:
            for need in (*needs, *after):
                if need not in self._steps:
                    raise KeyError(f"{action.verb} needs {need}, which is no step")
            self._steps[name] = Step(name, action, verdict, reason, tuple(needs), dict(known or {}), tuple(after))
        return name

    def target(self, label: str, last: Iterable[StepId]) -> None:
        """A destination that needs these steps, and all that these need."""
        self._targets.append(PlannedTarget(label, tuple(self._with_needs(last))))

    def conflict(self, label: str, reason: str) -> None:
        """A destination for which nothing is done."""
        self._targets.append(PlannedTarget(label, conflict=reason))

    def plan(self) -> Plan:
        """The plan; steps that no destination needs are not in it."""
        needed = {name for target in self._targets for name in target.steps}
        steps = (step for name, step in self._steps.items() if name in needed)
        known = (replace(step, after=tuple(name for name in step.after if name in needed)) for step in steps)
        return Plan(tuple(known), tuple(self._targets))

    def _with_needs(self, last: Iterable[StepId]) -> Iterator[StepId]:
        wanted: set[StepId] = set()
        queue = list(last)
        while queue:
            name = queue.pop()
            if name not in wanted:
                wanted.add(name)
                queue += self._steps[name].needs
        return (name for name in self._steps if name in wanted)


def known_id(outcomes: Mapping[StepId, Ids], step: Step, kind: ExternalId) -> str:
    """The id of this kind that the first dependency of ``step`` that has one made.

    Raises:
        KeyError: none did; the plan is wrong.
    """
    for need in step.needs:
        found = outcomes[need].get(kind)
        if found:
            return found
    raise KeyError(f"{step.action.verb} {step.id} needs a {kind.value}, and nothing before it makes one")
