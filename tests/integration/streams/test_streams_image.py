"""``penstock streams image`` and ``print``: from files, from the installer's folder, and from a payload in a registry."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.formats.bootimages import write_boot_images
from penstock.formats.stream import parse_stream

if TYPE_CHECKING:
    from tests.integration.conftest import Build, Place, Run

OPERATOR = {"io.openshift.release.operator": "true"}
URL = "https://rhcos.blob.core.windows.net/imagebucket/a.vhd"


def azure(sku: str) -> dict[str, Any]:
    image = {"publisher": "azureopenshift", "offer": "aro4", "sku": sku, "version": "9.8.20260428"}
    return {
        "azure": {
            "no-purchase-plan": {"hyperVGen2": image},
            "ocp": {"hyperVGen2": image | {"publisher": "redhat", "offer": "rh-ocp-worker"}},
        }
    }


def document(name: str, marketplace: dict[str, Any] | None = None) -> bytes:
    extensions: dict[str, Any] = {"azure-disk": {"release": "9.8.20260428-0", "url": URL}}
    if marketplace is not None:
        extensions["marketplace"] = marketplace
    aws = {"regions": {"us-east-1": {"release": "9.8.20260428-0", "image": "ami-1"}}}
    entry = {"artifacts": {}, "images": {"aws": aws}, "rhel-coreos-extensions": extensions}
    return (json.dumps({"stream": name, "metadata": {}, "architectures": {"x86_64": entry}}, indent=2) + "\n").encode()


def config_map(streams: Mapping[str, bytes]) -> bytes:
    return write_boot_images({name: parse_stream(content, subject=name) for name, content in streams.items()})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The installer's folder, as it is since 4.22."""
    made = tmp_path / "coreos"
    (made / "marketplace").mkdir(parents=True)
    (made / "coreos-rhel-9.json").write_bytes(document("nine"))
    (made / "coreos-rhel-10.json").write_bytes(document("ten"))
    (made / "scos.json").write_bytes(document("c10s"))
    (made / "marketplace/coreos-rhel-9.json").write_text(json.dumps({"x86_64": azure("v9"), "s390x": {}}))
    return made


def payload(place: "Place", build: "type[Build]", run: "Run", version: str, boot_images: bytes | None) -> str:
    """A payload made by ``payload new``, of an installer image that carries the ConfigMap; its pullspec."""
    files = (
        {"manifests/coreos-bootimages.yaml": boot_images}
        if boot_images is not None
        else {"manifests/a.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"}
    )
    words = []
    for name, content, labels in (("cluster-version-operator", {"a": b"a"}, {}), ("installer", files, OPERATOR)):
        place.push(build.image(content, labels=labels), f"parts/{name}", version)
        words.append(f"{name}={place.host}/parts/{name}:{version}")
    made = run("payload", "new", "--name", version, "--to", f"{place.host}/release:{version}", "--insecure", "--progress", "none", *words)
    assert (made.code, made.err) == (0, "")
    return made.out.strip()


def test_the_urn_comes_from_a_payload_that_payload_new_made(any_place: "Place", build: "type[Build]", run: "Run") -> None:
    ref = payload(any_place, build, run, "4.22.0", config_map({"rhel-9": document("nine", azure("aro_422-v2"))}))
    done = run("streams", "image", "--release", ref, "--insecure", "--platform", "azure", "--marketplace")
    assert (done.code, done.out, done.err) == (0, "azureopenshift:aro4:aro_422-v2:9.8.20260428\n", "")
    answer = run("streams", "image", "--release", ref, "--insecure", "--platform", "azure", "--marketplace=ocp", "-o", "json")
    assert answer.json["azure"] == {"publisher": "redhat", "offer": "rh-ocp-worker", "sku": "aro_422-v2", "version": "9.8.20260428"}
    assert answer.json["stream"] == {"name": "rhel-9", "document": "nine", "origin": f"{ref}: rhel-9", "version": "4.22.0"}
    assert "accept the terms" in answer.err


