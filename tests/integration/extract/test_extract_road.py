"""The plain road: the bytes that were pushed come out, from the right image, and the ledger knows."""

import asyncio
import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.cli.main import run_program
from penstock.formats.bootimages import write_boot_images
from penstock.formats.codec import decode_json
from penstock.model.arch import Arch
from penstock.model.stream import Stream

if TYPE_CHECKING:
    from tests.integration.conftest import Build, Place
    from tests.integration.extract.conftest import Extract

ISO = random.Random(7).randbytes(5_000_000)  # larger than what is hashed inline
SHA256 = hashlib.sha256(ISO).hexdigest()
ISO_PATH = "coreos/coreos-x86_64.iso"
TreeOf = Callable[[Path], dict[str, object]]


def boot_images(sha256: str) -> bytes:
    """A ConfigMap whose only stream knows the ISO by this hash."""
    disk = {"location": "https://example.com/a.iso", "sha256": sha256}
    artifacts = {"metal": {"release": "9.8", "formats": {"iso": {"disk": disk}}}}
    document = {
        "stream": "rhel-9",
        "metadata": {"last-modified": "2025-10-09T00:00:00Z"},
        "architectures": {"x86_64": {"artifacts": artifacts}},
    }
    return write_boot_images({"rhel-9": decode_json(json.dumps(document).encode(), Stream, subject="stream")}, release_version="4.21.0")


def test_the_iso_of_a_release_comes_out_byte_for_byte(
    any_place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf
) -> None:
    part = any_place.push(build.image({"etc/os": b"os"}, {ISO_PATH: ISO, f"{ISO_PATH}.sha256": SHA256.encode()}), "ocp/parts")
    digest = build.image({"etc/os": b"os"}, {ISO_PATH: ISO, f"{ISO_PATH}.sha256": SHA256.encode()}).manifest.digest
    pullspec = f"{part.rpartition(':')[0]}@{digest}"
    release = build.release("4.21.0", {"machine-os-images": pullspec}, more={"0000_50_coreos-bootimages.yaml": boot_images(SHA256)})
    ref = any_place.push(release, "ocp/release", "4.21.0")

    done = extract(ref, f"/{ISO_PATH}", "--image", "machine-os-images")

    assert (done.code, done.err) == (0, "")
    assert tree(folder) == {"coreos-x86_64.iso": ISO}
    (file,) = done.json["files"]
    assert (file["sha256"], file["image_path"], file["size_bytes"]) == (SHA256, f"/{ISO_PATH}", len(ISO))
    assert file["also_checked_against"] == ["the release's stream rhel-9", f"/{ISO_PATH}.sha256"]
    assert (folder / "coreos-x86_64.iso").stat().st_mtime == 1_760_000_000


def test_a_dry_run_names_the_image_and_its_layers_and_writes_nothing(
    place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf
) -> None:
    image = build.image({"etc/os": b"os"}, {ISO_PATH: ISO})
    ref = place.push(image, "ocp/parts")

    done = extract(ref, f"/{ISO_PATH}", "--dry-run")

    assert (done.code, tree(folder)) == (0, {})
    assert done.json["image"].endswith(f"/ocp/parts@{image.manifest.digest}")
    assert [layer["number"] for layer in done.json["layers"]] == [1, 0]
    assert done.json["paths"] == [{"source": f"/{ISO_PATH}", "destination": str(folder)}]


def test_a_file_that_the_stream_metadata_knows_otherwise_is_refused(
    place: "Place", build: "type[Build]", extract: "Extract", folder: Path
) -> None:
    part = build.image({ISO_PATH: ISO})
    pullspec = f"{place.put(part, 'ocp/parts').rpartition(':')[0]}@{part.manifest.digest}"
    release = build.release("4.21.0", {"machine-os-images": pullspec}, more={"boot.yaml": boot_images("a" * 64)})

    done = extract(place.put(release, "ocp/release"), "/coreos/", "--image", "machine-os-images")

    assert done.code == 3
    assert "as the release's stream rhel-9 says" in done.err
    assert list(folder.iterdir()) == []


