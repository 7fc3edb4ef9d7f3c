"""Live ISOs of the real shape that xorriso makes, and the program that edits them."""

import hashlib
import json
import lzma
import random
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Outcome, Run

DEFAULT = "quiet coreos.liveiso=rhcos-1 ignition.firstboot ignition.platform.id=metal"
KARGS_BYTES = 300
AREA_BYTES = 16384
ROOTFS = "images/pxeboot/rootfs.img"
MINISO = "coreos/miniso.dat"
_BLOCK_BYTES = 4096
CONFIG = b'{"ignition": {"version": "3.4.0"}}\n'


@dataclass(frozen=True)
class LiveIso:
    """An ISO in a file.

    Attributes:
        path: of the file.
        areas: offset and length of what may be changed: the area of the Ignition config first.
        files: where each file of the ISO stands.
        minimal: the minimal ISO that its ``miniso.dat`` was made from, or ``b""``.
    """

    path: Path
    areas: tuple[tuple[int, int], ...]
    files: Mapping[str, tuple[int, int]]
    minimal: bytes = b""

    def content(self, path: str) -> bytes:
        """A file of the ISO."""
        offset, length = self.files[path]
        return self.path.read_bytes()[offset : offset + length]

    def differences_outside(self, other: bytes) -> set[int]:
        """Where ``other`` differs from this ISO outside of the areas."""
        base = self.path.read_bytes()
        assert len(base) == len(other)
        inside = {index for offset, length in self.areas for index in range(offset, offset + length)}
        blocks = [at for at in range(0, len(base), _BLOCK_BYTES) if base[at : at + _BLOCK_BYTES] != other[at : at + _BLOCK_BYTES]]
        places = (index for at in blocks for index in range(at, min(at + _BLOCK_BYTES, len(base))))
        return {index for index in places if base[index] != other[index]} - inside


def _initrd() -> bytes:
    return b"\x1f\x8b" + random.Random(2).randbytes(40_001)


def _x86_64() -> dict[str, bytes]:
    area = f"{DEFAULT}\n".ljust(KARGS_BYTES, "#") + "# COREOS_KARG_EMBED_AREA\n"
    grub, isolinux = "set timeout=5\n\tlinux /images/pxeboot/vmlinuz ", "default vesamenu.c32\n  append initrd=/images/pxeboot/initrd.img "
    kargs = {
        "default": DEFAULT,
        "files": [{"path": "EFI/redhat/grub.cfg", "offset": len(grub)}, {"path": "isolinux/isolinux.cfg", "offset": len(isolinux)}],
        "size": KARGS_BYTES,
    }
    return {
        "EFI/redhat/grub.cfg": f"{grub}{area}\tinitrd /images/pxeboot/initrd.img /images/ignition.img\n".encode(),
        "isolinux/isolinux.cfg": f"{isolinux}{area}".encode(),
        "coreos/features.json": b'{"installer-config": true, "live-initrd-network": true, "installer-config-directives": {}}',
        "coreos/igninfo.json": b'{"file":"images/ignition.img"}',
        "coreos/kargs.json": json.dumps(kargs, indent=2).encode(),
        "images/ignition.img": bytes(AREA_BYTES),
        "images/pxeboot/initrd.img": _initrd(),
        ROOTFS: random.Random(1).randbytes(3_000_000),
        "images/pxeboot/vmlinuz": b"MZ" + b"kernel" * 10_000,
    }


def _aarch64() -> dict[str, bytes]:
    files = _x86_64()
    del files["isolinux/isolinux.cfg"]
    kargs = json.loads(files["coreos/kargs.json"])
    return {**files, "coreos/kargs.json": json.dumps({**kargs, "files": kargs["files"][:1]}).encode()}


