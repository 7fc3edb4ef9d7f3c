"""Rules about the files of a stream: addresses, names, checksums, signatures."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from penstock.formats.stream_schema import SHA256, URL
from penstock.formats.text import Path
from penstock.model.arch import Arch
from penstock.model.record import given
from penstock.model.stream import Artifact, Stream
from penstock.streams.lint.builds import is_fedora
from penstock.streams.lint.findings import Findings, Level, LintRule, found

_ARCH: Final = re.compile(rf"(?<![A-Za-z0-9_])(?:{'|'.join(Arch)})(?![A-Za-z0-9_])")
_RELEASE: Final = re.compile(
    r"(?<![0-9.])(?:[0-9]+\.[0-9]+\.[0-9]{12}-[0-9]+|[0-9]+\.[0-9]+\.[0-9]{8}-[0-9]+|[0-9]+\.[0-9]{8}\.[0-9a-z]+\.[0-9]+)"
)
_COMPRESSIONS: Final = frozenset({"gz", "xz", "zip", "zst", "bz2"})
_PARTS: Final = ("disk", "kernel", "initramfs", "rootfs")
_VARIANT: Final = re.compile(r"^(?:4k|installer|secex)\.")
"""What a format may say beside the format: blocks of 4 KiB, the older installer, IBM's Secure Execution."""
_METAL_NAMES: Final = {
    "iso": ("live", "live-iso"),
    "installer.iso": ("installer", "installer-iso", "iso"),
    "pxe": ("live-{part}",),
    "installer-pxe": ("installer-{part}", "{part}"),
}
"""What the assembler calls the files for bare metal that are no plain disks; ``{part}`` is kernel, initramfs or rootfs."""


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A file, and the keys above it.

    Attributes:
        arch: the architecture.
        platform: the platform.
        release: that the platform says it has, or ``""``.
        format_name: the format.
        part: ``disk``, ``kernel``, ``initramfs`` or ``rootfs``.
        artifact: the file.
    """

    arch: str
    platform: str
    release: str
    format_name: str
    part: str
    artifact: Artifact

    @property
    def path(self) -> Path:
        """Of the file, in the document."""
        return ("architectures", self.arch, "artifacts", self.platform, "formats", self.format_name, self.part)


def files_of(stream: Stream) -> Iterator[FilePlace]:
    """Every file of a stream."""
    for arch, entry in stream.architectures.items():
        for platform, artifacts in (given(entry.artifacts) or {}).items():
            for format_name, files in (given(artifacts.formats) or {}).items():
                for part in _PARTS:
                    artifact = given(getattr(files, part))
                    if artifact is not None:
                        yield FilePlace(arch, platform, given(artifacts.release) or "", format_name, part, artifact)


def lint_files(stream: Stream) -> Findings:
    """Look at every file."""
    places = list(files_of(stream))
    for arch, entry in stream.architectures.items():
        for platform, artifacts in (given(entry.artifacts) or {}).items():
            if given(artifacts.formats) and not given(artifacts.release):
                path = ("architectures", arch, "artifacts", platform)
                yield found(LintRule.RELEASE_MISSING, path, "the platform has files and no release; readers do not find it")
    fedora = is_fedora(stream)
    for place in places:
        yield from _location(place)
        yield from lint_file_name(place.artifact.location, place.arch, place.release, (*place.path, "location"))
        yield from _platform_and_format(place)
        yield from _checksums(place, fedora=fedora)
    yield from _shared_checksums(places)
    yield from _signatures(places)


def lint_file_name(location: str, arch: str, release: str, path: Path) -> Findings:
    """Whether the name of a file tells of another architecture or build than the document; a name may tell of none."""
    name = _file_name(location)
    archs = set(_ARCH.findall(name))
    if archs and arch not in archs:
        yield found(LintRule.FILE_ARCH, path, f"the file stands under {arch}, and its name says {', '.join(sorted(archs))}: {name}")
    builds = set(_RELEASE.findall(name))
    if builds and release and not re.search(rf"(?<![0-9.]){re.escape(release)}(?![0-9])", name):
        yield found(LintRule.FILE_RELEASE, path, f"the release is {release}, and the file's name says {', '.join(sorted(builds))}: {name}")


def is_compressed(format_name: str) -> bool | None:
    """Whether files of this format are compressed; None for archives (``tar.gz``): some generators sum up their content, others do not."""
    stem, _, suffix = format_name.rpartition(".")
    if suffix in _COMPRESSIONS and (stem == "tar" or stem.endswith(".tar")):
        return None
    return suffix in _COMPRESSIONS


def _file_name(location: str) -> str:
    return location.partition("?")[0].rpartition("/")[2]


def _location(place: FilePlace) -> Findings:
    if not re.match(URL, place.artifact.location):
        message = f"{place.artifact.location!r} is no address of a file, http or https"
        yield found(LintRule.LOCATION, (*place.path, "location"), message)


def _platform_and_format(place: FilePlace) -> Findings:
    name = _file_name(place.artifact.location)
    _, separator, rest = name.partition(f"{place.release}-")
    if not (place.release and separator):
        return
    told = re.fullmatch(rf"(?P<platform>[a-z0-9-]+?)[.-]{re.escape(place.arch)}(?:\.(?P<format>.+))?", rest)
    if told is None:
        return
    path = (*place.path, "location")
    if told["platform"] not in _platform_names(place):
        message = f"the file is for {place.platform} {place.format_name}, and its name says {told['platform']}: {name}"
        yield found(LintRule.FILE_PLATFORM, path, message)
    wanted = _VARIANT.sub("", place.format_name) if place.part == "disk" else None
    if wanted is not None and (told["format"] or "") != wanted:
        yield found(LintRule.FILE_FORMAT, path, f"the format is {place.format_name}, and the file's name says {told['format']}: {name}")


def _platform_names(place: FilePlace) -> tuple[str, ...]:
    """What a file for this platform and format may be called."""
    if place.platform != "metal":
        return (f"{place.platform}-secex" if place.format_name.startswith("secex.") else place.platform,)
    names = _METAL_NAMES.get(place.format_name)
    if names is not None:
        return tuple(name.format(part=place.part) for name in names)
    return ("metal4k",) if place.format_name.startswith("4k.") else ("metal", "metal-bios", "metal-uefi")


def _checksums(place: FilePlace, *, fedora: bool) -> Findings:
    artifact, path = place.artifact, place.path
    content = given(artifact.uncompressed_sha256)
    for key, value in (("sha256", artifact.sha256), ("uncompressed-sha256", content)):
        if value is not None and not re.match(SHA256, value):
            yield found(LintRule.SHA256_FORM, (*path, key), f"{value!r} is no SHA-256, which is 64 digits of 0-9a-f")
    compressed = is_compressed(place.format_name) if place.part == "disk" else False
    rule, where = LintRule.UNCOMPRESSED_SHA256, (*path, "uncompressed-sha256")
    if compressed and not content:
        message = f"{place.format_name} is compressed, and the checksum of its content is missing"
        # OpenShift's installer checks the content alone; Fedora's streams had no such checksum until 2020.
        yield found(rule, where, message, Level.WARNING if fedora else Level.ERROR)
    elif compressed and content == artifact.sha256:
        yield found(rule, where, "the file and its content cannot have one checksum")
    elif compressed is False and content is not None:
        message = "the file is not compressed, and has a checksum of its content beside its own"
        yield found(rule, where, message, Level.ERROR if content != artifact.sha256 else Level.WARNING)


def _shared_checksums(places: list[FilePlace]) -> Findings:
    first: dict[str, FilePlace] = {}
    for place in places:
        other = first.setdefault(place.artifact.sha256, place)
        one_kernel = other.part == place.part == "kernel" and other.arch == place.arch  # of the installer and of the live system
        if other.artifact.file_name != place.artifact.file_name and not one_kernel:
            message = f"the checksum is that of another file too, {other.artifact.file_name}"
            yield found(LintRule.SHA256_SHARED, (*place.path, "sha256"), message)


def _signatures(places: list[FilePlace]) -> Findings:
    unsigned = [place for place in places if not given(place.artifact.signature)]
    if len(unsigned) == len(places):
        return
    for place in unsigned:
        yield found(LintRule.SIGNATURE_MISSING, (*place.path, "signature"), "other files of the stream are signed, and this one is not")
