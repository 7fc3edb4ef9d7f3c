"""ISOs as hosts download them, of every shape: what was put in is read back, and every other byte is the published one."""

import io
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.formats.coreos_iso.embed import find_embed_area
from penstock.formats.coreos_iso.image import IsoImage
from penstock.formats.coreos_iso.kargs import KARGS_PATH, read_kargs
from penstock.formats.cpio import ArchiveFile, with_folders, write_archive
from penstock.formats.initramfs import Compression, compress
from penstock.imageservice.minimal import RAMDISK_PATH

if TYPE_CHECKING:
    from tests.integration.conftest import Run
    from tests.integration.images.conftest import IsoMaker, LiveIso
    from tests.integration.images.served.conftest import Serving

PLAIN = "0f5d39a1-97b6-4f2c-a1a2-000000000001"
WITH_ARGUMENTS = "0f5d39a1-97b6-4f2c-a1a2-000000000002"
WITH_RAMDISK = "0f5d39a1-97b6-4f2c-a1a2-000000000003"
CONFIG = b'{"ignition": {"version": "3.2.0"}, "storage": {"files": [{"path": "/etc/motd", "contents": {"source": "data:,hello"}}]}}'
RAMDISK = compress(write_archive(with_folders([ArchiveFile("etc/assisted/network/host0/eth0.nmconnection")])), Compression.GZIP)
BASE_URL = "http://images.example.com:8080"
DEFAULT = "quiet coreos.liveiso=rhcos-1 ignition.firstboot ignition.platform.id=metal"
VERSIONS = {"4.14": "x86_64", "4.15": "aarch64", "4.16": "s390x", "4.17": "x86_64"}
"""The last one has the minimal ISO that it was published with."""


@dataclass(frozen=True, slots=True)
class Shelf:
    serving: "Serving"
    isos: dict[str, "LiveIso"]

    def iso(self, version: str, kind: str = "full", host: str = PLAIN) -> bytes:
        return self.serving.content(f"/byid/{host}/{version}/{VERSIONS[version]}/{kind}.iso")


@pytest.fixture(scope="module")
def shelf(
    serving: Callable[..., AbstractContextManager["Serving"]],
    make_in: "Callable[[Path], IsoMaker]",
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Shelf]:
    folder = tmp_path_factory.mktemp("shelf")
    make, hosts = make_in(folder), folder / "hosts"
    isos = dict(zip(VERSIONS, (make.x86_64(), make.aarch64(), make.s390x(), make.with_miniso()), strict=True))
    hosts.mkdir()
    for host in (PLAIN, WITH_ARGUMENTS, WITH_RAMDISK):
        (hosts / f"{host}.ign").write_bytes(CONFIG)
    (hosts / f"{WITH_ARGUMENTS}.kargs").write_text('console=ttyS0 note="a b"\n')
    (hosts / f"{WITH_RAMDISK}.ramdisk").write_bytes(RAMDISK)
    words = [word for version, arch in VERSIONS.items() for word in ("--iso", f"{version}:{arch}={isos[version].path}")]
    with serving(folder, *words, "--small-images", "--config-dir", hosts, "--base-url", BASE_URL) as service:
        for version, arch in VERSIONS.items():
            service.wait(f"?version={version}&arch={arch}" + ("&type=minimal-iso" if arch != "s390x" else ""))
        yield Shelf(service, isos)


def shown(run: "Run", iso: Path, *what: str) -> str:
    done = run("images", "iso", str(iso), "--show", *what)
    assert (done.code, done.err) == (0, "")
    return done.out


