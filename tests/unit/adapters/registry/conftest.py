"""A server that misbehaves on demand: every answer is written byte by byte as the test says."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.registry import Images, RegistryOptions, Retries, Timeouts
from penstock.formats.oci.descriptor import OCI_LAYER_TAR, Descriptor
from penstock.model.digest import Digest
from penstock.model.imageref import ImageRef
from penstock.ports import BlobReader


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def begins_at(self) -> int:
        """The first byte that ``Range`` asks for; 0 without one."""
        return int(self.headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))


@dataclass(frozen=True)
class Reply:
    """One answer; ``length`` is what Content-Length claims, ``cut`` ends the connection after the body, ``silent_s`` before it."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = -1
    cut: bool = False
    reset: bool = False
    silent_s: float = 0.0

    def head(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} Said", *(f"{name}: {value}" for name, value in self.headers.items())]
        if self.length is not None:
            lines.append(f"Content-Length: {len(self.body) if self.length < 0 else self.length}")
        return "\r\n".join([*lines, "", ""]).encode()


Handler = Callable[[Asked], Reply]


class Stand:
    """The running server."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.asked: list[Asked] = []
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def registry(self) -> str:
        return f"127.0.0.1:{self.port}"

    def ref(self, rest: str = "team/app:v1") -> ImageRef:
        return ImageRef.parse(f"{self.registry}/{rest}")

    @property
    def paths(self) -> list[str]:
        """What was asked, the greeting left out."""
        return [asked.path for asked in self.asked if asked.path != "/v2/"]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(Exception):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first = await reader.read(1)
        if not first.isalpha():
            if first:
                writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            return False
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request, *lines = head.split("\r\n")
        method, target, _ = request.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.asked.append(Asked(method, target, headers, body))
        reply = self.handler(self.asked[-1])
        await asyncio.sleep(reply.silent_s)
        writer.write(reply.head() + (b"" if method == "HEAD" else reply.body))
        await writer.drain()
        if reply.reset:
            writer.transport.abort()
        return not (reply.cut or reply.reset)

    def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()


@asynccontextmanager
async def _stand(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[Stand]:
    stand = Stand(handler)
    server = await asyncio.start_server(stand.serve, "127.0.0.1", 0, ssl=tls)
    stand.port = server.sockets[0].getsockname()[1]
    try:
        yield stand
    finally:
        server.close()
        stand.stop()
        await asyncio.sleep(0)


StandMaker = Callable[..., AbstractAsyncContextManager[Stand]]


class Web:
    """The words of these tests."""

    Reply = Reply

    @staticmethod
    def plain_registry(blobs: Mapping[str, bytes]) -> Handler:
        """A well-behaved registry of blobs; other handlers fall back to it."""

        def handle(asked: Asked) -> Reply:
            if asked.path == "/v2/":
                return Reply()
            content = blobs.get(asked.path.rpartition("/")[2])
            if content is None:
                return Reply(404, b'{"errors":[{"code":"BLOB_UNKNOWN","message":"unknown"}]}')
            start = asked.begins_at
            if "range" not in asked.headers:
                return Reply(200, content)
            if start >= len(content):
                return Reply(416, headers={"Content-Range": f"bytes */{len(content)}"})
            return Reply(206, content[start:], {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"})

        return handle

    @staticmethod
    def blob(content: bytes) -> Descriptor:
        return Descriptor(OCI_LAYER_TAR, Digest.of(content), len(content))

    @staticmethod
    def drain(reader: BlobReader, piece_bytes: int = 4096) -> bytes:
        content, buffer = bytearray(), memoryview(bytearray(piece_bytes))
        try:
            while got := reader.readinto(buffer):
                content += buffer[:got]
        finally:
            reader.close()
        return bytes(content)

    @staticmethod
    async def read(images: Images, ref: ImageRef, blob: Descriptor, piece_bytes: int = 4096) -> bytes:
        reader = await images.open_blob(ref, blob)
        return await asyncio.to_thread(Web.drain, reader, piece_bytes)

    @staticmethod
    def options(home: Path | None = None, **changes: object) -> RegistryOptions:
        quick = Retries(attempts=3, first_wait_s=0.01, longest_wait_s=0.02, longest_retry_after_s=0.3, total_s=5.0)
        settings: dict[str, Any] = {
            "retries": quick,
            "timeouts": Timeouts(connect_s=5.0, stall_s=0.4, commit_s=5.0, helper_s=5.0),
            "environment": {"HOME": str(home or "/nonexistent")},
        }
        return RegistryOptions(**{**settings, **changes})


@pytest.fixture
def stand() -> StandMaker:
    """``async with stand(handler) as server``: a server on a free port."""
    return _stand


@pytest.fixture
def web() -> Web:
    """Reply, plain_registry, blob, read, drain, options."""
    return Web()
