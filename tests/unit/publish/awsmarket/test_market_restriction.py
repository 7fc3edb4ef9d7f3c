import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.unit.publish.awsmarket.fakemarket import have_image
from tests.unit.publish.fakefiles import FakeFiles

from penstock.model.push.items import PushItem
from penstock.model.push.states import ItemState
from penstock.publish.actions import Phase
from penstock.publish.aws.material import PlanRules
from penstock.publish.awsmarket.actions import MarkImage, RemoveImage
from penstock.publish.plan import Plan

if TYPE_CHECKING:
    from tests.unit.publish.awsmarket.conftest import MarketPushes

TITLE = "9.4 20260511-1"
OLD = {"ami-80": ("8.10 20240101-0", 1), "ami-93": ("9.3 20250101-0", 2), "ami-94": ("9.4 20250601-0", 3)}


@pytest.fixture
def restricting(selling: "MarketPushes") -> "MarketPushes":
    """A product of which one minor version stays in each of two major ones; its old images stand in the account."""
    selling.shop.products.clear()
    for image, (title, days) in OLD.items():
        selling.shop.add("prod-a", title, image, days=days)
        have_image(selling.cloud, "us-east-1", image, f"image {image}")
    selling.destinations = {"aws-na": [{"destination": "prod-a", "restrict_version": True, "restrict_major": 2, "restrict_minor": 1}]}
    return selling


def pushed(pushes: "MarketPushes") -> list[ItemState]:
    results = asyncio.run(pushes.run())
    assert [each.reason for each in results if each.state is ItemState.PUSHED and each.reason] == []
    return [each.state for each in sorted(results, key=lambda each: each.order)]


def restricting_verbs(plan: Plan) -> list[str]:
    return [each.action.verb for each in plan.steps if each.action.phase is Phase.RESTRICT]


def standing(pushes: "MarketPushes") -> set[str]:
    """The old images that are left, and the snapshots."""
    return {name for _, name in (*pushes.cloud.images, *pushes.cloud.snapshots) if "ami-0" not in name and "snap-0" not in name}


def test_old_versions_are_restricted_in_one_change_set_and_their_images_removed(restricting: "MarketPushes") -> None:
    assert pushed(restricting) == [ItemState.PUSHED]
    assert restricting.shop.titles("prod-a") == ["8.10 20240101-0", TITLE]
    assert restricting.shop.titles("prod-a", "Restricted") == ["9.3 20250101-0", "9.4 20250601-0"]
    assert standing(restricting) == {"ami-80", "snap-ami-80"}
    assert restricting.shop.begun()["RestrictDeliveryOptions", "prod-a", ""] == 1
    assert asyncio.run(restricting.plan()).idle
    assert restricting_verbs(asyncio.run(restricting.plan())) == []


def test_the_plan_names_what_will_be_restricted_and_removed(restricting: "MarketPushes") -> None:
    plan = asyncio.run(restricting.plan())
    assert restricting_verbs(plan) == ["mark image", "mark image", "restrict versions", "remove image", "remove image"]
    (reason,) = [each.reason for each in plan.steps if each.action.verb == "restrict versions"]
    assert reason == "newer versions take the place of 9.3 20250101-0, 9.4 20250601-0"
    assert all(each.action.image in each.reason for each in plan.steps if isinstance(each.action, MarkImage | RemoveImage))


def test_limits_without_restrict_version_restrict_nothing(restricting: "MarketPushes") -> None:
    restricting.destinations = {"aws-na": ["prod-a"]}
    pushed(restricting)
    assert restricting.shop.titles("prod-a", "Restricted") == []


@pytest.mark.parametrize(("minor", "left"), [(True, ["8.10 20240101-0", TITLE]), (False, ["8.10 20240101-0", "9.3 20250101-0", TITLE])])
def test_a_limit_may_be_true_for_the_newest_or_false_for_none(minor: bool, left: list[str], restricting: "MarketPushes") -> None:
    restricting.destinations = {"aws-na": [{"destination": "prod-a", "restrict_version": True, "restrict_minor": minor}]}
    pushed(restricting)
    assert restricting.shop.titles("prod-a") == left


def test_an_image_that_a_version_is_still_made_of_is_not_removed(restricting: "MarketPushes") -> None:
    restricting.shop.add("prod-a", "8.9 x", "ami-93", visibility="Limited")
    pushed(restricting)
    assert standing(restricting) == {"ami-80", "snap-ami-80", "ami-93", "snap-ami-93"}


def test_an_image_that_another_product_of_the_run_sells_is_not_removed(restricting: "MarketPushes") -> None:
    restricting.shop.add("prod-b", "9.3 of b", "ami-93")
    restricting.destinations = {"aws-na": [*restricting.destinations["aws-na"], "prod-b"]}
    pushed(restricting)
    assert standing(restricting) == {"ami-80", "snap-ami-80", "ami-93", "snap-ami-93"}