@pytest.mark.parametrize(("version", "name"), [("4.22.0", "nine"), ("5.0.0-ec.2", "ten")])
def test_the_stream_of_a_payload_is_the_default_of_its_version(
    place: "Place", build: "type[Build]", run: "Run", version: str, name: str
) -> None:
    ref = payload(place, build, run, version, config_map({"rhel-9": document("nine"), "rhel-10": document("ten")}))
    done = run("streams", "print", "--release", ref, "--insecure")
    assert (done.code, json.loads(done.out)["stream"]) == (0, name)
    named = run("streams", "print", "--release", ref, "--insecure", "--stream", "rhel-9")
    assert json.loads(named.out)["stream"] == "nine"
    wrong = run("streams", "print", "--release", ref, "--insecure", "--stream", "rhel-8")
    assert (wrong.code, wrong.out) == (2, "")
    assert 'invalid value "rhel-8" for --stream; must be one of [rhel-9 rhel-10]' in wrong.err


def test_a_payload_without_boot_images_is_told(place: "Place", build: "type[Build]", run: "Run") -> None:
    ref = payload(place, build, run, "4.7.0", None)
    done = run("streams", "print", "--release", ref, "--insecure")
    assert (done.code, done.out) == (1, "")
    assert "has no ConfigMap coreos-bootimages" in done.err


def test_a_payload_with_broken_boot_images_is_told(place: "Place", build: "type[Build]", run: "Run") -> None:
    broken = b"kind: ConfigMap\napiVersion: v1\nmetadata: {name: coreos-bootimages}\ndata: {releaseVersion: 4.22.0}\n"
    image = build.release("4.22.0", {"cli": "q.example/cli:1"}, more={"0000_50_installer_coreos-bootimages.yaml": broken})
    done = run("streams", "print", "--release", place.push(image, "release", "a"), "--insecure")
    assert (done.code, done.out) == (3, "")
    assert "coreos stream metadata configmap is missing both 'stream' and 'streams' keys" in done.err


def test_any_member_of_a_payload_for_several_architectures_will_do(place: "Place", build: "type[Build]", run: "Run") -> None:
    from penstock.model.arch import Arch

    more = {"0000_50_installer_coreos-bootimages.yaml": config_map({"rhel-9": document("nine")})}
    members = [build.release("4.22.0", {"cli": "q.example/cli:1"}, arch=arch, more=more) for arch in (Arch.S390X, Arch.PPC64LE)]
    done = run("streams", "print", "--release", place.push(build.index(*members), "release", "a"), "--insecure")
    assert (done.code, json.loads(done.out)["stream"]) == (0, "nine")


def test_print_takes_the_installer_s_folder_and_merges(folder: Path, run: "Run") -> None:
    done = run("streams", "print", "--dir", str(folder), "--stream", "rhel-9")
    expected = json.loads(document("nine", azure("v9")))
    assert (done.code, done.out) == (0, json.dumps(expected, separators=(",", ":")))
    assert "has images for s390x, which the stream does not have" in done.err
    assert json.loads(run("streams", "print", "--dir", str(folder)).out)["stream"] == "ten"
    assert json.loads(run("streams", "print", "--dir", str(folder), "--release-version", "4.22.1").out)["stream"] == "nine"


@pytest.mark.parametrize(("words", "env"), [(("--scos",), {}), ((), {"TAGS": "okd scos"})])
def test_print_takes_the_stream_of_okd(folder: Path, run: "Run", words: tuple[str, ...], env: dict[str, str]) -> None:
    assert json.loads(run("streams", "print", "--dir", str(folder), *words, env=env).out)["stream"] == "c10s"


