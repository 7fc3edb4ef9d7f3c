"""The boot image everywhere but on Azure."""

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.formats.stream import parse_stream
from penstock.model.arch import Arch
from penstock.model.errors import InputError, NotFoundError
from penstock.model.marketplace import PurchasePlan
from penstock.model.stream import Stream
from penstock.streams.choice.answer import ChoiceRule, ImageAnswer, ImageForm
from penstock.streams.choice.choosing import choose_image
from penstock.streams.choice.request import ImageRequest, NamedImage, OwnImage

A, B = "a" * 64, "b" * 64


def region(image: str) -> dict[str, str]:
    return {"release": "9.6.1", "image": image}


ENTRY: dict[str, Any] = {
    "artifacts": {
        "vmware": {"release": "9.6.1", "formats": {"ova": {"disk": {"location": "https://x.example/a.ova", "sha256": A}}}},
        "openstack": {
            "release": "9.6.1",
            "formats": {"qcow2.gz": {"disk": {"location": "https://x.example/a.qcow2.gz?b=1", "sha256": A, "uncompressed-sha256": B}}},
        },
        "nutanix": {"release": "9.6.1", "formats": {"qcow2": {"disk": {"location": "https://x.example/a.qcow2", "sha256": A}}}},
        "metal": {
            "release": "9.6.1",
            "formats": {
                "iso": {"disk": {"location": "https://x.example/a.iso", "sha256": A}},
                "raw.gz": {"disk": {"location": "https://x.example/a.raw.gz", "sha256": A, "uncompressed-sha256": B}},
                "pxe": {"kernel": {"location": "https://x.example/k", "sha256": A}},
            },
        },
        "several": {
            "release": "9.6.1",
            "formats": {name: {"disk": {"location": f"https://x.example/{name}", "sha256": A}} for name in ("a", "b")},
        },
        "empty": {"release": "9.6.1", "formats": {}},
    },
    "images": {
        "aws": {"regions": {"us-east-1": region("ami-1"), "eu-west-1": region("ami-2")}},
        "gcp": {"release": "9.6.1", "project": "rhcos-cloud", "name": "rhcos-9-6-1"},
        "kubevirt": {"release": "9.6.1", "image": "q.example/a:tag", "digest-ref": "q.example/a@sha256:1"},
        "powervs": {
            "regions": {"au-syd": {"object": "o", "bucket": "b", "url": "u"}, "eu-de": {"object": "o2", "bucket": "b2", "url": "u"}}
        },
    },
    "rhel-coreos-extensions": {
        "marketplace": {
            "aws": {"ocp": {"product": "p", "regions": {"eu-west-1": region("ami-9")}}},
            "gcp": {"opp": {"project": "redhat-marketplace-public", "name": "redhat-coreos-opp-413"}},
        }
    },
}


def stream(entry: dict[str, Any] = ENTRY) -> Stream:
    return parse_stream(json.dumps({"stream": "s", "architectures": {"x86_64": entry}}).encode(), subject="s")


def choose(platform: str, document: Stream | None = None, **wishes: Any) -> ImageAnswer:  # noqa: ANN401
    return choose_image(document or stream(), ImageRequest(platform, Arch.X86_64, **wishes))


@pytest.mark.parametrize(
    ("platform", "wishes", "image", "rule"),
    [
        ("aws", {"region": "eu-west-1"}, "ami-2", ChoiceRule.REGION),
        ("aws", {"region": "mars-1"}, "ami-1,us-east-1", ChoiceRule.COPIED),
        ("aws", {"region": "eu-west-1", "plan": PurchasePlan.OCP}, "ami-9", ChoiceRule.MARKETPLACE),
        ("gcp", {}, "projects/rhcos-cloud/global/images/rhcos-9-6-1", ChoiceRule.GLOBAL),
        (
            "gcp",
            {"plan": PurchasePlan.OPP},
            "projects/redhat-marketplace-public/global/images/redhat-coreos-opp-413",
            ChoiceRule.MARKETPLACE,
        ),
        ("kubevirt", {}, "q.example/a@sha256:1", ChoiceRule.GLOBAL),
        ("powervs", {"region": "au-syd"}, "b/o", ChoiceRule.REGION),
        ("powervs", {"region": "syd"}, "b/o", ChoiceRule.REGION),
        ("powervs", {"region": "mad"}, "b2/o2", ChoiceRule.REGION),
        ("vsphere", {}, f"https://x.example/a.ova?sha256={A}", ChoiceRule.DISK),
        ("openstack", {}, f"https://x.example/a.qcow2.gz?b=1&sha256={B}", ChoiceRule.DISK),
        ("nutanix", {}, f"https://x.example/a.qcow2?sha256={A}", ChoiceRule.DISK),
        ("metal", {}, f"https://x.example/a.iso?sha256={A}", ChoiceRule.DISK),
        ("metal", {"format_name": "raw.gz"}, f"https://x.example/a.raw.gz?sha256={B}", ChoiceRule.DISK),
        ("several", {"format_name": "b"}, f"https://x.example/b?sha256={A}", ChoiceRule.DISK),
        ("baremetal", {}, "", ChoiceRule.PAYLOAD),
        ("none", {}, "", ChoiceRule.PAYLOAD),
    ],
)
def test_the_image_of_a_platform(platform: str, wishes: dict[str, Any], image: str, rule: ChoiceRule) -> None:
    answer = choose(platform, **wishes)
    assert (answer.image, answer.rule) == (image, rule)


