"""The reader, on images that xorriso makes."""

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.formats.iso9660.eltorito import Platform
from penstock.formats.iso9660.entries import EntryKind
from penstock.formats.iso9660.reader import Iso9660, Naming
from penstock.formats.iso9660.segments import Extent
from penstock.model.errors import InputError, NotFoundError, VerificationError

MakeIso = Callable[..., Path]

LIVE = {
    "images/ignition.img": bytes(262144),
    "images/pxeboot/vmlinuz": b"kernel" * 1000,
    "coreos/igninfo.json": b'{"file":"images/ignition.img"}',
    "coreos/kargs.json": b"{}",
    "EFI/redhat/grub.cfg": b"linux /images/pxeboot/vmlinuz\n",
    "zipl.prm": b"args",
}
ROCK_RIDGE, JOLIET, PLAIN = ("-R",), ("-J", "--norock"), ("--norock", "-iso-level", "1")


@pytest.mark.parametrize(
    ("options", "naming"),
    [
        (("-R",), Naming.ROCK_RIDGE),
        (("-R", "-J"), Naming.ROCK_RIDGE),
        (("-r", "-J", "-joliet-long"), Naming.ROCK_RIDGE),
        (JOLIET, Naming.JOLIET),
    ],
)
def test_every_file_of_a_live_image_is_found_by_its_long_name(make_iso: MakeIso, options: tuple[str, ...], naming: Naming) -> None:
    with make_iso(LIVE, *options).open("rb") as file:
        iso = Iso9660.open(file)
        assert iso.naming is naming
        assert {entry.path: iso.open_entry(entry).read() for entry in iso.walk() if entry.kind is EntryKind.FILE} == LIVE


@pytest.mark.parametrize("options", [ROCK_RIDGE, JOLIET, PLAIN])
def test_a_file_is_found_by_either_name_whatever_names_the_image_has(make_iso: MakeIso, options: tuple[str, ...]) -> None:
    with make_iso(LIVE, *options).open("rb") as file:
        iso = Iso9660.open(file)
        assert iso.find("COREOS/IGNINFO.JSO") == iso.find("coreos/igninfo.json")
        assert iso.open_file("coreos/igninfo.json").read() == LIVE["coreos/igninfo.json"]


def test_an_image_without_long_names_shows_plain_ones(make_iso: MakeIso) -> None:
    with make_iso(LIVE, *PLAIN).open("rb") as file:
        iso = Iso9660.open(file)
        assert iso.naming is Naming.PLAIN
        assert "COREOS/IGNINFO.JSO" in [entry.path for entry in iso.walk()]


def test_a_long_name_is_not_mistaken_for_another_that_shortens_alike(make_iso: MakeIso) -> None:
    with make_iso({"images/ignition.img": b"x"}, "-R").open("rb") as file:
        assert Iso9660.open(file).find("images/ignition.image") is None


def test_an_extent_is_where_the_bytes_are(make_iso: MakeIso) -> None:
    image = make_iso(LIVE, "-R")
    with image.open("rb") as file:
        extent = Iso9660.open(file).find("EFI/redhat/grub.cfg")
    assert extent is not None
    assert image.read_bytes()[extent.offset : extent.end] == LIVE["EFI/redhat/grub.cfg"]


def test_the_volume_id_keeps_its_case(make_iso: MakeIso) -> None:
    with make_iso(LIVE, "-R").open("rb") as file:
        assert Iso9660.open(file).volume_id == "rhcos-418.94-0"


def test_long_names_and_targets_that_continue_elsewhere_are_whole(make_iso: MakeIso) -> None:
    name, target = "n" * 250, Path("/", *("part-" + "t" * 90 for _ in range(8)), "..", "end")
    with make_iso({name: b"content", "link": target, "up": Path("../.."), "root": Path("/")}, "-R").open("rb") as file:
        iso = Iso9660.open(file)
        assert iso.open_file(name).read() == b"content"
        targets = {entry.path: entry.target for entry in iso.walk() if entry.kind is EntryKind.SYMLINK}
        assert targets == {"link": str(target), "up": "../..", "root": "/"}


def test_modes_owners_and_times_are_those_of_rock_ridge(make_iso: MakeIso, tmp_path: Path) -> None:
    script = tmp_path / "tree" / "run.sh"
    script.parent.mkdir()
    script.write_bytes(b"#!/bin/sh\n")
    script.chmod(0o750)
    with make_iso({}, "-R", "-uid", "12", "-gid", "34", "--modification-date=2025010203040500").open("rb") as file:
        entry = Iso9660.open(file).file("run.sh")
    assert (entry.mode, entry.uid, entry.gid, entry.mtime_s) == (0o750, 12, 34, int(script.stat().st_mtime))


