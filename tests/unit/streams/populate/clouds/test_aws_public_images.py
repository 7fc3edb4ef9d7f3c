import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud
from penstock.model.errors import OperationError
from penstock.ports import AwsCatalogue
from penstock.streams.populate.aws import find_aws_public
from penstock.streams.populate.entries import Place, Rule, Slot

Make = Callable[..., Any]
_BUILD = "9.8.20260428-0"


@pytest.fixture
def look(
    aws: AwsCatalogue, asked: list[tuple[str, str, str]], make_stream: Make, make_request: Make
) -> Callable[[str, str], list[tuple[str, str, str]]]:
    """Look in one region for the AMI of a build of a distribution: what was asked."""

    def ask(build: str, distribution: str) -> list[tuple[str, str, str]]:
        asyncio.run(find_aws_public(aws, make_request(make_stream(build, distribution=distribution)), regions=["us-east-1"]))
        return asked

    return ask


def test_regions_that_the_stream_lacks_get_the_ami_of_the_build(
    aws: AwsCatalogue, asked: list[tuple[str, str, str]], publish_ami: Make, make_stream: Make, make_request: Make
) -> None:
    # Upstream leaves such regions to themselves: OKD has two, and machines elsewhere are never updated.
    publish_ami(f"scos-{_BUILD}-x86_64", "ami-ireland", region="eu-west-1")
    images = {"aws": {"regions": {"us-east-1": {"release": _BUILD, "image": "ami-there"}}}}
    request = make_request(make_stream(_BUILD, images=images, distribution="scos"))
    (finding,) = asyncio.run(find_aws_public(aws, request))
    assert finding.slot == Slot(Cloud.AWS, Arch.X86_64, region="eu-west-1", place=Place.IMAGES)
    assert (finding.rule, finding.image, finding.release) == (Rule.EXACT, "ami-ireland", _BUILD)
    assert [region for region, _, _ in asked] == ["eu-west-1"]


@pytest.mark.parametrize(
    ("build", "distribution", "owner", "name"),
    [
        (_BUILD, "rhcos", "531415883065", "rhcos-9.8.20260428-0-x86_64"),
        ("418.94.202410090804-0", "rhcos", "531415883065", "rhcos-418.94.202410090804-0-x86_64"),
        ("10.0.20250628-0", "scos", "531415883065", "scos-10.0.20250628-0-x86_64"),
        ("42.20250526.3.0", "fedora-coreos", "125523088429", "fedora-coreos-42.20250526.3.0-x86_64"),
    ],
)
def test_each_distribution_is_looked_for_at_its_publisher_by_its_name(
    build: str, distribution: str, owner: str, name: str, look: Make
) -> None:
    assert look(build, distribution) == [("us-east-1", owner, name)]


def test_each_architecture_has_its_own_ami(aws: AwsCatalogue, publish_ami: Make, make_stream: Make, make_request: Make) -> None:
    for arch in ("aarch64", "x86_64"):
        publish_ami(f"rhcos-{_BUILD}-{arch}", f"ami-{arch}")
    request = make_request(make_stream(_BUILD, arches=("aarch64", "ppc64le", "s390x", "x86_64")))
    findings = asyncio.run(find_aws_public(aws, request, regions=["us-east-1"]))
    assert [(finding.slot.arch, finding.image) for finding in findings] == [(Arch.AARCH64, "ami-aarch64"), (Arch.X86_64, "ami-x86_64")]


@pytest.mark.parametrize("flaw", [{"public": False}, {"state": "pending"}, {"deprecated": True}, {"arch": Arch.AARCH64}])
def test_an_ami_that_cannot_be_used_is_not_put_in(
    flaw: dict[str, Any], aws: AwsCatalogue, publish_ami: Make, make_stream: Make, make_request: Make
) -> None:
    request = make_request(make_stream(_BUILD))
    if flaw.pop("deprecated", False):
        flaw = {"deprecated_on": request.now - timedelta(seconds=1)}
    publish_ami(f"rhcos-{_BUILD}-x86_64", "ami-flawed", **flaw)
    (finding,) = asyncio.run(find_aws_public(aws, request, regions=["us-east-1"]))
    assert (finding.rule, finding.image) == (Rule.ABSENT, None)


def test_another_builds_entry_stays_while_the_new_ami_is_not_there(aws: AwsCatalogue, make_stream: Make, make_request: Make) -> None:
    images = {"aws": {"regions": {"us-east-1": {"release": "9.8.20260101-0", "image": "ami-old"}}}}
    request = make_request(make_stream(_BUILD, images=images), prune=True)
    (finding,) = asyncio.run(find_aws_public(aws, request, regions=["us-east-1"]))
    assert (finding.rule, finding.image) == (Rule.KEPT, "ami-old")
    assert finding.reason == f"531415883065 has no rhcos-{_BUILD}-x86_64 here"


def test_another_builds_entry_gives_way_to_the_builds_own_ami(
    aws: AwsCatalogue, publish_ami: Make, make_stream: Make, make_request: Make
) -> None:
    publish_ami(f"rhcos-{_BUILD}-x86_64", "ami-new")
    images = {"aws": {"regions": {"us-east-1": {"release": "9.8.20260101-0", "image": "ami-old"}}}}
    (finding,) = asyncio.run(find_aws_public(aws, make_request(make_stream(_BUILD, images=images)), regions=["us-east-1"]))
    assert finding.image == "ami-new"


def test_without_leave_to_list_regions_and_without_names_it_is_an_error_and_not_an_empty_answer(
    aws: AwsCatalogue, hide_regions: None, make_stream: Make, make_request: Make
) -> None:
    with pytest.raises(OperationError):
        asyncio.run(find_aws_public(aws, make_request(make_stream(_BUILD))))
