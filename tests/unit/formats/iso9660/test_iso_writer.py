"""The writer: its images are listed, extracted and checked by xorriso."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from penstock.formats.iso9660.again import iso_again
from penstock.formats.iso9660.eltorito import Platform, boot_info_checksum
from penstock.formats.iso9660.entries import EntryKind
from penstock.formats.iso9660.hybrid import HybridBoot
from penstock.formats.iso9660.reader import Iso9660
from penstock.formats.iso9660.segments import FileRange
from penstock.formats.iso9660.tree import BootImage, NewEntry, NewIso
from penstock.formats.iso9660.writer import plan_iso
from penstock.model.errors import InputError, VerificationError

Xorriso = Callable[..., str]
MakeIso = Callable[..., Path]
WriteIso = Callable[..., Path]

MADE_S = 1_700_000_000
EFI = NewEntry("images/efiboot.img", content=(b"fat" * 7000,))
EFI_BOOT = BootImage("images/efiboot.img", Platform.UEFI)
DISK = HybridBoot(0xC0FFEE, UUID(int=7))


def new_iso(*entries: NewEntry, **more: object) -> NewIso:
    return replace(NewIso("rhcos-418.94-0", entries, MADE_S), **more)  # type: ignore[arg-type]  # a test's own keywords


@pytest.fixture
def bios(isolinux: tuple[bytes, bytes]) -> tuple[NewEntry, BootImage, HybridBoot]:
    image, code = isolinux
    entry = NewEntry("isolinux/isolinux.bin", content=(image,))
    return entry, BootImage(entry.path, Platform.BIOS, 4, boot_info_checksum([image])), replace(DISK, boot_code=code)


def test_xorriso_extracts_the_tree_that_was_written(write_iso: WriteIso, xorriso: Xorriso, tmp_path: Path) -> None:
    long_name, target = "n" * 200 + "é" * 27, "/".join(["..", "t" * 200, ".", "end"])
    image = write_iso(
        new_iso(
            NewEntry("a/b/c/d/e/f/file.json", content=(b"first", b"second")),
            NewEntry(long_name, content=(b"long",)),
            NewEntry("link", EntryKind.SYMLINK, target=target),
            NewEntry("empty"),
            NewEntry("folder", EntryKind.DIRECTORY, mode=0o755),
        )
    )
    out = tmp_path / "out"
    xorriso("-osirrox", "on", "-indev", image, "-extract", "/", out)
    found = {str(path.relative_to(out)): path for path in out.rglob("*")}
    assert found["a/b/c/d/e/f/file.json"].read_bytes() == b"firstsecond"
    assert found[long_name].read_bytes() == b"long"
    assert os.readlink(found["link"]) == target  # noqa: PTH115  # pathlib drops the dot
    assert found["empty"].read_bytes() == b""
    assert found["folder"].is_dir()


def test_xorriso_finds_no_fault_with_what_was_written(write_iso: WriteIso, xorriso: Xorriso) -> None:
    files = [NewEntry(f"folder-{number % 7}/a file with number {number}.json", content=(bytes(number * 100),)) for number in range(200)]
    image = write_iso(new_iso(*files))
    regions = [line for line in xorriso("-indev", image, "-check_media", "use=indev", "--").splitlines() if line.startswith("Media region")]
    assert [line.rpartition(",")[2].strip() for line in regions] == ["+ good"]
    listed = xorriso("-indev", image, "-find", "/", "-type", "f").splitlines()
    assert sorted(line.strip("'") for line in listed) == sorted(f"/{file.path}" for file in files)


def test_plain_names_are_those_that_coreos_installer_looks_for(write_iso: WriteIso) -> None:
    files = [NewEntry("coreos/igninfo.json", content=(b"i",)), NewEntry("coreos/features.json", content=(b"f",))]
    with write_iso(new_iso(*files)).open("rb") as file:
        found = {entry.path: entry.plain_name for entry in Iso9660.open(file).walk()}
    assert found == {"coreos": "COREOS", "coreos/igninfo.json": "IGNINFO.JSO", "coreos/features.json": "FEATURES.JSO"}


def test_names_that_shorten_alike_stay_apart_and_short_ones_keep_theirs(write_iso: WriteIso) -> None:
    names = ["assisted_installer_custom.img", "assisted.img", "assisted_other.img", "ASSISTED.IMG"]
    with write_iso(new_iso(*(NewEntry(name) for name in names))).open("rb") as file:
        found = {entry.path: entry.plain_name for entry in Iso9660.open(file).walk()}
    assert sorted(found) == sorted(names)
    assert len(set(found.values())) == len(names)
    assert found["ASSISTED.IMG"] == "ASSISTED.IMG"


def test_modes_owners_and_times_are_kept(write_iso: WriteIso, xorriso: Xorriso) -> None:
    entry = NewEntry("run.sh", content=(b"x",), mode=0o4750, mtime_s=1_600_000_000, uid=12, gid=34)
    image = write_iso(new_iso(entry))
    assert xorriso("-indev", image, "-lsl", "/run.sh").startswith("-rwsr-x---    1 12       34")
    with image.open("rb") as file:
        assert Iso9660.open(file).file("run.sh").mtime_s == 1_600_000_000


def test_bios_and_uefi_entries_are_what_xorriso_reports(
    write_iso: WriteIso, xorriso: Xorriso, bios: tuple[NewEntry, BootImage, HybridBoot]
) -> None:
    image = write_iso(new_iso(bios[0], EFI, boot=(bios[1], EFI_BOOT), boot_catalog="isolinux/boot.cat"))
    report = xorriso("-indev", image, "-report_el_torito", "plain").splitlines()
    entries = [line.split()[5:-1] for line in report if line.startswith("El Torito boot img")]
    assert entries == [["1", "BIOS", "y", "none", "0x0000", "0x00", "4"], ["2", "UEFI", "y", "none", "0x0000", "0x00", "44"]]
    assert "El Torito cat path : /isolinux/boot.cat" in report
    assert "El Torito img opts :   1  boot-info-table isohybrid-suitable" in report


@pytest.mark.parametrize(("platform", "label"), [(Platform.UEFI, "UEFI"), (Platform.BIOS, "BIOS")])
def test_an_image_may_boot_from_one_entry_alone(write_iso: WriteIso, xorriso: Xorriso, platform: Platform, label: str) -> None:
    cdboot = NewEntry("images/cdboot.img", content=(bytes(394240),))
    image = write_iso(new_iso(cdboot, boot=(BootImage(cdboot.path, platform),)))
    lines = xorriso("-indev", image, "-report_el_torito", "plain").splitlines()
    entries = [line.split()[5:-1] for line in lines if line.startswith("El Torito boot img")]
    assert entries == [["1", label, "y", "none", "0x0000", "0x00", "772"]]


def test_the_load_size_of_a_large_boot_image_is_what_the_field_can_say() -> None:
    plan = plan_iso(new_iso(NewEntry("efi", content=(FileRange("efi", 0, 64 << 20),)), boot=(BootImage("efi", Platform.UEFI),)))
    head = plan.segments[0]
    assert isinstance(head, bytes)
    catalog = head[-2048:]
    assert int.from_bytes(catalog[38:40], "little") == 65535


def test_the_catalogue_takes_the_place_of_a_file_of_its_name(write_iso: WriteIso, xorriso: Xorriso) -> None:
    old = NewEntry("isolinux/boot.cat", content=(b"of another image",))
    image = write_iso(new_iso(old, EFI, boot=(EFI_BOOT,), boot_catalog=old.path))
    assert xorriso("-indev", image, "-find", "/isolinux").splitlines() == ["'/isolinux'", "'/isolinux/boot.cat'"]
    with image.open("rb") as file:
        iso = Iso9660.open(file)
        assert iso.file(old.path).extent == (iso.boot_catalog_offset(), 2048)


def test_a_hybrid_image_is_a_disk_whose_partitions_xorriso_knows(
    write_iso: WriteIso, xorriso: Xorriso, bios: tuple[NewEntry, BootImage, HybridBoot]
) -> None:
    image = write_iso(new_iso(bios[0], EFI, boot=(bios[1], EFI_BOOT), boot_catalog="isolinux/boot.cat", hybrid=bios[2]))
    report = xorriso("-indev", image, "-report_system_area", "plain").splitlines()
    assert "System area summary: MBR isohybrid cyl-align-on GPT" in report
    assert "MBR partition path :   2  /images/efiboot.img" in report
    assert "GPT partition path :   1  /images/efiboot.img" in report
    assert image.stat().st_size % (1 << 20) == 0


def test_the_backup_gpt_mirrors_the_first_one(write_iso: WriteIso) -> None:
    content = write_iso(new_iso(EFI, boot=(EFI_BOOT,), hybrid=DISK)).read_bytes()
    first, last = content[512:1024], content[-512:]
    assert content[1024 : 1024 + 16384] == content[-512 - 16384 : -512]
    assert (first[24:32], first[32:40]) == (last[32:40], last[24:32])
    assert int.from_bytes(last[24:32], "little") == len(content) // 512 - 1


def test_isohybrids_boot_code_finds_the_bios_image_where_it_now_is(
    make_iso: MakeIso, write_iso: WriteIso, isolinux: tuple[bytes, bytes], require_program: Callable[[str], str]
) -> None:
    code = require_program("/usr/lib/ISOLINUX/isohdpfx.bin")
    source = make_iso(
        {"isolinux/isolinux.bin": isolinux[0], "images/efiboot.img": bytes(40960), "images/pxeboot/rootfs.img": bytes(1 << 20)},
        *("-R", "-isohybrid-mbr", code, "-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat", "-no-emul-boot"),
        *("-boot-load-size", "4", "-boot-info-table", "-eltorito-alt-boot", "-e", "images/efiboot.img", "-no-emul-boot"),
        "-isohybrid-gpt-basdat",
    )
    with source.open("rb") as file:
        new = iso_again(Iso9660.open(file), source="full")
    minimal = replace(new, entries=tuple(entry for entry in new.entries if entry.path != "images/pxeboot/rootfs.img"))
    with write_iso(minimal, full=source).open("rb") as file:
        iso = Iso9660.open(file)
        area, extent = iso.system_area(), iso.file("isolinux/isolinux.bin").extent
        image = iso.open_file("isolinux/isolinux.bin").read()
    assert area.boot_code == isolinux[1]
    assert area.bios_sector * 512 == extent.offset
    assert [int.from_bytes(image[at : at + 4], "little") for at in (8, 12, 16)] == [16, extent.offset // 2048, len(image)]


def test_an_image_written_again_has_the_same_files_and_ids(make_iso: MakeIso, write_iso: WriteIso) -> None:
    source = make_iso({"a/file": b"a", "b": b"b" * 5000, "link": Path("a/file")}, "-R", "-publisher", "P", "-p", "Q", "-A", "R")
    with source.open("rb") as file:
        before = Iso9660.open(file)
        with write_iso(iso_again(before, source="full"), full=source).open("rb") as other:
            after = Iso9660.open(other)
            same = [
                [(entry.path, entry.kind, entry.mode, entry.mtime_s, entry.target, iso.open_entry(entry).read()) for entry in iso.walk()]
                for iso in (before, after)
            ]
            assert sorted(same[0]) == sorted(same[1])
            assert replace(before.volume, root=after.volume.root, size_bytes=after.volume.size_bytes) == after.volume


def test_the_same_input_gives_the_same_segments() -> None:
    new = new_iso(EFI, NewEntry("b", content=(FileRange("full", 4096, 10),)), boot=(EFI_BOOT,), hybrid=DISK)
    assert plan_iso(new) == plan_iso(new)


def test_a_plan_holds_ranges_and_not_their_bytes() -> None:
    rootfs = FileRange("full", 1 << 33, 1 << 40)
    plan = plan_iso(new_iso(NewEntry("images/pxeboot/rootfs.img", content=(rootfs,))))
    assert rootfs in plan.segments
    assert sum(len(segment) for segment in plan.segments if isinstance(segment, bytes)) < 500_000


def test_files_over_4_gib_and_those_behind_them_are_read_at_64_bit_offsets(write_iso: WriteIso, xorriso: Xorriso, tmp_path: Path) -> None:
    size = (5 << 30) + 123
    hole = tmp_path / "hole"
    hole.touch()
    big = NewEntry("images/pxeboot/rootfs.img", content=(FileRange("hole", 0, size),))
    image = write_iso(new_iso(big, NewEntry("last", content=(b"beyond 4 GiB",))), sparse=True, hole=hole)
    assert f" {size} " in xorriso("-indev", image, "-lsl", "/images/pxeboot/rootfs.img")
    with image.open("rb") as file:
        iso = Iso9660.open(file)
        entry = iso.file("images/pxeboot/rootfs.img")
        assert len(entry.extents) == 2
        assert entry.extent.length == size
        assert iso.file("last").extent.offset > 1 << 32
        assert iso.open_file("last").read() == b"beyond 4 GiB"
        with iso.open_entry(entry) as content:
            content.seek(entry.extents[0].length - 3)
            assert content.read(6) == bytes(6)
    image.unlink()


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([NewEntry("a"), NewEntry("a")], "given twice"),
        ([NewEntry("a"), NewEntry("a/b")], "both a folder"),
        ([NewEntry("a/../b")], "not a path within an image"),
        ([NewEntry("/a")], "not a path within an image"),
        ([NewEntry("1/2/3/4/5/6/7/8/file")], "at most 8 levels"),
        ([NewEntry("n" * 256)], "256 bytes is too long"),
        ([NewEntry("link", EntryKind.SYMLINK, target="t" * 1025)], "1025 bytes cannot be recorded"),
        ([NewEntry("null", EntryKind.SPECIAL)], "not written"),
    ],
)
def test_what_cannot_be_written_is_refused(entries: list[NewEntry], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan_iso(new_iso(*entries))


@pytest.mark.parametrize("volume_id", ["x" * 33, "ä", "a\nb"])
def test_a_volume_id_that_does_not_fit_is_refused(volume_id: str) -> None:
    with pytest.raises(InputError, match="volume id"):
        plan_iso(new_iso(volume_id=volume_id))


def test_a_boot_image_must_be_among_the_files() -> None:
    with pytest.raises(InputError, match=r"images/efiboot\.img: the boot image is not among the files"):
        plan_iso(new_iso(boot=(EFI_BOOT,)))


def test_a_boot_image_that_is_no_file_cannot_be_written_again(write_iso: WriteIso) -> None:
    image = write_iso(new_iso(EFI, NewEntry("other"), boot=(EFI_BOOT,)))
    with image.open("r+b") as file:
        iso = Iso9660.open(file)
        file.seek((iso.boot_catalog_offset() or 0) + 40)
        file.write((20).to_bytes(4, "little"))
        with pytest.raises(VerificationError, match="is no file of it"):
            iso_again(iso, source="full")
