"""``penstock streams generate --from-image``: a node image is followed to the build that it stands on."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.model.arch import Arch

if TYPE_CHECKING:
    from tests.integration.conftest import Build, Place, Run

EPOCH = {"SOURCE_DATE_EPOCH": "1767225600"}
VERSION, STREAM, BASE_NAME, BASE_DIGEST = (
    "org.opencontainers.image.version",
    "com.coreos.stream",
    "org.opencontainers.image.base.name",
    "org.opencontainers.image.base.digest",
)
BUILD = "9.6.20250826-1"
LAYER = {"etc/os-release": b"ID=rhel"}


@pytest.fixture
def builds(tmp_path: Path) -> str:
    """A folder of builds, as the mirror serves them."""
    for stream, build, arch in (("rhel-9.6", BUILD, "x86_64"), ("rhel-9.6", BUILD, "aarch64"), ("9.6-test", "9.6.20250901-0", "x86_64")):
        folder = tmp_path / "builds" / stream / "builds" / build / arch
        folder.mkdir(parents=True)
        images = {"qemu": {"path": f"rhcos-{build}-qemu.{arch}.qcow2.gz", "sha256": "a" * 64}}
        (folder / "meta.json").write_text(json.dumps({"buildid": build, "coreos-assembler.basearch": arch, "images": images}))
    return str(tmp_path / "builds")


def releases(done: Any) -> dict[str, str]:  # noqa: ANN401  # what the program printed
    return {arch: found["artifacts"]["qemu"]["release"] for arch, found in done.json["architectures"].items()}


def test_an_inherited_version_tells_the_build(run: "Run", place: "Place", build: "type[Build]", builds: str) -> None:
    node = place.put(build.image(LAYER, labels={VERSION: BUILD, STREAM: "rhel-9.6"}))
    done = run("streams", "generate", "--insecure", "--url", builds, "--from-image", node, env=EPOCH)

    assert (done.code, releases(done)) == (0, {"x86_64": BUILD})
    assert f"note: x86_64 stands on {BUILD}, by {VERSION} of {place.host}/os/image@sha256:" in done.err
    assert done.json["stream"] == "rhel-9.6"


def test_every_architecture_of_an_index_is_followed_or_those_that_are_wanted(
    run: "Run", place: "Place", build: "type[Build]", builds: str
) -> None:
    members = [build.image(LAYER, arch=arch, labels={VERSION: BUILD}) for arch in (Arch.X86_64, Arch.AARCH64)]
    node = place.put(build.index(*members))
    words = ("streams", "generate", "--insecure", "--url", builds, "--from-image", node)

    assert releases(run(*words)) == {"aarch64": BUILD, "x86_64": BUILD}
    assert releases(run(*words, "--arch", "arm64")) == {"aarch64": BUILD}
    assert run(*words, "--arch", "s390x").code == 1


def test_node_images_of_the_same_base_give_the_same_stream(run: "Run", place: "Place", build: "type[Build]", builds: str) -> None:
    words = ("streams", "generate", "--insecure", "--url", builds, "--from-image")
    nodes = [
        place.put(build.image(LAYER, {"openshift": release}, labels={VERSION: BUILD, "io.openshift.release": "x"}), tag=release.decode())
        for release in (b"4.19", b"4.20")
    ]

    first, second = (run(*words, node, env=EPOCH) for node in nodes)
    assert nodes[0] != nodes[1]
    assert first.out == second.out != ""


@pytest.mark.parametrize("pinned", [True, False])
def test_the_base_that_an_image_names_is_believed_before_its_own_version(
    run: "Run", place: "Place", build: "type[Build]", builds: str, pinned: bool
) -> None:
    base = build.index(build.image(LAYER, labels={VERSION: "9.6.20250901-0", STREAM: "9.6-test"}))
    named = place.put(base, "os/base", "9.6")
    labels = {BASE_NAME: named, VERSION: "4.20.7"} | ({BASE_DIGEST: str(base.manifest.digest)} if pinned else {})
    done = run("streams", "generate", "--insecure", "--url", builds, "--from-image", place.put(build.image(LAYER, labels=labels)))

    assert (done.code, releases(done)) == (0, {"x86_64": "9.6.20250901-0"})


@pytest.mark.parametrize("base", ["{host}/os/missing:1", "rhel-bootc", "{host}/os/bootc:9.6"])
def test_a_base_that_is_out_of_reach_or_no_coreos_leaves_the_inherited_version(
    run: "Run", place: "Place", build: "type[Build]", builds: str, base: str
) -> None:
    place.put(build.image(LAYER, labels={VERSION: "9.6"}), "os/bootc", "9.6")
    labels = {BASE_NAME: base.format(host=place.host), "io.openshift.build.versions": f"machine-os={BUILD}"}
    done = run("streams", "generate", "--insecure", "--url", builds, "--from-image", place.put(build.image(LAYER, labels=labels)))

    assert (done.code, releases(done)) == (0, {"x86_64": BUILD})


def test_an_image_that_does_not_tell_its_base_is_an_error_with_the_labels(
    run: "Run", place: "Place", build: "type[Build]", builds: str
) -> None:
    labels = {"version": "v4.20.0", "coreos.build.manifest-list-tag": "4.20-9.6-202508280000-node-image"}
    done = run("streams", "generate", "--insecure", "--url", builds, "--from-image", place.put(build.image(LAYER, labels=labels)))

    assert (done.code, done.out) == (1, "")
    assert "its CoreOS base cannot be told; the labels for x86_64 say: " in done.err
    for said in (f"no {BASE_NAME}", f"no {VERSION}", "version=v4.20.0", "manifest-list-tag=4.20-9.6-202508280000-node-image"):
        assert said in done.err


def test_a_target_is_edited_from_an_image_and_keeps_a_name_that_is_true(
    run: "Run", place: "Place", build: "type[Build]", builds: str, tmp_path: Path
) -> None:
    target = tmp_path / "rhcos.json"
    target.write_text('{"stream": "rhcos-4.20", "architectures": {}}')
    node = place.put(build.image(LAYER, labels={VERSION: BUILD, STREAM: "rhel-9.6"}))
    done = run("streams", "generate", "--insecure", "--url", builds, "--target", str(target), "--from-image", node)

    assert (done.code, done.out) == (0, f"{target}\n")
    assert json.loads(target.read_text())["stream"] == "rhcos-4.20"
