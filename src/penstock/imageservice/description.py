"""What a live ISO is and holds, as one value to show."""

from dataclasses import dataclass

from penstock.formats.coreos_iso.embed import EmbedArea, find_embed_area, read_area
from penstock.formats.coreos_iso.features import read_features
from penstock.formats.coreos_iso.image import IsoImage
from penstock.formats.coreos_iso.kargs import Kargs, read_kargs
from penstock.formats.coreos_iso.miniso import MINISO_PATH
from penstock.imageservice.ignition import read_embedded
from penstock.imageservice.pxe import ADDRSIZE_PATH, INITRD_PATH, INS_PATH, KERNEL_PATHS, ROOTFS_PATH


@dataclass(frozen=True, slots=True)
class IsoFile:
    """A file of the ISO; place and size in bytes."""

    path: str
    offset_bytes: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class IsoDescription:
    """What an ISO is and holds.

    Attributes:
        volume_id: its name, such as ``rhcos-418.94.202501221327-0``.
        size_bytes: of the file.
        area: where the Ignition config goes.
        used_bytes: how much of the area is in use, zeros at its end aside.
        embedded: the paths of the files that stand in it.
        kargs: the kernel arguments, or None where the ISO has no place for them.
        features: what its live system can do, by name.
        boot_files: those for a network boot, and what makes the minimal ISO.
    """

    volume_id: str
    size_bytes: int
    area: EmbedArea
    used_bytes: int
    embedded: tuple[str, ...]
    kargs: Kargs | None
    features: tuple[str, ...]
    boot_files: tuple[IsoFile, ...]


def describe_iso(iso: IsoImage) -> IsoDescription:
    """Read what there is to say.

    Raises:
        InputError: the ISO is none of CoreOS, or a document in it is damaged.
        VerificationError: the ISO is damaged.
    """
    area = find_embed_area(iso)
    content = read_area(iso, area)
    return IsoDescription(
        volume_id=iso.image.volume_id,
        size_bytes=iso.image.size_bytes,
        area=area,
        used_bytes=len(content.rstrip(b"\0")),
        embedded=tuple(read_embedded(content, subject=iso.name).files),
        kargs=read_kargs(iso),
        features=tuple(sorted(read_features(iso).present)),
        boot_files=tuple(
            IsoFile(path, *found)
            for path in (*KERNEL_PATHS, INITRD_PATH, ROOTFS_PATH, INS_PATH, ADDRSIZE_PATH, MINISO_PATH)
            if (found := iso.find(path)) is not None
        ),
    )
