"""Real boots: a PC in software starts a kernel from the ISOs that are made here, and the first program says what it was given.

The kernel is Debian's, the first program busybox's shell; they stand on an ISO where CoreOS has its own.  What a host gets is read on the
serial console: the kernel's command line, the Ignition config, the content of the ramdisk.
"""

import json
import shlex
import stat
import subprocess
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

BOOT_TIMEOUT_S = 90
"""A boot takes 5 to 11 s on an idle machine."""

CONFIG = b'{"ignition":{"version":"3.4.0"}}'
URL = "https://images.example.com/boot-artifacts/rootfs?arch=x86_64&version=4.18"
DEFAULT = f"console=ttyS0 quiet panic=-1 coreos.liveiso=rhcos-418.94-0 {IGNITION_ARGUMENTS}"
NETWORK_PATH = "etc/assisted/network/host0/eth0.nmconnection"
ISOLINUX = "serial 0 115200\nprompt 0\ndefault linux\nlabel linux\n  kernel /images/pxeboot/vmlinuz\n  append "
IMAGES = "initrd=/images/pxeboot/initrd.img,/images/ignition.img "
PROGRAM_MODE = stat.S_IFREG | 0o755
SHOWN = ("proc/cmdline", "config.ign", NETWORK_PATH)
GRUB = "set timeout=0\nmenuentry 'Live' {\n\tlinux /images/pxeboot/vmlinuz "
GRUB_END = "\tinitrd /images/pxeboot/initrd.img /images/ignition.img\n}\n"
AREA_BYTES = 600
AREA = f"{DEFAULT}\n".ljust(AREA_BYTES, "#") + "# COREOS_KARG_EMBED_AREA\n"
INIT = f"""#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
for file in {" ".join(SHOWN)}; do
  echo "BEGIN $file"
  [ ! -e $file ] || /bin/busybox cat $file
  echo "END $file"
done
/bin/busybox poweroff -f
"""
MEDIA = {"cd": ("-boot", "d", "-cdrom"), "disk": ("-boot", "c", "-hda")}

Boot = Callable[..., dict[str, str]]


@pytest.fixture(scope="session")
def kernel(require_program: Callable[[str], str]) -> Path:
    return Path(require_program("/boot/vmlinuz-*-cloud-amd64"))


