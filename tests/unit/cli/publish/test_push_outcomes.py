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
