import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from tests.unit.publish.awsmarket.fakemarket import FakeMarket, have_image
from tests.unit.publish.fakefiles import FakeFiles

from penstock.model.push.aws import FoundImage
from penstock.model.push.awsmarket import ChangeRequest, ChangeType
from penstock.model.push.items import AmiAttributes, PushItem, ReleaseInfo
from penstock.model.push.journal import EventKind, ExternalId
from penstock.model.push.receipts import AmiReceipt
from penstock.model.push.states import ItemState
from penstock.publish.actions import Phase
from penstock.publish.aws.material import PlanRules
from penstock.publish.awsmarket.rules import MarketPace, MarketRules

if TYPE_CHECKING:
    from tests.unit.publish.awsmarket.conftest import MarketPushes

TITLE = "9.4 20260511-1"
PUSHED = [(ItemState.PUSHED, "")]


def outcome(pushes: "MarketPushes") -> list[tuple[ItemState, str]]:
    return [(each.state, each.reason) for each in sorted(asyncio.run(pushes.run()), key=lambda each: each.order)]


def verbs(pushes: "MarketPushes") -> list[tuple[str, str]]:
    plan = asyncio.run(pushes.plan())
    return [(each.verdict.value, each.action.verb) for each in plan.steps if each.action.phase in (Phase.PUBLISH, Phase.RESTRICT)]


def test_an_image_becomes_a_version_of_the_product_under_its_title(selling: "MarketPushes") -> None:
    (result,) = asyncio.run(selling.run())
    (change,) = selling.shop.changes.values()
    (image,) = selling.cloud.images
    assert (result.state, result.filename) == (ItemState.PUSHED, "RHEL-9.4_HVM-20260511-x86_64-1")
    assert selling.shop.titles("prod-a") == ["9.3 20250101-0", TITLE]
    assert change.request.details == {
        "Version": {"VersionTitle": TITLE, "ReleaseNotes": "https://example.com/9.4"},
        "DeliveryOptions": [
            {
                "Details": {
                    "AmiDeliveryOptionDetails": {
                        "AmiSource": {
                            "AmiId": image[1],
                            "AccessRoleArn": "arn:aws:iam::123456789012:role/ingestion",
                            "UserName": "ec2-user",
                            "OperatingSystemName": "RHEL",
                            "OperatingSystemVersion": "9.4",
                            "ScanningPort": 22,
                        },
                        "UsageInstructions": "log in to RHEL 9",
                        "RecommendedInstanceType": "m5.large",
                        "SecurityGroups": [],
                    }
                }
            }
        ],
    }
    (receipt,) = result.receipts
    assert isinstance(receipt, AmiReceipt)
    assert (receipt.product, receipt.version, receipt.image_id) == ("prod-a", TITLE, image[1])


def test_the_image_is_shared_with_the_sharing_accounts_and_dated_in_utc(selling: "MarketPushes") -> None:
    asyncio.run(selling.run())
    (image,) = selling.cloud.images.values()
    assert image.accounts == {"679593333241"}
    assert image.found.tags["release_date"] == "2026051110::11::13"


def test_a_second_push_makes_nothing(selling: "MarketPushes") -> None:
    asyncio.run(selling.run())
    before = selling.cloud.calls.copy()
    assert asyncio.run(selling.plan()).idle
    assert outcome(selling) == PUSHED
    made = selling.cloud.calls - before
    assert not made.keys() & {"begin_upload", "start_import", "register_image", "start_change", "tag", "deregister_image"}


def test_one_upload_serves_all_products_of_an_account_and_another_account_has_its_own(selling: "MarketPushes") -> None:
    selling.destinations = {"aws-na": ["prod-a", "prod-b", "prod-c"], "aws-emea": ["prod-d"]}
    for product in ("prod-b", "prod-c", "prod-d"):
        selling.shop.add(product, "9.0 20240101-0", "ami-other")
    plan = asyncio.run(selling.plan())
    made = [each.action.verb for each in plan.steps]
    assert [made.count(each) for each in ("upload", "import snapshot", "register", "share", "publish version")] == [2, 2, 2, 2, 4]


