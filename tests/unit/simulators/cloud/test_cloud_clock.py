"""The clock of the simulated clouds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from penstock.model.errors import InputError
from penstock.simulators.cloud import SimulatorClock, moment_text, parse_moment

NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)


def test_a_clock_with_a_time_stands_still() -> None:
    clock = SimulatorClock(NOON)
    assert clock.now == clock.now == NOON
    assert clock.now_s() == 1779278400


def test_a_clock_that_stands_is_moved_by_seconds() -> None:
    clock = SimulatorClock(NOON)
    clock.advance(86_400)
    assert clock.now == NOON + timedelta(days=1)


def test_a_clock_without_a_time_is_the_real_one_and_runs_on_when_it_is_moved() -> None:
    clock = SimulatorClock()
    assert abs(clock.now - datetime.now(UTC)) < timedelta(seconds=5)
    clock.advance(3600)
    first = clock.now
    assert timedelta(minutes=59) < first - datetime.now(UTC) <= timedelta(hours=1)
    assert clock.now > first


def test_a_time_may_come_from_another_zone() -> None:
    clock = SimulatorClock()
    clock.now = NOON.astimezone(timezone(timedelta(hours=2)))
    assert moment_text(clock.now) == "2026-05-20T12:00:00Z"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(InputError, match="no time zone"):
        SimulatorClock(datetime(2026, 5, 20))  # noqa: DTZ001


@pytest.mark.parametrize("text", ["2026-05-20T12:00:00Z", "2026-05-20T14:00:00+02:00", "2026-05-20T12:00Z"])
def test_moments_are_read(text: str) -> None:
    assert parse_moment(text, subject="--now") == NOON


@pytest.mark.parametrize(("text", "said"), [("noon", "not a time"), ("2026-05-20", "no time zone"), ("", "not a time")])
def test_what_is_no_moment_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_moment(text, subject="--now")
