"""A web server with the files of one stream: it serves ranges, cuts, lies, stalls and changes its mind; and real keys."""

import hashlib
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

ISO, KERNEL = bytes(range(256)) * 12_000, b"kernel" * 1000
DISK = b"disk" * 2000


@dataclass
class Fault:
    """What is wrong with one answer to GET.

    Attributes:
        status: refuse with it.
        cut_at: end the connection after so many bytes of the body.
        body: serve these bytes.
        drip: seconds before each 64 KiB, until ``Shelf.hurry`` is set.
    """

    status: int = 0
    cut_at: int | None = None
    body: bytes | None = None
    drip: float = 0.0


@dataclass
class Shelf:
    """The server's files, its faults (used up one by one), and what it was asked for."""

    fault: ClassVar[type[Fault]] = Fault
    files: dict[str, bytes]
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    asked: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    tags: bool = True
    ranges: bool = True
    heads: bool = True
    base: str = ""
    hurry: threading.Event = field(default_factory=threading.Event)

    def gets(self, path: str) -> list[str | None]:
        """The ``Range`` of each GET of ``path``."""
        return [headers.get("range") for method, asked, headers in self.asked if method == "GET" and asked == path]

    def entry(self, path: str, *, signed: bool = False) -> dict[str, Any]:
        """What a stream says of a file."""
        signature = {"signature": f"{self.base}{path}.sig"} if signed else {}
        return {"location": f"{self.base}{path}", **signature, "sha256": hashlib.sha256(self.files[path]).hexdigest()}

    def stream(self, *, signed: bool = False) -> bytes:
        """A stream with three files, the ISO ``signed`` or not."""
        formats = {"iso": {"disk": self.entry("/x/os.iso", signed=signed)}, "pxe": {"kernel": self.entry("/x/os-kernel")}}
        artifacts = {
            "metal": {"release": "44.1", "formats": formats},
            "qemu": {"release": "44.1", "formats": {"qcow2.xz": {"disk": self.entry("/y/os.qcow2.xz?sig=1")}}},
        }
        document = {
            "stream": "stable",
            "metadata": {"last-modified": "2026-07-21T14:07:12Z"},
            "architectures": {"aarch64": {"artifacts": {}, "images": {}}, "x86_64": {"artifacts": artifacts, "images": {}}},
        }
        return json.dumps(document, indent=4).encode() + b"\n"


def serve(handler: BaseHTTPRequestHandler, shelf: Shelf) -> None:
    path, method = handler.path, handler.command
    headers = {name.lower(): value for name, value in handler.headers.items()}
    shelf.asked.append((method, path, headers))
    faults = shelf.faults.get(path, [])
    fault = faults.pop(0) if faults and method == "GET" else Fault()
    content = fault.body if fault.body is not None else shelf.files.get(path)
    status = fault.status or (404 if content is None else 405 if method == "HEAD" and not shelf.heads else 200)
    if status != 200 or content is None:
        handler.send_response(status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    start = 0
    wanted = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
    if wanted and shelf.ranges and headers.get("if-range", tag) == tag:
        start = int(wanted[1])
        handler.send_response(206 if start < len(content) else 416)
        rest = f"{start}-{len(content) - 1}" if start < len(content) else "*"
        handler.send_header("Content-Range", f"bytes {rest}/{len(content)}")
    else:
        handler.send_response(200)
    body = content[start:]
    if shelf.tags:
        handler.send_header("ETag", tag)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if method == "HEAD":
        return
    for offset in range(0, len(body), 1 << 16):
        if fault.drip:
            shelf.hurry.wait(fault.drip)
        piece = body[offset : offset + (1 << 16)]
        if fault.cut_at is not None and offset + len(piece) >= fault.cut_at:
            handler.wfile.write(piece[: max(0, fault.cut_at - offset)])
            handler.close_connection = True
            return
        handler.wfile.write(piece)


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """A web server with the files of one stream."""
    shelf = Shelf({"/x/os.iso": ISO, "/x/os-kernel": KERNEL, "/y/os.qcow2.xz?sig=1": DISK})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            try:
                serve(self, shelf)
            except OSError:  # the client went away
                self.close_connection = True

        def do_HEAD(self) -> None:
            serve(self, shelf)

        def log_message(self, *_words: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    shelf.base = f"http://127.0.0.1:{server.server_address[1]}"
    yield shelf
    shelf.hurry.set()
    server.shutdown()
    thread.join(timeout=10)
    server.server_close()


@pytest.fixture
def place(tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with ``stream.json``."""
    (tmp_path / "stream.json").write_bytes(shelf.stream())
    monkeypatch.chdir(tmp_path)
    return tmp_path


Signer = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Keys:
    """A real key pair of gpg's.

    Attributes:
        public: as ``gpg --export`` writes it.
        armoured: the same, in ASCII.
        sign: makes a detached signature.
        fingerprint: of the key.
        home: where gpg keeps it.
    """

    public: bytes
    armoured: bytes
    sign: Signer
    fingerprint: str
    home: Path


KeyMaker = Callable[..., Keys]


@pytest.fixture(scope="module")
def make_keys(require_program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyMaker]:
    """``make_keys("name")``: keys in a home of their own; the agents that gpg starts are stopped at the end.

    With ``expired`` they were good for a day, years ago, and sign as if it were that day.
    """
    gpg, gpgconf = require_program("gpg"), require_program("gpgconf")
    homes: list[Path] = []

    def make(name: str, *, expired: bool = False) -> Keys:
        home = tmp_path_factory.mktemp("g")
        home.chmod(0o700)
        homes.append(home)

        def call(*words: str, stdin: bytes = b"") -> bytes:
            options = ["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
            options += ["--faked-system-time", "20200101T000000!"] if expired else []
            command = [gpg, "--homedir", str(home), *options, *words]
            return subprocess.run(command, input=stdin, capture_output=True, check=True, timeout=60).stdout

        call("--quick-generate-key", f"{name} <{name}@example.org>", "ed25519", "sign", "1d" if expired else "never")
        listed = call("--list-keys", "--with-colons").decode()
        fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))
        return Keys(call("--export"), call("--armor", "--export"), lambda data: call("--detach-sign", stdin=data), fingerprint, home)

    yield make
    for home in homes:
        subprocess.run([gpgconf, "--homedir", str(home), "--kill", "all"], check=False, timeout=30)


@pytest.fixture(scope="module")
def publisher(make_keys: Callable[[str], Keys]) -> Keys:
    return make_keys("publisher")
