"""What a release of CoreOS consists of (``release.json``), and the list of a stream's releases (``releases.json``).

coreos/stream-metadata-go: ``release/release.go``, ``release/rhcos/rhcos.go``; coreos/fedora-coreos-tracker: ``metadata/release-index``.
The fields stand in that library's order.  Platforms and formats are open maps, and a platform may be null: the library writes all it
knows.  These are releases of the operating system; those of OpenShift are in :mod:`penstock.model.release`.
"""

from collections.abc import Mapping, Sequence

import msgspec

from penstock.model.record import Maybe, Record

_UNSET = msgspec.UNSET


class ReleaseArtifact(Record, frozen=True, kw_only=True, rename="kebab"):
    """A file to download."""

    location: str
    signature: Maybe[str] = _UNSET
    """The URL of a detached OpenPGP signature; unlike in a stream the key is there although it may be empty."""
    sha256: str
    uncompressed_sha256: Maybe[str] = _UNSET


class ReleaseFormat(Record, frozen=True, kw_only=True, rename="kebab"):
    """The files of one format."""

    disk: Maybe[ReleaseArtifact] = _UNSET
    kernel: Maybe[ReleaseArtifact] = _UNSET
    initramfs: Maybe[ReleaseArtifact] = _UNSET
    rootfs: Maybe[ReleaseArtifact] = _UNSET


class RegionalImage(Record, frozen=True, kw_only=True, rename="kebab"):
    """What stands in one region of a cloud: an image of AWS and Aliyun, an object of IBM Cloud and PowerVS."""

    image: Maybe[str] = _UNSET
    object: Maybe[str] = _UNSET
    bucket: Maybe[str] = _UNSET
    url: Maybe[str] = _UNSET


class GlobalImage(Record, frozen=True, kw_only=True, rename="kebab"):
    """What stands in no region: an image of Google Cloud, a container image of KubeVirt."""

    project: Maybe[str] = _UNSET
    family: Maybe[str] = _UNSET
    name: Maybe[str] = _UNSET
    image: Maybe[str] = _UNSET
    """A pullspec with a tag that moves."""
    digest_ref: Maybe[str] = _UNSET
    """The same image, pinned."""


class Media(Record, frozen=True, kw_only=True, rename="kebab"):
    """What there is for one platform."""

    artifacts: Maybe[Mapping[str, ReleaseFormat]] = _UNSET
    """By format."""
    images: Maybe[Mapping[str, RegionalImage]] = _UNSET
    """By region."""
    image: Maybe[GlobalImage] = _UNSET
    ignition_gpg_key: Maybe[ReleaseArtifact] = _UNSET
    """Of ``qemu-secex`` alone; streams do not carry it."""


class OciImage(Record, frozen=True, kw_only=True, rename="kebab"):
    """The operating system as a container image."""

    image: str
    """A pullspec with a tag that moves."""
    digest_ref: str
    """The same image, pinned."""


class ReleaseAzureDisk(Record, frozen=True, kw_only=True, rename="kebab"):
    """The VHD that Red Hat serves for Azure."""

    url: Maybe[str] = _UNSET


class ReleaseWinLi(Record, frozen=True, kw_only=True, rename="kebab"):
    """The AWS copies with a Windows licence."""

    images: Maybe[Mapping[str, RegionalImage]] = _UNSET
    """By region."""


class ReleaseExtensions(Record, frozen=True, kw_only=True, rename="kebab"):
    """What RHEL CoreOS adds to an architecture."""

    aws_winli: Maybe[ReleaseWinLi] = _UNSET
    azure_disk: Maybe[ReleaseAzureDisk] = _UNSET


class ReleaseArch(Record, frozen=True, kw_only=True, rename="kebab"):
    """One architecture of a release."""

    commit: Maybe[str] = _UNSET
    """The ostree commit; missing where the build was made from a container image."""
    oci_image: Maybe[OciImage] = _UNSET
    media: Mapping[str, Media | None]
    """By platform."""
    rhel_coreos_extensions: Maybe[ReleaseExtensions] = _UNSET


class Modified(Record, frozen=True, kw_only=True, rename="kebab"):
    """When a document was last changed."""

    last_modified: Maybe[str] = _UNSET
    """RFC 3339, UTC, whole seconds."""


class CoreosRelease(Record, frozen=True, kw_only=True, rename="kebab"):
    """A ``release.json``."""

    release: str
    """The build that all of it has, for example ``44.20260707.3.1``."""
    stream: str
    metadata: Maybe[Modified] = _UNSET
    architectures: Mapping[str, ReleaseArch]
    """By RPM architecture."""


class IndexCommit(Record, frozen=True, kw_only=True, rename="kebab"):
    """The ostree commit of one architecture."""

    architecture: str
    checksum: str


class IndexOciImage(Record, frozen=True, kw_only=True, rename="kebab"):
    """The container image of one architecture."""

    architecture: str
    image: str
    digest_ref: str


class IndexRelease(Record, frozen=True, kw_only=True, rename="kebab"):
    """A release, in the list."""

    commits: Maybe[Sequence[IndexCommit]] = _UNSET
    oci_images: Maybe[Sequence[IndexOciImage]] = _UNSET
    version: str
    metadata_url: str = msgspec.field(name="metadata")
    """The address of its ``release.json``."""


class ReleaseIndex(Record, frozen=True, kw_only=True, rename="kebab"):
    """A ``releases.json``."""

    note: Maybe[str] = _UNSET
    """For whoever reads the file by hand."""
    releases: Sequence[IndexRelease]
    """Oldest first."""
    metadata: Maybe[Modified] = _UNSET
    stream: str
