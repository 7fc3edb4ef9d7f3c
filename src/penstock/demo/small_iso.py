"""A live ISO for the demo: small, and it does not boot, but all that programs look for in a CoreOS ISO is at its place.

The same input gives the same bytes.
"""

from collections.abc import Iterator, Mapping

from penstock.formats.coreos_iso.embed import IGNINFO_PATH, IGNITION_PATH, IgnitionInfo, write_ignition_info
from penstock.formats.coreos_iso.features import FEATURES_PATH
from penstock.formats.coreos_iso.kargs import KARGS_PATH, KargsFile, KargsInfo, write_kargs_info
from penstock.formats.cpio import ArchiveFile, with_folders, write_archive
from penstock.formats.iso9660.segments import read_segments
from penstock.formats.iso9660.tree import NewEntry, NewIso
from penstock.formats.iso9660.writer import plan_iso
from penstock.model.arch import Arch

IGNITION_AREA_BYTES = 262144
KARGS_AREA_BYTES = 1139
"""Both as in the ISOs of CoreOS."""

_MARKER = "# COREOS_KARG_EMBED_AREA"
_FEATURES = b'{"installer-config": true, "live-initrd-network": true}\n'


def make_small_iso(version: str, arch: Arch, *, squashfs: bytes, created_s: int) -> bytes:
    """A live ISO.

    Args:
        version: of RHEL CoreOS.
        arch: isolinux comes with x86_64 alone.
        squashfs: stands for the root file system.
        created_s: when it was made, in seconds since the epoch.
    """
    volume_id = f"rhcos-{version}"
    files = dict(_files(volume_id, arch, squashfs))
    entries = tuple(NewEntry(path, content=(content,)) for path, content in files.items())
    return b"".join(read_segments(plan_iso(NewIso(volume_id, entries, created_s)).segments, {}))


def _files(volume_id: str, arch: Arch, squashfs: bytes) -> Iterator[tuple[str, bytes]]:
    default = f"coreos.liveiso={volume_id} ignition.firstboot ignition.platform.id=metal"
    loaders = {"EFI/redhat/grub.cfg": ("\tlinux /images/pxeboot/vmlinuz ", "\tinitrd /images/pxeboot/initrd.img /images/ignition.img\n")}
    if arch is Arch.X86_64:
        loaders["isolinux/isolinux.cfg"] = ("  append initrd=/images/pxeboot/initrd.img,/images/ignition.img ", "")
    yield from ((path, _config(before, default, behind)) for path, (before, behind) in loaders.items())
    yield FEATURES_PATH, _FEATURES
    yield IGNINFO_PATH, write_ignition_info(IgnitionInfo(file=IGNITION_PATH))
    yield KARGS_PATH, _kargs({path: len(before) for path, (before, _) in loaders.items()}, default)
    yield IGNITION_PATH, bytes(IGNITION_AREA_BYTES)
    yield "images/pxeboot/vmlinuz", f"the kernel of {volume_id} for {arch}\n".encode()
    yield "images/pxeboot/initrd.img", _archive("etc/initrd-release", f"NAME={volume_id}\n".encode())
    yield "images/pxeboot/rootfs.img", _archive("root.squashfs", squashfs)


def _config(before: str, arguments: str, behind: str) -> bytes:
    return (before + f"{arguments}\n".ljust(KARGS_AREA_BYTES, "#") + f"{_MARKER}\n{behind}").encode()


def _kargs(offsets: Mapping[str, int], default: str) -> bytes:
    files = [KargsFile(path=path, offset=offset, pad="#", end="\n") for path, offset in offsets.items()]
    return write_kargs_info(KargsInfo(default=default, files=files, size=KARGS_AREA_BYTES))


def _archive(path: str, content: bytes) -> bytes:
    return write_archive(with_folders([ArchiveFile(path, content)]))
