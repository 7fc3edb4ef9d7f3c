"""What an install-config asks for."""

from typing import Any

import pytest
import yaml

from penstock.formats.installconfig import parse_install_config
from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.marketplace import PurchasePlan
from penstock.streams.choice.request import OwnImage
from penstock.streams.choice.wishes import Role, Wishes, wishes_of

URN = {"publisher": "azureopenshift", "offer": "aro4", "sku": "aro_422", "version": "9.8.20260428"}


def read(tree: dict[str, Any], role: Role = Role.CONTROL_PLANE) -> Wishes:
    content = yaml.safe_dump({"apiVersion": "v1", "metadata": {"name": "a"}, "pullSecret": "secret", **tree}).encode()
    return wishes_of(parse_install_config(content, subject="c"), role, subject="c")


def on(platform: str, cluster: dict[str, Any] | None = None, pool: dict[str, Any] | None = None) -> dict[str, Any]:
    tree: dict[str, Any] = {"platform": {platform: cluster or {}}}
    return tree | ({"controlPlane": {"name": "master", "platform": {platform: pool}}} if pool is not None else {})


def test_platform_region_and_architecture_are_read() -> None:
    tree = on("aws", {"region": "eu-west-1"}) | {"controlPlane": {"architecture": "arm64"}, "compute": [{"architecture": "amd64"}]}
    assert read(tree) == Wishes("aws", Arch.AARCH64, "eu-west-1")
    assert read(tree, Role.WORKER).arch is Arch.X86_64
    assert read(on("none")) == Wishes("none", Arch.X86_64)


def test_without_workers_the_control_plane_works() -> None:
    tree = on("aws") | {"controlPlane": {"architecture": "arm64"}, "compute": []}
    assert read(tree, Role.WORKER).arch is Arch.AARCH64


@pytest.mark.parametrize(
    ("platform", "plan"), [("azure", PurchasePlan.NO_PURCHASE_PLAN), ("aws", PurchasePlan.OCP), ("gcp", PurchasePlan.OCP)]
)
@pytest.mark.parametrize("place", ["cluster", "default", "pool"])
def test_marketplace_true_is_enough(platform: str, plan: PurchasePlan, place: str) -> None:
    wish: dict[str, Any] = {"marketplace": True}
    cluster = {"cluster": wish, "default": {"defaultMachinePlatform": wish}, "pool": {}}[place]
    assert read(on(platform, cluster, wish if place == "pool" else None)).plan is plan


@pytest.mark.parametrize(
    ("cluster", "pool", "plan"),
    [
        ({"marketplace": "opp"}, None, PurchasePlan.OPP),
        ({"marketplace": "opp"}, {"marketplace": "oke"}, PurchasePlan.OKE),
        ({"marketplace": "opp", "defaultMachinePlatform": {"marketplace": "ocp"}}, {}, PurchasePlan.OCP),
        ({"marketplace": "opp"}, {"marketplace": False}, None),
        ({}, {}, None),
    ],
)
def test_the_wish_that_is_nearest_to_the_machines_counts(
    cluster: dict[str, Any], pool: dict[str, Any] | None, plan: PurchasePlan | None
) -> None:
    assert read(on("azure", cluster, pool)).plan is plan


def test_an_unknown_plan_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match="'ocpp'") as caught:
        read(on("azure", {"marketplace": "ocpp"}))
    assert "ocp-emea" in caught.value.hint


@pytest.mark.parametrize("place", ["default", "pool"])
def test_confidential_machines_are_recognised(place: str) -> None:
    wish = {"settings": {"securityType": "ConfidentialVM"}}
    assert read(on("azure", {"defaultMachinePlatform": wish} if place == "default" else {}, wish if place == "pool" else None)).confidential
    assert not read(on("azure", {"defaultMachinePlatform": {"settings": {"securityType": "TrustedLaunch"}}})).confidential


def test_a_stack_hub_and_the_stream_are_recognised() -> None:
    wishes = read(on("azure", {"cloudName": "AzureStackCloud", "clusterOSImage": "https://x.example/a.vhd"}) | {"osImageStream": "rhel-10"})
    assert wishes.own is not None
    assert (wishes.stack_hub, wishes.stream, wishes.own.image, wishes.own.where) == (
        True,
        "rhel-10",
        "https://x.example/a.vhd",
        OwnImage.CLUSTER,
    )


@pytest.mark.parametrize(
    ("platform", "cluster", "pool", "image"),
    [
        ("aws", {"amiID": "ami-1"}, None, "ami-1"),
        ("aws", {"amiID": "ami-1", "defaultMachinePlatform": {"amiID": "ami-2"}}, None, "ami-2"),
        ("aws", {"amiID": "ami-1", "defaultMachinePlatform": {"amiID": "ami-2"}}, {"amiID": "ami-3"}, "ami-3"),
        ("gcp", {"defaultMachinePlatform": {"osImage": {"project": "p", "name": "n"}}}, None, "projects/p/global/images/n"),
        ("azure", {}, {"osImage": URN | {"plan": "NoPurchasePlan"}}, "azureopenshift:aro4:aro_422:9.8.20260428"),
        ("vsphere", {"clusterOSImage": "https://x.example/a.ova"}, None, "https://x.example/a.ova"),
    ],
)
def test_an_image_of_the_user_is_read(platform: str, cluster: dict[str, Any], pool: dict[str, Any] | None, image: str) -> None:
    own = read(on(platform, cluster, pool)).own
    assert own is not None
    assert own.image == image


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        ({"publisher": "redhat"}, "osImage has no offer, sku, version"),
        (URN | {"plan": "Yes"}, "osImage.plan is 'Yes'"),
        (URN, "the image has no license terms"),
        (URN | {"publisher": "RedHat", "plan": "NoPurchasePlan"}, "marketplace image requires license terms to be accepted"),
    ],
)
def test_an_image_of_the_user_that_cannot_be_is_refused(image: dict[str, str], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        read(on("azure", {"defaultMachinePlatform": {"osImage": image}}))


def test_a_paid_image_of_the_user_tells_of_its_terms() -> None:
    own = read(on("azure", {}, {"osImage": URN | {"publisher": "redhat", "offer": "rh-ocp-worker"}})).own
    assert own is not None
    assert "accept the terms" in own.warnings[0]


@pytest.mark.parametrize(
    "tree",
    [{"platform": {}}, {"platform": {"aws": {}, "gcp": {}}}, {}, {"platform": 1}, on("aws") | {"controlPlane": {"architecture": "z80"}}],
)
def test_what_is_no_install_config_is_refused(tree: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        read(tree)


@pytest.mark.parametrize(
    "text",
    [
        "platform: {aws: {region: [hunter2]}}\npullSecret: hunter2\n",
        "platform: {vsphere: {}}\npassword: *hunter2\n",
        "platform: {vsphere: {}}\npassword: !hunter2\n",
        "platform: {vsphere: {}}\npassword: !hunter2 {}\n",
        "platform: {vsphere: {}}\npassword: @hunter2\n",
        "platform: {vsphere: {}}\npassword: %hunter2\n",
        "platform: {vsphere: {}}\npassword: hunter2: x\n",
        'platform: {vsphere: {}}\npassword: "hunter2\n',
        "platform: hunter2\n",
        "platform: [hunter2]\n",
        "hunter2\n",
    ],
)
def test_no_message_shows_a_secret(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_install_config(text.encode(), subject="c")
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
