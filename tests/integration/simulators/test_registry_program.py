"""``penstock simulate registry`` as a program: how it starts and ends, what it keeps when it is killed, memory that stays."""

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from penstock.formats.oci.build import build_manifest, config_descriptor
from penstock.model.digest import Digest

if TYPE_CHECKING:
    from tests.conftest import Ask

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


def test_what_was_pushed_survives_a_kill(ask: "Ask", tmp_path: Path) -> None:
    content, half = os.urandom(2_000_000), os.urandom(1_000_000)
    manifest = build_manifest(config_descriptor(b"{}"), [])
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
