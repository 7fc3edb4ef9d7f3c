from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from penstock.model.push.items import AmiAttributes, BootMode, PushItem, VhdAttributes
from penstock.model.push.rhsm import RhsmProduct
from penstock.publish.community.enrichment import EnrichmentRules, enrich
from penstock.publish.community.target import CommunityTarget
from penstock.publish.mapping import Mapped
from penstock.publish.targets import Enriched, FailedTarget

Items = Callable[..., PushItem]
Maps = Callable[..., Mapped]


def enriched(*mapped: Mapped, **rules: Any) -> Enriched[CommunityTarget]:  # noqa: ANN401  (fields of EnrichmentRules)
    return enrich(mapped, EnrichmentRules(**rules))


def only(made: Enriched[CommunityTarget]) -> CommunityTarget:
    assert (made.failed, made.skipped) == ((), ())
    (target,) = made.targets
    return target


def failure(made: Enriched[CommunityTarget]) -> FailedTarget:
    assert made.targets == ()
    (failed,) = made.failed
    return failed


def of_release(item: PushItem, **fields: object) -> PushItem:
    return replace(item, release=replace(item.release, **fields))  # type: ignore[arg-type]


def test_a_target_has_everything_that_the_clouds_are_told(item: Items, mapped: Maps) -> None:
    destination = {"destination": "us-east-1-hourly", "tags": {"team": "x"}, "meta": {"release": {"type": "GA"}, "description": "An image"}}
    target = only(enriched(mapped(item(), [destination], order=3)))
    assert target.label == "aws-us-storage us-east-1-hourly rhel-9.4.raw"
    assert (target.order, target.bucket, target.object_key) == ((3, 0), "redhat-cloudimg-us-east-1", "rhel-9.4.raw")
    assert target.image_name == "RHEL-9.4_HVM_GA-20260511-x86_64-1-Hourly2-GP3"
    assert (target.registration.boot_mode, target.registration.billing_codes) == ("uefi-preferred", ("bp-1",))
    assert (target.registration.description, target.registration.ena_support) == ("An image", True)
    assert (target.public, target.rhsm_product, target.tags.destination) == (True, RhsmProduct("RHEL_HOURLY", "AWS"), {"team": "x"})
    assert target.source == item()


def test_the_item_prints_what_upstream_prints(item: Items, mapped: Maps) -> None:
    made = only(enriched(mapped(item(), ["us-gov-west-1-access"], provider="AGOV"))).item
    attributes = made.attributes
    assert isinstance(attributes, AmiAttributes)
    assert (made.dest, attributes.region, attributes.type) == (("us-gov-west-1-access",), "us-gov-west-1", "access")
    assert (attributes.marketplace_entity_type, attributes.public_image) == ("AGOV", False)


def test_access_is_another_product_of_rhsm(item: Items, mapped: Maps) -> None:
    assert only(enriched(mapped(item(), ["us-east-1-access"], provider="ACN"))).rhsm_product == RhsmProduct("RHEL", "ACN")


@pytest.mark.parametrize(
    ("said", "of_image", "skipped"),
    [("x86_64", "x86_64", False), ("arm64", "aarch64", False), ("aarch64", "x86_64", True), (None, "s390x", False), ("", "x86_64", False)],
)
def test_a_destination_for_another_architecture_is_skipped_though_upstream_pushes_there(
    item: Items, mapped: Maps, said: str | None, of_image: str, skipped: bool
) -> None:
    made = enriched(mapped(of_release(item(), arch=of_image), [{"destination": "us-east-1-hourly", "architecture": said}]))
    assert (len(made.skipped), len(made.targets)) == (int(skipped), int(not skipped))


def test_aarch64_is_arm64_everywhere(item: Items, mapped: Maps) -> None:
    target = only(enriched(mapped(of_release(item(), arch="aarch64"), ["us-east-1-hourly"])))
    assert (target.registration.arch, target.item.release.arch, target.tags.build["arch"]) == ("arm64", "arm64", "arm64")
    assert "-arm64-" in target.image_name


@pytest.mark.parametrize(
    ("product", "release_type", "public"),
    [("RHEL", None, True), ("RHEL", "beta", True), ("RHEL_HA", "ga", True), ("RHEL_HA", "beta", False), ("SAP", "ga", False)],
)
def test_who_may_use_an_hourly_image(item: Items, mapped: Maps, product: str, release_type: str | None, public: bool) -> None:
    destination = {"destination": "us-east-1-hourly", "meta": {"release": {"type": release_type}}}
    assert only(enriched(mapped(of_release(item(), product=product), [destination]))).public is public


def test_public_is_decided_with_the_final_type_though_upstream_forgets_beta(item: Items, mapped: Maps) -> None:
    target = only(enriched(mapped(of_release(item(), product="RHEL_HA"), ["us-east-1-hourly"]), beta=True))
    assert (target.public, target.item.release.type) == (False, "beta")


