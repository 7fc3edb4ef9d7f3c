"""One running service, and clients and a backend that behave badly: nothing wrong is ever served."""

import asyncio
import re
import resource
import socket
import struct
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.model.hosts import CredentialKind
from penstock.simulators.assisted import AssistedSimulator, AssistedThread, InfraEnv, kernel_arguments_text
from penstock.simulators.cloud.faults import Fault, FaultKind

if TYPE_CHECKING:
    from tests.integration.images.program.conftest import Child, Kit, Programs

READERS = 1000
LOW_LIMIT = 256
KINDS = {
    "full": "/byid/{host}/4.16/x86_64/full.iso",
    "minimal": "/byid/{host}/4.16/x86_64/minimal.iso",
    "initrd": "/images/{host}/pxe-initrd?version=4.16&arch=x86_64",
}
FULL, INITRD = KINDS["full"], KINDS["initrd"]


def rest_of(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(1 << 20), b""))


class Service:
    """The running program.

    Attributes:
        child: its process.
        backend: what it asks.
        port: where it listens.
        isos: what it serves, as they were published.
    """

    kit: ClassVar["Kit"]

    def __init__(self, child: "Child", backend: AssistedSimulator, isos: dict[str, bytes]) -> None:
        self.child = child
        self.backend = backend
        self.port = child.port
        self.isos = isos
        self.wholes: dict[str, bytes] = {}

    def new_host(self) -> str:
        """One that nobody has asked for yet."""
        host = str(uuid.uuid4())
        self.backend.infra_envs[host] = InfraEnv(self.kit.config, kernel_arguments=kernel_arguments_text(["console=ttyS0"]))
        return host

    def whole(self, path: str) -> bytes:
        if path not in self.wholes:
            answer = self.child.ask(path)
            assert answer.status == 200
            self.wholes[path] = answer.body
        return self.wholes[path]

    def connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def running(self) -> int:
        metrics = self.child.ask("/metrics").body.decode()
        found = re.search(r"^assisted_image_service_transfers_running ([0-9.]+)$", metrics, re.MULTILINE)
        assert found is not None
        return int(float(found[1]))


@pytest.fixture(scope="module")
def service(shared_programs: "Programs", kit: "Kit") -> Iterator[Service]:
    Service.kit = kit
    isos = {"4.16": kit.iso("416.94.1-0"), "4.15": kit.iso("415.92.1-0", kit.large)}
    words = (*shared_programs.iso("4.16", "416.94.1-0"), *shared_programs.iso("4.15", "415.92.1-0", kit.large))
    with AssistedThread() as backend:
        child = shared_programs.serve(
            *words,
            "--base-url",
            "http://images.example.com",
            "--assisted-service-timeout",
            1,
            config_dir=False,
            env={"ASSISTED_SERVICE_HOST": backend.url.partition("://")[2]},
            before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (LOW_LIMIT, resource.getrlimit(resource.RLIMIT_NOFILE)[1])),
        )
        made = Service(child, backend, isos)
        assert kit.eventually(lambda: child.is_ready() and all(image["ready"][0]["minimal_iso"] for image in child.images().values()))
        yield made


@pytest.fixture
def host(service: Service) -> Iterator[str]:
    yield service.new_host()
    service.backend.faults.clear()
    service.backend.auth = frozenset()


def test_the_whole_iso_is_the_published_one_with_the_config_of_the_host(service: Service, kit: "Kit", host: str) -> None:
    service.backend.infra_envs[host] = InfraEnv(kit.config)
    whole = service.whole(FULL.format(host=host))
    assert kit.config_in(whole) == kit.config
    assert kit.is_made_of(whole, service.isos["4.16"])


@pytest.fixture(scope="module")
def fuzzed(service: Service) -> str:
    return service.new_host()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), kind=st.sampled_from(sorted(KINDS)))
def test_any_range_is_the_slice_of_the_whole(service: Service, fuzzed: str, data: st.DataObject, kind: str) -> None:
    path = KINDS[kind].format(host=fuzzed)
    whole = service.whole(path)
    size = len(whole)
    position = st.one_of(st.integers(0, size + 10), st.sampled_from([0, 1, 32767, 32768, size - 1, size, size + 1]))
    first = data.draw(position)
    form, wanted = data.draw(
        st.sampled_from(
            [
                (f"{first}-", whole[first:]),
                (f"-{first}", whole[max(size - first, 0) :]),
                *((f"{first}-{first + more}", whole[first : first + more + 1]) for more in (0, 1, 1023, 65_535, 65_536, size)),
            ]
        )
    )
    answer = service.child.ask(path, Range=f"bytes={form}")
    if wanted:
        begin = size - len(wanted) if form.startswith("-") else first
        assert (answer.status, answer.headers["Content-Range"]) == (206, f"bytes {begin}-{begin + len(wanted) - 1}/{size}")
        assert answer.body == wanted
    else:
        assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{size}")


