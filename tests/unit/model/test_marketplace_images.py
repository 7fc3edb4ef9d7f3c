"""Marketplace images: what a plan, a generation and an image tell of themselves."""

import pytest

from penstock.formats.codec import decode, to_tree
from penstock.model.errors import InputError
from penstock.model.marketplace import (
    AwsMarketplace,
    AzureMarketplace,
    AzureMarketplaceImage,
    GcpMarketplace,
    GcpMarketplaceImage,
    Generation,
    Marketplace,
    PurchasePlan,
)
from penstock.model.record import Tree

IMAGE: Tree = {"publisher": "redhat", "offer": "rh-ocp-worker", "sku": "rh-ocp-worker-gen1", "version": "4.18.2025031114"}


def _image(**fields: str) -> AzureMarketplaceImage:
    return decode({**IMAGE, **fields} if isinstance(IMAGE, dict) else {}, AzureMarketplaceImage, subject="image")


def test_the_urn_has_three_colons_by_which_consumers_tell_it() -> None:
    assert _image().urn == "redhat:rh-ocp-worker:rh-ocp-worker-gen1:4.18.2025031114"


@pytest.mark.parametrize(
    ("publisher", "paid"),
    [("azureopenshift", False), ("AzureOpenShift", False), ("redhat", True), ("RedHat", True), ("redhat-limited", True)],
)
def test_only_what_aro_publishes_is_not_paid(publisher: str, paid: bool) -> None:
    assert _image(publisher=publisher).paid is paid


def test_all_plans_but_the_first_are_paid() -> None:
    assert [plan.value for plan in PurchasePlan] == ["no-purchase-plan", "ocp", "opp", "oke", "ocp-emea", "opp-emea", "oke-emea"]
    assert [plan.paid for plan in PurchasePlan] == [False] + [True] * 6


def test_a_plan_is_the_key_of_its_images() -> None:
    tree: Tree = {plan.value: {"hyperVGen2": IMAGE} for plan in PurchasePlan}
    azure = decode(tree, AzureMarketplace, subject="azure")
    assert [plan for plan in PurchasePlan if azure.plan(plan) is None] == []
    assert azure.extra == {}


def test_images_come_in_the_order_in_which_they_are_written() -> None:
    tree: Tree = {"oke-emea": {"hyperVGen2": IMAGE}, "ocp": {"hyperVGen2": IMAGE, "hyperVGen1": IMAGE}, "opp": {}, "oke": None}
    azure = decode(tree, AzureMarketplace, subject="azure")
    assert [(plan, generation) for plan, generation, _ in azure.images()] == [
        (PurchasePlan.OCP, Generation.GEN1),
        (PurchasePlan.OCP, Generation.GEN2),
        (PurchasePlan.OKE_EMEA, Generation.GEN2),
    ]


def test_generations_have_numbers() -> None:
    assert [generation.number for generation in Generation] == [1, 2]


def test_aws_and_google_cloud_have_no_unpaid_plan() -> None:
    assert AwsMarketplace().plan(PurchasePlan.NO_PURCHASE_PLAN) is None
    assert GcpMarketplace().plan(PurchasePlan.OCP_EMEA) is None


def test_an_image_of_google_cloud_has_a_path() -> None:
    image = GcpMarketplaceImage(project="redhat-marketplace-public", name="redhat-coreos-ocp-413-x86-64-202305021736")
    assert image.path == "projects/redhat-marketplace-public/global/images/redhat-coreos-ocp-413-x86-64-202305021736"


@pytest.mark.parametrize("key", ["publisher", "offer", "sku", "version"])
def test_an_image_without_one_of_its_four_fields_is_refused(key: str) -> None:
    assert isinstance(IMAGE, dict)
    with pytest.raises(InputError, match=f"the key '{key}' is missing"):
        decode({name: value for name, value in IMAGE.items() if name != key}, AzureMarketplaceImage, subject="image")


def test_a_marketplace_with_all_clouds_is_written_as_it_was_read() -> None:
    tree: Tree = {
        "aws": {"ocp": {"product": "59ead7de-2540-4653-a8b0-fa7926d5c845", "regions": {"us-east-1": {"image": "ami-0123456789abcdef0"}}}},
        "azure": {"ocp": {"hyperVGen1": IMAGE, "note": "kept"}},
        "gcp": {"oke": {"project": "redhat-marketplace-public", "name": "redhat-coreos-oke-413-x86-64-202305021736"}},
        "othercloud": 1,
    }
    assert to_tree(decode(tree, Marketplace, subject="entry")) == tree