@pytest.fixture(scope="session")
def efi_image(require_program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A FAT file system with GRUB as Debian builds it for its own CDs: it looks for the one with /.disk/info and reads its boot/grub."""
    image = tmp_path_factory.mktemp("efi") / "efiboot.img"
    grub = require_program("/usr/lib/grub/x86_64-efi/monolithic/gcdx64.efi")
    formatting = [require_program("mformat"), "-C", "-i", str(image), "-T", "16384", "-N", "0", "::"]
    folders = [require_program("mmd"), "-i", str(image), "::EFI", "::EFI/BOOT"]
    for command in (formatting, folders, [require_program("mcopy"), "-i", str(image), grub, "::EFI/BOOT/BOOTX64.EFI"]):
        subprocess.run(command, check=True, capture_output=True)
    return image.read_bytes()


@pytest.fixture(scope="session")
def full_iso(require_program: Callable[[str], str], kernel: Path, efi_image: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hybrid ISO as a live ISO of CoreOS is laid out."""
    folder = tmp_path_factory.mktemp("live")
    isolinux, code = (Path(require_program(f"/usr/lib/ISOLINUX/{name}")) for name in ("isolinux.bin", "isohdpfx.bin"))
    loader = Path(require_program("/usr/lib/syslinux/modules/bios/ldlinux.c32"))
    busybox = Path(require_program("/bin/busybox"))
    programs = [ArchiveFile("init", INIT.encode(), PROGRAM_MODE), ArchiveFile("bin/busybox", busybox.read_bytes(), PROGRAM_MODE)]
    initrd = write_archive(with_folders([*programs, ArchiveFile("proc/.keep", b"")]))
    areas = [{"path": "isolinux/isolinux.cfg", "offset": len(ISOLINUX + IMAGES)}, {"path": "boot/grub/grub.cfg", "offset": len(GRUB)}]
    files = {
        "isolinux/isolinux.bin": isolinux.read_bytes(),
        "isolinux/ldlinux.c32": loader.read_bytes(),
        "isolinux/isolinux.cfg": (ISOLINUX + IMAGES + AREA).encode(),
        "boot/grub/grub.cfg": (GRUB + AREA + GRUB_END).encode(),
        ".disk/info": b"live",
        "images/efiboot.img": efi_image,
        "images/pxeboot/vmlinuz": kernel.read_bytes(),
        "images/pxeboot/initrd.img": initrd,
        "images/pxeboot/rootfs.img": bytes(1 << 20),
        "images/ignition.img": bytes(262144),
        "coreos/igninfo.json": b'{"file": "images/ignition.img"}',
        "coreos/kargs.json": json.dumps({"default": DEFAULT, "files": areas, "size": AREA_BYTES}).encode(),
    }
    for path, content in files.items():
        target = folder / "tree" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    bios = ("-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table")
    efi = ("-eltorito-alt-boot", "-e", "images/efiboot.img", "-no-emul-boot", "-isohybrid-gpt-basdat")
    image = folder / "full.iso"
    options = (*bios, *efi, "-isohybrid-mbr", str(code), "-V", "rhcos-418.94-0", "-o", str(image))
    command = [require_program("xorriso"), "-as", "mkisofs", "-quiet", "-R", *options, str(folder / "tree")]
    subprocess.run(command, check=True, capture_output=True)
    return image


@pytest.fixture(scope="session")
def boot(require_program: Callable[[str], str]) -> Boot:
    """``boot(*options, firmware="bios")``: what the files contain that the first program prints, by path."""
    program = require_program("qemu-system-x86_64")

    def run(*options: str | Path, firmware: str = "bios") -> dict[str, str]:
        if firmware == "uefi":
            options = ("-bios", require_program("/usr/share/ovmf/OVMF.fd"), *options)
        machine = ("-accel", "tcg", "-m", "512", "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio")
        done = subprocess.run(
            [program, *machine, *map(str, options)], capture_output=True, check=False, timeout=BOOT_TIMEOUT_S, stdin=subprocess.DEVNULL
        )
        said = done.stdout.decode(errors="replace").replace("\r", "")
        files = {}
        for path in SHOWN:
            _, begun, rest = said.partition(f"BEGIN {path}\n")
            content, ended, _ = rest.partition(f"END {path}\n")
            assert begun, f"the first program did not run: {said} {done.stderr.decode()}"
            assert ended, said
            files[path] = content.strip()
        return files

    return run


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


@pytest.mark.parametrize("medium", MEDIA)
def test_a_full_iso_boots_with_its_config_and_arguments(full_iso: Path, boot: Boot, tmp_path: Path, medium: str) -> None:
    with opened(full_iso) as full:
        image = full.write(full.customised(whole(full.source)), tmp_path / "served.iso")
    said = boot(*MEDIA[medium], image)
    assert ends_with(said["proc/cmdline"], f'{DEFAULT} p1 p2="x y"')
    assert said["config.ign"] == CONFIG.decode()


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
@pytest.mark.parametrize("medium", MEDIA)
def test_a_minimal_iso_boots_with_its_url_and_ramdisk_as_well(
    full_iso: Path, boot: Boot, tmp_path: Path, medium: str, firmware: str
) -> None:
    with opened(full_iso) as full:
        minimal = plan_minimal(full.iso, full.source, rootfs_url=URL)
        image = full.write(full.customised(minimal, ramdisk=True), tmp_path / "served.iso")
    said = boot(*MEDIA[medium], image, firmware=firmware)
    kept = DEFAULT.replace("coreos.liveiso=rhcos-418.94-0 ", "")
    assert ends_with(said["proc/cmdline"], f'{kept} coreos.live.rootfs_url="{URL}" p1 p2="x y"')
    assert said["config.ign"] == CONFIG.decode()
    assert said[NETWORK_PATH] == "[connection]\nid=eth0"


def test_kernel_and_initramfs_of_a_network_boot_bring_the_config(full_iso: Path, kernel: Path, boot: Boot, tmp_path: Path) -> None:
    with opened(full_iso) as full:
        initrd = full.write(customised_initrd(full.iso, full.source, Embedded.of(CONFIG).packed()), tmp_path / Path(INITRD_PATH).name)
    said = boot("-kernel", kernel, "-initrd", initrd, "-append", f"console=ttyS0 quiet panic=-1 {IGNITION_ARGUMENTS}")
    assert said["config.ign"] == CONFIG.decode()