@pytest.mark.parametrize("version", VERSIONS)
def test_ignition_accepts_the_config_that_is_read_back(
    *, shelf: Shelf, run: "Run", require_program: Callable[[str], str], tmp_path: Path, version: str
) -> None:
    for kind in ("full", "minimal") if VERSIONS[version] != "s390x" else ("full",):
        iso, config = tmp_path / f"{kind}.iso", tmp_path / f"{kind}.ign"
        iso.write_bytes(shelf.iso(version, kind))
        config.write_text(shown(run, iso, "ignition"))
        assert config.read_bytes() == CONFIG
        subprocess.run([require_program("ignition-validate"), config], check=True, capture_output=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_byte_that_differs_from_the_published_iso_lies_in_a_declared_area(shelf: Shelf, version: str) -> None:
    host = PLAIN if VERSIONS[version] == "s390x" else WITH_ARGUMENTS
    served = shelf.iso(version, host=host)
    assert served != shelf.isos[version].path.read_bytes()
    assert shelf.isos[version].differences_outside(served) == set()


@pytest.mark.parametrize("version", ["4.14", "4.15", "4.17"])
def test_kernel_arguments_stand_behind_those_of_the_iso(shelf: Shelf, run: "Run", tmp_path: Path, version: str) -> None:
    full, minimal = tmp_path / "full.iso", tmp_path / "minimal.iso"
    full.write_bytes(shelf.iso(version, host=WITH_ARGUMENTS))
    minimal.write_bytes(shelf.iso(version, "minimal", WITH_ARGUMENTS))
    assert shown(run, full, "kargs") == f'{DEFAULT} console=ttyS0 note="a b"\n'
    (url,) = (word for word in shown(run, minimal, "kargs").split() if word.startswith("coreos.live.rootfs_url="))
    kept = DEFAULT.replace("coreos.liveiso=rhcos-1 ", "")
    assert shown(run, minimal, "kargs") == f'{kept} {url} console=ttyS0 note="a b"\n'
    assert url.startswith(f'coreos.live.rootfs_url="{BASE_URL}/boot-artifacts/rootfs?')


def test_kernel_arguments_are_refused_for_s390x(shelf: Shelf) -> None:
    answer = shelf.serving.get(f"/byid/{WITH_ARGUMENTS}/4.16/s390x/full.iso")
    assert (answer.status, answer.body) == (400, b"kargs cannot be modified in s390x architecture ISOs\n")


def opened(content: bytes) -> IsoImage:
    return IsoImage(io.BytesIO(content), name="served.iso")


def areas_of(iso: IsoImage) -> list[tuple[int, int]]:
    """Where a minimal ISO may differ from the published one: the config, the arguments, and the document that tells the arguments."""
    ignition, kargs, document = find_embed_area(iso), read_kargs(iso), iso.find(KARGS_PATH)
    assert kargs is not None
    assert document is not None
    return [(ignition.offset_bytes, ignition.length_bytes), *((area.offset_bytes, area.length_bytes) for area in kargs.areas), document]


def blanked(content: bytes, areas: list[tuple[int, int]]) -> bytes:
    changed = bytearray(content)
    for offset, length in areas:
        changed[offset : offset + length] = bytes(length)
    return bytes(changed)


def test_a_host_without_ramdisk_gets_the_minimal_iso_that_was_published_with_the_url(shelf: Shelf, run: "Run", tmp_path: Path) -> None:
    published, served = shelf.isos["4.17"].minimal, shelf.iso("4.17", "minimal")
    assert len(served) == len(published)
    areas = areas_of(opened(published))
    assert blanked(served, areas) == blanked(published, areas), "bit for bit"
    given = tmp_path / "served.iso"
    given.write_bytes(served)
    kept = DEFAULT.replace("coreos.liveiso=rhcos-1 ", "")
    url = f"{BASE_URL}/boot-artifacts/rootfs?arch=x86_64&version=418.94.202501221327-0"
    assert shown(run, given, "kargs") == f'{kept} coreos.live.rootfs_url="{url}"\n'
    assert shown(run, given, "kargs", "--default") == f"{kept}\n"


def test_a_host_with_ramdisk_gets_one_that_is_laid_out_with_room_for_it(shelf: Shelf) -> None:
    iso = opened(shelf.iso("4.17", "minimal", WITH_RAMDISK))
    assert iso.find("coreos/miniso.dat") is None
    found = iso.find(RAMDISK_PATH)
    assert found is not None
    assert iso.read(*found) == RAMDISK.ljust(found[1], b"\0")


@pytest.mark.parametrize("version", ["4.14", "4.15", "4.17"])
def test_minimal_isos_of_two_hosts_differ_in_the_declared_areas_alone(shelf: Shelf, version: str) -> None:
    one, other = shelf.iso(version, "minimal"), shelf.iso(version, "minimal", WITH_ARGUMENTS)
    areas = areas_of(opened(one))
    assert one != other
    assert blanked(one, areas) == blanked(other, areas)
