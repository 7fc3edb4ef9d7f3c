"""Requests as values: what a URL of the image service asks for, before anything is looked up.

The routes are those of OpenShift's image service (assisted-image-service: ``internal/handlers/``).
"""

from dataclasses import dataclass, field
from enum import StrEnum

from penstock.model.arch import Arch
from penstock.model.hosts import Credentials
from penstock.model.osimage import ImageType


@dataclass(frozen=True, slots=True)
class IsoAsk:
    """An ISO for a host.

    Attributes:
        host: the UUID of the infra-env.
        version: of CoreOS, OpenShift or the release, as it was asked for.
        arch: None where the text is no architecture, which is then not found.
        type: which ISO.
        credentials: to pass on.
    """

    host: str
    version: str
    arch: Arch | None
    type: ImageType
    credentials: Credentials = field(default_factory=Credentials)


@dataclass(frozen=True, slots=True)
class InitrdAsk:
    """An initramfs for a host's network boot, or (s390x) where it goes and how large it is."""

    host: str
    version: str
    arch: Arch | None
    arch_text: str
    credentials: Credentials = field(default_factory=Credentials)


class Artifact(StrEnum):
    """A file of the full ISO that is the same for all hosts."""

    ROOTFS = "rootfs"
    KERNEL = "kernel"
    INS_FILE = "ins-file"


@dataclass(frozen=True, slots=True)
class ArtifactAsk:
    """A boot artifact."""

    artifact: Artifact
    version: str
    arch: Arch | None
    arch_text: str
