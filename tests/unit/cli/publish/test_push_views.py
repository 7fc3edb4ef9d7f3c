"""A push is shown as a table, as JSON, in words or not at all; all views are told the same."""

import io
import json
import logging
from collections.abc import Callable

import pytest
from rich.console import Console

from penstock.cli.progress import ProgressStyle
from penstock.cli.publish.livetable import LiveTable, live_table
from penstock.cli.publish.logview import LogView
from penstock.cli.publish.outcome import Outcome
from penstock.cli.publish.views import PushView, push_view
from penstock.model.progress import Progress
from penstock.model.push.journal import EventKind
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.actions import Phase
from penstock.publish.plan import Plan

APlan = Callable[..., Plan]
AResult = Callable[..., PushResult]


def play(view: PushView, plan: Plan, result: PushResult) -> None:
    upload = next(each for each in plan.steps if each.action.phase is Phase.UPLOAD and each.is_work)
    view.planned(plan)
    view.step(upload, EventKind.STEP_STARTED, "")
    view.progress(Progress("upload", "k", 1, 2))
    view.step(upload, EventKind.STEP_RETRIED, "503 Slow Down")
    view.progress(Progress("upload", "k", 2, 2, finished=True))
    view.step(upload, EventKind.STEP_DONE, "")
    view.result(result)


@pytest.mark.parametrize("style", [ProgressStyle.JSON, ProgressStyle.AUTO])
def test_elsewhere_than_on_a_terminal_every_line_is_json(
    style: ProgressStyle, a_plan: APlan, a_result: AResult, capsys: pytest.CaptureFixture[str]
) -> None:
    with push_view(style) as view:
        play(view, a_plan(), a_result(ItemState.NOTPUSHED, reason="rhsm image: refused"))
    captured = capsys.readouterr()
    lines = [json.loads(line) for line in captured.err.splitlines()]
    told = [line["event"] for line in lines if "event" in line]
    assert told == ["planned", "step-started", "step-retried", "step-done", "result"]
    assert [line for line in lines if "done_bytes" in line][-1]["finished"] is True
    retried = next(line for line in lines if line.get("event") == "step-retried")
    assert (retried["phase"], retried["action"], retried["detail"]) == ("upload", "upload", "503 Slow Down")
    assert (lines[-1]["state"], lines[-1]["reason"]) == ("NOTPUSHED", "rhsm image: refused")
    assert captured.out == ""


def test_in_words_there_is_a_line_for_each_event(a_plan: APlan, a_result: AResult, capsys: pytest.CaptureFixture[str]) -> None:
    with push_view(ProgressStyle.PLAIN) as view:
        play(view, a_plan(), a_result())
    said = capsys.readouterr().err
    assert "planned 1 destination: 0 of 3 steps done" in said
    assert "retried: 503 Slow Down" in said
    assert "PUSHED aws-us-storage us-east-1-hourly RHEL-9.4" in said


def test_who_wants_nothing_gets_nothing(a_plan: APlan, a_result: AResult, capsys: pytest.CaptureFixture[str]) -> None:
    with push_view(ProgressStyle.NONE) as view:
        play(view, a_plan(), a_result())
    assert capsys.readouterr().err == ""


def on_screen(view: LiveTable, console: Console) -> str:
    with console.capture() as captured:
        console.print(view.drawn())
    return captured.get()


def test_a_terminal_shows_destinations_by_phases_and_moving_bytes(a_plan: APlan) -> None:
    console = Console(file=io.StringIO(), width=100, height=30)
    view, plan = LiveTable(console), a_plan(2)
    view.progress(Progress("read", "rhel.raw.xz", 1 << 20, 2 << 20))
    assert "read rhel.raw.xz: 1.0 MiB of 2.0 MiB (50 %)" in on_screen(view, console)
    view.planned(plan)
    view.step(plan.steps[1], EventKind.STEP_STARTED, "")
    shown = on_screen(view, console)
    assert "destination" in shown
    assert "region-0-hourly" in shown
    assert "running" in shown
    view.progress(Progress("read", "rhel.raw.xz", 2 << 20, 2 << 20, finished=True))
    assert "rhel.raw.xz" not in on_screen(view, console)


def test_a_small_terminal_shows_what_is_going_on(a_plan: APlan) -> None:
    console = Console(file=io.StringIO(), width=100, height=10)
    view, plan = LiveTable(console), a_plan(200)
    view.planned(plan)
    last = [each for each in plan.steps if each.action.phase is Phase.UPLOAD and each.is_work][-1]
    view.step(last, EventKind.STEP_STARTED, "")
    shown = on_screen(view, console)
    assert "region-199-hourly" in shown
    assert len(shown.splitlines()) <= 10


def test_results_and_failures_stay_above_the_table(a_plan: APlan, a_result: AResult) -> None:
    shown = io.StringIO()
    with live_table(Console(file=shown, width=200, force_terminal=True, color_system=None)) as view:
        play(view, a_plan(), a_result(reason="[red]no markup\x1b[2J"))
    assert "PUSHED aws-us-storage us-east-1-hourly RHEL-9.4: [red]no markup\\x1b[2J" in shown.getvalue()
    assert "503 Slow Down" in shown.getvalue()


def test_an_error_in_the_push_is_not_swallowed_by_the_table() -> None:
    with pytest.raises(BrokenPipeError), live_table(Console(file=io.StringIO())):
        raise BrokenPipeError


def test_a_log_tells_failures_as_errors(a_plan: APlan, a_result: AResult, caplog: pytest.LogCaptureFixture) -> None:
    view = LogView()
    with caplog.at_level(logging.INFO, logger="penstock.publish"):
        play(view, a_plan(), a_result(ItemState.UPLOADFAILED, reason="no"))
        view.told(["warning: a: b", "error: c: d"])
        view.ended("deletion", Outcome.FAILED, "artifacts/1")
    told = [(record.levelname, record.message) for record in caplog.records]
    assert ("ERROR", "UPLOADFAILED aws-us-storage us-east-1-hourly RHEL-9.4: no") in told
    assert told[-3:] == [("WARNING", "a: b"), ("ERROR", "c: d"), ("ERROR", "deletion failed, results: artifacts/1")]
    assert any(level == "WARNING" and "503 Slow Down" in message for level, message in told)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_narrow_terminal_has_a_line_for_each_destination(width: int, a_plan: APlan) -> None:
    plan = a_plan(3)
    shown = io.StringIO()
    console = Console(file=shown, width=width, height=24)
    view = LiveTable(console)
    view.planned(plan)
    view.step(next(each for each in plan.steps if each.is_work), EventKind.STEP_STARTED, "")
    console.print(view.drawn())
    lines = [line.rstrip() for line in shown.getvalue().splitlines() if "region-" in line]
    assert len(lines) == 3
    assert "running" in lines[0]
    assert max(map(len, lines)) <= width


def test_a_wide_terminal_has_a_column_for_each_phase(a_plan: APlan) -> None:
    shown = io.StringIO()
    console = Console(file=shown, width=120, height=24)
    view = LiveTable(console)
    view.planned(a_plan())
    console.print(view.drawn())
    heading = next(line for line in shown.getvalue().splitlines() if "destination" in line)
    assert heading.split() == ["destination", "upload", "share", "public"]
