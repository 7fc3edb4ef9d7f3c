"""moto, mounted: it is emptied for each simulator."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from penstock.simulators.aws.mounted import MountedMoto
from penstock.simulators.aws.writable import WritableAwsSimulator, WritableAwsThread


def test_what_one_simulator_held_the_next_does_not() -> None:
    owners: list[str | None] = []

    async def once() -> None:
        async with WritableAwsSimulator() as aws:
            owners.append(aws._moto.owner_of("forgotten"))
            status, _, _ = aws._moto._call("PUT", "/forgotten", "", {"Host": "localhost", "Authorization": _SIGNED}, b"")
            assert status == 200
            owners.append(aws._moto.owner_of("forgotten"))

    for _ in range(2):
        asyncio.run(once())
    assert owners == [None, "123456789012"] * 2


def test_letting_go_twice_is_no_error() -> None:
    moto = MountedMoto()
    moto.open()
    moto.close()
    moto.close()
    moto.open()
    moto.close()


def test_parts_are_files_that_go_with_their_object_and_all_of_them_with_the_simulator(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    part, once = bytes(5 << 20), Config(retries={"total_max_attempts": 1, "mode": "standard"})
    with WritableAwsThread() as aws:
        s3 = boto3.client(
            "s3", region_name="us-east-1", endpoint_url=aws.url, aws_access_key_id="any", aws_secret_access_key="any", config=once
        )
        s3.create_bucket(Bucket="files")

        def begun(key: str) -> dict[str, Any]:
            return {"Bucket": "files", "Key": key, "UploadId": s3.create_multipart_upload(Bucket="files", Key=key)["UploadId"]}

        place = begun("disk.raw")
        sent = [{"PartNumber": number, "ETag": s3.upload_part(**place, PartNumber=number, Body=part)["ETag"]} for number in (1, 2)]
        (folder,) = tmp_path.iterdir()
        assert [file.stat().st_size for file in folder.iterdir()] == [len(part)] * 2
        s3.complete_multipart_upload(**place, MultipartUpload={"Parts": sent})
        assert len([*folder.iterdir()]) == 2
        s3.delete_object(Bucket="files", Key="disk.raw")
        assert [*folder.iterdir()] == []
        s3.upload_part(**begun("left.raw"), PartNumber=1, Body=b"left")
        assert len([*folder.iterdir()]) == 1
        shutil.rmtree(folder)
        with pytest.raises(ClientError, match="cannot be kept"):
            s3.upload_part(**begun("lost.raw"), PartNumber=1, Body=b"lost")
    assert [*tmp_path.iterdir()] == []


_SIGNED = f"AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature={'0' * 64}"
