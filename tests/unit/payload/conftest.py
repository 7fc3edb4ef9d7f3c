"""A registry in memory that can break, and builders of component images."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import BinaryIO

import pytest

from penstock.formats.oci.build import LayerEntry, build_config, build_index, build_manifest, config_descriptor, write_layer
from penstock.formats.oci.descriptor import (
    DOCKER_CONFIG,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
    Descriptor,
    Platform,
    RawManifest,
)
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import DigestMismatch, NotFoundError, TransientError, VerificationError
from penstock.model.imageref import Reference, parse_reference
from penstock.model.progress import Progress


class _Reader:
    def __init__(self, content: bytes, size_bytes: int) -> None:
        self._stream = BytesIO(content)
        self.size_bytes = size_bytes

    def readinto(self, buffer: memoryview, /) -> int:
        return self._stream.readinto(buffer)

    def close(self) -> None:
        pass


@dataclass
class MemoryRegistry:
    """The port ``Registry`` over dictionaries.

    Attributes:
        blobs: content by repository and digest.
        manifests: manifests by repository and digest.
        tags: digests by repository and tag.
        absent: digests that cannot be had now, as in an outage.
        opened: digests of the blobs that were opened, in order.
        pushed: what was written, in order.
    """

    blobs: dict[tuple[str, Digest], bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, Digest], RawManifest] = field(default_factory=dict)
    tags: dict[tuple[str, str], Digest] = field(default_factory=dict)
    absent: set[Digest] = field(default_factory=set)
    opened: list[Digest] = field(default_factory=list)
    pushed: list[str] = field(default_factory=list)

    async def fetch_manifest(self, ref: Reference) -> RawManifest:
        digest = ref.digest or self.tags.get((ref.repository, ref.locator))
        if digest is None or (ref.repository, digest) not in self.manifests:
            raise NotFoundError("the registry does not have it", subject=str(ref))
        if digest in self.absent:
            raise TransientError("the registry answers 503", subject=str(ref))
        found = self.manifests[ref.repository, digest]
        if Digest.of(found.content) != digest:
            raise DigestMismatch(str(ref), expected=str(digest), found=str(Digest.of(found.content)))
        return found

    def _blob(self, ref: Reference, digest: Digest) -> bytes:
        if digest in self.absent:
            raise TransientError("the registry answers 503", subject=f"{ref.repository}@{digest}")
        try:
            return self.blobs[ref.repository, digest]
        except KeyError:
            raise NotFoundError("the registry does not have it", subject=f"{ref.repository}@{digest}") from None

    async def open_blob(self, ref: Reference, blob: Descriptor) -> _Reader:
        self.opened.append(blob.digest)
        return _Reader(self._blob(ref, blob.digest), blob.size_bytes)

    async def fetch_blob(self, ref: Reference, blob: Descriptor, *, limit_bytes: int = 8 << 20) -> bytes:
        content = self._blob(ref, blob.digest)
        if blob.size_bytes > limit_bytes:
            raise VerificationError("too large", subject=str(ref))
        if Digest.of(content) != blob.digest:
            raise DigestMismatch(f"{ref.repository}@{blob.digest}", expected=str(blob.digest), found=str(Digest.of(content)))
        return content

    async def has_blob(self, ref: Reference, blob: Descriptor) -> bool:
        try:
            content = self._blob(ref, blob.digest)
        except NotFoundError:
            return False
        if len(content) != blob.size_bytes:
            raise DigestMismatch(f"{ref.repository}@{blob.digest}", expected=f"{blob.size_bytes} bytes", found=f"{len(content)} bytes")
        return True

    async def push_blob(self, ref: Reference, blob: Descriptor, open_content: Callable[[], BinaryIO]) -> None:
        with open_content() as stream:
            content = stream.read()
        assert Digest.of(content) == blob.digest
        self.blobs[ref.repository, blob.digest] = content
        self.pushed.append(f"blob {blob.digest}")

    async def mount_blob(self, ref: Reference, blob: Descriptor, source: Reference) -> None:
        self.blobs[ref.repository, blob.digest] = self._blob(source, blob.digest)
        self.pushed.append(f"mount {blob.digest}")

    async def push_manifest(self, ref: Reference, manifest: RawManifest) -> None:
        self.manifests[ref.repository, manifest.digest] = manifest
        if ref.tag is not None:
            self.tags[ref.repository, ref.tag] = manifest.digest
        self.pushed.append(f"manifest {ref.tag or manifest.digest}")


_DOCKER_TYPES = {OCI_MANIFEST: DOCKER_MANIFEST, OCI_CONFIG: DOCKER_CONFIG, OCI_LAYER_GZIP: DOCKER_LAYER_GZIP}

CREATED_S = 1_760_000_000


class Images:
    """Builds images straight into a :class:`MemoryRegistry`."""

    def __init__(self, registry: MemoryRegistry) -> None:
        self.registry = registry

    def image(
        self,
        ref: str,
        layers: Sequence[Mapping[str, str | bytes]] = ({"etc/hello": "hello"},),
        *,
        labels: Mapping[str, str] | None = None,
        arch: Arch = Arch.X86_64,
        created_s: int = CREATED_S,
        docker_types: bool = False,
    ) -> Descriptor:
        """Store an image under ``ref``; each layer is its files."""
        where = parse_reference(ref)
        built = []
        for files in layers:
            out = BytesIO()
            content = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
            layer = write_layer(out, [LayerEntry(name, body) for name, body in content.items()], mtime_s=created_s)
            self.registry.blobs[where.repository, layer.descriptor.digest] = out.getvalue()
            built.append(layer)
        platform = Platform.linux(arch)
        config = build_config(
            platform,
            created_at=datetime.fromtimestamp(created_s, UTC),
            labels=labels or {},
            diff_ids=[layer.diff_id for layer in built],
        )
        self.registry.blobs[where.repository, Digest.of(config)] = config
        manifest = build_manifest(config_descriptor(config), [layer.descriptor for layer in built])
        if docker_types:
            text = manifest.content
            for oci, docker in _DOCKER_TYPES.items():
                text = text.replace(oci.encode(), docker.encode())
            manifest = RawManifest.of(text, DOCKER_MANIFEST)
        return self._store(ref, manifest, platform)

    def index(self, ref: str, members: Sequence[Descriptor]) -> Descriptor:
        """Store an index of images that stand in the same repository."""
        return self._store(ref, build_index(members), None)

    def release(self, ref: str, files: Mapping[str, str | bytes], *, below: Sequence[Mapping[str, str]] = (), **more: object) -> Descriptor:
        """Store a release image whose top layer has these files in ``release-manifests``."""
        top = {f"release-manifests/{name}": content for name, content in files.items()}
        return self.image(ref, [*below, top], **more)  # type: ignore[arg-type]

    def _store(self, ref: str, manifest: RawManifest, platform: Platform | None) -> Descriptor:
        where = parse_reference(ref)
        self.registry.manifests[where.repository, manifest.digest] = manifest
        self.registry.tags[where.repository, where.locator] = manifest.digest
        return Descriptor(manifest.media_type, manifest.digest, len(manifest.content), platform)


def references(version: str, tags: Mapping[str, str], annotations: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """The text of an ``image-references`` with these tags and pullspecs."""
    items = [
        {"name": name, "annotations": dict((annotations or {}).get(name, {})), "from": {"kind": "DockerImage", "name": pullspec}}
        for name, pullspec in tags.items()
    ]
    return json.dumps(
        {"kind": "ImageStream", "apiVersion": "image.openshift.io/v1", "metadata": {"name": version}, "spec": {"tags": items}}, indent=2
    )


def metadata(version: str, previous: Sequence[str] = ()) -> str:
    """The text of a ``release-metadata``."""
    return json.dumps({"kind": "cincinnati-metadata-v0", "version": version, "previous": list(previous)}, indent=2)


@dataclass(frozen=True)
class Documents:
    """The builders of texts, as one fixture."""

    references: Callable[..., str] = references
    metadata: Callable[..., str] = metadata


@pytest.fixture(scope="session")
def registry_type() -> type[MemoryRegistry]:
    """For tests that need more than one."""
    return MemoryRegistry


@pytest.fixture
def registry() -> MemoryRegistry:
    return MemoryRegistry()


@pytest.fixture
def images(registry: MemoryRegistry) -> Images:
    return Images(registry)


@pytest.fixture
def documents() -> Documents:
    return Documents()


@pytest.fixture
def silent() -> Callable[[Progress], None]:
    return lambda _event: None
