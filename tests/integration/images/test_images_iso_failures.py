"""What goes wrong with ``penstock images iso``: wrong options, wrong ISOs, full disks, signals; nothing half done is ever left."""

import fcntl
import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Outcome
    from tests.integration.images.conftest import IsoMaker, LiveIso

ImagesIso = Callable[..., "Outcome"]
Program = Callable[..., "subprocess.Popen[bytes]"]
PIPE_BYTES = 4096


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ([], "nothing says what to do"),
        (["-o", "a.iso"], "nothing is to be changed"),
        (["--force", "--in-place"], "nothing is to be changed"),
        (["--karg", "a"], "nothing says what to do"),
        (["-o", "a.iso", "--in-place", "--karg", "a"], "-o and --in-place exclude each other"),
        (["--show", "kargs", "--pxe", "boot"], "--show and --pxe exclude each other"),
        (["--show", "ignition", "--karg", "a"], "a change of kernel arguments does not go with --show"),
        (["--show", "ignition", "--default"], "--default is for --show kargs alone"),
        (["--show", "info", "--dry-run"], "--show changes nothing"),
        (["--pxe", "boot", "--karg", "a"], "hold no kernel arguments"),
        (["--pxe", "boot", "--force"], "--force does not go with --pxe"),
        (["--minimal", "a.iso", "--remove"], "make the minimal ISO first"),
        (["--in-place", "--karg", "a", "--rootfs-url", "https://a.example.com/r"], "--rootfs-url is for --minimal alone"),
        (["--in-place", "--remove", "--ignition", "host.ign"], "--ignition and --remove exclude each other"),
    ],
)
def test_options_that_contradict_each_other_are_usage_errors(images_iso: ImagesIso, options: list[str], problem: str) -> None:
    done = images_iso("live.iso", *options)
    assert done.code == 2
    assert problem in done.err


@pytest.mark.parametrize("content", [b"", b"[]", b'{"ignition": {}}', b"variant: fcos\nversion: 1.5.0\n"])
def test_what_is_no_config_is_refused(images_iso: ImagesIso, live: "LiveIso", tmp_path: Path, content: bytes) -> None:
    wrong = tmp_path / "wrong.ign"
    wrong.write_bytes(content)
    published = live.path.read_bytes()
    done = images_iso(live.path, "--ignition", wrong, "--in-place")
    assert done.code == 2
    assert done.err.startswith(f"penstock: {wrong}: ")
    assert live.path.read_bytes() == published


def test_a_config_that_does_not_fit_is_refused(images_iso: ImagesIso, live: "LiveIso", tmp_path: Path) -> None:
    large = tmp_path / "large.ign"
    large.write_text(json.dumps({"ignition": {"version": "3.4.0"}, "data": os.urandom(20_000).hex()}))
    done = images_iso(live.path, "--ignition", large, "--in-place")
    assert done.code == 2
    assert "is too large" in done.err
    assert "and the ISO holds 16384" in done.err


def test_arguments_that_do_not_fit_change_nothing_at_all(images_iso: ImagesIso, live: "LiveIso", config: Path) -> None:
    published = live.path.read_bytes()
    done = images_iso(live.path, "--ignition", config, "--karg", "a" * 300, "--in-place")
    assert done.code == 2
    assert "has room for 300" in done.err
    assert live.path.read_bytes() == published


@pytest.mark.parametrize("outcome", [["--karg", "a", "-o"], ["--minimal"]])
def test_a_file_that_exists_is_never_overwritten(images_iso: ImagesIso, live: "LiveIso", tmp_path: Path, outcome: list[str]) -> None:
    mine = tmp_path / "mine.iso"
    mine.write_text("mine")
    done = images_iso(live.path, *outcome, mine)
    assert done.code == 2
    assert done.err == f"penstock: {mine}: the file exists, and is not overwritten\nhint: give another name, or remove it first\n"
    assert mine.read_text() == "mine"


def test_one_file_that_exists_keeps_all_files_of_a_network_boot_away(images_iso: ImagesIso, live: "LiveIso", tmp_path: Path) -> None:
    folder = tmp_path / "boot"
    folder.mkdir()
    (folder / "x86_64-rootfs.img").write_text("mine")
    assert images_iso(live.path, "--pxe", folder).code == 2
    assert [path.name for path in folder.iterdir()] == ["x86_64-rootfs.img"]


def test_a_folder_that_is_missing_is_named(images_iso: ImagesIso, live: "LiveIso", tmp_path: Path) -> None:
    done = images_iso(live.path, "--karg", "a", "-o", tmp_path / "missing/out.iso")
    assert (done.code, done.err) == (1, f"penstock: {tmp_path / 'missing'}: there is no such file or folder\n")


def test_a_missing_iso_is_told(images_iso: ImagesIso, tmp_path: Path) -> None:
    done = images_iso(tmp_path / "missing.iso", "--show", "info")
    assert (done.code, done.err) == (1, f"penstock: {tmp_path / 'missing.iso'}: there is no such file or folder\n")


