"""Stream metadata: which boot images a release of CoreOS has, for each architecture, platform and cloud.

The documents are those of stream-metadata-go (``stream/stream.go``, ``stream/rhcos/rhcos.go``), which Fedora CoreOS publishes and the
OpenShift installer carries; the fields stand in that library's order, in which it writes them.  Platforms, formats, regions and
architectures are open maps.  What real files leave out may be left out here; only what makes the document one is required.
"""

from collections.abc import Mapping

import msgspec

from penstock.model.digest import Digest
from penstock.model.marketplace import Marketplace
from penstock.model.record import Maybe, Record, given

_UNSET = msgspec.UNSET


class Artifact(Record, frozen=True, kw_only=True, rename="kebab"):
    """A file to download."""

    location: str
    """Its URL; the last element of the path is the file's name."""
    signature: Maybe[str] = _UNSET
    """The URL of a detached OpenPGP signature; Fedora CoreOS alone has it."""
    sha256: str
    """Of the file as served; read it through :attr:`digest`."""
    uncompressed_sha256: Maybe[str] = _UNSET
    """Of its content, where the file is compressed."""

    @property
    def digest(self) -> Digest:
        """The digest of the file as served.

        Raises:
            InputError: ``sha256`` is none.
        """
        return Digest.from_sha256(self.sha256)

    @property
    def file_name(self) -> str:
        """The last element of the URL's path."""
        return self.location.partition("?")[0].rpartition("/")[2]


class ImageFormat(Record, frozen=True, kw_only=True, rename="kebab"):
    """The files of one format: a disk, or what a network boot needs."""

    disk: Maybe[Artifact] = _UNSET
    kernel: Maybe[Artifact] = _UNSET
    initramfs: Maybe[Artifact] = _UNSET
    rootfs: Maybe[Artifact] = _UNSET


class PlatformArtifacts(Record, frozen=True, kw_only=True, rename="kebab"):
    """The files for one platform, by format: ``qcow2.xz``, ``iso``, ``pxe``."""

    release: Maybe[str] = _UNSET
    """The build, for example ``9.6.20250826-1``; platforms of one stream may have different ones."""
    formats: Maybe[Mapping[str, ImageFormat]] = _UNSET


class RegionImage(Record, frozen=True, kw_only=True, rename="kebab"):
    """An image in one region of a cloud."""

    release: Maybe[str] = _UNSET
    image: Maybe[str] = _UNSET
    """For example ``ami-0123456789abcdef0``."""


class ReplicatedImage(Record, frozen=True, kw_only=True, rename="kebab"):
    """An image in every region of a cloud: AWS, Aliyun, and the AWS copies with a Windows licence."""

    regions: Maybe[Mapping[str, RegionImage]] = _UNSET


class GcpImage(Record, frozen=True, kw_only=True, rename="kebab"):
    """An image in Google Cloud."""

    release: Maybe[str] = _UNSET
    project: Maybe[str] = _UNSET
    family: Maybe[str] = _UNSET
    name: Maybe[str] = _UNSET


class RegionObject(Record, frozen=True, kw_only=True, rename="kebab"):
    """An object in a bucket of one region."""

    release: Maybe[str] = _UNSET
    object: Maybe[str] = _UNSET
    bucket: Maybe[str] = _UNSET
    url: Maybe[str] = _UNSET


class ReplicatedObject(Record, frozen=True, kw_only=True, rename="kebab"):
    """An object in every region: IBM Cloud and PowerVS."""

    regions: Maybe[Mapping[str, RegionObject]] = _UNSET


class ContainerImage(Record, frozen=True, kw_only=True, rename="kebab"):
    """A container image, for KubeVirt."""

    release: Maybe[str] = _UNSET
    image: Maybe[str] = _UNSET
    """A pullspec with a tag that moves."""
    digest_ref: Maybe[str] = _UNSET
    """The same image, pinned."""


class AzureGalleryImage(Record, frozen=True, kw_only=True, rename="camel"):
    """A version of an image in an Azure compute gallery; in a community gallery where no resource group is named."""

    release: Maybe[str] = _UNSET
    """The build that the version holds, for example ``10.0.20250628-0``."""
    resource_group: Maybe[str] = _UNSET
    gallery: str
    """Its name; of a community gallery the public name."""
    image: str
    """The image definition."""
    version: str
    """Three dotted numbers, or ``latest``."""

    @property
    def id(self) -> str:
        """What a virtual machine is made from; that of a community gallery begins with ``/CommunityGalleries/``."""
        group = given(self.resource_group)
        if group is None:
            return f"/CommunityGalleries/{self.gallery}/Images/{self.image}/Versions/{self.version}"
        place = f"/resourceGroups/{group}/providers/Microsoft.Compute/galleries/{self.gallery}"
        return f"{place}/images/{self.image}/versions/{self.version}"


class Images(Record, frozen=True, kw_only=True, rename="kebab"):
    """Images that stand in clouds already."""

    aliyun: Maybe[ReplicatedImage] = _UNSET
    aws: Maybe[ReplicatedImage] = _UNSET
    azure_community: Maybe[str | AzureGalleryImage] = _UNSET
    """Proposed, and in no upstream reader: the image of an Azure community gallery, as one id or in its parts."""
    gcp: Maybe[GcpImage] = _UNSET
    ibmcloud: Maybe[ReplicatedObject] = _UNSET
    kubevirt: Maybe[ContainerImage] = _UNSET
    powervs: Maybe[ReplicatedObject] = _UNSET


class AzureDisk(Record, frozen=True, kw_only=True, rename="kebab"):
    """The VHD that Red Hat serves for Azure."""

    release: Maybe[str] = _UNSET
    url: Maybe[str] = _UNSET


class Extensions(Record, frozen=True, kw_only=True, rename="kebab"):
    """What RHEL CoreOS adds to an architecture of a stream."""

    aws_winli: Maybe[ReplicatedImage] = _UNSET
    azure_disk: Maybe[AzureDisk] = _UNSET
    marketplace: Maybe[Marketplace] = _UNSET


class StreamArch(Record, frozen=True, kw_only=True, rename="kebab"):
    """One architecture of a stream."""

    artifacts: Maybe[Mapping[str, PlatformArtifacts]] = _UNSET
    images: Maybe[Images] = _UNSET
    rhel_coreos_extensions: Maybe[Extensions] = _UNSET

    def disk(self, platform: str, format_name: str) -> Artifact | None:
        """The disk of this platform in this format (``metal``, ``iso``), or None."""
        artifacts = (given(self.artifacts) or {}).get(platform)
        formats = given(artifacts.formats) if artifacts else None
        chosen = (formats or {}).get(format_name)
        return given(chosen.disk) if chosen else None


class StreamMetadata(Record, frozen=True, kw_only=True, rename="kebab"):
    """When a stream document was made, and by what."""

    last_modified: Maybe[str] = _UNSET
    """RFC 3339, UTC, whole seconds: ``2026-07-21T14:07:12Z``."""
    generator: Maybe[str] = _UNSET


class Stream(Record, frozen=True, kw_only=True, rename="kebab"):
    """A stream document."""

    stream: str
    """Its name; do not read a version from it: generators keep the old name when they put newer builds in."""
    metadata: Maybe[StreamMetadata] = _UNSET
    architectures: Mapping[str, StreamArch]
    """By RPM architecture: ``x86_64``."""
