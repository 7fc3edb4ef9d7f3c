"""Images that stand in AWS already are copied, once, whatever happens meanwhile."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.unit.publish.fakecloud import FakeCloud, FakeImage, Killed

from penstock.model.errors import OperationError
from penstock.model.push.aws import CONTENT_TAG, FoundImage, ImageRegistration
from penstock.model.push.items import AmiAttributes, PushItem
from penstock.model.push.receipts import AmiReceipt
from penstock.model.push.states import ItemState
from penstock.publish.aws.copies import SOURCE_TAG
from penstock.publish.community.enrichment import EnrichmentRules
from penstock.publish.community.push import CommunityAsk

if TYPE_CHECKING:
    from tests.unit.publish.community.conftest import Pushes

SOURCES = {"us-east-1": "ami-0east1", "us-west-2": "ami-0west2"}
HOURLY = "RHEL-9.4_HVM-20260511-x86_64-1-Hourly2-GP3"


def copied(item: PushItem, region: str) -> PushItem:
    """The item as a build of CoreOS has it: an image of AWS in a region."""
    assert isinstance(item.attributes, AmiAttributes)
    return replace(item, name="rhel", src=SOURCES[region], attributes=replace(item.attributes, region=region))


def image(image_id: str, **changes: object) -> FoundImage:
    known = {"id": image_id, "name": "theirs", "state": "available", "arch": "x86_64", "snapshots": ("snap-theirs",)}
    return FoundImage(**{**known, **changes})  # type: ignore[arg-type]


@pytest.fixture
def new_copies(new_pushes: "Callable[[], Pushes]") -> "Callable[[], Pushes]":
    """Makes a push of one build, of which images stand in two regions, to three destinations in two others and one of them."""

    def build() -> "Pushes":
        pushes = new_pushes()
        pushes.cloud.foreign = {(region, each): image(each) for region, each in SOURCES.items()}
        pushes.items = tuple(copied(pushes.items[0], region) for region in SOURCES)
        pushes.destinations = ("us-east-1-hourly", "us-east-1-access", "us-west-2-hourly", "eu-west-1-hourly")
        pushes.cloud.copy_looks = 1
        return pushes

    return build


@pytest.fixture
def copies(new_copies: "Callable[[], Pushes]") -> "Pushes":
    return new_copies()


def have(cloud: FakeCloud, found: FoundImage) -> None:
    cloud.images["us-east-1", found.id] = FakeImage(
        found, ImageRegistration(name=found.name, description="", arch="x86_64", virtualization="hvm", root_device="", volume="")
    )


def sources_of(cloud: FakeCloud) -> dict[tuple[str, str], str]:
    return {(region, each.found.name): each.found.tags[SOURCE_TAG] for (region, _), each in cloud.images.items()}


def test_a_copy_is_made_of_the_image_in_its_own_region_else_of_the_first(copies: "Pushes") -> None:
    results = asyncio.run(copies.run())
    assert [(each.state, each.reason) for each in results] == [(ItemState.PUSHED, "")] * 4
    assert sources_of(copies.cloud) == {
        ("us-east-1", HOURLY): SOURCES["us-east-1"],
        ("us-east-1", HOURLY.replace("Hourly2", "Access2")): SOURCES["us-east-1"],
        ("us-west-2", HOURLY): SOURCES["us-west-2"],
        ("eu-west-1", HOURLY): SOURCES["us-east-1"],
    }


def test_no_file_is_read_and_no_bucket_is_made(copies: "Pushes") -> None:
    asyncio.run(copies.run())
    assert copies.cloud.calls["create_bucket"] + copies.cloud.calls["start_import"] + copies.cloud.calls["begin_upload"] == 0
    assert copies.cloud.calls["copy_image"] == 4


def test_a_copy_is_shared_entered_and_made_public_as_a_registered_image_is(copies: "Pushes") -> None:
    """Upstream shares no copy with the accounts of the mapping."""
    results = asyncio.run(copies.run())
    assert {frozenset(each.accounts) for each in copies.cloud.images.values()} == {frozenset({"210987654321"})}
    assert {frozenset(each) for each in copies.cloud.snapshot_accounts.values()} == {frozenset({"210987654321"})}
    assert len(copies.cloud.snapshot_accounts) == 4
    assert [("all" in each.groups) for each in copies.cloud.images.values()] == [
        "Hourly" in each.found.name for each in copies.cloud.images.values()
    ]
    assert set(copies.cloud.rhsm_images) == {each.found.id for each in copies.cloud.images.values()}
    receipts = [receipt for each in results for receipt in each.receipts]
    assert [isinstance(each, AmiReceipt) and (each.content, bool(each.snapshot_id)) for each in receipts] == [(None, True)] * 4


def test_the_next_push_copies_nothing(copies: "Pushes") -> None:
    first, second = asyncio.run(copies.run()), asyncio.run(copies.run())
    assert sorted(second, key=lambda each: each.order) == sorted(first, key=lambda each: each.order)
    assert copies.cloud.calls["copy_image"] == 4


def test_a_rehearsal_copies_nothing(copies: "Pushes") -> None:
    plan = asyncio.run(copies.prepared()).plan
    assert [each.action.verb for each in plan.steps].count("copy image") == 4
    assert copies.cloud.calls["copy_image"] == 0


def test_before_the_release_a_copy_is_shared_and_no_more(copies: "Pushes", asking: "Callable[..., CommunityAsk]") -> None:
    asyncio.run(copies.run(asking(pre_push=True)))
    assert {frozenset(each.groups) for each in copies.cloud.images.values()} == {frozenset()}
    assert copies.cloud.rhsm_images == {}


@pytest.mark.parametrize("answered", [False, True], ids=["before the call", "before its answer"])
def test_a_push_of_copies_killed_at_any_call_is_completed_by_the_next_one(new_copies: "Callable[[], Pushes]", answered: bool) -> None:
    whole = new_copies()
    asyncio.run(whole.run())
    killed = 0
    for number in range(1, whole.cloud.count + 1):
        pushes = new_copies()
        pushes.cloud.revive(number, after_effect=answered)
        try:
            asyncio.run(pushes.run())
        except Killed:
            killed += 1
            pushes.cloud.revive()
            results = asyncio.run(pushes.run())
            assert [(each.state, each.reason) for each in results] == [(ItemState.PUSHED, "")] * 4, number
        assert sources_of(pushes.cloud) == sources_of(whole.cloud), number
        assert len(pushes.cloud.snapshots) == 4, number
    assert killed > 15


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"tags": {SOURCE_TAG: "ami-0other"}}, "is no copy of ami-0east1"),
        ({"tags": {CONTENT_TAG: "a" * 64}}, "is no copy of ami-0east1"),
        ({"tags": {SOURCE_TAG: "ami-0east1"}, "state": "failed"}, "is failed; deregister it"),
    ],
)
def test_an_image_of_the_name_that_is_no_copy_is_a_conflict(copies: "Pushes", changes: dict[str, object], problem: str) -> None:
    have(copies.cloud, image("ami-0there", name=HOURLY, **changes))
    results = asyncio.run(copies.run())
    (failed,) = (each for each in results if each.state is not ItemState.PUSHED)
    assert (failed.state, failed.item.dest, problem in failed.reason) == (ItemState.UPLOADFAILED, ("us-east-1-hourly",), True)


def test_a_copy_that_the_peer_tool_made_is_tagged_and_reused(copies: "Pushes") -> None:
    tags = {"nvra": "rhel-ec2-9.4-1.x86_64", "name": "rhel-ec2", "version": "9.4", "release": "1", "arch": "x86_64", "buildid": "None"}
    have(copies.cloud, image("ami-0peer", name=HOURLY, tags={**tags, "billing_type": "hourly"}))
    results = asyncio.run(copies.run())
    assert [each.state for each in results] == [ItemState.PUSHED] * 4
    assert copies.cloud.images["us-east-1", "ami-0peer"].found.tags[SOURCE_TAG] == SOURCES["us-east-1"]
    assert copies.cloud.calls["copy_image"] == 3


@pytest.mark.parametrize(
    ("theirs", "problem"),
    [
        (None, "us-east-1 has no image ami-0east1 that this account may use"),
        (image("ami-0east1", state="pending"), "ami-0east1 is pending"),
        (image("ami-0east1", arch="arm64"), "ami-0east1 is of arm64, not x86_64"),
    ],
)
def test_what_cannot_be_copied_fails_its_destinations_alone(copies: "Pushes", theirs: FoundImage | None, problem: str) -> None:
    del copies.cloud.foreign["us-east-1", "ami-0east1"]
    if theirs is not None:
        copies.cloud.foreign["us-east-1", "ami-0east1"] = theirs
    results = asyncio.run(copies.run())
    assert [each.state for each in results].count(ItemState.UPLOADFAILED) == 3
    assert {each.reason for each in results if each.state is ItemState.UPLOADFAILED} == {problem}


def test_a_region_of_a_source_that_cannot_be_read_fails_its_copies_alone(copies: "Pushes") -> None:
    copies.destinations = ("eu-west-1-hourly", "us-west-2-hourly")
    copies.cloud.refused["us-east-1"] = OperationError("not for you", subject="us-east-1")
    results = {each.item.dest: (each.state, each.reason) for each in asyncio.run(copies.run())}
    assert results[("us-west-2-hourly",)] == (ItemState.PUSHED, "")
    assert results[("eu-west-1-hourly",)] == (ItemState.UPLOADFAILED, "us-east-1: not for you")


def test_a_copy_that_never_becomes_ready_is_left_to_the_next_run(copies: "Pushes") -> None:
    copies.destinations, copies.cloud.copy_looks = ("us-east-1-hourly",), 10**9
    (result,) = asyncio.run(copies.run())
    assert (result.state, "is not available after" in result.reason) == (ItemState.UPLOADFAILED, True)
    copies.cloud.copy_looks = 0
    for each in copies.cloud.images.values():
        each.found = replace(each.found, state="available")
    (result,) = asyncio.run(copies.run())
    assert (result.state, copies.cloud.calls["copy_image"]) == (ItemState.PUSHED, 1)


def test_an_image_of_another_part_of_aws_is_not_copied(copies: "Pushes") -> None:
    copies.destinations = ("us-gov-west-1-hourly", "us-west-2-hourly")
    results = asyncio.run(copies.run())
    reasons = {each.reason for each in results if each.item.dest == ("us-gov-west-1-hourly",)}
    assert {"AWS copies nothing from there" in each for each in reasons} == {True}
    assert [each.state for each in results if each.item.dest == ("us-west-2-hourly",)] == [ItemState.PUSHED]


def test_two_builds_with_equal_release_data_are_still_a_conflict(copies: "Pushes") -> None:
    first, second = copies.items
    copies.items = (first, replace(second, nvr="rhel-ec2-9.4.20260512-1"))
    copies.destinations = ("us-east-1-hourly",)
    results = asyncio.run(copies.run())
    assert {each.state for each in results} == {ItemState.UPLOADFAILED}
    assert all("two images with equal release data" in each.reason for each in results)


def test_a_beta_after_the_release_is_a_conflict_and_no_second_copy(copies: "Pushes") -> None:
    """Upstream finds the released image by its tags, and says that the beta is pushed."""
    asyncio.run(copies.run())
    results = asyncio.run(copies.run(CommunityAsk(enrichment=EnrichmentRules(beta=True))))
    assert {each.state for each in results} == {ItemState.UPLOADFAILED}
    assert all("of this build and billing type under the name" in each.reason for each in results)
    assert copies.cloud.calls["copy_image"] == 4
