"""The server as a whole: in a loop, in a thread, over TLS; uploads that are cut."""

import asyncio
import hashlib
import os
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import trustme

from penstock.model.digest import Digest
from penstock.model.errors import OperationError
from penstock.simulators.registry import DirectoryStorage, MemoryStorage, RegistrySimulator, RegistryThread, Storage

if TYPE_CHECKING:
    from tests.conftest import Ask

Fill = Callable[[Storage, str, bytes], Digest]


def test_a_registry_serves_inside_an_event_loop(ask: "Ask") -> None:
    async def scenario() -> tuple[int, int]:
        async with RegistrySimulator() as registry:
            answer = await asyncio.to_thread(ask, f"{registry.url}/v2/")
            return answer.status, len(registry.requests)

    assert asyncio.run(scenario()) == (200, 1)


def test_a_port_that_is_taken_is_one_clear_error() -> None:
    with RegistryThread() as registry:
        port = int(registry.host.rpartition(":")[2])
        with pytest.raises(OperationError, match="cannot listen"), RegistryThread(port=port):
            pass


def test_a_registry_speaks_tls(ask: "Ask", fill: Fill, tmp_path: Path) -> None:
    authority = trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    storage = DirectoryStorage(tmp_path)
    content = os.urandom(3_000_000)
    digest = fill(storage, "a", content)
    with RegistryThread(storage=storage, tls=server) as registry:
        assert registry.url.startswith("https://127.0.0.1:")
        assert ask(f"{registry.url}/v2/a/blobs/{digest}", tls=client).body == content


def test_an_upload_that_was_cut_goes_on_where_it_ended(ask: "Ask") -> None:
    content = os.urandom(400_000)
    with RegistryThread() as registry:
        location = ask(f"{registry.url}/v2/a/blobs/uploads/", "POST", b"").headers["Location"]
        with socket.create_connection(urlsplit(registry.url).netloc.split(":")) as connection:  # type: ignore[arg-type]
            head = f"PATCH {location} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n"
            connection.sendall(head.encode() + content[:150_000])
        deadline = time.monotonic() + 10
        received = "0-0"
        while received == "0-0" and time.monotonic() < deadline:
            received = ask(registry.url + location).headers["Range"]
            time.sleep(0.02)
        done = int(received.removeprefix("0-")) + 1
        assert 0 < done <= 150_000
        assert ask(f"{registry.url}{location}&digest={Digest.of(content)}", "PUT", content[done:]).status == 201
        assert ask(f"{registry.url}/v2/a/blobs/{Digest.of(content)}").body == content


def test_a_post_that_was_cut_leaves_nothing(tmp_path: Path) -> None:
    content = os.urandom(400_000)
    with RegistryThread(storage=DirectoryStorage(tmp_path)) as registry:
        with socket.create_connection(urlsplit(registry.url).netloc.split(":")) as connection:  # type: ignore[arg-type]
            head = f"POST /v2/a/blobs/uploads/?digest={Digest.of(content)} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n"
            connection.sendall(head.encode() + content[:300_000])
            deadline = time.monotonic() + 10
            while not list((tmp_path / "uploads").iterdir()) and time.monotonic() < deadline:
                time.sleep(0.02)
        while list((tmp_path / "uploads").iterdir()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert list((tmp_path / "uploads").iterdir()) == []
        assert registry.storage.find_content(Digest.of(content)) is None


def test_blobs_of_sha512_are_pushed_and_pulled(ask: "Ask") -> None:
    content = b"a longer digest"
    digest = Digest("sha512", hashlib.sha512(content).hexdigest())
    with RegistryThread() as registry:
        assert ask(f"{registry.url}/v2/a/blobs/uploads/?digest={digest}", "POST", content).status == 201
        assert ask(f"{registry.url}/v2/a/blobs/{digest}").body == content
        assert ask(f"{registry.url}/v2/a/blobs/sha1:00").status == 400


def test_a_storage_that_fails_is_an_error_of_the_server(ask: "Ask", fill: Fill) -> None:
    class FullStorage(MemoryStorage):
        def link_blob(self, repository: str, digest: Digest) -> None:
            raise OSError(28, "No space left on device")

    with RegistryThread(storage=FullStorage()) as registry:
        answer = ask(f"{registry.url}/v2/a/blobs/uploads/?digest={Digest.of(b'x')}", "POST", b"x")
        assert (answer.status, b"No space left on device" in answer.body) == (500, True)
