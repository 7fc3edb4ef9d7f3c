"""What an image of Google Cloud is called, and how it can be booted."""

import re

from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.push.items import BootMode, PushItem

LONGEST_NAME = 63

DEFAULT_LICENSES = ("https://www.googleapis.com/compute/v1/projects/vm-options/global/licenses/enable-vmx",)
"""Nested virtualisation (coreos-assembler: ``mantle/cmd/ore/gcloud/upload.go``)."""

_FEATURES = ("VIRTIO_SCSI_MULTIQUEUE", "GVNIC", "UEFI_COMPATIBLE", "IDPF")
_FEATURES_X86_64 = ("SEV_CAPABLE", "SEV_SNP_CAPABLE", "TDX_CAPABLE", "SEV_LIVE_MIGRATABLE_V2")
"""coreos-assembler: ``mantle/platform/api/gcloud/image.go``."""

_NOT_ALLOWED = re.compile(r"[^a-z0-9]+")
_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
_ARCHITECTURES = {Arch.X86_64: "X86_64", Arch.AARCH64: "ARM64"}
_SUFFIXES = (".tar.gz", ".raw.xz", ".raw")


def gce_image_name(item: PushItem, template: str = "") -> str:
    """``rhel-gce-9-4-1-x86-64``: name, version, release and architecture of the build, in the letters that Google allows.

    Whatever is no letter and no digit becomes a dash, as with coreos-assembler; capital letters become small.

    Args:
        item: enriched.
        template: of the mapping, in the place of that; over ``name``, ``version``, ``release``, ``arch`` and ``date``.

    Raises:
        InputError: it would be too long, or not begin with a letter.
    """
    build, release = item.build, item.release
    fields = {"name": build.name, "version": release.version or build.version, "release": build.release, "arch": release.arch}
    text = (template or "{name}-{version}-{release}-{arch}").format(**fields, date=f"{release.date:%Y%m%d}")
    name = _NOT_ALLOWED.sub("-", text.lower()).strip("-")
    if not _NAME.fullmatch(name):
        problem = f"the image would be called {name!r}, and names of Google Cloud begin with a letter and have {LONGEST_NAME} characters"
        raise InputError(problem, hint="say image_name in the meta of the mapping")
    return name


def gce_architecture(item: PushItem) -> str:
    """``X86_64`` or ``ARM64``.

    Raises:
        InputError: Google Cloud has no machines of this architecture.
    """
    try:
        return _ARCHITECTURES[Arch.parse(item.release.arch)]
    except (InputError, KeyError):
        raise InputError(f"Google Cloud has no machines of architecture {item.release.arch!r}") from None


def default_features(architecture: str, boot_mode: BootMode | None) -> tuple[str, ...]:
    """What an image can do where nobody says it; one that boots by BIOS alone is not for UEFI."""
    features = _FEATURES + (_FEATURES_X86_64 if architecture == "X86_64" else ())
    return tuple(each for each in features if each != "UEFI_COMPATIBLE" or boot_mode is not BootMode.LEGACY)


def archive_key(item: PushItem, content_short: str) -> str:
    """``rhel-9.4-3f2a0b1c9d8e.tar.gz``: the content is part of the key, so one key is never two contents."""
    stem = next((item.file_name.removesuffix(suffix) for suffix in _SUFFIXES if item.file_name.endswith(suffix)), item.file_name)
    return f"{stem}-{content_short}.tar.gz"


def sends_as_it_is(src: str) -> bool:
    """Whether a file is an archive already."""
    return src.endswith(".tar.gz")


def fits_compute_engine(src: str) -> bool:
    """Whether a file is of a kind that can be brought there."""
    return src.partition("?")[0].endswith(_SUFFIXES)
