"""The port ``AwsPublisher`` where something goes wrong: answers that are lost, throttling, late visibility, other people's buckets."""

import dataclasses
import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.adapters.aws.calls import by_values, literally
from penstock.adapters.aws.ebsdirect import BLOCK_BYTES, blocks_of
from penstock.adapters.aws.objects import part_sizes
from penstock.model.errors import NotFoundError, OperationError, PenstockError, VerificationError
from penstock.model.push.aws import BucketState, ImageRegistration, NameTaken, OpenUpload, UploadedPart
from penstock.model.push.content import Extent
from penstock.ports.publish import AwsPublisher
from penstock.ports.retries import hearing_retries
from penstock.simulators.aws.query import wildcard
from penstock.simulators.aws.writable import WritableAwsSimulator
from penstock.simulators.cloud import Fault

if TYPE_CHECKING:
    from tests.unit.adapters.aws.conftest import DiskInMemory, Push

REGION = "eu-west-1"
BUCKET = "images-eu-west-1"
KEY = "folder/disk image.raw"
MIB = 1 << 20
IMAGE = ImageRegistration(
    name="RHEL-9.4_HVM_GA-20260511-x86_64-1-Hourly2-GP3",
    description="a test",
    arch="x86_64",
    virtualization="hvm",
    root_device="/dev/sda1",
    volume="gp3",
    boot_mode="uefi-preferred",
)


def _nothing(_: object) -> None:
    pass


async def _snapshot(aws: AwsPublisher, content: "DiskInMemory", *, region: str = REGION) -> str:
    """A snapshot that is completed, made without a bucket."""
    made = await aws.start_snapshot(region, size_gib=1, description="base", tags={}, token=secrets.token_hex(8))
    sent = await aws.write_snapshot(region, made, content, _nothing)
    await aws.complete_snapshot(region, made, changed_blocks=sent)
    return made


# --- answers that are lost: what was made is found again


async def _upload_begun(aws: AwsPublisher, content: "DiskInMemory") -> object:
    await aws.create_bucket(REGION, BUCKET)
    begun = await aws.begin_upload(REGION, BUCKET, KEY, tags={})
    assert [each.id for each in await aws.open_uploads(REGION, BUCKET, KEY)] == [begun]
    return None


async def _object_completed(aws: AwsPublisher, content: "DiskInMemory") -> object:
    await aws.create_bucket(REGION, BUCKET)
    begun = await aws.begin_upload(REGION, BUCKET, KEY, tags={})
    parts = await aws.send_parts(
        REGION, BUCKET, OpenUpload(id=begun, key=KEY), content, part_bytes=5 * MIB, on_part=_nothing, progress=_nothing
    )
    found = await aws.complete_upload(REGION, BUCKET, KEY, begun, parts)
    assert found.size_bytes == content.size_bytes
    return None


async def _import_started(aws: AwsPublisher, content: "DiskInMemory") -> object:
    await _object_completed(aws, content)
    await aws.start_import(REGION, BUCKET, KEY, description="d", token="0123456789abcdef")
    return len(await aws.imports(REGION, ["d"]))


async def _snapshot_started(aws: AwsPublisher, content: "DiskInMemory") -> object:
    await aws.start_snapshot(REGION, size_gib=1, description="d", tags={"one": "1"}, token="t")
    return len(await aws.snapshots(REGION, "one", ["1"]))


async def _snapshot_sealed(aws: AwsPublisher, content: "DiskInMemory") -> object:
    (found,) = await aws.describe_snapshots(REGION, [await _snapshot(aws, content)])
    return 1 if found.state == "completed" else 0


async def _snapshot_copied(aws: AwsPublisher, content: "DiskInMemory") -> object:
    source = await _snapshot(aws, content, region="us-east-1")
    for _ in range(2):  # two copies that are wanted are two, although they are alike
        await aws.copy_snapshot(REGION, source_region="us-east-1", snapshot_id=source, description="c*", tags={"one": "1"})
    return len(await aws.snapshots(REGION, "one", ["1"])) - 1