def test_a_folder_that_was_moved_is_found_where_it_belongs(make_iso: MakeIso) -> None:
    deep = "/".join("abcdefghijkl")
    with make_iso({f"{deep}/file": b"deep"}, "-R").open("rb") as file:
        assert Iso9660.open(file).open_file(f"{deep}/file").read() == b"deep"


def test_boot_entries_name_their_firmware_and_place(make_iso: MakeIso) -> None:
    files = LIVE | {"isolinux/isolinux.bin": bytes(5000), "images/efiboot.img": b"fat" * 3000}
    bios = ("-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat", "-no-emul-boot", "-boot-load-size", "4")
    with make_iso(files, "-R", *bios, "-eltorito-alt-boot", "-e", "images/efiboot.img", "-no-emul-boot").open("rb") as file:
        iso = Iso9660.open(file)
        found = [(entry.platform, entry.bootable, entry.media, entry.load_sectors, entry.offset) for entry in iso.boot_entries()]
        first, second = iso.file("isolinux/isolinux.bin").extent, iso.file("images/efiboot.img").extent
    assert found == [(Platform.BIOS, True, 0, 4, first.offset), (Platform.UEFI, True, 0, 20, second.offset)]


def test_an_image_that_does_not_boot_has_no_boot_entries(make_iso: MakeIso) -> None:
    with make_iso(LIVE, "-R").open("rb") as file:
        iso = Iso9660.open(file)
        assert iso.boot_entries() == ()
        assert not iso.system_area().is_hybrid


def test_what_isohybrid_does_to_an_image_is_seen(
    make_iso: MakeIso, isolinux: tuple[bytes, bytes], require_program: Callable[[str], str]
) -> None:
    image = make_iso(
        {"isolinux/isolinux.bin": isolinux[0], "images/efiboot.img": bytes(40960)},
        *("-R", "-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table"),
        *("-eltorito-alt-boot", "-e", "images/efiboot.img", "-no-emul-boot"),
    )
    subprocess.run([require_program("isohybrid"), "--uefi", image], check=True)
    with image.open("rb") as file:
        iso = Iso9660.open(file)
        area, efi, bios = iso.system_area(), iso.file("images/efiboot.img").extent, iso.file("isolinux/isolinux.bin").extent
    assert [(partition.active, partition.type, partition.extent.offset) for partition in area.mbr] == [
        (True, 0, 0),
        (False, 0xEF, efi.offset),
    ]
    assert area.bios_sector * 512 == bios.offset
    assert efi in [partition.extent for partition in area.gpt]


def test_a_reader_of_a_file_seeks_and_ends_where_the_file_does(make_iso: MakeIso) -> None:
    content = bytes(range(256)) * 40
    with make_iso({"a": content, "b": b"behind"}, "-R").open("rb") as image, Iso9660.open(image).open_file("a") as file:
        file.seek(-10, io.SEEK_END)
        assert file.read() == content[-10:]
        file.seek(300)
        image.seek(0)
        assert file.read(5) == content[300:305]
        file.seek(len(content) + 5)
        assert file.read(1) == b""


def test_a_missing_file_is_said_with_its_path(make_iso: MakeIso) -> None:
    with make_iso(LIVE, "-R").open("rb") as file:
        iso = Iso9660.open(file, subject="live.iso")
        assert iso.find("images") is None
        with pytest.raises(NotFoundError, match=r"live\.iso: the image has no file coreos/miniso\.dat"):
            iso.file("coreos/miniso.dat")


def test_an_empty_file_is_empty(make_iso: MakeIso) -> None:
    with make_iso({"empty": b""}, "-R").open("rb") as file:
        iso = Iso9660.open(file)
        extent = iso.find("empty")
        assert extent is not None
        assert (extent.length, iso.open_file("empty").read()) == (0, b"")


@pytest.mark.parametrize("content", [b"", b"not an image", bytes(100_000)])
def test_a_file_that_is_no_image_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="not an ISO 9660 image"):
        Iso9660.open(io.BytesIO(content))


def test_a_cut_image_is_refused_before_anything_is_read_from_it(make_iso: MakeIso) -> None:
    content = make_iso(LIVE, "-R").read_bytes()
    with pytest.raises(VerificationError, match="the image is cut"):
        Iso9660.open(io.BytesIO(content[: len(content) // 2]))


def test_extents_are_pairs_of_offset_and_length() -> None:
    offset, length = Extent(2048, 10)
    assert (offset, length, Extent(2048, 10).end) == (2048, 10, 2058)
