"""The boot loaders' configs of a minimal ISO: the root file system comes over the network, and more initramfs images are loaded.

In GRUB's config the first ``linux`` and the first ``initrd`` line count, in isolinux's the first ``append`` line, which names both: they
are those of the entry that boots by default, which has the area for kernel arguments.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from penstock.model.errors import InputError, VerificationError

GRUB_PATHS = ("EFI/redhat/grub.cfg", "EFI/fedora/grub.cfg", "boot/grub/grub.cfg", "EFI/centos/grub.cfg")
"""Where a CoreOS ISO has GRUB's config; the first that is there counts. ``boot`` is that of ppc64le."""

ISOLINUX_PATH = "isolinux/isolinux.cfg"

_GRUB_KERNEL = re.compile(rb"^[ \t]*linux(?:16|efi)?[ \t]+\S+(?:[ \t]+\S+)*", re.MULTILINE)
_GRUB_INITRD = re.compile(rb"^[ \t]*initrd(?:16|efi)?[ \t]+\S+(?:[ \t]+\S+)*", re.MULTILINE)
_ISOLINUX_APPEND = re.compile(rb"^[ \t]*append[ \t]+\S+(?:[ \t]+\S+)*", re.MULTILINE | re.IGNORECASE)
_ISOLINUX_INITRD = re.compile(rb"(?<=[ \t])initrd=\S+", re.IGNORECASE)
_LIVE_ISO_OF_LINE = re.compile(rb"[ \t]+coreos\.liveiso=\S*")
_LIVE_ISO = re.compile(r"(?:(?<=\s)|^)coreos\.liveiso=\S*(?:\s+|$)")

_URL = re.compile(r"(?:https?|tftp)://[!#%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
_PLAIN_URL = re.compile(r"[!%+,\-./0-9:=?@A-Z_a-z~]*")
"""URLs in which no character means anything to GRUB."""


@dataclass(frozen=True, slots=True)
class Edit:
    """The bytes from ``start`` to before ``end`` of a config become ``content``."""

    start: int
    end: int
    content: bytes = field(repr=False)

    @property
    def growth(self) -> int:
        """By how many bytes the config becomes longer."""
        return len(self.content) - (self.end - self.start)


def rootfs_argument(url: str, *, always_quoted: bool) -> str:
    """The kernel argument by which the live system takes its root file system from a URL.

    Args:
        url: of ``rootfs.img``.
        always_quoted: as OpenShift's image service has it; else it is quoted only where GRUB would take a character for its own (``&``),
            so that plain URLs stand there as coreos-installer writes them.

    Raises:
        InputError: the URL is none that the live system can fetch, or GRUB or the kernel would not pass it on as it is.
    """
    for character in "$\\":
        if character in url:
            raise InputError(f"the URL of the root file system has a {character!r}, which GRUB does not pass on", hint="use another URL")
    if _URL.fullmatch(url) is None:
        raise InputError(
            "the URL of the root file system is not one of http, https or tftp without blanks, quotes and characters beyond ASCII",
            hint="give one like https://images.example.com/boot-artifacts/rootfs?arch=x86_64&version=418.94.202501221327-0",
        )
    quoted = always_quoted or _PLAIN_URL.fullmatch(url) is None
    return f'coreos.live.rootfs_url="{url}"' if quoted else f"coreos.live.rootfs_url={url}"


def over_network(arguments: str, rootfs: str | None) -> str:
    """Kernel arguments without the one that looks for the root file system on the ISO, and with ``rootfs`` at their end, if given."""
    kept = _LIVE_ISO.sub("", arguments).strip()
    return " ".join(part for part in (kept, rootfs) if part)


def edit_arguments(config: bytes, rootfs: str | None, *, path: str) -> tuple[Edit, ...]:
    """The edits that do what :func:`over_network` does, to the kernel's line of a config.

    Raises:
        VerificationError: the config has no such line.
    """
    line = _line(config, _ISOLINUX_APPEND if _is_isolinux(path) else _GRUB_KERNEL, path)
    dropped = [Edit(*word.span(), b"") for word in _LIVE_ISO_OF_LINE.finditer(config, line.start(), line.end())]
    added = [Edit(line.end(), line.end(), f" {rootfs}".encode())] if rootfs else []
    return (*dropped, *added)


def edit_images(config: bytes, images: Sequence[str], *, path: str) -> Edit | None:
    """The edit that loads more initramfs images (paths on the ISO) behind those that are loaded; None without images.

    Raises:
        VerificationError: the config loads none.
    """
    if not images:
        return None
    if _is_isolinux(path):
        append = _line(config, _ISOLINUX_APPEND, path)
        word = _ISOLINUX_INITRD.search(config, append.start(), append.end())
        if word is None:
            raise VerificationError("the append line has no initrd=", subject=path)
        return Edit(word.end(), word.end(), "".join(f",/{image}" for image in images).encode())
    line = _line(config, _GRUB_INITRD, path)
    return Edit(line.end(), line.end(), "".join(f" /{image}" for image in images).encode())


def apply_edits(config: bytes, edits: Iterable[Edit], *, path: str) -> bytes:
    """The config after the edits.

    Raises:
        VerificationError: two of them are about the same bytes, so the areas that the ISO declares are wrong.
    """
    out: list[bytes] = []
    at = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if edit.start < at:
            raise VerificationError("an area for kernel arguments lies over another, or over the line of the initramfs", subject=path)
        out += (config[at : edit.start], edit.content)
        at = edit.end
    return b"".join((*out, config[at:]))


def moved(offset: int, edits: Iterable[Edit]) -> int:
    """Where what stood at ``offset`` stands after the edits."""
    return offset + sum(edit.growth for edit in edits if edit.start < offset)


def _is_isolinux(path: str) -> bool:
    return path.lower().endswith("isolinux.cfg")


def _line(config: bytes, pattern: re.Pattern[bytes], path: str) -> re.Match[bytes]:
    found = pattern.search(config)
    if found is None:
        raise VerificationError("this is no config of a live ISO: a line is missing for the kernel or the initramfs", subject=path)
    return found