def test_an_image_that_two_products_give_up_in_one_run_is_removed_once_nobody_sells_it(restricting: "MarketPushes") -> None:
    restricting.shop.add("prod-b", "9.3 of b", "ami-93")
    rule = {"restrict_version": True, "restrict_minor": 1}
    restricting.destinations = {"aws-na": [{"destination": "prod-a", **rule}, {"destination": "prod-b", **rule}]}
    assert pushed(restricting) == [ItemState.PUSHED] * 2
    assert "ami-93" not in standing(restricting)


def test_a_snapshot_that_another_image_is_made_of_stays(restricting: "MarketPushes") -> None:
    have_image(restricting.cloud, "us-east-1", "ami-twin", "a twin")
    twin = restricting.cloud.images["us-east-1", "ami-twin"]
    twin.found = type(twin.found)(id="ami-twin", name="a twin", state="available", arch="x86_64", snapshots=("snap-ami-93",))
    assert pushed(restricting) == [ItemState.PUSHED]
    assert {"snap-ami-93", "ami-twin"} <= standing(restricting)
    assert "ami-93" not in standing(restricting)


def test_an_old_image_that_is_gone_already_is_no_error(restricting: "MarketPushes") -> None:
    del restricting.cloud.images["us-east-1", "ami-93"]
    assert pushed(restricting) == [ItemState.PUSHED]
    assert "9.3 20250101-0" in restricting.shop.titles("prod-a", "Restricted")


def test_what_this_run_brings_is_not_restricted_by_it(restricting: "MarketPushes", market_item: Callable[..., PushItem]) -> None:
    older = "/stage/rhel-9.2.raw"
    restricting.items = (market_item(older, version="9.2"), *restricting.items)
    restricting.files = FakeFiles({**restricting.files.disks, older: b"a disk of 9.2"})
    assert pushed(restricting) == [ItemState.PUSHED] * 2
    assert restricting.shop.titles("prod-a") == ["8.10 20240101-0", "9.2 20260511-1", TITLE]
    assert asyncio.run(restricting.plan()).idle


def test_where_the_version_does_not_come_nothing_old_goes(restricting: "MarketPushes") -> None:
    restricting.shop.failing[TITLE] = "no"
    assert pushed(restricting) == [ItemState.NOTPUSHED]
    assert restricting.shop.titles("prod-a", "Restricted") == []
    assert standing(restricting) == {*OLD, *(f"snap-{each}" for each in OLD)}


def test_a_version_that_another_target_should_have_replaced_and_did_not_stays(
    restricting: "MarketPushes", market_item: Callable[..., PushItem]
) -> None:
    newer = "/stage/rhel-9.5.raw"
    restricting.items = (*restricting.items, market_item(newer, version="9.5"))
    restricting.files = FakeFiles({**restricting.files.disks, newer: b"a disk of 9.5"})
    restricting.destinations = {"aws-na": [{"destination": "prod-a", "restrict_version": True, "restrict_minor": False}]}
    restricting.shop.failing[TITLE] = "no"
    assert pushed(restricting) == [ItemState.NOTPUSHED, ItemState.PUSHED]
    assert "9.4 20250601-0" in restricting.shop.titles("prod-a")


def test_a_failed_restriction_is_told_and_the_version_is_in_the_receipt(restricting: "MarketPushes") -> None:
    restricting.shop.failing[""] = "not now"
    (result,) = asyncio.run(restricting.run())
    assert (result.state, "not now" in result.reason) == (ItemState.NOTPUSHED, True)
    assert result.receipts[0].facts["version"] == TITLE
    assert standing(restricting) == {*OLD, *(f"snap-{each}" for each in OLD)}
    restricting.shop.failing.clear()
    assert pushed(restricting) == [ItemState.PUSHED]
    assert standing(restricting) == {"ami-80", "snap-ami-80"}


def test_restriction_can_be_skipped(restricting: "MarketPushes") -> None:
    restricting.plan_rules = PlanRules(skip=frozenset({Phase.RESTRICT}))
    pushed(restricting)
    assert restricting.shop.titles("prod-a", "Restricted") == []


def test_a_version_that_came_after_the_plan_is_left_alone(restricting: "MarketPushes") -> None:
    async def run() -> None:
        async with restricting.planned() as results:
            restricting.shop.add("prod-a", "9.2 by hand", "ami-hand", days=2)
            assert [each.reason async for each in results] == [""]

    asyncio.run(run())
    assert restricting.shop.titles("prod-a") == ["8.10 20240101-0", "9.2 by hand", TITLE]


def test_a_version_that_came_after_the_plan_and_has_the_title_is_not_taken_for_ours(restricting: "MarketPushes") -> None:
    async def run() -> None:
        async with restricting.planned() as results:
            restricting.shop.add("prod-a", TITLE, "ami-hand")
            (result,) = [each async for each in results]
            assert (result.state, "is there, and not to be had" in result.reason) == (ItemState.NOTPUSHED, True)

    asyncio.run(run())
    assert restricting.shop.begun() == {}
