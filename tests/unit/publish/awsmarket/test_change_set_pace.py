"""How often and how long a change set is waited for."""

import asyncio
from typing import TYPE_CHECKING

from tests.unit.publish.fakefiles import WaitedFor

from penstock.model.push.states import ItemState
from penstock.publish.awsmarket.rules import MarketPace

if TYPE_CHECKING:
    from tests.unit.publish.awsmarket.conftest import MarketPushes


class Pauses(WaitedFor):
    """Knows each of them."""

    def __init__(self) -> None:
        super().__init__()
        self.all_s: list[float] = []

    async def __call__(self, pause_s: float) -> None:
        self.all_s.append(pause_s)
        await super().__call__(pause_s)


def test_an_interval_of_nothing_is_many_looks_and_not_none(selling: "MarketPushes") -> None:
    selling.shop.looks, selling.pace = 6, MarketPace(poll_s=0, attempts=10)
    assert [each.state for each in asyncio.run(selling.run())] == [ItemState.PUSHED]


def test_no_pause_is_longer_than_the_interval(selling: "MarketPushes") -> None:
    selling.shop.looks, selling.pace = 6, MarketPace(poll_s=2)
    selling.wait = waited = Pauses()
    assert [each.state for each in asyncio.run(selling.run())] == [ItemState.PUSHED]
    assert waited.all_s[-5:] == [2] * 5
