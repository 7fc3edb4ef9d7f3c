"""Operating system images as an image service lists them: what is wanted, from where, and what became of it.

The lists are those of OpenShift's assisted installer (assisted-service: ``models/os_image.go``, ``models/release_image.go``).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from penstock.model.arch import Arch
from penstock.model.digest import Digest

SIGNED_BY: Final = "a signature by "
"""What is written down of a signature that was checked begins with it."""


class ImageType(StrEnum):
    """What kind of ISO; the value is the ``type`` of a URL and of a list."""

    FULL = "full-iso"
    MINIMAL = "minimal-iso"
    DISCONNECTED = "disconnected-iso"
    """The installer's ``agent-ove`` ISO, which brings a registry with it; there is no minimal ISO of it."""


def listed_arch(arch: Arch) -> str:
    """The name of an architecture in lists, URLs and file names of an image service: that of RPM, but ``arm64``."""
    return "arm64" if arch is Arch.AARCH64 else arch.value


@dataclass(frozen=True, slots=True)
class UrlOrigin:
    """An ISO by its address.

    Attributes:
        url: HTTP or HTTPS; it may hold a secret in its query, so that its ``repr`` is without it.
        sha256: what its bytes must be, where somebody said so.
        signature: the address of a detached OpenPGP signature, or None.
    """

    url: str = field(repr=False)
    sha256: Digest | None = None
    signature: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PayloadOrigin:
    """The ISO that ``machine-os-images`` of a release payload holds.

    Attributes:
        release: the pullspec of the payload.
        release_version: what the list calls it (``4.18.1``); a name to find its images by.
    """

    release: str
    release_version: str

    @property
    def may_move(self) -> bool:
        """Whether the pullspec may lead to another payload later: it names a tag, and no digest."""
        return "@" not in self.release


@dataclass(frozen=True, slots=True)
class FileOrigin:
    """An ISO of the local file system; it is served from where it stands."""

    path: str


Origin: TypeAlias = UrlOrigin | PayloadOrigin | FileOrigin


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that an image service shall have.

    Attributes:
        openshift_version: ``4.18``, ``4.18.1``, ``4.18-multi``: as the list says it.
        arch: of the machines that boot it.
        origin: where it comes from.
        type: ``FULL`` or ``DISCONNECTED``; minimal ISOs are made from full ones.
        version: the build of CoreOS, ``418.94.202501221327-0``; None where only the payload tells it.
        fallback: the entry that serves where a payload is too old for, or without, ``machine-os-images``.
    """

    openshift_version: str
    arch: Arch
    origin: Origin
    type: ImageType = ImageType.FULL
    version: str | None = None
    fallback: "Wanted | None" = None

    @property
    def name(self) -> str:
        """For people, and to tell one from another: ``4.18 x86_64 full-iso 418.94.202501221327-0``."""
        told = self.origin.release if isinstance(self.origin, PayloadOrigin) else self.version or ""
        return f"{self.openshift_version} {listed_arch(self.arch)} {self.type.value} {told}".rstrip()


@dataclass(frozen=True, slots=True)
class PayloadSteps:
    """The way of an ISO out of a release payload; every digest was compared.

    Attributes:
        release: the pullspec as it was asked for.
        release_digest: of the release image of the architecture.
        image: the pullspec of ``machine-os-images``, as the release says it.
        image_digest: of its manifest.
        layer_digest: of the layer that held the file.
        path: of the file in the image.
    """

    release: str
    release_digest: Digest
    image: str
    image_digest: Digest
    layer_digest: Digest
    path: str


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """What is known of an ISO in a store.

    Attributes:
        openshift_version: as the list said it.
        version: the build of CoreOS, never empty.
        arch: of the machines that boot it.
        type: ``FULL`` or ``DISCONNECTED``.
        key: what it was brought for, see ``ports.ImageOrigins.key``.
        names: further names to find it by, such as the version of the release.
        url: where it was downloaded, without what may be secret, or ``""``.
        steps: its way out of a payload, or None.
        checked: who said what its digest must be; empty where nobody did.
    """

    openshift_version: str
    version: str
    arch: Arch
    type: ImageType
    key: str
    names: tuple[str, ...] = ()
    url: str = ""
    steps: PayloadSteps | None = None
    checked: tuple[str, ...] = ()

    @property
    def is_signed(self) -> bool:
        """Whether a signature of it was checked."""
        return any(told.startswith(SIGNED_BY) for told in self.checked)

    @property
    def file_name(self) -> str:
        """``rhcos-full-iso-418.94.202501221327-0-x86_64.iso``, as OpenShift's image service names it in its data folder."""
        return f"rhcos-{self.type.value}-{self.version}-{listed_arch(self.arch)}.iso"


@dataclass(frozen=True, slots=True)
class Brought:
    """An ISO that came and was verified; it waits in the folder that was given for it.

    Attributes:
        path: of the file.
        digest: of its bytes.
        size_bytes: of it.
        record: what is known of it.
    """

    path: str
    digest: Digest
    size_bytes: int
    record: ImageRecord


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An ISO in a store.

    Attributes:
        record: what is known of it; its ``file_name`` is the name in the store.
        digest: of its bytes.
        size_bytes: of it.
        mtime_s: when it came, in seconds since the epoch.
    """

    record: ImageRecord
    digest: Digest
    size_bytes: int
    mtime_s: int
