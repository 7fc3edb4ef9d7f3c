"""Bytes over real connections: any range is the slice, whatever the client does to the connection, however many there are."""

import asyncio
import http.client
import logging
import os
import resource
import socket
import ssl
import struct
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.model.errors import TransientError
from penstock.servers.images import ServerOptions, TlsFiles, serve

if TYPE_CHECKING:
    from tests.conftest import Ask
    from tests.integration.images.serving.conftest import Running, World

Start = Callable[..., AbstractContextManager["Running"]]
HOST = "0f5d39a1-97b6-4f2c-a1a2-57b2c1a0f3ee"
FULL = f"/byid/{HOST}/4.18/x86_64/full.iso"
REQUEST = f"GET {FULL} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


@pytest.fixture
def tls_files(tmp_path: Path) -> tuple[TlsFiles, ssl.SSLContext]:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "tls.crt")
    certificate.private_key_pem.write_to_path(tmp_path / "tls.key")
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return TlsFiles(tmp_path / "tls.crt", tmp_path / "tls.key"), client


def connected(server: "Running") -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.bound.http_port or 0), timeout=20)


def eventually(is_so: Callable[[], bool], within_s: float = 10) -> bool:
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        if is_so():
            return True
        time.sleep(0.02)
    return is_so()


def read_some(connection: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        piece = connection.recv(count - len(got))
        assert piece, "the connection ended"
        got += piece
    return got


EDGES = (0, 1, 999_999, 1_000_000, 1_000_006, 1_262_143, 1_262_144, 1_262_154, 1_462_153, 1_462_154, 2_962_153)
POSITIONS = st.one_of(st.integers(0, 3_000_000), st.sampled_from(EDGES))
LENGTHS = st.one_of(st.integers(1, 5_000), st.integers(60_000, 70_000), st.integers(100_000, 2_000_000))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_range_over_http_is_the_slice(world: "World", running: Start, data: st.DataObject) -> None:
    ranges = data.draw(st.lists(st.tuples(POSITIONS, LENGTHS), min_size=1, max_size=8))
    with running(world.service) as server:
        # One connection for all: what is behind a body that is too long or too short would be read as the next answer.
        connection = http.client.HTTPConnection("127.0.0.1", server.bound.http_port, timeout=20)
        for start, length in ranges:
            connection.request("GET", FULL, headers={"Range": f"bytes={start}-{start + length - 1}"})
            answer = connection.getresponse()
            body, wanted = answer.read(), world.content[start : start + length]
            assert answer.status == (206 if wanted else 416)
            assert body == (wanted or b"invalid range: failed to overlap\n")
        connection.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(ranges=st.lists(st.tuples(POSITIONS, LENGTHS), min_size=1, max_size=8))
def test_any_range_over_tls_is_the_slice(
    world: "World", running: Start, tls_files: tuple[TlsFiles, ssl.SSLContext], ranges: list[tuple[int, int]]
) -> None:
    with running(world.service, tls=tls_files[0]) as server:
        connection = http.client.HTTPSConnection("localhost", server.bound.https_port, timeout=20, context=tls_files[1])
        for start, length in ranges:
            connection.request("GET", FULL, headers={"Range": f"bytes={start}-{start + length - 1}"})
            body, wanted = connection.getresponse().read(), world.content[start : start + length]
            assert body == (wanted or b"invalid range: failed to overlap\n")
        connection.close()


def test_a_large_file_comes_whole_in_windows_that_are_brought_first(large: "World", running: Start, ask: "Ask") -> None:
    with running(large.service) as server:
        assert ask(server.url + FULL).body == large.content
    windows = dict.fromkeys(large.file.ensured)
    assert list(windows) == [(offset << 20, 8 << 20) for offset in range(0, 64, 8)]


def test_a_client_of_http_1_0_gets_it_too(world: "World", running: Start) -> None:
    with running(world.service) as server, connected(server) as client:
        client.sendall(f"GET {FULL} HTTP/1.0\r\n\r\n".encode())
        answer = b"".join(iter(lambda: client.recv(1 << 20), b""))
    assert answer.endswith(world.content)


@pytest.mark.parametrize("by_reset", [False, True])
def test_a_client_that_leaves_frees_its_slot_and_is_no_error(
    large: "World", running: Start, ask: "Ask", caplog: pytest.LogCaptureFixture, by_reset: bool
) -> None:
    with running(large.service, max_concurrent_requests=1) as server:
        for _ in range(5):
            client = connected(server)
            if by_reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(REQUEST)
            read_some(client, 100_000)
            client.close()
        assert ask(server.url + FULL).body == large.content
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


def test_a_client_that_leaves_the_queue_is_not_served(large: "World", running: Start, ask: "Ask") -> None:
    with running(large.service, max_concurrent_requests=1) as server:
        with connected(server) as first:
            first.sendall(REQUEST)
            read_some(first, 1000)
            with connected(server) as queued:
                queued.sendall(REQUEST)
                assert eventually(lambda: "transfers_waiting 1.0" in ask(f"{server.url}/metrics").body.decode())
            assert eventually(lambda: "transfers_waiting 0.0" in ask(f"{server.url}/metrics").body.decode())
            assert ask(f"{server.url}/health").status == 200
        assert len(large.service.asks) == 1
        assert ask(server.url + FULL, headers={"Range": "bytes=5-9"}).status == 206


def test_a_file_that_ends_early_cuts_the_connection(large: "World", running: Start, ask: "Ask") -> None:
    os.truncate(large.path, 40 << 20)
    with running(large.service) as server:
        answer = ask(server.url + FULL)
        part = ask(server.url + FULL, headers={"Range": f"bytes={41 << 20}-{(41 << 20) + 9}"})
    assert (answer.status, answer.whole, answer.body == large.content[: 40 << 20]) == (200, False, True)
    assert (part.status, part.body) == (500, b"")


def test_a_file_that_ends_early_cuts_the_connection_with_tls(
    large: "World", running: Start, ask: "Ask", tls_files: tuple[TlsFiles, ssl.SSLContext]
) -> None:
    os.truncate(large.path, 4 << 20)
    with running(large.service, tls=tls_files[0]) as server, pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        assert ask(server.tls_url + FULL, tls=tls_files[1]).whole


def test_bytes_that_do_not_come_are_an_error_before_and_a_cut_after_the_headers(large: "World", running: Start, ask: "Ask") -> None:
    with running(large.service) as server:
        large.file.missing = lambda end: TransientError("the store does not answer") if end > 16 << 20 else None
        cut = ask(server.url + FULL)
        large.file.missing = lambda _: TransientError("the store does not answer")
        none = ask(server.url + FULL)
        none_of_few = ask(server.url + FULL, headers={"Range": "bytes=0-9"})
        large.file.missing = lambda _: None
        assert ask(server.url + FULL).whole
    assert (cut.status, cut.whole, len(cut.body)) == (200, False, 16 << 20)
    assert {(answer.status, answer.body) for answer in (none, none_of_few)} == {(500, b"")}


def test_clients_that_do_not_read_take_no_memory_and_nobody_elses_time(large: "World", running: Start, ask: "Ask") -> None:
    with running(large.service) as server:
        ask(server.url + FULL)
        before_kib = resident_kib()
        clients = [connected(server) for _ in range(200)]
        for client in clients:
            client.sendall(REQUEST)
        for client in clients:
            read_some(client, 1000)
        assert ask(server.url + FULL).body == large.content
        grown_kib = resident_kib() - before_kib
        for client in clients:
            client.close()
    # The content that this process holds for comparison comes and goes; two hundred pieces of a megabyte would not be missed.
    assert grown_kib < 100 << 10


def resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


def test_clients_over_tls_that_do_not_read_take_little_memory(
    large: "World", running: Start, tls_files: tuple[TlsFiles, ssl.SSLContext]
) -> None:
    with running(large.service, tls=tls_files[0]) as server:
        clients = [
            tls_files[1].wrap_socket(
                socket.create_connection(("127.0.0.1", server.bound.https_port or 0), timeout=20), server_hostname="localhost"
            )
            for _ in range(100)
        ]
        before_kib = resident_kib()
        for client in clients:
            client.sendall(REQUEST)
        for client in clients:
            read_some(client, 1000)
        time.sleep(0.5)
        grown_kib = resident_kib() - before_kib
        for client in clients:
            client.close()
    assert grown_kib < 80 << 10


def test_a_thousand_clients_read_ranges_at_once(world: "World") -> None:
    async def read(port: int, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for turn in range(3):
            start = (number * 2_957 + turn * 65_536) % 2_900_000
            writer.write(f"GET {FULL} HTTP/1.1\r\nHost: x\r\nRange: bytes={start}-{start + 1023}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 206 ")
            assert await reader.readexactly(1024) == world.content[start : start + 1024]
        writer.close()
        await writer.wait_closed()

    async def go() -> None:
        async with serve(world.service, ServerOptions(host="127.0.0.1", port=0)) as bound:
            assert bound.http_port is not None
            await asyncio.gather(*(read(bound.http_port, number) for number in range(1000)))

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    try:
        asyncio.run(go())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert 1000 <= len(world.service.asks) <= 3000