def test_a_pre_push_ends_with_the_sharing_and_asks_the_catalog_nothing(selling: "MarketPushes") -> None:
    selling.plan_rules = PlanRules(pre_push=True)
    selling.shop.products.clear()
    selling.meta = {key: value for key, value in selling.meta.items() if key != "release_notes"}
    assert outcome(selling) == PUSHED
    assert not selling.cloud.calls.keys() & {"product", "running_changes", "changes_named", "start_change"}
    assert len(selling.cloud.images) == 1


def test_a_full_push_after_a_pre_push_only_publishes(selling: "MarketPushes") -> None:
    selling.plan_rules = PlanRules(pre_push=True)
    asyncio.run(selling.run())
    selling.plan_rules = PlanRules()
    before = selling.cloud.calls.copy()
    assert outcome(selling) == PUSHED
    made = selling.cloud.calls - before
    assert (made["start_change"], made["start_import"], made["register_image"]) == (1, 0, 0)


def test_a_longer_title_is_no_version_of_the_shorter_one_though_upstream_thinks_so(selling: "MarketPushes") -> None:
    selling.shop.add("prod-a", f"{TITLE}0", "ami-tenth")
    assert outcome(selling) == PUSHED
    assert selling.shop.titles("prod-a")[-1] == TITLE


def test_a_version_of_this_title_and_another_image_is_a_conflict_before_anything_is_uploaded(selling: "MarketPushes") -> None:
    selling.shop.add("prod-a", TITLE, "ami-another")
    ((state, reason),) = outcome(selling)
    assert state is ItemState.UPLOADFAILED
    assert "made of ami-another" in reason
    assert not selling.cloud.objects
    assert not selling.shop.changes


def test_a_version_that_a_person_gave_another_title_is_known_by_its_image(selling: "MarketPushes") -> None:
    asyncio.run(selling.run())
    product = selling.shop.products["prod-a"]
    renamed = replace(product.versions[-1], title=f"RHEL {TITLE} (LTS)")
    selling.shop.products["prod-a"] = replace(product, versions=(*product.versions[:-1], renamed))
    assert asyncio.run(selling.plan()).idle
    assert outcome(selling) == PUSHED


def test_a_restricted_version_of_this_title_is_a_conflict(selling: "MarketPushes") -> None:
    selling.shop.add("prod-a", TITLE, "ami-gone", visibility="Restricted")
    ((state, reason),) = outcome(selling)
    assert (state, "is restricted" in reason) == (ItemState.UPLOADFAILED, True)


def test_overwrite_changes_the_delivery_option_of_the_version_that_is_there(selling: "MarketPushes") -> None:
    selling.destinations = {"aws-na": [{"destination": "prod-a", "overwrite": True}]}
    selling.shop.add("prod-a", TITLE, "ami-another")
    assert outcome(selling) == PUSHED
    (change,) = selling.shop.changes.values()
    assert change.request.type.value == "UpdateDeliveryOptions"
    assert change.request.details["DeliveryOptions"][0]["Id"] == "prod-a-do1"
    assert selling.shop.titles("prod-a") == ["9.3 20250101-0", TITLE]
    assert asyncio.run(selling.plan()).idle


def test_overwrite_adds_a_version_that_is_not_there_where_upstream_fails(selling: "MarketPushes") -> None:
    selling.destinations = {"aws-na": [{"destination": "prod-a", "overwrite": True}]}
    assert outcome(selling) == PUSHED
    assert [each.request.type.value for each in selling.shop.changes.values()] == ["AddDeliveryOptions"]


def test_overwrite_changes_what_is_told_of_the_same_image(selling: "MarketPushes") -> None:
    selling.destinations = {"aws-na": [{"destination": "prod-a", "overwrite": True}]}
    asyncio.run(selling.run())
    selling.meta = {**selling.meta, "release_notes": "other"}
    assert ("create", "publish version") in verbs(selling)
    assert outcome(selling) == PUSHED
    assert selling.shop.products["prod-a"].versions[-1].release_notes == "other"
    assert asyncio.run(selling.plan()).idle


