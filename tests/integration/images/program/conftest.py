"""``penstock images serve`` and ``images warm`` as processes of their own, web sites that go wrong, and secrets that nobody may see."""

import base64
import contextlib
import hashlib
import http.client
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest

from penstock.demo.small_iso import make_small_iso
from penstock.formats.coreos_iso.embed import find_embed_area, read_area
from penstock.formats.coreos_iso.image import IsoImage
from penstock.imageservice.ignition import read_embedded
from penstock.model.arch import Arch

HOST = "0f5d39a1-97b6-4f2c-a1a2-57b2c1a0f3ee"
CONFIG = b'{"ignition":{"version":"3.2.0"},"passwd":{"users":[{"name":"core","passwordHash":"plantedIgnition"}]}}'
PLANTED = {
    "query": "plantedQuery",
    "password": "plantedPassword",
    "header": "plantedHeader",
    "parameter": "plantedParameter",
    "pull secret": "plantedPullSecret",
    "ocm": "plantedOcmSecret",
    "token": "plantedToken",
    "admin": "plantedAdminToken",
    "config": "plantedIgnition",
}
"""What stands in settings, URLs and files of these tests; every process is searched for it."""
SMALL, LARGE = 200_000, 24_000_000


@cache
def iso_of(build: str, size: int = SMALL, seed: int = 0) -> bytes:
    return make_small_iso(build, Arch.X86_64, squashfs=random.Random(f"{build} {seed}").randbytes(size), created_s=1_760_000_000)


def eventually(is_so: Callable[[], bool], within_s: float = 30) -> bool:
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        if is_so():
            return True
        time.sleep(0.05)
    return is_so()


class Kit:
    """What tests do with ISOs and with time."""

    host: ClassVar[str] = HOST
    config: ClassVar[bytes] = CONFIG
    planted: ClassVar[Mapping[str, str]] = PLANTED
    small, large = SMALL, LARGE
    eventually = staticmethod(eventually)

    @staticmethod
    def iso(build: str, size: int = SMALL, seed: int = 0) -> bytes:
        """A live ISO of this build; another seed gives another one of the same size."""
        return iso_of(build, size, seed)

    @staticmethod
    def config_in(iso: bytes) -> bytes | None:
        """The Ignition config in an ISO."""
        image = IsoImage(io.BytesIO(iso), name="served")
        return read_embedded(read_area(image, find_embed_area(image)), subject="served").config

    @staticmethod
    def is_made_of(iso: bytes, base: bytes) -> bool:
        """Whether an ISO is ``base`` but for its Ignition config."""
        area = find_embed_area(IsoImage(io.BytesIO(base), name="base"))
        begin, end = area.offset_bytes, area.offset_bytes + area.length_bytes
        return len(iso) == len(base) and iso[:begin] == base[:begin] and iso[end:] == base[end:]


@dataclass
class Fault:
    """What is wrong with one answer.

    Attributes:
        status: refuse with it.
        cut_at: end the connection after so many bytes of the file.
        hold_at: wait there until ``Site.go`` is set.
    """

    status: int = 200
    cut_at: int | None = None
    hold_at: int | None = None


@dataclass
class Site:
    """A web server of files, their faults (used up one by one), and what it was asked for."""

    fault: ClassVar[type[Fault]] = Fault

    base: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)

    def entry(self, openshift_version: str, build: str, path: str, **more: str) -> dict[str, str]:
        """An entry of OS_IMAGES, whose address holds secrets."""
        user = self.base.replace("://", f"://puller:{PLANTED['password']}@")
        url = f"{user}{path}?signature={PLANTED['query']}"
        return {"openshift_version": openshift_version, "cpu_architecture": "x86_64", "url": url, "version": build, **more}

    def asked_for(self, path: str) -> list[str | None]:
        """The ranges that were asked for."""
        return [wanted for at, wanted in self.asked if at == path]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path, ranged = handler.path.partition("?")[0], handler.headers.get("Range")
        self.asked.append((path, ranged))
        queue = self.faults.get(path, [])
        fault = queue.pop(0) if queue else Fault()
        content = self.files.get(path)
        status = fault.status if content is not None else 404
        content = content or b""
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        start = 0
        wanted = re.fullmatch(r"bytes=(\d+)-", ranged or "")
        if wanted and status == 200 and handler.headers.get("If-Range", tag) == tag:
            start, status = int(wanted[1]), 206
        handler.send_response(status)
        body = content[start:] if status in (200, 206) else b""
        if status == 206:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        handler.send_header("ETag", tag)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if fault.hold_at is not None:
            handler.wfile.write(body[: max(0, fault.hold_at - start)])
            self.go.wait(60)
            body = body[max(0, fault.hold_at - start) :]
        if fault.cut_at is not None:
            body = body[: max(0, fault.cut_at - start)]
            handler.close_connection = True
        handler.wfile.write(body)


