"""The lint of images in clouds, and of marketplace images."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from penstock.streams.lint.checking import check_document
from penstock.streams.lint.findings import Level, LintRule

Tree = dict[str, Any]
Said = Callable[..., list[str]]
NO_PLAN = "x86_64.azure.no-purchase-plan"


def _images(stream: Tree, arch: str = "x86_64") -> Tree:
    found: Tree = stream["architectures"][arch]["images"]
    return found


def _heads(lines: list[str]) -> list[str]:
    return [line.split(": ")[0] for line in lines]


@pytest.mark.parametrize("image", ["", "ami-123", "ami-0123456789ABCDEF0", "i-0123456789abcdef0"])
def test_an_ami_of_another_form_is_an_error(said: Said, stream: Tree, image: str) -> None:
    _images(stream)["aws"]["regions"]["us-east-1"]["image"] = image
    assert _heads(said(stream)) == ["error ami-form $.architectures.x86_64.images.aws.regions.us-east-1.image"]


def test_an_ami_in_two_regions_is_an_error(said: Said, stream: Tree) -> None:
    regions = _images(stream)["aws"]["regions"]
    regions["us-east-1"]["image"] = regions["eu-west-1"]["image"]
    (line,) = said(stream)
    assert line.endswith("stands in eu-west-1 too; an image is of one region")


def test_the_images_with_a_windows_licence_are_looked_at(said: Said, stream: Tree) -> None:
    regions = {"us-east-1": {"release": "9.6.20250826-1", "image": "ami-nothing"}}
    stream["architectures"]["x86_64"]["rhel-coreos-extensions"]["aws-winli"] = {"regions": regions}
    place = "$.architectures.x86_64.rhel-coreos-extensions.aws-winli.regions.us-east-1.image"
    assert _heads(said(stream)) == [f"error ami-form {place}"]


@pytest.mark.parametrize(
    ("key", "value", "heads"),
    [
        ("name", "rhcos-9-6-20250826-1-gcp-aarch64", ["error gcp-image $.architectures.x86_64.images.gcp.name"]),
        ("name", "rhcos-9-6-20250827-0-gcp-x86-64", ["warning gcp-image $.architectures.x86_64.images.gcp.name"]),
        ("name", "", ["error gcp-image $.architectures.x86_64.images.gcp.name"]),
        ("project", "Not A Project", ["error gcp-image $.architectures.x86_64.images.gcp.project"]),
        ("release", None, []),
    ],
)
def test_an_image_of_google_cloud_says_its_release_and_architecture(
    said: Said, stream: Tree, key: str, value: str | None, heads: list[str]
) -> None:
    _images(stream)["gcp"][key] = value
    assert _heads(said(stream)) == heads


@pytest.mark.parametrize(
    ("pinned", "level"), [("", "warning"), ("quay.example/os:latest", "error"), ("quay.example/os@sha256:" + "ab" * 32, None)]
)
def test_a_container_image_is_pinned(said: Said, stream: Tree, pinned: str, level: str | None) -> None:
    _images(stream)["kubevirt"] = {"release": "9.6.20250826-1", "image": "quay.example/os:latest", "digest-ref": pinned}
    place = "digest-ref $.architectures.x86_64.images.kubevirt.digest-ref"
    assert _heads(said(stream)) == ([f"{level} {place}"] if level else [])


def test_the_address_of_an_object_is_that_of_its_bucket(said: Said, stream: Tree) -> None:
    _images(stream, "ppc64le")["powervs"]["regions"]["eu-de"]["bucket"] = "another"
    assert _heads(said(stream)) == ["warning object-url $.architectures.ppc64le.images.powervs.regions.eu-de.url"]


@pytest.mark.parametrize(
    ("image", "levels"),
    [
        ("/CommunityGalleries/g/Images/i/Versions/latest", ["warning", "info"]),
        ("/CommunityGalleries/g/Images/i/Versions/9.6.1", ["info"]),
        ({"gallery": "g", "image": "i", "version": "latest"}, ["warning"]),
        ({"gallery": "g", "image": "i", "version": "newest"}, ["error"]),
        ({"gallery": "g", "image": "i", "version": "9.6.20250826"}, []),
    ],
)
def test_an_image_of_a_gallery_has_a_pinned_version(said: Said, stream: Tree, image: object, levels: list[str]) -> None:
    _images(stream)["azure-community"] = image
    assert [line.partition(" gallery ")[0] for line in said(stream)] == levels


# --- the marketplace


def test_a_sound_marketplace_file_has_no_findings(said: Said, marketplace: Tree) -> None:
    assert said(marketplace) == []


def _at(tree: Tree, path: str) -> Tree:
    for step in path.split("."):
        tree = tree[step]
    return tree


@pytest.mark.parametrize(
    ("place", "key", "value", "finding"),
    [
        ("ocp.hyperVGen2", "publisher", "redhat-limited", "error azure-publisher: the publisher of ocp is redhat, not redhat-limited"),
        ("ocp-emea.hyperVGen2", "publisher", "redhat", "error azure-publisher: the publisher of ocp-emea is redhat-limited, not redhat"),
        (
            "no-purchase-plan.hyperVGen1",
            "publisher",
            "redhat",
            "error azure-publisher: the publisher of no-purchase-plan is azureopenshift",
        ),
        ("no-purchase-plan.hyperVGen1", "offer", "aro5", "error azure-offer: the offer of no-purchase-plan is aro4, not aro5"),
        ("oke.hyperVGen1", "sku", "rh-oke-worker", "error azure-sku: the SKU of oke hyperVGen1 is rh-oke-worker-gen1, not rh-oke-worker"),
        ("oke.hyperVGen2", "sku", "rh-oke-worker-gen1", "error azure-sku: the SKU of oke hyperVGen2 is rh-oke-worker, not rh-oke"),
        ("no-purchase-plan.hyperVGen2", "sku", "420-arm", "error azure-sku: the entry is x86_64 hyperVGen2, and the SKU 420-arm is of"),
        ("no-purchase-plan.hyperVGen2", "sku", "aro_420", "error azure-sku: the entry is x86_64 hyperVGen2, and the SKU aro_420 is of"),
        ("no-purchase-plan.hyperVGen1", "sku", "aro_5-0_x64_gen2", "error azure-sku: the entry is x86_64 hyperVGen1, and the SKU"),
        ("no-purchase-plan.hyperVGen2", "sku", "new_420", "warning azure-sku: the SKU 'new_420' is in none of ARO's spellings"),
        ("ocp.hyperVGen2", "version", "9.6", "error azure-version: '9.6' is no version of Azure, which is three dotted numbers"),
        ("ocp.hyperVGen2", "version", "9.6.20250826-1", "error azure-version: '9.6.20250826-1' is no version of Azure"),
        ("ocp.hyperVGen2", "version", "9.6.20251399", "warning azure-version: '9.6.20251399' holds no day of the calendar"),
        ("ocp.hyperVGen2", "version", "1.2.3", "warning azure-version: '1.2.3' is not an Azure version of CoreOS"),
        (
            "no-purchase-plan.hyperVGen1",
            "version",
            "421.96.20260101",
            "warning azure-version: the version 421.96.20260101 is of OpenShift 4.21",
        ),
        ("opp.hyperVGen2", "thirdParty", False, "error plan-boolean: thirdParty is false, and the plan says true"),
        ("no-purchase-plan.hyperVGen1", "purchasePlan", True, "error plan-boolean: purchasePlan is true, and the plan says false"),
    ],
)
def test_an_azure_image_that_is_not_what_its_plan_says_is_told(  # noqa: PLR0917  # the columns of a table
    said: Said, marketplace: Tree, place: str, key: str, value: object, finding: str
) -> None:
    _at(marketplace, f"x86_64.azure.{place}")[key] = value
    (line,) = said(marketplace)
    head, _, message = line.partition(": ")
    level, rule, path = head.split(" ", 2)
    assert f"{level} {rule}: {message}".startswith(finding)
    assert path.startswith(f"$.x86_64.azure.{place}")


@pytest.mark.parametrize("sku", ["420-v2", "aro_422-v2", "aro_5-0_x64_gen2"])
def test_every_spelling_of_aros_series_is_known(said: Said, marketplace: Tree, sku: str) -> None:
    _at(marketplace, f"{NO_PLAN}.hyperVGen2")["sku"] = sku
    assert said(marketplace) == []


def test_the_samples_wrong_offer_for_platform_plus_is_told(said: Said, marketplace: Tree) -> None:
    """The enhancement's sample has the offer of ocp under opp."""
    for generation in ("hyperVGen1", "hyperVGen2"):
        marketplace["x86_64"]["azure"]["opp"][generation] = dict(marketplace["x86_64"]["azure"]["ocp"][generation])
    lines = said(marketplace)
    assert len(lines) == 4
    assert "error azure-offer $.x86_64.azure.opp.hyperVGen1.offer: the offer of opp is rh-opp-worker, not rh-ocp-worker" in lines
    assert "error azure-sku $.x86_64.azure.opp.hyperVGen2.sku: the SKU of opp hyperVGen2 is rh-opp-worker, not rh-ocp-worker" in lines


