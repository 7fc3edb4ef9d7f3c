"""The document of ``payload info``, and the staging that manifests are read into."""

import asyncio
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest

from penstock.model.arch import Arch
from penstock.model.errors import VerificationError
from penstock.model.imageref import parse_reference
from penstock.model.progress import Progress
from penstock.payload.info import release_document
from penstock.payload.memory import MemoryStaging
from penstock.payload.release import read_release
from penstock.payload.resolve import PlatformChoice

if TYPE_CHECKING:
    from tests.unit.payload.conftest import Documents, Images, MemoryRegistry

REF = "registry.example/release:4.21.0"
TAGS = {name: f"registry.example/{name}@sha256:{'a' * 64}" for name in ("cli", "rhel-coreos", "rhel-coreos-extensions")}


@pytest.fixture
def document(registry: "MemoryRegistry", silent: Callable[[Progress], None]) -> Callable[[], dict[str, Any]]:
    """``document()`` is what ``payload info`` says of ``REF``."""

    def go() -> dict[str, Any]:
        return release_document(asyncio.run(read_release(registry, parse_reference(REF), PlatformChoice(Arch.X86_64), silent)))

    return go


def test_the_document_says_what_the_payload_holds(images: "Images", documents: "Documents", document: Callable[[], dict[str, Any]]) -> None:
    annotations = {
        "rhel-coreos": {
            "io.openshift.build.versions": "machine-os=9.8.20260312-0",
            "io.openshift.build.version-display-names": "machine-os=CoreOS 9.8",
            "io.coreos.oscontainerimage.osstream": "rhel-coreos",
        }
    }
    made = images.release(
        REF,
        {
            "image-references": documents.references("4.21.0", TAGS, annotations),
            "release-metadata": documents.metadata("4.21.0", ["4.20.1"]),
        },
        labels={"io.openshift.release.base-image-digest": "sha256:" + "b" * 64},
    )
    assert document() == {
        "document_version": 1,
        "reference": REF,
        "name": "4.21.0",
        "version": "4.21.0",
        "digest": str(made.digest),
        "created": "2025-10-09T08:53:20Z",
        "arch": "x86_64",
        "architectures": ["x86_64"],
        "image": f"registry.example/release@{made.digest}",
        "base_image_digest": "sha256:" + "b" * 64,
        "previous": ["4.20.1"],
        "next": [],
        "metadata": {},
        "os_streams": [
            {
                "name": "rhel-coreos",
                "image": TAGS["rhel-coreos"],
                "extensions": TAGS["rhel-coreos-extensions"],
                "version": "9.8.20260312-0",
                "display_name": "CoreOS 9.8",
                "stream_class": "rhel-coreos",
            }
        ],
        "boot_images": None,
        "component_versions": [
            {"name": "machine-os", "version": "9.8.20260312-0", "display_name": "CoreOS 9.8", "components": ["rhel-coreos"]}
        ],
        "components": [{"name": name, "image": pullspec, "annotations": annotations.get(name, {})} for name, pullspec in TAGS.items()],
        "manifests": 0,
    }


def test_a_broken_part_does_not_hide_the_rest(images: "Images", documents: "Documents", document: Callable[[], dict[str, Any]]) -> None:
    annotations = {"cli": {"io.openshift.build.versions": "no version"}}
    broken = "kind: ConfigMap\nmetadata: {name: coreos-bootimages}\ndata: {}\n"
    images.release(REF, {"image-references": documents.references("4.21.0", TAGS, annotations), "b.yaml": broken})
    told = document()
    assert told["boot_images"]["problem"].startswith(f"{REF} release-manifests/b.yaml: ")
    assert (told["version"], told["previous"], told["component_versions"]) == ("4.21.0", [], [])


def test_files_beyond_the_limit_are_refused() -> None:
    staging = MemoryStaging(subject="image", limit_bytes=10)
    with staging.create(PurePosixPath("a"), mode=0o644, mtime_s=1) as out:
        out.write(b"123456")
    with pytest.raises(VerificationError), staging.create(PurePosixPath("b"), mode=0o644, mtime_s=1) as out:
        out.write(b"12345")


def test_a_staged_file_can_be_read_under_both_its_names() -> None:
    staging = MemoryStaging(subject="image")
    with staging.create(PurePosixPath("b"), mode=0o644, mtime_s=7) as out:
        out.write(b"content")
    staging.link(PurePosixPath("a"), PurePosixPath("b"))
    assert staging.open(PurePosixPath("a")).read() == b"content"
    assert staging.publish() == [PurePosixPath("a"), PurePosixPath("b")]
    assert staging.mtimes_s == {PurePosixPath("a"): 7, PurePosixPath("b"): 7}