async def _image_registered(aws: AwsPublisher, content: "DiskInMemory") -> object:
    base = await _snapshot(aws, content)
    made = await aws.register_image(REGION, IMAGE, base, tags={"one": "1"})
    found = await aws.images_by_tags(REGION, {"one": "1"})
    assert [each.id for each in found] == [made]
    return 1


@pytest.mark.parametrize(
    ("match", "work"),
    [
        (r"POST .*\?uploads", _upload_begun),
        (r"POST .*\?uploadId", _object_completed),
        (r"PUT .*partNumber=2", _object_completed),
        ("Action=ImportSnapshot", _import_started),
        ("POST /snapshots&?", _snapshot_started),
        ("POST /snapshots/completion", _snapshot_sealed),
        ("Action=CopySnapshot", _snapshot_copied),
        ("Action=RegisterImage", _image_registered),
    ],
    ids=["upload", "object", "part", "import", "snapshot", "sealing", "copy", "image"],
)
def test_what_was_made_and_whose_answer_was_lost_is_not_made_twice(
    cloud: WritableAwsSimulator,
    push: "Push",
    disk: "Callable[..., DiskInMemory]",
    match: str,
    work: Callable[[AwsPublisher, "DiskInMemory"], Awaitable[object]],
) -> None:
    cloud.faults.add(Fault.parse(f"cut=5,times=1@{match}"))
    assert push(lambda aws: work(aws, disk(b"\x01" * (6 * MIB)))) in (None, 1)
    assert any("cut" in str(fault) for fault in cloud.faults)


def test_what_is_tried_again_is_told_to_whoever_listens(cloud: WritableAwsSimulator, push: "Push") -> None:
    cloud.faults.add(Fault.parse("status=503,times=2@Action=DescribeSnapshots"))
    heard: list[str] = []

    async def ask(aws: AwsPublisher) -> None:
        with hearing_retries(heard.append):
            await aws.describe_snapshots(REGION, ["snap-00000000000000000"])

    push(ask)
    assert len(heard) == 2
    assert all("EC2 answered RequestLimitExceeded" in reason for reason in heard)


def test_a_last_try_is_not_told_as_one_that_is_followed_by_another(cloud: WritableAwsSimulator, push: "Push") -> None:
    cloud.faults.add(Fault.parse("status=503"))
    heard: list[str] = []

    async def ask(aws: AwsPublisher) -> None:
        with hearing_retries(heard.append):
            await aws.import_task(REGION, "import-snap-1")

    with pytest.raises(PenstockError, match="RequestLimitExceeded"):
        push(ask)
    assert len(heard) == 3
    assert len(cloud.requests) == 4


@pytest.mark.parametrize(
    ("question", "code"),
    [("head", "503"), ("list", "SlowDown"), ("block", "RequestThrottledException"), ("identity", "RequestLimitExceeded")],
)
def test_each_service_is_named_when_it_is_overloaded(cloud: WritableAwsSimulator, push: "Push", question: str, code: str) -> None:
    async def ask(aws: AwsPublisher) -> None:
        if question == "head":
            await aws.owner()
        cloud.faults.add(Fault.parse("status=503"))
        match question:
            case "head":
                await aws.bucket(REGION, BUCKET)
            case "list":
                await aws.open_uploads(REGION, BUCKET, KEY)
            case "block":
                await aws.start_snapshot(REGION, size_gib=1, description="d", tags={}, token="t")
            case _:
                await aws.owner()

    with pytest.raises(PenstockError, match=f"answered {code}"):
        push(ask)


