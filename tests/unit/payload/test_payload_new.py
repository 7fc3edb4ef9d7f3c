"""Making a payload: what it holds, what is refused, and that it comes out the same every time."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from penstock.formats.bootimages import write_boot_images
from penstock.formats.codec import decode_json
from penstock.formats.oci.descriptor import OCI_LAYER_GZIP
from penstock.formats.oci.image import ImageIndex, parse_manifest
from penstock.model.arch import Arch
from penstock.model.errors import InputError, NotFoundError, PenstockError
from penstock.model.imageref import parse_reference
from penstock.model.lineage import Kind
from penstock.model.progress import Progress
from penstock.model.release import OsPair
from penstock.model.stream import Stream
from penstock.model.versions import ReleaseVersion, SemVer
from penstock.payload.components import parse_assignments
from penstock.payload.manifests import ManifestSource
from penstock.payload.planning import Action, ReleasePlan, ReleaseRequest, carry_out, plan_release
from penstock.payload.provenance import lineage_of_plan, lineage_of_release
from penstock.payload.release import Release, read_release
from penstock.payload.resolve import PlatformChoice

if TYPE_CHECKING:
    from tests.unit.payload.conftest import Images, MemoryRegistry

CREATED_S = 1_760_000_000
PARTS = "registry.example/parts"
TO = "registry.example/release:new"
VERSION = "4.21.0"

Make = Callable[..., ReleasePlan]
Read = Callable[..., Release]


@pytest.fixture
def make(registry: "MemoryRegistry", silent: Callable[[Progress], None]) -> Make:
    """``make("cli=REF", to=…, …)`` makes a payload and pushes it."""

    def go(*words: str, version: str = VERSION, to: str = TO, dry_run: bool = False, **more: Any) -> ReleasePlan:  # noqa: ANN401
        request = ReleaseRequest(ReleaseVersion(version), parse_reference(to), parse_assignments(words), **more)

        async def work() -> ReleasePlan:
            plan = await plan_release(registry, request, silent)
            if not dry_run:
                await carry_out(registry, plan, silent)
            return plan

        return asyncio.run(work())

    return go


@pytest.fixture
def read(registry: "MemoryRegistry", silent: Callable[[Progress], None]) -> Read:
    """``read(ref)`` reads a payload."""

    def go(ref: str = TO, arch: Arch = Arch.X86_64) -> Release:
        return asyncio.run(read_release(registry, parse_reference(ref), PlatformChoice(arch), silent))

    return go


def test_a_payload_pins_its_components(images: "Images", make: Make, read: Read) -> None:
    labels = {
        "io.openshift.build.commit.id": "c0ffee",
        "io.openshift.build.source-location": "https://git.example/cli",
        "io.openshift.build.versions": "kubernetes=1.34.1",
        "io.openshift.os.streamclass": "rhel-9",
        "other": "not copied",
    }
    cli = images.image(f"{PARTS}:cli", labels=labels)
    isos = images.image(f"{PARTS}:isos", [{"coreos/a.iso": "iso"}])
    plan = make(f"machine-os-images={PARTS}:isos", f"cli={PARTS}:cli", previous=[SemVer("4.20.9"), SemVer("4.20.10")])
    release = read()
    assert release.image.raw.digest == plan.digest
    assert (release.name, release.version) == (VERSION, VERSION)
    assert [tag.name for tag in release.references.tags] == ["cli", "machine-os-images"]
    assert release.pullspec_for("cli") == f"{PARTS}@{cli.digest}"
    assert release.pullspec_for("machine-os-images") == f"{PARTS}@{isos.digest}"
    assert release.references.tags[0].annotations == {key: value for key, value in labels.items() if key != "other"}
    assert release.metadata is not None
    assert release.metadata.previous == ("4.20.10", "4.20.9")
    assert release.image.config.labels == {"io.openshift.release": VERSION}


def test_files_are_read_only_and_carry_the_newest_components_time(images: "Images", make: Make, registry: "MemoryRegistry") -> None:
    import io
    import tarfile

    images.image(f"{PARTS}:a", created_s=CREATED_S)
    images.image(f"{PARTS}:b", created_s=CREATED_S + 60)
    plan = make(f"a={PARTS}:a", f"b={PARTS}:b")
    layer = registry.blobs["registry.example/release", plan.images[0].layer.digest]
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        members = {member.name: member for member in archive}
    assert list(members) == ["release-manifests", "release-manifests/image-references", "release-manifests/release-metadata"]
    assert {member.mode for member in members.values() if member.isfile()} == {0o444}
    assert {member.mtime for member in members.values()} == {CREATED_S + 60}
    assert plan.created_s == CREATED_S + 60


def test_the_same_input_gives_the_same_bytes(images: "Images", make: Make) -> None:
    images.image(f"{PARTS}:a", [{"manifests/x.yaml": "kind: A\napiVersion: v1\n"}], labels={"io.openshift.release.operator": "true"})
    images.image(f"{PARTS}:b")
    words = [f"a={PARTS}:a", f"b={PARTS}:b"]
    once = make(*words)
    assert make(*reversed(words)).digest == once.digest
    assert make(*words, to="other.example/elsewhere:tag").digest == once.digest
    assert make(*words, created_s=1).digest != once.digest


def test_a_dry_run_plans_the_same_and_writes_nothing(images: "Images", make: Make, registry: "MemoryRegistry") -> None:
    images.image(f"{PARTS}:a")
    plan = make(f"a={PARTS}:a", dry_run=True)
    assert registry.pushed == []
    assert [step.action for step in plan.steps] == [Action.PUSH_LAYER, Action.PUSH_CONFIG, Action.PUSH_IMAGE]
    assert all(step.reason for step in plan.steps)
    assert make(f"a={PARTS}:a").digest == plan.digest
    assert registry.pushed[-1] == "manifest new"


def test_without_a_tag_the_version_is_the_tag(images: "Images", make: Make, read: Read) -> None:
    images.image(f"{PARTS}:a")
    make(f"a={PARTS}:a", to="registry.example/release")
    assert read(f"registry.example/release:{VERSION}").version == VERSION


def test_operators_bring_their_manifests(images: "Images", make: Make, read: Read) -> None:
    references = (
        "kind: ImageStream\napiVersion: image.openshift.io/v1\nspec:\n  tags:\n"
        "  - {name: cli, from: {kind: DockerImage, name: example.com/image-reference-placeholder:cli}}\n"
    )
    manifest = "kind: A\napiVersion: v1\nimage: example.com/image-reference-placeholder:cli\nversion: 0.0.1-snapshot\n"
    cli = images.image(f"{PARTS}:cli", [{"manifests/ignored.yaml": "kind: A\n"}])
    images.image(
        f"{PARTS}:operator",
        [
            {
                "manifests/image-references": references,
                "manifests/a.yaml": manifest,
                "manifests/0000_30_b.yaml": "kind: B\napiVersion: v1\n",
            },
            {"manifests/c.yaml": "no object"},
        ],
        labels={"io.openshift.release.operator": "true"},
    )
    plan = make(f"cli={PARTS}:cli", f"operator={PARTS}:operator")
    assert read().manifests == {
        "0000_30_b.yaml": b"kind: B\napiVersion: v1\n",
        "0000_50_operator_a.yaml": f"kind: A\napiVersion: v1\nimage: {PARTS}@{cli.digest}\nversion: {VERSION}\n".encode(),
        "0000_50_operator_c.yaml": b"no object",
    }
    assert [warning.partition(": a ")[0] for warning in plan.warnings] == ["component operator: c.yaml"]


def test_the_boot_images_are_stamped(images: "Images", make: Make, read: Read) -> None:
    stream = decode_json(b'{"stream": "rhel-9", "metadata": {}, "architectures": {}}', Stream, subject="test")
    images.image(
        f"{PARTS}:installer",
        [{"manifests/coreos-bootimages.yaml": write_boot_images({"rhel-9": stream})}],
        labels={"io.openshift.release.operator": "true"},
    )
    make(f"installer={PARTS}:installer")
    release = read()
    assert list(release.manifests) == ["0000_50_installer_coreos-bootimages.yaml"]
    assert release.bootimages is not None
    assert release.bootimages.release_version == VERSION


def test_a_local_folder_goes_before_the_components(images: "Images", make: Make, read: Read) -> None:
    images.image(f"{PARTS}:a", [{"manifests/x.yaml": "kind: A\napiVersion: v1\n"}], labels={"io.openshift.release.operator": "true"})
    files = {"x.yaml": b"kind: B\napiVersion: v1\nv: 0.0.1-snapshot\n", "y.yaml": b"kind: C\napiVersion: v1\n"}
    plan = make(f"a={PARTS}:a", folders=[ManifestSource("folder d/a", "a", files)])
    assert read().manifests["0000_50_a_x.yaml"] == f"kind: B\napiVersion: v1\nv: {VERSION}\n".encode()
    assert plan.warnings == ["0000_50_a_x.yaml of folder d/a takes the place of the one of component a"]


def test_a_local_manifest_that_is_none_is_refused(images: "Images", make: Make) -> None:
    images.image(f"{PARTS}:a")
    with pytest.raises(InputError, match=r"folder d: x\.yaml: a manifest must be a Kubernetes object"):
        make(f"a={PARTS}:a", folders=[ManifestSource("folder d", None, {"x.yaml": b"- a\n"})])


def _os(images: "Images", name: str, version: str, arch: Arch = Arch.X86_64) -> list[str]:
    labels = {"io.openshift.build.versions": f"machine-os={version}", "io.openshift.build.version-display-names": "machine-os=CoreOS"}
    images.image(f"{PARTS}:{name}", labels={**labels, "ostree.bootable": "true"}, arch=arch)
    images.image(f"{PARTS}:{name}-extensions", labels={"io.openshift.os.extensions": "true"}, arch=arch)
    return [f"{name}={PARTS}:{name}", f"{name}-extensions={PARTS}:{name}-extensions"]


def test_two_os_streams_may_differ_in_machine_os(images: "Images", make: Make, read: Read) -> None:
    plan = make(*_os(images, "rhel-coreos-10", "10.2.20260301-0"), *_os(images, "rhel-coreos", "9.8.20260301-0"))
    assert plan.warnings == []
    assert read().os_streams == (
        OsPair("rhel-coreos", "rhel-coreos-extensions"),
        OsPair("rhel-coreos-10", "rhel-coreos-10-extensions"),
    )


def test_nothing_else_may_differ(images: "Images", make: Make, registry: "MemoryRegistry") -> None:
    images.image(f"{PARTS}:a", labels={"io.openshift.build.versions": "kubernetes=1.34.1"})
    images.image(f"{PARTS}:b", labels={"io.openshift.build.versions": "kubernetes=1.34.2"})
    with pytest.raises(InputError, match=r"the version of kubernetes differs: a says 1\.34\.1, b says 1\.34\.2"):
        make(f"a={PARTS}:a", f"b={PARTS}:b")
    assert registry.pushed == []


def test_an_os_image_without_its_extensions_is_a_warning(images: "Images", make: Make) -> None:
    words = _os(images, "rhel-coreos", "9.8.20260301-0")
    assert make(words[0]).warnings == ["the OS image rhel-coreos comes without rhel-coreos-extensions"]


def _both(images: "Images", name: str, arches: tuple[Arch, ...] = (Arch.X86_64, Arch.AARCH64)) -> str:
    images.index(f"{PARTS}:{name}", [images.image(f"{PARTS}:{name}-{arch}", [{"arch": arch, "name": name}], arch=arch) for arch in arches])
    return f"{name}={PARTS}:{name}"


def test_components_of_several_architectures_give_an_index(images: "Images", make: Make, read: Read, registry: "MemoryRegistry") -> None:
    plan = make(_both(images, "a"), _both(images, "b"))
    raw = registry.manifests["registry.example/release", plan.digest]
    index = parse_manifest(raw, subject="index")
    assert isinstance(index, ImageIndex)
    assert [str(item.platform) for item in index.manifests] == ["linux/amd64", "linux/arm64"]
    for arch in (Arch.X86_64, Arch.AARCH64):
        release = read(arch=arch)
        assert release.arch is arch
        assert release.pullspec_for("a") == f"{PARTS}@{registry.tags[PARTS, f'a-{arch}']}"
        assert release.metadata is not None
        assert release.metadata.metadata == {"release.openshift.io/architecture": "multi"}


def test_one_architecture_of_several_gives_an_image(images: "Images", make: Make, read: Read) -> None:
    plan = make(_both(images, "a"), arches=(Arch.AARCH64,))
    assert plan.index is None
    assert (read(arch=Arch.AARCH64).arch, read(arch=Arch.AARCH64).image.indexes) == (Arch.AARCH64, ())


def test_without_a_wish_the_common_architectures_are_taken(images: "Images", make: Make) -> None:
    plan = make(_both(images, "a"), _both(images, "b", (Arch.AARCH64, Arch.S390X)))
    assert [image.parts.arch for image in plan.images] == [Arch.AARCH64]
    assert plan.warnings == ["the payload is for aarch64 alone: not every component has an image for s390x, x86_64"]


def test_an_architecture_that_a_component_lacks_is_refused(images: "Images", make: Make) -> None:
    with pytest.raises(NotFoundError, match="component a: there is no image for s390x; there are aarch64, x86_64"):
        make(_both(images, "a"), arches=(Arch.S390X,))


def test_an_index_in_an_index_serves_its_architectures(images: "Images", make: Make) -> None:
    inner = images.index(
        f"{PARTS}:inner", [images.image(f"{PARTS}:i-{arch}", [{"arch": arch}], arch=arch) for arch in (Arch.PPC64LE, Arch.S390X)]
    )
    images.index(f"{PARTS}:outer", [inner])
    assert [image.parts.arch for image in make(f"a={PARTS}:outer").images] == [Arch.PPC64LE, Arch.S390X]


def test_a_payload_cannot_be_derived_from_an_ordinary_image(images: "Images", make: Make) -> None:
    images.image(f"{PARTS}:a")
    with pytest.raises(NotFoundError, match="this is no release payload"):
        make(f"a={PARTS}:a", based_on=parse_reference(f"{PARTS}:a"))


def test_components_without_a_common_architecture_are_refused(images: "Images", make: Make) -> None:
    images.image(f"{PARTS}:x", arch=Arch.X86_64)
    images.image(f"{PARTS}:y", arch=Arch.AARCH64)
    with pytest.raises(InputError, match=r"no architecture in common \(component x: x86_64; component y: aarch64\)"):
        make(f"x={PARTS}:x", f"y={PARTS}:y")


def test_the_version_operator_is_the_base(images: "Images", make: Make, read: Read, registry: "MemoryRegistry") -> None:
    labels = {"io.openshift.release.operator": "true", "summary": "of the operator"}
    base = images.image(f"{PARTS}:cvo", [{"usr/bin/cvo": "1"}, {"usr/bin/more": "2"}], labels=labels, docker_types=True)
    make(f"cluster-version-operator={PARTS}:cvo")
    image = read().image
    below = parse_manifest(registry.manifests[PARTS, base.digest], subject="base")
    assert not isinstance(below, ImageIndex)
    assert [layer.digest for layer in image.manifest.layers[:-1]] == [layer.digest for layer in below.layers]
    assert {layer.media_type for layer in image.manifest.layers} == {OCI_LAYER_GZIP}
    assert image.config.labels == {"io.openshift.release": VERSION, "io.openshift.release.base-image-digest": str(base.digest)}
    assert len(image.config.diff_ids) == 3
    assert all(("registry.example/release", layer.digest) in registry.blobs for layer in image.manifest.layers)


def test_a_payload_is_derived_from_another(images: "Images", make: Make, read: Read) -> None:
    operator = {"io.openshift.release.operator": "true"}
    references = (
        '{"kind":"ImageStream","apiVersion":"image.openshift.io/v1","spec":{"tags":['
        '{"name":"cli","from":{"kind":"DockerImage","name":"q.io/cli"}}]}}'
    )
    manifest = "kind: A\napiVersion: v1\nimage: q.io/cli\nv: 0.0.1-snapshot\n"
    images.image(f"{PARTS}:op", [{"manifests/image-references": references, "manifests/a.yaml": manifest}], labels=operator)
    images.image(
        f"{PARTS}:x",
        [{"manifests/old.yaml": "kind: O\napiVersion: v1\n", "manifests/0000_10_x.yaml": "kind: P\napiVersion: v1\n"}],
        labels=operator,
    )
    old_cli = images.image(f"{PARTS}:cli1", [{"bin/cli": "1"}])
    first = make(
        f"op={PARTS}:op", f"x={PARTS}:x", f"cli={PARTS}:cli1", previous=[SemVer("4.20.1")], metadata={"url": "u"}, version="4.21.0"
    )
    new_cli = images.image(f"{PARTS}:cli2", [{"bin/cli": "2"}])
    images.image(f"{PARTS}:x2", [{"manifests/new.yaml": "kind: N\napiVersion: v1\n"}], labels=operator)
    second = make(
        f"x={PARTS}:x2", f"cli={PARTS}:cli2", based_on=parse_reference(TO), version="4.21.1", to="registry.example/release:second"
    )
    before, after = read(), read("registry.example/release:second")
    assert after.pullspec_for("op") == before.pullspec_for("op")
    assert after.pullspec_for("cli") == f"{PARTS}@{new_cli.digest}" != f"{PARTS}@{old_cli.digest}" == before.pullspec_for("cli")
    assert after.manifests == {
        "0000_50_op_a.yaml": f"kind: A\napiVersion: v1\nimage: {PARTS}@{new_cli.digest}\nv: 4.21.1\n".encode(),
        "0000_50_x_new.yaml": b"kind: N\napiVersion: v1\n",
    }
    assert after.metadata is not None
    assert (after.version, after.metadata.previous, after.metadata.metadata) == ("4.21.1", ("4.20.1",), {"url": "u"})
    artifacts, edges = lineage_of_plan(second)
    assert ((Kind.RELEASE.value, str(first.digest)), (Kind.RELEASE.value, str(second.digest)), "based on") in [
        (edge.source, edge.made, edge.why) for edge in edges
    ]
    assert any(artifact.names >= {"4.21.1", "registry.example/release:second"} for artifact in artifacts)


def test_an_operator_that_is_named_with_the_image_it_has_keeps_its_manifests(images: "Images", make: Make, read: Read) -> None:
    files = {"manifests/a.yaml": "kind: A\napiVersion: v1\nv: 0.0.1-snapshot\n"}
    images.image(f"{PARTS}:op", [files], labels={"io.openshift.release.operator": "true"})
    images.image(f"{PARTS}:x")
    make(f"op={PARTS}:op", f"x={PARTS}:x")
    make(f"op={PARTS}:op", based_on=parse_reference(TO), version="4.21.1", to="registry.example/release:second")
    assert read("registry.example/release:second").manifests == {"0000_50_op_a.yaml": b"kind: A\napiVersion: v1\nv: 4.21.1\n"}


@pytest.mark.parametrize("word", ["cli", "cli=", "=registry.example/cli:v1", ""])
def test_a_word_that_lacks_its_tag_or_its_image_is_named_in_the_error(word: str) -> None:
    with pytest.raises(InputError, match="a component is written TAG=REF") as caught:
        parse_assignments([word])
    assert caught.value.subject == word


def test_boot_images_of_another_payload_get_the_new_version(images: "Images", make: Make, read: Read) -> None:
    stream = decode_json(b'{"stream": "rhel-9", "metadata": {}, "architectures": {}}', Stream, subject="test")
    images.image(f"{PARTS}:a")
    make(f"a={PARTS}:a", folders=[ManifestSource("folder", None, {"0000_50_b.yaml": write_boot_images({"rhel-9": stream})})])
    make(based_on=parse_reference(TO), version="5.0.0-ec.2", to="registry.example/release:second")
    found = read("registry.example/release:second").bootimages
    assert found is not None
    assert found.release_version == "5.0.0-ec.2"


def test_an_image_that_two_components_share_is_moved_for_both_or_not_at_all(images: "Images", make: Make) -> None:
    images.image(f"{PARTS}:one")
    images.image(f"{PARTS}:two", [{"b": "2"}])
    names = "kind: ImageStream\napiVersion: image.openshift.io/v1\nspec: {tags: [{name: a, from: {kind: DockerImage, name: q.io/a}}]}\n"
    folder = ManifestSource("folder", None, {"image-references": names.encode(), "m.yaml": b"kind: A\napiVersion: v1\nimage: q.io/a\n"})
    make(f"a={PARTS}:one", f"b={PARTS}:one", folders=[folder])
    with pytest.raises(InputError, match=r"a and b are one image in .*, and its manifests name it"):
        make(f"a={PARTS}:two", based_on=parse_reference(TO), to="registry.example/release:second")
    assert make(f"a={PARTS}:two", f"b={PARTS}:two", based_on=parse_reference(TO), to="registry.example/release:second").warnings == []


def test_a_plan_and_the_payload_that_is_read_tell_the_ledger_the_same(images: "Images", make: Make, read: Read) -> None:
    plan = make(_both(images, "a"))
    artifacts, edges = lineage_of_plan(plan)
    release = read(arch=Arch.AARCH64)
    read_artifacts, read_edges = lineage_of_release(release)
    assert {edge.why for edge in edges} == {"component a", "linux/amd64", "linux/arm64"}
    assert {edge.why for edge in read_edges} == {"component a", "linux/arm64"}
    assert set(read_edges) <= set(edges)
    known = {artifact.id: artifact for artifact in artifacts}
    assert all(artifact.names <= known[artifact.id].names for artifact in read_artifacts)
    assert all(artifact.facts == known[artifact.id].facts for artifact in read_artifacts)


@pytest.mark.parametrize(
    ("words", "more", "told"),
    [
        ([], {}, "a payload needs a component"),
        (["cli"], {}, "a component is written TAG=REF"),
        (["cli=registry.example/a:1", "cli=registry.example/b:1"], {}, "the component cli is given twice"),
        (["cli=oci:folder:1"], {}, "a component must stand in a registry"),
        (["cli=rhel-coreos"], {}, "the image reference names no registry"),
        (["-x=registry.example/a:1"], {}, "a component is written TAG=REF"),
        (["cli=registry.example/a:1"], {"to": "registry.example/r@sha256:" + "0" * 64}, "a payload is pushed to a tag, not to a digest"),
        (["cli=registry.example/a:1"], {"version": "4.21"}, "'4.21' is not a semantic version"),
    ],
)
def test_bad_requests_are_the_callers_fault(make: Make, words: list[str], more: dict[str, str], told: str) -> None:
    with pytest.raises(InputError) as caught:
        make(*words, **more)
    assert caught.value.message.startswith(told)


def test_a_component_that_is_not_there_ends_the_work(make: Make, registry: "MemoryRegistry") -> None:
    with pytest.raises(PenstockError, match=r"registry\.example/parts:gone"):
        make(f"a={PARTS}:gone")
    assert registry.pushed == []
