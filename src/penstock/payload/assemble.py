"""Assemble one release image: its documents, its layer, its config, its manifest.  Pure: bytes in, bytes out.

The image is the one of ``cluster-version-operator`` with a layer ``release-manifests`` on top, or that layer alone where the payload has no
such component.  As ``oc`` does, the base's labels are dropped: they describe the component, not the release.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from penstock.formats.oci.build import LayerEntry, build_config, build_manifest, config_descriptor, write_layer
from penstock.formats.oci.descriptor import (
    DOCKER_LAYER_FOREIGN,
    DOCKER_LAYER_GZIP,
    OCI_LAYER_GZIP,
    OCI_LAYER_TAR,
    OCI_LAYER_ZSTD,
    Descriptor,
    Platform,
    RawManifest,
)
from penstock.formats.oci.layer import EntryType
from penstock.formats.release import (
    IMAGE_REFERENCES,
    IMAGE_STREAM_KIND,
    METADATA_KIND,
    RELEASE_METADATA,
    encode_image_references,
    encode_release_metadata,
)
from penstock.model.arch import Arch
from penstock.model.errors import InputError, VerificationError
from penstock.model.record import given
from penstock.model.release import ImageReferences, Label, ReleaseMetadata, TagReference
from penstock.payload.components import Component
from penstock.payload.manifests import ManifestSource, Rendered, render, repoint, restamp, stamp_boot_images
from penstock.payload.release import MANIFEST_FOLDER, Release
from penstock.payload.resolve import ResolvedImage
from penstock.payload.versions import disagreements, reports_of

ARCHITECTURE_KEY = "release.openshift.io/architecture"
MULTI = "multi"

_DOCKER_LAYER_TAR = "application/vnd.docker.image.rootfs.diff.tar"
_OCI_LAYERS = {DOCKER_LAYER_GZIP: OCI_LAYER_GZIP, _DOCKER_LAYER_TAR: OCI_LAYER_TAR, f"{_DOCKER_LAYER_TAR}.zstd": OCI_LAYER_ZSTD}
_FILE_MODE = 0o444
_FOLDER_MODE = 0o755
_DOCKER_ONLY = frozenset({"container", "container_config", "docker_version", "id", "parent"})


@dataclass(frozen=True, slots=True)
class Identity:
    """What the images of all architectures have in common.

    Attributes:
        version: the payload's.
        created_s: when it was made, seconds since the epoch.
        previous: versions that may be updated to this one; None for those of the payload that it is derived from.
        metadata: free pairs, which win over those of that payload.
        is_multi: whether there will be an index of several architectures.
    """

    version: str
    created_s: int
    previous: Sequence[str] | None
    metadata: Mapping[str, Any]
    is_multi: bool


@dataclass(frozen=True, slots=True)
class Parts:
    """What one release image is made from.

    Attributes:
        arch: what it is for.
        components: those that were named, by name.
        operators: the manifests of those of them that are operators, in the same order.
        folders: local manifests, which win over all others.
        base: the image of the cluster-version operator, or None.
        release: the payload that it is derived from, or None.
        dropped: names of manifests of that payload that belong to components which are replaced.
    """

    arch: Arch
    components: Sequence[Component]
    operators: Sequence[ManifestSource] = ()
    folders: Sequence[ManifestSource] = ()
    base: ResolvedImage | None = None
    release: Release | None = None
    dropped: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AssembledImage:
    """A release image that is ready to be pushed.

    Attributes:
        parts: what it is made from.
        references: its components.
        manifests: its other manifests, with where each comes from.
        layer: the descriptor of the top layer.
        layer_content: its bytes.
        config: the descriptor of the config.
        config_content: its bytes.
        raw: the manifest.
        platform: what it runs on.
    """

    parts: Parts
    references: ImageReferences
    manifests: Rendered
    layer: Descriptor
    layer_content: bytes
    config: Descriptor
    config_content: bytes
    raw: RawManifest
    platform: Platform

    @property
    def descriptor(self) -> Descriptor:
        """Its entry in an index."""
        return replace(self.raw.descriptor, platform=self.platform)


def merged_tags(parts: Parts) -> tuple[TagReference, ...]:
    """The components of the new payload: those of the old one, with the named ones in their places; by name, as ``oc`` sorts them."""
    new = {component.name: component.tag for component in parts.components}
    kept = [tag for tag in (parts.release.references.tags if parts.release else ()) if tag.name not in new]
    return tuple(sorted([*kept, *new.values()], key=lambda tag: tag.name))


def assemble(parts: Parts, identity: Identity) -> AssembledImage:
    """Make one release image.

    Raises:
        InputError: components do not agree on a version, or a manifest asks for what the payload does not have.
        VerificationError: the base image is broken.
    """
    tags = merged_tags(parts)
    if differing := disagreements([report for tag in tags for report in reports_of(tag)]):
        raise InputError("; ".join(differing), subject=f"payload {identity.version}", hint="only machine-os may differ, between OS streams")
    references = _references(parts, identity, tags)
    manifests = _manifests(parts, identity, tags)
    documents = {
        IMAGE_REFERENCES: encode_image_references(references),
        RELEASE_METADATA: encode_release_metadata(_metadata(parts, identity)),
        **dict(sorted(manifests.files.items())),
    }
    entries = [LayerEntry(MANIFEST_FOLDER, type=EntryType.DIRECTORY, mode=_FOLDER_MODE)]
    entries += [LayerEntry(f"{MANIFEST_FOLDER}/{name}", content, mode=_FILE_MODE) for name, content in documents.items()]
    out = BytesIO()
    layer = write_layer(out, entries, mtime_s=identity.created_s)
    base = parts.base
    platform = base.config.platform if base else Platform.linux(parts.arch)
    labels = {Label.RELEASE.value: identity.version} | ({Label.BASE_IMAGE_DIGEST.value: str(base.raw.digest)} if base else {})
    config = build_config(
        platform,
        created_at=datetime.fromtimestamp(identity.created_s, UTC),
        labels=labels,
        diff_ids=[*(base.config.diff_ids if base else ()), layer.diff_id],
        base=_base_document(base) if base else None,
        created_by=f"release {identity.version}",
    )
    described = config_descriptor(config)
    raw = build_manifest(described, [*base_layers(base), layer.descriptor])
    return AssembledImage(parts, references, manifests, layer.descriptor, out.getvalue(), described, config, raw, platform)


def base_layers(base: ResolvedImage | None) -> list[Descriptor]:
    """The layers that the release image shares with its base, described as an OCI manifest wants them.

    Raises:
        VerificationError: a layer is one that may not be copied, or the config does not know all layers.
    """
    if base is None:
        return []
    layers = base.manifest.layers
    if len(layers) != len(base.config.diff_ids):
        problem = f"the manifest has {len(layers)} layers, the config {len(base.config.diff_ids)}"
        raise VerificationError(problem, subject=str(base.ref), hint="the image is broken")
    if any(layer.media_type == DOCKER_LAYER_FOREIGN or "nondistributable" in layer.media_type for layer in layers):
        raise VerificationError("a layer of the base image may not be distributed", subject=str(base.ref), hint="use another base image")
    return [Descriptor(_OCI_LAYERS.get(layer.media_type, layer.media_type), layer.digest, layer.size_bytes) for layer in layers]


def _base_document(base: ResolvedImage) -> dict[str, Any]:
    document = {key: value for key, value in base.config.document.items() if key not in _DOCKER_ONLY}
    runtime = dict(document.get("config") or {})
    runtime.pop("Labels", None)
    return {**document, "config": runtime}


def _references(parts: Parts, identity: Identity, tags: tuple[TagReference, ...]) -> ImageReferences:
    created = datetime.fromtimestamp(identity.created_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    release = parts.release
    old = release.references if release else ImageReferences(kind=IMAGE_STREAM_KIND[0], api_version=IMAGE_STREAM_KIND[1])
    annotations = {Label.FROM_RELEASE.value: str(release.image.ref)} if release else {}
    return old.of_version(identity.version, tags, created=created, annotations=annotations)


def _metadata(parts: Parts, identity: Identity) -> ReleaseMetadata:
    old = parts.release.metadata if parts.release and parts.release.metadata else ReleaseMetadata(kind=METADATA_KIND)
    pairs = {**(given(old.metadata) or {}), **identity.metadata}
    if identity.is_multi:
        pairs[ARCHITECTURE_KEY] = MULTI
    elif pairs.get(ARCHITECTURE_KEY) == MULTI:
        del pairs[ARCHITECTURE_KEY]
    previous = None if identity.previous is None else sorted(set(identity.previous))
    return old.of_version(identity.version, previous=previous, pairs=pairs)


def _manifests(parts: Parts, identity: Identity, tags: Sequence[TagReference]) -> Rendered:
    rendered = Rendered()
    if parts.release is not None:
        pullspecs = _moved_pullspecs(parts, parts.release)
        for name, content in parts.release.manifests.items():
            if name not in parts.dropped:
                moved = restamp(repoint(content, pullspecs), parts.release.version, identity.version)
                origin = f"payload {parts.release.asked}"
                rendered.add(name, stamp_boot_images(moved, identity.version, subject=f"{origin}: {name}"), origin)
    for source in parts.operators:
        for name, content in render(source, tags, identity.version).items():
            rendered.add(name, content, source.origin)
    for source in parts.folders:
        for name, content in render(source, tags, identity.version).items():
            rendered.replace(name, content, source.origin)
    return rendered


def _moved_pullspecs(parts: Parts, release: Release) -> dict[str, str]:
    """The new pullspec by the old one, for every component that is replaced.

    Raises:
        InputError: a component that stays is the same image as one that goes, so that a manifest which names it may mean either.
    """
    new = {component.name: str(component.image.ref) for component in parts.components}
    moved: dict[str, str] = {}
    for name, pullspec in new.items():
        old = release.references.pullspec_of(name)
        if old is None or old == pullspec:
            continue
        sharing = [tag.name for tag in release.references.tags if tag.pullspec == old and new.get(tag.name, old) != pullspec]
        if sharing and any(old.encode() in content for content in release.manifests.values()):
            raise InputError(
                f"{name} and {' and '.join(sharing)} are one image in {release.asked}, and its manifests name it",
                subject=old,
                hint=f"name an image for {' and '.join(sharing)} too",
            )
        moved[old] = pullspec
    return moved