def test_for_a_platform_that_the_stream_lacks_those_that_it_has_are_listed() -> None:
    with pytest.raises(NotFoundError) as caught:
        choose("mars")
    assert caught.value.hint.startswith("there are: ")
    assert "openstack" in caught.value.hint


@pytest.mark.parametrize(
    ("platform", "wishes", "problem"),
    [
        ("aws", {"region": "mars-1", "plan": PurchasePlan.OCP}, "s/x86_64: No AWS marketplace image of ocp in region mars-1"),
        ("aws", {"region": "eu-west-1", "plan": PurchasePlan.OPP}, "s/x86_64: No AWS marketplace image of opp was found in stream"),
        ("gcp", {"plan": PurchasePlan.OCP}, "s/x86_64: No GCP marketplace image of ocp was found in stream"),
        ("powervs", {"region": "us-south"}, "s/x86_64: No Power VS build found in region us-south"),
        ("ibmcloud", {}, "s/x86_64: No ibmcloud build found"),
        ("metal", {"format_name": "pxe"}, "s/x86_64: artifact 'metal' format 'pxe' disk not found"),
        ("empty", {}, 'no "disk" artifact found'),
    ],
)
def test_an_image_that_is_not_there_is_told(platform: str, wishes: dict[str, Any], problem: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        choose(platform, **wishes)
    assert caught.value.message == problem


@pytest.mark.parametrize(
    ("platform", "problem"),
    [
        ("aws", "s/x86_64: No AWS images"),
        ("gcp", "s/x86_64: No GCP build found"),
        ("powervs", "s/x86_64: No Power VS build found"),
        ("kubevirt", "s/x86_64: No kubevirt build found"),
        ("vsphere", "s/x86_64: No vmware build found"),
        ("openstack", "s/x86_64: No openstack build found"),
    ],
)
@pytest.mark.parametrize("entry", [{}, {"images": {}}, {"images": None, "rhel-coreos-extensions": None}, {"images": {"gcp": {}}}])
def test_regression_upstream_dereferenced_images_that_are_not_there(platform: str, problem: str, entry: dict[str, Any]) -> None:
    with pytest.raises(NotFoundError) as caught:
        choose(platform, stream(entry), region="r")
    assert caught.value.message == problem


@pytest.mark.parametrize("aws", [{"regions": {}}, {}, {"regions": {"eu-west-1": region("ami-2")}}])
def test_a_region_that_cannot_be_copied_into_is_told(aws: dict[str, Any]) -> None:
    with pytest.raises(NotFoundError, match=r"^s/x86_64: No AWS images in region us-east-1$"):
        choose("aws", stream({"images": {"aws": aws}}), region="mars-1")


@pytest.mark.parametrize(
    ("platform", "wishes", "problem"),
    [
        ("aws", {}, "depends on the region"),
        ("powervs", {}, "depends on the region"),
        ("vsphere", {"plan": PurchasePlan.OCP}, "vsphere has no marketplace"),
        ("gcp", {"plan": PurchasePlan.OCP_EMEA}, "gcp has no marketplace images of ocp-emea"),
        ("aws", {"region": "r", "plan": PurchasePlan.NO_PURCHASE_PLAN}, "aws has no marketplace images of no-purchase-plan"),
        ("several", {}, 'multiple "disk" artifacts found'),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(platform: str, wishes: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        choose(platform, **wishes)


@pytest.mark.parametrize("where", OwnImage)
def test_the_user_s_own_image_wins_on_every_platform(where: OwnImage) -> None:
    for platform in ("aws", "azure", "gcp", "vsphere", "baremetal", "nothing"):
        answer = choose(platform, own=NamedImage("mine", where, ("careful",)))
        assert (answer.image, answer.form, answer.rule, answer.warnings) == ("mine", ImageForm.NAMED, ChoiceRule.OWN_IMAGE, ("careful",))


@pytest.mark.real_data
def test_every_platform_of_a_published_stream_has_an_answer(real_data: Path) -> None:
    content = (real_data / "streams/installer/coreos-rhel-9-98c7275538.json").read_bytes()
    document, tree = parse_stream(content, subject="s"), json.loads(content)
    for arch in Arch:
        entry = tree["architectures"][arch]
        for platform in {*entry["artifacts"], *entry["images"]} - {"azurestack"}:
            name = "vsphere" if platform == "vmware" else platform
            if platform in ("aws", "gcp", "azure", "powervs", "kubevirt") and platform != "azure" and platform not in entry["images"]:
                continue
            wanted = ImageRequest(name, arch, "us-east" if platform == "powervs" else "us-east-1")
            assert choose_image(document, wanted).image