def test_paid_images_and_first_generations_of_the_arm_are_errors(said: Said, marketplace: Tree) -> None:
    plans = marketplace["aarch64"]["azure"]
    plans["ocp"] = {"hyperVGen2": dict(marketplace["x86_64"]["azure"]["ocp"]["hyperVGen2"])}
    plans["no-purchase-plan"]["hyperVGen1"] = dict(plans["no-purchase-plan"]["hyperVGen2"])
    assert said(marketplace) == [
        "error marketplace-arch $.aarch64.azure.no-purchase-plan.hyperVGen1: Azure's Arm machines are of generation 2 alone",
        "error marketplace-arch $.aarch64.azure.ocp.hyperVGen2: the paid images are for x86_64 alone",
    ]


def test_a_marketplace_of_another_architecture_is_told(said: Said, marketplace: Tree) -> None:
    marketplace["s390x"] = {"azure": {"no-purchase-plan": marketplace["x86_64"]["azure"]["no-purchase-plan"]}}
    assert said(marketplace) == ["warning marketplace-arch $.s390x: nobody publishes marketplace images for s390x"]


@pytest.mark.parametrize(
    ("plan", "project", "name", "level"),
    [
        ("ocp", "redhat-marketplace-public", "redhat-coreos-ocp-413-x86-64-202305021736", None),
        ("opp", "redhat-marketplace-public", "redhat-coreos-opp-413-x86-64-202305021736", None),
        ("ocp", "redhat-marketplace-public", "redhat-coreos-ocp-48-x86-64-202210040145", None),
        ("oke", "rhcos-cloud", "redhat-coreos-oke-413-x86-64-202305021736", "error"),
        ("opp", "redhat-marketplace-public", "redhat-coreos-ocp-413-x86-64-202305021736", "error"),
        ("ocp", "redhat-marketplace-public", "redhat-coreos-ocp-413-aarch64-202305021736", "error"),
        ("ocp", "redhat-marketplace-public", "my-image", "warning"),
    ],
)
def test_a_marketplace_image_of_google_cloud_says_plan_and_architecture(  # noqa: PLR0917  # the columns of a table
    said: Said, marketplace: Tree, plan: str, project: str, name: str, level: str | None
) -> None:
    marketplace["x86_64"]["gcp"] = {plan: {"project": project, "name": name}}
    assert [line.partition(" gcp-marketplace ")[0] for line in said(marketplace)] == ([level] if level else [])


