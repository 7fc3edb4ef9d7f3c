"""Small ranges one after another on one connection, as a BMC reads: whichever way they are answered, the answers are the same."""

import gc
import logging
import os
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from penstock.imageservice.held import HeldFile
from penstock.servers.images.repeats import LIFE_S

if TYPE_CHECKING:
    from tests.conftest import Ask
    from tests.integration.images.serving.conftest import FileDouble, Running, World

Start = Callable[..., AbstractContextManager["Running"]]
HOST = "0f5d39a1-97b6-4f2c-a1a2-57b2c1a0f3ee"
FULL = f"/byid/{HOST}/4.18/x86_64/full.iso"
INITRD = f"/images/{HOST}/pxe-initrd?version=4.18"


class Client:
    """One connection, and answers as they came."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._rest = b""

    def ask(self, span: str, target: str = FULL, more: str = "") -> tuple[dict[str, str], bytes]:
        self.connection.sendall(asked(span, target, more))
        return self.answer()

    def answer(self) -> tuple[dict[str, str], bytes]:
        while b"\r\n\r\n" not in self._rest:
            self._rest += self._more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        line, *lines = head.decode().split("\r\n")
        headers = {"": line, **{name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}}
        size = int(headers["content-length"])
        while len(self._rest) < size:
            self._rest += self._more()
        body, self._rest = self._rest[:size], self._rest[size:]
        return headers, body

    def _more(self) -> bytes:
        piece = self.connection.recv(1 << 20)
        assert piece, "the server ended the connection"
        return piece


def asked(span: str, target: str = FULL, more: str = "") -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: bmc\r\nRange: bytes={span}\r\n{more}\r\n".encode()


@contextmanager
def client_of(server: "Running") -> Iterator[Client]:
    with socket.create_connection(("127.0.0.1", server.bound.http_port or 0), timeout=20) as connection:
        yield Client(connection)


def alone(server: "Running", span: str, target: str = FULL, more: str = "") -> tuple[dict[str, str], bytes]:
    with client_of(server) as client:
        return client.ask(span, target, more)


def without_date(answer: tuple[dict[str, str], bytes]) -> tuple[dict[str, str], bytes]:
    headers, body = answer
    assert re.fullmatch(r"\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT", headers["date"])
    return {**headers, "date": ""}, body


@pytest.fixture
def in_memory(world: "World") -> None:
    """Only where the file system tells what is in memory is anything repeated."""
    with world.path.open("rb") as file:
        try:
            os.preadv(file.fileno(), [bytearray(1)], 0, os.RWF_NOWAIT)
        except OSError:
            pytest.skip("this file system cannot tell what is in memory")


def spans() -> list[str]:
    """Of all kinds: usual ones, at the borders of segments and of the file, one byte, too large, open ones, and wrong ones."""
    numbers = random.Random(1)
    starts = [numbers.randrange(1, 2_962_000) for _ in range(40)]
    usual = [f"{start}-{start + numbers.randrange(1500)}" for start in starts]
    size = 2_962_154
    odd = ["0-99", "1-1", f"{size - 1}-{size - 1}", f"{size - 9}-{size + 99}", f"{size}-{size + 9}", "99-98", "-5", "2000000-", "1-70000"]
    borders = ["999990-1000010", "1000000-1000005", "1262140-1262160", "1-65536", "1-65537", "2-9,20-29", "007-0010", f"5-{10**18}", "x-y"]
    return [*usual[:20], *odd, *usual[20:], *borders, *usual[:5]]


@pytest.mark.parametrize(
    "more", ["", "If-Range: {etag}\r\n", 'If-Range: "other"\r\n', "Authorization: Bearer s3cret\r\n", "Origin: https://a.example\r\n"]
)
def test_every_answer_on_a_connection_is_the_one_that_a_new_connection_gets(world: "World", running: Start, more: str) -> None:
    more = more.format(etag=world.service.snapshot.etag)
    with running(world.service, allowed_domains="https://a.example") as server, client_of(server) as client:
        for span in spans():
            assert without_date(client.ask(span, more=more)) == without_date(alone(server, span, more=more)), span


@pytest.mark.usefixtures("in_memory")
def test_what_is_like_the_request_before_is_asked_of_nobody_for_a_second(world: "World", running: Start) -> None:
    with running(world.service) as server, client_of(server) as client:
        began_s = time.monotonic()
        for start in range(1, 501):
            assert client.ask(f"{start}-{start + 1023}")[1] == world.content[start : start + 1024]
        took_s = time.monotonic() - began_s
        assert len(world.service.asks) <= 1 + took_s / LIFE_S
        world.service.snapshot = replace(world.service.snapshot, etag='"another"')
        while client.ask("5-9")[0]["etag"] != '"another"':
            assert time.monotonic() - began_s < took_s + LIFE_S + 5


def test_another_target_another_host_and_the_beginning_are_asked_for(world: "World", running: Start) -> None:
    with running(world.service) as server, client_of(server) as client:
        client.ask("5-9")
        assert "initrd" in client.ask("5-9", INITRD)[0]["content-disposition"]
        client.ask("5-9")
        world.service.snapshot = replace(world.service.snapshot, etag='"another"')
        assert client.ask("0-9")[0]["etag"] == '"another"'
        assert client.ask("5-9")[0]["etag"] == '"another"'
        before = len(world.service.asks)
        assert client.ask("5-9", more="Authorization: Bearer other\r\n")[1] == world.content[5:10]
        assert len(world.service.asks) == before + 1


def test_all_of_them_are_counted(world: "World", running: Start, ask: "Ask") -> None:
    with running(world.service) as server, client_of(server) as client:
        for start in range(1, 101):
            client.ask(f"{start}-{start + 9}")
        text = ask(f"{server.url}/metrics").body.decode()
    counted = r'http_request_duration_seconds_count\{code="206",handler="/byid/:token",method="GET",service=""\} 100\.0'
    assert re.search(counted, text)
    assert re.search(r'http_response_size_bytes_sum\{code="206",handler="/byid/:token",method="GET",service=""\} 1000\.0', text)


def test_who_debugs_is_told_of_each(world: "World", running: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="penstock.servers.images.access")
    with running(world.service) as server, client_of(server) as client:
        for start in range(1, 6):
            client.ask(f"{start}-9")
    assert len(world.service.asks) == 5


def test_requests_in_pieces_and_two_in_one_piece_are_each_answered(world: "World", running: Start) -> None:
    with running(world.service) as server, client_of(server) as client:
        client.ask("5-9")
        whole = asked("15-19")
        for cut in (1, 30, len(whole) - 30, len(whole) - 3):
            client.connection.sendall(whole[:cut])
            time.sleep(0.02)
            client.connection.sendall(whole[cut:])
            assert client.answer()[1] == world.content[15:20]
        client.ask("5-9")
        client.connection.sendall(asked("25-29") + asked("35-39"))
        assert [client.answer()[1], client.answer()[1]] == [world.content[25:30], world.content[35:40]]


def test_what_is_asked_while_another_answer_is_on_its_way_is_never_taken_for_the_other(world: "World", running: Start) -> None:
    with running(world.service) as server:
        kinds = {target: alone(server, "5-9", target)[0]["content-disposition"] for target in (FULL, INITRD)}
        for number in range(150):
            with client_of(server) as client:
                client.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                targets = (FULL, INITRD, FULL, INITRD) if number % 2 else (INITRD, FULL, INITRD)
                for target in targets:
                    client.connection.sendall(asked(f"{5 + number}-{9 + number}", target))
                assert [client.answer()[0]["content-disposition"] for _ in targets] == [kinds[target] for target in targets]
                for target in (FULL, INITRD, FULL, FULL, INITRD):
                    assert client.ask("25-29", target)[0]["content-disposition"] == kinds[target]


def test_what_was_asked_while_another_waited_for_a_slot_is_not_taken_for_it(large: "World", running: Start) -> None:
    with running(large.service, max_concurrent_requests=1) as server, client_of(server) as client:
        with client_of(server) as other:
            other.connection.sendall(f"GET {FULL} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert other.connection.recv(1000)
            for target in (FULL, INITRD):
                client.connection.sendall(asked("5-9", target))
                time.sleep(0.1)
        kinds = [client.answer()[0]["content-disposition"] for _ in range(2)]
        assert [client.ask("5-9", target)[0]["content-disposition"] for target in (FULL, INITRD)] == kinds
        assert "discovery" in kinds[0]


def test_ranges_that_are_asked_for_at_once_are_answered_in_their_order(world: "World", running: Start) -> None:
    with running(world.service) as server, client_of(server) as client:
        client.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(1, 400):
            starts = (number, number + 20, number + 50)
            for start in starts:
                client.connection.sendall(asked(f"{start}-{start + 9}"))
            assert [client.answer()[0]["content-range"].split("-")[0] for _ in starts] == [f"bytes {start}" for start in starts]


def test_a_body_that_comes_late_is_no_request(world: "World", running: Start) -> None:
    smuggled = asked("5-9")
    with running(world.service) as server, client_of(server) as client:
        head = f"POST /nowhere HTTP/1.1\r\nHost: bmc\r\nContent-Length: {len(smuggled)}\r\n\r\n"
        client.connection.sendall(head.encode())
        assert client.answer()[0][""].startswith("HTTP/1.1 404")
        client.connection.sendall(smuggled)
        time.sleep(0.1)
        assert "initrd" in client.ask("5-9", INITRD)[0]["content-disposition"]
        assert "discovery" in client.ask("5-9")[0]["content-disposition"]


def test_a_request_with_a_body_or_with_two_ranges_is_read_whole(world: "World", running: Start) -> None:
    with running(world.service) as server, client_of(server) as client:
        for _ in range(2):
            client.connection.sendall(asked("5-9", more="Content-Length: 4\r\n") + b"body")
            assert client.answer()[1] == world.content[5:10]
        for _ in range(2):
            assert client.ask("5-9", more="range: bytes=15-19\r\n")[0][""] == alone(server, "5-9", more="range: bytes=15-19\r\n")[0][""]


def test_who_comes_when_all_slots_are_taken_waits_as_others_do(large: "World", running: Start) -> None:
    with running(large.service, max_concurrent_requests=1) as server, client_of(server) as client, client_of(server) as other:
        client.ask("5-9")
        other.connection.sendall(f"GET {FULL} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert other.connection.recv(1000)
        client.connection.sendall(asked("15-19"))
        client.connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            client.connection.recv(1)
        client.connection.settimeout(20)
        other.connection.close()
        assert client.answer()[1] == large.content[15:20]


def test_a_server_that_stops_ends_a_connection_on_which_nothing_is_asked(large: "World", running: Start) -> None:
    with running(large.service) as server, client_of(server) as client:
        client.ask("5-9")
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        stopping.join(20)
        assert not stopping.is_alive()
        assert client.connection.recv(1) == b""


@pytest.mark.usefixtures("in_memory")
def test_an_idle_connection_keeps_no_file_open(world: "World", running: Start, spare: "FileDouble") -> None:
    (source,) = world.service.snapshot.files
    usual = world.service.snapshot
    held = HeldFile(spare)
    world.service.snapshot = replace(usual, files={source: held})
    with running(world.service) as server, client_of(server) as client:
        client.ask("5-9")
        client.ask("15-19")
        world.service.snapshot = usual
        del held
        end_s = time.monotonic() + LIFE_S + 10
        while not spare.file.closed and time.monotonic() < end_s:
            gc.collect()
            time.sleep(0.05)
        assert spare.file.closed
        assert client.ask("5-9")[1] == world.content[5:10]
