"""A push as it goes on, on stderr: a table on a terminal, lines of JSON or of words elsewhere."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from penstock.cli.progress import ProgressStyle, on_terminal, progress_sink
from penstock.cli.publish.board import Board
from penstock.cli.text import printable
from penstock.model.progress import Progress
from penstock.model.push.journal import EventKind
from penstock.model.push.results import PushResult
from penstock.publish.actions import where_of
from penstock.publish.plan import Plan, Step

if TYPE_CHECKING:
    from penstock.ports import ProgressSink


class PushView(Protocol):
    """Is told what happens; never raises."""

    def progress(self, event: Progress) -> None:
        """Bytes; from any thread."""

    def planned(self, plan: Plan) -> None:
        """What will be done is known."""

    def step(self, step: Step, kind: EventKind, detail: str) -> None:
        """A step began, was tried again, or ended."""

    def result(self, result: PushResult) -> None:
        """A destination has ended."""


@contextmanager
def push_view(style: ProgressStyle) -> Iterator[PushView]:
    """The view of ``--progress``: ``auto`` is a table on a terminal and lines of JSON elsewhere."""
    if style is ProgressStyle.AUTO and on_terminal():
        from penstock.cli.publish.livetable import live_table

        with live_table() as table:
            yield table
        return
    drawn = ProgressStyle.JSON if style is ProgressStyle.AUTO else style
    with progress_sink(drawn) as sink:
        match drawn:
            case ProgressStyle.NONE:
                yield _Nothing()
            case ProgressStyle.PLAIN:
                yield _Words(sink)
            case _:
                yield _Json(sink)


def result_line(result: PushResult) -> str:
    """A result for people: ``PUSHED aws-us-storage us-east-1-hourly RHEL-9.4… ami-1``; with the reason where it failed."""
    words = [result.state.value, result.account, *result.item.dest, result.filename, *(each.key for each in result.receipts)]
    return " ".join(filter(None, words)) + (f": {result.reason}" if result.reason else "")


def step_line(step: Step, kind: EventKind, detail: str) -> str:
    """An event for people: ``import snapshot [aws-us-storage us-east-1] 1a2b3c4d: done``."""
    said = kind.value.removeprefix("step-")
    return f"{step.action.verb} [{where_of(step.action)}] {step.id[:8]}: {said}" + (f": {detail}" if detail else "")


def result_document(result: PushResult) -> dict[str, Any]:
    """A result as plain data."""
    return {
        "state": result.state.value,
        "account": result.account or None,
        "destination": list(result.item.dest),
        "item": result.item.label,
        "name": result.filename,
        "images": [{"id": each.key, **each.facts} for each in result.receipts],
        "reason": result.reason or None,
    }


class _Nothing:
    """Shows nothing."""

    def progress(self, event: Progress) -> None:
        """Nobody looks."""

    def planned(self, plan: Plan) -> None:
        """Nobody looks."""

    def step(self, step: Step, kind: EventKind, detail: str) -> None:
        """Nobody looks."""

    def result(self, result: PushResult) -> None:
        """Nobody looks."""


class _Words:
    """A line for each step that ended or is tried again, and for each result."""

    def __init__(self, sink: "ProgressSink") -> None:
        self._sink = sink

    def progress(self, event: Progress) -> None:
        self._sink(event)

    def planned(self, plan: Plan) -> None:
        _write(Board(plan).beginning())

    def step(self, step: Step, kind: EventKind, detail: str) -> None:
        if kind is not EventKind.STEP_NOTED:
            _write(printable(step_line(step, kind, detail)))

    def result(self, result: PushResult) -> None:
        _write(printable(result_line(result)))


class _Json:
    """Events as JSON, one on each line; those of bytes have the fields of ``Progress``, the others a field ``event``."""

    def __init__(self, sink: "ProgressSink") -> None:
        self._sink = sink

    def progress(self, event: Progress) -> None:
        self._sink(event)

    def planned(self, plan: Plan) -> None:
        _write_json({"event": "planned", "destinations": len(plan.targets), "steps": sum(each.is_work for each in plan.steps)})

    def step(self, step: Step, kind: EventKind, detail: str) -> None:
        where = {"step": step.id, "phase": step.action.phase.value, "action": step.action.verb, "where": where_of(step.action)}
        _write_json({"event": kind.value, **where, **({"detail": detail} if detail else {})})

    def result(self, result: PushResult) -> None:
        _write_json({"event": "result", **result_document(result)})


def _write_json(tree: dict[str, Any]) -> None:
    _write(json.dumps(tree))


def _write(line: str) -> None:
    """A line on stderr; one that nobody reads any more must not end a push."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
