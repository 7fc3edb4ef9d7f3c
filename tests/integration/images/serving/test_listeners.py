"""Ports, certificates, clients that say nothing, and how the service stops."""

import contextlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from penstock.model.errors import InputError, OperationError
from penstock.servers.images import TlsFiles

if TYPE_CHECKING:
    from tests.conftest import Ask
    from tests.integration.images.serving.conftest import Running, World

Start = Callable[..., AbstractContextManager["Running"]]
HOST = "0f5d39a1-97b6-4f2c-a1a2-57b2c1a0f3ee"
FULL = f"/byid/{HOST}/4.18/x86_64/full.iso"
REQUEST = f"GET {FULL} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def write_certificate(folder: Path, authority: trustme.CA) -> TlsFiles:
    certificate = authority.issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(folder / "tls.crt")
    certificate.private_key_pem.write_to_path(folder / "tls.key")
    return TlsFiles(folder / "tls.crt", folder / "tls.key")


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def connected(server: "Running") -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.bound.http_port or 0), timeout=20)


def rest_of(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(1 << 20), b""))


def read_until(connection: socket.socket, end: bytes) -> bytes:
    got = b""
    while end not in got:
        piece = connection.recv(65536)
        assert piece
        got += piece
    return got


def other_end_of(client: socket.socket) -> socket.socket:
    """The server's socket of a connection: it runs in this process."""
    for entry in Path("/proc/self/fd").iterdir():
        if not entry.is_socket():
            continue
        other = socket.socket(fileno=os.dup(int(entry.name)))
        with contextlib.suppress(OSError):
            if other.getpeername() == client.getsockname():
                return other
        other.close()
    raise AssertionError("the server has no such connection")


def congestion_control(connection: socket.socket) -> bytes:
    with connection:
        return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0")


def test_beside_tls_plain_http_gives_the_initramfs_and_what_is_for_everybody(
    world: "World", running: Start, ask: "Ask", tmp_path: Path
) -> None:
    authority = trustme.CA()
    with running(world.service, tls=write_certificate(tmp_path, authority), http_port=0) as server:
        plain = {
            path: ask(server.url + path).status
            for path in (
                f"/images/{HOST}/pxe-initrd?version=4.18",
                "/boot-artifacts/rootfs?version=4.18",
                "/health",
                "/live",
                "/metrics",
                FULL,
                f"/images/{HOST}/s390x-initrd-addrsize?version=4.18",
                f"/images/{HOST}/ignition?version=4.18&type=full-iso",
                f"/i/{HOST}.iso",
                "/v1/aliases",
            )
        }
        over_tls = ask(server.tls_url + FULL, tls=trusting(authority))
        assert ask(server.url + FULL).body == b"404 page not found\n"
    assert list(plain.values()) == [200] * 5 + [404] * 5
    assert over_tls.body == world.content


def test_with_tls_alone_there_is_no_plain_port(world: "World", running: Start, ask: "Ask", tmp_path: Path) -> None:
    authority = trustme.CA()
    with running(world.service, tls=write_certificate(tmp_path, authority)) as server:
        assert server.bound.http_port is None
        assert ask(server.tls_url + FULL, tls=trusting(authority)).status == 200


def test_without_tls_the_second_port_takes_the_place_of_the_first(world: "World", running: Start, ask: "Ask") -> None:
    with running(world.service, port=1, http_port=0) as server:
        assert server.bound.https_port is None
        assert ask(server.url + FULL).status == 200


def test_a_new_certificate_is_taken_without_a_restart(world: "World", running: Start, ask: "Ask", tmp_path: Path) -> None:
    old, new = trustme.CA(), trustme.CA()
    with running(world.service, tls=write_certificate(tmp_path, old), certificate_check_s=0.05) as server:
        assert ask(f"{server.tls_url}/live", tls=trusting(old)).status == 200
        (tmp_path / "tls.crt").write_text("nonsense")  # half of a change
        time.sleep(0.3)
        assert ask(f"{server.tls_url}/live", tls=trusting(old)).status == 200
        write_certificate(tmp_path, new)
        end_s = time.monotonic() + 10
        while time.monotonic() < end_s:
            with contextlib.suppress(ssl.SSLCertVerificationError):
                assert ask(f"{server.tls_url}/live", tls=trusting(new)).status == 200
                break
            time.sleep(0.05)
        else:
            pytest.fail("the new certificate is not in use")


@pytest.mark.parametrize("content", ["", "nonsense"])
def test_a_certificate_that_is_none_is_told_at_the_start(world: "World", running: Start, tmp_path: Path, content: str) -> None:
    (tmp_path / "a").write_text(content)
    with (
        pytest.raises(InputError, match="the certificate or its key is wrong"),
        running(world.service, tls=TlsFiles(tmp_path / "a", tmp_path / "a")),
    ):
        pass