def test_print_takes_an_older_folder(tmp_path: Path, run: "Run") -> None:
    (tmp_path / "rhcos.json").write_bytes(document("rhcos-4.20"))
    (tmp_path / "marketplace-rhcos.json").write_text(json.dumps({"x86_64": azure("420-v2")}))
    done = run("streams", "print", "--dir", str(tmp_path), "--pretty")
    assert (done.code, done.out.encode()) == (0, document("rhcos-4.20", azure("420-v2")))


def test_print_takes_files_and_a_config_map(tmp_path: Path, run: "Run") -> None:
    (tmp_path / "s.json").write_bytes(document("nine"))
    (tmp_path / "m.json").write_text(json.dumps({"x86_64": azure("v9")}))
    (tmp_path / "c.yaml").write_bytes(config_map({"rhel-9": document("nine", azure("v9"))}))
    files = run("streams", "print", str(tmp_path / "s.json"), str(tmp_path / "m.json"))
    assert (
        files.out == run("streams", "print", str(tmp_path / "c.yaml")).out == run("streams", "print", "--dir", str(_linked(tmp_path))).out
    )


def _linked(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    (made / "marketplace").mkdir(parents=True)
    (made / "coreos-rhel-9.json").write_bytes((tmp_path / "s.json").read_bytes())
    (made / "marketplace/coreos-rhel-9.json").write_bytes((tmp_path / "m.json").read_bytes())
    return made


def test_print_writes_the_boolean_on_demand(folder: Path, run: "Run") -> None:
    words = ("streams", "print", "--dir", str(folder), "--stream", "rhel-9")
    printed = run(*words, "--purchase-plan-field", "purchasePlan").out
    assert (printed.count('"purchasePlan":false'), printed.count('"purchasePlan":true')) == (1, 1)
    assert "purchasePlan" not in run(*words).out


@pytest.mark.parametrize(
    "words", [(), ("a", "b", "c"), ("-", "-"), ("a", "--dir", "."), ("--release", "q.example/a:1", "--dir", "."), ("--dir", "missing")]
)
def test_one_source_is_wanted(run: "Run", words: tuple[str, ...]) -> None:
    assert run("streams", "print", *words).code == 2


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (("--platform", "azure", "--marketplace"), "azureopenshift:aro4:v9:9.8.20260428\n"),
        (("--marketplace", "ocp", "--platform", "azure"), "redhat:rh-ocp-worker:v9:9.8.20260428\n"),
        (("--platform", "azure", "--confidential"), f"{URL}\n"),
        (("--platform", "aws", "--region", "mars-1"), "ami-1,us-east-1\n"),
    ],
)
def test_image_answers_in_one_line(tmp_path: Path, run: "Run", words: tuple[str, ...], out: str) -> None:
    file = tmp_path / "s.json"
    file.write_bytes(document("nine", azure("v9")))
    assert run("streams", "image", *words, str(file)).out == out


def test_the_override_of_the_environment_wins_and_warns(tmp_path: Path, run: "Run") -> None:
    (tmp_path / "s.json").write_bytes(document("nine"))
    words = ("streams", "image", "--platform", "aws", "--region", "us-east-1", str(tmp_path / "s.json"))
    done = run(*words, env={"OPENSHIFT_INSTALL_OS_IMAGE_OVERRIDE": "ami-mine"})
    assert (done.code, done.out) == (0, "ami-mine\n")
    assert done.err == "warning: Found override for OS Image. Please be warned, this is not advised\n"
    assert run(*words, env={"OPENSHIFT_INSTALL_OS_IMAGE_OVERRIDE": ""}).out == "ami-1\n"


