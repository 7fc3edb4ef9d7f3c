"""A web server with one ISO that goes wrong on demand, and runs that bring the ISO into a folder."""

import asyncio
import contextlib
import hashlib
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import pytest

from penstock.adapters.http.download import HttpFiles
from penstock.adapters.http.options import HttpOptions, Retries, Timeouts
from penstock.adapters.imageorigins import Inspection, WebImages
from penstock.adapters.imagestore.local import LocalImageStore
from penstock.imageservice.prepare import Floors
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import PenstockError, VerificationError
from penstock.model.osimage import Brought, StoredImage, UrlOrigin, Wanted
from penstock.model.progress import Progress

if TYPE_CHECKING:
    from tests.integration.images.conftest import LiveIso

BUILD = "418.94.202501221327-0"
SECRET = "s3cr3t"
UNTOLD = -1
FLOORS = Floors(rootfs_bytes=1 << 20, kernel_bytes=1 << 10)
OPTIONS = HttpOptions(environment={}, retries=Retries(attempts=3, first_wait_s=0.01, total_s=5), timeouts=Timeouts(connect_s=2, stall_s=1))


@dataclass
class Fault:
    """What is wrong with one answer.

    Attributes:
        status: refuse with it.
        cut_at: end the connection after so many bytes of the body.
        body: serve these bytes.
        claim: say this Content-Length, or none.
        silent: send nothing more after ``cut_at`` bytes, and keep the connection.
        location: redirect to it.
    """

    status: int = 200
    cut_at: int | None = None
    body: bytes | None = None
    claim: int | None = None
    silent: bool = False
    location: str = ""


@dataclass
class Site:
    """A server with one file at every path, its faults (used up one by one), and what it was asked for."""

    fault: ClassVar[type[Fault]] = Fault

    content: bytes
    faults: list[Fault] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    tags: bool = True
    base: str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def ranges(self) -> list[str | None]:
        return [headers.get("range") for _, headers in self.asked]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.asked.append((handler.path, headers))
        fault = self.faults.pop(0) if self.faults else Fault()
        content = self.content if fault.body is None else fault.body
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        start, status = 0, fault.status
        wanted = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        if wanted and status == 200 and headers.get("if-range", tag) == tag:
            start, status = int(wanted[1]), 206
        handler.send_response(status)
        if status == 206:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if fault.location:
            handler.send_header("Location", fault.location)
        if self.tags:
            handler.send_header("ETag", tag)
        body = content[start:] if status in (200, 206) else b""
        if fault.claim != UNTOLD:
            handler.send_header("Content-Length", str(len(body) if fault.claim is None else fault.claim))
        handler.end_headers()
        handler.wfile.write(body if fault.cut_at is None else body[: max(0, fault.cut_at - start)])
        if fault.silent:
            self.ended.wait(20)
        if fault.cut_at is not None or fault.claim is not None:
            handler.close_connection = True


Serve = Callable[..., Site]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """``serve(content, tls=None)``: a server of this file."""
    running: list[tuple[ThreadingHTTPServer, threading.Thread, Site]] = []

    def start(content: bytes, tls: ssl.SSLContext | None = None) -> Site:
        site = Site(content)

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
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        site.base = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_address[1]}"
        running.append((server, thread, site))
        return site

    yield start
    for server, thread, site in running:
        site.ended.set()
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()


@pytest.fixture
def site(serve: Serve, live: "LiveIso") -> Site:
    """A server of an ISO."""
    return serve(live.path.read_bytes())


class Signatures:
    """``ports.SignatureCheck`` that knows one good signature for each file: its digest."""

    async def check(self, path: str, signature: bytes, *, subject: str) -> str:
        if signature != hashlib.sha256(await asyncio.to_thread(Path(path).read_bytes)).hexdigest().encode():
            raise VerificationError("the signature is not of these bytes", subject=subject)
        return "ABCD"


@dataclass
class Attempt:
    """One run that puts one image into a folder."""

    folder: Path
    wanted: Wanted
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    told: list[Progress] = field(default_factory=list)
    options: HttpOptions = OPTIONS
    inspection: ClassVar[Inspection] = Inspection(FLOORS)

    def knowing(self, digest: Digest | None = None, signature: str | None = None) -> Self:
        """The same, where the list says a digest or a signature."""
        assert isinstance(self.wanted.origin, UrlOrigin)
        return replace(self, wanted=replace(self.wanted, origin=replace(self.wanted.origin, sha256=digest, signature=signature)))

    def at(self, url: str) -> Self:
        """The same from another address."""
        return replace(self, wanted=replace(self.wanted, origin=UrlOrigin(url)))

    def image(self) -> StoredImage:
        return asyncio.run(self._run())

    def error(self, kind: type[PenstockError]) -> PenstockError:
        with pytest.raises(kind) as raised:
            self.image()
        assert SECRET not in f"{raised.value!r} {raised.value} {raised.value.hint}"
        return raised.value

    def left(self) -> bytes:
        """What an interrupted run left."""
        found = [path.read_bytes() for path in self.folder.rglob(".*.partial")]
        assert len(found) <= 1
        return b"".join(found)

    @property
    def shown(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if not path.name.startswith("."))

    async def _run(self) -> StoredImage:
        files = HttpFiles(self.options, parallel=2)
        try:
            images = WebImages(files, self.inspection, signatures=Signatures(), headers=self.headers, query=self.query)
            store = LocalImageStore(self.folder, examine=images.examine)

            async def bring(folder: str) -> tuple[Brought, ...]:
                return await images.bring(self.wanted, folder, self.told.append)

            (image,) = await store.put(self.wanted, await images.key(self.wanted), bring)
            return image
        finally:
            await files.close()


@pytest.fixture
def attempt(site: Site, tmp_path: Path) -> Attempt:
    """A run that brings the ISO of the site; its address holds a secret."""
    origin = UrlOrigin(f"{site.base}/images/os.iso?token={SECRET}")
    return Attempt(tmp_path / "data", Wanted("4.18", Arch.X86_64, origin, version=BUILD))
