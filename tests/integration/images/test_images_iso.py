"""``penstock images iso``: what goes into an ISO is read back, and nothing else of it changes."""

import gzip
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Outcome
    from tests.integration.images.conftest import IsoMaker, LiveIso

ImagesIso = Callable[..., "Outcome"]
Program = Callable[..., "subprocess.Popen[bytes]"]
DEFAULT = "quiet coreos.liveiso=rhcos-1 ignition.firstboot ignition.platform.id=metal"
OTHER_CONFIG = b'{"ignition": {"version": "3.5.0"}}'


def shown(images_iso: ImagesIso, iso: Path, *what: str) -> str:
    done = images_iso(iso, "--show", *what)
    assert (done.code, done.err) == (0, "")
    return done.out


def test_a_config_and_arguments_are_read_back(images_iso: ImagesIso, any_live: "LiveIso", config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.iso"
    assert images_iso(any_live.path, "--ignition", config, "--karg", "console=ttyS0", "-o", out).code == 0
    assert shown(images_iso, out, "ignition") == config.read_text()
    assert shown(images_iso, out, "kargs") == f"{DEFAULT} console=ttyS0\n"
    assert shown(images_iso, out, "kargs", "--default") == f"{DEFAULT}\n"


def test_every_byte_that_differs_lies_in_the_areas(images_iso: ImagesIso, any_live: "LiveIso", config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.iso"
    assert images_iso(any_live.path, "--ignition", config, "--karg", "console=ttyS0", "-o", out).code == 0
    assert out.read_bytes() != any_live.path.read_bytes()
    assert any_live.differences_outside(out.read_bytes()) == set()


def test_removing_and_resetting_gives_the_published_bytes(images_iso: ImagesIso, any_live: "LiveIso", config: Path, tmp_path: Path) -> None:
    published = any_live.path.read_bytes()
    out = tmp_path / "out.iso"
    assert images_iso(any_live.path, "--ignition", config, "--karg", "a", "-o", out).code == 0
    assert images_iso(out, "--remove", "--karg-reset", "--in-place").code == 0
    assert out.read_bytes() == published


def test_an_edit_in_place_gives_the_bytes_of_the_new_file(images_iso: ImagesIso, any_live: "LiveIso", config: Path, tmp_path: Path) -> None:
    edits = ("--ignition", config, "--karg-delete", "quiet", "--karg", "a")
    assert images_iso(any_live.path, *edits, "-o", tmp_path / "out.iso").code == 0
    assert images_iso(any_live.path, *edits, "--in-place").code == 0
    assert any_live.path.read_bytes() == (tmp_path / "out.iso").read_bytes()


def test_in_place_twice_is_once_and_the_second_time_nothing_is_written(images_iso: ImagesIso, live: "LiveIso", config: Path) -> None:
    edits = ("--ignition", config, "--karg-append-if-missing", "a", "--in-place")
    assert images_iso(live.path, *edits).code == 0
    once, before = live.path.read_bytes(), live.path.stat()
    done = images_iso(live.path, *edits)
    assert done.code == 0
    assert "stands there already" in done.err
    assert live.path.read_bytes() == once
    assert (live.path.stat().st_mtime_ns, live.path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_other_programs_read_the_area(
    images_iso: ImagesIso, live: "LiveIso", config: Path, tmp_path: Path, require_program: Callable[[str], str]
) -> None:
    assert images_iso(live.path, "--ignition", config, "--in-place").code == 0
    area = live.content("images/ignition.img")
    unpacked = subprocess.run([require_program("gzip"), "-dc"], input=area, capture_output=True, check=True)
    (tmp_path / "root").mkdir()
    command = [require_program("cpio"), "-i", "--quiet"]
    subprocess.run(command, input=unpacked.stdout, cwd=tmp_path / "root", check=True, capture_output=True)
    assert (tmp_path / "root/config.ign").read_bytes() == config.read_bytes()


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        (["--karg-append", "a", "--karg", "b c"], f"{DEFAULT} a b c"),
        (["--karg-append-if-missing", "quiet", "--karg-append-if-missing", "a"], f"{DEFAULT} a"),
        (["--karg-delete", "quiet"], DEFAULT.removeprefix("quiet ")),
        (["--karg-delete-if-present", "nothing"], DEFAULT),
        (["--karg-replace", "ignition.platform.id=metal=qemu"], DEFAULT.replace("metal", "qemu")),
        (["--karg-delete", "quiet", "--karg", "quiet"], f"{DEFAULT.removeprefix('quiet ')} quiet"),
    ],
)
def test_arguments_are_changed_as_coreos_installer_changes_them(
    images_iso: ImagesIso, live: "LiveIso", tmp_path: Path, options: list[str], arguments: str
) -> None:
    out = tmp_path / "out.iso"
    assert images_iso(live.path, *options, "-o", out).code == 0
    assert shown(images_iso, out, "kargs") == f"{arguments}\n"


def test_what_was_to_be_deleted_and_is_not_there_is_told(images_iso: ImagesIso, live: "LiveIso", tmp_path: Path) -> None:
    done = images_iso(live.path, "--karg-delete", "debug", "-o", tmp_path / "out.iso")
    assert (done.code, done.err) == (0, f"{live.path}: debug is not among the kernel arguments\n")


def test_a_reset_comes_before_the_other_changes(images_iso: ImagesIso, live: "LiveIso") -> None:
    for _ in range(2):
        assert images_iso(live.path, "--karg-reset", "--karg", "a", "--in-place").code == 0
    assert shown(images_iso, live.path, "kargs") == f"{DEFAULT} a\n"


def test_an_iso_with_nothing_but_the_marker_can_be_added_to(images_iso: ImagesIso, make: "IsoMaker", tmp_path: Path) -> None:
    iso = make.x86_64(without=("coreos/kargs.json",))
    assert images_iso(iso.path, "--karg", "a", "-o", tmp_path / "out.iso").code == 0
    assert f"{DEFAULT} a\n###".encode() in (tmp_path / "out.iso").read_bytes()
    done = images_iso(iso.path, "--karg-delete", "quiet", "-o", tmp_path / "other.iso")
    assert done.code == 3
    assert "where its kernel arguments start" in done.err


def test_another_config_is_replaced_with_force_alone(images_iso: ImagesIso, live: "LiveIso", config: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.ign"
    other.write_bytes(OTHER_CONFIG)
    assert images_iso(live.path, "--ignition", config, "--in-place").code == 0
    refused = images_iso(live.path, "--ignition", other, "--in-place")
    assert refused.code == 2
    assert "hint: --force replaces it" in refused.err
    assert shown(images_iso, live.path, "ignition") == config.read_text()
    assert images_iso(live.path, "--ignition", other, "--force", "--in-place").code == 0
    assert shown(images_iso, live.path, "ignition") == OTHER_CONFIG.decode()


def test_nothing_of_a_longer_config_is_left_behind_a_shorter_one(
    images_iso: ImagesIso, live: "LiveIso", config: Path, tmp_path: Path
) -> None:
    long = tmp_path / "long.ign"
    long.write_text(json.dumps({"ignition": {"version": "3.4.0"}, "secret": [f"{number * 7919:x}" for number in range(900)]}))
    assert images_iso(live.path, "--ignition", config, "-o", tmp_path / "short.iso").code == 0
    assert images_iso(live.path, "--ignition", long, "--in-place").code == 0
    assert images_iso(live.path, "--ignition", config, "--force", "--in-place").code == 0
    assert live.path.read_bytes() == (tmp_path / "short.iso").read_bytes()


def test_an_area_that_holds_something_else_is_an_error_without_force(images_iso: ImagesIso, live: "LiveIso", config: Path) -> None:
    with live.path.open("r+b") as file:
        file.seek(live.areas[0][0])
        file.write(b"something else")
    assert images_iso(live.path, "--ignition", config, "--in-place").code == 3
    done = images_iso(live.path, "--ignition", config, "--force", "--in-place")
    assert done.code == 0
    assert "is lost" in done.err
    assert shown(images_iso, live.path, "ignition") == config.read_text()


def test_where_no_config_is_none_is_shown(images_iso: ImagesIso, live: "LiveIso") -> None:
    done = images_iso(live.path, "--show", "ignition")
    assert (done.code, done.out) == (1, "")
    assert "there is no Ignition config in this ISO" in done.err


def test_standard_output_is_an_output_like_a_file(program: Program, live: "LiveIso", config: Path, images_iso: ImagesIso) -> None:
    out, err = program(live.path, "--ignition", config, "-o", "-").communicate(timeout=60)
    assert err == b""
    assert images_iso(live.path, "--ignition", config, "--in-place").code == 0
    assert out == live.path.read_bytes()


def test_the_config_may_come_from_standard_input(program: Program, live: "LiveIso", config: Path, images_iso: ImagesIso) -> None:
    process = program(live.path, "--ignition", "-", "--in-place", stdin=subprocess.PIPE)
    _, err = process.communicate(config.read_bytes(), timeout=60)
    assert process.returncode == 0, err
    assert shown(images_iso, live.path, "ignition") == config.read_text()


def test_a_dry_run_tells_the_overlay_and_writes_nothing(images_iso: ImagesIso, live: "LiveIso", config: Path, tmp_path: Path) -> None:
    edits = ("--ignition", config, "--karg", "a")
    before = sorted(tmp_path.iterdir())
    told = images_iso(live.path, *edits, "-o", tmp_path / "out.iso", "--dry-run", "--format", "json").json
    assert sorted(tmp_path.iterdir()) == before
    assert [(change["offset_bytes"], change["length_bytes"]) for change in told["changes"]] == list(live.areas)
    assert [change["what"] for change in told["changes"]] == [
        "the Ignition config",
        "the kernel arguments in EFI/redhat/grub.cfg",
        "the kernel arguments in isolinux/isolinux.cfg",
    ]
    assert [change["told_by"] for change in told["changes"]] == ["coreos/igninfo.json", "coreos/kargs.json", "coreos/kargs.json"]
    published = live.path.read_bytes()
    assert images_iso(live.path, *edits, "--in-place", "--dry-run").code == 0
    assert live.path.read_bytes() == published


def test_what_an_iso_is_and_holds_is_shown(images_iso: ImagesIso, any_live: "LiveIso", config: Path) -> None:
    assert images_iso(any_live.path, "--ignition", config, "--in-place").code == 0
    told = images_iso(any_live.path, "--show", "info", "--format", "json").json
    assert told["volume_id"] == "rhcos-418.94.202501221327-0"
    assert told["ignition"]["files"] == ["config.ign"]
    assert (told["ignition"]["offset_bytes"], told["ignition"]["length_bytes"]) == any_live.areas[0]
    assert [(area["offset_bytes"], area["length_bytes"]) for area in told["kargs"]["areas"]] == sorted(any_live.areas[1:])
    assert {file["path"]: (file["offset_bytes"], file["size_bytes"]) for file in told["boot_files"]}.items() <= any_live.files.items()
    assert "images/pxeboot/initrd.img" in images_iso(any_live.path, "--show", "info").out


def test_a_network_boot_gets_the_files_of_the_iso(images_iso: ImagesIso, live: "LiveIso", tmp_path: Path) -> None:
    assert images_iso(live.path, "--pxe", tmp_path / "new/boot").code == 0
    made = {path.name: path.read_bytes() for path in (tmp_path / "new/boot").iterdir()}
    assert made == {f"x86_64-{name}": live.content(f"images/pxeboot/{name}") for name in ("vmlinuz", "initrd.img", "rootfs.img")}


def test_a_network_boot_takes_a_config_behind_the_initramfs(images_iso: ImagesIso, live: "LiveIso", config: Path, tmp_path: Path) -> None:
    done = images_iso(live.path, "--ignition", config, "--pxe", tmp_path)
    assert done.code == 0
    assert "boot it with ignition.firstboot ignition.platform.id=metal" in done.err
    initrd, plain = (tmp_path / "x86_64-initrd.img").read_bytes(), live.content("images/pxeboot/initrd.img")
    assert initrd.startswith(plain)
    behind = initrd[len(plain) :].lstrip(b"\0")
    assert config.read_bytes() in gzip.decompress(behind)


def test_on_s390x_the_size_of_the_initramfs_is_told(images_iso: ImagesIso, make: "IsoMaker", config: Path, tmp_path: Path) -> None:
    iso = make.s390x()
    assert images_iso(iso.path, "--ignition", config, "--pxe", tmp_path / "boot").code == 0
    made = {path.name.removeprefix("s390x-"): path.read_bytes() for path in (tmp_path / "boot").iterdir()}
    assert sorted(made) == ["generic.ins", "initrd.addrsize", "initrd.img", "kernel.img", "rootfs.img"]
    assert made["initrd.addrsize"] == iso.content("images/initrd.addrsize")[:8] + len(made["initrd.img"]).to_bytes(8, "big")


def test_the_config_in_the_iso_is_left_out_of_a_network_boot_and_that_is_told(
    images_iso: ImagesIso, live: "LiveIso", config: Path, tmp_path: Path
) -> None:
    assert images_iso(live.path, "--ignition", config, "--in-place").code == 0
    done = images_iso(live.path, "--pxe", tmp_path)
    assert "is left out" in done.err
    assert (tmp_path / "x86_64-initrd.img").read_bytes() == live.content("images/pxeboot/initrd.img")


def test_the_minimal_iso_is_the_published_one_but_for_its_arguments(images_iso: ImagesIso, make: "IsoMaker", tmp_path: Path) -> None:
    iso, out = make.with_miniso(), tmp_path / "minimal.iso"
    url = "https://images.example.com/rootfs.img"
    assert images_iso(iso.path, "--minimal", out, "--rootfs-url", url).code == 0
    without = DEFAULT.replace("coreos.liveiso=rhcos-1 ", "")
    assert shown(images_iso, out, "kargs") == f"{without} coreos.live.rootfs_url={url}\n"
    assert shown(images_iso, out, "kargs", "--default") == f"{without}\n"
    made, published = out.read_bytes(), iso.minimal
    assert len(made) == len(published)
    different = [index for index, (old, new) in enumerate(zip(published, made, strict=True)) if old != new]
    told = images_iso(out, "--show", "info", "--format", "json").json
    allowed = {
        index for area in told["kargs"]["areas"] for index in range(area["offset_bytes"], area["offset_bytes"] + area["length_bytes"])
    }
    document = published.index(b'{\n  "default"')
    assert set(different) <= allowed | set(range(document, document + 400))


def test_a_minimal_iso_of_a_customised_one_is_an_error_and_leaves_nothing(
    images_iso: ImagesIso, make: "IsoMaker", config: Path, tmp_path: Path
) -> None:
    iso = make.with_miniso()
    assert images_iso(iso.path, "--ignition", config, "--in-place").code == 0
    before = sorted(tmp_path.iterdir())
    done = images_iso(iso.path, "--minimal", tmp_path / "minimal.iso")
    assert done.code == 3
    assert "start from the ISO as it was published" in done.err
    assert sorted(tmp_path.iterdir()) == before


def test_without_a_description_a_minimal_iso_is_laid_out_anew(images_iso: ImagesIso, live: "LiveIso", config: Path, tmp_path: Path) -> None:
    out = tmp_path / "minimal.iso"
    url = "https://images.example.com/rootfs.img"
    assert images_iso(live.path, "--minimal", out, "--rootfs-url", url).code == 0
    assert out.stat().st_size < live.path.stat().st_size - 2_000_000
    assert url in shown(images_iso, out, "kargs")
    assert images_iso(out, "--ignition", config, "--in-place").code == 0
    assert shown(images_iso, out, "ignition") == config.read_text()


def test_there_is_no_minimal_iso_for_s390x(images_iso: ImagesIso, make: "IsoMaker", tmp_path: Path) -> None:
    done = images_iso(make.s390x().path, "--minimal", tmp_path / "minimal.iso")
    assert done.code == 2
    assert "s390x" in done.err
