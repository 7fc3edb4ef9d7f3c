"""What a host gets, put together of a prepared image and what the backend says: overlays and joined plans; nothing is read.

The rules are those of OpenShift's image service (assisted-image-service: ``pkg/isoeditor/``): kernel arguments are added and never
replaced, a full ISO gets no ramdisk, an initramfs gets nmstatectl with a ramdisk alone.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from penstock.formats.cpio import padding_bytes
from penstock.imageservice.ignition import Embedded, embed
from penstock.imageservice.kargs import append_kargs, refuse_s390x
from penstock.imageservice.minimal import CDBOOT_PATH
from penstock.imageservice.overlay import Bytes, Patch, Plan, patched
from penstock.imageservice.prepared import Base, BootFiles
from penstock.imageservice.snapshot import Overlaid
from penstock.model.errors import InputError

CONFIG = "Ignition config"
ARGUMENTS = "kernel arguments"
RAMDISK = "ramdisk"
NMSTATE = "nmstatectl"


@dataclass(frozen=True, slots=True)
class Assembled:
    """A host's file.

    Attributes:
        plan: its bytes.
        overlaid: which of them are the host's own, front to back.
    """

    plan: Plan
    overlaid: tuple[Overlaid, ...]


def assemble_iso(base: Base, *, config: bytes, arguments: Sequence[str] = (), ramdisk: bytes = b"") -> Assembled:
    """A host's ISO.

    The areas are filled whole, so that nothing that stood in one before is served.  Compresses the config: some milliseconds, and seconds
    for one that is far too large.

    Args:
        base: of which ISO.
        config: the Ignition config.
        arguments: kernel arguments to add.
        ramdisk: a compressed initramfs, for a base with room for one; or ``b""``.

    Raises:
        ConfigTooLarge: the config does not fit.
        KargsRefused: there are arguments, and the ISO is one for s390x.
        InputError: an argument is no text or there is no room for it, or the ramdisk does not fit.
    """
    found = [
        (CONFIG, embed(base.ignition, Embedded.of(config))),
        *((ARGUMENTS, patch) for patch in _arguments(base, arguments)),
        *((RAMDISK, patch) for patch in _ramdisk(base, ramdisk)),
    ]
    plan = patched(base.plan, [patch for _, patch in found], subject="the ISO")
    overlaid = [Overlaid(patch.offset, len(patch.content), label) for label, patch in found if label != RAMDISK or ramdisk]
    return Assembled(plan, tuple(sorted(overlaid, key=lambda part: part.offset)))


def assemble_initrd(boot: BootFiles, *, config: bytes, ramdisk: bytes = b"", nmstate: bytes | Plan = b"") -> Assembled:
    """A host's initramfs for a network boot: that of the ISO, the config, the ramdisk, and nmstatectl where there is a ramdisk.

    Args:
        boot: the files of the ISO.
        config: the Ignition config.
        ramdisk: a compressed initramfs, or ``b""``.
        nmstate: the initramfs with nmstatectl; as a plan over a file it takes no memory, which as bytes it takes for every host.

    Raises:
        InputError: the ISO has no initramfs.
    """
    if boot.initrd is None:
        raise InputError("the ISO has no initramfs, so it is no live ISO of CoreOS")
    plan, overlaid = boot.initrd, []
    archives = [(CONFIG, Plan.of(Bytes(Embedded.of(config).packed()))), (RAMDISK, Plan.of(Bytes(ramdisk)))]
    if ramdisk:
        archives.append((NMSTATE, nmstate if isinstance(nmstate, Plan) else Plan.of(Bytes(nmstate))))
    for label, archive in archives:
        if archive.size_bytes:
            # A plain archive is found at a multiple of 4 alone.
            plan += Plan.of(Bytes(bytes(padding_bytes(plan.size_bytes))))
            overlaid.append(Overlaid(plan.size_bytes, archive.size_bytes, label))
            plan += archive
    return Assembled(plan, tuple(overlaid))


def assemble_addrsize(boot: BootFiles, initrd: Plan) -> Plan:
    """The 16 bytes that tell s390x where the initramfs goes, as the ISO says, and how large this one is.

    Raises:
        InputError: the ISO has no such address, as on other architectures.
    """
    if not boot.address:
        raise InputError("the ISO does not say where its initramfs goes", hint="only those for s390x do")
    return Plan.of(Bytes(boot.address + struct.pack(">Q", initrd.size_bytes)))


def _arguments(base: Base, arguments: Sequence[str]) -> tuple[Patch, ...]:
    if not arguments:
        return ()
    if base.ignition.path == CDBOOT_PATH:
        refuse_s390x(None)
    if base.kargs is None:
        raise InputError("this ISO has no place for kernel arguments", hint="live ISOs have one since 2021")
    refuse_s390x(base.kargs)
    return append_kargs(base.kargs, arguments)


def _ramdisk(base: Base, ramdisk: bytes) -> Iterator[Patch]:
    room = base.ramdisk.length if base.ramdisk is not None else 0
    if len(ramdisk) > room:
        raise InputError(
            f"the ramdisk with the network settings has {len(ramdisk)} bytes, and the ISO has room for {room}",
            hint="boot over the network, whose initramfs has no limit" if room else "only minimal ISOs that are laid out for it have one",
        )
    if base.ramdisk is not None:
        yield Patch(base.ramdisk.offset, ramdisk.ljust(room, b"\0"), RAMDISK)
