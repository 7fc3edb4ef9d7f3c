"""What stands in ``machine-os-images``, and what its files say of each other.

The image holds ``/coreos/coreos-ARCH.iso`` of the default OS stream and ``/coreos/coreos-stream.json``, the stream metadata that it was
downloaded by; of a stream rhel-N beside it the same with ``coreosN`` (openshift/machine-os-images: ``fetch_image.sh``).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from penstock.formats.iso9660.reader import Iso9660
from penstock.formats.stream import iso_sha256, parse_stream
from penstock.imageservice.prepare import version_of_volume_id
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import InputError, NotFoundError, VerificationError
from penstock.model.record import given
from penstock.model.stream import Stream
from penstock.payload.extract import KnownDigests, StagedFile
from penstock.payload.known_files import known_iso_digests
from penstock.payload.memory import MemoryStaging
from penstock.payload.release import Release
from penstock.ports import Outlet, Staging

DOCUMENTS = "(documents)"
"""The destination of what is only read."""

_LONGEST_DOCUMENTS_BYTES = 32 << 20
_DEFAULT_PREFIX = "coreos"
_KNOWN_PATH = re.compile(r"/coreos/(coreos\d*)-.+\.iso")
_NUMBERED_TAG = re.compile(r"(?:rhel|stream)-coreos-(\d+)")


class NoIso(NotFoundError):
    """The image is there, and holds no ISO for the architecture."""


@dataclass(frozen=True, slots=True)
class StreamIso:
    """The ISO of one OS stream for one architecture.

    Attributes:
        prefix: ``coreos`` for the default stream, ``coreos10`` for rhel-10 beside it.
        arch: of the machines that boot it.
    """

    prefix: str
    arch: Arch

    @property
    def name(self) -> str:
        """Of the file."""
        return f"{self.prefix}-{self.arch.value}.iso"

    @property
    def path(self) -> str:
        """In the image."""
        return f"/coreos/{self.name}"

    @property
    def document(self) -> str:
        """The name of the stream metadata beside it."""
        return f"{self.prefix}-stream.json"

    @property
    def stream(self) -> str:
        """``rhel-10``, or ``""`` for the default stream."""
        number = self.prefix.removeprefix(_DEFAULT_PREFIX)
        return f"rhel-{number}" if number else ""


def stream_isos(release: Release, arch: Arch) -> tuple[StreamIso, ...]:
    """The ISOs that the image of this release may hold, the default stream's first.

    The image itself has no list; looking for a file that is not there means reading all its layers, so only streams that the release
    knows are looked for.
    """
    known = (_KNOWN_PATH.fullmatch(path) for path in known_iso_digests(release.bootimages))
    tagged = (_NUMBERED_TAG.fullmatch(pair.image) for pair in release.os_streams)
    prefixes = {found[1] for found in known if found} | {f"{_DEFAULT_PREFIX}{found[1]}" for found in tagged if found}
    others = sorted(prefixes - {_DEFAULT_PREFIX}, key=lambda prefix: (len(prefix), prefix))
    return tuple(StreamIso(prefix, arch) for prefix in (_DEFAULT_PREFIX, *others))


class DocumentsAside:
    """:class:`penstock.ports.Outlet` that keeps :data:`DOCUMENTS` in memory, and gives everything else to another one."""

    def __init__(self, outlet: Outlet, *, subject: str) -> None:
        self._outlet = outlet
        self._subject = subject

    def stage(self, directory: str, *, replace: bool) -> Staging:
        """See :class:`penstock.ports.Outlet`."""
        if directory == DOCUMENTS:
            return MemoryStaging(subject=self._subject, limit_bytes=_LONGEST_DOCUMENTS_BYTES)
        return self._outlet.stage(directory, replace=replace)


class IsoInspection:
    """:data:`penstock.payload.extract.Inspection` of what came out of ``machine-os-images``.

    Attributes:
        isos: those that are expected.
        builds: the build of CoreOS of each ISO, by the name of its file; filled by the inspection.
    """

    def __init__(self, isos: Sequence[StreamIso], *, subject: str) -> None:
        """Expect some of ``isos`` in the image ``subject``."""
        self.isos = isos
        self._subject = subject
        self.builds: dict[str, str] = {}

    def __call__(self, staged: Sequence[StagedFile]) -> KnownDigests:
        """What the stream metadata in the image says of the ISOs.

        Raises:
            NoIso: there is none.
            VerificationError: a file is no ISO of CoreOS, or of another build than the stream metadata says.
        """
        by_name = {file.path.name: file for file in staged}
        known: dict[str, dict[str, Digest]] = {}
        for iso in self.isos:
            if iso.name not in by_name:
                continue
            build = self.builds[iso.name] = _build_of(by_name[iso.name], iso.path)
            if iso.document in by_name:
                said = f"/coreos/{iso.document}"
                stream = _stream_in(by_name[iso.document], f"{self._subject} {said}")
                _compare_builds(iso, build, stream, said)
                if (found := iso_sha256(stream, iso.arch)) is not None:
                    known[iso.path] = {said: found[0]}
        if not self.builds:
            wanted = " or ".join(iso.path for iso in self.isos)
            raise NoIso(f"the image has no {wanted}", subject=self._subject, hint="name an ISO for it in OS_IMAGES")
        return known


def _build_of(file: StagedFile, path: str) -> str:
    try:
        with file.open() as content:
            return version_of_volume_id(Iso9660.open(content, subject=path).volume_id, subject=path)
    except InputError as error:
        raise VerificationError(error.message, subject=path, hint="the payload holds another thing than an ISO of CoreOS") from error


def _stream_in(file: StagedFile, subject: str) -> Stream:
    try:
        with file.open() as content:
            return parse_stream(content.read(), subject=subject)
    except InputError as error:
        raise VerificationError(error.message, subject=error.subject, hint="the payload is broken") from error


def _compare_builds(iso: StreamIso, build: str, stream: Stream, said: str) -> None:
    architecture = stream.architectures.get(iso.arch.value)
    artifacts = given(architecture.artifacts) if architecture else None
    metal = (artifacts or {}).get("metal")
    release = given(metal.release) if metal else None
    if release and release != build:
        raise VerificationError(f"is build {build}, where {said} says {release}", subject=iso.path, hint="the payload is broken")