def test_the_release_type_is_that_of_the_meta_alone(item: Items, mapped: Maps) -> None:
    assert only(enriched(mapped(of_release(item(), type="ga"), ["us-east-1-hourly"]))).item.release.type is None


def test_another_release_type_is_a_failure(item: Items, mapped: Maps) -> None:
    meta = {"release": {"type": "alpha"}}
    assert "'alpha'" in failure(enriched(mapped(item(), [{"destination": "us-east-1-hourly", "meta": meta}]))).reason


@pytest.mark.parametrize("product", ["RHEL_HA", "SAP"])
def test_some_products_go_to_hourly_destinations_only(item: Items, mapped: Maps, product: str) -> None:
    made = enriched(mapped(of_release(item(), product=product), ["us-east-1-access", "us-east-1-hourly"]))
    assert [(each.destination, "hourly" in each.reason) for each in made.skipped] == [("us-east-1-access", True)]
    assert [str(each.destination) for each in made.targets] == ["us-east-1-hourly"]


def test_no_billing_codes_stop_the_run(item: Items, mapped: Maps) -> None:
    failed = failure(enriched(mapped(item(src="/stage/sap.raw"), ["us-east-1-hourly"])))
    assert (failed.fatal, "sap.raw of type hourly" in failed.reason) == (True, True)


def test_billing_codes_need_not_be(item: Items, mapped: Maps) -> None:
    target = only(enriched(mapped(item(src="/stage/sap.raw"), ["us-east-1-hourly"]), require_billing_codes=False))
    assert (target.image_name, target.registration.billing_codes) == ("RHEL-9.4_HVM-20260511-x86_64-1", ())


def test_a_bad_meta_fails_its_destination_only_and_all_of_it_is_told(item: Items, mapped: Maps) -> None:
    bad = {"destination": "us-east-1-hourly", "meta": {"uefi_support": 1, "release": {"date": "soon"}}}
    made = enriched(mapped(item(), [bad, "us-east-2-hourly"]))
    (failed,) = made.failed
    assert ("$.meta.uefi_support" in failed.reason, "$.meta.release.date" in failed.reason, failed.fatal) == (True, True, False)
    assert (failed.item.dest, [str(each.destination) for each in made.targets]) == (("us-east-1-hourly",), ["us-east-2-hourly"])


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"attributes": AmiAttributes(virtualization="hvm", volume="gp3")}, "root_device"),
        ({"attributes": AmiAttributes()}, "virtualization"),
        ({"attributes": VhdAttributes()}, "only images for AWS"),
    ],
)
def test_what_cannot_be_pushed_says_why(item: Items, mapped: Maps, fields: dict[str, Any], word: str) -> None:
    assert word in failure(enriched(mapped(item(**fields), ["us-east-1-hourly"]))).reason


def test_an_image_without_a_boot_mode_is_registered_without_one(item: Items, mapped: Maps) -> None:
    target = only(enriched(mapped(item(boot_mode=None), ["us-east-1-hourly"])))
    assert target.registration.boot_mode is None
    legacy = only(enriched(mapped(item(boot_mode=BootMode.LEGACY), ["us-east-1-hourly"])))
    assert legacy.registration.boot_mode == "legacy-bios"


def test_two_images_with_equal_release_data_both_fail(item: Items, mapped: Maps) -> None:
    other = item(src="/stage/rhel-9.4-other.raw.xz")
    made = enriched(mapped(item(), ["us-east-1-hourly", "us-east-2-hourly"]), mapped(other, ["us-east-1-hourly"], order=1))
    assert [each.order for each in made.failed] == [(0, 0), (1, 0)]
    assert all("equal release data" in each.reason for each in made.failed)
    assert [str(each.destination) for each in made.targets] == ["us-east-2-hourly"]


def test_two_types_of_one_name_both_fail_where_upstream_reuses_the_first(item: Items, mapped: Maps) -> None:
    made = enriched(mapped(item(), ["us-east-1-hourly", "us-east-1-access"]), require_billing_codes=False)
    assert (made.targets, ["billing codes would tell" in each.reason for each in made.failed]) == ((), [True, True])


def test_a_destination_that_is_named_twice_is_two_targets_with_labels_of_their_own(item: Items, mapped: Maps) -> None:
    made = enriched(mapped(item(), ["us-east-1-hourly", "us-east-1-hourly"]))
    labels = [each.label for each in made.targets]
    assert labels == ["aws-us-storage us-east-1-hourly rhel-9.4.raw", "aws-us-storage us-east-1-hourly rhel-9.4.raw #2"]


def test_the_prefix_of_buckets_is_an_argument(item: Items, mapped: Maps) -> None:
    assert only(enriched(mapped(item(), ["eu-west-1-hourly"]), container_prefix="mine")).bucket == "mine-eu-west-1"
