"""A live ISO that boots, and a PC in software that boots it and reads what its first program says.

The kernel is Debian's, the first program busybox's shell; they stand on an ISO where CoreOS has its own.
"""

import json
import random
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.formats.cpio import ArchiveFile, with_folders, write_archive
from penstock.formats.initramfs import Compression, compress
from penstock.imageservice.pxe import IGNITION_ARGUMENTS

BOOT_TIMEOUT_S = 180
"""A boot takes 5 to 11 s on an idle machine, and many times that on a busy one."""

BUILD = "418.94.202501221327-0"
LIVE = f"coreos.liveiso=rhcos-{BUILD}"
DEFAULT = f"console=ttyS0 quiet panic=-1 {LIVE} {IGNITION_ARGUMENTS}"
NETWORK_PATH = "etc/assisted/network/host0/eth0.nmconnection"
NMSTATECTL_PATH = "usr/bin/nmstatectl"
NMSTATECTL = "#!/bin/sh\necho the one of the root file system"
FETCHED = "rootfs.sha256"
"""What the guest fetched from the URL in its kernel arguments, by its digest."""

HOST = "http://10.0.2.2:"
"""Loopback of this machine, as a guest in qemu sees it."""

ISOLINUX = "serial 0 115200\nprompt 0\ndefault linux\nlabel linux\n  kernel /images/pxeboot/vmlinuz\n  append "
IMAGES = "initrd=/images/pxeboot/initrd.img,/images/ignition.img "
PROGRAM_MODE = stat.S_IFREG | 0o755
SHOWN = ("proc/cmdline", "config.ign", NETWORK_PATH, NMSTATECTL_PATH, FETCHED)
GRUB = "set timeout=0\nmenuentry 'Live' {\n\tlinux /images/pxeboot/vmlinuz "
GRUB_END = "\tinitrd /images/pxeboot/initrd.img /images/ignition.img\n}\n"
AREA_BYTES = 600
AREA = f"{DEFAULT}\n".ljust(AREA_BYTES, "#") + "# COREOS_KARG_EMBED_AREA\n"
MODULES = (
    *("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci"),
    *("failover", "net_failover", "virtio_net"),
)
"""The network card, each after what it needs."""

INIT = f"""#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
url=$(/bin/busybox sed -n 's/.*coreos.live.rootfs_url="\\?\\([^" ]*\\).*/\\1/p' /proc/cmdline)
case $url in
  {HOST}*)
    for module in {" ".join(MODULES)}; do /bin/busybox insmod /modules/$module.ko; done
    /bin/busybox ip link set eth0 up
    /bin/busybox ip address add 10.0.2.15/24 dev eth0
    /bin/busybox wget -q -O - "$url" | /bin/busybox sha256sum > {FETCHED};;
esac
for file in {" ".join(SHOWN)}; do
  echo "BEGIN $file"
  [ ! -e $file ] || /bin/busybox cat $file
  echo "END $file"
done
/bin/busybox poweroff -f
"""
MEDIA = {"cd": ("-boot", "d", "-cdrom"), "disk": ("-boot", "c", "-hda")}
NETWORK = ("-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n,romfile=")

Boot = Callable[..., dict[str, str]]


@pytest.fixture(scope="session")
def default_arguments() -> str:
    """The kernel arguments of the full ISO."""
    return DEFAULT


@pytest.fixture(scope="session")
def minimal_arguments() -> str:
    """Those of its minimal ISO, without the URL of the root file system."""
    return DEFAULT.replace(f"{LIVE} ", "")


@pytest.fixture(scope="session")
def kernel(require_program: Callable[[str], str]) -> Path:
    return Path(require_program("/boot/vmlinuz-*-cloud-amd64"))


