"""The accounts of the simulated AWS, asked by boto3: what moto leaves out, and what keeps a rehearsal honest."""

import hashlib
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from penstock.model.arch import Arch
from penstock.model.errors import InputError, OperationError
from penstock.simulators.aws.latencies import Latencies
from penstock.simulators.aws.writable import WritableAwsSimulator, WritableAwsThread
from penstock.simulators.cloud import Ami, Catalogue, Fault

OURS, OTHERS = "123456789012", "999999999999"
PUBLISHED = Ami(region="eu-west-1", id="ami-00000000000000001", name="rhcos-1", owner="531415883065", arch=Arch.AARCH64)
ONCE = Config(retries={"total_max_attempts": 1, "mode": "standard"})
BLOCK = b"\x01" * (512 * 1024)


@pytest.fixture(scope="module")
def served() -> Iterator[WritableAwsSimulator]:
    with WritableAwsThread(Catalogue(aws=(PUBLISHED,)), accounts={"OTHERS": OTHERS}) as simulator:
        yield simulator


@pytest.fixture
def aws(served: WritableAwsSimulator) -> Iterator[WritableAwsSimulator]:
    """As it was at first, but for what other tests made."""
    served.requests.clear()
    yield served
    served.faults.clear()
    served.refuse_imports("")
    for name in ("request", "import_", "copy", "seal", "register", "visible", "part_per_mib"):
        setattr(served.latencies, name, 0.0)


_CLIENTS: dict[tuple[str, ...], Any] = {}


def _client(aws: WritableAwsSimulator, service: str = "ec2", region: str = "eu-west-1", key: str = "OURS") -> Any:  # noqa: ANN401
    place = (aws.url, service, region, key)
    if place not in _CLIENTS:
        _CLIENTS[place] = boto3.client(
            service, region_name=region, endpoint_url=aws.url, aws_access_key_id=key, aws_secret_access_key="secret", config=ONCE
        )
    return _CLIENTS[place]


def _bucket(aws: WritableAwsSimulator, name: str, *, key: str = "OURS") -> str:
    where = {"LocationConstraint": "eu-west-1"}
    _client(aws, "s3", key=key).create_bucket(Bucket=name, CreateBucketConfiguration=where)
    return name


def _disk(bucket: str, key: str = "disk.raw", format: str = "raw") -> dict[str, Any]:  # noqa: A002
    return {"Format": format, "UserBucket": {"S3Bucket": bucket, "S3Key": key}}


def _imported(aws: WritableAwsSimulator, bucket: str) -> str:
    """A snapshot of a small object in a bucket of its own."""
    _client(aws, "s3").put_object(Bucket=_bucket(aws, bucket), Key="disk.raw", Body=b"disk")
    task = _client(aws).import_snapshot(DiskContainer=_disk(bucket))["ImportTaskId"]
    (told,) = _client(aws).describe_import_snapshot_tasks(ImportTaskIds=[task])["ImportSnapshotTasks"]
    return str(told["SnapshotTaskDetail"]["SnapshotId"])


def _register(aws: WritableAwsSimulator, name: str, snapshot: str, **more: Any) -> str:  # noqa: ANN401
    disk = {"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": snapshot, "VolumeType": "gp3", "DeleteOnTermination": True}}
    made = _client(aws).register_image(
        Name=name, Architecture="x86_64", VirtualizationType="hvm", RootDeviceName="/dev/sda1", BlockDeviceMappings=[disk], **more
    )
    return str(made["ImageId"])


