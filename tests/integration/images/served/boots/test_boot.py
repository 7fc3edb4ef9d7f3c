"""Real boots: a PC in software starts a kernel from the ISOs that are made here, and the first program says what it was given.

The kernel is Debian's, the first program busybox's shell; they stand on an ISO where CoreOS has its own.  What a host gets is read on the
serial console: the kernel's command line, the Ignition config, the content of the ramdisk.
"""

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from penstock.formats.coreos_iso.embed import find_embed_area
from penstock.formats.coreos_iso.image import IsoImage
from penstock.formats.coreos_iso.kargs import read_kargs
from penstock.formats.cpio import ArchiveFile, with_folders, write_archive
from penstock.formats.initramfs import Compression, compress
from penstock.imageservice.ignition import Embedded, embed
from penstock.imageservice.kargs import append_kargs
from penstock.imageservice.minimal import RAMDISK_PATH, plan_minimal
from penstock.imageservice.overlay import Patch, Plan, Source, patched, whole
from penstock.imageservice.planfile import open_plan
from penstock.imageservice.pxe import IGNITION_ARGUMENTS, INITRD_PATH, customised_initrd

CONFIG = b'{"ignition":{"version":"3.4.0"}}'
URL = "https://images.example.com/boot-artifacts/rootfs?arch=x86_64&version=4.18"
NETWORK_PATH = "etc/assisted/network/host0/eth0.nmconnection"

pytestmark = pytest.mark.timeout(240)

Boot = Callable[..., dict[str, str]]


@dataclass(frozen=True, slots=True)
class Opened:
    iso: IsoImage
    source: Source

    def customised(self, base: Plan, *, ramdisk: bool = False) -> Plan:
        """What a host is served: its config, its arguments and, in a minimal ISO, its network settings."""
        iso = IsoImage(open_plan(base, lambda _: self.iso.file), name="served.iso")
        kargs = read_kargs(iso)
        assert kargs is not None
        patches = [embed(find_embed_area(iso), Embedded.of(CONFIG)), *append_kargs(kargs, ["p1", 'p2="x y"'])]
        if ramdisk:
            archive = write_archive(with_folders([ArchiveFile(NETWORK_PATH, b"[connection]\nid=eth0")]))
            patches.append(Patch(iso.image.file(RAMDISK_PATH).extent.offset, compress(archive, Compression.GZIP)))
        return patched(base, patches, subject="served.iso")

    def write(self, plan: Plan, target: Path) -> Path:
        with target.open("wb") as file:
            file.writelines(plan.iter_chunks(lambda _: self.iso.file))
        return target


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    with path.open("rb") as file:
        yield Opened(IsoImage(file, name=path.name), Source.by_digest(str(path), path.stat().st_size, "sha256:0"))


def ends_with(line: str, arguments: str) -> bool:
    """Whether the command line ends with these arguments; GRUB puts quotes elsewhere than they were, with the same meaning."""
    wanted = shlex.split(arguments)
    return shlex.split(line)[-len(wanted) :] == wanted


@pytest.mark.parametrize("medium", ["cd", "disk"])
def test_a_full_iso_boots_with_its_config_and_arguments(
    full_iso: Path, boot: Boot, default_arguments: str, tmp_path: Path, medium: str
) -> None:
    with opened(full_iso) as full:
        image = full.write(full.customised(whole(full.source)), tmp_path / "served.iso")
    said = boot(image, medium=medium)
    assert ends_with(said["proc/cmdline"], f'{default_arguments} p1 p2="x y"')
    assert said["config.ign"] == CONFIG.decode()


# The other two of the four are what hosts boot that are served one.
@pytest.mark.parametrize(("medium", "firmware"), [("cd", "uefi"), ("disk", "bios")])
def test_a_minimal_iso_boots_with_its_url_and_ramdisk_as_well(
    *, full_iso: Path, boot: Boot, minimal_arguments: str, tmp_path: Path, medium: str, firmware: str
) -> None:
    with opened(full_iso) as full:
        minimal = plan_minimal(full.iso, full.source, rootfs_url=URL)
        image = full.write(full.customised(minimal, ramdisk=True), tmp_path / "served.iso")
    said = boot(image, medium=medium, firmware=firmware)
    assert ends_with(said["proc/cmdline"], f'{minimal_arguments} coreos.live.rootfs_url="{URL}" p1 p2="x y"')
    assert said["config.ign"] == CONFIG.decode()
    assert said[NETWORK_PATH] == "[connection]\nid=eth0"


def test_kernel_and_initramfs_of_a_network_boot_bring_the_config(full_iso: Path, kernel: Path, boot: Boot, tmp_path: Path) -> None:
    with opened(full_iso) as full:
        initrd = full.write(customised_initrd(full.iso, full.source, Embedded.of(CONFIG).packed()), tmp_path / Path(INITRD_PATH).name)
    said = boot("-kernel", kernel, "-initrd", initrd, "-append", f"console=ttyS0 quiet panic=-1 {IGNITION_ARGUMENTS}")
    assert said["config.ign"] == CONFIG.decode()
