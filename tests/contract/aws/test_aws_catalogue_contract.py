"""The port ``AwsCatalogue`` through boto3, over the simulator and over moto."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from penstock.adapters.aws import AwsOptions, Ec2Catalogue
from penstock.model.arch import Arch
from penstock.model.catalogue import AwsImage
from penstock.ports import AwsCatalogue
from penstock.simulators.cloud import Ami

T = TypeVar("T")


@pytest.fixture(autouse=True)
def no_configuration_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")


def _ask(url: str, question: Callable[[AwsCatalogue], Awaitable[T]]) -> T:
    async def go() -> T:
        async with Ec2Catalogue(AwsOptions(endpoint=url)) as catalogue:
            return await question(catalogue)

    return asyncio.run(go())


def _as_read(ami: Ami) -> AwsImage:
    assert ami.published_at is not None
    return AwsImage(
        region=ami.region,
        id=ami.id,
        name=ami.name,
        description=ami.description,
        owner=ami.owner,
        owner_alias=ami.owner_alias,
        arch=ami.arch,
        created=ami.published_at,
    )


@pytest.mark.parametrize("owner", ["137112412989", "amazon"], ids=["number", "alias"])
@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_images_are_found_by_owner_and_read_whole(ec2_url: str, published_images: tuple[Ami, ...], owner: str, region: str) -> None:
    found = _ask(ec2_url, lambda catalogue: catalogue.list_images(region, owner=owner, name="*"))
    wanted = [_as_read(ami) for ami in published_images if ami.region == region]
    assert sorted(found, key=lambda image: image.id) == wanted


@pytest.mark.parametrize(
    ("name", "count"),
    [("*59ead7de*", 1), ("RHEL-*", 2), ("rhcos-9.6.2025101?-1-x86_64", 1), ("rhcos-9.6.20251015-1-x86_64", 1), ("rhcos", 0)],
    ids=["inside", "beginning", "one sign", "whole", "a part"],
)
def test_names_are_patterns(ec2_url: str, name: str, count: int) -> None:
    assert len(_ask(ec2_url, lambda catalogue: catalogue.list_images("us-east-1", owner="amazon", name=name))) == count


def test_another_owner_has_none(ec2_url: str) -> None:
    assert _ask(ec2_url, lambda catalogue: catalogue.list_images("us-east-1", owner="531415883065", name="*")) == ()


def test_images_are_found_by_id_and_those_that_do_not_exist_are_left_out(ec2_url: str) -> None:
    wanted = ["ami-00000000000000002", "ami-0ffffffffffffffff"]
    (found,) = _ask(ec2_url, lambda catalogue: catalogue.describe("us-east-1", wanted))
    assert (found.id, found.arch) == ("ami-00000000000000002", Arch.AARCH64)


def test_regions_are_sorted(ec2_url: str) -> None:
    regions = _ask(ec2_url, lambda catalogue: catalogue.list_regions())
    assert {"us-east-1", "eu-west-1"} <= set(regions)
    assert list(regions) == sorted(regions)


def _client(url: str) -> Any:  # noqa: ANN401  # boto3 has no types
    config = Config(retries={"total_max_attempts": 1, "mode": "standard"})
    return boto3.client(
        "ec2", region_name="us-east-1", endpoint_url=url, aws_access_key_id="any", aws_secret_access_key="any", config=config
    )


def test_an_unknown_id_is_an_error_where_it_is_asked_for_as_one(ec2_url: str) -> None:
    with pytest.raises(ClientError) as caught:
        _client(ec2_url).describe_images(ImageIds=["ami-0ffffffffffffffff"])
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("InvalidAMIID.NotFound", "The image id '[ami-0ffffffffffffffff]' does not exist")


@pytest.mark.parametrize(
    ("name", "values", "count"),
    [
        ("owner-alias", ["amazon"], 3),
        ("owner-id", ["137112412989"], 3),
        ("architecture", ["arm64"], 1),
        ("architecture", ["arm64", "x86_64"], 3),
        ("state", ["available"], 3),
        ("image-id", ["ami-00000000000000001"], 1),
        ("is-public", ["true"], 3),
        ("name", ["RHEL-*x86_64*"], 1),
        ("virtualization-type", ["paravirtual"], 0),
    ],
)
def test_filters_mean_the_same_in_both(ec2_url: str, name: str, values: list[str], count: int) -> None:
    images = _client(ec2_url).describe_images(Owners=["amazon"], Filters=[{"Name": name, "Values": values}])["Images"]
    assert len(images) == count


def test_what_both_say_of_an_image_is_the_same(ec2_url: str) -> None:
    (image,) = _client(ec2_url).describe_images(ImageIds=["ami-00000000000000001"])["Images"]
    told = {key: image[key] for key in ("State", "OwnerId", "ImageOwnerAlias", "Architecture", "CreationDate", "Public", "ImageType")}
    assert told == {
        "State": "available",
        "OwnerId": "137112412989",
        "ImageOwnerAlias": "amazon",
        "Architecture": "x86_64",
        "CreationDate": "2026-02-01T12:30:00.000Z",
        "Public": True,
        "ImageType": "machine",
    }
    assert image["Description"] == "RHEL CoreOS 9.6 9.6.20260210-0 <x86_64>"
