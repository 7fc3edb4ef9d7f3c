import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError, OperationError, TransientError
from penstock.model.marketplace import PurchasePlan
from penstock.ports import AwsCatalogue
from penstock.streams.populate.aws import find_aws_marketplace
from penstock.streams.populate.aws_products import MARKETPLACE_OWNER, PRODUCTS, ROSA_PRODUCT, build_in
from penstock.streams.populate.entries import Finding, Place, Rule, Slot
from penstock.streams.populate.request import Choice, PopulateRequest

Make = Callable[..., Any]
_OCP = PRODUCTS[Arch.X86_64, PurchasePlan.OCP]
_REGIONS = {"aws": {"regions": {"us-east-1": {"release": "9.6.20260214-0", "image": "ami-public"}}}}


def _previous(image: str, *, region: str = "us-east-1") -> dict[str, Any]:
    entry = {"product": _OCP, "regions": {region: {"release": "9.6.20251001-0", "image": image}}}
    return {"x86_64": {"aws": {"ocp": entry}}}


@pytest.fixture
def find_ocp(aws: AwsCatalogue, make_stream: Make, make_request: Make) -> Callable[..., Finding]:
    """The one finding for OCP on x86_64 in us-east-1, for a stream of this build."""

    def find(build: str = "9.6.20260214-0", **fields: object) -> Finding:
        stream = make_stream(build, images=_REGIONS)
        request = make_request(stream, plans=(PurchasePlan.OCP,), **fields)
        (finding,) = asyncio.run(find_aws_marketplace(aws, request))
        return finding

    return find


@pytest.mark.parametrize(
    ("description", "build"),
    [
        ("RHEL CoreOS 9.6 9.6.20260210-0 x86_64", "9.6.20260210-0"),
        ("rhcos-9.6.20250701-0-x86_64", "9.6.20250701-0"),
        ("OpenShift 4.18 418.94.202511191518-0 x86_64", "418.94.202511191518-0"),
        ("OpenShift 4.18 418.94.202511191518-10 x86_64", "418.94.202511191518-10"),
        ("RHEL CoreOS 10.2 10.2.20260423-0 aarch64", "10.2.20260423-0"),
        ("a build of 1.9.6.20260210-0", None),
        ("RHEL CoreOS 9.6", None),
        ("RHEL CoreOS 9.6 9.6.20261340-0 x86_64", None),
        ("", None),
    ],
)
def test_the_build_is_found_anywhere_in_a_description(description: str, build: str | None) -> None:
    found = build_in(description)
    assert (found and found.text) == build


def test_every_product_is_a_uuid_of_its_own_and_none_is_that_of_rosa() -> None:
    assert len({*PRODUCTS.values(), ROSA_PRODUCT}) == len(PRODUCTS) + 1
    assert all(len(uuid) == 36 for uuid in PRODUCTS.values())


def test_the_image_of_the_streams_build_is_exact(sell: Make, find_ocp: Make) -> None:
    sell("9.6.20260210-0", "ami-older")
    sell("9.6.20260214-0", "ami-exact")
    finding = find_ocp()
    assert (finding.rule, finding.image, finding.release, finding.product) == (Rule.EXACT, "ami-exact", "9.6.20260214-0", _OCP)
    assert finding.slot == Slot(Cloud.AWS, Arch.X86_64, PurchasePlan.OCP, region="us-east-1", place=Place.MARKETPLACE)
    assert finding.evidence.candidate_count == 2


def test_of_one_days_builds_the_very_build_wins_over_a_later_one(sell: Make, find_ocp: Make) -> None:
    sell("9.6.20260214-0", "ami-same")
    sell("9.6.20260214-1", "ami-respun")
    assert find_ocp().image == "ami-same"


def test_of_one_builds_images_the_newest_wins(sell: Make, find_ocp: Make) -> None:
    first = sell("9.6.20260214-0", "ami-first")
    sell("9.6.20260214-0", "ami-second", created=first.created + timedelta(hours=1))
    sell("9.6.20260214-0", "ami-third", created=first.created)
    assert find_ocp().image == "ami-second"


def test_without_it_the_newest_before_is_taken(sell: Make, find_ocp: Make) -> None:
    for day in ("20260101", "20260210", "20260220"):
        sell(f"9.6.{day}-0", f"ami-{day}")
    finding = find_ocp()
    assert (finding.rule, finding.image) == (Rule.BEHIND, "ami-20260210")
    assert finding.reason == "holds 9.6.20260210-0, 4 days before 9.6.20260214-0: the newest that is not after it"


def test_with_nothing_before_the_oldest_after_is_taken_and_told_as_ahead(sell: Make, find_ocp: Make) -> None:
    for day in ("20260215", "20260301"):
        sell(f"9.6.{day}-0", f"ami-{day}")
    finding = find_ocp()
    assert (finding.rule, finding.image) == (Rule.AHEAD, "ami-20260215")
    assert "a day after 9.6.20260214-0" in finding.reason


