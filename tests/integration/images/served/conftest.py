"""``penstock images serve`` as a process of its own, and what it takes images from: web sites, and payloads in a registry that mirrors."""

import functools
import http.server
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.model.digest import Digest

if TYPE_CHECKING:
    from tests.conftest import Answer, Ask
    from tests.integration.conftest import Build, Image, Place

READY_S = 60.0


@dataclass(frozen=True)
class Serving:
    """``penstock images serve`` as a process of its own.

    Attributes:
        process: see above.
        urls: what it listens on, TLS first.
        said: what it wrote to stderr.
        ask: as the fixture of that name.
        tls: whom to trust.
    """

    process: "subprocess.Popen[str]"
    urls: tuple[str, ...]
    said: Path
    ask: "Ask"
    tls: ssl.SSLContext | None = None

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> "Answer":
        """Ask on the first address."""
        return self.ask(f"{self.urls[0]}{path}", headers=headers, tls=self.tls)

    def content(self, path: str) -> bytes:
        """What is served, whole."""
        answer = self.get(path)
        assert (answer.status, answer.whole) == (200, True), f"{path}: {answer.status} {answer.body!r}"
        return answer.body

    def wait(self, query: str = "", *, timeout_s: float = READY_S) -> None:
        """Until ``/health`` with this query (``?version=4.18&type=minimal-iso``) says that it is ready."""
        until = time.monotonic() + timeout_s
        while (answer := self.get(f"/health{query}")).status != 200:
            assert time.monotonic() < until, f"not ready: {answer.body!r} {self.said.read_text()}"
            time.sleep(0.05)

    def end(self) -> int:
        """Ask it to end; its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=30)


Serve = Callable[..., AbstractContextManager[Serving]]


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """``free_port()``: nobody listens there on loopback, for programs that must be told theirs beforehand."""

    def found() -> int:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port: int = listener.getsockname()[1]
            return port

    return found


@pytest.fixture(scope="session")
def serving(environment_in: Callable[[Path], dict[str, str]], ask: "Ask") -> Serve:
    """``with serving(folder, "--iso", …, env={…}, listeners=1)``: on loopback, with a home in ``folder``; it is killed at the end.

    ``bare`` leaves it nothing but ``env`` and where programs are; ``tls`` says whom its clients trust.
    """

    @contextmanager
    def start(
        folder: Path,
        *words: object,
        env: Mapping[str, str] | None = None,
        listeners: int = 1,
        bare: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> Iterator[Serving]:
        said = folder / "said"
        usual = {"PATH": os.environ["PATH"]} if bare else {**environment_in(folder), "LISTEN_PORT": "0"}
        command = [sys.executable, "-m", "penstock", "images", "serve", "--listen", "127.0.0.1", *map(str, words)]
        with said.open("a") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**usual, **(env or {})},
            )
        assert process.stdout is not None
        try:
            urls = tuple(process.stdout.readline().strip() for _ in range(listeners))
            assert all(urls), f"it does not start: {said.read_text()}"
            yield Serving(process, urls, said, ask, tls)
        finally:
            process.kill()
            process.communicate(timeout=20)

    return start


@dataclass(frozen=True)
class WebSite:
    """A web site.

    Attributes:
        url: of its folder.
        asked: paths and headers of what it was asked for.
    """

    url: str
    asked: list[tuple[str, Message]]

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@pytest.fixture(scope="session")
def web_site() -> Callable[[Path], AbstractContextManager[WebSite]]:
    """``with web_site(folder)``: the files of a folder over HTTP, on loopback."""

    @contextmanager
    def start(folder: Path) -> Iterator[WebSite]:
        asked: list[tuple[str, Message]] = []

        class Files(http.server.SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # of the base
                asked.append((self.path, self.headers))

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=str(folder))) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            yield WebSite(f"http://127.0.0.1:{server.server_address[1]}", asked)
            server.shutdown()
            thread.join()

    return start


@dataclass(frozen=True)
class Mirrored:
    """A release payload in a registry that is a mirror, with pullspecs of the registry that it is a mirror of.

    Attributes:
        source: the host that nobody reaches.
        mirror: the host of the registry.
        image: the payload.
        version: of the release.
    """

    source: str
    mirror: str
    image: "Image"
    version: str

    @property
    def by_digest(self) -> str:
        return f"{self.source}/ocp/release@{self.image.manifest.digest}"

    @property
    def by_tag(self) -> str:
        return f"{self.source}/ocp/release:{self.version}-x86_64"

    def listed(self, release: str) -> str:
        """``RELEASE_IMAGES`` with this pullspec."""
        line = ".".join(self.version.split(".")[:2])
        entry = {"openshift_version": line, "cpu_architectures": ["x86_64"], "url": release, "version": self.version}
        return json.dumps([entry])

    def write_set(self, path: Path, kind: str) -> Path:
        """An ``ImageDigestMirrorSet`` or ``ImageTagMirrorSet`` in a file."""
        entry = {"source": f"{self.source}/ocp", "mirrors": [f"{self.mirror}/kept/ocp"], "mirrorSourcePolicy": "NeverContactSource"}
        spec = {{"ImageDigestMirrorSet": "imageDigestMirrors", "ImageTagMirrorSet": "imageTagMirrors"}[kind]: [entry]}
        path.write_text(json.dumps({"apiVersion": "config.openshift.io/v1", "kind": kind, "metadata": {"name": "m"}, "spec": spec}))
        return path

    def write_registries_conf(self, path: Path) -> Path:
        """The same as podman reads it."""
        mirror = f'[[registry.mirror]]\nlocation = "{self.mirror}/kept/ocp"\ninsecure = true\n'
        path.write_text(f'[[registry]]\nlocation = "{self.source}/ocp"\nblocked = true\n{mirror}')
        return path


@pytest.fixture(scope="session")
def mirrored(build: "type[Build]") -> Callable[..., Mirrored]:
    """``mirrored(place, iso, source="HOST", version="4.18.1")``: a payload with this ISO for x86_64, in the mirror ``place``."""

    def made(place: "Place", iso: bytes, *, source: str, version: str = "4.18.1") -> Mirrored:
        name = "coreos/coreos-x86_64.iso"
        isos = build.image({"usr/bin/oc": b"#!"}, {name: iso, f"{name}.sha256": Digest.of(iso).hex.encode()})
        release = build.release(version, {"machine-os-images": f"{source}/ocp/parts@{isos.manifest.digest}"})
        place.push(isos, "kept/ocp/parts")
        place.push(release, "kept/ocp/release", f"{version}-x86_64")
        return Mirrored(source, place.host, release, version)

    return made