def test_a_snapshot_and_an_image_that_are_not_visible_yet_are_waited_for(
    cloud: WritableAwsSimulator, push: "Push", disk: "Callable[..., DiskInMemory]"
) -> None:
    heard: list[str] = []

    async def make(aws: AwsPublisher) -> tuple[str, bool]:
        source = await _snapshot(aws, disk(b"\x01" * BLOCK_BYTES), region="us-east-1")
        cloud.latencies.visible = 0.3
        with hearing_retries(heard.append):
            base = await aws.copy_snapshot(REGION, source_region="us-east-1", snapshot_id=source, description="c", tags={})
            await aws.tag(REGION, base, {"Name": "n"})
            image = await aws.register_image(REGION, IMAGE, base, tags={})
            await aws.share_image(REGION, image, accounts=["111122223333"], groups=["all"])
        (found,) = await aws.images_by_name(REGION, [IMAGE.name])
        return image, found.public

    made, public = push(make)
    (image,) = cloud.registered_images(REGION)
    assert (image.id, image.shared_with, public) == (made, frozenset({"111122223333"}), True)
    assert any("not visible yet" in reason for reason in heard)


def test_a_bucket_of_others_is_theirs_whoever_may_write_to_it(push: "Push") -> None:
    push(lambda aws: aws.create_bucket(REGION, BUCKET), key="key-of-others")
    assert push(lambda aws: aws.bucket(REGION, BUCKET)) is BucketState.FOREIGN
    with pytest.raises(OperationError):
        push(lambda aws: aws.create_bucket(REGION, BUCKET))


def test_two_who_make_one_bucket_both_have_it(push: "Push") -> None:
    async def twice(aws: AwsPublisher) -> BucketState:
        await aws.create_bucket(REGION, BUCKET)
        await aws.create_bucket(REGION, BUCKET)
        return await aws.bucket(REGION, BUCKET)

    assert push(twice) is BucketState.OURS


def test_a_name_that_is_taken_by_an_image_of_another_snapshot_is_said_to_be_so(push: "Push", disk: "Callable[..., DiskInMemory]") -> None:
    async def twice(aws: AwsPublisher) -> None:
        await aws.register_image(REGION, IMAGE, await _snapshot(aws, disk(b"\x01" * BLOCK_BYTES)), tags={})
        await aws.register_image(REGION, IMAGE, await _snapshot(aws, disk(b"\x01" * BLOCK_BYTES)), tags={})

    with pytest.raises(NameTaken):
        push(twice)


# --- parts


def test_only_as_many_parts_are_in_memory_as_there_are_threads(push: "Push", disk: "Callable[..., DiskInMemory]") -> None:
    content = disk(bytes(range(256)) * (41 * 4096))  # 41 MiB: nine parts
    assert push(lambda aws: _object_completed(aws, content)) is None
    assert 1 <= content.most_readers <= 3
    assert sorted(content.reads) == [(number * 5 * MIB, 5 * MIB if number < 8 else MIB) for number in range(9)]


def test_parts_that_s3_has_are_not_sent_again_and_one_of_another_size_is(push: "Push", disk: "Callable[..., DiskInMemory]") -> None:
    content = disk(bytes(range(256)) * (11 * 4096))
    told: list[int] = []

    async def resume(aws: AwsPublisher) -> None:
        await aws.create_bucket(REGION, BUCKET)
        begun = await aws.begin_upload(REGION, BUCKET, KEY, tags={})
        whole = OpenUpload(id=begun, key=KEY)
        sent = await aws.send_parts(REGION, BUCKET, whole, content, part_bytes=5 * MIB, on_part=_nothing, progress=_nothing)
        (left,) = await aws.open_uploads(REGION, BUCKET, KEY)
        assert left.parts == sent
        content.reads.clear()
        damaged = dataclasses.replace(left, parts=(sent[0], dataclasses.replace(sent[1], size_bytes=7)))
        again = await aws.send_parts(
            REGION, BUCKET, damaged, content, part_bytes=5 * MIB, on_part=lambda part: told.append(part.number), progress=_nothing
        )
        assert (again, await aws.upload_parts(REGION, BUCKET, KEY, begun)) == (sent, left)

    push(resume)
    assert sorted(told) == [2, 3]
    assert sorted(content.reads) == [(5 * MIB, 5 * MIB), (10 * MIB, MIB)]