def test_an_image_one_minor_version_behind_is_upstreams_choice_and_not_the_bounded_one(sell: Make, find_ocp: Make) -> None:
    sell("9.4.20260301-0", "ami-9.4")
    assert find_ocp().rule is Rule.UNFIT
    finding = find_ocp(choice=Choice.UPSTREAM)
    assert (finding.rule, finding.image) == (Rule.UPSTREAM, "ami-9.4")


def test_upstream_takes_the_highest_version_and_then_the_newest_image(sell: Make, find_ocp: Make) -> None:
    old = sell("9.6.20260220-0", "ami-published-first")
    sell("9.6.20260110-0", "ami-published-last", created=old.created + timedelta(days=1))
    sell("9.4.20260225-0", "ami-9.4", created=old.created + timedelta(days=2))
    sell("9.8.20260225-0", "ami-9.8", created=old.created + timedelta(days=2))
    assert find_ocp(choice=Choice.UPSTREAM).image == "ami-published-last"


def test_upstream_leaves_out_builds_from_before_rhels_numbers(sell: Make, find_ocp: Make) -> None:
    sell("418.94.202511191518-0", "ami-418")
    assert find_ocp("418.94.202511191518-0", choice=Choice.UPSTREAM).rule is Rule.UNFIT


@pytest.mark.parametrize("stream", ["418.94.202511191518-0", "418.94.202511200000-0", "9.4.20251119-0"])
def test_a_stream_of_rhel_9_4_finds_the_images_that_openshift_4_18_is_named_in(stream: str, sell: Make, find_ocp: Make) -> None:
    sell("418.94.202511191518-0", "ami-418", description="OpenShift 4.18 418.94.202511191518-0 x86_64")
    assert find_ocp(stream).image == "ami-418"


@pytest.mark.parametrize("choice", Choice)
def test_another_major_version_of_rhel_is_never_taken(choice: Choice, sell: Make, find_ocp: Make) -> None:
    sell("9.8.20260214-0", "ami-9.8")
    finding = find_ocp("10.2.20260423-0", choice=choice)
    assert (finding.rule, finding.image) == (Rule.UNFIT, None)
    assert "9.8" in finding.reason


def test_a_deprecated_image_gives_way_to_the_next_best(sell: Make, find_ocp: Make, make_stream: Make, make_request: Make) -> None:
    now = make_request(make_stream()).now
    sell("9.6.20260214-0", "ami-deprecated", deprecated_on=now - timedelta(days=1))
    sell("9.6.20260210-0", "ami-active", deprecated_on=now + timedelta(days=1))
    assert find_ocp().image == "ami-active"


@pytest.mark.parametrize("flaw", [{"state": "pending"}, {"boots": None}, {"boots": Arch.AARCH64}, {"description": "RHEL CoreOS"}])
def test_an_image_that_cannot_be_used_or_read_is_passed_over(flaw: dict[str, Any], sell: Make, find_ocp: Make) -> None:
    sell("9.6.20260214-0", "ami-flawed", **flaw)
    sell("9.6.20260101-0", "ami-good")
    assert find_ocp().image == "ami-good"


def test_nothing_that_fits_keeps_the_entry_with_its_release_and_the_reason(sell: Make, find_ocp: Make) -> None:
    sell("9.8.20260214-0", "ami-9.8")
    finding = find_ocp(previous=_previous("ami-before"))
    assert (finding.rule, finding.image, finding.release) == (Rule.KEPT, "ami-before", "9.6.20251001-0")
    assert finding.reason == "no usable image is of RHEL 9.6; there is 9.8"


def test_no_image_at_all_and_no_entry_is_no_error(find_ocp: Make) -> None:
    assert find_ocp().rule is Rule.ABSENT


def test_prune_removes_an_entry_that_aws_knows_no_more_and_nothing_else(sell: Make, find_ocp: Make) -> None:
    assert find_ocp(previous=_previous("ami-gone"), prune=True).rule is Rule.PRUNED
    sell("9.8.20260214-0", "ami-there")
    assert find_ocp(previous=_previous("ami-there"), prune=True).rule is Rule.KEPT
    assert find_ocp(previous=_previous("ami-gone")).rule is Rule.KEPT


def test_a_region_that_cannot_be_asked_is_failed_keeps_its_entry_and_hinders_no_other(
    aws: AwsCatalogue, break_region: Make, sell: Make, make_stream: Make, make_request: Make
) -> None:
    sell("9.6.20260214-0", "ami-exact")
    error = TransientError("no answer", subject="eu-west-1")
    break_region("eu-west-1", error)
    request = make_request(make_stream(images=_REGIONS), previous=_previous("ami-before", region="eu-west-1"), plans=(PurchasePlan.OCP,))
    failed, found = asyncio.run(find_aws_marketplace(aws, request))
    assert (failed.slot.region, failed.rule, failed.image) == ("eu-west-1", Rule.FAILED, "ami-before")
    assert failed.error is error
    assert (found.slot.region, found.image) == ("us-east-1", "ami-exact")


