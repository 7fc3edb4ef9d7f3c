"""What a network boot needs, as plans over the ISO: kernel, initramfs with the host's config behind it, root file system.

The files are named as ``coreos-installer iso extract pxe`` names them, ``{ISO without its ending}-vmlinuz`` and so on.  On s390x come
the two that boot from a reader or an FTP server: ``generic.ins``, which lists the files, and the address and size of the initramfs.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

from penstock.formats.coreos_iso import IsoFiles, read_exactly
from penstock.formats.cpio import padding_bytes
from penstock.imageservice.overlay import Bytes, FileRange, Plan, Source
from penstock.model.errors import InputError

KERNEL_PATHS = ("images/pxeboot/vmlinuz", "images/pxeboot/kernel.img")
"""s390x has both names for one kernel, or the second alone."""

INITRD_PATH = "images/pxeboot/initrd.img"
ROOTFS_PATH = "images/pxeboot/rootfs.img"
INS_PATH = "generic.ins"
ADDRSIZE_PATH = "images/initrd.addrsize"

IGNITION_ARGUMENTS = "ignition.firstboot ignition.platform.id=metal"
"""Without these on the kernel's command line the live system does not look for a config."""

_GZIP_MAGIC = b"\x1f\x8b"
ADDRESS_BYTES = 8
_GZIP_NOTE = "the kernel is compressed with gzip, as on aarch64: some boot loaders need it unpacked"


@dataclass(frozen=True, slots=True)
class PxeFile:
    """A file to write.

    Attributes:
        name: without a folder.
        plan: its bytes.
        note: what the user should know about it, or ``""``.
    """

    name: str
    plan: Plan
    note: str = ""


def pxe_files(iso: IsoFiles, source: Source, *, config: bytes = b"") -> tuple[PxeFile, ...]:
    """The files for a network boot from this ISO.

    Args:
        iso: the ISO.
        source: the same as a source of ranges; its name gives the names of the files.
        config: the packed initramfs that goes behind that of the ISO (``Embedded.packed``), or nothing.

    Raises:
        InputError: the ISO has no kernel or no initramfs.
        VerificationError: a file lies outside of the ISO.
    """
    stem = PurePath(source.name).stem
    return tuple(PxeFile(f"{stem}-{name}", plan, note) for name, plan, note in _files(iso, source, config))


def customised_initrd(iso: IsoFiles, source: Source, config: bytes) -> Plan:
    """The initramfs of the ISO, zeros to a multiple of 4, and ``config`` behind it.

    Raises:
        InputError: the ISO has none.
        VerificationError: it lies outside of the ISO.
    """
    initrd = file_plan(iso, source, INITRD_PATH)
    if initrd is None:
        raise _no_live_iso(iso, INITRD_PATH)
    return initrd + Plan.of(Bytes(bytes(padding_bytes(initrd.size_bytes))), Bytes(config)) if config else initrd


def addrsize(iso: IsoFiles, source: Source, initrd: Plan) -> Plan | None:
    """The 16 bytes that tell s390x where the initramfs goes, as the ISO says, and how large this one is; None on other architectures.

    Raises:
        VerificationError: the ISO ends before its file, or that has no address.
    """
    found = iso.find(ADDRSIZE_PATH)
    if found is None:
        return None
    read_exactly(iso, found[0], ADDRESS_BYTES, what=ADDRSIZE_PATH)
    size = Bytes(struct.pack(">Q", initrd.size_bytes))
    return Plan.of(FileRange(source, found[0], ADDRESS_BYTES), size)


def file_plan(iso: IsoFiles, source: Source, path: str) -> Plan | None:
    """A file of the ISO, or None where there is none.

    Raises:
        VerificationError: it lies outside of the ISO.
    """
    found = iso.find(path)
    return None if found is None else Plan.of(FileRange(source, *found))


def _files(iso: IsoFiles, source: Source, config: bytes) -> Iterator[tuple[str, Plan, str]]:
    kernels = [(path, plan) for path in KERNEL_PATHS if (plan := file_plan(iso, source, path)) is not None]
    if not kernels:
        raise _no_live_iso(iso, KERNEL_PATHS[0])
    for path, plan in kernels:
        offset, length = iso.find(path) or (0, 0)
        is_gzip = iso.read(offset, min(len(_GZIP_MAGIC), length)) == _GZIP_MAGIC
        yield PurePath(path).name, plan, _GZIP_NOTE if is_gzip else ""
    initrd = customised_initrd(iso, source, config)
    note = f"it holds an Ignition config: boot it with {IGNITION_ARGUMENTS}" if config else ""
    yield PurePath(INITRD_PATH).name, initrd, note
    rootfs = file_plan(iso, source, ROOTFS_PATH)
    if rootfs is not None:
        yield PurePath(ROOTFS_PATH).name, rootfs, ""
    list_of_files = file_plan(iso, source, INS_PATH)
    if list_of_files is not None:
        yield INS_PATH, list_of_files, "" if not config else "it names the files as they are called on the ISO"
    where = addrsize(iso, source, initrd)
    if where is not None:
        yield PurePath(ADDRSIZE_PATH).name, where, ""


def _no_live_iso(iso: IsoFiles, path: str) -> InputError:
    return InputError(f"this is no live ISO of CoreOS: {path} is not there", subject=iso.name)
