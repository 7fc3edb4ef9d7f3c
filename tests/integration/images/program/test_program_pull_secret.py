"""A service whose images come out of payloads, and whose pull secret is replaced while it runs."""

import base64
import json
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from penstock.simulators.registry import BasicAuth, RegistryThread

if TYPE_CHECKING:
    from tests.integration.conftest import Build, Place
    from tests.integration.images.program.conftest import Kit, Programs

OLD = "the old one"
BUILDS = {"4.17.1": "417.94.1-0", "4.18.1": "418.94.1-0"}


def pull_secret(host: str, password: str) -> str:
    return json.dumps({"auths": {host: {"auth": base64.b64encode(f"puller:{password}".encode()).decode()}}})


@pytest.fixture
def guard() -> BasicAuth:
    return BasicAuth({"puller": OLD})


@pytest.fixture
def registry(guard: BasicAuth, place: "Place") -> Iterator["Place"]:
    with RegistryThread(auth=guard) as running:
        yield type(place)(running.host, running)


@pytest.fixture
def releases(registry: "Place", build: "type[Build]", kit: "Kit") -> dict[str, str]:
    """Payloads, by their version."""
    found = {}
    for version, os_build in BUILDS.items():
        iso = kit.iso(os_build)
        path = "coreos/coreos-x86_64.iso"
        image = build.image({path: iso, f"{path}.sha256": sha256(iso).hexdigest().encode()})
        isos = registry.put(image, "parts/isos", version).partition(":" + version)[0] + f"@{image.manifest.digest}"
        found[version] = registry.put(build.release(version, {"machine-os-images": isos}), "release", version)
    return found


def entry(version: str, release: str) -> dict[str, object]:
    return {"openshift_version": version.rpartition(".")[0], "cpu_architectures": ["x86_64"], "url": release, "version": version}


def test_a_pull_secret_that_is_replaced_in_its_file_counts_at_once(
    programs: "Programs", kit: "Kit", guard: BasicAuth, registry: "Place", releases: dict[str, str]
) -> None:
    file, listed = programs.folder / "pull-secret.json", programs.folder / "releases.json"
    file.write_text(pull_secret(registry.host, OLD))
    listed.write_text(json.dumps([entry("4.17.1", releases["4.17.1"])]))
    child = programs.serve("--release-images-file", listed, "--pull-secret-file", file)
    assert child.urls
    assert kit.eventually(lambda: child.is_ready("4.17"))
    guard.change_users({"puller": kit.planted["pull secret"]})
    file.write_text(pull_secret(registry.host, kit.planted["pull secret"]))
    listed.write_text(json.dumps([entry(version, release) for version, release in releases.items()]))
    assert kit.eventually(lambda: child.is_ready("4.18"))
    for version, os_build in BUILDS.items():
        assert kit.is_made_of(child.iso(version).body, kit.iso(os_build))


def test_a_pull_secret_that_is_wrong_costs_the_image_alone_and_says_so(
    programs: "Programs", kit: "Kit", registry: "Place", releases: dict[str, str]
) -> None:
    secret = {"PULL_SECRET": pull_secret(registry.host, kit.planted["pull secret"])}
    lists = {"RELEASE_IMAGES": json.dumps([entry("4.17.1", releases["4.17.1"])])}
    child = programs.serve(*programs.iso("4.16", "416.94.1-0"), env={**secret, **lists})
    assert child.urls
    assert kit.eventually(lambda: child.images()["4.17"]["stage"] == "failed")
    assert "PULL_SECRET" in child.images()["4.17"]["reason"]
    assert kit.eventually(lambda: child.iso("4.16", Range="bytes=0-9").status == 206)