def test_a_draft_is_tried_once_and_changes_nothing(selling: "MarketPushes") -> None:
    selling.rules = MarketRules(keep_draft=True)
    selling.destinations = {"aws-na": [{"destination": "prod-a", "restrict_version": True, "restrict_minor": 1}]}
    assert outcome(selling) == PUSHED
    assert [each.request.validate_only for each in selling.shop.changes.values()] == [True]
    assert selling.shop.titles("prod-a") == ["9.3 20250101-0"]
    assert verbs(selling) == [("reuse", "publish version")]


def test_the_meta_of_a_destination_may_ask_for_a_draft(selling: "MarketPushes") -> None:
    selling.meta = {**selling.meta, "keep_draft": True}
    asyncio.run(selling.run())
    assert [each.request.validate_only for each in selling.shop.changes.values()] == [True]


def test_another_change_set_of_the_product_is_waited_for_and_told(selling: "MarketPushes") -> None:
    asyncio.run(_begin_another(selling))
    prepared = asyncio.run(selling.prepared())
    assert any("has not ended" in each.problem for each in prepared.findings)
    assert outcome(selling) == PUSHED
    assert [detail for _, kind, detail in selling.watched if kind is EventKind.STEP_RETRIED and "is locked" in detail]


async def _begin_another(pushes: "MarketPushes") -> None:
    request = ChangeRequest(
        type=ChangeType.RESTRICT,
        product="prod-a",
        product_type="AmiProduct",
        details={"DeliveryOptionIds": ["prod-a-do0"]},
        name="a person's",
    )
    await FakeMarket(pushes.shop).start_change(request, token="of a person")


def test_a_change_set_that_fails_is_not_tried_again_and_says_why(selling: "MarketPushes") -> None:
    selling.shop.failing[TITLE] = "the image has a known vulnerability"
    selling.destinations = {"aws-na": ["prod-a", {"destination": "prod-b", "meta": {"marketplace_title_template": "RHEL {version}"}}]}
    selling.shop.add("prod-b", "RHEL 9.3", "ami-b")
    first, second = outcome(selling)
    assert first[0] is ItemState.NOTPUSHED
    assert first[1].endswith("the change set failed (CLIENT_ERROR): BAD: the image has a known vulnerability")
    assert second == (ItemState.PUSHED, "")
    assert selling.shop.begun()["AddDeliveryOptions", "prod-a", TITLE] == 1


def test_the_push_after_a_failed_change_set_begins_another(selling: "MarketPushes") -> None:
    selling.shop.failing[TITLE] = "no"
    asyncio.run(selling.run())
    selling.shop.failing.clear()
    assert outcome(selling) == PUSHED
    assert len(selling.shop.tokens) == 2


def test_a_change_set_that_takes_too_long_is_gone_on_with_by_the_next_push(selling: "MarketPushes") -> None:
    selling.shop.looks = 6
    selling.pace = MarketPace(first_poll_s=10, poll_s=10, attempts=2)
    ((state, reason),) = outcome(selling)
    assert (state, "after 20 s" in reason) == (ItemState.NOTPUSHED, True)
    assert ("resume", "publish version") in verbs(selling)
    assert outcome(selling) == PUSHED
    assert len(selling.shop.changes) == 1


def test_a_change_set_is_noted_before_it_is_looked_at(selling: "MarketPushes") -> None:
    asyncio.run(selling.run())
    notes = [each.ids for each in selling.earlier if each.kind is EventKind.STEP_NOTED]
    (noted,) = [ids[ExternalId.CHANGE_SET] for ids in notes if ExternalId.CHANGE_SET in ids]
    assert [noted] == list(selling.shop.changes)


def test_a_product_has_one_change_set_at_a_time_and_a_failed_one_bars_no_other(
    selling: "MarketPushes", market_item: Callable[..., PushItem]
) -> None:
    other = "/stage/rhel-9.5.raw"
    selling.items = (*selling.items, market_item(other, version="9.5"))
    selling.files = FakeFiles({**selling.files.disks, other: b"a disk of 9.5"})
    selling.shop.failing[TITLE] = "no"
    assert [state for state, _ in outcome(selling)] == [ItemState.NOTPUSHED, ItemState.PUSHED]
    assert not [detail for _, kind, detail in selling.watched if kind is EventKind.STEP_RETRIED], "nobody ever met a locked product"


