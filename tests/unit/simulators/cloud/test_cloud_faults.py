"""Faults as data: how they are written, whom they strike, and that chance does not depend on the order of requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.simulators.cloud import Fault, FaultKind, FaultPlan
from penstock.simulators.cloud.faults import Strike, without_some

LINES = [f"GET /skus/{number}/versions" for number in range(200)]


def test_a_fault_is_read() -> None:
    text = "status=429,retry_after=1,times=2,after=3,probability=0.2,seed=7@/versions"
    assert Fault.parse(text) == Fault(FaultKind.STATUS, "/versions", amount=429, retry_after_s=1, times=2, after=3, probability=0.2, seed=7)


@given(
    st.builds(
        Fault,
        st.sampled_from(FaultKind),
        st.sampled_from(["", "/versions", "POST /token", "a@b"]),
        amount=st.none() | st.sampled_from([400, 429, 503, 599]),
        times=st.none() | st.integers(0, 9),
        after=st.integers(0, 9),
        probability=st.sampled_from([0, 0.25, 0.5, 1]),
        seed=st.integers(0, 99),
        retry_after_s=st.none() | st.integers(0, 9),
    )
)
def test_a_fault_is_written_as_it_is_read(fault: Fault) -> None:
    assert Fault.parse(str(fault)) == fault


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("explode", "this is not a fault"),
        ("status=x", "this is not a fault"),
        ("status=200", "not the status of an error"),
        ("slow=-1", "cannot be -1"),
        ("cut,often=2", "'often' is not an option"),
        ("cut,probability=2", "from 0 to 1"),
        ("cut@(", "not a regular expression"),
    ],
)
def test_what_is_no_fault_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Fault.parse(text)


def test_after_and_times_count_the_requests_that_match() -> None:
    plan = FaultPlan([Fault.parse("status=500,after=1,times=2@versions")])
    assert [bool(plan.take(line)) for line in ["GET /versions", "GET /other", "GET /versions", "GET /versions", "GET /versions"]] == [
        False,
        False,
        True,
        True,
        False,
    ]


def test_a_likely_fault_strikes_about_as_often_as_it_says() -> None:
    plan = FaultPlan([Fault.parse("status=500,probability=0.2,seed=3")])
    assert 20 < sum(bool(plan.take(line)) for line in LINES) < 60


def test_chance_does_not_depend_on_the_order_of_requests() -> None:
    def struck(lines: list[str]) -> set[str]:
        plan = FaultPlan([Fault.parse("status=500,probability=0.3,seed=5")])
        return {line for line in lines if plan.take(line)}

    assert struck(LINES) == struck(LINES[::-1])


def test_another_seed_strikes_others() -> None:
    def struck(seed: int) -> list[bool]:
        plan = FaultPlan([Fault(FaultKind.STATUS, probability=0.5, seed=seed)])
        return [bool(plan.take(line)) for line in LINES]

    assert struck(1) != struck(2)


def test_a_request_that_is_repeated_is_drawn_again() -> None:
    plan = FaultPlan([Fault.parse("status=500,probability=0.5,seed=1")])
    assert len({bool(plan.take(LINES[0])) for _ in range(50)}) == 2


def test_cleared_faults_strike_nobody() -> None:
    plan = FaultPlan([Fault.parse("status=500")])
    plan.clear()
    assert (plan.take("GET /"), list(plan)) == ((), [])


@given(st.lists(st.integers(), min_size=1, max_size=40, unique=True), st.integers(0, 100), st.integers())
def test_a_partial_list_misses_something_and_keeps_its_order(entries: list[int], percent: int, seed: int) -> None:
    strike = Strike(Fault(FaultKind.PARTIAL, amount=percent), str(seed))
    left = without_some(entries, [strike])
    assert len(left) < len(entries)
    assert left == [entry for entry in entries if entry in set(left)]
    assert left == without_some(entries, [strike])


def test_other_faults_leave_a_list_whole() -> None:
    assert without_some([1, 2], [Strike(Fault(FaultKind.SLOW), "1")]) == [1, 2]
