"""The board of a push shows each destination's phases in the words of its status."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.cli.publish.board import Board, standing, together
from penstock.model.push.journal import EventKind
from penstock.publish.actions import Phase
from penstock.publish.plan import Plan, Step
from penstock.publish.status import Stage

APlan = Callable[..., Plan]


def step_of(plan: Plan, phase: Phase, number: int = 0) -> Step:
    return [each for each in plan.steps if each.action.phase is phase and each.is_work][number]


def words(board: Board, number: int = 0) -> dict[str, str]:
    return {phase.value: str(cell) for phase, cell in board.rows()[number][1].items()}


def test_before_anything_is_done_everything_waits_but_what_is_there(a_plan: APlan) -> None:
    board = Board(a_plan())
    assert board.phases == (Phase.UPLOAD, Phase.SHARE, Phase.PUBLIC)
    assert words(board) == {"upload": "waiting", "share": "waiting", "public": "waiting"}
    assert board.summary() == "0 of 3 steps done, 1 reused"


def test_a_retry_is_counted_while_it_lasts(a_plan: APlan) -> None:
    plan = a_plan()
    board, upload = Board(plan), step_of(plan, Phase.UPLOAD)
    for kind in (EventKind.STEP_STARTED, EventKind.STEP_RETRIED, EventKind.STEP_NOTED, EventKind.STEP_RETRIED):
        board.tell(upload, kind)
    assert words(board)["upload"] == "running, 2 retries"
    board.tell(upload, EventKind.STEP_DONE)
    assert words(board)["upload"] == "done"


def test_what_waits_for_a_failure_will_never_begin(a_plan: APlan) -> None:
    plan = a_plan(2)
    board = Board(plan)
    board.tell(step_of(plan, Phase.UPLOAD), EventKind.STEP_FAILED)
    assert words(board) == {"upload": "failed", "share": "barred", "public": "barred"}
    assert words(board, 1) == {"upload": "waiting", "share": "waiting", "public": "waiting"}
    assert board.summary() == "0 of 6 steps done, 1 failed, 2 barred, 2 reused"


def test_of_many_destinations_those_at_work_are_shown_in_the_order_of_the_plan(a_plan: APlan) -> None:
    plan = a_plan(5)
    board = Board(plan)
    board.tell(step_of(plan, Phase.UPLOAD, 3), EventKind.STEP_STARTED)
    board.tell(step_of(plan, Phase.UPLOAD, 1), EventKind.STEP_FAILED)
    assert [label for label, _ in board.busiest(3)] == ["region-0-hourly", "region-1-hourly", "region-3-hourly"]
    assert len(board.busiest(9)) == 5


@pytest.mark.parametrize(
    ("stages", "whole"),
    [
        ((Stage.DONE, Stage.WAITING), Stage.RUNNING),
        ((Stage.REUSED, Stage.WAITING), Stage.WAITING),
        ((Stage.REUSED, Stage.DONE), Stage.DONE),
        ((Stage.DONE, Stage.FAILED, Stage.RUNNING), Stage.FAILED),
    ],
)
def test_steps_together_stand_where_most_is_to_be_told(stages: tuple[Stage, ...], whole: Stage) -> None:
    assert together(stages) is whole


@given(st.lists(st.sampled_from(Stage), min_size=1))
def test_the_order_of_steps_does_not_matter(stages: list[Stage]) -> None:
    assert together(stages) is together(reversed(stages))


def test_a_row_in_short_is_what_failed_or_runs_or_waits(a_plan: APlan) -> None:
    plan = a_plan()
    board = Board(plan)
    upload, share, public = (step_of(plan, phase) for phase in (Phase.UPLOAD, Phase.SHARE, Phase.PUBLIC))

    def short() -> tuple[int, str]:
        return standing(board.rows()[0][1])

    assert short() == (0, "upload: waiting")
    board.tell(upload, EventKind.STEP_STARTED)
    assert short() == (0, "upload: running")
    board.tell(upload, EventKind.STEP_DONE)
    board.tell(share, EventKind.STEP_DONE)
    assert short() == (2, "public: waiting")
    board.tell(public, EventKind.STEP_FAILED)
    assert short() == (2, "public: failed")
    board.tell(public, EventKind.STEP_DONE)
    assert short() == (3, "done")