def test_a_link_in_the_place_of_the_iso_does_not_escape_the_check(
    place: "Place", build: "type[Build]", extract: "Extract", folder: Path
) -> None:
    part = build.image({"srv/other.iso": b"other"}, [build.link(ISO_PATH, "../srv/other.iso")])
    pullspec = f"{place.put(part, 'ocp/parts').rpartition(':')[0]}@{part.manifest.digest}"
    release = build.release("4.21.0", {"machine-os-images": pullspec}, more={"boot.yaml": boot_images(SHA256)})

    done = extract(place.put(release, "ocp/release"), f"/{ISO_PATH}", "--image", "machine-os-images")

    assert done.code == 3
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("nested", [False, True])
def test_the_architecture_is_chosen_through_indexes(
    *, place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf, nested: bool
) -> None:
    images = [build.image({"arch": arch.encode()}, arch=arch) for arch in (Arch.X86_64, Arch.AARCH64, Arch.S390X)]
    ref = place.put(build.index(build.index(*images)) if nested else build.index(*images))

    assert extract(ref, "/arch", "--arch", "arm64").code == 0
    assert tree(folder) == {"arch": b"aarch64"}
    assert extract(ref, "/arch", "--filter-by-os", "s390", "--confirm").code == 0
    assert tree(folder) == {"arch": b"s390x"}
    assert extract(ref, "/arch", "--filter-by-os", "windows", "--confirm").code == 1
    assert extract(ref, "/arch", "--arch", "ppc64le", "--confirm").code == 1
    assert extract(ref, "/arch", "--arch", "vax", "--confirm").code == 2


def test_a_release_index_leads_to_the_component_of_the_same_architecture(
    place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf
) -> None:
    releases = []
    for arch in (Arch.X86_64, Arch.AARCH64):
        part = build.image({"arch": arch.encode()}, arch=arch)
        pullspec = f"{place.put(part, 'ocp/parts').rpartition(':')[0]}@{part.manifest.digest}"
        releases.append(build.release("4.21.0", {"part": pullspec}, arch=arch))

    done = extract(place.put(build.index(*releases), "ocp/release"), "/arch", "--image", "part", "--arch", "aarch64")

    assert done.code == 0
    assert tree(folder) == {"arch": b"aarch64"}


def test_a_foreign_only_entry_is_taken_and_attestations_are_not(
    place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf
) -> None:
    from penstock.formats.oci.descriptor import Platform

    attestation = build.image({"attestation": b""}, platform=Platform("unknown", "unknown"))
    ref = place.put(build.index(attestation, build.image({"arch": b"s390x"}, arch=Arch.S390X)))

    assert extract(ref, "/arch").code == 0
    assert tree(folder) == {"arch": b"s390x"}


LAYERS = ({"etc/a.conf": b"a", "etc/b.conf": b"b", "etc/deep/c.conf": b"c", "usr/x": b"0"}, {"etc/a.conf": b"A", "usr/x": b"1"})


@pytest.mark.parametrize(
    ("source", "selector", "expected"),
    [
        ("/etc/a.conf", "", {"a.conf": b"A"}),
        ("etc/a.conf", "", {"a.conf": b"A"}),
        ("/etc/", "", {"a.conf": b"A", "b.conf": b"b", "deep": None, "deep/c.conf": b"c"}),
        ("/etc", "", {"etc": None, "etc/a.conf": b"A", "etc/b.conf": b"b", "etc/deep": None, "etc/deep/c.conf": b"c"}),
        ("/etc/*.conf", "", {"a.conf": b"A", "b.conf": b"b"}),
        ("/etc/[^a]*", "", {"b.conf": b"b", "deep": None, "deep/c.conf": b"c"}),
        ("/usr/x", "[0]", {"x": b"0"}),
        ("/usr/x", "[-1]", {"x": b"1"}),
        ("/usr/x", "[0:1]", {"x": b"0"}),
        ("/usr/x", "[1:]", {"x": b"1"}),
        ("/usr/x", "[~{base}]", {"x": b"0"}),
    ],
)
def test_paths_and_layers_are_chosen_as_by_oc(
    *, place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf, source: str, selector: str, expected: object
) -> None:
    image = build.image(*LAYERS)

    assert extract(place.put(image) + selector.format(base=image.layers[0].digest.hex[:12]), source).code == 0
    assert tree(folder) == expected


def test_file_goes_into_the_current_folder_whatever_is_there(
    *, place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "mine").write_bytes(b"mine")
    monkeypatch.chdir(folder)

    assert extract(place.put(build.image(*LAYERS)), "--file", "/usr/x").code == 0
    assert tree(folder) == {"mine": b"mine", "x": b"1"}


def test_without_a_path_everything_goes_into_the_current_folder(
    *, place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)

    assert extract(place.put(build.image({"a": b"a"}, {"b/c": b"c"}))).code == 0
    assert tree(folder) == {"a": b"a", "b": None, "b/c": b"c"}