def test_a_port_that_is_taken_is_told_at_the_start(world: "World", running: Start) -> None:
    with (
        running(world.service) as server,
        pytest.raises(OperationError, match="cannot listen"),
        running(world.service, port=server.bound.http_port),
    ):
        pass


@pytest.mark.parametrize("sent", [b"", b"GET ", b"GET / HTTP/1.1\r\nHost: localhost\r\n"])
def test_who_does_not_say_what_it_wants_is_sent_away(world: "World", running: Start, sent: bytes) -> None:
    with running(world.service, header_timeout_s=0.2) as server, connected(server) as client:
        client.sendall(sent)
        with contextlib.suppress(ConnectionResetError):
            assert rest_of(client) == b""


def test_who_sends_a_byte_now_and_then_is_sent_away_too(world: "World", running: Start) -> None:
    with running(world.service, header_timeout_s=0.3) as server, connected(server) as client:
        began_s = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began_s < 10:
                client.sendall(b"G")
                time.sleep(0.05)
        assert time.monotonic() - began_s < 5


def test_a_connection_that_is_kept_may_be_silent_between_requests(world: "World", running: Start) -> None:
    with running(world.service, header_timeout_s=0.2) as server, connected(server) as client:
        for _ in range(2):
            client.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert read_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
            time.sleep(0.5)


def test_every_request_on_a_connection_that_is_kept_has_its_own_time_for_headers(world: "World", running: Start) -> None:
    with running(world.service, header_timeout_s=0.6) as server, connected(server) as client:
        for _ in range(5):
            time.sleep(0.2)
            client.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert read_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
        time.sleep(0.3)
        began_s = time.monotonic()
        client.sendall(b"GET /live HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert rest_of(client) == b""
        assert 0.5 < time.monotonic() - began_s < 5


@pytest.mark.parametrize(("host", "is_paced_by_none"), [("127.0.0.1", True), ("0.0.0.0", False)])
def test_what_only_this_machine_reaches_is_not_paced(world: "World", running: Start, host: str, *, is_paced_by_none: bool) -> None:
    with socket.socket() as fresh:
        usual = congestion_control(fresh)
    with running(world.service, host=host) as server, connected(server) as client:
        client.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        read_until(client, b"\r\n\r\n")
        assert congestion_control(other_end_of(client)) == (b"reno" if is_paced_by_none else usual)


def test_a_slow_transfer_is_no_slow_header(large: "World", running: Start) -> None:
    with running(large.service, header_timeout_s=0.2) as server, connected(server) as client:
        client.sendall(REQUEST)
        head = read_until(client, b"\r\n\r\n")
        time.sleep(0.6)
        missing = len(large.content) - len(head[head.index(b"\r\n\r\n") + 4 :])
        while missing:
            piece = client.recv(1 << 20)
            assert piece
            missing -= len(piece)


def stopped(server: "Running") -> threading.Thread:
    thread = threading.Thread(target=server.stop)
    thread.start()
    return thread


def test_a_transfer_that_runs_when_the_service_stops_is_finished(large: "World", running: Start) -> None:
    with running(large.service) as server, connected(server) as client, connected(server) as idle:
        idle.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        read_until(idle, b"\r\n\r\n")
        client.sendall(REQUEST)
        first = client.recv(1000)
        stopping = stopped(server)
        assert rest_of(idle) == b""
        with pytest.raises(ConnectionRefusedError):
            connected(server)
        assert stopping.is_alive()
        whole = first + rest_of(client)
        stopping.join(20)
    assert whole[whole.index(b"\r\n\r\n") + 4 :] == large.content


def test_who_waits_for_a_slot_when_the_service_stops_is_served_too(large: "World", running: Start) -> None:
    with running(large.service, max_concurrent_requests=1) as server, connected(server) as first, connected(server) as second:
        first.sendall(REQUEST)
        head = first.recv(1000)
        second.sendall(REQUEST)
        time.sleep(0.3)
        stopping = stopped(server)
        assert len(head + rest_of(first)) > len(large.content)
        answer = rest_of(second)
        stopping.join(20)
    assert answer.endswith(large.content[-1000:])
    assert b"\r\nConnection: close\r\n" in answer[:1000]


def test_after_the_deadline_what_still_runs_is_cut(large: "World", running: Start) -> None:
    with running(large.service, drain_deadline_s=0.3) as server, connected(server) as client:
        client.sendall(REQUEST)
        first = client.recv(1000)
        began_s = time.monotonic()
        server.stop()
        assert time.monotonic() - began_s < 10
        with contextlib.suppress(ConnectionResetError):
            assert len(first + rest_of(client)) < len(large.content)


def test_a_service_stops_at_once_where_nothing_runs(world: "World", running: Start, ask: "Ask") -> None:
    with running(world.service) as server, connected(server):
        ask(server.url + FULL)
        began_s = time.monotonic()
        server.stop()
        assert time.monotonic() - began_s < 2
