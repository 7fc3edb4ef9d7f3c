"""What is known of an ISO before a host asks for it: read once when it comes, so that a request reads nothing.

A base is an ISO that hosts' ISOs are overlays of: the full one as it was published, and the minimal ones that are made from it.
"""

from dataclasses import dataclass, field

from penstock.formats.coreos_iso.embed import EmbedArea
from penstock.formats.coreos_iso.kargs import Kargs
from penstock.imageservice.overlay import Plan, Source


@dataclass(frozen=True, slots=True)
class Area:
    """A range of an ISO that something may be written into, in bytes."""

    offset: int
    length: int

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.offset + self.length


def areas_of(ignition: EmbedArea, kargs: Kargs | None, ramdisk: Area | None) -> tuple[Area, ...]:
    """The ranges that an ISO declares, front to back; those of a host's ISO are those of the ISO that it was made of.

    Where kernel arguments are known by their end alone, their whole line counts: it is the same line after some were added.
    """
    found = [Area(ignition.offset_bytes, ignition.length_bytes)]
    if kargs is not None:
        found += [Area(area.offset_bytes - area.line_bytes, area.length_bytes + area.line_bytes) for area in kargs.areas]
    if ramdisk is not None:
        found.append(ramdisk)
    return tuple(sorted(found, key=lambda area: area.offset))


@dataclass(frozen=True, slots=True)
class Base:
    """An ISO that hosts' ISOs are overlays of.

    Attributes:
        plan: its bytes, ranges of the full ISO.
        ignition: where the Ignition config goes.
        kargs: where kernel arguments go, or None.
        ramdisk: where the ramdisk goes, or None.
    """

    plan: Plan
    ignition: EmbedArea
    kargs: Kargs | None
    ramdisk: Area | None = None

    @property
    def areas(self) -> tuple[Area, ...]:
        """All ranges in which a host's ISO may differ from this one, front to back."""
        return areas_of(self.ignition, self.kargs, self.ramdisk)


@dataclass(frozen=True, slots=True)
class BootFiles:
    """The files of the full ISO for a network boot; None where the ISO has none.

    Attributes:
        kernel: ``vmlinuz``, or ``kernel.img``.
        initrd: as it is on the ISO.
        rootfs: an uncompressed cpio.
        ins_file: ``generic.ins``, s390x.
        address: the first 8 bytes of ``images/initrd.addrsize``, s390x, or ``b""``.
    """

    kernel: Plan | None
    initrd: Plan | None
    rootfs: Plan | None
    ins_file: Plan | None = None
    address: bytes = b""


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """All that a request needs to know of an image.

    Attributes:
        source: the full ISO, known by its digest.
        volume_id: of it.
        full: the ISO as it was published.
        boot: the files for a network boot.
        minimal: the minimal ISO for hosts without a ramdisk: the published one where the ISO tells it, else made as below; None until it
            is made, and where there is none (s390x, disconnected).
        minimal_with_ramdisk: the one with room for a ramdisk, and with nmstatectl where that is called for.
        nmstate: the initramfs with nmstatectl, which goes with a ramdisk, or ``b""``.
        why_no_minimal: for people, where there is none and will be none.
        note: for people, what else there is to say of its minimal ISOs.
    """

    source: Source
    volume_id: str
    full: Base
    boot: BootFiles
    minimal: Base | None = None
    minimal_with_ramdisk: Base | None = None
    nmstate: bytes = field(default=b"", repr=False)
    why_no_minimal: str = ""
    note: str = ""
