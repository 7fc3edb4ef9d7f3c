"""Every file that a stream names, with its place in the document."""

from collections.abc import Iterator
from dataclasses import dataclass

from penstock.model.record import given
from penstock.model.stream import Artifact, ImageFormat, Stream

PARTS = ("disk", "kernel", "initramfs", "rootfs")
"""The attributes of :class:`~penstock.model.stream.ImageFormat`, in the order of the document."""


@dataclass(frozen=True, slots=True)
class StreamArtifact:
    """A file, where a stream has it.

    Attributes:
        arch: the RPM architecture, or another key of ``architectures``.
        platform: for example ``metal``.
        format: for example ``iso``.
        part: one of :data:`PARTS`.
        release: the build, or None where the platform does not tell it.
        artifact: what the stream says of it.
    """

    arch: str
    platform: str
    format: str
    part: str
    release: str | None
    artifact: Artifact

    @property
    def slot(self) -> str:
        """``metal iso disk x86_64``: as the ledger's edges and people call it."""
        return f"{self.platform} {self.format} {self.part} {self.arch}"


def artifacts_of(stream: Stream) -> Iterator[StreamArtifact]:
    """Every file of ``stream``, sorted by architecture, platform and format."""
    for arch, architecture in sorted(stream.architectures.items()):
        for platform, artifacts in sorted((given(architecture.artifacts) or {}).items()):
            for name, image_format in sorted((given(artifacts.formats) or {}).items()):
                for part, artifact in parts_of(image_format):
                    yield StreamArtifact(arch, platform, name, part, given(artifacts.release), artifact)


def parts_of(image_format: ImageFormat) -> Iterator[tuple[str, Artifact]]:
    """The files of a format that are there."""
    for part in PARTS:
        artifact: Artifact | None = given(getattr(image_format, part))
        if artifact is not None:
            yield part, artifact