def test_an_image_keeps_all_that_it_was_registered_with(aws: WritableAwsSimulator) -> None:
    tags = [{"Key": "nvra", "Value": "x"}]
    snapshot = _imported(aws, "kept")
    made = _register(
        aws,
        "kept",
        snapshot,
        Description="a <test>",
        BootMode="uefi-preferred",
        EnaSupport=True,
        SriovNetSupport="simple",
        BillingProducts=["bp-6fa54006", "bp-2"],
        TagSpecifications=[{"ResourceType": "image", "Tags": tags}],
    )
    (image,) = _client(aws).describe_images(Owners=["self"], Filters=[{"Name": "tag:nvra", "Values": ["x"]}])["Images"]
    assert {
        key: image[key] for key in ("ImageId", "Name", "Description", "BootMode", "EnaSupport", "SriovNetSupport", "Tags", "State")
    } == {
        "ImageId": made,
        "Name": "kept",
        "Description": "a <test>",
        "BootMode": "uefi-preferred",
        "EnaSupport": True,
        "SriovNetSupport": "simple",
        "Tags": tags,
        "State": "available",
    }
    assert (image["OwnerId"], image["Public"], image["UsageOperation"]) == (OURS, False, "RunInstances:0010")
    disk = {"SnapshotId": snapshot, "VolumeType": "gp3", "VolumeSize": 1, "DeleteOnTermination": True, "Encrypted": False}
    assert image["BlockDeviceMappings"] == [{"DeviceName": "/dev/sda1", "Ebs": disk}]
    assert aws.registered_images("eu-west-1")[-1].billing_codes == ("bp-6fa54006", "bp-2")


def test_what_is_not_set_is_not_told(aws: WritableAwsSimulator) -> None:
    made = _register(aws, "bare", _imported(aws, "bare"))
    (image,) = _client(aws).describe_images(ImageIds=[made])["Images"]
    assert not {"BootMode", "EnaSupport", "SriovNetSupport", "Tags", "Description"} & image.keys()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Name": "with:colon"}, "InvalidAMIName.Malformed"),
        ({"BootMode": "legacy"}, "InvalidParameterValue"),
        ({"Architecture": "aarch64"}, "InvalidParameterValue"),
        ({"RootDeviceName": "/dev/xvda"}, "InvalidBlockDeviceMapping"),
    ],
    ids=["name", "boot mode", "architecture", "root"],
)
def test_what_ec2_refuses_is_refused(aws: WritableAwsSimulator, change: dict[str, str], code: str) -> None:
    disk = {"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": "snap-0123456789abcdef0"}}
    with pytest.raises(ClientError, match=code):
        _client(aws).register_image(**{"Name": "fine", "RootDeviceName": "/dev/sda1", "BlockDeviceMappings": [disk], **change})


def test_a_name_is_taken_once_in_a_region(aws: WritableAwsSimulator) -> None:
    snapshot = _imported(aws, "twice")
    _register(aws, "twice", snapshot)
    with pytest.raises(ClientError, match=r"InvalidAMIName\.Duplicate"):
        _register(aws, "twice", snapshot)


def test_an_image_is_seen_by_those_it_is_shared_with_and_then_by_all(aws: WritableAwsSimulator) -> None:
    made = _register(aws, "shared", _imported(aws, "shared"))
    others = _client(aws, key="OTHERS")

    def seen() -> int:
        return len(others.describe_images(Filters=[{"Name": "image-id", "Values": [made]}])["Images"])

    counts = [seen()]
    _client(aws).modify_image_attribute(ImageId=made, LaunchPermission={"Add": [{"UserId": OTHERS}]})
    counts.append(seen())
    _client(aws).modify_image_attribute(ImageId=made, OperationType="remove", Attribute="launchPermission", UserIds=[OTHERS])
    counts.append(seen())
    _client(aws).modify_image_attribute(ImageId=made, Attribute="launchPermission", OperationType="add", UserGroups=["all"])
    counts.append(seen())
    assert counts == [0, 1, 0, 1]
    told = _client(aws).describe_image_attribute(ImageId=made, Attribute="launchPermission")
    assert told["LaunchPermissions"] == [{"Group": "all"}]
    with pytest.raises(ClientError, match=r"InvalidAMIID\.NotFound"):
        others.modify_image_attribute(ImageId=made, LaunchPermission={"Remove": [{"Group": "all"}]})


def test_a_snapshot_is_shared_in_both_ways_of_asking(aws: WritableAwsSimulator) -> None:
    made = _imported(aws, "snapshot-shared")
    _client(aws).modify_snapshot_attribute(SnapshotId=made, Attribute="createVolumePermission", OperationType="add", UserIds=[OTHERS])
    _client(aws).modify_snapshot_attribute(SnapshotId=made, CreateVolumePermission={"Add": [{"UserId": "111122223333"}]})
    told = _client(aws).describe_snapshot_attribute(SnapshotId=made, Attribute="createVolumePermission")
    assert told["CreateVolumePermissions"] == [{"UserId": "111122223333"}, {"UserId": OTHERS}]
    assert len(_client(aws, key="OTHERS").describe_snapshots(SnapshotIds=[made])["Snapshots"]) == 1