def test_a_cut_iso_is_told_and_nothing_is_written(images_iso: ImagesIso, live: "LiveIso", tmp_path: Path) -> None:
    with live.path.open("r+b") as file:
        file.truncate(live.path.stat().st_size - 400_000)
    done = images_iso(live.path, "--karg", "a", "-o", tmp_path / "out.iso")
    assert done.code == 3
    assert "the image is cut" in done.err
    assert not (tmp_path / "out.iso").exists()


def test_a_file_that_is_no_iso_is_told(images_iso: ImagesIso, tmp_path: Path) -> None:
    other = tmp_path / "other.iso"
    other.write_bytes(os.urandom(100_000))
    done = images_iso(other, "--show", "info")
    assert done.code == 2
    assert "not an ISO 9660 image" in done.err


@pytest.mark.parametrize(
    "outcome", [["--show", "kargs"], ["--show", "ignition"], ["--show", "info"], ["--karg", "a", "--in-place"], ["--pxe"]]
)
def test_an_iso_of_something_else_is_told(images_iso: ImagesIso, make: "IsoMaker", tmp_path: Path, outcome: list[str]) -> None:
    other, _ = make.image("other", {"install.exe": b"MZ" * 1000})
    words = [*outcome, str(tmp_path / "boot")] if outcome == ["--pxe"] else outcome
    done = images_iso(other, *words)
    assert done.code == 2
    assert "this is no live ISO of CoreOS" in done.err
    assert not (tmp_path / "boot").exists()


def test_what_cannot_be_read_here_and_there_is_told_and_not_waited_for(images_iso: ImagesIso, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = images_iso(tmp_path / "pipe", "--show", "info")
    assert done.code == 2
    assert "a file is wanted" in done.err


def test_a_signal_while_a_file_is_written_leaves_nothing(program: Program, live: "LiveIso", tmp_path: Path) -> None:
    """The program stands still in the middle of the file, as nobody reads what it tells of its progress."""
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    os.write(write, b" " * PIPE_BYTES)
    folder = tmp_path / "out"
    folder.mkdir()
    process = program(live.path, "--karg", "a", "-o", folder / "out.iso", "--progress", "json", stderr=write)
    os.close(write)
    deadline = time.monotonic() + 30
    while not list(folder.glob(".penstock-*")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    with os.fdopen(read, "rb") as told:
        rest = told.read()
    assert process.wait(timeout=30) == 130
    assert rest.endswith(b"penstock: interrupted\n")
    assert list(folder.iterdir()) == []


def test_a_full_disk_is_told_once_and_nothing_is_left(images_iso: ImagesIso, live: "LiveIso", small_disk: Path) -> None:
    done = images_iso(live.path, "--karg", "a", "-o", small_disk / "out.iso")
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines() == [
        f"penstock: {small_disk / 'out.iso'}: there is no space left on the device",
        "hint: free some space and run again",
    ]
    assert list(small_disk.iterdir()) == []


def test_a_disk_that_fills_up_with_the_last_of_several_files_is_left_empty(
    images_iso: ImagesIso, live: "LiveIso", small_disk: Path
) -> None:
    done = images_iso(live.path, "--pxe", small_disk / "boot")
    assert done.code == 1
    assert "no space left" in done.err
    assert list(small_disk.iterdir()) == []


def test_a_file_size_limit_is_told_and_nothing_is_left(program: Program, live: "LiveIso", tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    limit = (1_000_000, 1_000_000)
    process = program(live.path, "--karg", "a", "-o", folder / "out.iso", before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert b"larger than is allowed" in err
    assert list(folder.iterdir()) == []


def test_a_reader_that_leaves_ends_the_program_in_silence(program: Program, live: "LiveIso") -> None:
    process = program(live.path, "--karg", "a", "-o", "-")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(1000)
    process.stdout.close()
    assert (process.stderr.read(), process.wait(timeout=30)) == (b"", 141)


def test_an_iso_that_another_program_writes_to_is_left_alone(images_iso: ImagesIso, live: "LiveIso") -> None:
    published = live.path.read_bytes()
    with live.path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = images_iso(live.path, "--karg", "a", "--in-place")
    assert done.code == 1
    assert "another program is writing" in done.err
    assert live.path.read_bytes() == published


def test_a_disagreement_of_the_boot_loaders_is_told_and_a_reset_mends_it(images_iso: ImagesIso, live: "LiveIso") -> None:
    """What an edit in place that a crash broke off can leave."""
    published = live.path.read_bytes()
    with live.path.open("r+b") as file:
        file.seek(live.areas[1][0])
        file.write(b"debug")
    done = images_iso(live.path, "--karg", "a", "--in-place")
    assert done.code == 3
    assert "the kernel arguments differ" in done.err
    assert images_iso(live.path, "--karg-reset", "--in-place").code == 0
    assert live.path.read_bytes() == published
