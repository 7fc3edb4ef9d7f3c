"""Replicas over one bucket, and what stands between them and it."""

import asyncio
import http.client
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest

from penstock.adapters.imagestore.records import name_of
from penstock.adapters.imagestore.s3 import S3ImageStore
from penstock.adapters.imagestore.s3bucket import Bucket
from penstock.adapters.imagestore.s3options import S3Options
from penstock.adapters.imagestore.s3turns import Turns
from penstock.adapters.imagestore.threads import Threads
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.osimage import Brought, ImageRecord, ImageType, StoredImage, UrlOrigin, Wanted
from penstock.ports import BringImages, ImageFile

CHUNK = 64 << 10
BUILD = "418.94.202501221327-0"
CONTENT = b"".join(bytes([number]) * CHUNK for number in range(9)) + b"the last piece is short"
WANTED = Wanted("4.18", Arch.X86_64, UrlOrigin("https://host/x.iso"), version=BUILD)

NewBucket = Callable[[], S3Options]


@dataclass
class Between:
    """What stands between a store and its bucket.

    Attributes:
        url: its address.
        ranges: of the images that were asked for.
        latency_s: how long each of these takes at least.
        at_once: how many of these are on their way.
        most_at_once: how many of these were on their way at the same time.
        cut: whether it lets nothing through.
        flip: whether it damages every range of an image.
        forgetful: whether it hides conditions from the service, as one that does not know them.
        rangeless: whether it hides ranges from the service.
    """

    url: str
    ranges: list[str] = field(default_factory=list)
    latency_s: float = 0.0
    at_once: int = 0
    most_at_once: int = 0
    cut: bool = False
    flip: bool = False
    forgetful: bool = False
    rangeless: bool = False


@contextmanager
def counted(state: Between) -> Iterator[None]:
    """A request that is on its way."""
    state.at_once += 1
    state.most_at_once = max(state.most_at_once, state.at_once)
    try:
        yield
    finally:
        state.at_once -= 1


@contextmanager
def between(target: str) -> Iterator[Between]:
    host = urlsplit(target).netloc
    state = Between("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if state.cut:
                self.close_connection = True
                return
            is_content = re.search(r"/sha256/[0-9a-f]{64}$", self.path) is not None and self.command == "GET"
            with counted(state) if is_content else nullcontext():
                if is_content:
                    state.ranges.append(self.headers["Range"])
                    time.sleep(state.latency_s)
                self.passed_on(body, is_content=is_content)

        def passed_on(self, body: bytes, *, is_content: bool) -> None:
            headers = {name: value for name, value in self.headers.items() if not (state.forgetful and name.lower().startswith("if-"))}
            if state.rangeless:
                headers.pop("Range", None)
            upstream = http.client.HTTPConnection(host, timeout=30)
            upstream.request(self.command, self.path, body=body or None, headers=headers)
            answer = upstream.getresponse()
            content = answer.read()
            if is_content and state.flip and content:
                content = content[:-1] + bytes([content[-1] ^ 1])
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                    self.send_header(name, value)
            self.send_header("Content-Length", answer.getheader("Content-Length") or str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            upstream.close()

        do_PUT = do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815  # the names that http.server calls

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def relay(s3_url: str) -> Iterator[Between]:
    with between(s3_url) as state:
        yield state


async def _examine(wanted: Wanted, path: str, digest: Digest) -> ImageRecord:
    raise AssertionError("nothing lies there")


class Bench:
    """What tests do with replicas and their bucket."""

    content = CONTENT
    chunk = CHUNK
    build = BUILD
    wanted = WANTED

    @staticmethod
    def store(options: S3Options, number: int = 0, *, chunk_bytes: int = CHUNK, **changes: object) -> S3ImageStore:
        own = replace(options, cache=options.cache / f"replica-{number}", **changes)  # type: ignore[arg-type]
        return S3ImageStore(own, examine=_examine, host=f"replica-{number}", chunk_bytes=chunk_bytes)

    @staticmethod
    def bringing(
        calls: list[str], content: bytes = CONTENT, *, build: str = BUILD, pause_s: float = 0.0, checked: tuple[str, ...] = ()
    ) -> BringImages:
        async def bring(folder: str) -> tuple[Brought, ...]:
            calls.append(folder)
            await asyncio.sleep(pause_s)
            path = Path(folder) / "x.iso"
            path.write_bytes(content)
            record = ImageRecord("4.18", build, Arch.X86_64, ImageType.FULL, "", checked=checked)
            return (Brought(str(path), Digest.of(content), len(content), record),)

        return bring

    @staticmethod
    def stored(
        options: S3Options, content: bytes = CONTENT, key: str = "key", build: str = BUILD, *, chunk_bytes: int = CHUNK
    ) -> StoredImage:
        """An image that another replica stored."""

        async def work() -> StoredImage:
            async with Bench.store(options, 99, chunk_bytes=chunk_bytes) as one:
                return (await one.put(WANTED, key, Bench.bringing([], content, build=build)))[0]

        return asyncio.run(work())

    @staticmethod
    async def read(file: ImageFile, offset: int, length: int) -> bytes:
        held = await file.ensure(offset, length)
        content = os.pread(file.file.fileno(), length, offset)
        if held is not None:
            held.close()
        return content

    @staticmethod
    def service(options: S3Options) -> "boto3.client":
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
        return session.client("s3", endpoint_url=options.endpoint)

    @staticmethod
    def names(options: S3Options) -> set[str]:
        client = Bench.service(options)
        found = client.list_objects_v2(Bucket=options.bucket).get("Contents", [])
        client.close()
        return {item["Key"].split("/")[1] for item in found}

    @staticmethod
    async def dead_turn(options: S3Options, key: str) -> None:
        """What a replica leaves that died at work."""
        bucket, threads = Bucket(options), Threads(1, "dead")
        assert await Turns(bucket, threads, expiry_s=60).take(name_of(key)) is not None
        await threads.close()
        bucket.close()


@pytest.fixture(scope="session")
def bench() -> Bench:
    return Bench()