def test_a_product_that_is_not_there_or_sells_something_else_is_found_before_any_upload(selling: "MarketPushes") -> None:
    selling.destinations = {"aws-na": ["prod-a", "prod-none", "prod-saas"]}
    selling.shop.add("prod-saas", "1", "ami-x", kind="SaaSProduct")
    results = outcome(selling)
    assert [state for state, _ in results] == [ItemState.PUSHED, ItemState.UPLOADFAILED, ItemState.UPLOADFAILED]
    assert ["no such product" in results[1][1], "SaaSProduct" in results[2][1]] == [True, True]


def test_an_ami_of_gov_cloud_is_passed_over(selling: "MarketPushes", market_item: Callable[..., PushItem]) -> None:
    governed = market_item("ami-0123456789abcdef0", attributes=AmiAttributes(region="us-gov-west-1"))
    selling.items = (*selling.items, governed)
    prepared = asyncio.run(selling.prepared())
    assert [each.item.src for each in prepared.passed_over] == ["ami-0123456789abcdef0"]
    assert len(prepared.plan.targets) == 1


@pytest.fixture
def copying(selling: "MarketPushes", market_item: Callable[..., PushItem]) -> "MarketPushes":
    """A push of an image of another account."""
    selling.items = (market_item("ami-rhcos", attributes=AmiAttributes(region="us-east-1")),)
    selling.cloud.foreign = {
        ("us-east-1", "ami-rhcos"): FoundImage(id="ami-rhcos", name="rhcos", state="available", arch="x86_64", snapshots=("snap-theirs",))
    }
    return selling


def test_an_image_of_another_account_is_copied_and_shared_and_nothing_is_uploaded(copying: "MarketPushes") -> None:
    (result,) = asyncio.run(copying.run())
    ((_, copy),) = copying.cloud.images
    assert (result.state, result.receipts[0].key, result.receipts[0].content) == (ItemState.PUSHED, copy, None)
    assert copying.cloud.images["us-east-1", copy].found.tags["penstock:source"] == "ami-rhcos"
    assert copying.cloud.images["us-east-1", copy].accounts == {"679593333241"}
    assert not copying.cloud.objects
    assert copying.shop.products["prod-a"].versions[-1].images == (copy,)
    assert asyncio.run(copying.plan()).idle


def test_an_image_of_the_account_itself_is_used_as_it_is(copying: "MarketPushes") -> None:
    have_image(copying.cloud, "us-east-1", "ami-own", "rhcos")
    copying.items = (replace(copying.items[0], src="ami-own"),)
    assert outcome(copying) == PUSHED
    assert copying.cloud.calls["copy_image"] == 0
    assert copying.shop.products["prod-a"].versions[-1].images == ("ami-own",)


def test_of_one_build_in_several_regions_the_image_in_that_of_the_marketplace_is_taken(copying: "MarketPushes") -> None:
    elsewhere = replace(copying.items[0], src="ami-europe", attributes=AmiAttributes(region="eu-west-1"))
    copying.items = (elsewhere, *copying.items)
    prepared = asyncio.run(copying.prepared())
    assert [each.item.src for each in prepared.parts[0].enriched.skipped] == ["ami-europe"]
    assert outcome(copying) == PUSHED


def test_an_image_that_may_not_be_used_is_a_conflict(copying: "MarketPushes") -> None:
    copying.cloud.foreign = {}
    ((state, reason),) = outcome(copying)
    assert (state, "no image ami-rhcos that this account may use" in reason) == (ItemState.UPLOADFAILED, True)


def test_community_images_of_the_same_build_in_the_account_are_no_conflict(selling: "MarketPushes") -> None:
    build = {"nvra": "rhel-ec2-9.4-1.x86_64", "name": "rhel-ec2", "version": "9.4", "release": "1", "arch": "x86_64", "buildid": "None"}
    have_image(selling.cloud, "us-east-1", "ami-hourly", "RHEL-9.4-Hourly2-GP3", {**build, "billing_type": "hourly"})
    assert outcome(selling) == PUSHED


