"""Copying images through boto3, over moto's server and over the simulator."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from penstock.adapters.aws import AwsOptions, AwsPushAccounts
from penstock.adapters.http.options import Retries
from penstock.model.errors import OperationError, PenstockError
from penstock.model.push.accounts import AccountAlias, AwsCredential, AwsKeys
from penstock.model.push.aws import FoundImage, NameTaken
from penstock.ports.publish import AwsPublisher
from penstock.simulators.cloud import Ami

T = TypeVar("T")
HOME, AWAY = "us-east-1", "eu-west-1"
TAGS = {"penstock:source": "ami-00000000000000001", "nvra": "rhcos-9.6-0.x86_64"}
CREDENTIAL = AwsCredential(
    alias=AccountAlias("aws-us-storage"), images=AwsKeys("key", "secret"), marketplace=AwsKeys("key", "secret"), access_role="arn"
)


@pytest.fixture(autouse=True)
def no_configuration_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")


def doing(url: str, work: Callable[[AwsPublisher], Awaitable[T]]) -> T:
    async def go() -> T:
        retries = Retries(attempts=2, first_wait_s=0.01)
        async with AwsPushAccounts(AwsOptions(endpoint=url, retries=retries)) as accounts:
            return await work(accounts.publisher(CREDENTIAL))

    return asyncio.run(go())


async def copied(aws: AwsPublisher, source: str, name: str, region: str = HOME, token: str = "") -> str:
    return await aws.copy_image(
        region, source_region=HOME, image_id=source, name=name, description="a copy", tags=TAGS, token=token or secrets.token_hex()
    )


@pytest.mark.parametrize("region", [HOME, AWAY])
def test_a_copy_is_an_image_of_the_account_with_its_name_tags_and_architecture(
    accounts_url: str, published_images: tuple[Ami, ...], region: str
) -> None:
    source, name = published_images[1], f"copy-{secrets.token_hex(4)}"

    async def work(aws: AwsPublisher) -> tuple[str, tuple[FoundImage, ...], tuple[str, ...]]:
        made = await copied(aws, source.id, name, region)
        await aws.tag(region, made, TAGS)
        found = await aws.images_by_name(region, [name])
        return made, found, tuple(each.id for each in await aws.images_by_tags(region, TAGS))

    made, found, tagged = doing(accounts_url, work)
    assert [(each.id, each.name, each.state, each.arch, each.public) for each in found] == [(made, name, "available", "arm64", False)]
    assert found[0].tags == TAGS
    assert made in tagged


def test_a_name_that_the_account_has_is_taken(accounts_url: str, published_images: tuple[Ami, ...], request: pytest.FixtureRequest) -> None:
    if "moto" in request.node.name:
        pytest.skip("moto copies under any name; EC2 does not")
    name = f"copy-{secrets.token_hex(4)}"

    async def twice(aws: AwsPublisher) -> None:
        await copied(aws, published_images[0].id, name)
        await copied(aws, published_images[0].id, name)

    with pytest.raises(NameTaken):
        doing(accounts_url, twice)


def test_an_equal_token_is_the_same_copy(accounts_url: str, published_images: tuple[Ami, ...], request: pytest.FixtureRequest) -> None:
    if "moto" in request.node.name:
        pytest.skip("moto passes over client tokens; EC2 does not")
    name, token = f"copy-{secrets.token_hex(4)}", secrets.token_hex()

    async def twice(aws: AwsPublisher) -> set[str]:
        return {await copied(aws, published_images[0].id, name, token=token) for _ in range(2)}

    assert len(doing(accounts_url, twice)) == 1


def test_what_is_not_there_cannot_be_copied(accounts_url: str) -> None:
    with pytest.raises(PenstockError) as caught:
        doing(accounts_url, lambda aws: copied(aws, "ami-0ffffffffffffffff", "copy-of-nothing"))
    assert isinstance(caught.value, OperationError) or "does not have it" in caught.value.message
