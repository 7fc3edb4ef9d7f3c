"""The rules on a whole ISO that xorriso makes."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.formats.coreos_iso.embed import find_embed_area, read_area
from penstock.formats.coreos_iso.image import IsoImage
from penstock.formats.coreos_iso.kargs import read_kargs
from penstock.imageservice.ignition import Embedded, embed, read_embedded, remove
from penstock.imageservice.kargs import append_kargs, reset_kargs
from penstock.imageservice.overlay import Patch, Plan, Source, overlay
from penstock.model.errors import VerificationError

CONFIG = b'{"ignition": {"version": "3.4.0"}}'
DEFAULT = "quiet coreos.liveiso=rhcos-1"
SIZE = 300


@pytest.fixture
def iso_path(tmp_path: Path, require_program: Callable[[str], str]) -> Path:
    grub = f"linux {DEFAULT}\n".ljust(SIZE + 6, "#") + "# COREOS_KARG_EMBED_AREA\n"
    files = {
        "images/ignition.img": bytes(8192),
        "images/pxeboot/vmlinuz": b"kernel" * 1000,
        "EFI/redhat/grub.cfg": grub.encode(),
        "coreos/igninfo.json": b'{"file": "images/ignition.img"}',
        "coreos/kargs.json": json.dumps(
            {"default": DEFAULT, "files": [{"path": "EFI/redhat/grub.cfg", "offset": 6}], "size": SIZE}
        ).encode(),
    }
    for path, content in files.items():
        target = tmp_path / "tree" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    made = tmp_path / "rhcos.iso"
    command = [require_program("xorriso"), "-as", "mkisofs", "-R", "-V", "rhcos-1", "-o", str(made), str(tmp_path / "tree")]
    subprocess.run(command, check=True, capture_output=True)
    return made


def source_of(path: Path) -> Source:
    status = path.stat()
    return Source.by_stat(str(path), status.st_size, mtime_ns=status.st_mtime_ns, inode=status.st_ino)


def write(plan: Plan, base: Path, target: Path) -> bytes:
    with base.open("rb") as file:
        target.write_bytes(b"".join(bytes(chunk) for chunk in plan.iter_chunks(lambda _: file)))
    return target.read_bytes()


def changed(before: bytes, after: bytes) -> set[int]:
    assert len(before) == len(after)
    return {index for index, (old, new) in enumerate(zip(before, after, strict=True)) if old != new}


def inside(patches: list[Patch]) -> set[int]:
    return {index for patch in patches for index in range(patch.offset, patch.end)}


def test_config_and_arguments_are_read_back_and_nothing_else_changes(iso_path: Path, tmp_path: Path) -> None:
    with iso_path.open("rb") as file:
        iso = IsoImage(file, name="rhcos.iso")
        kargs = read_kargs(iso)
        assert kargs is not None
        patches = [embed(find_embed_area(iso), Embedded.of(CONFIG)), *append_kargs(kargs, ["p1", "p2"])]
    customised = tmp_path / "out.iso"
    content = write(overlay(source_of(iso_path), patches), iso_path, customised)
    assert changed(iso_path.read_bytes(), content) <= inside(patches)
    with customised.open("rb") as file:
        iso = IsoImage(file, name="out.iso")
        assert read_embedded(read_area(iso, find_embed_area(iso)), subject=iso.name).config == CONFIG
        again = read_kargs(iso)
        assert again is not None
        assert again.text() == f"{DEFAULT} p1 p2"


def test_removing_and_resetting_gives_the_published_bytes(iso_path: Path, tmp_path: Path) -> None:
    with iso_path.open("rb") as file:
        iso = IsoImage(file, name="rhcos.iso")
        kargs = read_kargs(iso)
        assert kargs is not None
        area = find_embed_area(iso)
        customised = tmp_path / "out.iso"
        write(overlay(source_of(iso_path), [embed(area, Embedded.of(CONFIG)), *append_kargs(kargs, ["p1"])]), iso_path, customised)
        plan = overlay(source_of(customised), [remove(area), *reset_kargs(kargs)])
    assert write(plan, customised, tmp_path / "again.iso") == iso_path.read_bytes()


def test_a_cut_iso_is_an_error(iso_path: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.iso"
    cut.write_bytes(iso_path.read_bytes()[:-100_000])
    with cut.open("rb") as file, pytest.raises(VerificationError, match="cut"):
        find_embed_area(IsoImage(file, name="cut.iso"))
