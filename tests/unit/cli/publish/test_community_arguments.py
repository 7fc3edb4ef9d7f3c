"""What the environment says of a push, and which of its steps can be left out."""

import pytest

from penstock.cli.publish.community_arguments import CommunityArguments, Knobs, phases_to_skip
from penstock.model.errors import InputError
from penstock.publish.actions import Phase


def test_steps_are_skipped_by_lists_with_commas_and_several_of_them() -> None:
    assert phases_to_skip(["rhsm,public", " share ", ""]) == {Phase.RHSM, Phase.PUBLIC, Phase.SHARE}


@pytest.mark.parametrize("word", ["load", "map", "check-metadata", "collect"])
def test_what_every_push_needs_is_not_skipped(word: str) -> None:
    with pytest.raises(InputError, match="cannot be left out"):
        phases_to_skip([f"share,{word}"])


def test_a_step_that_does_not_exist_is_told_with_those_that_do() -> None:
    with pytest.raises(InputError, match="'polish' is no step") as caught:
        phases_to_skip(["polish"])
    assert "upload, import, register" in caught.value.hint


def test_an_empty_environment_leaves_the_documented_defaults() -> None:
    knobs = Knobs.read({"COMMUNITY_PUSH_PROCESS_THREADS": ""})
    assert (knobs.steps, knobs.require_billing_codes, knobs.patience.timeout_s, knobs.patience.rate_s) == (10, True, 0, 30)


def test_the_environment_sets_threads_billing_and_patience() -> None:
    knobs = Knobs.read(
        {
            "COMMUNITY_PUSH_PROCESS_THREADS": "3",
            "COMMUNITY_PUSH_REQUIRE_BILLING_CODES": "False",
            "PUSHSOURCE_SRC_POLL_TIMEOUT": "600",
            "PUSHSOURCE_SRC_POLL_RATE": "0.5",
        }
    )
    assert (knobs.steps, knobs.require_billing_codes, knobs.patience.timeout_s, knobs.patience.rate_s) == (3, False, 600, 0.5)


@pytest.mark.parametrize("text", ["0", "-1", "many", "inf", "nan"])
def test_a_number_of_threads_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="COMMUNITY_PUSH_PROCESS_THREADS"):
        Knobs.read({"COMMUNITY_PUSH_PROCESS_THREADS": text})


def test_credentials_are_not_shown() -> None:
    assert "hunter2" not in repr(CommunityArguments(sources=("staged:x",), credentials="hunter2"))
