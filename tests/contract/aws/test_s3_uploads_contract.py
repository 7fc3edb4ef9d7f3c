"""Uploads in parts, asked of S3 by boto3: the parts are ours in one AWS and moto's in the other, and nobody can tell."""

import hashlib
import zlib
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

PARTS = (b"a" * (5 << 20), b"b" * (5 << 20), b"the end")
WHOLE = b"".join(PARTS)
ETAG = f'"{hashlib.md5(b"".join(hashlib.md5(part).digest() for part in PARTS)).hexdigest()}-3"'


_CHECKSUMS: dict[str, Callable[[bytes], bytes]] = {
    "CRC32": lambda content: zlib.crc32(content).to_bytes(4, "big"),
    "SHA1": lambda content: hashlib.sha1(content).digest(),
    "SHA256": lambda content: hashlib.sha256(content).digest(),
}


@pytest.fixture
def s3(storage_url: str) -> Any:  # noqa: ANN401
    """No checksums but those that a test asks for."""
    config = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.client(
        "s3", region_name="us-east-1", endpoint_url=storage_url, aws_access_key_id="any", aws_secret_access_key="secret", config=config
    )


@pytest.fixture
def bucket(s3: Any) -> str:  # noqa: ANN401
    name = f"uploads-{uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


def begin(s3: Any, bucket: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    made = s3.create_multipart_upload(Bucket=bucket, Key="disk.raw", **more)
    return {"Bucket": bucket, "Key": "disk.raw", "UploadId": made["UploadId"]}


def send(s3: Any, place: dict[str, Any], *parts: bytes, **more: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    return [
        {"PartNumber": number, "ETag": s3.upload_part(**place, PartNumber=number, Body=part, **more)["ETag"]}
        for number, part in enumerate(parts, start=1)
    ]


def complete(s3: Any, place: dict[str, Any], parts: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: ANN401
    answer: dict[str, Any] = s3.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})
    return answer


def test_an_object_is_its_parts_with_their_tags_and_what_was_told_of_it(s3: Any, bucket: str) -> None:  # noqa: ANN401
    place = begin(s3, bucket, Tagging="content=abc", Metadata={"made-by": "a test"})
    sent = send(s3, place, *PARTS)
    assert [part["ETag"] for part in sent] == [f'"{hashlib.md5(part).hexdigest()}"' for part in PARTS]
    assert complete(s3, place, sent)["ETag"] == ETAG
    head = s3.head_object(Bucket=bucket, Key="disk.raw")
    assert (head["ContentLength"], head["ETag"], head["Metadata"]) == (len(WHOLE), ETAG, {"made-by": "a test"})
    assert s3.get_object(Bucket=bucket, Key="disk.raw")["Body"].read() == WHOLE
    assert s3.get_object(Bucket=bucket, Key="disk.raw", Range="bytes=5242878-5242881")["Body"].read() == b"aabb"
    assert s3.get_object_tagging(Bucket=bucket, Key="disk.raw")["TagSet"] == [{"Key": "content", "Value": "abc"}]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_parts_are_listed_until_the_upload_ends_and_the_last_of_a_number_counts(s3: Any, bucket: str) -> None:  # noqa: ANN401
    place = begin(s3, bucket)
    s3.upload_part(**place, PartNumber=1, Body=b"an older one")
    sent = send(s3, place, *PARTS)
    listed = [(part["PartNumber"], part["ETag"], part["Size"]) for part in s3.list_parts(**place)["Parts"]]
    assert listed == [(part["PartNumber"], part["ETag"], len(PARTS[number])) for number, part in enumerate(sent)]
    complete(s3, place, sent[1:])
    assert s3.get_object(Bucket=bucket, Key="disk.raw")["Body"].read() == b"".join(PARTS[1:])
    with pytest.raises(ClientError, match="NoSuchUpload"):
        s3.list_parts(**place)


def test_an_upload_that_is_thrown_away_takes_no_part_and_has_no_end(s3: Any, bucket: str) -> None:  # noqa: ANN401
    place = begin(s3, bucket)
    sent = send(s3, place, *PARTS)
    s3.abort_multipart_upload(**place)
    with pytest.raises(ClientError, match="NoSuchUpload"):
        s3.list_parts(**place)
    with pytest.raises(ClientError, match="NoSuchUpload"):
        s3.abort_multipart_upload(**place)
    with pytest.raises(ClientError):
        complete(s3, place, sent)
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket=bucket, Key="disk.raw")


