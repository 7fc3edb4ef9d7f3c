"""Minimal ISOs of the architectures beside x86_64: what makes each boot is as in the full ISO."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.imageservice.minimal import plan_minimal

if TYPE_CHECKING:
    from tests.unit.imageservice.conftest import LiveFiles, MakeIso, OpenIso

    from penstock.formats.iso9660.hybrid import MbrPartition

URL = "https://images.example.com/boot-artifacts/rootfs?arch=arm64&version=418.94-0"
GRUB_OF_POWER = "boot/grub/grub.cfg"
RESCUE = ("-hfsplus", "-apm-block-size", "2048", "-sysid", "PPC", "--protective-msdos-label")
"""The options that GRUB's ``grub-mkrescue`` gives xorriso for Power; coreos-assembler makes its ISO with that."""


def power(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files of an ISO for ppc64le: one boot loader, no EFI, and what Open Firmware looks for."""
    grub = files.pop("EFI/redhat/grub.cfg")
    del files["isolinux/isolinux.cfg"], files["images/efiboot.img"]
    info = json.loads(files["coreos/kargs.json"])
    kargs = {**info, "files": [{"path": GRUB_OF_POWER, "offset": info["files"][0]["offset"]}]}
    of_mac = {"System/Library/CoreServices/.disk_label": b"label", "mach_kernel": b""}
    of_power = {GRUB_OF_POWER: grub, "boot/grub/powerpc.elf": b"\x7fELF" * 99, "ppc/bootinfo.txt": b"<chrp-boot></chrp-boot>"}
    return {**files, **of_mac, **of_power, "coreos/kargs.json": json.dumps(kargs).encode()}


@pytest.mark.parametrize("options", [RESCUE, ("-chrp-boot-part",)], ids=["as grub-mkrescue", "chrp"])
def test_an_iso_for_power_keeps_the_partition_that_is_the_image(
    make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso", tmp_path: Path, options: tuple[str, ...]
) -> None:
    served = tmp_path / "minimal.iso"
    with open_iso(make_iso(power(live_files()), options=options)) as full:
        served.write_bytes(full.read(plan_minimal(full.iso, full.source, rootfs_url=URL)))
        before = full.iso.image.system_area().mbr
    with open_iso(served) as small:
        after = small.iso.image.system_area().mbr
    (kind,) = {partition.type for partition in before}
    assert kind == (0xCD if options is RESCUE else 0x96)
    assert [seen(partition) for partition in after] == [seen(partition) for partition in before]
    assert after[0].extent.end == served.stat().st_size


def seen(partition: "MbrPartition") -> tuple[bool, int, int]:
    return partition.active, partition.type, partition.extent.offset


def test_the_one_for_power_has_its_config_its_files_and_its_system_id(
    make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso", tmp_path: Path
) -> None:
    files = power(live_files())
    with open_iso(make_iso(files, options=RESCUE)) as full:
        plan = plan_minimal(full.iso, full.source, rootfs_url=URL)
        found = full.files(plan)
        assert full.planned(plan).image.volume.system_id.strip() == "PPC"
    assert f'coreos.live.rootfs_url="{URL}"\n#'.encode() in found[GRUB_OF_POWER]
    assert b"/images/assisted_installer_custom.img\n" in found[GRUB_OF_POWER]
    kept = files.keys() - {GRUB_OF_POWER, "coreos/kargs.json", "images/pxeboot/rootfs.img"}
    assert {path: found[path] for path in kept} == {path: files[path] for path in kept}


def test_an_iso_for_aarch64_boots_by_uefi_alone_and_is_no_disk_where_the_full_one_is_none(
    make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso", tmp_path: Path, require_program: Callable[[str], str]
) -> None:
    files = live_files()
    del files["isolinux/isolinux.cfg"]
    info = json.loads(files["coreos/kargs.json"])
    files["coreos/kargs.json"] = json.dumps({**info, "files": info["files"][:1]}).encode()
    served = tmp_path / "minimal.iso"
    with open_iso(make_iso(files, options=("-e", "images/efiboot.img", "-no-emul-boot"))) as full:
        served.write_bytes(full.read(plan_minimal(full.iso, full.source, rootfs_url=URL)))
    with open_iso(served) as small:
        assert not small.iso.image.system_area().is_hybrid
    command = [require_program("xorriso"), "-indev", str(served), "-report_el_torito", "plain"]
    report = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert re.findall(r"El Torito boot img :\s+\d+\s+(\w+)", report) == ["UEFI"]


def test_the_type_that_isohybrid_gave_the_partition_is_kept(
    make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso", tmp_path: Path
) -> None:
    """isohybrid of syslinux, which coreos-assembler runs, says 17h where xorriso says 00h."""
    path, served = make_iso(live_files()), tmp_path / "minimal.iso"
    content = bytearray(path.read_bytes())
    assert content[446] == 0x80
    content[446 + 4] = 0x17
    path.write_bytes(content)
    with open_iso(path) as full:
        served.write_bytes(full.read(plan_minimal(full.iso, full.source, rootfs_url=URL)))
    with open_iso(served) as small:
        assert seen(small.iso.image.system_area().mbr[0]) == (True, 0x17, 0)
