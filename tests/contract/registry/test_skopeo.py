"""skopeo, a client that is not ours, works against every registry in both directions."""

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.formats.oci.descriptor import OCI_CONFIG, OCI_INDEX, OCI_LAYER_TAR, OCI_MANIFEST
from penstock.model.digest import Digest
from penstock.simulators.registry import BasicAuth, RegistryThread, TokenAuth

if TYPE_CHECKING:
    from tests.contract.registry.conftest import Server, StartServer

pytestmark = pytest.mark.integration

Skopeo = Callable[..., "subprocess.CompletedProcess[str]"]
TO_PLAIN, FROM_PLAIN = "--dest-tls-verify=false", "--src-tls-verify=false"


@pytest.fixture
def skopeo(require_program: Callable[[str], str], tmp_path: Path) -> Skopeo:
    """``skopeo(*words, fails=False)``, with no credentials but those on its command line."""
    program = require_program("skopeo")
    policy = tmp_path / "policy.json"
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "TMPDIR": str(tmp_path)}

    def run(*words: str, fails: bool = False) -> "subprocess.CompletedProcess[str]":
        command = [program, "--policy", str(policy), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
        assert (done.returncode != 0) is fails, done.stderr
        return done

    return run


@pytest.fixture
def layout(tmp_path: Path, describe: Callable[[bytes, str], dict[str, Any]]) -> Path:
    """An OCI layout with an index ``all`` of two images, and ``one``, the first of them; each layer has 2 MB."""
    root = tmp_path / "layout"
    blobs = root / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def store(content: bytes, media_type: str) -> dict[str, Any]:
        (blobs / hashlib.sha256(content).hexdigest()).write_bytes(content)
        return describe(content, media_type)

    entries = []
    for number, arch in enumerate(("amd64", "arm64")):
        layer = bytes([number]) * 2_000_000
        config = {
            "architecture": arch,
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(layer))]},
            "history": [{"created_by": "a test"}],
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": store(json.dumps(config).encode(), OCI_CONFIG),
            "layers": [store(layer, OCI_LAYER_TAR)],
        }
        entries.append({**store(json.dumps(manifest).encode(), OCI_MANIFEST), "platform": {"os": "linux", "architecture": arch}})
    index = store(json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode(), OCI_INDEX)
    name = "org.opencontainers.image.ref.name"
    tagged = [{**entries[0], "annotations": {name: "one"}}, {**index, "annotations": {name: "all"}}]
    (root / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": tagged}))
    (root / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return root


def _blobs(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / "blobs" / "sha256").iterdir()}


def test_an_index_goes_there_and_back_unchanged(server: "Server", skopeo: Skopeo, layout: Path, tmp_path: Path) -> None:
    image = f"docker://{server.host}/team/images:all"
    # skopeo does not push a tarred layer as it is unless it is told to keep digests.
    skopeo("copy", "--all", "--preserve-digests", TO_PLAIN, f"oci:{layout}:all", image)
    skopeo("copy", "--all", "--preserve-digests", FROM_PLAIN, image, f"oci:{tmp_path / 'back'}:all")
    assert _blobs(tmp_path / "back") == _blobs(layout)


def test_an_image_that_skopeo_compresses_on_its_way_can_be_inspected(server: "Server", skopeo: Skopeo, layout: Path) -> None:
    image = f"docker://{server.host}/team/images:one"
    skopeo("copy", TO_PLAIN, f"oci:{layout}:one", image)
    seen = json.loads(skopeo("inspect", "--tls-verify=false", image).stdout)
    assert (seen["Architecture"], seen["RepoTags"], len(seen["Layers"])) == ("amd64", ["one"], 1)


def test_an_image_is_copied_from_one_repository_to_another(server: "Server", skopeo: Skopeo, layout: Path, tmp_path: Path) -> None:
    first, second = (f"docker://{server.host}/{name}:one" for name in ("first", "second"))
    skopeo("copy", "--preserve-digests", TO_PLAIN, f"oci:{layout}:one", first)
    skopeo("copy", "--preserve-digests", FROM_PLAIN, TO_PLAIN, first, second)
    skopeo("copy", "--preserve-digests", FROM_PLAIN, second, f"oci:{tmp_path / 'back'}:one")
    assert _blobs(tmp_path / "back").items() <= _blobs(layout).items()


def test_a_tag_is_deleted_with_its_manifest(server: "Server", skopeo: Skopeo, layout: Path) -> None:
    image = f"docker://{server.host}/team/images:one"
    skopeo("copy", TO_PLAIN, f"oci:{layout}:one", image)
    skopeo("delete", "--tls-verify=false", image)
    skopeo("inspect", "--tls-verify=false", image, fails=True)


def test_skopeo_gives_the_password_when_it_is_asked(
    basic_server: "Server", skopeo: Skopeo, layout: Path, tmp_path: Path, credentials: tuple[str, str]
) -> None:
    image, login = f"docker://{basic_server.host}/team/images:all", ":".join(credentials)
    skopeo("copy", "--all", "--preserve-digests", TO_PLAIN, "--dest-creds", login, f"oci:{layout}:all", image)
    skopeo("copy", "--all", "--preserve-digests", FROM_PLAIN, "--src-creds", login, image, f"oci:{tmp_path / 'back'}:all")
    assert _blobs(tmp_path / "back") == _blobs(layout)
    skopeo("inspect", "--tls-verify=false", image, fails=True)


@pytest.mark.parametrize("kind", ["memory", "directory"])
def test_skopeo_fetches_tokens(  # noqa: PLR0917  # fixtures
    kind: str, start_server: "StartServer", skopeo: Skopeo, layout: Path, tmp_path: Path, credentials: tuple[str, str]
) -> None:
    with start_server(kind, TokenAuth(dict([credentials]))) as server:
        image, login = f"docker://{server.host}/team/images:all", ":".join(credentials)
        skopeo("copy", "--all", "--preserve-digests", TO_PLAIN, "--dest-creds", login, f"oci:{layout}:all", image)
        skopeo("copy", "--all", "--preserve-digests", FROM_PLAIN, "--src-creds", login, image, f"oci:{tmp_path / 'back'}:all")
        assert _blobs(tmp_path / "back") == _blobs(layout)
        skopeo("inspect", "--tls-verify=false", "--creds", "tester:wrong", image, fails=True)


@pytest.mark.parametrize("auth", [BasicAuth, TokenAuth])
def test_skopeo_follows_blobs_to_the_second_port_without_its_credentials(
    auth: type[BasicAuth] | type[TokenAuth], skopeo: Skopeo, layout: Path, tmp_path: Path, credentials: tuple[str, str]
) -> None:
    with RegistryThread(auth=auth(dict([credentials])), redirect_blobs=True) as registry:
        image, login = f"docker://{registry.host}/team/images:all", ":".join(credentials)
        skopeo("copy", "--all", "--preserve-digests", TO_PLAIN, "--dest-creds", login, f"oci:{layout}:all", image)
        skopeo("copy", "--all", "--preserve-digests", FROM_PLAIN, "--src-creds", login, image, f"oci:{tmp_path / 'back'}:all")
        assert _blobs(tmp_path / "back") == _blobs(layout)
        redirected = [request for request in registry.requests if request.site == "content"]
        assert len(redirected) == 4
        assert not any(request.has_authorization for request in redirected)