@contextlib.contextmanager
def running_site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            with contextlib.suppress(OSError):  # the client went away
                super().handle()

        def do_GET(self) -> None:
            site.answer(self)

        def log_message(self, *_words: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    site.base = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield site
    finally:
        site.go.set()
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()


class Got(NamedTuple):
    """An answer."""

    status: int
    body: bytes
    headers: http.client.HTTPMessage

    @property
    def json(self) -> Any:  # noqa: ANN401  # a document
        return json.loads(self.body)


class Child:
    """The program as a process of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]", out: Path, err: Path) -> None:
        self.process = process
        self._out = out
        self._err = err

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    @property
    def urls(self) -> list[str]:
        """Where it listens."""
        assert eventually(lambda: "://" in self.out or self.process.poll() is not None)
        assert self.process.poll() is None, self.err
        return self.out.split()

    @property
    def port(self) -> int:
        return int(self.urls[0].rpartition(":")[2])

    def ask(
        self, path: str, *, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None, **more: str
    ) -> Got:
        """One request; headers may be given as keywords: ``If_Range=…``."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in {**(headers or {}), **more}.items()})
            answer = connection.getresponse()
            return Got(answer.status, answer.read(), answer.headers)
        finally:
            connection.close()

    def iso(self, version: str, host: str = HOST, **headers: str) -> Got:
        return self.ask(f"/byid/{host}/{version}/x86_64/full.iso", headers=headers)

    def is_ready(self, version: str = "") -> bool:
        return self.ask(f"/health?version={version}" if version else "/health").status == 200

    def images(self) -> dict[str, dict[str, Any]]:
        """What it says of its images, by version of OpenShift."""
        return {image["openshift_version"]: image for image in self.ask("/v1/images").json["images"]}

    def wait(self, timeout_s: float = 30) -> int:
        return self.process.wait(timeout_s)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.wait()


class Programs:
    """Starts processes, ends them all, and looks at everything that they said and wrote down."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hosts = folder / "hosts"
        self.data = folder / "data"
        self.hosts.mkdir()
        (self.hosts / f"{HOST}.ign").write_bytes(CONFIG)
        self._children: list[Child] = []
        self._seen: list[str] = []

    @property
    def environment(self) -> dict[str, str]:
        foreign = ("PENSTOCK_", "REGISTRY_", "XDG_", "AWS_", "SOURCE_DATE_EPOCH")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        own = {"HOME": str(self.folder), "PENSTOCK_LEDGER": str(self.folder / "ledger.sqlite"), "NO_PROXY": "*"}
        return {**kept, **own, "PENSTOCK_PROGRESS": "none"}

    def start(self, *words: object, env: Mapping[str, str] | None = None, before: Callable[[], None] = lambda: None) -> Child:
        """``penstock images WORDS``."""
        out, err = (self.folder / f"{len(self._children)}.{name}" for name in ("out", "err"))

        def child() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # also where the test run itself is a background job that ignores it
            before()

        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "penstock", "images", *map(str, words)],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=self.environment | dict(env or {}),
                cwd=self.folder,
                preexec_fn=child,  # noqa: PLW1509  # nothing but system calls
            )
        self._children.append(Child(process, out, err))
        return self._children[-1]

    def serve(
        self, *words: object, config_dir: bool = True, env: Mapping[str, str] | None = None, before: Callable[[], None] = lambda: None
    ) -> Child:
        """The service on a free port of loopback; it knows :data:`HOST`."""
        configs = ("--config-dir", self.hosts) if config_dir else ()
        fixed = ("serve", "--small-images", "--listen", "127.0.0.1", "--port", 0, "--data-dir", self.data, *configs)
        return self.start(*fixed, *words, env=env, before=before)

    def iso(self, openshift_version: str, build: str, size: int = SMALL) -> tuple[str, str]:
        """The words that serve a file."""
        path = self.folder / f"{build}-{size}.iso"
        path.write_bytes(iso_of(build, size))
        return "--iso", f"{openshift_version}:x86_64={path}"

    def list_of(self, *entries: Mapping[str, str], name: str = "images.json") -> Path:
        """A list in a file, put in place at once."""
        path = self.folder / name
        new = path.with_suffix(".new")
        new.write_text(json.dumps(entries))
        new.replace(path)
        return path

    def close(self) -> None:
        """End all; nothing of what they said is a secret or a fault of the program."""
        for child in self._children:
            if child.process.poll() is None and "://" in child.out:
                with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
                    self._seen += [child.ask(path).body.decode() for path in ("/metrics", "/v1/images", "/", "/openapi.json")]
            child.process.kill()
            child.process.wait(10)
            self._seen += [child.out, child.err]
        said = "\n".join(self._seen)
        assert "Traceback" not in said
        assert "internal error" not in said
        assert "nobody foresaw" not in said
        ledgers = [path.read_bytes() for path in self.folder.glob("ledger.sqlite*")]
        said_or_kept = said.encode() + b"".join(ledgers)
        told = [what for what, secret in PLANTED.items() if any(form.encode() in said_or_kept for form in _forms(secret))]
        assert told == []


def _forms(secret: str) -> tuple[str, str]:
    """The secret, and how it may stand in base64."""
    return secret, base64.b64encode(f":{secret}".encode()).decode()[4:-4]


@pytest.fixture(scope="session")
def kit() -> Kit:
    return Kit()


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    made = Programs(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    """The same for all tests of a module."""
    made = Programs(tmp_path_factory.mktemp("program"))
    yield made
    made.close()


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site() as site:
        yield site


@pytest.fixture(scope="module")
def shared_site() -> Iterator[Site]:
    """The same for all tests of a module."""
    with running_site() as site:
        yield site
