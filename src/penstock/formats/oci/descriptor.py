"""Descriptors and raw manifests: the two values that everything else in an image hangs from.

OCI image-spec ``descriptor.md`` and ``manifest.md``; Docker's media types beside them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock.model.arch import Arch
from penstock.model.digest import Digest

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER_TAR = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_LAYER_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"

INDEX_TYPES = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFEST_TYPES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
ACCEPTED_TYPES = (OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST)
"""What a client asks a registry for, in order of preference."""


@dataclass(frozen=True, slots=True)
class Platform:
    """The platform of an index entry, in OCI names.

    Attributes:
        os: for example ``linux``.
        architecture: the OCI name, for example ``amd64``; may be one that Penstock does not know.
        variant: for example ``v8``, or ``""``.
    """

    os: str
    architecture: str
    variant: str = ""

    @classmethod
    def linux(cls, arch: Arch) -> "Platform":
        """Linux on ``arch``."""
        return cls("linux", arch.oci)

    def __str__(self) -> str:
        """``os/architecture[/variant]``, what ``--filter-by-os`` is matched against."""
        return f"{self.os}/{self.architecture}" + (f"/{self.variant}" if self.variant else "")


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A pointer to a blob or a manifest.

    Attributes:
        media_type: what the bytes are.
        digest: of the bytes as stored (compressed, for a layer).
        size_bytes: their number.
        platform: in an index, what the manifest is for.
        annotations: free pairs.
    """

    media_type: str
    digest: Digest
    size_bytes: int
    platform: Platform | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawManifest:
    """A manifest or an index as it was stored: the exact bytes, which its digest covers.

    Attributes:
        content: the bytes.
        media_type: from the registry's answer or the descriptor.
        digest: of ``content``.
    """

    content: bytes
    media_type: str
    digest: Digest

    @classmethod
    def of(cls, content: bytes, media_type: str) -> "RawManifest":
        """Make one of new bytes; the digest is computed."""
        return cls(content, media_type, Digest.of(content))

    @property
    def descriptor(self) -> Descriptor:
        """A descriptor of these bytes, without a platform."""
        return Descriptor(self.media_type, self.digest, len(self.content))

    def descriptor_for(self, platform: Platform) -> Descriptor:
        """A descriptor of these bytes for an index, with the platform that they are for."""
        return Descriptor(self.media_type, self.digest, len(self.content), platform)

    @property
    def is_index(self) -> bool:
        """Whether the media type is that of an index or a manifest list."""
        return self.media_type in INDEX_TYPES