def test_an_aws_product_is_a_uuid_and_its_images_are_amis(said: Said, marketplace: Tree) -> None:
    marketplace["x86_64"]["aws"] = {"ocp": {"product": "ocp", "regions": {"us-east-1": {"image": "m-1"}}}}
    assert _heads(said(marketplace)) == [
        "error aws-product $.x86_64.aws.ocp.product",
        "error ami-form $.x86_64.aws.ocp.regions.us-east-1.image",
    ]
    product = {"product": "59ead7de-2540-4653-a8b0-fa7926d5c845", "regions": {"us-east-1": {"image": "ami-0123456789abcdef0"}}}
    marketplace["x86_64"]["aws"] = {"ocp": product}
    assert said(marketplace) == []


# --- structure


def test_unknown_keys_are_told_with_their_place(said: Said, stream: Tree, marketplace: Tree) -> None:
    stream["note"] = "n"
    stream["architectures"]["x86_64"]["artifacts"]["vmware"]["formats"]["ova"]["disk"]["size of file"] = 1
    assert said(stream) == [
        'info unknown-key $.note: the key "note" is not known; upstream\'s tools drop it when they write',
        (
            'info unknown-key $.architectures.x86_64.artifacts.vmware.formats.ova.disk["size of file"]: '
            'the key "size of file" is not known; upstream\'s tools drop it when they write'
        ),
    ]
    marketplace["x86_64"]["azure"]["ocp-apac"] = {}
    assert _heads(said(marketplace)) == ["info unknown-key $.x86_64.azure.ocp-apac"]


