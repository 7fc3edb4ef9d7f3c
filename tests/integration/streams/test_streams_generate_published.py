"""Published builds and streams: the builds that a stream was made from give that stream again, byte for byte."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock import __version__

if TYPE_CHECKING:
    from tests.integration.conftest import Run

pytestmark = pytest.mark.real_data

_METAL = {"iso": "live-iso", "pxe": "live-"}


def build_of(arch: str, found: dict[str, Any]) -> dict[str, Any]:
    """The ``meta.json`` that an architecture of a stream implies."""
    release = found["artifacts"]["metal"]["release"]
    build: dict[str, Any] = {"buildid": release, "coreos-assembler.basearch": arch, "images": {}}
    for platform, one in found["artifacts"].items():
        for format_name, parts in one["formats"].items():
            for part, artifact in parts.items():
                kind = platform
                if platform == "metal":
                    kind = "metal4k" if format_name.startswith("4k.") else _METAL.get(format_name, "metal")
                    kind += part if kind.endswith("-") else ""
                hashes = {key: value for key, value in artifact.items() if key.endswith("sha256")}
                build["images"][kind] = {"path": artifact["location"].rpartition("/")[2], **hashes}
    images, extensions = found["images"], found.get("rhel-coreos-extensions", {})
    for key, regions in (("amis", images.get("aws")), ("aws-winli", extensions.get("aws-winli"))):
        if regions is not None:
            build[key] = [{"name": region, "hvm": one["image"]} for region, one in regions["regions"].items()]
    if "aliyun" in images:
        build["aliyun"] = [{"name": region, "id": one["image"]} for region, one in images["aliyun"]["regions"].items()]
    if "powervs" in images:
        build["powervs"] = [{"region": region, **one} for region, one in images["powervs"]["regions"].items()]
    if "gcp" in images:
        gcp = images["gcp"]
        build["gcp"] = {"image": gcp["name"], "url": "https://private.example", **{k: gcp[k] for k in ("project", "family") if k in gcp}}
    if "kubevirt" in images:
        repository, _, tag = images["kubevirt"]["image"].rpartition(":")
        digest = images["kubevirt"]["digest-ref"].partition("@")[2]
        build["kubevirt"] = {"image": repository, "tags": [f"{release}-{tag}", tag], "digest": digest}
    if "azure-disk" in extensions:
        build["azure"] = {"url": extensions["azure-disk"]["url"]}
    return build


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("installer/coreos-rhel-9-98c7275538.json", ("--no-signatures",)),
        ("installer/rhcos-28ce2c4d65.json", ("--no-signatures",)),
        ("installer/rhcos-3d75b33f8b.json", ("--no-signatures",)),
        ("fcos/stream-stable.json", ("--pretty-print",)),
    ],
)
def test_the_builds_of_a_published_stream_give_its_bytes(
    run: "Run", real_data: Path, tmp_path: Path, name: str, words: tuple[str, ...]
) -> None:
    content = (real_data / "streams" / name).read_bytes()
    published = json.loads(content)
    wanted = []
    base, directory = "", ""
    for arch, found in published["architectures"].items():
        base, directory, _, build, *_ = found["artifacts"]["metal"]["formats"]["iso"]["disk"]["location"].rsplit("/", 5)
        folder = tmp_path / directory / "builds" / build / arch
        folder.mkdir(parents=True)
        (folder / "meta.json").write_text(json.dumps(build_of(arch, found)))
        wanted.append(f"{arch}={build}")
    done = run(
        *("streams", "generate", "--url", str(tmp_path), "--stream-baseurl", base, "--name", directory),
        *("--stream-name", published["stream"], "--last-modified", published["metadata"]["last-modified"], *words, *wanted),
    )

    assert (done.code, done.err) == (0, "")
    assert done.out.encode() == content.replace(published["metadata"]["generator"].encode(), f"penstock {__version__}".encode())


@pytest.mark.parametrize("kind", ["fcos", "rhcos"])
def test_published_builds_go_through_a_release_to_the_stream_that_they_give_directly(
    run: "Run", real_data: Path, tmp_path: Path, kind: str
) -> None:
    meta, release = str(real_data / f"cosa/{kind}-meta.json"), tmp_path / "release.json"
    time = ("--last-modified", "2026-01-01T00:00:00Z")
    direct = run("streams", "generate", meta, *time)
    assert run("streams", "generate", "--write-release", str(release), meta).code == 0
    staged = run("streams", "generate", "--release-json", str(release), *time)

    assert (direct.code, staged.code) == (0, 0)
    assert staged.json == direct.json


def test_a_build_of_fedora_coreos_has_the_formats_that_its_streams_publish(run: "Run", real_data: Path) -> None:
    published = json.loads((real_data / "streams/fcos/stream-stable.json").read_bytes())["architectures"]["x86_64"]["artifacts"]
    made = run("streams", "generate", str(real_data / "cosa/fcos-meta.json")).json["architectures"]["x86_64"]["artifacts"]

    assert made.keys() <= published.keys()
    for platform in made:
        assert set(made[platform]["formats"]) <= set(published[platform]["formats"]), platform
        for name, parts in made[platform]["formats"].items():
            assert list(parts) == list(published[platform]["formats"][name])
            for part, artifact in parts.items():
                assert set(artifact) <= set(published[platform]["formats"][name][part]) | {"uncompressed-sha256"}
