"""Verifying a payload: a sound one, and every way in which one is not."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from penstock.formats.bootimages import write_boot_images
from penstock.formats.codec import decode_json
from penstock.formats.oci.descriptor import Descriptor, Platform
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import ExitCode, NotFoundError, OperationError, TransientError
from penstock.model.imageref import parse_reference
from penstock.model.progress import Progress
from penstock.model.stream import Stream
from penstock.payload.checks import Problem, ProblemKind, exit_code_of
from penstock.payload.verify import VerifyReport, verify_release

if TYPE_CHECKING:
    from tests.unit.payload.conftest import Documents, Images, MemoryRegistry

REPOSITORY = "registry.example/release"
REF = f"{REPOSITORY}:4.21.0"
PARTS = "registry.example/parts"
VERSION = "4.21.0"
LABELS = {"io.openshift.release": VERSION}

Verify = Callable[..., VerifyReport]


@pytest.fixture
def verify(registry: "MemoryRegistry", silent: Callable[[Progress], None]) -> Verify:
    """``verify()`` verifies the payload ``REF``."""

    def go(*, deep: bool = False) -> VerifyReport:
        return asyncio.run(verify_release(registry, parse_reference(REF), silent, deep=deep))

    return go


class Payload:
    """A payload that is sound until a test breaks it."""

    def __init__(self, images: "Images", documents: "Documents") -> None:
        self.images = images
        self.documents = documents
        self.annotations: dict[str, dict[str, str]] = {}
        self.labels = dict(LABELS)
        self.extra: dict[str, str | bytes] = {}
        self.tags: dict[str, str] = {}
        self.parts: dict[str, Descriptor] = {}

    def add(self, name: str, arch: Arch = Arch.X86_64, labels: dict[str, str] | None = None) -> Descriptor:
        made = self.images.image(f"{PARTS}:{name}-{arch}", [{"name": name, "arch": arch}], arch=arch, labels=labels)
        self.tags[name] = f"{PARTS}@{made.digest}"
        self.parts[name] = made
        return made

    def store(self, ref: str = REF, arch: Arch = Arch.X86_64, **files: str | bytes | None) -> Descriptor:
        content: dict[str, str | bytes | None] = {
            "image-references": self.documents.references(VERSION, self.tags, self.annotations),
            "release-metadata": self.documents.metadata(VERSION),
            **self.extra,
            **{name.replace("_", "-"): text for name, text in files.items()},
        }
        kept = {name: text for name, text in content.items() if text is not None}
        return self.images.release(ref, kept, labels=self.labels, arch=arch)


@pytest.fixture
def payload(images: "Images", documents: "Documents") -> Payload:
    made = Payload(images, documents)
    made.add("cli")
    made.add("rhel-coreos", labels={"ostree.bootable": "true"})
    made.add("rhel-coreos-extensions")
    return made


def told(report: VerifyReport) -> list[str]:
    return [problem.message for problem in report.problems]


@pytest.mark.parametrize("deep", [False, True])
def test_a_sound_payload_has_no_problems(payload: Payload, verify: Verify, deep: bool) -> None:
    made = payload.store()
    report = verify(deep=deep)
    assert report.problems == []
    assert (report.digest, report.versions, report.arches) == (made.digest, (VERSION,), (Arch.X86_64,))
    assert (report.components, report.images, report.blobs) == (3, 4, 8)
    assert (report.read_bytes > 0) is deep
    assert exit_code_of(report.problems) is ExitCode.DONE


def test_every_architecture_of_an_index_is_looked_at(payload: Payload, verify: Verify, images: "Images") -> None:
    amd = payload.store(f"{REPOSITORY}:amd64")
    for name in list(payload.tags):
        payload.add(name, Arch.AARCH64)
    arm = payload.store(f"{REPOSITORY}:arm64", Arch.AARCH64)
    images.index(REF, [amd, arm])
    report = verify()
    assert report.problems == []
    assert (report.arches, report.images) == ((Arch.X86_64, Arch.AARCH64), 8)


def test_an_index_as_a_component_is_looked_into(payload: Payload, verify: Verify, images: "Images", registry: "MemoryRegistry") -> None:
    index = images.index(f"{PARTS}:both", [payload.add("both"), payload.add("both", Arch.S390X)])
    payload.tags["both"] = f"{PARTS}@{index.digest}"
    payload.store()
    assert verify().problems == []
    gone = payload.parts["both"].digest
    del registry.manifests[PARTS, gone]
    assert [(problem.subject, problem.kind) for problem in verify().problems] == [(f"{PARTS}@{gone}", ProblemKind.WRONG)]


def test_all_problems_are_listed(payload: Payload, verify: Verify, registry: "MemoryRegistry") -> None:
    payload.tags |= {"unpinned": f"{PARTS}:cli-x86_64", "short": "cli", "gone": f"{PARTS}@{Digest.of(b'gone')}", "none": ""}
    payload.store()
    del registry.manifests[PARTS, payload.parts["cli"].digest]
    report = verify()
    subjects = {problem.subject.rpartition(" ")[2] for problem in report.problems}
    assert subjects == {"unpinned", "short", "gone", "none", "cli"}
    assert exit_code_of(report.problems) is ExitCode.MISMATCH


@pytest.mark.parametrize(
    ("files", "labels", "message"),
    [
        ({"release_metadata": None}, LABELS, "it has no release-metadata"),
        ({}, {}, "the label io.openshift.release says nothing, release-metadata 4.21.0"),
        ({}, {"io.openshift.release": "4.21.1"}, "the label io.openshift.release says 4.21.1, release-metadata 4.21.0"),
        ({"image_references": "{"}, LABELS, "release-manifests/image-references: line 1"),
        ({"image_references": None}, LABELS, "this is no release payload"),
    ],
)
def test_documents_that_do_not_fit_are_told(
    payload: Payload, verify: Verify, files: dict[str, Any], labels: dict[str, str], message: str
) -> None:
    payload.labels = dict(labels)
    payload.store(**files)
    (problem,) = verify().problems
    assert message in problem.message
    assert problem.kind is ProblemKind.WRONG


def test_the_two_documents_must_name_one_version(payload: Payload, verify: Verify, documents: "Documents") -> None:
    payload.labels = {"io.openshift.release": "4.20.0"}
    payload.store(release_metadata=documents.metadata("4.20.0"))
    assert told(verify()) == ["image-references says 4.21.0, release-metadata 4.20.0"]


def test_an_os_image_without_its_extensions_is_refused(payload: Payload, verify: Verify) -> None:
    payload.add("rhel-coreos-10")
    payload.store()
    assert told(verify()) == ["the OS image rhel-coreos-10 comes without its extensions (rhel-coreos-10-extensions)"]


def test_an_os_image_is_known_by_its_label_too(payload: Payload, verify: Verify) -> None:
    payload.add("odd-name", labels={"containers.bootc": "1"})
    payload.store()
    assert told(verify()) == ["the OS image odd-name comes without its extensions (odd-name-extensions)"]


def test_only_machine_os_may_differ(payload: Payload, verify: Verify) -> None:
    payload.annotations = {
        "cli": {"io.openshift.build.versions": "kubernetes=1.34.1,machine-os=9.8.1-0"},
        "rhel-coreos": {"io.openshift.build.versions": "kubernetes=1.34.2,machine-os=10.2.1-0"},
    }
    payload.store()
    assert told(verify()) == ["the version of kubernetes differs: cli says 1.34.1, rhel-coreos says 1.34.2"]


def test_a_component_for_another_architecture_is_refused(payload: Payload, verify: Verify) -> None:
    made = payload.add("cli", Arch.PPC64LE)
    payload.store()
    assert told(verify()) == [f"its image {PARTS}@{made.digest} is for ppc64le, the release for amd64"]


@pytest.mark.parametrize(
    ("version", "message"),
    [("4.20.0", "the boot images are stamped 4.20.0, not 4.21.0"), ("0.0.1-snapshot", "stamped 0.0.1-snapshot, not 4.21.0")],
)
def test_boot_images_must_be_stamped_with_the_version(payload: Payload, verify: Verify, version: str, message: str) -> None:
    stream = decode_json(b'{"stream": "rhel-9", "metadata": {}, "architectures": {}}', Stream, subject="test")
    payload.extra["b.yaml"] = write_boot_images({"rhel-9": stream}, release_version=version)
    payload.store()
    (found,) = told(verify())
    assert found.endswith(message)


def test_boot_images_must_be_readable(payload: Payload, verify: Verify) -> None:
    payload.extra["b.yaml"] = "kind: ConfigMap\nmetadata: {name: coreos-bootimages}\ndata: {stream: '{'}\n"
    payload.store()
    (found,) = told(verify())
    assert found.startswith("the boot images cannot be read: ")


def test_an_index_that_lies_is_told(payload: Payload, verify: Verify, images: "Images") -> None:
    made = payload.store(f"{REPOSITORY}:one")
    lie = replace(made, size_bytes=made.size_bytes + 1, platform=Platform("linux", "arm64"))
    images.index(REF, [lie])
    first, second = told(verify())
    assert first.startswith(f"it has {made.size_bytes} bytes, the index sha256:")
    assert second == "its config says linux/amd64, the index linux/arm64"


def test_images_of_two_versions_are_told(payload: Payload, verify: Verify, images: "Images", documents: "Documents") -> None:
    one = payload.store(f"{REPOSITORY}:one")
    payload.labels = {"io.openshift.release": "4.20.0"}
    two = payload.store(
        f"{REPOSITORY}:two", release_metadata=documents.metadata("4.20.0"), image_references=documents.references("4.20.0", payload.tags)
    )
    images.index(REF, [one, two])
    assert told(verify()) == ["its images are of several versions (amd64: 4.21.0, amd64: 4.20.0)"]


def _layer_of(registry: "MemoryRegistry", made: Descriptor) -> Digest:
    from penstock.formats.oci.image import ImageManifest, parse_manifest

    document = parse_manifest(registry.manifests[PARTS, made.digest], subject="part")
    assert isinstance(document, ImageManifest)
    return document.layers[0].digest


def test_a_missing_blob_is_told(payload: Payload, verify: Verify, registry: "MemoryRegistry") -> None:
    payload.store()
    layer = _layer_of(registry, payload.parts["cli"])
    del registry.blobs[PARTS, layer]
    (problem,) = verify().problems
    assert (problem.subject, problem.kind) == (f"{PARTS}@{layer}", ProblemKind.WRONG)


def test_a_blob_of_another_size_is_told(payload: Payload, verify: Verify, registry: "MemoryRegistry") -> None:
    payload.store()
    layer = _layer_of(registry, payload.parts["cli"])
    registry.blobs[PARTS, layer] += b"more"
    assert [problem.subject for problem in verify().problems] == [f"{PARTS}@{layer}"]


def test_a_flipped_bit_is_found_by_reading_alone(payload: Payload, verify: Verify, registry: "MemoryRegistry") -> None:
    payload.store()
    layer = _layer_of(registry, payload.parts["cli"])
    content = bytearray(registry.blobs[PARTS, layer])
    content[-1] ^= 1
    registry.blobs[PARTS, layer] = bytes(content)
    assert verify().problems == []
    (problem,) = verify(deep=True).problems
    assert (problem.subject, problem.kind) == (f"{PARTS}@{layer}", ProblemKind.WRONG)


@pytest.mark.parametrize("deep", [False, True])
def test_what_cannot_be_had_now_is_another_exit_code(payload: Payload, verify: Verify, registry: "MemoryRegistry", deep: bool) -> None:
    payload.store()
    registry.absent.add(_layer_of(registry, payload.parts["cli"]))
    registry.absent.add(payload.parts["rhel-coreos-extensions"].digest)
    report = verify(deep=deep)
    assert {problem.kind for problem in report.problems} == {ProblemKind.UNAVAILABLE}
    assert len(report.problems) == 2
    assert exit_code_of(report.problems) is ExitCode.TRY_AGAIN


def test_nothing_under_the_name_is_not_found(verify: Verify) -> None:
    with pytest.raises(NotFoundError):
        verify()


@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        ([], ExitCode.DONE),
        ([ProblemKind.REFUSED], ExitCode.FAILED),
        ([ProblemKind.REFUSED, ProblemKind.UNAVAILABLE], ExitCode.TRY_AGAIN),
        ([ProblemKind.UNAVAILABLE, ProblemKind.WRONG], ExitCode.MISMATCH),
    ],
)
def test_the_worst_problem_decides_the_exit_code(kinds: list[ProblemKind], code: ExitCode) -> None:
    assert exit_code_of([Problem("s", "m", kind) for kind in kinds]) is code


def test_an_error_becomes_a_problem_of_its_kind() -> None:
    assert Problem.of(TransientError("cut", subject="x"), "x") == Problem("x", "cut", ProblemKind.UNAVAILABLE)
    assert Problem.of(OperationError("401", subject="y"), "x") == Problem("x", "y: 401", ProblemKind.REFUSED)
