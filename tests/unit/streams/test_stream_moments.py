"""Moments: read as people give them, written as documents have them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.streams.moments import format_moment, parse_moment


@given(st.integers(0, 253402300799))
@example(0)
@example(253402300799)
def test_a_moment_is_read_as_it_is_written(seconds: int) -> None:
    assert parse_moment(format_moment(seconds), subject="t") == seconds == parse_moment(str(seconds), subject="t")


def test_another_zone_is_the_same_moment_and_a_fraction_is_dropped() -> None:
    assert parse_moment("2026-01-01T01:00:00.9+01:00", subject="t") == 1_767_225_600


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-07-22", "2026-07-22T14:00:00", "-1", "9" * 30, "9" * 5000, "\u0661"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is no time") as caught:
        parse_moment(text, subject="--start")
    assert len(caught.value.message) < 60


@pytest.mark.parametrize("text", ["1969-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "253402300800"])
def test_a_moment_that_documents_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="between 1970 and 9999"):
        parse_moment(text, subject="--start")


@pytest.mark.parametrize("seconds", [-1, 253402300800])
def test_a_number_that_is_no_moment_is_written_as_it_is(seconds: int) -> None:
    assert format_moment(seconds) == str(seconds)
