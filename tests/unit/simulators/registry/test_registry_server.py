"""The server as a whole: in a loop, in a thread, over TLS, as a program; bytes that are cut, processes that die, memory that stays."""

import asyncio
import hashlib
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import trustme

from penstock.formats.oci.descriptor import RawManifest
from penstock.model.digest import Digest
from penstock.model.errors import OperationError
from penstock.simulators.registry import DirectoryStorage, MemoryStorage, RegistrySimulator, RegistryThread, Storage

if TYPE_CHECKING:
    from tests.unit.simulators.registry.conftest import Ask

Fill = Callable[[Storage, str, bytes], Digest]
PROGRAM = [sys.executable, "-m", "penstock", "simulate", "registry", "--listen", "127.0.0.1:0"]


@contextmanager
def _program(*words: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The simulator as a program; the process and its URL."""
    process = subprocess.Popen([*PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        url = process.stdout.readline().strip()
        assert url, process.stderr.read()
        yield process, url
    finally:
        process.kill()
        process.communicate(timeout=20)


def _push(ask: "Ask", url: str, content: bytes, digest: Digest) -> int:
    return ask(f"{url}/v2/a/blobs/uploads/?digest={digest}", "POST", content).status


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
        assert _push(ask, registry.url, content, digest) == 201
        assert ask(f"{registry.url}/v2/a/blobs/{digest}").body == content
        assert ask(f"{registry.url}/v2/a/blobs/sha1:00").status == 400


def test_a_storage_that_fails_is_an_error_of_the_server(ask: "Ask", fill: Fill) -> None:
    class FullStorage(MemoryStorage):
        def link_blob(self, repository: str, digest: Digest) -> None:
            raise OSError(28, "No space left on device")

    with RegistryThread(storage=FullStorage()) as registry:
        answer = ask(f"{registry.url}/v2/a/blobs/uploads/?digest={Digest.of(b'x')}", "POST", b"x")
        assert (answer.status, b"No space left on device" in answer.body) == (500, True)


@pytest.mark.parametrize(
    ("number", "code", "words"), [(signal.SIGINT, 130, "penstock: interrupted\n"), (signal.SIGTERM, 0, "")], ids=["ctrl-c", "terminated"]
)
def test_the_program_prints_its_url_and_ends_cleanly(ask: "Ask", number: signal.Signals, code: int, words: str) -> None:
    with _program() as (process, url):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
        assert ask(f"{url}/v2/").status == 200
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (code, "", words)


def test_the_program_lets_in_those_with_the_password(ask: "Ask", tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("secret\n")
    with _program("--user", "me", "--password-file", str(tmp_path / "pw")) as (_, url):
        assert ask(f"{url}/v2/").status == 401
        assert ask(f"{url}/v2/", headers={"Authorization": "Basic bWU6c2VjcmV0"}).status == 200


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--listen", "nowhere"], "--listen: 'nowhere' is not an address"),
        (["--listen", "127.0.0.1:65536"], "not an address"),
        (["--user", "me"], "needs --user and --password-file"),
        (["--auth", "none", "--user", "me"], "have no meaning"),
        (["--tls-cert", "EMPTY"], "given together"),
        (["--tls-cert", "EMPTY", "--tls-key", "EMPTY"], "cannot be used"),
        (["--user", "me", "--password-file", "EMPTY"], "holds no password"),
        (["--user", "a:b", "--password-file", "EMPTY"], "no colon"),
        (["--fault", "explode"], "not a fault"),
        (["--dir", "FULL"], "not empty"),
    ],
)
def test_wrong_options_are_told_in_one_line(tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "empty").write_bytes(b"")
    names = {"EMPTY": str(tmp_path / "empty"), "FULL": str(tmp_path)}
    command = [sys.executable, "-m", "penstock", "simulate", "registry", *(names.get(word, word) for word in words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr.splitlines()[0]


def test_the_program_takes_faults(ask: "Ask") -> None:
    with _program("--fault", "status=418,times=1@/v2/") as (_, url):
        assert [ask(f"{url}/v2/").status for _ in range(2)] == [418, 200]


def test_what_was_pushed_survives_a_kill(ask: "Ask", fill: Fill, tmp_path: Path, manifest: RawManifest) -> None:
    content, half = os.urandom(2_000_000), os.urandom(1_000_000)
    with _program("--dir", str(tmp_path)) as (process, url):
        assert _push(ask, url, content, Digest.of(content)) == 201
        assert _push(ask, url, b"{}", Digest.of(b"{}")) == 201
        kind = {"Content-Type": manifest.media_type}
        assert ask(f"{url}/v2/a/manifests/v1", "PUT", manifest.content, kind).status == 201
        location = ask(f"{url}/v2/a/blobs/uploads/", "POST", b"").headers["Location"]
        assert ask(url + location, "PATCH", half).status == 202
        process.kill()
        process.wait(timeout=20)
    with _program("--dir", str(tmp_path)) as (_, url):
        assert ask(f"{url}/v2/a/blobs/{Digest.of(content)}").body == content
        assert ask(f"{url}/v2/a/manifests/v1").body == manifest.content
        assert ask(f"{url}/v2/a/blobs/{Digest.of(half)}").status == 404
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size >= 1_000_000]
    assert [path.read_bytes() for path in files] == [content]


def _peak_rss_bytes(process: "subprocess.Popen[str]") -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


@pytest.mark.parametrize("fault", [(), ("--fault", "flip_bit=5")], ids=["by the kernel", "in pieces"])
def test_memory_does_not_grow_with_the_blobs_of_a_directory(ask: "Ask", tmp_path: Path, fault: tuple[str, ...]) -> None:
    size, piece = 160 << 20, os.urandom(1 << 20)
    hasher = hashlib.sha256()
    for _ in range(size // len(piece)):
        hasher.update(piece)
    digest = Digest("sha256", hasher.hexdigest())
    with _program("--dir", str(tmp_path), *fault) as (process, url):
        _push(ask, url, b"small", Digest.of(b"small"))
        ask(f"{url}/v2/a/blobs/{Digest.of(b'small')}")
        before = _peak_rss_bytes(process)
        host, port = urlsplit(url).netloc.split(":")
        with socket.create_connection((host, int(port))) as connection:
            head = f"POST /v2/a/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode())
            for _ in range(size // len(piece)):
                connection.sendall(piece)
            assert connection.recv(12) == b"HTTP/1.1 201"
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(f"GET /v2/a/blobs/{digest} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            received = 0
            while chunk := connection.recv(1 << 20):
                received += len(chunk)
        assert received > size
        assert _peak_rss_bytes(process) - before < 40 << 20
