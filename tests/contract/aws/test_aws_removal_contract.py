"""The port ``AwsRemover`` through boto3: over moto's server as far as that goes, and over the simulator."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from penstock.adapters.aws import AwsOptions, AwsPushAccounts
from penstock.adapters.aws.publisher import AccountPublisher
from penstock.adapters.http.options import Retries
from penstock.model.push.accounts import AccountAlias, AwsCredential, AwsKeys
from penstock.model.push.aws import ImageRegistration, SnapshotInUse
from penstock.ports.removal import AwsRemover
from penstock.simulators.aws.writable import WritableAwsThread

pytestmark = pytest.mark.contract

T = TypeVar("T")
REGION = "eu-central-1"
CREDENTIAL = AwsCredential(
    alias=AccountAlias("aws-us-storage"), images=AwsKeys("key", "secret"), marketplace=AwsKeys("key", "secret"), access_role="arn"
)


@pytest.fixture(autouse=True)
def no_configuration_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")


def _with(url: str, work: Callable[[AccountPublisher], Awaitable[T]]) -> T:
    async def go() -> T:
        async with AwsPushAccounts(AwsOptions(endpoint=url, retries=Retries(attempts=2, first_wait_s=0.01))) as accounts:
            return await work(accounts.publisher(CREDENTIAL))

    return asyncio.run(go())


async def _snapshot(aws: AccountPublisher) -> str:
    made = await aws.start_snapshot(REGION, size_gib=1, description="d", tags={}, token=secrets.token_hex(8))
    await aws.complete_snapshot(REGION, made, changed_blocks=0)
    return made


async def _image(aws: AccountPublisher, snapshot: str) -> str:
    image = ImageRegistration(
        name=f"image {secrets.token_hex(4)}",
        description="",
        arch="x86_64",
        virtualization="hvm",
        root_device="/dev/sda1",
        volume="gp3",
    )
    return await aws.register_image(REGION, image, snapshot, tags={})


def test_an_image_is_deregistered_once_and_then_is_not_there(storage_url: str) -> None:
    async def work(aws: AccountPublisher) -> None:
        image = await _image(aws, await _snapshot(aws))
        assert [each.id for each in await aws.images_by_id(REGION, [image, "ami-0123456789abcdef0"])] == [image]
        assert await aws.deregister_image(REGION, image) is True
        assert await aws.images_by_id(REGION, [image]) == ()

    _with(storage_url, work)


def test_an_image_that_was_never_there_is_no_error(storage_url: str) -> None:
    assert _with(storage_url, lambda aws: aws.deregister_image(REGION, "ami-0123456789abcdef0")) is False


def test_a_snapshot_is_deleted_once_and_then_is_not_there(storage_url: str) -> None:
    async def work(aws: AccountPublisher) -> None:
        snapshot = await _snapshot(aws)
        assert [await aws.delete_snapshot(REGION, snapshot), await aws.delete_snapshot(REGION, snapshot)] == [True, False]
        assert await aws.describe_snapshots(REGION, [snapshot]) == ()

    _with(storage_url, work)


def test_no_images_and_no_snapshots_are_asked_for_nothing(storage_url: str) -> None:
    async def work(aws: AwsRemover) -> None:
        assert await aws.images_by_id(REGION, []) == ()
        assert await aws.images_of_snapshots(REGION, []) == ()

    _with(storage_url, work)


def test_a_snapshot_is_found_by_the_images_that_have_it_and_stays_while_they_do() -> None:
    async def work(aws: AccountPublisher) -> None:
        snapshot = await _snapshot(aws)
        images = {await _image(aws, snapshot), await _image(aws, snapshot)}
        await _image(aws, await _snapshot(aws))
        assert {each.id for each in await aws.images_of_snapshots(REGION, [snapshot])} == images
        with pytest.raises(SnapshotInUse):
            await aws.delete_snapshot(REGION, snapshot)
        for image in images:
            await aws.deregister_image(REGION, image)
        assert await aws.images_of_snapshots(REGION, [snapshot]) == ()
        assert await aws.delete_snapshot(REGION, snapshot) is True

    with WritableAwsThread() as aws:  # moto knows neither disks of images nor that snapshots are in use
        _with(aws.url, work)
