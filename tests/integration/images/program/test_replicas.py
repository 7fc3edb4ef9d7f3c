"""Several services over one store: one brings an image, the others wait for it, and all of them serve it."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

if TYPE_CHECKING:
    from tests.integration.images.program.conftest import Child, Kit, Programs, Site

BUILD = "417.94.202501221327-0"
BUCKET = "images"
SIZE = 3_000_000
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "plantedAdminToken", "AWS_DEFAULT_REGION": "us-east-1"}
_MOTO = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://%s:%s" % server.get_host_and_port(), flush=True)
sys.stdin.read()
server.stop()
"""


def client_of(url: str) -> "boto3.client":
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"], region_name="us-east-1")
    return session.client("s3", endpoint_url=url)


def isos_in(url: str) -> list[str]:
    """The objects with bytes of ISOs."""
    client = client_of(url)
    found = [item["Key"] for item in client.list_objects_v2(Bucket=BUCKET)["Contents"]]
    client.close()
    return [key for key in found if "/sha256/" in key and re.search("/[0-9a-f]{64}$", key)]


@pytest.fixture
def s3() -> Iterator[str]:
    """The address of moto's S3, in a process of its own, with a bucket."""
    process = subprocess.Popen(
        [sys.executable, "-c", _MOTO],
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        client = client_of(url)
        client.create_bucket(Bucket=BUCKET)
        client.close()
        yield url
    finally:
        process.communicate(timeout=30)


@pytest.fixture
def listed(programs: "Programs", site: "Site", kit: "Kit") -> tuple[object, ...]:
    """The words that list one image, which does not come before it is told to."""
    site.files["/a.iso"] = kit.iso(BUILD, SIZE)
    site.faults["/a.iso"] = [site.fault(hold_at=1_000_000)]
    return ("--os-images-file", programs.list_of(site.entry("4.17", BUILD, "/a.iso")))


def both_serve(children: list["Child"], site: "Site", kit: "Kit") -> None:
    assert all(child.urls for child in children)
    assert kit.eventually(lambda: bool(site.asked))
    time.sleep(1)
    assert [child.is_ready() for child in children] == [False, False]
    site.go.set()
    assert kit.eventually(lambda: all(child.is_ready("4.17") for child in children))
    bodies = [child.iso("4.17") for child in children]
    assert kit.is_made_of(bodies[0].body, kit.iso(BUILD, SIZE))
    assert (bodies[0].body, bodies[0].headers["ETag"]) == (bodies[1].body, bodies[1].headers["ETag"])
    # A client that goes on with the other replica goes on with the same ISO.
    part = children[1].iso("4.17", Range="bytes=2000000-", If_Range=bodies[0].headers["ETag"])
    assert (part.status, part.body) == (206, bodies[0].body[2_000_000:])
    assert site.asked_for("/a.iso") == [None]


def test_of_two_services_over_one_folder_one_brings(programs: "Programs", site: "Site", kit: "Kit", listed: tuple[object, ...]) -> None:
    children = [programs.serve(*listed) for _ in range(2)]
    both_serve(children, site, kit)
    assert [child.stop() for child in children] == [0, 0]
    assert [path.name for path in programs.data.glob("*.iso")] == [f"rhcos-full-iso-{BUILD}-x86_64.iso"]


def test_of_two_services_over_one_bucket_one_brings(
    programs: "Programs", site: "Site", kit: "Kit", listed: tuple[object, ...], s3: str
) -> None:
    def start(number: int, listed: tuple[object, ...] = listed) -> "Child":
        cache: Path = programs.folder / f"cache-{number}"
        words = ("--s3", f"s3://{BUCKET}/os", "--s3-endpoint", s3, "--data-dir", cache)
        return programs.serve(*listed, *words, env=KEYS)

    children = [start(number) for number in range(2)]
    both_serve(children, site, kit)
    assert [child.stop() for child in children] == [0, 0]
    # What another list does not have stays in the bucket: it is not this service's own.
    site.files["/b.iso"] = kit.iso("416.94.1-0")
    other = ("--os-images-file", programs.list_of(site.entry("4.16", "416.94.1-0", "/b.iso"), name="other.json"))
    third = start(2, other)
    assert third.urls
    assert kit.eventually(lambda: third.is_ready("4.16"))
    assert third.stop() == 0
    assert len(isos_in(s3)) == 2