def test_a_thousand_readers_of_ranges_at_once_get_their_bytes_although_the_first_limit_of_files_is_low(service: Service, host: str) -> None:
    path = FULL.format(host=host)
    whole = service.whole(path)
    calls = len(service.backend.requests)
    etag = service.child.ask(path, Range="bytes=0-0").headers["ETag"]
    everybody = asyncio.Barrier(READERS)

    async def read(number: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        # So that all of them are connected at one time; the line is begun, for who says nothing for three seconds is cut.
        await everybody.wait()
        good = 0
        for turn in range(3):
            first = (number * 1009 + turn * 100_003) % (len(whole) - 1024)
            head = f"GET {path} HTTP/1.1\r\nHost: x\r\nIf-Range: {etag}\r\nRange: bytes={first}-{first + 1023}\r\n\r\n"
            writer.write(head.encode())
            status = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(1024)
            good += status.startswith(b"HTTP/1.1 206 ") and body == whole[first : first + 1024]
        writer.close()
        await writer.wait_closed()
        return good

    async def everything() -> list[int]:
        return await asyncio.wait_for(asyncio.gather(*(read(number) for number in range(READERS))), 90)

    assert asyncio.run(everything()) == [3] * READERS
    assert len(service.backend.requests) == calls


def test_clients_that_go_away_leave_nothing_behind(service: Service, kit: "Kit", host: str) -> None:
    path = FULL.format(host=host).replace("4.16", "4.15")
    for number in range(20):
        with service.connected() as client:
            if number % 2:  # a reset in the place of an end
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert client.recv(10_000)
    assert kit.eventually(lambda: service.running() == 0)
    assert kit.config_in(service.child.ask(path).body) == kit.config
    assert "error" not in service.child.err


def test_readers_that_pause_hold_nobody_up_and_get_all_of_it(service: Service, host: str) -> None:
    path = FULL.format(host=host).replace("4.16", "4.15")
    with ExitStack() as stack:
        slow = [stack.enter_context(service.connected()) for _ in range(30)]
        for client in slow:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        began_s = time.monotonic()
        whole = service.child.ask(path).body
        assert time.monotonic() - began_s < 10
        assert service.running() == len(slow)
        for client in slow[:3]:
            assert rest_of(client).partition(b"\r\n\r\n")[2] == whole


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_a_refusal_of_the_backend_is_passed_on_and_forgotten(service: Service, host: str, status: int) -> None:
    service.backend.faults.add(Fault(FaultKind.STATUS, amount=status))
    full, initrd = service.child.ask(FULL.format(host=host)), service.child.ask(INITRD.format(host=host))
    assert (full.status, full.body) == (status, b"")
    assert initrd.status == status
    assert initrd.body.endswith(b"\n")
    service.backend.faults.clear()
    assert service.child.ask(FULL.format(host=host)).status == 200


@pytest.mark.parametrize("part", ["downloads/files", r"infra-envs/[0-9a-f-]+$", "downloads/minimal-initrd"])
def test_a_minimal_iso_needs_every_answer_of_the_backend(service: Service, host: str, part: str) -> None:
    service.backend.faults.add(Fault(FaultKind.STATUS, match=part, amount=503))
    assert service.child.ask(KINDS["minimal"].format(host=host)).status == 503


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.STALL])
def test_half_an_answer_of_the_backend_is_none(service: Service, host: str, kind: FaultKind) -> None:
    service.backend.faults.add(Fault(kind, match="downloads/files"))
    answer = service.child.ask(FULL.format(host=host))
    assert (answer.status, answer.body) == (500, b"")
    service.backend.faults.clear()
    assert service.child.ask(FULL.format(host=host)).status == 200


def test_a_backend_that_is_late_is_waited_for_no_longer_than_was_said(service: Service, host: str) -> None:
    service.backend.faults.add(Fault(FaultKind.SLOW, amount=2))
    began_s = time.monotonic()
    assert service.child.ask(FULL.format(host=host)).status == 500
    assert time.monotonic() - began_s < 1.8
    time.sleep(1.5)  # the simulator ends its answer
    assert f"infra-env {host}" in service.child.err


def test_who_has_begun_goes_on_although_the_backend_is_away(service: Service, host: str) -> None:
    path = FULL.format(host=host)
    whole = service.whole(path)
    etag = service.child.ask(path, Range="bytes=0-99").headers["ETag"]
    service.backend.faults.add(Fault(FaultKind.STATUS, amount=500))
    answer = service.child.ask(path, Range="bytes=100000-", If_Range=etag)
    assert (answer.status, answer.body) == (206, whole[100_000:])


def test_what_a_host_may_have_nobody_gets_without_its_token(service: Service, kit: "Kit", host: str) -> None:
    service.backend.auth = frozenset({CredentialKind.API_KEY})
    token = service.backend.make_token(host)
    good = f"/byapikey/{token}/4.16/x86_64/full.iso"
    assert service.child.ask(good).status == 200
    for path in (FULL.format(host=host), f"/images/{host}?version=4.16&type=full-iso&api_key={kit.planted['token']}"):
        assert service.child.ask(path, Range="bytes=100-199").status == 401
    assert token not in service.child.err
    other = service.new_host()
    assert service.child.ask(f"/images/{other}?version=4.16&type=full-iso&api_key={token}").status == 403


def test_a_request_that_is_no_http_is_refused_and_harms_nobody(service: Service, host: str) -> None:
    for line in (b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n"):
        with service.connected() as client:
            client.sendall(line)
            client.shutdown(socket.SHUT_WR)
            answer = rest_of(client)
            assert answer == b"" or (answer.startswith(b"HTTP/1.") and b" 400 " in answer.split(b"\r\n", 1)[0])
    assert service.child.ask(FULL.format(host=host), Range="bytes=0-9").status == 206


def test_the_log_is_for_people(service: Service) -> None:
    assert "an image is ready" in service.child.err
    assert "alembic" not in service.child.err
    assert "=None" not in service.child.err