@pytest.mark.parametrize("wrong", ["another etag", "no such part", "small", "none"])
def test_what_is_no_object_is_refused_and_the_parts_stay(s3: Any, bucket: str, wrong: str) -> None:  # noqa: ANN401
    place = begin(s3, bucket)
    sent = send(s3, place, *PARTS, b"more")
    named, code = {
        "another etag": ([{**sent[0], "ETag": sent[1]["ETag"]}], "InvalidPart"),
        "no such part": ([{**sent[0], "PartNumber": 9}], "InvalidPart"),
        "small": (sent, "EntityTooSmall"),
        "none": ([], "MalformedXML|InvalidRequest"),
    }[wrong]
    with pytest.raises(ClientError, match=code):
        complete(s3, place, named)
    assert len(s3.list_parts(**place)["Parts"]) == 4
    assert complete(s3, place, sent[:3])["ETag"] == ETAG


def test_the_end_of_an_upload_may_be_asked_for_again_and_several_times_at_once(s3: Any, bucket: str) -> None:  # noqa: ANN401
    place = begin(s3, bucket)
    sent = send(s3, place, *PARTS)
    with ThreadPoolExecutor(4) as pool:
        answers = [*pool.map(lambda _: attempt(s3, place, sent), range(4))]
    assert ETAG in answers
    assert complete(s3, place, sent)["ETag"] == ETAG
    assert s3.get_object(Bucket=bucket, Key="disk.raw")["Body"].read() == WHOLE


def attempt(s3: Any, place: dict[str, Any], parts: list[dict[str, Any]]) -> str:  # noqa: ANN401
    """The ETag, or "" where another one was faster."""
    try:
        return str(complete(s3, place, parts)["ETag"])
    except ClientError:
        return ""


def test_a_part_may_come_from_an_object_and_parts_of_both_kinds_be_mixed(s3: Any, bucket: str) -> None:  # noqa: ANN401
    first = begin(s3, bucket)
    complete(s3, first, send(s3, first, *PARTS))
    second = s3.create_multipart_upload(Bucket=bucket, Key="copy.raw")
    place = {"Bucket": bucket, "Key": "copy.raw", "UploadId": second["UploadId"]}
    source = {"Bucket": bucket, "Key": "disk.raw"}
    copied = s3.upload_part_copy(**place, PartNumber=1, CopySource=source, CopySourceRange="bytes=0-5242879")["CopyPartResult"]
    sent = s3.upload_part(**place, PartNumber=2, Body=b"sent")
    complete(s3, place, [{"PartNumber": 1, "ETag": copied["ETag"]}, {"PartNumber": 2, "ETag": sent["ETag"]}])
    assert s3.get_object(Bucket=bucket, Key="copy.raw")["Body"].read() == PARTS[0] + b"sent"


def test_an_object_that_is_overwritten_or_deleted_is_so(s3: Any, bucket: str) -> None:  # noqa: ANN401
    for parts in (PARTS, PARTS[1:]):
        place = begin(s3, bucket)
        complete(s3, place, send(s3, place, *parts))
        assert s3.get_object(Bucket=bucket, Key="disk.raw")["Body"].read() == b"".join(parts)
    s3.copy_object(Bucket=bucket, Key="other.raw", CopySource={"Bucket": bucket, "Key": "disk.raw"})
    s3.delete_object(Bucket=bucket, Key="disk.raw")
    assert s3.get_object(Bucket=bucket, Key="other.raw")["Body"].read() == b"".join(PARTS[1:])
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["other.raw"]


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums_of_parts_make_that_of_the_object(s3: Any, bucket: str, algorithm: str) -> None:  # noqa: ANN401
    made = _CHECKSUMS[algorithm]
    place, name = begin(s3, bucket, ChecksumAlgorithm=algorithm), f"Checksum{algorithm}"
    sent = []
    for number, part in enumerate(PARTS, start=1):
        answer = s3.upload_part(**place, PartNumber=number, Body=part, ChecksumAlgorithm=algorithm)
        assert answer[name] == b64encode(made(part)).decode()
        sent.append({"PartNumber": number, "ETag": answer["ETag"], name: answer[name]})
    complete(s3, place, sent)
    expected = b64encode(made(b"".join(made(part) for part in PARTS))).decode()
    head = s3.head_object(Bucket=bucket, Key="disk.raw", ChecksumMode="ENABLED")
    assert head[name].partition("-")[0] == expected
