"""What installers ask of a stream, answered in their words: an architecture, an image in a region, a disk, an address to pass on.

The failures carry the messages of stream-metadata-go (``stream/stream_utils.go``) and of the installer (``pkg/rhcos``), which people
search for; they have no subject for that reason.
"""

from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from penstock.model.errors import InputError, NotFoundError
from penstock.model.record import Maybe, given
from penstock.model.stream import Artifact, Images, PlatformArtifacts, RegionImage, ReplicatedImage, Stream, StreamArch


def message_prefix(stream: Stream, arch: str) -> str:
    """What a message about this architecture starts with: ``stable/x86_64``."""
    return f"{stream.stream}/{arch}"


def architecture(stream: Stream, arch: str) -> StreamArch:
    """The stream's entry for this RPM architecture.

    Raises:
        NotFoundError: it has none.
    """
    found = stream.architectures.get(arch)
    if found is None:
        raise NotFoundError(f"stream:{stream.stream} does not have architecture '{arch}'", hint=_there_are(stream.architectures))
    return found


def aws_image(stream: Stream, arch: str, region: str) -> RegionImage:
    """The image in this region of AWS, with its release.

    Raises:
        NotFoundError: there is none.
    """
    images = given(architecture(stream, arch).images) or Images()
    return _in_region(images.aws, region, cloud="AWS", prefix=message_prefix(stream, arch))


def ami(stream: Stream, arch: str, region: str) -> str:
    """The id of the image in this region of AWS, for example ``ami-0123456789abcdef0``.

    Raises:
        NotFoundError: there is none.
    """
    return given(aws_image(stream, arch, region).image) or ""


def aliyun_image(stream: Stream, arch: str, region: str) -> RegionImage:
    """The image in this region of Aliyun, with its release.

    Raises:
        NotFoundError: there is none.
    """
    images = given(architecture(stream, arch).images) or Images()
    return _in_region(images.aliyun, region, cloud="Aliyun", prefix=message_prefix(stream, arch))


def query_disk(stream: Stream, arch: str, platform: str, format_name: str) -> Artifact:
    """The disk of this platform in this format.  A platform without a release is none.

    Raises:
        NotFoundError: there is no such disk.
    """
    prefix = message_prefix(stream, arch)
    entry = architecture(stream, arch)
    platforms = given(entry.artifacts) or {}
    if platform not in platforms or not given(platforms[platform].release):
        raise NotFoundError(f"{prefix}: artifact '{platform}' not found", hint=_there_are(platforms))
    disk = entry.disk(platform, format_name)
    if disk is None:
        formats = given(platforms[platform].formats) or {}
        raise NotFoundError(f"{prefix}: artifact '{platform}' format '{format_name}' disk not found", hint=_there_are(formats))
    return disk


def only_disk(platform: PlatformArtifacts) -> Artifact:
    """The one disk of a platform, whatever its format: ``qcow2.gz`` here is ``qcow2.xz`` there.

    Raises:
        NotFoundError: it has none.
        InputError: it has several.
    """
    disks = {name: disk for name, files in (given(platform.formats) or {}).items() if (disk := given(files.disk)) is not None}
    if not disks:
        raise NotFoundError('no "disk" artifact found', hint="the platform has no disk in any format")
    if len(disks) > 1:
        raise InputError('multiple "disk" artifacts found', hint=f"name the format: {', '.join(sorted(disks))}")
    return next(iter(disks.values()))


def url_with_sha256(artifact: Artifact) -> str:
    """The address with ``sha256``, the checksum of the content without compression, as most of the installer passes it on.

    The value is empty where the stream has no such checksum, as upstream's is; who reads it then checks nothing.

    Raises:
        InputError: the address is none.
    """
    return _with_query(artifact.location, "sha256", given(artifact.uncompressed_sha256) or "")


def url_with_served_sha256(artifact: Artifact) -> str:
    """The address with ``sha256``, the checksum of the file as served, as the installer's vSphere part passes it on.

    Raises:
        InputError: the address is none.
    """
    return _with_query(artifact.location, "sha256", artifact.sha256)


def url_with_compressed_sha256(artifact: Artifact) -> str:
    """The address with ``compressed-sha256``, the checksum of the file as served, for those who keep it compressed (GCP).

    Raises:
        InputError: the address is none, or there is no checksum: what cannot be checked must not look as if it could.
    """
    if not artifact.sha256:
        raise InputError(f"artifact {artifact.location} has no sha256 checksum", hint="take the stream file from its publisher again")
    return _with_query(artifact.location, "compressed-sha256", artifact.sha256)


def _in_region(images: Maybe[ReplicatedImage], region: str, *, cloud: str, prefix: str) -> RegionImage:
    replicated = given(images)
    if replicated is None:
        raise NotFoundError(f"{prefix}: No {cloud} images")
    regions = given(replicated.regions) or {}
    found = regions.get(region)
    if found is None or not given(found.image):
        raise NotFoundError(f"{prefix}: No {cloud} images in region {region}", hint=_there_are(regions))
    return found


def _with_query(url: str, name: str, value: str) -> str:
    """The address with this parameter, the others kept; sorted and escaped as Go's ``net/url`` does it."""
    try:
        parts = urlsplit(url)
        others = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != name]
    except ValueError as error:
        raise InputError(f"failed to parse artifact URL: {error}", subject=url) from None
    query = urlencode(sorted([*others, (name, value)], key=lambda pair: pair[0]))
    return urlunsplit(parts._replace(query=query))


def _there_are(names: Iterable[str]) -> str:
    return f"there are: {', '.join(sorted(names)) or 'none'}"
