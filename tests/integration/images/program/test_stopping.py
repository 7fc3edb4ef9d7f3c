"""The end of the program, asked for or not, and the start after it."""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.images.program.conftest import Child, Kit, Programs, Site

BUILD = "417.94.202501221327-0"
KEPT = "rhcos-full-iso-417.94.202501221327-0-x86_64.iso"


@pytest.fixture
def running(programs: "Programs", kit: "Kit") -> "Child":
    child = programs.serve(*programs.iso("4.17", BUILD, kit.large))
    assert kit.eventually(child.is_ready)
    return child


@contextmanager
def download(child: "Child", kit: "Kit") -> Iterator[socket.socket]:
    """One that has begun, of a client that does not read on by itself."""
    with socket.create_connection(("127.0.0.1", child.port), timeout=30) as client:
        client.sendall(f"GET /byid/{kit.host}/4.17/x86_64/full.iso HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert client.recv(1000, socket.MSG_PEEK)
        yield client


def body_of(client: socket.socket) -> bytes:
    pieces = []
    try:
        while piece := client.recv(1 << 20):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces).partition(b"\r\n\r\n")[2]


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_sigterm_lets_transfers_end_and_takes_no_new_ones(running: "Child", kit: "Kit") -> None:
    port = running.port
    with download(running, kit) as client:
        running.process.send_signal(signal.SIGTERM)
        assert kit.eventually(lambda: is_refused(port))
        time.sleep(0.5)
        assert running.process.poll() is None
        assert kit.is_made_of(body_of(client), kit.iso(BUILD, kit.large))
    assert running.wait() == 0
    assert "the service stops" in running.err


def test_a_second_signal_cuts_them(running: "Child", kit: "Kit") -> None:
    with download(running, kit) as client:
        for number in (signal.SIGTERM, signal.SIGTERM):
            running.process.send_signal(number)
            time.sleep(0.3)
        assert running.wait(10) == 128 + signal.SIGTERM
        assert len(body_of(client)) < kit.large


def test_ctrl_c_ends_it_as_it_ends_every_program(running: "Child") -> None:
    assert running.stop(signal.SIGINT) == 130
    assert running.err.splitlines()[-1] == "penstock: interrupted"


def test_the_end_waits_for_no_image_that_is_still_to_come(programs: "Programs", site: "Site", kit: "Kit") -> None:
    site.files["/a.iso"] = kit.iso(BUILD, kit.large)
    site.faults["/a.iso"] = [site.fault(hold_at=5_000_000)]
    child = programs.serve("--os-images-file", programs.list_of(site.entry("4.17", BUILD, "/a.iso")))
    assert child.urls
    assert kit.eventually(lambda: child.images()["4.17"]["stage"] == "bringing" and bool(site.asked))
    time.sleep(0.3)
    began_s = time.monotonic()
    assert child.stop() == 0
    assert time.monotonic() - began_s < 5


def test_what_a_killed_service_has_downloaded_is_not_downloaded_again(programs: "Programs", site: "Site", kit: "Kit") -> None:
    iso = kit.iso(BUILD, kit.large)
    site.files["/a.iso"] = iso
    site.faults["/a.iso"] = [site.fault(hold_at=10_000_000)]
    listed = ("--os-images-file", programs.list_of(site.entry("4.17", BUILD, "/a.iso")))
    first = programs.serve(*listed)
    assert kit.eventually(lambda: sum(path.stat().st_size for path in programs.data.rglob("*.partial")) > 9_000_000)
    assert first.stop(signal.SIGKILL) == -signal.SIGKILL
    assert not (programs.data / KEPT).exists()
    site.go.set()
    second = programs.serve(*listed)
    assert second.urls
    assert kit.eventually(lambda: second.is_ready("4.17"))
    assert kit.is_made_of(second.iso("4.17").body, iso)
    begun = site.asked_for("/a.iso")
    assert begun[0] is None
    assert begun[1] is not None
    assert int(begun[1].removeprefix("bytes=").removesuffix("-")) > 9_000_000
    assert len(begun) == 2
    assert second.stop() == 0
    assert (programs.data / KEPT).read_bytes() == iso


def test_a_port_that_is_taken_is_told_before_anything_is_brought(programs: "Programs", site: "Site") -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        child = programs.serve("--os-images-file", programs.list_of(site.entry("4.17", BUILD, "/a.iso")), "--port", port)
        assert child.wait() == 1
    told = child.err.splitlines()
    assert told[-2] == f"penstock: 127.0.0.1:{port}: cannot listen: the port is taken by another program"
    assert told[-1].startswith("hint: end that one")
    assert site.asked == []


def test_what_earlier_lists_left_goes_once_all_is_there(programs: "Programs", site: "Site", kit: "Kit") -> None:
    site.files |= {"/a.iso": kit.iso(BUILD), "/b.iso": kit.iso("416.94.1-0")}
    first = programs.serve("--os-images-file", programs.list_of(site.entry("4.17", BUILD, "/a.iso")))
    assert first.urls
    assert kit.eventually(first.is_ready)
    assert first.stop() == 0
    programs.data.joinpath("rhcos-full-iso-1-x86_64.iso").write_bytes(b"of OpenShift's image service")
    programs.data.joinpath("notes.txt").write_bytes(b"of somebody else")
    second = programs.serve("--os-images-file", programs.list_of(site.entry("4.16", "416.94.1-0", "/b.iso")))
    assert second.urls
    kept = {"notes.txt", "rhcos-full-iso-416.94.1-0-x86_64.iso"}
    assert kit.eventually(lambda: {path.name for path in programs.data.iterdir() if not path.name.startswith(".")} == kept)
    assert second.is_ready("4.16")