@pytest.fixture(scope="session")
def initrd(require_program: Callable[[str], str], kernel: Path) -> bytes:
    """The first program and what it runs, compressed as that of CoreOS is."""
    modules = Path("/lib/modules") / kernel.name.removeprefix("vmlinuz-") / "kernel"
    found = {path.stem: path for folder in ("drivers/virtio", "drivers/net", "net/core") for path in (modules / folder).glob("*.ko")}
    programs = [
        ArchiveFile("init", INIT.encode(), PROGRAM_MODE),
        ArchiveFile("bin/busybox", Path(require_program("/bin/busybox")).read_bytes(), PROGRAM_MODE),
        *(ArchiveFile(f"modules/{name}.ko", found[name].read_bytes()) for name in MODULES),
    ]
    folders = [ArchiveFile(f"{name}/.keep") for name in ("proc", "usr/bin")]
    return compress(write_archive(with_folders([*programs, *folders])), Compression.GZIP)


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
def rootfs(require_program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An archive with a squashfs in it, where nmstatectl stands as on CoreOS."""
    folder = tmp_path_factory.mktemp("rootfs")
    program = folder / "tree/ostree/deploy/rhcos/deploy/0" / NMSTATECTL_PATH
    program.parent.mkdir(parents=True)
    program.write_text(f"{NMSTATECTL}\n")
    (folder / "tree/large").write_bytes(random.Random(3).randbytes(1 << 20))
    squashfs = folder / "root.squashfs"
    subprocess.run([require_program("mksquashfs"), folder / "tree", squashfs, "-quiet", "-no-progress"], check=True, capture_output=True)
    return write_archive([ArchiveFile(squashfs.name, squashfs.read_bytes())])


@pytest.fixture(scope="session")
def pxe_files(kernel: Path, initrd: bytes, rootfs: bytes) -> dict[str, bytes]:
    """What a network boot takes, by its path on the ISO."""
    files = {"vmlinuz": kernel.read_bytes(), "initrd.img": initrd, "rootfs.img": rootfs}
    return {f"images/pxeboot/{name}": content for name, content in files.items()}


@pytest.fixture(scope="session")
def full_iso(
    require_program: Callable[[str], str], pxe_files: dict[str, bytes], efi_image: bytes, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A hybrid ISO as a live ISO of CoreOS is laid out."""
    folder = tmp_path_factory.mktemp("live")
    isolinux, code = (Path(require_program(f"/usr/lib/ISOLINUX/{name}")) for name in ("isolinux.bin", "isohdpfx.bin"))
    loader = Path(require_program("/usr/lib/syslinux/modules/bios/ldlinux.c32"))
    areas = [{"path": "isolinux/isolinux.cfg", "offset": len(ISOLINUX + IMAGES)}, {"path": "boot/grub/grub.cfg", "offset": len(GRUB)}]
    files = {
        "isolinux/isolinux.bin": isolinux.read_bytes(),
        "isolinux/ldlinux.c32": loader.read_bytes(),
        "isolinux/isolinux.cfg": (ISOLINUX + IMAGES + AREA).encode(),
        "boot/grub/grub.cfg": (GRUB + AREA + GRUB_END).encode(),
        ".disk/info": b"live",
        "images/efiboot.img": efi_image,
        **pxe_files,
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
    options = (*bios, *efi, "-isohybrid-mbr", str(code), "-V", f"rhcos-{BUILD}", "-o", str(image))
    command = [require_program("xorriso"), "-as", "mkisofs", "-quiet", "-R", *options, str(folder / "tree")]
    subprocess.run(command, check=True, capture_output=True)
    return image


@pytest.fixture(scope="session")
def boot(require_program: Callable[[str], str]) -> Boot:
    """``boot(image, medium="cd", firmware="uefi", network=True)``, or ``boot("-kernel", …)``: what the first program prints, by path.

    That is the content of files; ``""`` where one is missing.
    """
    program = require_program("qemu-system-x86_64")

    def run(*options: str | Path, medium: str = "", firmware: str = "bios", network: bool = False) -> dict[str, str]:
        options = (*MEDIA.get(medium, ()), *options, *(NETWORK if network else ()))
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