def test_where_no_region_can_be_asked_that_is_the_answer(break_region: Make, find_ocp: Make) -> None:
    break_region("us-east-1", OperationError("AWS does not know these credentials"))
    with pytest.raises(OperationError, match="does not know"):
        find_ocp()


def test_regions_are_those_of_the_streams_amis(
    aws: AwsCatalogue, asked: list[tuple[str, str, str]], make_stream: Make, make_request: Make
) -> None:
    request: PopulateRequest = make_request(make_stream(images=_REGIONS))
    asyncio.run(find_aws_marketplace(aws, request))
    assert {region for region, _, _ in asked} == {"us-east-1"}


def test_a_region_that_the_stream_lacks_gets_its_image_where_it_is_named(
    aws: AwsCatalogue, sell: Make, make_stream: Make, make_request: Make
) -> None:
    # Upstream never updates machines in a region that the stream does not have.
    sell("9.6.20260214-0", "ami-spain", region="eu-south-2")
    request = make_request(make_stream(images=_REGIONS), plans=(PurchasePlan.OCP,))
    (finding,) = asyncio.run(find_aws_marketplace(aws, request, regions=["eu-south-2"]))
    assert (finding.slot.region, finding.image) == ("eu-south-2", "ami-spain")


@pytest.mark.parametrize("images", [{}, {"aws": {}}, {"gcp": {"project": "rhcos-cloud", "name": "rhcos"}}])
def test_a_stream_without_amis_is_looked_for_in_all_regions_of_the_account(
    images: dict[str, Any], aws: AwsCatalogue, sell: Make, make_stream: Make, make_request: Make
) -> None:
    sell("9.6.20260214-0", "ami-ireland", region="eu-west-1")
    request = make_request(make_stream(images=images), plans=(PurchasePlan.OCP,))
    found = {finding.slot.region: finding.image for finding in asyncio.run(find_aws_marketplace(aws, request))}
    assert found == {"eu-west-1": "ami-ireland", "us-east-1": None}


def test_a_region_of_another_partition_is_not_asked_and_keeps_its_entry(
    aws: AwsCatalogue, asked: list[tuple[str, str, str]], make_stream: Make, make_request: Make
) -> None:
    images = {"aws": {"regions": {"us-gov-west-1": {"release": "9.6.20260214-0", "image": "ami-gov"}}}}
    request = make_request(make_stream(images=images), previous=_previous("ami-1", region="us-gov-west-1"), plans=(PurchasePlan.OCP,))
    (finding,) = asyncio.run(find_aws_marketplace(aws, request))
    assert (finding.rule, finding.image, finding.reason) == (Rule.KEPT, "ami-1", "these credentials do not reach the region")
    assert asked == []


def test_an_account_that_may_not_list_regions_asks_those_of_the_stream(hide_regions: None, sell: Make, find_ocp: Make) -> None:
    sell("9.6.20260214-0", "ami-exact")
    assert find_ocp().image == "ami-exact"


def test_an_account_that_may_not_list_regions_and_a_stream_that_names_none_is_an_error(
    aws: AwsCatalogue, hide_regions: None, make_stream: Make, make_request: Make
) -> None:
    with pytest.raises(InputError, match="no region to look in is known"):
        asyncio.run(find_aws_marketplace(aws, make_request(make_stream())))


def test_each_product_is_asked_for_by_its_id_once_a_region(
    aws: AwsCatalogue, asked: list[tuple[str, str, str]], make_stream: Make, make_request: Make
) -> None:
    request = make_request(make_stream(arches=("aarch64", "x86_64", "s390x"), images=_REGIONS))
    findings = asyncio.run(find_aws_marketplace(aws, request))
    assert sorted(asked) == sorted(("us-east-1", MARKETPLACE_OWNER, f"*{product}*") for product in PRODUCTS.values())
    assert [finding.slot.arch for finding in findings] == [Arch.AARCH64] * 3 + [Arch.X86_64] * 6


def test_nobody_sells_fedora_coreos(aws: AwsCatalogue, make_stream: Make, make_request: Make) -> None:
    request = make_request(make_stream("42.20250526.3.0", name="stable", distribution="fedora-coreos", images=_REGIONS))
    assert asyncio.run(find_aws_marketplace(aws, request)) == []


def test_what_is_written_a_reader_of_upstreams_keys_passes_over(sell: Make, find_ocp: Make, make_request: Make, make_stream: Make) -> None:
    import msgspec

    from penstock.formats.codec import to_tree
    from penstock.streams.populate.placing import put_into_marketplace

    class UpstreamMarketplace(msgspec.Struct):
        azure: dict[str, Any] | None = None

    sell("9.6.20260214-0", "ami-exact")
    written = json.dumps(to_tree(put_into_marketplace({}, find_ocp()))).encode()
    assert msgspec.json.decode(written, type=dict[str, UpstreamMarketplace]) == {"x86_64": UpstreamMarketplace()}
    aws = json.loads(written)["x86_64"]["aws"]
    assert aws == {"ocp": {"product": _OCP, "regions": {"us-east-1": {"release": "9.6.20260214-0", "image": "ami-exact"}}}}
