"""The simulated EC2, asked by boto3 and by plain HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from penstock.model.arch import Arch
from penstock.simulators.aws import AwsSimulator, AwsThread
from penstock.simulators.cloud import Ami, Catalogue, Fault

if TYPE_CHECKING:
    from tests.conftest import Ask

NOW = datetime(2026, 5, 20, tzinfo=UTC)
DAY = timedelta(days=1)
PRODUCT = "59ead7de-2540-4653-a8b0-fa7926d5c845"
SOLD = Ami(
    region="us-east-1",
    id="ami-00000000000000001",
    name=f"RHEL-9.4-RHCOS-9.6_HVM_GA-20260210-x86_64-0-{PRODUCT}",
    owner="679593333241",
    owner_alias="aws-marketplace",
    description="RHEL CoreOS 9.6 9.6.20260210-0 <x86_64> & more",
    product_code="abc",
    published_at=datetime(2026, 2, 10, 12, 30, tzinfo=UTC),
)
STREAM = Ami(region="us-east-1", id="ami-00000000000000002", name="rhcos-9.6.20251015-1-aarch64", owner="531415883065", arch=Arch.AARCH64)
OLD = Ami(region="us-east-1", id="ami-00000000000000003", name="rhcos-old[1]", owner="531415883065", deprecated_at=NOW - DAY)
CATALOGUE = Catalogue(
    aws=(
        SOLD,
        STREAM,
        OLD,
        Ami(region="us-east-1", id="ami-00000000000000004", name="rhcos-to-come", owner="531415883065", published_at=NOW + DAY),
        Ami(region="us-east-1", id="ami-00000000000000005", name="rhcos-private", owner="531415883065", public=False),
        Ami(region="us-east-1", id="ami-00000000000000006", name="mine", owner="123456789012", public=False, deprecated_at=NOW - DAY),
        Ami(region="eu-west-1", id="ami-00000000000000007", name="rhcos-elsewhere", owner="531415883065"),
    )
)
ONCE = Config(retries={"total_max_attempts": 1, "mode": "standard"})


@pytest.fixture
def aws() -> Iterator[AwsSimulator]:
    with AwsThread(CATALOGUE, now=NOW, not_opted_in=["af-south-1"]) as simulator:
        yield simulator


def _client(aws: AwsSimulator, region: str = "us-east-1", key: str = "any") -> Any:  # noqa: ANN401  # boto3 has no types
    return boto3.client("ec2", region_name=region, endpoint_url=aws.url, aws_access_key_id=key, aws_secret_access_key="secret", config=ONCE)


def _ids(answer: dict[str, Any]) -> list[str]:
    return [image["ImageId"][-1] for image in answer["Images"]]


def test_an_image_has_what_readers_look_at(aws: AwsSimulator) -> None:
    (image,) = _client(aws).describe_images(Owners=["aws-marketplace"])["Images"]
    told = {key: image[key] for key in ("ImageId", "Name", "Description", "OwnerId", "ImageOwnerAlias", "Architecture", "CreationDate")}
    assert told == {
        "ImageId": SOLD.id,
        "Name": SOLD.name,
        "Description": SOLD.description,
        "OwnerId": "679593333241",
        "ImageOwnerAlias": "aws-marketplace",
        "Architecture": "x86_64",
        "CreationDate": "2026-02-10T12:30:00.000Z",
    }
    assert image["ProductCodes"] == [{"ProductCodeId": "abc", "ProductCodeType": "marketplace"}]
    assert (image["State"], image["Public"], image["RootDeviceType"]) == ("available", True, "ebs")


@pytest.mark.parametrize(
    ("owners", "found"),
    [
        (["531415883065"], ["2"]),
        (["aws-marketplace"], ["1"]),
        (["679593333241", "531415883065"], ["1", "2"]),
        (["self"], ["6"]),
        (["amazon"], []),
    ],
    ids=["number", "alias", "two", "self", "nobody"],
)
def test_owners_are_numbers_aliases_or_oneself(aws: AwsSimulator, owners: list[str], found: list[str]) -> None:
    assert _ids(_client(aws).describe_images(Owners=owners)) == found


@pytest.mark.parametrize(
    ("name", "values", "found"),
    [
        ("name", [f"*{PRODUCT}*"], ["1"]),
        ("name", ["rhcos-9.6.2025101?-1-*"], ["2"]),
        ("name", ["rhcos"], []),
        ("name", [r"rhcos-\*"], []),
        ("name", ["nothing", "mine"], ["6"]),
        ("owner-alias", ["aws-*"], ["1"]),
        ("owner-id", ["531415883065"], ["2"]),
        ("architecture", ["arm64"], ["2"]),
        ("state", ["available"], ["1", "2", "6"]),
        ("image-id", [STREAM.id, "ami-0ffffffffffffffff"], ["2"]),
        ("is-public", ["false"], ["6"]),
        ("product-code", ["abc"], ["1"]),
    ],
)
def test_filters_take_wildcards_and_one_value_is_enough(aws: AwsSimulator, name: str, values: list[str], found: list[str]) -> None:
    assert _ids(_client(aws).describe_images(Filters=[{"Name": name, "Values": values}])) == found


def test_every_filter_must_fit(aws: AwsSimulator) -> None:
    filters = [{"Name": "owner-id", "Values": ["531415883065"]}, {"Name": "architecture", "Values": ["x86_64"]}]
    assert _ids(_client(aws).describe_images(Filters=filters)) == []


def test_brackets_in_a_name_are_no_pattern(aws: AwsSimulator) -> None:
    filters = [{"Name": "name", "Values": ["rhcos-old[1]"]}]
    assert _ids(_client(aws).describe_images(Filters=filters, IncludeDeprecated=True)) == ["3"]


def test_deprecated_images_are_seen_on_demand_by_id_and_by_their_owner(aws: AwsSimulator) -> None:
    client = _client(aws)
    assert "3" not in _ids(client.describe_images())
    (old,) = client.describe_images(IncludeDeprecated=True, Filters=[{"Name": "name", "Values": [OLD.name]}])["Images"]
    assert old["DeprecationTime"] == "2026-05-19T00:00:00.000Z"
    assert _ids(client.describe_images(ImageIds=[OLD.id])) == ["3"]
    assert "6" in _ids(client.describe_images())


def test_an_image_appears_when_its_time_has_come(aws: AwsSimulator) -> None:
    client = _client(aws)
    assert "4" not in _ids(client.describe_images())
    aws.clock.advance(DAY.total_seconds())
    assert "4" in _ids(client.describe_images())


def test_each_region_has_its_own_images(aws: AwsSimulator) -> None:
    assert _ids(_client(aws, "eu-west-1").describe_images()) == ["7"]


def test_images_come_in_pages(aws: AwsSimulator) -> None:
    pages = _client(aws).get_paginator("describe_images").paginate(IncludeDeprecated=True, PaginationConfig={"PageSize": 2})
    assert [_ids(page) for page in pages] == [["1", "2"], ["3", "6"]]


def test_images_by_id_come_in_the_order_asked(aws: AwsSimulator) -> None:
    answer = _client(aws).describe_images(ImageIds=[STREAM.id, SOLD.id])
    assert sorted(_ids(answer)) == ["1", "2"]


@pytest.mark.parametrize(
    ("question", "code", "said"),
    [
        ({"ImageIds": ["ami-0ffffffffffffffff"]}, "InvalidAMIID.NotFound", r"The image id '\[ami-0ffffffffffffffff\]' does not exist"),
        ({"ImageIds": ["ami-x"]}, "InvalidAMIID.Malformed", 'Invalid id: "ami-x"'),
        ({"ImageIds": [SOLD.id], "MaxResults": 5}, "InvalidParameterCombination", "maxResults"),
        ({"MaxResults": 100_000}, "InvalidParameterValue", "maxResults"),
        ({"NextToken": "%"}, "InvalidParameterValue", "pagination token"),
        ({"Filters": [{"Name": "colour", "Values": ["red"]}]}, "InvalidParameterValue", "The filter 'colour' is invalid"),
    ],
    ids=["unknown", "malformed", "combination", "too many", "token", "filter"],
)
def test_wrong_questions_are_refused_as_ec2_does(aws: AwsSimulator, question: dict[str, Any], code: str, said: str) -> None:
    with pytest.raises(ClientError, match=said) as caught:
        _client(aws).describe_images(**question)
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_regions_are_those_of_the_partition_that_are_enabled(aws: AwsSimulator) -> None:
    names = [region["RegionName"] for region in _client(aws).describe_regions()["Regions"]]
    assert {"us-east-1", "ap-east-1"} <= set(names)
    assert not {"af-south-1", "us-gov-west-1"} & set(names)
    every = {region["RegionName"]: region["OptInStatus"] for region in _client(aws).describe_regions(AllRegions=True)["Regions"]}
    assert (every["af-south-1"], every["us-east-1"], every["ap-east-1"]) == ("not-opted-in", "opt-in-not-required", "opted-in")
    gov = _client(aws, "us-gov-west-1").describe_regions()["Regions"]
    assert [region["RegionName"] for region in gov] == ["us-gov-east-1", "us-gov-west-1"]


def test_a_region_is_asked_for_by_name(aws: AwsSimulator) -> None:
    client = _client(aws)
    assert client.describe_regions(RegionNames=["us-east-1"])["Regions"][0]["Endpoint"] == "ec2.us-east-1.amazonaws.com"
    with pytest.raises(ClientError, match="Invalid region provided: nowhere"):
        client.describe_regions(RegionNames=["nowhere"])


@pytest.mark.parametrize("region", ["af-south-1", "moon-1"], ids=["not opted in", "unknown"])
def test_a_region_that_is_closed_lets_nobody_in(aws: AwsSimulator, region: str) -> None:
    with pytest.raises(ClientError, match="AuthFailure"):
        _client(aws, region).describe_images()


def test_a_key_that_is_not_the_one_is_refused() -> None:
    with AwsThread(access_key_id="right") as aws:
        assert _client(aws, key="right").describe_images()["Images"] == []
        with pytest.raises(ClientError, match="AuthFailure"):
            _client(aws, key="wrong").describe_images()


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [({}, 403, b"<Code>MissingAuthenticationToken</Code>"), ({"Authorization": "AWS4-HMAC-SHA256 x"}, 401, b"<Code>AuthFailure</Code>")],
    ids=["unsigned", "nonsense"],
)
def test_a_request_must_be_signed(ask: "Ask", aws: AwsSimulator, headers: dict[str, str], status: int, code: bytes) -> None:
    answer = ask(aws.url, "POST", b"Action=DescribeImages&Version=2016-11-15", headers)
    assert answer.status == status
    assert code in answer.body


def test_another_action_is_refused(aws: AwsSimulator) -> None:
    with pytest.raises(ClientError, match="The action DescribeVpcs is not valid"):
        _client(aws).describe_vpcs()


def test_the_log_names_action_region_and_parameters(aws: AwsSimulator) -> None:
    _client(aws, "eu-west-1").describe_images(Owners=["531415883065"])
    (request,) = aws.requests
    assert (request.api, request.authorization) == ("aws.DescribeImages", "aws4-hmac-sha256")
    assert dict(request.query) == {"Action": "DescribeImages", "Version": "2016-11-15", "Owner.1": "531415883065", "region": "eu-west-1"}


def test_faults_are_aimed_at_actions_and_regions(aws: AwsSimulator) -> None:
    aws.faults.add(Fault.parse("status=503@Action=DescribeImages.*region=eu-west-1"))
    assert _client(aws).describe_images()["Images"]
    with pytest.raises(ClientError, match="RequestLimitExceeded"):
        _client(aws, "eu-west-1").describe_images()


def test_boto3_tries_again_when_it_is_throttled(aws: AwsSimulator) -> None:
    aws.faults.add(Fault.parse("status=503,times=1"))
    client = boto3.client("ec2", region_name="us-east-1", endpoint_url=aws.url, aws_access_key_id="any", aws_secret_access_key="secret")
    assert client.describe_images(ImageIds=[SOLD.id])["Images"]
    assert len(aws.requests) == 2


def test_a_partial_answer_of_ec2_says_nothing_of_what_it_misses(aws: AwsSimulator) -> None:
    aws.faults.add(Fault.parse("partial=34,times=1"))
    partial, whole = (_client(aws).describe_images() for _ in range(2))
    assert (len(partial["Images"]), len(whole["Images"])) == (2, 3)
    assert "NextToken" not in partial


@pytest.mark.parametrize(("status", "code"), [(401, "AuthFailure"), (403, "UnauthorizedOperation"), (500, "InternalError")])
def test_a_fault_is_worded_as_ec2_words_its_status(aws: AwsSimulator, status: int, code: str) -> None:
    aws.faults.add(Fault.parse(f"status={status}"))
    with pytest.raises(ClientError, match=code):
        _client(aws).describe_images()