def test_marketplace_true_in_an_install_config_is_enough(tmp_path: Path, folder: Path, run: "Run") -> None:
    config = tmp_path / "install-config.yaml"
    config.write_text("osImageStream: rhel-9\nplatform: {azure: {region: centralus, marketplace: true}}\npullSecret: secret\n")
    done = run("streams", "image", "--install-config", str(config), "--dir", str(folder))
    assert (done.code, done.out) == (0, "azureopenshift:aro4:v9:9.8.20260428\n")
    paid = run("streams", "image", "--install-config", str(config), "--dir", str(folder), "--marketplace=ocp", "-o", "json").json
    assert (paid["image"], paid["paid"], paid["region"]) == ("redhat:rh-ocp-worker:v9:9.8.20260428", True, "centralus")
    assert run("streams", "image", "--install-config", str(config), "--dir", str(folder), "--platform", "gcp").code == 1
    assert run("streams", "image", "--dir", str(folder)).code == 2


def test_a_stream_without_a_name_answers_for_any_and_that_is_told(tmp_path: Path, run: "Run") -> None:
    (tmp_path / "s.json").write_bytes(document("nine"))
    (tmp_path / "c.yaml").write_text("osImageStream: rhel-10\nplatform: {aws: {region: us-east-1}}\n")
    file = str(tmp_path / "s.json")
    note = f"note: {file} holds one stream without a name, 'nine'; it answers for rhel-10 too\n"
    assert run("streams", "print", file, "--stream", "rhel-10").err == note
    done = run("streams", "image", file, "--install-config", str(tmp_path / "c.yaml"))
    assert (done.out, done.err) == ("ami-1\n", note)


def test_what_the_stream_does_not_have_ends_with_1_and_prints_nothing(tmp_path: Path, run: "Run") -> None:
    (tmp_path / "s.json").write_bytes(document("nine"))
    done = run("streams", "image", "--platform", "azure", "--marketplace", str(tmp_path / "s.json"))
    assert (done.code, done.out) == (1, "")
    assert "nine/x86_64: No Azure marketplace image of no-purchase-plan for Gen2 was found in stream" in done.err
    default = run("streams", "image", "--platform", "azure", str(tmp_path / "s.json"))
    assert (default.code, default.out) == (0, f"{URL}\n")
    assert default.err == "warning: nine/x86_64: No default Azure marketplace image was found in stream\n"


@pytest.mark.parametrize("platform", ["AZURE", "Azure", "azure"])
def test_a_platform_is_known_in_any_case(tmp_path: Path, run: "Run", platform: str) -> None:
    (tmp_path / "s.json").write_bytes(document("nine", azure("v9")))
    words = ("streams", "image", "--platform", platform, "--marketplace", "ocp", str(tmp_path / "s.json"))
    assert (done := run(*words)).code == 0, done.err
    assert done.out == "redhat:rh-ocp-worker:v9:9.8.20260428\n"


@pytest.mark.parametrize("platform", ["newCloud", "newcloud", "NEWCLOUD"])
def test_a_platform_that_only_the_stream_knows_is_found_in_any_case(tmp_path: Path, run: "Run", platform: str) -> None:
    stream = json.loads(document("nine"))
    disk = {"location": "https://disks.example/new.raw", "sha256": "a" * 64}
    stream["architectures"]["x86_64"]["artifacts"] = {"newCloud": {"release": "9.8.20260428-0", "formats": {"raw": {"disk": disk}}}}
    (tmp_path / "s.json").write_text(json.dumps(stream))
    done = run("streams", "image", "--platform", platform, str(tmp_path / "s.json"))
    assert (done.code, done.out) == (0, f"https://disks.example/new.raw?sha256={'a' * 64}\n")


def test_an_install_config_s_platform_meets_that_of_the_option_in_any_case(tmp_path: Path, run: "Run") -> None:
    (tmp_path / "s.json").write_bytes(document("nine", azure("v9")))
    config = tmp_path / "install-config.yaml"
    config.write_text("platform: {azure: {region: centralus, marketplace: ocp}}\n")
    done = run("streams", "image", "--install-config", str(config), "--platform", "AZURE", str(tmp_path / "s.json"))
    assert (done.code, done.out) == (0, "redhat:rh-ocp-worker:v9:9.8.20260428\n")
