import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.unit.publish.awsmarket.fakemarket import have_image
from tests.unit.publish.fakecloud import Killed

from penstock.model.push.aws import FoundImage
from penstock.model.push.items import AmiAttributes, PushItem
from penstock.model.push.states import ItemState

if TYPE_CHECKING:
    from tests.unit.publish.awsmarket.conftest import MarketPushes

    New = Callable[[], MarketPushes]

TITLE = "9.4 20260511-1"


@pytest.fixture
def full(new_selling: "New") -> "New":
    """Two products of one account, of which one gives up two versions."""

    def build() -> "MarketPushes":
        pushes = new_selling()
        for image, title, days in (("ami-92", "9.2 20240101-0", 1), ("ami-94", "9.4 20250601-0", 3)):
            pushes.shop.add("prod-a", title, image, days=days)
            have_image(pushes.cloud, "us-east-1", image, f"image {image}")
        pushes.shop.add("prod-b", "9.3 b", "ami-b")
        rule = {"restrict_version": True, "restrict_minor": 1}
        pushes.destinations = {"aws-na": [{"destination": "prod-a", **rule}, "prod-b"]}
        return pushes

    return build


@pytest.fixture
def copied(full: "New", market_item: Callable[..., PushItem]) -> "New":
    """The same with an image of another account."""

    def build() -> "MarketPushes":
        pushes = full()
        pushes.items = (market_item("ami-theirs", attributes=AmiAttributes(region="us-east-1")),)
        pushes.cloud.foreign = {("us-east-1", "ami-theirs"): FoundImage(id="ami-theirs", name="x", state="available", arch="x86_64")}
        return pushes

    return build


def everything_is_done_once(pushes: "MarketPushes") -> None:
    assert pushes.shop.begun() == {
        ("AddDeliveryOptions", "prod-a", TITLE): 1,
        ("AddDeliveryOptions", "prod-b", TITLE): 1,
        ("RestrictDeliveryOptions", "prod-a", ""): 1,
    }
    assert pushes.shop.titles("prod-a") == [TITLE]
    ((_, image),) = pushes.cloud.images
    assert [shop.versions[-1].images for shop in pushes.shop.products.values()] == [(image,), (image,)]
    assert "release_date" in pushes.cloud.images["us-east-1", image].found.tags
    assert {name for _, name in pushes.cloud.snapshots} == {*pushes.cloud.images["us-east-1", image].found.snapshots}
    assert set(pushes.cloud.imported.values()) <= {1}


@pytest.mark.parametrize("answered", [False, True], ids=["before the call", "before its answer"])
@pytest.mark.parametrize("journal", [True, False], ids=["with its journal", "without one"])
@pytest.mark.parametrize("kind", ["full", "copied"])
def test_a_push_killed_at_any_call_is_completed_by_the_next_one(
    answered: bool, journal: bool, kind: str, request: pytest.FixtureRequest
) -> None:
    new: New = request.getfixturevalue(kind)
    whole = new()
    asyncio.run(whole.run())
    everything_is_done_once(whole)
    killed = 0
    for number in range(1, whole.cloud.count + 1):
        pushes = new()
        pushes.cloud.revive(number, after_effect=answered)
        try:
            asyncio.run(pushes.run())
        except Killed:
            killed += 1
            pushes.cloud.revive()
            if not journal:
                pushes.earlier.clear()
            results = asyncio.run(pushes.run())
            assert [(each.state, each.reason) for each in results] == [(ItemState.PUSHED, "")] * 2, number
        pushes.cloud.revive()  # a run that had fewer calls than the first one was not killed
        everything_is_done_once(pushes)
        assert asyncio.run(pushes.plan()).idle, number
    assert killed > 10


def test_a_push_that_is_killed_again_and_again_ends(full: "New") -> None:
    pushes, runs = full(), 0
    pushes.cloud.import_looks = 0
    while True:
        runs += 1
        pushes.cloud.revive(45, after_effect=runs % 2 == 0)
        try:
            asyncio.run(pushes.run())
        except Killed:
            assert runs < 50
        else:
            break
    assert runs > 1
    everything_is_done_once(pushes)


def test_two_pushes_at_the_same_time_make_every_version_once(full: "New") -> None:
    pushes = full()

    async def both() -> None:
        for results in await asyncio.gather(pushes.run(), pushes.run()):
            assert {(each.state, each.reason) for each in results} == {(ItemState.PUSHED, "")}

    asyncio.run(both())
    everything_is_done_once(pushes)
