"""Manifests, indexes and configs are read as values; what is broken is the image's fault."""

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.oci.build import build_config, build_index, build_manifest, config_descriptor
from penstock.formats.oci.descriptor import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
    Descriptor,
    Platform,
    RawManifest,
)
from penstock.formats.oci.image import ImageIndex, ImageManifest, parse_config, parse_manifest
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import VerificationError

CREATED_AT = datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)
CONFIG = build_config(Platform.linux(Arch.AARCH64), created_at=CREATED_AT, labels={"a": "b"}, diff_ids=[Digest.of(b"1")])
LAYER = Descriptor(OCI_LAYER_GZIP, Digest.of(b"layer"), 5, annotations={"x": "y"})
MANIFEST = build_manifest(config_descriptor(CONFIG), [LAYER], annotations={"k": "v"})
MEMBER = Descriptor(OCI_MANIFEST, MANIFEST.digest, len(MANIFEST.content), Platform("linux", "arm64", "v8"))


def test_a_manifest_is_its_config_and_its_layers() -> None:
    assert parse_manifest(MANIFEST, subject="image") == ImageManifest(config_descriptor(CONFIG), (LAYER,), {"k": "v"})


def test_an_index_is_its_members() -> None:
    assert parse_manifest(build_index([MEMBER]), subject="image") == ImageIndex((MEMBER,), {})


def test_the_docker_kinds_read_the_same() -> None:
    def as_docker(raw: RawManifest, kind: str) -> RawManifest:
        return RawManifest.of(json.dumps(json.loads(raw.content) | {"mediaType": kind}).encode(), kind)

    assert parse_manifest(as_docker(MANIFEST, DOCKER_MANIFEST), subject="image") == parse_manifest(MANIFEST, subject="image")
    assert parse_manifest(as_docker(build_index([MEMBER]), DOCKER_LIST), subject="image") == parse_manifest(
        build_index([MEMBER]), subject="image"
    )


def test_a_config_tells_what_the_image_is() -> None:
    config = parse_config(CONFIG, subject="config")

    assert (config.platform, config.created_at, config.labels) == (Platform("linux", "arm64"), CREATED_AT, {"a": "b"})
    assert config.diff_ids == (Digest.of(b"1"),)
    assert config.document == json.loads(CONFIG)


@pytest.mark.parametrize("created", [None, "", "yesterday", "0001-01-01T00:00:00Z", "2025-10-09T08:53:20.123456789Z"])
def test_a_config_without_a_usable_time_is_still_a_config(created: str | None) -> None:
    config = parse_config(json.dumps({"architecture": "amd64", "os": "linux", "created": created}).encode(), subject="config")

    assert config.platform == Platform.linux(Arch.X86_64)
    assert config.diff_ids == ()


def changed(raw: RawManifest, **changes: object) -> RawManifest:
    return RawManifest.of(json.dumps(json.loads(raw.content) | changes).encode(), raw.media_type)


PLAIN = {"mediaType": "x", "digest": str(LAYER.digest), "size": 1}


@pytest.mark.parametrize(
    "raw",
    [
        changed(MANIFEST, mediaType=OCI_INDEX),
        changed(MANIFEST, layers="none"),
        changed(MANIFEST, layers=[PLAIN | {"digest": "md5:00"}]),
        changed(MANIFEST, layers=[PLAIN | {"digest": "sha256:00"}]),
        changed(MANIFEST, layers=[PLAIN | {"size": -1}]),
        changed(MANIFEST, layers=[PLAIN | {"size": "1"}]),
        changed(MANIFEST, config=PLAIN | {"digest": "latest"}),
        changed(build_index([MEMBER]), manifests=[PLAIN | {"digest": "x"}]),
        RawManifest.of(MANIFEST.content[:-1], OCI_MANIFEST),
        RawManifest.of(MANIFEST.content, "application/vnd.docker.distribution.manifest.v1+prettyjws"),
        RawManifest.of(MANIFEST.content, ""),
        RawManifest.of(b"", OCI_MANIFEST),
        RawManifest.of(b'{"schemaVersion":2,' + MANIFEST.content[1:], OCI_MANIFEST),
    ],
)
def test_a_broken_document_is_the_images_fault(raw: RawManifest) -> None:
    with pytest.raises(VerificationError) as caught:
        parse_manifest(raw, subject="image")

    assert "image" in caught.value.subject


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"architecture":"amd64","os":"linux","rootfs":{"diff_ids":["x"]}}', b"\xff"])
def test_a_broken_config_is_the_images_fault(content: bytes) -> None:
    with pytest.raises(VerificationError):
        parse_config(content, subject="image config")


@given(st.binary(max_size=200), st.sampled_from([OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST, "text/html"]))
def test_random_bytes_never_raise_anything_else(content: bytes, media_type: str) -> None:
    for read in (
        lambda: parse_manifest(RawManifest.of(content, media_type), subject="image"),
        lambda: parse_config(content, subject="image"),
    ):
        with suppress(VerificationError):
            read()
