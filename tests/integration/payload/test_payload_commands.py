"""The commands ``penstock payload new``, ``info``, ``image-for`` and ``verify`` against registries that speak HTTP."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.formats.oci.image import ImageManifest, parse_manifest
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.simulators.registry import Fault, RegistrySimulator, flip_bit

if TYPE_CHECKING:
    from tests.integration.conftest import Build, Image, Outcome, Place, Run

Payload = Callable[..., "Outcome"]

OPERATOR = {"io.openshift.release.operator": "true"}
BOTH = (Arch.X86_64, Arch.AARCH64)
CONFIG_MAP = b"""\
kind: ConfigMap
apiVersion: v1
metadata: {name: coreos-bootimages, namespace: openshift-machine-config-operator}
data:
  releaseVersion: 0.0.1-snapshot
  stream: '{"stream": "rhel-9", "metadata": {}, "architectures": {}}'
"""


@pytest.fixture
def payload(run: "Run") -> Payload:
    """``payload("info", REF, …)`` runs ``penstock payload info``."""

    def go(*words: str, env: Mapping[str, str] | None = None) -> "Outcome":
        return run("payload", *words, env=env)

    return go


def _component(
    build: "type[Build]", files: dict[str, bytes], labels: dict[str, str] | None = None, arches: Sequence[Arch] = BOTH
) -> "Image":
    """An image, or an index of several architectures whose images differ by a file ``arch``."""
    if len(arches) == 1:
        return build.image(files, labels=labels, arch=arches[0])
    return build.index(*(build.image(files, {"arch": arch.encode()}, labels=labels, arch=arch) for arch in arches))


def _components(place: "Place", build: "type[Build]", arches: Sequence[Arch]) -> list[str]:
    """Push the images of a small release, among them two OS streams; the words that name them."""
    labels: dict[str, dict[str, str]] = {
        "cluster-version-operator": {},
        "installer": OPERATOR,
        "machine-os-images": {},
        "rhel-coreos": {"ostree.bootable": "true", "io.openshift.build.versions": "machine-os=9.8.20260312-0"},
        "rhel-coreos-extensions": {},
        "rhel-coreos-10": {"ostree.bootable": "true", "io.openshift.build.versions": "machine-os=10.2.20260312-0"},
        "rhel-coreos-10-extensions": {},
    }
    for name, wanted in labels.items():
        files = {"manifests/coreos-bootimages.yaml": CONFIG_MAP} if name == "installer" else {"name": name.encode()}
        place.push(_component(build, files, wanted, arches), f"parts/{name}", "v1")
    return [f"{name}={place.host}/parts/{name}:v1" for name in labels]


def test_the_road_from_components_to_a_sound_payload(any_place: "Place", build: "type[Build]", payload: Payload, run: "Run") -> None:
    words = _components(any_place, build, BOTH)
    ref = f"{any_place.host}/release:4.21.0"
    made = payload("new", "--name", "4.21.0", "--previous", "4.20.9,4.20.8", "--to", ref, "--insecure", "--progress", "none", *words)
    assert (made.code, made.err) == (0, "")
    pullspec = made.out.strip()
    assert pullspec.startswith(f"{any_place.host}/release@sha256:")

    info = payload("info", ref, "--insecure", "--arch", "arm64", "-o", "json").json
    assert info["digest"] == pullspec.partition("@")[2]
    assert (info["version"], info["arch"], info["architectures"]) == ("4.21.0", "aarch64", ["x86_64", "aarch64"])
    assert info["previous"] == ["4.20.8", "4.20.9"]
    assert [(stream["name"], stream["version"]) for stream in info["os_streams"]] == [
        ("rhel-coreos", "9.8.20260312-0"),
        ("rhel-coreos-10", "10.2.20260312-0"),
    ]
    assert info["boot_images"] == {"release_version": "4.21.0", "default": "rhel-9", "streams": []}
    assert info["metadata"] == {"release.openshift.io/architecture": "multi"}

    found = {arch: payload("image-for", "machine-os-images", ref, "--insecure", "--arch", arch).out for arch in BOTH}
    assert found[Arch.AARCH64] == next(each["image"] for each in info["components"] if each["name"] == "machine-os-images") + "\n"
    assert found[Arch.X86_64] != found[Arch.AARCH64]
    document = payload("image-for", "machine-os-images", ref, "--insecure", "--arch", "arm64", "-o", "json").json
    assert (document["image"] + "\n", document["platform"]) == (found[Arch.AARCH64], "linux/arm64")

    report = payload("verify", pullspec, "--deep", "--insecure", "--progress", "none", "-o", "json")
    assert (report.code, report.json["problems"]) == (0, [])

    trace = run("trace", "4.21.0", "-o", "json").json
    kinds = {each["artifact"]["kind"] for each in [trace, *trace["others"]]}
    assert kinds == {"release", "release-index"}
    named = run("trace", f"{any_place.host}/parts/machine-os-images:v1", "--direction", "down", "-o", "json").json
    assert {each["artifact"]["digest"] for each in [named, *named["others"]]} == {found[arch].strip().partition("@")[2] for arch in BOTH}


def test_the_same_components_give_the_same_payload(place: "Place", build: "type[Build]", payload: Payload) -> None:
    words = _components(place, build, (Arch.X86_64,))
    options = ["new", "--name", "4.21.0", "--insecure", "--progress", "none", "-o", "json", *words]

    def digest(*more: str, **env: str) -> str:
        return str(payload(*options, *more, env=env).json["digest"])

    first = digest("--to", f"{place.host}/release:a")
    assert digest("--to", f"{place.host}/release:a") == first
    assert digest("--to", f"{place.host}/elsewhere/release:b") == first
    assert digest("--to", f"{place.host}/release:c", "--dry-run") == first
    dated = digest("--to", f"{place.host}/release:d", SOURCE_DATE_EPOCH="1")
    assert dated != first
    missing = payload("info", f"{place.host}/release:c", "--insecure")
    assert (missing.code, missing.out) == (1, "")


def test_a_component_is_replaced(any_place: "Place", build: "type[Build]", payload: Payload) -> None:
    words = _components(any_place, build, BOTH)
    old, new = f"{any_place.host}/release:4.21.0", f"{any_place.host}/release:4.21.0-hotfix"
    assert payload("new", "--name", "4.21.0", "--to", old, "--insecure", *words).code == 0
    any_place.push(_component(build, {"name": b"other"}), "parts/machine-os-images", "v2")
    word = f"machine-os-images={any_place.host}/parts/machine-os-images:v2"
    done = payload("new", "--name", "4.21.0-hotfix", "--from-release", old, "--to", new, "--insecure", "--progress", "none", word)
    assert (done.code, done.err) == (0, "")
    before, after = (payload("info", ref, "--insecure", "--arch", "x86_64", "-o", "json").json for ref in (old, new))
    changed = [one["name"] for one, other in zip(before["components"], after["components"], strict=True) if one != other]
    assert changed == ["machine-os-images"]
    assert after["boot_images"]["release_version"] == "4.21.0-hotfix"
    assert payload("verify", new, "--insecure").code == 0


def test_a_payload_may_stand_in_a_layout(place: "Place", build: "type[Build]", payload: Payload, tmp_path: Path) -> None:
    words = _components(place, build, BOTH)
    ref = f"oci:{tmp_path / 'layout'}:4.21.0"
    made = payload("new", "--name", "4.21.0", "--to", ref, "--insecure", "--progress", "none", *words)
    assert (made.code, made.err) == (0, "")
    info = payload("info", ref, "--arch", "arm64", "-o", "yaml")
    assert (info.code, "arch: aarch64" in info.out) == (0, True)
    verified = payload("verify", ref, "--insecure")
    assert (verified.code, " is sound: " in verified.out) == (0, True)


@pytest.mark.parametrize(("option", "rest"), [("--name", ()), ("--previous", ("--name", "4.21.0"))])
def test_a_wrong_version_is_told_with_its_option(payload: Payload, option: str, rest: tuple[str, ...]) -> None:
    result = payload("new", option, "4.21", *rest, "--to", "registry.example/release", "cli=registry.example/cli:v1")
    assert result.code == 2
    assert result.err == f"penstock: {option}: '4.21' is not a semantic version\nhint: write it like 4.21.0 or 4.21.0-rc.1\n"


def test_a_release_cannot_be_updated_from_itself(payload: Payload) -> None:
    result = payload("new", "--name", "4.21.0", "--previous", "4.21.0", "--to", "registry.example/release", "cli=registry.example/cli:v1")

    assert (result.code, result.out) == (2, "")
    assert "not the previous one of itself" in result.err


def test_a_missing_component_has_the_words_of_the_field(place: "Place", build: "type[Build]", payload: Payload) -> None:
    words = _components(place, build, (Arch.X86_64,))
    ref = f"{place.host}/release:4.21.0"
    assert payload("new", "--name", "4.21.0", "--to", ref, "--insecure", *words).code == 0
    result = payload("image-for", "nope", ref, "--insecure")
    assert (result.code, result.out) == (1, "")
    assert f'no image tag "nope" exists in the release image {ref}\n' in result.err


def test_a_local_folder_of_manifests_goes_in(place: "Place", build: "type[Build]", payload: Payload, tmp_path: Path) -> None:
    place.push(build.image({"a": b"1"}), "parts/cli", "v1")
    folder = tmp_path / "manifests"
    (folder / "cli").mkdir(parents=True)
    (folder / "0000_10_top.yaml").write_text("kind: A\napiVersion: v1\nversion: 0.0.1-snapshot\n")
    (folder / "cli" / "cli.yaml").write_text("kind: B\napiVersion: v1\n")
    words = ["new", "--name", "4.21.0", "--from-dir", str(folder), "--insecure", "--progress", "none", f"cli={place.host}/parts/cli:v1"]
    planned = payload(*words, "--to", f"{place.host}/release:x", "--dry-run", "-o", "json")
    document = planned.json
    assert document["images"][0]["manifests"] == {"0000_10_top.yaml": f"folder {folder}", "0000_50_cli_cli.yaml": f"folder {folder}/cli"}
    assert [step["action"] for step in document["steps"]] == ["push layer", "push config", "push image"]
    (folder / "cli" / "cli.yaml").write_text("kind: [")
    broken = payload(*words, "--to", f"{place.host}/release:x")
    assert (broken.code, broken.out) == (2, "")
    assert broken.err.startswith(f"penstock: folder {folder}/cli: cli.yaml: ")


def test_a_damaged_registry_is_found_out(place: "Place", simulator: RegistrySimulator, build: "type[Build]", payload: Payload) -> None:
    words = _components(place, build, (Arch.X86_64,))
    ref = f"{simulator.host}/release:4.21.0"
    assert payload("new", "--name", "4.21.0", "--to", ref, "--insecure", *words).code == 0
    digest = simulator.storage.find_tag("parts/machine-os-images", "v1")
    assert digest is not None
    raw = simulator.storage.find_manifest("parts/machine-os-images", digest)
    assert raw is not None
    manifest = parse_manifest(raw, subject="component")
    assert isinstance(manifest, ImageManifest)
    layer = manifest.layers[0].digest
    simulator.storage.tamper(layer, flip_bit())
    assert payload("verify", ref, "--insecure").code == 0
    damaged = payload("verify", ref, "--insecure", "--deep", "--progress", "none", "-o", "json")
    assert damaged.code == 3
    assert [problem["subject"] for problem in damaged.json["problems"]] == [f"{simulator.host}/parts/machine-os-images@{layer}"]
    simulator.faults.add(Fault.parse(f"status=503@GET .*{_other_layer(simulator, 'rhel-coreos').hex}"))
    both = payload("verify", ref, "--insecure", "--deep", "--progress", "none")
    assert both.code == 3
    assert "has 2 problems" in both.out
    simulator.storage.tamper(layer, flip_bit())
    later = payload("verify", ref, "--insecure", "--deep", "--progress", "none")
    assert later.code == 4


def _other_layer(simulator: RegistrySimulator, name: str) -> Digest:
    digest = simulator.storage.find_tag(f"parts/{name}", "v1")
    assert digest is not None
    raw = simulator.storage.find_manifest(f"parts/{name}", digest)
    assert raw is not None
    manifest = parse_manifest(raw, subject="component")
    assert isinstance(manifest, ImageManifest)
    return manifest.layers[0].digest


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["new", "--name", "4.21", "--to", "{host}/r:1", "a={host}/a:1"], 2, "'4.21' is not a semantic version"),
        (["new", "--name", "4.21.0", "--to", "{host}/r:1"], 2, "a payload needs a component"),
        (["new", "--name", "4.21.0", "--to", "{host}/r:1", "a={host}/a:1", "--metadata", "x"], 2, "'x' is not KEY=VALUE"),
        (["new", "--name", "4.21.0", "--to", "{host}/r:1", "a={host}/a:1"], 1, "{host}/a:1"),
        (["new", "--name", "4.21.0", "--to", "{host}/r:1", "a={host}/a:1", "--arch", "mips"], 2, "unknown architecture 'mips'"),
        (["new", "--name", "4.21.0", "--to", "{host}/r:1", "a={host}/a:1", "--from-dir", "/none"], 1, "there is no such file or folder"),
        (["info", "{host}/a:1"], 1, "{host}/a:1"),
        (["verify", "{host}/a:1"], 1, "{host}/a:1"),
        (["info", "short"], 2, "the image reference names no registry"),
    ],
)
def test_bad_input_gets_one_message_and_its_exit_code(
    simulator: RegistrySimulator, payload: Payload, words: list[str], code: int, told: str
) -> None:
    result = payload(*(word.format(host=simulator.host) for word in words), "--insecure")
    assert (result.code, result.out) == (code, "")
    assert told.format(host=simulator.host) in result.err
    assert "Traceback" not in result.err


def test_a_registry_that_is_down_is_for_later(payload: Payload) -> None:
    assert payload("verify", "127.0.0.1:1/release:1", "--insecure").code == 4
