"""A release to a stream: the release's id goes into every entry (stream-metadata-go ``release/translate.go``).

Two rules look odd and are upstream's: the Azure disk is carried only where the release has artifacts for Azure, the AWS copies with a
Windows licence only where it has some for AWS.
"""

from collections.abc import Mapping

from penstock.model.coreos_release import CoreosRelease, GlobalImage, Media, RegionalImage, ReleaseArch, ReleaseArtifact, ReleaseFormat
from penstock.model.record import Maybe, given
from penstock.model.stream import (
    Artifact,
    AzureDisk,
    ContainerImage,
    Extensions,
    GcpImage,
    ImageFormat,
    Images,
    PlatformArtifacts,
    RegionImage,
    RegionObject,
    ReplicatedImage,
    ReplicatedObject,
    Stream,
    StreamArch,
    StreamMetadata,
)

_PARTS = ("disk", "kernel", "initramfs", "rootfs")


def stream_of_releases(releases: Mapping[str, CoreosRelease], *, name: str, metadata: StreamMetadata) -> Stream:
    """A stream that has each architecture from the release that is given for it."""
    architectures = {arch: stream_arch(release, arch) for arch, release in releases.items()}
    return Stream(stream=name, metadata=metadata, architectures=architectures)


def stream_arch(release: CoreosRelease, arch: str) -> StreamArch:
    """What a stream says of this architecture of a release."""
    found = release.architectures[arch]
    media = {platform: one for platform, one in found.media.items() if one is not None}
    made = StreamArch(
        artifacts={platform: PlatformArtifacts(release=release.release, formats=_formats(one)) for platform, one in media.items()},
        images=_images(release.release, media),
    )
    extensions = _extensions(release.release, found, media)
    return made if extensions is None else made.with_fields(rhel_coreos_extensions=extensions)


def _formats(media: Media) -> dict[str, ImageFormat]:
    return {name: _format(one) for name, one in (given(media.artifacts) or {}).items()}


def _format(found: ReleaseFormat) -> ImageFormat:
    parts = {part: given(getattr(found, part)) for part in _PARTS}
    return ImageFormat().with_fields(**{part: _artifact(one) for part, one in parts.items() if one is not None})


def _artifact(found: ReleaseArtifact) -> Artifact:
    optional = {"signature": given(found.signature), "uncompressed_sha256": given(found.uncompressed_sha256)}
    made = Artifact(location=found.location, sha256=found.sha256)
    return made.with_fields(**{key: value for key, value in optional.items() if value})


def _images(release: str, media: Mapping[str, Media]) -> Images:
    fields: dict[str, object] = {}
    for cloud in ("aliyun", "aws"):
        images = given(media[cloud].images) if cloud in media else None
        if images is not None:
            fields[cloud] = _replicated(release, images)
    for cloud in ("ibmcloud", "powervs"):
        objects = given(media[cloud].images) if cloud in media else None
        if objects is not None:
            regions = {region: _object(release, one) for region, one in objects.items()}
            fields[cloud] = ReplicatedObject(regions=regions) if regions else ReplicatedObject()
    gcp = given(media["gcp"].image) if "gcp" in media else None
    if gcp is not None:
        fields["gcp"] = _gcp(release, gcp)
    kubevirt = given(media["kubevirt"].image) if "kubevirt" in media else None
    if kubevirt is not None:
        fields["kubevirt"] = ContainerImage(release=release, image=given(kubevirt.image) or "", digest_ref=given(kubevirt.digest_ref) or "")
    return Images().with_fields(**fields)


def _gcp(release: str, found: GlobalImage) -> GcpImage:
    made = GcpImage(release=release, project=given(found.project) or "", name=given(found.name) or "")
    family = given(found.family)
    return made.with_fields(family=family) if family else made


def _object(release: str, found: RegionalImage) -> RegionObject:
    return RegionObject(release=release, object=given(found.object) or "", bucket=given(found.bucket) or "", url=given(found.url) or "")


def _replicated(release: str, images: Mapping[str, RegionalImage]) -> ReplicatedImage:
    regions = {region: RegionImage(release=release, image=given(one.image) or "") for region, one in images.items()}
    return ReplicatedImage(regions=regions) if regions else ReplicatedImage()


def _extensions(release: str, arch: ReleaseArch, media: Mapping[str, Media]) -> Extensions | None:
    found = given(arch.rhel_coreos_extensions)
    if found is None:
        return None
    fields: dict[str, object] = {}
    winli = given(found.aws_winli)
    images = given(winli.images) if winli else None
    if images is not None and "aws" in media:
        fields["aws_winli"] = _replicated(release, images)
    disk = given(found.azure_disk)
    if disk is not None and "azure" in media:
        fields["azure_disk"] = _disk(release, disk.url)
    return Extensions().with_fields(**fields)


def _disk(release: str, url: Maybe[str]) -> AzureDisk:
    given_url = given(url)
    return AzureDisk(release=release, url=given_url) if given_url else AzureDisk(release=release)
