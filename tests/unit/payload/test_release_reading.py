"""Reading a release payload: its top layer, its documents, what its names mean."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.bootimages import write_boot_images
from penstock.formats.codec import decode_json
from penstock.formats.release import decode_image_references, decode_release_metadata, encode_image_references, encode_release_metadata
from penstock.model.arch import Arch
from penstock.model.errors import DigestMismatch, NotFoundError, VerificationError
from penstock.model.imageref import parse_reference
from penstock.model.progress import Progress
from penstock.model.release import ImageReferences, OsPair, os_pairs
from penstock.model.stream import Stream
from penstock.payload.release import Release, document_spans, read_release
from penstock.payload.resolve import PlatformChoice

if TYPE_CHECKING:
    from tests.unit.payload.conftest import Documents, Images, MemoryRegistry

REF = "registry.example/release:4.21.0"
PULLSPEC = "registry.example/parts@sha256:" + "a" * 64


@pytest.fixture
def read(registry: "MemoryRegistry", silent: Callable[[Progress], None]) -> Callable[..., Release]:
    """``read()`` reads the payload ``REF``."""

    def go(arch: Arch = Arch.X86_64) -> Release:
        return asyncio.run(read_release(registry, parse_reference(REF), PlatformChoice(arch), silent))

    return go


def _files(documents: "Documents", **more: str | bytes) -> dict[str, str | bytes]:
    return {
        "image-references": documents.references("4.21.0", {"cli": PULLSPEC, "cli-too": PULLSPEC}),
        "release-metadata": documents.metadata("4.21.0", ["4.20.9"]),
        **more,
    }


def test_a_release_says_what_it_is(images: "Images", documents: "Documents", read: Callable[..., Release]) -> None:
    made = images.release(REF, _files(documents, **{"0000_50_a_b.yaml": "kind: A\n"}))
    release = read()
    assert (release.name, release.version, release.arch) == ("4.21.0", "4.21.0", Arch.X86_64)
    assert [tag.name for tag in release.references.tags] == ["cli", "cli-too"]
    assert release.metadata is not None
    assert release.metadata.previous == ("4.20.9",)
    assert release.manifests == {"0000_50_a_b.yaml": b"kind: A\n"}
    assert release.image.ref.digest == made.digest
    assert str(release.image_for("cli")) == release.pullspec_for("cli") == PULLSPEC
    assert release.bootimages is None


def test_only_the_top_layer_is_read(
    images: "Images", documents: "Documents", read: Callable[..., Release], registry: "MemoryRegistry"
) -> None:
    images.release(REF, _files(documents), below=[{"release-manifests/old.yaml": "kind: Old\n", "usr/bin/cvo": "x"}])
    assert read().manifests == {}
    assert len(registry.opened) == 1


def test_a_release_that_was_built_upon_is_found_below(images: "Images", documents: "Documents", read: Callable[..., Release]) -> None:
    layers: list[dict[str, str | bytes]] = [
        {"usr/bin/cvo": "x"},
        {f"release-manifests/{name}": text for name, text in _files(documents, **{"a.yaml": "kind: A\n", "b.yaml": "kind: B\n"}).items()},
        {"release-manifests/.wh.a.yaml": "", "release-manifests/b.yaml": "kind: C\n", "etc/added": "y"},
        {"etc/more": "z"},
    ]
    images.image(REF, layers, labels={"io.openshift.release": "4.21.0"})
    assert read().manifests == {"b.yaml": b"kind: C\n"}


def test_an_ordinary_image_is_refused_after_one_layer(images: "Images", read: Callable[..., Release], registry: "MemoryRegistry") -> None:
    images.image(REF, [{"a": "1"}, {"b": "2"}, {"c": "3"}])
    with pytest.raises(NotFoundError, match="this is no release payload: it has no release-manifests/image-references"):
        read()
    assert len(registry.opened) == 1


def test_the_wanted_architecture_is_taken_from_the_index(images: "Images", documents: "Documents", read: Callable[..., Release]) -> None:
    members = [images.release(f"{REF}-{arch}", _files(documents), arch=arch, created_s=n) for n, arch in enumerate(Arch)]
    index = images.index(REF, members)
    release = read(Arch.AARCH64)
    assert release.arch is Arch.AARCH64
    assert release.image.ref.digest == members[1].digest
    assert [raw.digest for raw in release.image.indexes] == [index.digest]


def test_a_missing_component_has_the_words_of_the_field(images: "Images", documents: "Documents", read: Callable[..., Release]) -> None:
    images.release(REF, _files(documents))
    with pytest.raises(NotFoundError) as caught:
        read().image_for("machine-os-images")
    assert str(caught.value) == f'no image tag "machine-os-images" exists in the release image {REF}'


@pytest.mark.parametrize(
    "source", [None, {"kind": "ImageStreamTag", "name": "x:y"}, {"kind": "DockerImage", "name": ""}, {"kind": "DockerImage"}]
)
def test_a_tag_that_stands_for_no_image_is_passed_over(source: dict[str, str] | None) -> None:
    tree: dict[str, object] = {"name": "cli", "from": source}
    stream = _stream([tree, {"name": "cli", "from": {"kind": "DockerImage", "name": PULLSPEC}}])
    assert stream.pullspec_of("cli") == PULLSPEC
    assert _stream([tree]).pullspec_of("cli") is None


def _stream(tags: list[dict[str, object]]) -> ImageReferences:
    import json

    document = {"kind": "ImageStream", "apiVersion": "image.openshift.io/v1", "spec": {"tags": tags}}
    return decode_image_references(json.dumps(document).encode(), subject="test")


@pytest.mark.parametrize(
    "broken",
    [
        ("image-references", '{"kind": "ImageStream", "apiVersion": "v1"}', "it is a ImageStream of v1, not an ImageStream"),
        ("image-references", '{"kind": "List", "apiVersion": "image.openshift.io/v1"}', "it is a List"),
        ("image-references", '{"kind": "ImageStream",', "line 1"),
        ("release-metadata", '{"kind": "other", "version": "4.21.0"}', "its kind is 'other', not 'cincinnati-metadata-v0'"),
        ("release-metadata", "[]", "an object is wanted"),
    ],
)
def test_documents_of_another_kind_are_refused(
    images: "Images", documents: "Documents", read: Callable[..., Release], broken: tuple[str, str, str]
) -> None:
    name, text, told = broken
    images.release(REF, {**_files(documents), name: text})
    with pytest.raises(VerificationError, match=told) as caught:
        read()
    assert caught.value.subject == f"{REF} release-manifests/{name}"


def test_a_flipped_bit_in_the_layer_is_refused(
    images: "Images", documents: "Documents", read: Callable[..., Release], registry: "MemoryRegistry"
) -> None:
    images.release(REF, _files(documents))
    (key,) = [key for key, content in registry.blobs.items() if not content.startswith(b"{")]
    damaged = bytearray(registry.blobs[key])
    damaged[len(damaged) // 2] ^= 1
    registry.blobs[key] = bytes(damaged)
    with pytest.raises(DigestMismatch):
        read()


def test_boot_images_are_found_among_several_documents(images: "Images", documents: "Documents", read: Callable[..., Release]) -> None:
    stream = decode_json(b'{"stream": "rhel-9", "metadata": {}, "architectures": {}}', Stream, subject="test")
    config_map = write_boot_images({"rhel-9": stream}, release_version="4.21.0")
    text = b"---\nkind: Namespace\nmetadata: {name: coreos-bootimages-are-elsewhere}\n---\n" + config_map + b"---\nkind: ConfigMap\n"
    images.release(REF, _files(documents, **{"0000_50_installer_coreos-bootimages.yaml": text}))
    found = read().bootimages
    assert found is not None
    assert found.release_version == "4.21.0"
    assert found.stream("rhel-9") == stream


def test_broken_boot_images_are_the_payloads_fault(images: "Images", documents: "Documents", read: Callable[..., Release]) -> None:
    broken = "kind: ConfigMap\nmetadata: {name: coreos-bootimages}\ndata: {stream: '{'}\n"
    images.release(REF, _files(documents, **{"b.yaml": broken}))
    release = read()
    with pytest.raises(VerificationError):
        _ = release.bootimages


def test_os_streams_are_pairs_in_the_fields_order() -> None:
    names = ["rhel-coreos-10-extensions", "stream-coreos", "rhel-coreos-10", "rhel-coreos", "stream-coreos-extensions", "cli"]
    names += ["alone-coreos", "rhel-coreos-extensions", "machine-os-images", "acoreos", "acoreos-extensions"]
    assert [pair.image for pair in os_pairs(names)] == ["rhel-coreos", "stream-coreos", "acoreos", "rhel-coreos-10"]
    assert os_pairs(names)[0] == OsPair("rhel-coreos", "rhel-coreos-extensions")


_TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
_TAGS = st.lists(
    st.fixed_dictionaries(
        {"name": _TEXT},
        optional={
            "annotations": st.none() | st.dictionaries(_TEXT, _TEXT, max_size=3),
            "from": st.none() | st.fixed_dictionaries({"kind": st.sampled_from(["DockerImage", "ImageStreamTag"]), "name": _TEXT}),
            "referencePolicy": st.dictionaries(_TEXT, _TEXT, max_size=2),
            "generation": st.none() | st.integers(),
        },
    ),
    max_size=5,
)


@given(_TAGS)
def test_image_references_survive_a_round_trip(tags: list[dict[str, object]]) -> None:
    stream = _stream(tags)
    encoded = encode_image_references(stream)
    again = decode_image_references(encoded, subject="again")
    assert encode_image_references(again) == encoded
    for tag in tags:
        name = str(tag["name"])
        fitting = [other["from"] for other in tags if other["name"] == name and isinstance(other.get("from"), dict)]
        wanted = [source["name"] for source in fitting if source["kind"] == "DockerImage" and source["name"]]  # type: ignore[index]
        assert again.pullspec_of(name) == (wanted[0] if wanted else None)


@given(_TEXT, st.lists(_TEXT), st.dictionaries(_TEXT, st.recursive(_TEXT | st.integers(), st.lists, max_leaves=4)))
def test_release_metadata_survives_a_round_trip(version: str, previous: list[str], pairs: dict[str, object]) -> None:
    import json

    text = json.dumps({"kind": "cincinnati-metadata-v0", "version": version, "previous": previous, "next": [], "metadata": pairs})
    decoded = decode_release_metadata(text.encode(), subject="test")
    again = decode_release_metadata(encode_release_metadata(decoded), subject="again")
    assert again == decoded
    assert json.loads(encode_release_metadata(again)) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (b"", []),
        (b"a: 1\n", [b"a: 1\n"]),
        (b"---\na: 1\n--- \nb: 2\n---", [b"---\na: 1\n", b"--- \nb: 2\n", b"---"]),
        (b"a: |\n  ---\n  x\n---- b\n", [b"a: |\n  ---\n  x\n---- b\n"]),
        (b"# note\n---\r\na: 1\r\n", [b"# note\n", b"---\r\na: 1\r\n"]),
    ],
)
def test_documents_of_a_file_are_told_apart_by_their_first_line(text: bytes, parts: list[bytes]) -> None:
    assert [text[start:end] for start, end in document_spans(text)] == parts
