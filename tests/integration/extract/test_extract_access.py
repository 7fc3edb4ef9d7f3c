"""Getting to the image: credentials, redirects, mirrors, registries that are down."""

import base64
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from penstock.simulators.registry import Auth, BasicAuth, RegistryThread, TokenAuth

if TYPE_CHECKING:
    from tests.integration.conftest import Build, Place
    from tests.integration.extract.conftest import Extract

USER, PASSWORD = "tester", "correct horse battery"
TreeOf = Callable[[Path], dict[str, object]]
AUTHS: dict[str, Callable[[], Auth]] = {"token": lambda: TokenAuth({USER: PASSWORD}), "basic": lambda: BasicAuth({USER: PASSWORD})}


def auth_file(folder: Path, host: str, password: str) -> str:
    path = folder / "auth.json"
    path.write_text(json.dumps({"auths": {host: {"auth": base64.b64encode(f"{USER}:{password}".encode()).decode()}}}))
    return str(path)


@contextmanager
def place_with(place_type: "type[Place]", auth: Auth | None = None, *, redirect: bool = False) -> Iterator["Place"]:
    with RegistryThread(auth=auth, redirect_blobs=redirect) as simulator:
        yield place_type(simulator.host, simulator)


@pytest.mark.parametrize("auth", AUTHS)
def test_credentials_open_the_registry(
    *, place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf, tmp_path: Path, auth: str
) -> None:
    with place_with(type(place), AUTHS[auth]()) as guarded:
        ref = guarded.put(build.image({"x": b"x"}))

        assert extract(ref, "/x").code == 1
        refused = extract(ref, "/x", "--registry-config", auth_file(tmp_path, guarded.host, "wrong secret"))
        assert refused.code == 1
        assert "wrong secret" not in refused.err
        assert base64.b64encode(b"wrong secret").decode()[:8] not in refused.err
        assert list(folder.iterdir()) == []
        assert extract(ref, "/x", "--registry-config", auth_file(tmp_path, guarded.host, PASSWORD)).code == 0
    assert tree(folder) == {"x": b"x"}


@pytest.mark.parametrize("auth", AUTHS)
def test_a_redirect_to_another_port_carries_no_credentials(
    *, place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf, tmp_path: Path, auth: str
) -> None:
    with place_with(type(place), AUTHS[auth](), redirect=True) as guarded:
        ref = guarded.put(build.image({"x": b"x"}))

        assert extract(ref, "/x", "--registry-config", auth_file(tmp_path, guarded.host, PASSWORD)).code == 0
        assert guarded.simulator is not None
        sites = {
            site: [request.has_authorization for request in guarded.simulator.requests if request.site == site]
            for site in ("registry", "content")
        }
    assert sites["content"]
    assert not any(sites["content"])
    assert any(sites["registry"])
    assert tree(folder) == {"x": b"x"}


def closed_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def test_a_mirror_answers_for_a_source_that_is_down(
    *, place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf, tmp_path: Path
) -> None:
    image = build.image({"x": b"x"})
    place.put(image, "mirror/os")
    source = f"{closed_port()}/os/image"
    rule = {"source": source, "mirrors": [f"{closed_port()}/first/os", f"{place.host}/mirror/os"]}
    idms = tmp_path / "idms.yaml"
    spec = {"imageDigestMirrors": [rule]}
    idms.write_text(
        yaml.safe_dump({"apiVersion": "config.openshift.io/v1", "kind": "ImageDigestMirrorSet", "metadata": {"name": "a"}, "spec": spec})
    )

    done = extract(f"{source}@{image.manifest.digest}", "/x", "--idms-file", str(idms))

    assert done.code == 0, done.err
    assert tree(folder) == {"x": b"x"}


def test_a_registry_that_is_down_is_worth_another_try(place: "Place", extract: "Extract", folder: Path) -> None:
    done = extract(f"{closed_port()}/os/image:1", "/x")

    assert done.code == 4
    assert "hint: " in done.err
    assert list(folder.iterdir()) == []
