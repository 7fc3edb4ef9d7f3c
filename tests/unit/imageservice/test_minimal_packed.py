"""Minimal ISOs as ``coreos/miniso.dat`` of the full one says."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.formats.coreos_iso.embed import find_embed_area
from penstock.formats.coreos_iso.kargs import read_kargs
from penstock.imageservice.ignition import Embedded, embed
from penstock.imageservice.minimal import minimal_iso, plan_minimal, plan_packed
from penstock.model.errors import DigestMismatch, InputError

if TYPE_CHECKING:
    from tests.unit.imageservice.conftest import LiveFiles, MakeIso, OpenIso

URL = "https://images.example.com/boot-artifacts/rootfs?arch=x86_64&version=418.94.202501221327-0"
ROOTFS = f'coreos.live.rootfs_url="{URL}"'
KEPT = "rw ignition.firstboot ignition.platform.id=metal"
CONFIGS = ("EFI/redhat/grub.cfg", "isolinux/isolinux.cfg")


def test_the_packed_minimal_iso_comes_out_bit_for_bit_but_for_its_kernel_arguments(packed: tuple[Path, bytes], open_iso: "OpenIso") -> None:
    with open_iso(packed[0]) as full:
        plan = minimal_iso(full.iso, full.source, URL)
        content = full.read(plan)
        iso = full.planned(plan)
        places = [iso.find(path) or (0, 0) for path in (*CONFIGS, "coreos/kargs.json")]
        found = full.files(plan)
    assert len(content) == len(packed[1])
    changed = [index for index, (old, new) in enumerate(zip(packed[1], content, strict=True)) if old != new]
    assert all(any(start <= index < start + length for start, length in places) for index in changed)
    assert f"vmlinuz {KEPT} {ROOTFS}\n#" in found[CONFIGS[0]].decode()
    assert json.loads(found["coreos/kargs.json"])["default"] == KEPT


def test_a_plain_url_stands_in_the_packed_one_as_coreos_installer_writes_it(packed: tuple[Path, bytes], open_iso: "OpenIso") -> None:
    with open_iso(packed[0]) as full:
        kargs = read_kargs(full.planned(minimal_iso(full.iso, full.source, "http://example.com/rootfs.img")))
    assert kargs is not None
    assert kargs.text() == f"{KEPT} coreos.live.rootfs_url=http://example.com/rootfs.img"


@pytest.mark.parametrize("is_packed", [True, False])
def test_without_a_url_it_does_not_look_for_the_iso_either(
    packed: tuple[Path, bytes], make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso", is_packed: bool
) -> None:
    path = packed[0] if is_packed else make_iso(live_files(), "other.iso")
    with open_iso(path) as full:
        kargs = read_kargs(full.planned(minimal_iso(full.iso, full.source, None)))
    assert kargs is not None
    assert (kargs.text(), kargs.default) == (KEPT, KEPT)


def test_a_full_iso_that_was_customised_gives_no_packed_one(packed: tuple[Path, bytes], open_iso: "OpenIso", tmp_path: Path) -> None:
    customised = tmp_path / "customised.iso"
    with open_iso(packed[0]) as full:
        patch = embed(find_embed_area(full.iso), Embedded.of(b'{"ignition": {"version": "3.4.0"}}'))
    content = bytearray(packed[0].read_bytes())
    content[patch.offset : patch.end] = patch.content
    customised.write_bytes(content)
    with open_iso(customised) as full, pytest.raises(DigestMismatch) as raised:
        minimal_iso(full.iso, full.source, URL)
    assert "as it was published" in raised.value.hint


def test_without_miniso_dat_it_is_laid_out_anew_without_a_ramdisk(
    make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso"
) -> None:
    with open_iso(make_iso(live_files())) as full:
        assert minimal_iso(full.iso, full.source, URL) == plan_minimal(full.iso, full.source, rootfs_url=URL, ramdisk_bytes=0)
        with pytest.raises(InputError, match=r"miniso\.dat"):
            plan_packed(full.iso, full.source, rootfs_url=URL)


def test_the_one_laid_out_anew_has_no_miniso_dat_of_another_iso(packed: tuple[Path, bytes], open_iso: "OpenIso") -> None:
    with open_iso(packed[0]) as full:
        assert "coreos/miniso.dat" not in full.files(plan_minimal(full.iso, full.source, rootfs_url=URL))
