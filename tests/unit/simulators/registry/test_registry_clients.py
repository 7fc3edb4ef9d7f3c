"""Clients that go away in the middle: the simulator does not fail, and says nothing of it."""

import logging
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.model.digest import Digest
from penstock.simulators.registry import DirectoryStorage, Fault, FaultKind, MemoryStorage, RegistrySimulator, RegistryThread, Storage

if TYPE_CHECKING:
    from tests.conftest import Ask

Fill = Callable[[Storage, str, bytes], Digest]
CONTENT = bytes(8 << 20)


def _leave(registry: RegistrySimulator, request: str, *, reset: bool, body: bytes = b"") -> None:
    """Send a request, wait for the first bytes of an answer where there is no body, and go: politely, or with a reset."""
    host, _, port = registry.host.rpartition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"{request}\r\n\r\n".encode() + body)
        if not body:
            assert connection.recv(12) == b"HTTP/1.1 200"
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.fixture(params=["memory", "directory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return MemoryStorage() if request.param == "memory" else DirectoryStorage(tmp_path)


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("slow", [False, True], ids=["at once", "slowly"])
def test_a_download_that_is_broken_off_is_no_error(
    *, ask: "Ask", fill: Fill, storage: Storage, caplog: pytest.LogCaptureFixture, slow: bool, reset: bool
) -> None:
    digest = fill(storage, "a", CONTENT)
    faults = [Fault(FaultKind.SLOW, "/blobs/", amount=200_000)] if slow else []
    with caplog.at_level(logging.DEBUG), RegistryThread(storage=storage, faults=faults) as registry:
        _leave(registry, f"GET /v2/a/blobs/{digest} HTTP/1.1\r\nHost: x", reset=reset)
        time.sleep(0.35)  # three pieces of a slow answer: each would have met the closed connection
        assert ask(f"{registry.url}/v2/").status == 200
    assert [record.getMessage() for record in caplog.records if record.name.startswith("aiohttp")] == []


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_an_upload_that_is_broken_off_is_no_error(*, ask: "Ask", storage: Storage, caplog: pytest.LogCaptureFixture, reset: bool) -> None:
    request = f"POST /v2/a/blobs/uploads/?digest={Digest.of(CONTENT)} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(CONTENT)}"
    with caplog.at_level(logging.DEBUG), RegistryThread(storage=storage) as registry:
        _leave(registry, request, body=CONTENT[:300_000], reset=reset)
        time.sleep(0.1)
        assert ask(f"{registry.url}/v2/").status == 200
    assert [record.getMessage() for record in caplog.records if record.name.startswith("aiohttp")] == []
