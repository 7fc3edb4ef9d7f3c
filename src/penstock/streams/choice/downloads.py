"""Disks that an installer downloads: vSphere, OpenStack, Nutanix, IBM Cloud, bare metal, and every other platform of the stream."""

from penstock.model.errors import NotFoundError
from penstock.model.record import given
from penstock.model.stream import Artifact, PlatformArtifacts, Stream
from penstock.streams.choice.answer import ChoiceRule, ImageAnswer, ImageForm
from penstock.streams.choice.request import ImageRequest
from penstock.streams.queries import architecture, message_prefix, only_disk, query_disk, url_with_served_sha256, url_with_sha256

_ARTIFACTS = {"vsphere": "vmware"}
_USUAL_FORMATS = {"vsphere": "ova", "metal": "iso"}


def choose_download(stream: Stream, request: ImageRequest) -> ImageAnswer:
    """The URL of the platform's disk, with the checksum that the installer's cache compares.

    That is the checksum of the content without compression.  A file that is not compressed has one checksum only, which upstream leaves
    out but for vSphere's.

    Raises:
        NotFoundError: there is no such disk.
        InputError: the platform has several, and no format was named.
    """
    asked = _ARTIFACTS.get(request.platform, request.platform)
    platforms = given(architecture(stream, request.arch).artifacts) or {}
    name = asked if asked in platforms else next((each for each in platforms if each.lower() == asked.lower()), asked)
    artifacts = platforms.get(name)
    if artifacts is None:
        problem = f"{message_prefix(stream, request.arch)}: No {name} build found"
        raise NotFoundError(problem, hint=f"there are: {', '.join(platforms) or 'none'}")
    disk = _disk(stream, request, name, artifacts)
    served = request.platform == "vsphere" or not given(disk.uncompressed_sha256)
    url = url_with_served_sha256(disk) if served else url_with_sha256(disk)
    checksum = "the file as served" if served else "the file's content"
    reason = f"the stream's disk for {name}, with the checksum of {checksum}"
    return ImageAnswer(url, ImageForm.URL, ChoiceRule.DISK, reason, given(artifacts.release) or "")


def _disk(stream: Stream, request: ImageRequest, name: str, artifacts: PlatformArtifacts) -> Artifact:
    format_name = request.format_name or _USUAL_FORMATS.get(request.platform, "")
    return query_disk(stream, request.arch, name, format_name) if format_name else only_disk(artifacts)
