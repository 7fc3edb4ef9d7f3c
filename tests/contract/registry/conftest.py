"""The registries that the contract runs over, and a client that knows HTTP and nothing else."""

import base64
import hashlib
import http.client
import itertools
import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import pytest

from penstock.formats.oci.descriptor import OCI_CONFIG, OCI_INDEX, OCI_LAYER_TAR, OCI_MANIFEST
from penstock.model.digest import Digest
from penstock.simulators.registry import Auth, BasicAuth, DirectoryStorage, MemoryStorage, RegistryThread

if TYPE_CHECKING:
    from tests.conftest import DockerRegistry

USER, PASSWORD = "tester", "correct horse"
KINDS = ("memory", "directory", "docker-registry")


class Server(NamedTuple):
    """A running registry."""

    kind: str
    host: str

    @property
    def is_docker_registry(self) -> bool:
        return self.kind == "docker-registry"


@dataclass(frozen=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def codes(self) -> list[str]:
        """The error codes of an error document."""
        return [error["code"] for error in json.loads(self.body)["errors"]]


@dataclass
class Wire:
    """Requests to one registry."""

    server: Server
    headers: Mapping[str, str] = field(default_factory=dict)

    def ask(self, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """One request on a connection of its own; ``target`` is a path or a URL of this registry."""
        parts = urlsplit(target)
        assert parts.netloc in {"", self.server.host}
        connection = http.client.HTTPConnection(self.server.host, timeout=20)
        try:
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request(method, path, body=body, headers={**self.headers, **(headers or {})})
            response = connection.getresponse()
            try:
                body = response.read()
            except http.client.IncompleteRead as cut:
                # docker-registry's 416 carries the Content-Length of the whole blob and a short text.
                if not (response.status == 416 and self.server.is_docker_registry):
                    raise
                body = cut.partial
            return Answer(response.status, response.headers, body)
        finally:
            connection.close()

    def start_upload(self, repository: str) -> str:
        answer = self.ask("POST", f"/v2/{repository}/blobs/uploads/", b"")
        assert answer.status == 202, answer.body
        return answer.headers["Location"]

    def finish_upload(self, location: str, digest: Digest, content: bytes = b"") -> Answer:
        joint = "&" if "?" in location else "?"
        headers = {"Content-Type": "application/octet-stream"}
        return self.ask("PUT", f"{location}{joint}{urlencode({'digest': str(digest)})}", content, headers)

    def push_blob(self, repository: str, content: bytes) -> Digest:
        digest = Digest.of(content)
        answer = self.finish_upload(self.start_upload(repository), digest, content)
        assert answer.status == 201, answer.body
        return digest

    def push_manifest(self, repository: str, reference: object, content: bytes, media_type: str = OCI_MANIFEST) -> Answer:
        return self.ask("PUT", f"/v2/{repository}/manifests/{reference}", content, {"Content-Type": media_type})

    def get_manifest(self, repository: str, reference: object, *, method: str = "GET") -> Answer:
        # docker-registry answers 404 for an OCI manifest that the client does not say it accepts.
        return self.ask(method, f"/v2/{repository}/manifests/{reference}", headers={"Accept": f"{OCI_MANIFEST}, {OCI_INDEX}"})

    def push_image(self, repository: str, tag: str, layer: bytes = b"a layer", **extra: object) -> bytes:
        """Push an image of one layer; the bytes of its manifest."""
        manifest = self.image(repository, layer, **extra)
        answer = self.push_manifest(repository, tag, manifest)
        assert answer.status == 201, answer.body
        return manifest

    def image(self, repository: str, layer: bytes = b"a layer", **extra: object) -> bytes:
        """Push the blobs of an image; the bytes of a manifest for them."""
        config = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}'
        config = config.replace(b"%s", hashlib.sha256(layer).hexdigest().encode())
        for blob in (config, layer):
            self.push_blob(repository, blob)
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": described(config, OCI_CONFIG),
            "layers": [described(layer, OCI_LAYER_TAR)],
            **extra,
        }
        return json.dumps(document, indent=3).encode()


def described(content: bytes, media_type: str) -> dict[str, Any]:
    """A descriptor of ``content``, as it stands in a document."""
    return {"mediaType": media_type, "digest": str(Digest.of(content)), "size": len(content)}


@pytest.fixture
def describe() -> Callable[[bytes, str], dict[str, Any]]:
    return described


def _htpasswd(require_program: Callable[[str], str]) -> str:
    """A line of an htpasswd file: docker-registry takes bcrypt only, which perl's crypt() knows by way of the C library."""
    script = 'print crypt($ARGV[0], q{$2y$05$} . "penstocktestsaltsalt.u")'
    crypted = subprocess.run([require_program("perl"), "-e", script, PASSWORD], capture_output=True, text=True, check=True).stdout
    if not crypted.startswith("$2y$"):
        pytest.skip("the C library's crypt() does not know bcrypt")
    return f"{USER}:{crypted}\n"


StartServer = Callable[..., AbstractContextManager[Server]]


@pytest.fixture
def start_server(tmp_path: Path, require_program: Callable[[str], str], docker_registry: "DockerRegistry") -> StartServer:
    """``start_server(kind, auth=…)``: a registry with an empty storage, until the context ends."""
    numbers = itertools.count()

    @contextmanager
    def start(kind: str, auth: Auth | None = None) -> Iterator[Server]:
        folder = tmp_path / f"registry-{next(numbers)}"
        folder.mkdir()
        if kind == "docker-registry":
            section = ""
            if auth is not None:
                assert isinstance(auth, BasicAuth)
                (folder / "htpasswd").write_text(_htpasswd(require_program))
                section = f"auth: {{htpasswd: {{realm: tests, path: {folder / 'htpasswd'}}}}}"
            with docker_registry(folder, section) as host:
                yield Server(kind, host)
        else:
            storage = MemoryStorage() if kind == "memory" else DirectoryStorage(folder)
            with RegistryThread(storage=storage, auth=auth) as simulator:
                yield Server(kind, simulator.host)

    return start


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, start_server: StartServer) -> Iterator[Server]:
    """Each registry in turn, without authentication."""
    with start_server(request.param) as running:
        yield running


@pytest.fixture(params=KINDS)
def basic_server(request: pytest.FixtureRequest, start_server: StartServer) -> Iterator[Server]:
    """Each registry in turn; it wants ``credentials`` as HTTP Basic."""
    with start_server(request.param, BasicAuth({USER: PASSWORD})) as running:
        yield running


@pytest.fixture
def wire(server: Server) -> Wire:
    """A client of ``server``."""
    return Wire(server)


@pytest.fixture
def credentials() -> tuple[str, str]:
    """The one user that registries with authentication know."""
    return USER, PASSWORD


@pytest.fixture
def basic_header(credentials: tuple[str, str]) -> dict[str, str]:
    """The credentials as a header."""
    return {"Authorization": "Basic " + base64.b64encode(":".join(credentials).encode()).decode()}


@pytest.fixture
def connect() -> Callable[..., Wire]:
    """``connect(server, headers)``: a client of any server."""
    return Wire
