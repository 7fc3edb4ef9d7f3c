"""Who listens is told of everything that is tried again."""

import asyncio

import pytest

from penstock.adapters.http.failures import Throttled
from penstock.adapters.http.options import Retries
from penstock.adapters.http.retrying import retried
from penstock.model.errors import OperationError, PenstockError, TransientError
from penstock.ports.retries import hearing_retries

RETRIES = Retries(attempts=3, first_wait_s=0.001, longest_wait_s=0.001, total_s=5.0)


def _heard(*failures: PenstockError) -> list[str]:
    left, heard = list(failures), list[str]()

    async def work() -> None:
        if left:
            raise left.pop(0)

    async def go() -> None:
        with hearing_retries(heard.append):
            await retried(work, RETRIES)

    try:
        asyncio.run(go())
    except PenstockError as error:
        heard.append(f"ended: {error}")
    return heard


def test_each_retry_is_told_with_its_reason() -> None:
    assert _heard(TransientError("cut", subject="a"), TransientError("late", subject="b")) == ["a: cut", "b: late"]


def test_the_last_failure_is_no_retry() -> None:
    assert _heard(*(TransientError(text) for text in ("one", "two", "three"))) == ["one", "two", "ended: three"]


def test_a_failure_that_is_final_is_no_retry() -> None:
    assert _heard(OperationError("refused")) == ["ended: refused"]


@pytest.mark.parametrize(("retry_after_s", "told"), [(0.01, ["later"]), (60.0, ["ended: later"])], ids=["in time", "too late"])
def test_a_server_that_says_when_is_heard_where_it_is_waited_for(retry_after_s: float, told: list[str]) -> None:
    assert _heard(Throttled("later", subject="", hint="", retry_after_s=retry_after_s)) == told