def test_a_file_that_became_shorter_is_one_error_and_no_group_of_them(push: "Push", disk: "Callable[..., DiskInMemory]") -> None:
    class Shrunken:
        size_bytes = 12 * MIB

        def read_at(self, offset: int, length: int) -> bytes:
            return b""

        def extents(self) -> tuple[Extent, ...]:
            return (Extent(0, self.size_bytes),)

        def close(self) -> None:
            pass

    async def send(aws: AwsPublisher) -> None:
        await aws.create_bucket(REGION, BUCKET)
        begun = OpenUpload(id=await aws.begin_upload(REGION, BUCKET, KEY, tags={}), key=KEY)
        await aws.send_parts(REGION, BUCKET, begun, Shrunken(), part_bytes=5 * MIB, on_part=_nothing, progress=_nothing)

    with pytest.raises(VerificationError, match="shorter"):
        push(send)


def test_an_upload_that_was_thrown_away_is_not_completed(push: "Push") -> None:
    async def complete(aws: AwsPublisher) -> None:
        await aws.create_bucket(REGION, BUCKET)
        begun = await aws.begin_upload(REGION, BUCKET, KEY, tags={})
        for _ in range(2):
            await aws.abort_upload(REGION, BUCKET, KEY, begun)
        assert await aws.upload_parts(REGION, BUCKET, KEY, begun) is None
        await aws.complete_upload(REGION, BUCKET, KEY, begun, [UploadedPart(1, '"x"', 5)])

    with pytest.raises(NotFoundError):
        push(complete)


def test_an_object_of_another_size_is_not_taken_for_the_one_that_was_sent(push: "Push", disk: "Callable[..., DiskInMemory]") -> None:
    async def complete(aws: AwsPublisher) -> None:
        await _object_completed(aws, disk(b"\x01" * 100))
        await aws.complete_upload(REGION, BUCKET, KEY, "gone", [UploadedPart(1, '"x"', 99)])

    with pytest.raises(VerificationError, match="100 bytes, and 99"):
        push(complete)


# --- EBS direct


def test_blocks_of_zeros_and_holes_are_not_sent(cloud: WritableAwsSimulator, push: "Push", disk: "Callable[..., DiskInMemory]") -> None:
    content = disk(b"\x01" * BLOCK_BYTES + bytes(3 * BLOCK_BYTES) + b"\x02" * 10, (Extent(0, 2 * BLOCK_BYTES), Extent(4 * BLOCK_BYTES, 10)))
    made = push(lambda aws: _snapshot(aws, content))
    assert cloud.blocks(made) == {0: b"\x01" * BLOCK_BYTES, 4: b"\x02" * 10 + bytes(BLOCK_BYTES - 10)}
    assert {offset for offset, _ in content.reads} == {0, BLOCK_BYTES, 4 * BLOCK_BYTES}