def test_an_image_of_the_catalogue_stands_beside_those_that_were_registered(aws: WritableAwsSimulator) -> None:
    made = _register(aws, "beside", _imported(aws, "beside"))
    images = _client(aws).describe_images(Filters=[{"Name": "image-id", "Values": [made, PUBLISHED.id]}])["Images"]
    assert {image["Name"] for image in images} == {"beside", "rhcos-1"}


# --- imports


def test_an_import_runs_for_its_time_and_is_begun_once_for_a_token(aws: WritableAwsSimulator) -> None:
    _client(aws, "s3").put_object(Bucket=_bucket(aws, "slow"), Key="disk.raw", Body=b"disk")
    aws.latencies.import_ = 0.5
    asked = {"Description": "n", "DiskContainer": _disk("slow"), "ClientToken": "token"}
    begun, again = (_client(aws).import_snapshot(**asked) for _ in range(2))
    assert begun["ImportTaskId"] == again["ImportTaskId"]
    assert begun["SnapshotTaskDetail"]["Status"] == "active"
    assert "SnapshotId" not in begun["SnapshotTaskDetail"]
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        _client(aws).import_snapshot(**{**asked, "Description": "other"})
    time.sleep(0.5)
    (told,) = _client(aws).describe_import_snapshot_tasks(ImportTaskIds=[begun["ImportTaskId"]])["ImportSnapshotTasks"]
    assert (told["Description"], told["SnapshotTaskDetail"]["Status"]) == ("n", "completed")
    (disk,) = [disk for disk in aws.snapshots("eu-west-1") if disk.id == told["SnapshotTaskDetail"]["SnapshotId"]]
    assert (disk.origin, disk.size_gib) == ("s3://slow/disk.raw", 1)


@pytest.mark.parametrize("why", ["no object", "empty object", "another's bucket", "wanted"])
def test_an_import_that_cannot_end_well_fails_with_a_reason(aws: WritableAwsSimulator, why: str) -> None:
    name = f"bad-{why.replace(' ', '-').replace(chr(39), '')}"
    key = "OTHERS" if why == "another's bucket" else "OURS"
    _bucket(aws, name, key=key)
    if why != "no object":
        _client(aws, "s3", key=key).put_object(Bucket=name, Key="disk.raw", Body=b"" if why == "empty object" else b"disk")
    if why == "wanted":
        aws.refuse_imports("RHEL")
    task = _client(aws).import_snapshot(Description="RHEL", DiskContainer=_disk(name))["ImportTaskId"]
    (told,) = _client(aws).describe_import_snapshot_tasks(ImportTaskIds=[task])["ImportSnapshotTasks"]
    assert told["SnapshotTaskDetail"]["Status"] == "deleted"
    assert told["SnapshotTaskDetail"]["StatusMessage"].startswith("ClientError")
    assert "SnapshotId" not in told["SnapshotTaskDetail"]


# --- snapshots


def test_a_copy_is_pending_for_its_time_and_no_image_is_made_of_it(aws: WritableAwsSimulator) -> None:
    source = _imported(aws, "copied")
    aws.latencies.copy = 0.4
    elsewhere = _client(aws, region="us-east-1")
    made = elsewhere.copy_snapshot(SourceRegion="eu-west-1", SourceSnapshotId=source)["SnapshotId"]
    disk = {"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": made}}
    with pytest.raises(ClientError, match="IncorrectState"):
        elsewhere.register_image(Name="early", RootDeviceName="/dev/sda1", BlockDeviceMappings=[disk])
    time.sleep(0.4)
    assert elsewhere.describe_snapshots(SnapshotIds=[made])["Snapshots"][0]["State"] == "completed"


def test_nothing_is_copied_out_of_a_partition(aws: WritableAwsSimulator) -> None:
    source = _imported(aws, "partitions")
    with pytest.raises(ClientError, match=r"InvalidSnapshot\.NotFound"):
        _client(aws, region="us-gov-west-1").copy_snapshot(SourceRegion="eu-west-1", SourceSnapshotId=source)


