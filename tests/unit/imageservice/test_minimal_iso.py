"""Minimal ISOs laid out anew, of a full one that xorriso makes; xorriso reads them back."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.formats.coreos_iso.kargs import read_kargs
from penstock.imageservice.kargs import append_kargs, reset_kargs
from penstock.imageservice.minimal import minimal_iso, plan_minimal
from penstock.imageservice.overlay import Plan, Source, patched
from penstock.model.errors import InputError, VerificationError

if TYPE_CHECKING:
    from tests.unit.imageservice.conftest import LiveFiles, LiveIso, MakeIso, OpenIso

URL = "https://images.example.com/boot-artifacts/rootfs?arch=x86_64&version=418.94.202501221327-0"
ROOTFS = f'coreos.live.rootfs_url="{URL}"'
LIVE = "coreos.liveiso=rhcos-418.94-0"
DEFAULT = f"rw {LIVE} ignition.firstboot ignition.platform.id=metal"
KEPT = "rw ignition.firstboot ignition.platform.id=metal"
SIZE = 600
MARKER = "# COREOS_KARG_EMBED_AREA\n"
GRUB = "menuentry 'Live' {\n\tlinux /images/pxeboot/vmlinuz "
GRUB_END = "\tinitrd /images/pxeboot/initrd.img /images/ignition.img\n}\n"
ISOLINUX = "default linux\nlabel linux\n  kernel /images/pxeboot/vmlinuz\n  append initrd=/images/pxeboot/initrd.img,/images/ignition.img "
CONFIGS = ("EFI/redhat/grub.cfg", "isolinux/isolinux.cfg")


def minimal(full: "LiveIso", **more: int | bytes | Source) -> Plan:
    return plan_minimal(full.iso, full.source, rootfs_url=URL, **more)  # type: ignore[arg-type]  # a test's own keywords


@pytest.fixture
def listed(require_program: Callable[[str], str]) -> Callable[..., str]:
    """``listed(image, *commands)``: what xorriso says about an ISO."""
    program = require_program("xorriso")

    def say(image: Path, *commands: str) -> str:
        done = subprocess.run([program, "-indev", str(image), *commands], check=True, capture_output=True, text=True)
        return done.stdout

    return say


def test_xorriso_finds_every_other_file_unchanged_and_no_root_file_system(
    make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso", listed: Callable[..., str], tmp_path: Path
) -> None:
    files = live_files()
    with open_iso(make_iso(files)) as full:
        (tmp_path / "minimal.iso").write_bytes(full.read(minimal(full, nmstate=b"nmstatectl")))
    out = tmp_path / "out"
    listed(tmp_path / "minimal.iso", "-osirrox", "on", "-extract", "/", str(out))
    found = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    added = {"images/assisted_installer_custom.img": bytes(1 << 20), "images/nmstate.img": b"nmstatectl"}
    changed = {*CONFIGS, "coreos/kargs.json"}
    gone = {"images/pxeboot/rootfs.img"}
    of_boot = {"isolinux/isolinux.bin", "isolinux/boot.cat"}
    assert set(found) == (files.keys() - gone) | added.keys() | of_boot
    assert {path for path, content in found.items() if content != {**files, **added}.get(path)} == changed | of_boot


def test_it_boots_from_cd_and_disk_as_the_full_one_does(
    make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso", listed: Callable[..., str], tmp_path: Path
) -> None:
    full_path, served = make_iso(live_files()), tmp_path / "minimal.iso"
    with open_iso(full_path) as full:
        served.write_bytes(full.read(minimal(full)))
    reports = [listed(path, "-report_el_torito", "plain", "-report_system_area", "plain") for path in (full_path, served)]
    catalogs = [re.findall(r"El Torito (?:cat|img) path.*|El Torito boot img.*?(?=\s+\d+$)", report, re.MULTILINE) for report in reports]
    assert catalogs[0] == catalogs[1]
    assert len(catalogs[1]) == 5
    assert "boot-info-table" in reports[1]
    disk = [re.search(r"System area summary: (.*)", report) for report in reports]
    assert disk[1] is not None
    assert {"MBR", "isohybrid", "GPT"} <= set(disk[1][1].split())
    with open_iso(full_path) as full, open_iso(served) as small:
        ours, theirs = small.iso.image.system_area(), full.iso.image.system_area()
        assert (ours.boot_code, ours.disk_id, ours.disk_guid) == (theirs.boot_code, theirs.disk_id, theirs.disk_guid)
        bios, efi = (small.iso.image.file(path).extent for path in ("isolinux/isolinux.bin", "images/efiboot.img"))
        assert ours.bios_sector == bios.offset // 512
        assert [partition.extent.offset for partition in ours.gpt] == [efi.offset]


def test_the_same_iso_gives_the_same_bytes_and_the_same_etag(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> None:
    path = make_iso(live_files())
    with open_iso(path) as first, open_iso(path) as second:
        one, two = minimal(first), minimal(second)
        assert one.etag() == two.etag()
        assert first.read(one) == second.read(two)


def test_what_is_planned_are_ranges_of_the_full_iso(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> None:
    """Beside directories and configs no byte is held: neither the placeholder for the ramdisk nor the padding."""
    with open_iso(make_iso(live_files())) as full:
        plan = minimal(full)
        assert plan.literal_bytes < 64 << 10
        assert plan.sources() == {full.source}


def test_the_configs_take_the_root_file_system_from_the_url_and_load_the_images(
    make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso"
) -> None:
    with open_iso(make_iso(live_files())) as full:
        found = full.files(minimal(full, nmstate=b"nmstatectl"))
    grub, isolinux = (found[path].decode() for path in CONFIGS)
    images = ("/images/assisted_installer_custom.img", "/images/nmstate.img")
    assert f"\tlinux /images/pxeboot/vmlinuz {KEPT} {ROOTFS}\n#" in grub
    assert f"\tinitrd /images/pxeboot/initrd.img /images/ignition.img {images[0]} {images[1]}\n}}" in grub
    assert f"  append initrd=/images/pxeboot/initrd.img,/images/ignition.img,{images[0]},{images[1]} {KEPT} {ROOTFS}\n#" in isolinux
    assert isolinux.endswith("label other\n  append initrd=/other\n")
    assert MARKER in grub
    assert MARKER in isolinux


def test_kargs_json_says_where_the_grown_areas_stand_now(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> None:
    with open_iso(make_iso(live_files())) as full:
        found = full.files(minimal(full))
    info = json.loads(found["coreos/kargs.json"])
    assert info["default"] == f"{KEPT} {ROOTFS}"
    assert info["size"] == SIZE + len(info["default"]) - len(DEFAULT)
    assert [file["offset"] for file in info["files"]] == [len(GRUB), len(ISOLINUX) + len(",/images/assisted_installer_custom.img")]
    assert info["later"] == [1]
    for file in info["files"]:
        content = found[file["path"]].decode()
        assert content[file["offset"] :].startswith(info["default"])
        assert content[file["offset"] + info["size"] :].startswith(MARKER)


@pytest.mark.parametrize("arguments", [["console=ttyS0"], ["a", 'b="x y"']])
def test_appended_arguments_stand_behind_the_url(
    make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso", arguments: list[str]
) -> None:
    with open_iso(make_iso(live_files())) as full:
        plan = minimal(full)
        kargs = read_kargs(full.planned(plan))
        assert kargs is not None
        changed = patched(plan, append_kargs(kargs, arguments), subject="minimal.iso")
        again = read_kargs(full.planned(changed))
        assert again is not None
        assert again.text() == " ".join([KEPT, ROOTFS, *arguments])
        assert full.read(patched(changed, reset_kargs(again), subject="minimal.iso")) == full.read(plan)


def test_there_is_as_much_room_for_arguments_as_in_the_full_iso(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> None:
    room = SIZE - len(DEFAULT) - 2
    with open_iso(make_iso(live_files())) as full:
        kargs = read_kargs(full.planned(minimal(full)))
        assert kargs is not None
        assert append_kargs(kargs, ["x" * room])
        with pytest.raises(InputError, match="room"):
            append_kargs(kargs, ["x" * (room + 1)])


def test_arguments_that_somebody_changed_before_are_kept(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> None:
    """The areas grow by what the most changed of them needs, and hold as much in every config."""
    with open_iso(make_iso(live_files(kargs="quiet"))) as full:
        kargs = read_kargs(full.planned(minimal(full)))
    assert kargs is not None
    assert kargs.text() == f"quiet {ROOTFS}"
    assert kargs.default == f"{KEPT} {ROOTFS}"
    assert {part.length_bytes for part in kargs.areas} == {SIZE + len(ROOTFS) + 1}


def test_an_area_is_never_larger_than_coreos_installer_takes(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> None:
    with open_iso(make_iso(live_files(size=2000))) as full:
        kargs = read_kargs(full.planned(minimal(full)))
    assert kargs is not None
    assert {part.length_bytes for part in kargs.areas} == {2048}


def test_two_areas_in_one_config_are_both_changed(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> None:
    files = live_files()
    second = len(files[CONFIGS[0]]) + len(GRUB)
    files[CONFIGS[0]] *= 2
    info = json.loads(files["coreos/kargs.json"])
    info["files"].append({"path": f"/{CONFIGS[0]}", "offset": second})
    with open_iso(make_iso({**files, "coreos/kargs.json": json.dumps(info).encode()})) as full:
        kargs = read_kargs(full.planned(minimal(full)))
    assert kargs is not None
    assert [part.text() for part in kargs.areas] == [f"{KEPT} {ROOTFS}"] * 3


def test_a_url_that_no_area_holds_is_refused(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> None:
    with open_iso(make_iso(live_files())) as full, pytest.raises(InputError, match="need 2"):
        plan_minimal(full.iso, full.source, rootfs_url="https://example.com/" + "x" * 2100)


def test_an_iso_without_kargs_json_has_its_marked_areas_after_it(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> None:
    files = live_files()
    del files["coreos/kargs.json"]
    with open_iso(make_iso(files)) as full:
        plan = minimal(full)
        kargs = read_kargs(full.planned(plan))
        assert kargs is not None
        found = full.files(patched(plan, append_kargs(kargs, ["p1"]), subject="minimal.iso"))
    for path in CONFIGS:
        assert f"{KEPT} {ROOTFS} p1\n#" in found[path].decode()


def test_an_iso_that_uefi_alone_boots_stays_one(
    make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso", listed: Callable[..., str], tmp_path: Path
) -> None:
    files = live_files()
    del files[CONFIGS[1]]
    info = json.loads(files["coreos/kargs.json"])
    files["coreos/kargs.json"] = json.dumps({**info, "files": info["files"][:1]}).encode()
    full_path = make_iso(files, options=("-e", "images/efiboot.img", "-no-emul-boot", "-c", "images/boot.cat"))
    with open_iso(full_path) as full:
        (tmp_path / "minimal.iso").write_bytes(full.read(minimal(full)))
    report = listed(tmp_path / "minimal.iso", "-report_el_torito", "plain")
    assert len(re.findall(r"El Torito boot img", report)) == 1
    assert "UEFI" in report


def test_a_source_gives_nmstate_as_bytes_do(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso", tmp_path: Path) -> None:
    archive = tmp_path / "nmstatectl"
    archive.write_bytes(b"nmstatectl" * 1000)
    source = Source.by_digest(str(archive), archive.stat().st_size, "sha256:1")
    with open_iso(make_iso(live_files())) as full, archive.open("rb") as nmstate:
        plan = minimal(full, nmstate=source)
        files = {source: nmstate, full.source: full.iso.file}
        content = b"".join(bytes(chunk) for chunk in plan.iter_chunks(lambda wanted: files[wanted]))
        assert content == full.read(minimal(full, nmstate=archive.read_bytes()))
        assert source in plan.sources()


def test_s390x_has_no_minimal_iso(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> None:
    with open_iso(make_iso({**live_files(), "images/cdboot.img": b"s390x"})) as full:
        with pytest.raises(InputError, match="s390x"):
            minimal(full)
        with pytest.raises(InputError, match="s390x"):
            minimal_iso(full.iso, full.source, URL)


def test_a_minimal_iso_is_not_made_smaller_again(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso", tmp_path: Path) -> None:
    served = tmp_path / "minimal.iso"
    with open_iso(make_iso(live_files())) as full:
        served.write_bytes(full.read(minimal(full)))
    with open_iso(served) as again, pytest.raises(InputError, match="minimal already"):
        minimal(again)


@pytest.mark.parametrize("path", CONFIGS)
def test_a_config_without_its_lines_is_no_config_of_a_live_iso(
    make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso", path: str
) -> None:
    files = live_files()
    del files["coreos/kargs.json"]
    with open_iso(make_iso({**files, path: b"timeout 5\n"})) as full, pytest.raises(VerificationError, match="line is missing"):
        minimal(full)


def test_an_iso_without_a_boot_loader_config_is_refused(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> None:
    files = live_files()
    for path in (*CONFIGS, "coreos/kargs.json"):
        del files[path]
    with open_iso(make_iso(files)) as full, pytest.raises(InputError, match="boot loader"):
        minimal(full)
