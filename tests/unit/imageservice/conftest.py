"""A full live ISO that xorriso makes, and what tests do with it."""

import hashlib
import json
import lzma
import struct
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from penstock.formats.coreos_iso.image import IsoImage
from penstock.formats.iso9660.entries import EntryKind
from penstock.imageservice.overlay import Plan, Source
from penstock.imageservice.planfile import open_plan

DEFAULT = "rw coreos.liveiso=rhcos-418.94-0 ignition.firstboot ignition.platform.id=metal"
SIZE = 600
MINISO_BYTES = 65536
SECTOR = 2048
MARKER = "# COREOS_KARG_EMBED_AREA\n"
GRUB = "menuentry 'Live' {\n\tlinux /images/pxeboot/vmlinuz "
GRUB_END = "\tinitrd /images/pxeboot/initrd.img /images/ignition.img\n}\n"
ISOLINUX = "default linux\nlabel linux\n  kernel /images/pxeboot/vmlinuz\n  append initrd=/images/pxeboot/initrd.img,/images/ignition.img "
CONFIGS = ("EFI/redhat/grub.cfg", "isolinux/isolinux.cfg")

LiveFiles = Callable[..., dict[str, bytes]]
MakeIso = Callable[..., Path]
OpenIso = Callable[[Path], "AbstractContextManager[LiveIso]"]


@dataclass(frozen=True, slots=True)
class LiveIso:
    """An ISO that is open, and its file as a source of ranges."""

    iso: IsoImage
    source: Source

    def read(self, plan: Plan) -> bytes:
        return b"".join(bytes(chunk) for chunk in plan.iter_chunks(lambda _: self.iso.file))

    def planned(self, plan: Plan) -> IsoImage:
        return IsoImage(open_plan(plan, lambda _: self.iso.file), name="minimal.iso")

    def files(self, plan: Plan) -> dict[str, bytes]:
        """The files of the ISO that is planned."""
        iso, found = self.planned(plan), {}
        for entry in iso.image.walk():
            if entry.kind is EntryKind.FILE:
                with iso.image.open_entry(entry) as file:
                    found[entry.path] = file.read()
        return found


@pytest.fixture(scope="session")
def open_iso() -> OpenIso:
    @contextmanager
    def opened(path: Path) -> Iterator[LiveIso]:
        with path.open("rb") as file:
            yield LiveIso(IsoImage(file, name=path.name), Source.by_digest(str(path), path.stat().st_size, "sha256:0"))

    return opened


@pytest.fixture(scope="session")
def live_files() -> LiveFiles:
    """``live_files(kargs=, size=)``: the files of a live ISO, with these kernel arguments in areas of this size."""

    def made(kargs: str = DEFAULT, size: int = SIZE) -> dict[str, bytes]:
        area = f"{kargs}\n".ljust(size, "#") + MARKER
        files = [{"path": path, "offset": len(before)} for path, before in zip(CONFIGS, (GRUB, ISOLINUX), strict=True)]
        return {
            "images/pxeboot/vmlinuz": b"kernel" * 5000,
            "images/pxeboot/initrd.img": b"initrd" * 7000,
            "images/pxeboot/rootfs.img": b"the root file system " * 40_000,
            "images/ignition.img": bytes(262144),
            "images/efiboot.img": b"fat" * 7000,
            CONFIGS[0]: (GRUB + area + GRUB_END).encode(),
            CONFIGS[1]: (ISOLINUX + area + "label other\n  append initrd=/other\n").encode(),
            "coreos/igninfo.json": b'{"file": "images/ignition.img"}',
            "coreos/features.json": b'{"installer-config": true}',
            "coreos/kargs.json": json.dumps({"default": DEFAULT, "files": files, "size": size, "later": [1]}, indent=4).encode(),
        }

    return made


@pytest.fixture
def make_iso(tmp_path: Path, require_program: Callable[[str], str]) -> MakeIso:
    """``make_iso(files, name, options)``: an ISO that boots from CD and disk, by BIOS and UEFI."""
    program = require_program("xorriso")
    isolinux, code = (Path(require_program(f"/usr/lib/ISOLINUX/{name}")) for name in ("isolinux.bin", "isohdpfx.bin"))
    bios = ("-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table")
    efi = ("-eltorito-alt-boot", "-e", "images/efiboot.img", "-no-emul-boot", "-isohybrid-gpt-basdat", "-isohybrid-mbr", str(code))

    def made(files: Mapping[str, bytes], name: str = "full.iso", options: tuple[str, ...] = (*bios, *efi)) -> Path:
        folder = tmp_path / f"{name}-tree"
        for path, content in {"isolinux/isolinux.bin": isolinux.read_bytes(), **files}.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        image = tmp_path / name
        command = [program, "-as", "mkisofs", "-quiet", "-R", "-J", "-V", "rhcos-418.94-0", *options, "-o", str(image), str(folder)]
        subprocess.run(command, check=True, capture_output=True)
        return image

    return made


@pytest.fixture
def packed(make_iso: MakeIso, live_files: LiveFiles, open_iso: OpenIso) -> tuple[Path, bytes]:
    """A full ISO with a ``miniso.dat``, and the minimal ISO that this was made of; by hand, as coreos-installer packs it."""
    files = live_files()
    full = make_iso({**files, "coreos/miniso.dat": bytes(MINISO_BYTES)})
    small = {path: content for path, content in files.items() if path != "images/pxeboot/rootfs.img"}
    minimal = make_iso(small, "small.iso")
    content = minimal.read_bytes()
    with open_iso(full) as one, open_iso(minimal) as two:
        common = sorted((two.iso.image.file(path).extent, one.iso.image.file(path).extent) for path in small)
        start = one.iso.image.file("coreos/miniso.dat").extent.offset
    rest, at = b"", 0
    for (offset, length), _ in common:
        rest += content[at:offset]
        at = offset + length
    xz = lzma.compress(rest + content[at:], lzma.FORMAT_XZ)
    table = b"".join(_number(part) for mine, theirs in common for part in (mine[0] // SECTOR, theirs[0] // SECTOR, mine[1]))
    head = b"MINISO\0\0" + _number(1) + _number(6) + b"0.26.0" + _number(len(common))
    data = head + table + hashlib.sha256(content).digest() + _number(len(xz)) + xz
    whole = bytearray(full.read_bytes())
    whole[start : start + len(data)] = data
    full.write_bytes(whole)
    return full, content


def _number(value: int) -> bytes:
    if value <= 250:
        return bytes([value])
    return b"\xfb" + struct.pack("<H", value) if value < 1 << 16 else b"\xfc" + struct.pack("<I", value)