def test_one_product_in_the_mappings_of_two_accounts_is_refused_by_their_names(selling: "MarketPushes") -> None:
    selling.destinations = {"aws-na": ["prod-a"], "aws-emea": ["prod-a"]}
    assert [reason.partition(", and ")[2] for _, reason in outcome(selling)] == ["are images of aws-na and aws-emea"] * 2


def test_a_version_without_minor_fails_the_destination_that_asks_for_one_and_no_other(selling: "MarketPushes") -> None:
    release = ReleaseInfo("RHEL", date(2026, 5, 11), "x86_64", 1, "9")
    selling.items = (replace(selling.items[0], release=release),)
    selling.meta = {**selling.meta, "ami_version_template": "{major}", "release_notes": "notes"}
    template = {"ami_version_template": "{major}"}
    selling.destinations = {
        "aws-na": [
            {"destination": "prod-a", **template},
            {"destination": "prod-b", "meta": {"release_notes": "see {minor_version}"}, **template},
        ]
    }
    first, second = outcome(selling)
    assert first == (ItemState.PUSHED, "")
    assert (second[0], "the version 9 has no minor one" in second[1]) == (ItemState.UPLOADFAILED, True)


def test_two_images_of_one_version_of_a_product_both_fail(selling: "MarketPushes", market_item: Callable[..., PushItem]) -> None:
    arm = market_item("/stage/rhel-9.4-arm.raw", release=ReleaseInfo("RHEL", date(2026, 5, 11), "aarch64", 1, "9.4"))
    selling.items = (*selling.items, arm)
    results = outcome(selling)
    assert [state for state, _ in results] == [ItemState.UPLOADFAILED] * 2
    assert all("are different images" in reason for _, reason in results)
    selling.destinations = {
        "aws-na": [{"destination": "prod-a", "architecture": "x86_64"}, {"destination": "prod-arm", "architecture": "arm64"}]
    }
    selling.shop.add("prod-arm", "9.3 20250101-0", "ami-arm")
    selling.files = FakeFiles({**selling.files.disks, arm.src: b"a disk for ARM"})
    assert [state for state, _ in outcome(selling)] == [ItemState.PUSHED] * 2


def test_of_two_versions_of_one_title_the_one_that_can_be_had_counts(selling: "MarketPushes") -> None:
    asyncio.run(selling.run())
    product = selling.shop.products["prod-a"]
    hidden = replace(product.versions[-1], images=("ami-x",), options=(replace(product.versions[-1].options[0], visibility="Restricted"),))
    selling.shop.products["prod-a"] = replace(product, versions=(hidden, *product.versions))
    assert asyncio.run(selling.plan()).idle


def test_each_image_is_sold_and_dated_where_it_belongs_though_pushes_run_at_the_same_time(
    selling: "MarketPushes", market_item: Callable[..., PushItem]
) -> None:
    """Upstream keeps the image's id in the provider, where another thread's upload replaces it."""
    other = "/stage/rhel-8.10.raw"
    selling.items = (*selling.items, market_item(other, version="8.10"))
    selling.files = FakeFiles({**selling.files.disks, other: b"a disk of 8.10"})
    selling.destinations = {"aws-na": ["prod-a", "prod-b"]}
    selling.shop.add("prod-b", "8.9 x", "ami-b")
    assert outcome(selling) == PUSHED * 4
    names = {image: found.found.name for (_, image), found in selling.cloud.images.items()}
    for product in selling.shop.products.values():
        sold = {each.title: names[each.images[0]] for each in product.versions[1:]}
        assert sold == {TITLE: "RHEL-9.4_HVM-20260511-x86_64-1", "8.10 20260511-1": "RHEL-8.10_HVM-20260511-x86_64-1"}
    assert all("release_date" in each.found.tags for each in selling.cloud.images.values())


def test_no_secret_and_no_role_is_in_the_plan_or_the_journal(selling: "MarketPushes") -> None:
    asyncio.run(selling.run())
    plan = asyncio.run(selling.plan())
    assert "role/ingestion" not in str(plan.document())
    assert "role/ingestion" not in str(selling.earlier)
