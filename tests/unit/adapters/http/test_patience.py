"""When a thing is asked for again, and when a server is left alone."""

import asyncio
import time
from itertools import pairwise

import pytest

from penstock.adapters.http.failures import Throttled
from penstock.adapters.http.options import Retries
from penstock.adapters.http.retrying import retried
from penstock.model.errors import OperationError, PenstockError, TransientError

_QUICK = Retries(attempts=3, first_wait_s=0.0, longest_wait_s=0.0, longest_retry_after_s=0.0, total_s=0.2)


def _throttled(retry_after_s: float) -> Throttled:
    return Throttled("429", subject="x", hint="", retry_after_s=retry_after_s)


@pytest.mark.parametrize(
    ("error", "early", "tries"),
    [
        (TransientError("503"), False, 3),
        (OperationError("403"), False, 1),
        (_throttled(0.0), False, 3),
        (_throttled(0.01), False, 3),
        (_throttled(0.3), False, 1),
        (_throttled(0.3), True, 3),
    ],
    ids=["a fault that may pass", "a refusal", "at once", "within our patience", "beyond our patience", "beyond it, and early"],
)
def test_what_may_pass_in_time_is_tried_again(error: PenstockError, early: bool, tries: int) -> None:
    asked = 0

    async def ask() -> None:
        nonlocal asked
        asked += 1
        raise error

    with pytest.raises(type(error)):
        asyncio.run(retried(ask, _QUICK, early=early))
    assert asked == tries


def test_an_api_is_not_asked_again_before_the_time_it_said() -> None:
    moments: list[float] = []

    async def ask() -> None:
        moments.append(time.monotonic())
        raise _throttled(0.05)

    with pytest.raises(Throttled):
        asyncio.run(retried(ask, _QUICK))
    assert all(later - earlier >= 0.05 for earlier, later in pairwise(moments))
    assert len(moments) == 3