def test_a_folder_that_holds_something_is_filled_only_when_confirmed(
    place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf
) -> None:
    ref = place.put(build.image({"x": b"new"}))
    (folder / "x").write_bytes(b"old")

    refused = extract(ref, "/x")
    assert (refused.code, tree(folder)) == (2, {"x": b"old"})
    assert "--confirm" in refused.err
    assert extract(ref, "/x", "--confirm").code == 0
    assert tree(folder) == {"x": b"new"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--path", "/x:{folder}/missing"], 2),
        (["--path", "/x:{folder}/file", "--confirm"], 2),
        (["--path", "/x"], 2),
        (["--path", ":{folder}"], 2),
        (["--path", "/../x:{folder}", "--confirm"], 2),
        (["--path", "/[a:{folder}", "--confirm"], 2),
        (["--file", "x/"], 2),
        (["--path", "/nothing/of/it:{folder}", "--confirm"], 1),
        (["--path", "/nothing*:{folder}", "--confirm"], 1),
        (["--path", "/x:{folder}", "--path", "/y:{folder}", "--confirm"], 1),
        (["--path", "/x:{folder}", "--filter-by-os", "(", "--confirm"], 2),
        (["--path", "/x:{folder}", "--image", "a", "--filter-by-os", "a", "--confirm"], 2),
        (["--path", "/x:{folder}", "--image", "a", "--confirm"], 1),
    ],
)
def test_what_cannot_be_done_is_told_and_leaves_nothing(
    *, place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf, words: list[str], code: int
) -> None:
    (folder / "file").write_bytes(b"file")

    done = extract(place.put(build.image({"x": b"x"})), *(word.format(folder=folder) for word in words))

    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("penstock: ")
    assert tree(folder) == {"file": b"file"}


@pytest.mark.parametrize(("selector", "code"), [("[7]", 2), ("[x]", 2), ("[-:]", 2), ("[5:]", 2), ("[~ffffffffffffffffffffffff]", 2)])
def test_a_layer_that_is_not_there_is_bad_input(place: "Place", build: "type[Build]", extract: "Extract", selector: str, code: int) -> None:
    assert extract(place.put(build.image({"x": b"x"})) + selector, "/x").code == code


@pytest.mark.parametrize("ref", ["no-registry", "{host}/os/absent:1", "{host}/os/image:absent", "{host}/OS/image:1"])
def test_an_image_that_is_not_there_is_named(place: "Place", build: "type[Build]", extract: "Extract", folder: Path, ref: str) -> None:
    place.put(build.image({"x": b"x"}))

    done = extract(ref.format(host=place.host), "/x")

    assert done.code == (1 if "absent" in ref else 2)
    assert list(folder.iterdir()) == []


def test_the_ledger_knows_where_an_extracted_file_came_from(
    place: "Place", build: "type[Build]", extract: "Extract", capfd: pytest.CaptureFixture[str]
) -> None:
    part = build.image({ISO_PATH: ISO})
    pullspec = f"{place.put(part, 'ocp/parts').rpartition(':')[0]}@{part.manifest.digest}"
    release = build.release("4.21.0", {"machine-os-images": pullspec, "cli": pullspec})
    ref = place.put(release, "ocp/release", "4.21.0")
    assert extract(ref, "/coreos/", "--image", "machine-os-images").code == 0

    assert run_program(["trace", SHA256]) == 0
    shown = capfd.readouterr().out

    for expected in ("coreos-x86_64.iso", part.layers[0].digest.short, part.manifest.digest.short, release.manifest.digest.short, "4.21.0"):
        assert expected in shown, shown
    assert "extracted /coreos/coreos-x86_64.iso from machine-os-images" in shown


def test_a_tag_is_the_name_of_the_index_and_not_of_the_image_in_it(
    place: "Place", build: "type[Build]", extract: "Extract", capfd: pytest.CaptureFixture[str]
) -> None:
    member = build.image({"x": b"x"})
    inner = build.index(member)
    whole = build.index(inner)
    ref = place.put(whole)
    assert extract(ref, "/x", "--arch", "x86_64").code == 0

    assert run_program(["trace", ref, "-o", "json"]) == 0
    found = json.loads(capfd.readouterr().out)

    assert (found["artifact"]["digest"], found.get("others", [])) == (str(whole.manifest.digest), [])


def test_an_image_in_a_layout_on_disk_is_read_as_well(
    build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf, tmp_path: Path
) -> None:
    from io import BytesIO

    from penstock.adapters.registry import Images, RegistryOptions
    from penstock.formats.oci.descriptor import OCI_LAYER_GZIP, Descriptor
    from penstock.model.imageref import parse_reference

    image = build.image({"x": b"x"})
    ref = parse_reference(f"oci:{tmp_path / 'layout'}:1")

    async def push() -> None:
        async with Images(RegistryOptions(environment={})) as images:
            for digest, content in image.blobs.items():
                await images.push_blob(ref, Descriptor(OCI_LAYER_GZIP, digest, len(content)), lambda content=content: BytesIO(content))  # type: ignore[misc]
            await images.push_manifest(ref, image.manifest)

    asyncio.run(push())

    assert extract(str(ref), "/x").code == 0
    assert tree(folder) == {"x": b"x"}