@given(st.lists(st.tuples(st.integers(0, 3 * BLOCK_BYTES), st.integers(0, 3 * BLOCK_BYTES)), max_size=6))
def test_every_byte_of_an_extent_is_in_one_block_that_is_named_once(gaps: list[tuple[int, int]]) -> None:
    extents, end = [], 0
    for gap, length in gaps:
        extents.append(Extent(end + gap, length))
        end += gap + length
    numbers = list(blocks_of(extents))
    assert numbers == sorted(set(numbers))
    assert set(numbers) == {
        number
        for extent in extents
        if extent.length
        for number in range(extent.offset // BLOCK_BYTES, (extent.offset + extent.length - 1) // BLOCK_BYTES + 1)
    }


@given(st.integers(0, 1 << 50), st.integers(1 << 40, 1 << 45))
def test_parts_are_of_one_size_but_for_the_last_and_make_the_whole(size_bytes: int, part_bytes: int) -> None:
    sizes = part_sizes(size_bytes, part_bytes)
    assert list(sizes) == list(range(1, len(sizes) + 1))
    assert sum(sizes.values()) == size_bytes
    assert {sizes[number] for number in list(sizes)[:-1]} <= {part_bytes}


# --- questions


@given(st.text(alphabet="ab*?\\", max_size=8), st.text(alphabet="ab*?\\", max_size=8))
def test_a_filter_fits_its_own_value_and_no_other(value: str, other: str) -> None:
    assert (wildcard(literally(value)).fullmatch(other) is not None) == (value == other)


@given(st.lists(st.text(alphabet="xyz", min_size=1), max_size=450))
def test_no_filter_has_more_values_than_ec2_takes(values: list[str]) -> None:
    filters = list(by_values("name", values))
    assert all(0 < len(each["Values"]) <= 200 for each in filters)
    assert [value for each in filters for value in each["Values"]] == list(dict.fromkeys(values))


@pytest.mark.parametrize(
    ("alias", "region"),
    [
        ("aws-us-storage", "us-east-1"),
        ("aws-us-gov-storage", "us-gov-west-1"),
        ("aws-china-storage", "cn-north-1"),
        ("aws-esc-storage", "eusc-de-east-1"),
    ],
)
def test_an_account_is_asked_for_its_number_in_its_own_partition(
    cloud: WritableAwsSimulator, push: "Push", alias: str, region: str
) -> None:
    assert push(lambda aws: aws.owner(), alias=alias) == "123456789012"
    assert [request.query["region"] for request in cloud.requests] == [region]


def test_the_number_of_an_account_is_asked_for_once(cloud: WritableAwsSimulator, push: "Push") -> None:
    async def twice(aws: AwsPublisher) -> tuple[str, str]:
        return await aws.owner(), await aws.owner()

    assert push(twice, key="key-of-others") == ("999999999999", "999999999999")
    assert len(cloud.requests) == 1


def test_the_addresses_of_the_environment_are_used(
    cloud: WritableAwsSimulator, push: "Push", monkeypatch: pytest.MonkeyPatch, disk: "Callable[..., DiskInMemory]"
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for service in ("EC2", "S3", "STS", "EBS"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", cloud.url)
    assert push(lambda aws: _import_started(aws, disk(b"\x01" * 10)), url=None) == 1
    assert push(lambda aws: _snapshot_sealed(aws, disk(b"\x01" * 10)), url=None) == 1


def test_imports_that_run_come_before_those_that_failed(
    cloud: WritableAwsSimulator, push: "Push", disk: "Callable[..., DiskInMemory]"
) -> None:
    async def ask(aws: AwsPublisher) -> list[str]:
        await _object_completed(aws, content)
        for token, description in (("1", "bad"), ("2", "good"), ("3", "other"), ("4", "bad")):
            await aws.start_import(REGION, BUCKET, KEY, description=description, token=token)
        return [f"{task.description} {task.status.value}" for task in await aws.imports(REGION, ["good", "bad"])]

    content = disk(b"\x01")
    cloud.refuse_imports("bad")
    assert push(ask) == ["good completed", "bad failed", "bad failed"]


def test_an_import_that_nobody_knows_is_not_found(push: "Push") -> None:
    with pytest.raises(NotFoundError):
        push(lambda aws: aws.import_task(REGION, "import-snap-0123456789abcdef0"))


def test_an_image_that_nobody_knows_is_not_found(push: "Push") -> None:
    with pytest.raises(NotFoundError):
        push(lambda aws: aws.image(REGION, "ami-0123456789abcdef0"))


def test_no_secret_is_in_an_error(cloud: WritableAwsSimulator, push: "Push") -> None:
    cloud.faults.add(Fault.parse("status=403"))
    with pytest.raises(OperationError) as caught:
        push(lambda aws: aws.describe_snapshots(REGION, ["snap-1"]))
    told = f"{caught.value} {caught.value.hint} {caught.value!r}"
    assert "aws-us-storage eu-west-1" in told
    assert "secret" not in told
    assert "key-of-ours" not in told