def test_empty_objects_are_told_but_not_empty_images(said: Said, stream: Tree) -> None:
    """HyperShift's document of 5.0 has such objects."""
    extensions = stream["architectures"]["x86_64"]["rhel-coreos-extensions"]
    extensions["aws-winli"] = {"regions": {}}
    extensions["marketplace"]["azure"]["ocp"] = {}
    del stream["architectures"]["ppc64le"]["artifacts"]["powervs"]
    stream["architectures"]["ppc64le"]["images"] = {}
    assert [head for head in _heads(said(stream)) if "empty-object" in head] == [
        "warning empty-object $.architectures.x86_64.rhel-coreos-extensions.aws-winli.regions",
        "warning empty-object $.architectures.x86_64.rhel-coreos-extensions.marketplace.azure.ocp",
    ]


def test_the_worst_findings_come_first(said: Said, marketplace: Tree) -> None:
    marketplace["x86_64"]["note"] = 1
    marketplace["s390x"] = {}
    _at(marketplace, f"{NO_PLAN}.hyperVGen1")["offer"] = "x"
    assert [line.split(" ")[0] for line in said(marketplace)] == ["error", "warning", "warning", "info"]


def test_json_of_findings_has_only_plain_words(said: Said, marketplace: Tree) -> None:
    marketplace["s390x"] = {}
    assert "PurchasePlan" not in json.dumps(said(marketplace))


def test_what_only_proposals_have_is_noted_because_upstream_s_tools_drop_it(stream: Tree, marketplace: Tree) -> None:
    marketplace["x86_64"]["gcp"] = {"ocp": {"project": "redhat-marketplace-public", "name": "redhat-coreos-ocp-413-x86-64-202305021736"}}
    marketplace["x86_64"]["azure"]["ocp"]["hyperVGen1"]["purchasePlan"] = True
    stream["architectures"]["x86_64"]["images"]["azure-community"] = {"gallery": "g", "image": "i", "version": "9.8.20260428"}
    findings = []
    for document in (marketplace, stream):
        findings += [placed.finding for placed in check_document(json.dumps(document).encode(), subject="d").findings]
    assert {(each.level, each.rule) for each in findings} == {(Level.INFO, LintRule.PROPOSED_KEY)}
    assert [each.place for each in findings] == [
        "$.x86_64.azure.ocp.hyperVGen1.purchasePlan",
        "$.x86_64.gcp",
        "$.architectures.x86_64.images.azure-community",
    ]