def _s390x() -> dict[str, bytes]:
    boot = b"k" * 1000 + DEFAULT.encode().ljust(896, b"\0") + b"x" * 104 + bytes(AREA_BYTES) + b"t" * 500
    kargs = {
        "default": DEFAULT,
        "files": [{"path": "images/cdboot.img", "offset": 1000, "pad": "\0", "end": "\0"}],
        "size": 896,
    }
    return {
        "coreos/igninfo.json": json.dumps({"file": "images/cdboot.img", "offset": 2000, "length": AREA_BYTES}).encode(),
        "coreos/kargs.json": json.dumps(kargs, indent=2).encode(),
        "generic.ins": b"images/kernel.img 0x00000000\n",
        "images/cdboot.img": boot,
        "images/initrd.addrsize": struct.pack(">QQ", 3 << 24, len(_initrd())),
        "images/pxeboot/initrd.img": _initrd(),
        "images/pxeboot/kernel.img": b"kernel" * 10_000,
        ROOTFS: random.Random(1).randbytes(1_000_000),
    }


class IsoMaker:
    """Makes ISOs with xorriso in one folder."""

    def __init__(self, xorriso: str, folder: Path) -> None:
        self._xorriso = xorriso
        self._folder = folder

    def image(self, name: str, files: Mapping[str, bytes]) -> tuple[Path, dict[str, tuple[int, int]]]:
        """An ISO, and where its files stand as xorriso tells."""
        tree, made = self._folder / f"{name}-tree", self._folder / f"{name}.iso"
        for path, content in files.items():
            place = tree / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        options = ["-as", "mkisofs", "-quiet", "-R", "-J", "-V", "rhcos-418.94.202501221327-0"]
        subprocess.run([self._xorriso, *options, "-o", made, tree], check=True, capture_output=True)
        listing: list[str | Path] = [self._xorriso, "-indev", made, "-find", "/", "-type", "f", "-exec", "report_lba"]
        told = subprocess.run(listing, check=True, capture_output=True, text=True).stdout
        rows = re.findall(r"^File data lba: +\d+ , +(\d+) , +\d+ , +(\d+) , '/(.+)'$", told, re.MULTILINE)
        return made, {path: (int(block) * 2048, int(length)) for block, length, path in rows}

    def x86_64(self, name: str = "x86_64", *, without: tuple[str, ...] = (), other: Mapping[str, bytes] | None = None) -> LiveIso:
        """One without some of its files, and with other content of others."""
        files = {path: content for path, content in (_x86_64() | dict(other or {})).items() if path not in without}
        made, places = self.image(name, files)
        return LiveIso(made, self._areas(files, places), places)

    def with_miniso(self) -> LiveIso:
        files = _x86_64()
        small, in_small = self.image("small", {path: content for path, content in files.items() if path != ROOTFS})
        made, places = self.image("full", {**files, MINISO: bytes(16384)})
        table = sorted((in_small[path][0] // 2048, places[path][0] // 2048, in_small[path][1]) for path in in_small)
        minimal = small.read_bytes()
        with made.open("r+b") as file:
            file.seek(places[MINISO][0])
            file.write(_miniso(table, minimal))
        return LiveIso(made, self._areas(files, places), places, minimal)

    def aarch64(self) -> LiveIso:
        files = _aarch64()
        made, places = self.image("aarch64", files)
        return LiveIso(made, self._areas(files, places), places)

    def s390x(self) -> LiveIso:
        made, places = self.image("s390x", _s390x())
        boot = places["images/cdboot.img"][0]
        return LiveIso(made, ((boot + 2000, AREA_BYTES), (boot + 1000, 896)), places)

    def legacy(self) -> LiveIso:
        """As of early 2021: no documents, headers in the system area."""
        files = {path: content for path, content in _x86_64().items() if not path.startswith("coreos/")}
        files["images/area.img"] = files.pop("images/ignition.img")
        files["default.txt"] = f"{DEFAULT}\n".ljust(KARGS_BYTES, "#").encode()
        made, places = self.image("legacy", files)
        areas = self._areas(files, places)
        offsets = [offset for offset, _ in areas[1:]]
        kargs = struct.pack("<8sQQ6Q", b"coreKarg", KARGS_BYTES, places["default.txt"][0], *offsets, *[0] * 4)
        with made.open("r+b") as file:
            file.seek(32768 - 24 - len(kargs))
            file.write(kargs + struct.pack("<8sQQ", b"coreiso+", *areas[0]))
        return LiveIso(made, areas, places)

    @staticmethod
    def _areas(files: Mapping[str, bytes], places: Mapping[str, tuple[int, int]]) -> tuple[tuple[int, int], ...]:
        area = places["images/ignition.img" if "images/ignition.img" in places else "images/area.img"]
        loaders = [path for path in ("EFI/redhat/grub.cfg", "isolinux/isolinux.cfg") if path in files]
        return (area, *((places[path][0] + files[path].index(DEFAULT.encode()), KARGS_BYTES) for path in loaders))


def _miniso(table: list[tuple[int, int, int]], minimal: bytes) -> bytes:
    between, at = b"", 0
    for sector, _, length in table:
        between += minimal[at : sector * 2048]
        at = sector * 2048 + length
    xz = lzma.compress(between + minimal[at:])
    rows = b"".join(_number(value) for row in table for value in row)
    head = b"MINISO\0\0" + _number(1) + _number(6) + b"0.17.0" + _number(len(table))
    return head + rows + hashlib.sha256(minimal).digest() + _number(len(xz)) + xz


def _number(value: int) -> bytes:
    if value <= 250:
        return bytes([value])
    return b"\xfb" + struct.pack("<H", value) if value < 1 << 16 else b"\xfc" + struct.pack("<I", value)


@pytest.fixture(scope="session")
def make_in(require_program: Callable[[str], str]) -> Callable[[Path], IsoMaker]:
    """``make_in(folder)`` makes ISOs there, as ``make`` does."""
    return lambda folder: IsoMaker(require_program("xorriso"), folder)


@pytest.fixture
def make(make_in: Callable[[Path], IsoMaker], tmp_path: Path) -> IsoMaker:
    """Makes ISOs: ``make.x86_64()``, ``make.aarch64()``, ``make.s390x()``, ``make.legacy()``, ``make.with_miniso()``, ``make.image(…)``."""
    return make_in(tmp_path)


@pytest.fixture
def live(make: IsoMaker) -> LiveIso:
    """An ISO for x86_64."""
    return make.x86_64()


@pytest.fixture(params=["x86_64", "s390x", "legacy"])
def any_live(request: pytest.FixtureRequest, make: IsoMaker) -> LiveIso:
    """ISOs of every kind."""
    made: LiveIso = getattr(make, request.param)()
    return made


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """An Ignition config in a file."""
    path = tmp_path / "host.ign"
    path.write_bytes(CONFIG)
    return path


@pytest.fixture
def images_iso(run: "Run") -> Callable[..., "Outcome"]:
    """``images_iso(ISO, "--option", …)`` runs ``penstock images iso`` in this process."""
    return lambda *words: run("images", "iso", *map(str, words))


@pytest.fixture
def program(environment: dict[str, str]) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """``program(ISO, …, stdin=…, stderr=…, before=…)`` starts it as a process of its own; it is killed at the end at the latest."""
    started: list[subprocess.Popen[bytes]] = []

    def start(
        *words: object, stdin: int = subprocess.DEVNULL, stderr: int = subprocess.PIPE, before: Callable[[], None] = lambda: None
    ) -> "subprocess.Popen[bytes]":
        def child() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # also where the test run itself is a background job that ignores it
            before()

        process = subprocess.Popen(
            [sys.executable, "-m", "penstock", "images", "iso", *map(str, words)],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment,
            preexec_fn=child,  # noqa: PLW1509  # nothing but system calls
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
