"""A site without the internet: ISOs out of a release that a registry of the site mirrors, and nothing that leads elsewhere."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from penstock.simulators.registry import RegistryThread

if TYPE_CHECKING:
    from tests.integration.conftest import Place
    from tests.integration.images.conftest import IsoMaker, LiveIso
    from tests.integration.images.served.conftest import Mirrored, Serving, WebSite

Serve = Callable[..., AbstractContextManager["Serving"]]
Mirror = Callable[..., "Mirrored"]

HOST = "0f5d39a1-97b6-4f2c-a1a2-57b2c1a0f3ee"
BUILD = "418.94.202501221327-0"
OLD_BUILD = "410.84.202210040010-0"
BASE_URL = "http://images.site.example"
FULL = f"/byid/{HOST}/4.17/x86_64/full.iso"
MINIMAL = f"/byid/{HOST}/4.17/x86_64/minimal.iso"
ROOTFS = "images/pxeboot/rootfs.img"
_URL = re.compile(rb"https?://[\x21-\x7e]*")


def rootfs_url(build: str) -> str:
    return f"{BASE_URL}/boot-artifacts/rootfs?arch=x86_64&version={build}"


@pytest.fixture
def source() -> Iterator[str]:
    """The host of the registry that the release names: it never answers, and in the end nobody has asked it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """One host whose config is in a folder; and where images are kept."""
    configs = tmp_path / "hosts"
    configs.mkdir()
    (configs / f"{HOST}.ign").write_bytes(b'{"ignition":{"version":"3.4.0"}}')
    return {"CONFIG_DIR": str(configs), "DATA_DIR": str(tmp_path / "data"), "IMAGE_SERVICE_BASE_URL": BASE_URL}


def must_serve(serving: "Serving", live: "LiveIso") -> None:
    """The full ISO, and a minimal one that leads nowhere but to the root file system that is served here."""
    serving.wait()
    assert live.differences_outside(serving.content(FULL)) == set()
    serving.wait("?version=4.17&type=minimal-iso")
    leads_to_the_service_alone(serving.content(MINIMAL), BUILD)
    url = urlsplit(rootfs_url(BUILD))
    assert serving.content(f"{url.path}?{url.query}") == live.content(ROOTFS)


def leads_to_the_service_alone(minimal: bytes, build: str) -> None:
    """Of all bytes, those of addresses are that of the root file system: for each boot loader, and escaped in a JSON document."""
    url = rootfs_url(build)
    assert minimal.count(f'coreos.live.rootfs_url="{url}"'.encode()) == 2
    found = [one.decode().replace(r"\u0026", "&") for one in _URL.findall(minimal)]
    assert all(one.startswith(url) for one in found), found


def test_a_release_named_by_digest_comes_from_its_mirror(
    *, any_place: "Place", mirrored: Mirror, make: "IsoMaker", serving: Serve, source: str, environment: dict[str, str], tmp_path: Path
) -> None:
    live = make.x86_64()
    payload = mirrored(any_place, live.path.read_bytes(), source=source, version="4.17.1")
    mirrors = payload.write_set(tmp_path / "idms.yaml", "ImageDigestMirrorSet")
    env = {**environment, "RELEASE_IMAGES": payload.listed(payload.by_digest)}
    with serving(tmp_path, "--small-images", "--idms-file", mirrors, env=env) as service:
        must_serve(service, live)


def by_sets(payload: "Mirrored", folder: Path) -> list[object]:
    tags = payload.write_set(folder / "itms.yaml", "ImageTagMirrorSet")
    return ["--itms-file", tags, "--idms-file", payload.write_set(folder / "idms.yaml", "ImageDigestMirrorSet")]


def by_registries_conf(payload: "Mirrored", folder: Path) -> list[object]:
    return ["--registries-conf", payload.write_registries_conf(folder / "registries.conf")]


@pytest.mark.parametrize("mirrors", [by_sets, by_registries_conf])
def test_a_release_named_by_tag_comes_from_its_mirror_too(
    *,
    place: "Place",
    mirrored: Mirror,
    make: "IsoMaker",
    serving: Serve,
    source: str,
    environment: dict[str, str],
    tmp_path: Path,
    mirrors: Callable[["Mirrored", Path], list[object]],
) -> None:
    live = make.x86_64()
    payload = mirrored(place, live.path.read_bytes(), source=source, version="4.17.1")
    env = {**environment, "RELEASE_IMAGES": payload.listed(payload.by_tag)}
    with serving(tmp_path, "--small-images", *mirrors(payload, tmp_path), env=env) as service:
        must_serve(service, live)


def listed(url: str) -> str:
    entry = {"openshift_version": "4.10", "cpu_architecture": "x86_64", "url": url, "version": OLD_BUILD}
    return json.dumps([entry])


def test_an_image_of_4_10_beside_it_is_downloaded_and_served_as_ever(
    *,
    place: "Place",
    mirrored: Mirror,
    make: "IsoMaker",
    serving: Serve,
    source: str,
    web_site: Callable[[Path], AbstractContextManager["WebSite"]],
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    live, old = make.x86_64(), make.x86_64("old", without=("coreos/features.json",))
    payload = mirrored(place, live.path.read_bytes(), source=source, version="4.17.1")
    mirrors = payload.write_set(tmp_path / "idms.yaml", "ImageDigestMirrorSet")
    env = {**environment, "RELEASE_IMAGES": payload.listed(payload.by_digest)}
    with (
        web_site(tmp_path) as site,
        serving(
            tmp_path, "--small-images", "--idms-file", mirrors, env={**env, "OS_IMAGES": listed(f"{site.url}/{old.path.name}")}
        ) as service,
    ):
        must_serve(service, live)
        assert site.paths == [f"/{old.path.name}"]
        assert (tmp_path / f"data/rhcos-full-iso-{OLD_BUILD}-x86_64.iso").read_bytes() == old.path.read_bytes()
        for version in ("4.10", OLD_BUILD):
            assert old.differences_outside(service.content(f"/byid/{HOST}/{version}/x86_64/full.iso")) == set()
            leads_to_the_service_alone(service.content(f"/images/{HOST}?version={version}&type=minimal-iso"), OLD_BUILD)
        assert service.content(f"/boot-artifacts/rootfs?arch=x86_64&version={OLD_BUILD}") == old.content(ROOTFS)


def warmed(environment: Mapping[str, str], *words: object) -> None:
    command = [sys.executable, "-m", "penstock", "images", "warm", *map(str, words)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("form", ["by_digest", "by_tag"])
def test_what_was_warmed_is_served_with_the_registry_switched_off(
    *,
    place_at: "type[Place]",
    mirrored: Mirror,
    make: "IsoMaker",
    serving: Serve,
    source: str,
    environment: dict[str, str],
    environment_in: Callable[[Path], dict[str, str]],
    tmp_path: Path,
    form: str,
) -> None:
    live = make.x86_64()
    with RegistryThread() as registry:
        payload = mirrored(place_at(registry.host), live.path.read_bytes(), source=source, version="4.17.1")
        words = ["--small-images", *by_sets(payload, tmp_path)]
        env = {**environment, "RELEASE_IMAGES": payload.listed(getattr(payload, form))}
        warmed({**environment_in(tmp_path), **env}, *words)
    with serving(tmp_path, *words, env=env) as service:
        must_serve(service, live)
        # What a tag names may be another by now.
        assert ("no connection" in service.said.read_text()) is (form == "by_tag")
