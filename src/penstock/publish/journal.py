"""Journals as lines of text, and what they tell: where a step was left, how a run stands."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from penstock.formats.jsontext import parse_json
from penstock.model.errors import InputError
from penstock.model.push.journal import EventKind, ExternalId, Ids, JournalEvent
from penstock.publish.plan import StepId


def write_event(event: JournalEvent) -> bytes:
    """The line of an event, with its newline."""
    tree: dict[str, Any] = {"at": round(event.at_s, 3), "kind": event.kind.value, "run": event.run}
    if event.step:
        tree["step"] = event.step
    if event.ids:
        tree["ids"] = {key.value: value for key, value in event.ids.items()}
    if event.detail:
        tree["detail"] = event.detail
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def read_events(content: bytes, *, subject: str) -> tuple[JournalEvent, ...]:
    """The events of a journal; its last line may have been cut off by a kill and is left out then.

    Raises:
        InputError: another line is none.
    """
    lines = content.split(b"\n")
    lines.pop()  # what follows the last newline: nothing, or what a kill left of a line
    return tuple(_event(line, f"{subject}, line {number}") for number, line in enumerate(lines, 1) if line)


def _event(line: bytes, subject: str) -> JournalEvent:
    tree = parse_json(line, subject=subject)
    if not isinstance(tree, Mapping):
        raise _no_event(subject)
    said = cast("Mapping[str, Any]", tree)
    try:
        return JournalEvent(
            kind=EventKind(said["kind"]),
            at_s=float(said["at"]),
            run=str(said["run"]),
            step=str(said.get("step", "")),
            ids={ExternalId(key): str(value) for key, value in said.get("ids", {}).items()},
            detail=str(said.get("detail", "")),
        )
    except (KeyError, ValueError, TypeError, AttributeError):
        raise _no_event(subject) from None


def _no_event(subject: str) -> InputError:
    return InputError("this is no line of a journal", subject=subject, hint="it was changed by hand, or by a newer version")


@dataclass(frozen=True, slots=True)
class StepState:
    """Where a step was left.

    Attributes:
        ids: all that became known, the newest word of each kind.
        done: whether it ended well.
        failed: why it did not, or ``""``.
        retries: how often something was tried again.
    """

    ids: Ids = field(default_factory=dict)
    done: bool = False
    failed: str = ""
    retries: int = 0


def step_states(events: Iterable[JournalEvent]) -> dict[StepId, StepState]:
    """Where each step was left, after events of one run or of several, oldest first."""
    states: dict[StepId, StepState] = {}
    for event in events:
        if event.step:
            states[event.step] = _after(states.get(event.step, StepState()), event)
    return states


def _after(state: StepState, event: JournalEvent) -> StepState:
    ids = {**state.ids, **event.ids}
    if event.kind is EventKind.STEP_STARTED:
        return StepState(ids, retries=state.retries)
    if event.kind is EventKind.STEP_RETRIED:
        return StepState(ids, state.done, state.failed, state.retries + 1)
    if event.kind is EventKind.STEP_DONE:
        return StepState(ids, done=True, retries=state.retries)
    if event.kind is EventKind.STEP_FAILED:
        return StepState(ids, failed=event.detail or "failed", retries=state.retries)
    return StepState(ids, state.done, state.failed, state.retries)
