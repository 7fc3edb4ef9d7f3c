"""The port ``AwsPublisher`` through boto3: what moto's server has too, over it and over the simulator."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from penstock.adapters.aws import AwsOptions, AwsPushAccounts
from penstock.adapters.http.options import Retries
from penstock.model.errors import NotFoundError
from penstock.model.push.accounts import AccountAlias, AwsCredential, AwsKeys
from penstock.model.push.aws import CONTENT_TAG, BucketState, OpenUpload, UploadedPart, content_of
from penstock.model.push.content import Extent
from penstock.ports.publish import AwsPublisher

pytestmark = pytest.mark.contract

T = TypeVar("T")
REGION = "eu-central-1"
MIB = 1 << 20
TAGS = {CONTENT_TAG: "a" * 64, "nvra": "rhel-9.4-1.x86_64", "buildid": "None", "of": "name with spaces + signs = : / @"}
CREDENTIAL = AwsCredential(
    alias=AccountAlias("aws-us-storage"), images=AwsKeys("key", "secret"), marketplace=AwsKeys("key", "secret"), access_role="arn"
)


class Disk:
    """12 MiB and a bit: three parts."""

    content = secrets.token_bytes(12 * MIB) + b"end"
    size_bytes = len(content)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.content[offset : offset + length]

    def extents(self) -> tuple[Extent, ...]:
        return (Extent(0, self.size_bytes),)

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def no_configuration_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")


def _push(url: str, work: Callable[[AwsPublisher], Awaitable[T]]) -> T:
    async def go() -> T:
        retries = Retries(attempts=2, first_wait_s=0.01)
        async with AwsPushAccounts(AwsOptions(endpoint=url, retries=retries)) as accounts:
            return await work(accounts.publisher(CREDENTIAL))

    return asyncio.run(go())


def _nothing(_: object) -> None:
    pass


async def _begun(aws: AwsPublisher, key: str) -> tuple[str, OpenUpload]:
    """A bucket of its own, and an upload in it."""
    bucket = f"bucket-{secrets.token_hex(6)}"
    await aws.create_bucket(REGION, bucket)
    return bucket, OpenUpload(id=await aws.begin_upload(REGION, bucket, key, tags=TAGS), key=key)


async def _sent(aws: AwsPublisher, bucket: str, upload: OpenUpload) -> tuple[UploadedPart, ...]:
    return await aws.send_parts(REGION, bucket, upload, Disk(), part_bytes=5 * MIB, on_part=_nothing, progress=_nothing)


def test_an_account_has_a_number(storage_url: str) -> None:
    assert _push(storage_url, lambda aws: aws.owner()) == "123456789012"


def test_a_bucket_is_missing_until_it_is_made(storage_url: str) -> None:
    async def work(aws: AwsPublisher) -> list[BucketState]:
        name, states = f"bucket-{secrets.token_hex(6)}", []
        states.append(await aws.bucket(REGION, name))
        await aws.create_bucket(REGION, name)
        states.append(await aws.bucket(REGION, name))
        return states

    assert _push(storage_url, work) == [BucketState.MISSING, BucketState.OURS]


def test_a_bucket_can_be_made_twice_and_in_the_region_without_a_constraint(storage_url: str) -> None:
    async def work(aws: AwsPublisher) -> BucketState:
        name = f"bucket-{secrets.token_hex(6)}"
        for region in ("us-east-1", "us-east-1"):
            await aws.create_bucket(region, name)
        return await aws.bucket("us-east-1", name)

    assert _push(storage_url, work) is BucketState.OURS


def test_an_object_has_its_size_and_all_its_tags(storage_url: str) -> None:
    async def work(aws: AwsPublisher) -> None:
        bucket, upload = await _begun(aws, "a folder/disk.raw")
        assert await aws.object(REGION, bucket, upload.key) is None
        made = await aws.complete_upload(REGION, bucket, upload.key, upload.id, await _sent(aws, bucket, upload))
        assert (made.size_bytes, made.tags, content_of(made.tags)) == (Disk.size_bytes, TAGS, content_of(TAGS))
        assert await aws.object(REGION, bucket, upload.key) == made
        assert await aws.open_uploads(REGION, bucket, upload.key) == ()

    _push(storage_url, work)


def test_an_upload_that_never_ended_is_found_with_its_parts(storage_url: str) -> None:
    async def work(aws: AwsPublisher) -> None:
        bucket, upload = await _begun(aws, "disk.raw")
        await aws.begin_upload(REGION, bucket, "disk.raw.other", tags={})
        parts = await _sent(aws, bucket, upload)
        assert await aws.open_uploads(REGION, bucket, upload.key) == (OpenUpload(id=upload.id, key=upload.key, parts=parts),)
        assert [part.size_bytes for part in parts] == [5 * MIB, 5 * MIB, 2 * MIB + 3]

    _push(storage_url, work)


def test_an_upload_that_was_thrown_away_is_over(storage_url: str) -> None:
    async def work(aws: AwsPublisher) -> None:
        bucket, upload = await _begun(aws, "disk.raw")
        await aws.abort_upload(REGION, bucket, upload.key, upload.id)
        await aws.abort_upload(REGION, bucket, upload.key, upload.id)
        assert await aws.upload_parts(REGION, bucket, upload.key, upload.id) is None
        assert await aws.open_uploads(REGION, bucket, upload.key) == ()

    _push(storage_url, work)


def test_nothing_is_found_in_a_bucket_that_is_not_there(storage_url: str) -> None:
    async def work(aws: AwsPublisher) -> tuple[object, object]:
        return await aws.object(REGION, "no-such-bucket-here", "k"), await aws.open_uploads(REGION, "no-such-bucket-here", "k")

    assert _push(storage_url, work) == (None, ())


def test_a_snapshot_is_written_block_by_block(storage_url: str) -> None:
    async def work(aws: AwsPublisher) -> None:
        tag = secrets.token_hex(6)
        made = await aws.start_snapshot(REGION, size_gib=1, description="of a test", tags={"of": tag}, token=tag)
        sent = await aws.write_snapshot(REGION, made, Disk(), _nothing)
        await aws.complete_snapshot(REGION, made, changed_blocks=sent)
        (found,) = await aws.describe_snapshots(REGION, [made])
        assert (sent, found.state, found.size_gib, found.description, found.tags) == (25, "completed", 1, "of a test", {"of": tag})
        assert await aws.snapshots(REGION, "of", [tag, "another"]) == (found,)

    _push(storage_url, work)


def test_tags_are_added_to_those_of_a_snapshot(storage_url: str) -> None:
    async def work(aws: AwsPublisher) -> None:
        made = await aws.start_snapshot(REGION, size_gib=1, description="d", tags={"one": "1", "two": "2"}, token=secrets.token_hex(6))
        await aws.tag(REGION, made, {"two": "zwei", "three": "3"})
        (found,) = await aws.describe_snapshots(REGION, [made])
        assert found.tags == {"one": "1", "two": "zwei", "three": "3"}

    _push(storage_url, work)


def test_a_snapshot_can_be_shared_more_than_once(storage_url: str) -> None:
    async def work(aws: AwsPublisher) -> None:
        made = await aws.start_snapshot(REGION, size_gib=1, description="d", tags={}, token=secrets.token_hex(6))
        for accounts in (["111122223333"], ["111122223333", "444455556666"]):
            await aws.share_snapshot(REGION, made, accounts)

    _push(storage_url, work)


def test_snapshots_that_are_not_there_are_left_out(storage_url: str) -> None:
    assert _push(storage_url, lambda aws: aws.describe_snapshots(REGION, ["snap-0123456789abcdef0"])) == ()


def test_an_image_that_is_not_there_is_not_found(storage_url: str) -> None:
    with pytest.raises(NotFoundError):
        _push(storage_url, lambda aws: aws.image(REGION, "ami-0123456789abcdef0"))
