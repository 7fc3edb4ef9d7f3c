"""A push ends with one number for each shell."""

from collections.abc import Callable

import pytest

from penstock.cli.publish.outcome import Outcome, outcome_of_results
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState

AResult = Callable[..., PushResult]
GOOD, BAD = ItemState.PUSHED, ItemState.UPLOADFAILED


@pytest.mark.parametrize(
    ("states", "stopped", "outcome", "code", "lenient", "upstream"),
    [
        ([GOOD, GOOD], False, Outcome.DONE, 0, 0, 0),
        ([GOOD, BAD], False, Outcome.PARTLY, 5, 0, 30),
        ([GOOD, ItemState.NOTPUSHED], False, Outcome.PARTLY, 5, 0, 30),
        ([BAD, BAD], False, Outcome.FAILED, 1, 1, 30),
        ([], False, Outcome.FAILED, 1, 1, 30),
        ([ItemState.PENDING], True, Outcome.FAILED, 1, 1, 30),
    ],
)
def test_a_push_ends_as_its_results_say(  # noqa: PLR0917  # a table
    states: list[ItemState],
    stopped: bool,
    outcome: Outcome,
    code: int,
    lenient: int,
    upstream: int,
    a_result: AResult,
) -> None:
    found = outcome_of_results([a_result(state) for state in states], stopped=stopped)
    assert found is outcome
    assert (found.exit_code(best_effort=False), found.exit_code(best_effort=True), found.upstream_code) == (code, lenient, upstream)


def test_a_push_that_reached_nobody_may_be_tried_again(a_result: AResult) -> None:
    unreached = a_result(BAD, transient=True)
    found = outcome_of_results([unreached, unreached], stopped=False)
    assert (found, found.exit_code(best_effort=True), found.upstream_code) == (Outcome.UNREACHABLE, 1, 30)


def test_one_failure_that_will_not_pass_makes_trying_again_useless(a_result: AResult) -> None:
    assert outcome_of_results([a_result(BAD, transient=True), a_result(BAD)], stopped=False) is Outcome.FAILED


def test_where_some_are_pushed_what_was_not_reached_is_a_part(a_result: AResult) -> None:
    assert outcome_of_results([a_result(GOOD), a_result(BAD, transient=True)], stopped=False) is Outcome.PARTLY


def test_a_deletion_that_failed_fails_the_run_though_the_image_is_still_pushed(a_result: AResult) -> None:
    assert outcome_of_results([a_result(GOOD).fail("in use", transient=False)], stopped=False) is Outcome.FAILED


def test_what_stays_as_it_was_fails_nothing(a_result: AResult) -> None:
    assert outcome_of_results([a_result(ItemState.PENDING, failed=False)], stopped=False) is Outcome.DONE