def test_a_snapshot_goes_when_no_image_needs_it(aws: WritableAwsSimulator) -> None:
    snapshot = _imported(aws, "deleted")
    made = _register(aws, "deleted", snapshot)
    with pytest.raises(ClientError, match=r"InvalidSnapshot\.InUse"):
        _client(aws).delete_snapshot(SnapshotId=snapshot)
    _client(aws).deregister_image(ImageId=made)
    _client(aws).delete_snapshot(SnapshotId=snapshot)
    with pytest.raises(ClientError, match=r"InvalidSnapshot\.NotFound"):
        _client(aws).describe_snapshots(SnapshotIds=[snapshot])


def test_tags_come_and_go(aws: WritableAwsSimulator) -> None:
    snapshot = _imported(aws, "tagged")
    made = _register(aws, "tagged", snapshot)
    _client(aws).create_tags(Resources=[snapshot, made], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    _client(aws).delete_tags(Resources=[made], Tags=[{"Key": "a"}])
    (image,) = _client(aws).describe_images(ImageIds=[made])["Images"]
    (disk,) = _client(aws).describe_snapshots(Filters=[{"Name": "tag-key", "Values": ["a"]}])["Snapshots"]
    assert (image["Tags"], disk["SnapshotId"]) == ([{"Key": "b", "Value": "2"}], snapshot)


def test_what_is_new_is_known_to_nobody_for_a_while(aws: WritableAwsSimulator) -> None:
    snapshot = _imported(aws, "late")
    aws.latencies.visible = 0.4
    made = _register(aws, "late", snapshot)
    with pytest.raises(ClientError, match=r"InvalidAMIID\.NotFound"):
        _client(aws).create_tags(Resources=[made], Tags=[{"Key": "a", "Value": "1"}])
    with pytest.raises(ClientError, match=r"InvalidAMIName\.Duplicate"):
        _register(aws, "late", snapshot)
    time.sleep(0.4)
    assert _client(aws).describe_images(ImageIds=[made])["Images"]


def test_all_pages_of_snapshots_together_are_all_of_them(aws: WritableAwsSimulator) -> None:
    for number in range(3):
        _client(aws, "ebs").start_snapshot(VolumeSize=1, Tags=[{"Key": "page", "Value": str(number)}])
    pages = (
        _client(aws)
        .get_paginator("describe_snapshots")
        .paginate(Filters=[{"Name": "tag-key", "Values": ["page"]}], PaginationConfig={"PageSize": 2})
    )
    assert [len(page["Snapshots"]) for page in pages] == [2, 1]


# --- EBS direct


def _put(aws: WritableAwsSimulator, snapshot: str, index: int, block: bytes = BLOCK, checksum: bytes | None = None) -> None:
    digest = hashlib.sha256(block).digest() if checksum is None else checksum
    _client(aws, "ebs").put_snapshot_block(
        SnapshotId=snapshot,
        BlockIndex=index,
        BlockData=block,
        DataLength=len(block),
        Checksum=b64encode(digest).decode(),
        ChecksumAlgorithm="SHA256",
    )


def test_blocks_are_read_back_as_they_were_written(aws: WritableAwsSimulator) -> None:
    ebs = _client(aws, "ebs")
    made = ebs.start_snapshot(VolumeSize=1, Description="d")["SnapshotId"]
    _put(aws, made, 3)
    ebs.complete_snapshot(SnapshotId=made, ChangedBlocksCount=1)
    (listed,) = ebs.list_snapshot_blocks(SnapshotId=made)["Blocks"]
    block = ebs.get_snapshot_block(SnapshotId=made, BlockIndex=listed["BlockIndex"], BlockToken=listed["BlockToken"])
    assert (listed["BlockIndex"], block["BlockData"].read()) == (3, BLOCK)


def test_a_damaged_block_a_short_one_and_one_behind_the_end_are_refused(aws: WritableAwsSimulator) -> None:
    made = _client(aws, "ebs").start_snapshot(VolumeSize=1)["SnapshotId"]
    for refused in ({"index": 0, "checksum": bytes(32)}, {"index": 0, "block": b"short"}, {"index": 2048}):
        with pytest.raises(ClientError, match="ValidationException"):
            _put(aws, made, **refused)


def test_a_snapshot_is_sealed_once_and_with_the_right_number_of_blocks(aws: WritableAwsSimulator) -> None:
    ebs = _client(aws, "ebs")
    made = ebs.start_snapshot(VolumeSize=1)["SnapshotId"]
    _put(aws, made, 0)
    with pytest.raises(ClientError, match="ValidationException"):
        ebs.complete_snapshot(SnapshotId=made, ChangedBlocksCount=2)
    ebs.complete_snapshot(SnapshotId=made, ChangedBlocksCount=1)
    for again in (lambda: ebs.complete_snapshot(SnapshotId=made, ChangedBlocksCount=1), lambda: _put(aws, made, 1)):
        with pytest.raises(ClientError, match="ConflictException"):
            again()


# --- S3: what moto leaves out


def test_a_bucket_of_another_account_is_forbidden(aws: WritableAwsSimulator) -> None:
    _bucket(aws, "of-others", key="OTHERS")
    s3 = _client(aws, "s3")
    for name, asked in (("head_bucket", {}), ("put_object", {"Key": "k", "Body": b""})):
        with pytest.raises(ClientError) as caught:
            getattr(s3, name)(Bucket="of-others", **asked)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_bucket_must_be_that_of_the_expected_owner(aws: WritableAwsSimulator) -> None:
    _bucket(aws, "expected")
    _client(aws, "s3").head_bucket(Bucket="expected", ExpectedBucketOwner=OURS)
    with pytest.raises(ClientError, match="403"):
        _client(aws, "s3").head_bucket(Bucket="expected", ExpectedBucketOwner=OTHERS)


def test_bytes_that_are_not_what_their_checksum_says_are_refused(aws: WritableAwsSimulator) -> None:
    with pytest.raises(ClientError, match="BadDigest"):
        _client(aws, "s3").put_object(Bucket=_bucket(aws, "checked"), Key="k", Body=b"x", ContentMD5=b64encode(bytes(16)).decode())


def test_the_usual_upload_of_boto3_works_with_its_checksums_and_odd_names(aws: WritableAwsSimulator) -> None:
    _client(aws, "s3").put_object(Bucket=_bucket(aws, "usual"), Key="a b/ü+%.raw", Body=b"content", Tagging="a=b%20c")
    answer = _client(aws, "s3").get_object(Bucket="usual", Key="a b/ü+%.raw")
    assert (answer["Body"].read(), answer["ContentLength"]) == (b"content", 7)
    assert _client(aws, "s3").get_object_tagging(Bucket="usual", Key="a b/ü+%.raw")["TagSet"] == [{"Key": "a", "Value": "b c"}]


def test_a_large_object_is_uploaded_in_parts_as_boto3_does_it(aws: WritableAwsSimulator, tmp_path: Path) -> None:
    content = bytes(range(256)) * (18 * 4096)  # 18 MiB: three of boto3's parts
    (tmp_path / "disk.raw").write_bytes(content)
    s3 = _client(aws, "s3")
    s3.upload_file(str(tmp_path / "disk.raw"), _bucket(aws, "large"), "disk.raw")
    s3.get_waiter("object_exists").wait(Bucket="large", Key="disk.raw")
    assert s3.get_object(Bucket="large", Key="disk.raw")["Body"].read() == content
    assert [request.api for request in aws.requests if "partNumber" in request.query] == ["s3.put"] * 3


def _upload(aws: WritableAwsSimulator, bucket: str) -> tuple[Any, dict[str, Any]]:
    s3 = _client(aws, "s3")
    begun = s3.create_multipart_upload(Bucket=_bucket(aws, bucket), Key="disk.raw")
    return s3, {"Bucket": bucket, "Key": "disk.raw", "UploadId": begun["UploadId"]}


@pytest.mark.parametrize("wrong", [{"ContentMD5": b64encode(bytes(16)).decode()}, {"ChecksumCRC32": "AAAAAA=="}])
def test_a_part_that_is_not_what_its_checksum_says_is_not_kept(aws: WritableAwsSimulator, wrong: dict[str, str]) -> None:
    s3, place = _upload(aws, f"damaged-{len(next(iter(wrong)))}")
    kept = s3.upload_part(**place, PartNumber=1, Body=b"what was sent first")["ETag"]
    with pytest.raises(ClientError, match="BadDigest"):
        s3.upload_part(**place, PartNumber=1, Body=b"damaged", **wrong)
    assert [part["ETag"] for part in s3.list_parts(**place)["Parts"]] == [kept]


def test_parts_are_named_in_their_order(aws: WritableAwsSimulator) -> None:
    s3, place = _upload(aws, "order")
    sent = [{"PartNumber": number, "ETag": s3.upload_part(**place, PartNumber=number, Body=BLOCK * 10)["ETag"]} for number in (1, 2)]
    with pytest.raises(ClientError, match="InvalidPartOrder"):
        s3.complete_multipart_upload(**place, MultipartUpload={"Parts": sent[::-1]})


# --- all of them


def test_each_key_is_of_its_account(aws: WritableAwsSimulator) -> None:
    assert [_client(aws, "sts", key=key).get_caller_identity()["Account"] for key in ("OURS", "OTHERS")] == [OURS, OTHERS]


@pytest.mark.parametrize(
    ("service", "ask", "code"),
    [
        ("ec2", lambda client: client.describe_snapshots(), "RequestLimitExceeded"),
        ("s3", lambda client: client.list_objects_v2(Bucket="b"), "SlowDown"),
        ("ebs", lambda client: client.start_snapshot(VolumeSize=1), "RequestThrottledException"),
    ],
)
def test_a_fault_is_worded_as_the_service_words_it(aws: WritableAwsSimulator, service: str, ask: Any, code: str) -> None:  # noqa: ANN401
    aws.faults.add(Fault.parse("status=503"))
    with pytest.raises(ClientError, match=code):
        ask(_client(aws, service))


def test_faults_are_aimed_at_a_region_whatever_the_service(aws: WritableAwsSimulator) -> None:
    aws.faults.add(Fault.parse("status=500@region=us-west-2"))
    for service, ask in (("ec2", "describe_snapshots"), ("s3", "list_buckets"), ("sts", "get_caller_identity")):
        with pytest.raises(ClientError):
            getattr(_client(aws, service, region="us-west-2"), ask)()
        getattr(_client(aws, service), ask)()


def test_the_request_log_names_what_was_asked_and_holds_no_signature(aws: WritableAwsSimulator) -> None:
    source = _imported(aws, "logged")
    _client(aws, region="us-east-1").copy_snapshot(SourceRegion="eu-west-1", SourceSnapshotId=source)
    assert [request.api for request in aws.requests] == [
        "s3.put",
        "s3.put",
        "aws.ImportSnapshot",
        "aws.DescribeImportSnapshotTasks",
        "aws.CopySnapshot",
    ]
    assert "Signature" not in str([request.document() for request in aws.requests])


def test_latencies_are_waited_for(aws: WritableAwsSimulator) -> None:
    aws.latencies.request, aws.latencies.part_per_mib = 0.1, 0.2
    _client(aws, "s3")
    began_s = time.monotonic()
    with pytest.raises(ClientError):
        _client(aws, "s3").put_object(Bucket="nobody-has-it", Key="k", Body=bytes(1 << 20))
    assert time.monotonic() - began_s >= 0.3


def test_another_of_them_in_the_same_process_is_refused(aws: WritableAwsSimulator) -> None:
    with pytest.raises(OperationError, match="has moto already"), WritableAwsThread():
        pass
    assert _client(aws, "s3").list_buckets()["Buckets"] is not None


@pytest.mark.parametrize("text", ["imports=1", "import", "import=x", "import=-1", "import=nan", "import_=1"])
def test_a_latency_that_is_none_is_an_error_of_the_input(text: str) -> None:
    with pytest.raises(InputError):
        Latencies.parse(text)


def test_latencies_are_read_from_text() -> None:
    assert Latencies.parse("import=5,part-per-mib=0.01") == Latencies(import_=5, part_per_mib=0.01)
    assert Latencies.parse("") == Latencies()
