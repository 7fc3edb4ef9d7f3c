"""The stores that the contract runs over."""

import asyncio
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import boto3
import pytest

from penstock.adapters.imagestore.local import LocalImageStore
from penstock.adapters.imagestore.s3 import S3ImageStore
from penstock.adapters.imagestore.s3options import S3Options
from penstock.model.digest import Digest
from penstock.model.osimage import ImageRecord, Wanted
from penstock.ports import ImageStore

KINDS = ("folder", "folder without hard links", "bucket")
OpenStore = Callable[[], AbstractAsyncContextManager[ImageStore]]


@dataclass(frozen=True)
class Place:
    """Somewhere that stores are opened on.

    Attributes:
        kind: one of ``KINDS``.
        open: another store over the same images, as another replica or the next run has it.
    """

    kind: str
    open: OpenStore


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place for images, of each kind."""
    if request.param == "bucket":
        return _bucket(request.getfixturevalue("new_bucket")(), tmp_path)
    return _folder(request.param, tmp_path / "data")


def _folder(kind: str, folder: Path) -> Place:
    @asynccontextmanager
    async def opened() -> AsyncIterator[ImageStore]:
        yield LocalImageStore(folder, examine=_accept, poll_s=0.01, host="replica-0", hard_links=kind == "folder")

    return Place(kind, opened)


def _bucket(options: S3Options, folder: Path) -> Place:
    """Each replica has a cache of its own, and the next run of a replica the same."""
    busy: set[int] = set()

    @asynccontextmanager
    async def opened() -> AsyncIterator[ImageStore]:
        number = next(number for number in range(100) if number not in busy)
        busy.add(number)
        try:
            own = replace(options, cache=folder / f"replica-{number}")
            async with S3ImageStore(own, examine=_accept, host=f"replica-{number}", chunk_bytes=64 << 10) as store:
                yield store
        finally:
            busy.remove(number)

    return Place("bucket", opened)


_MOTO = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://%s:%s" % server.get_host_and_port(), flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """The address of moto's S3, in a process of its own."""
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
        yield process.stdout.readline().strip()
    finally:
        process.communicate(timeout=30)


@pytest.fixture
def new_bucket(s3_url: str, tmp_path: Path) -> Callable[[], S3Options]:
    """``new_bucket()``: how an empty bucket is reached, in a hurry."""

    def made() -> S3Options:
        name = f"images-{secrets.token_hex(4)}"
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
        client = session.client("s3", endpoint_url=s3_url)
        client.create_bucket(Bucket=name)
        client.close()
        cache = tmp_path / "cache"
        return S3Options(bucket=name, cache=cache, endpoint=s3_url, path_style=True, expiry_s=10.0, poll_s=0.02, attempts=1)

    return made


async def _accept(wanted: Wanted, path: str, digest: Digest) -> ImageRecord:
    """What lies in the place already is good, if it was read for its digest."""
    assert digest == Digest.of(await asyncio.to_thread(Path(path).read_bytes))
    return ImageRecord(wanted.openshift_version, wanted.version or "", wanted.arch, wanted.type, key="", checked=("looked at",))
