"""``penstock streams mirror`` against a server that serves ranges, cuts, lies, stalls and changes its mind."""

import hashlib
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Run
    from tests.integration.streams.mirroring.conftest import Shelf


ISO, KERNEL, DISK = bytes(range(256)) * 12_000, b"kernel" * 1000, b"disk" * 2000  # as the server has them


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_every_file_is_there_under_its_name(run: "Run", place: Path) -> None:
    done = run("streams", "mirror", "stream.json", "dest", "-o", "json")
    assert done.code == 0
    assert [(file["name"], file["outcome"]) for file in done.json["files"]] == [
        ("os.iso", "downloaded"),
        ("os-kernel", "downloaded"),
        ("os.qcow2.xz", "downloaded"),
    ]
    assert names(place / "dest") == ["os-kernel", "os.iso", "os.qcow2.xz"]
    assert ((place / "dest/os.iso").read_bytes(), (place / "dest/os.qcow2.xz").read_bytes()) == (ISO, DISK)


def test_what_is_there_is_not_asked_for_again(run: "Run", place: Path, shelf: "Shelf") -> None:
    run("streams", "mirror", "stream.json", "dest")
    shelf.asked.clear()
    done = run("streams", "mirror", "stream.json", "dest", "-o", "json")
    assert {file["outcome"] for file in done.json["files"]} == {"there"}
    assert shelf.asked == []


def test_only_what_is_chosen_is_mirrored(run: "Run", place: Path) -> None:
    assert run("streams", "mirror", "stream.json", "dest", "--arch", "amd64", "--platform", "metal", "--format", "iso").code == 0
    assert names(place / "dest") == ["os.iso"]


def test_plume_s_own_options_do_the_same(run: "Run", place: Path) -> None:
    assert run("streams", "mirror", "--src-file", "stream.json", "--dest", "dest", "-a", "qemu").code == 0
    assert names(place / "dest") == ["os.qcow2.xz"]
    assert run("streams", "mirror", "--dest", "dest").code == 2
    assert run("streams", "mirror", "a", "b", "--dest", "dest").code == 2


def test_a_choice_of_nothing_is_told(run: "Run", place: Path) -> None:
    done = run("streams", "mirror", "stream.json", "dest", "--platform", "metall")
    assert (done.code, "it has metal, qemu" in done.err) == (2, True)
    assert run("streams", "mirror", "stream.json", "dest", "--arch", "aarch64").code == 1
    assert not (place / "dest").exists()


def test_a_dry_run_tells_action_size_and_reason_and_writes_nothing(run: "Run", place: Path, shelf: "Shelf") -> None:
    (place / "dest").mkdir()
    (place / "dest/os-kernel").write_bytes(KERNEL)
    (place / "dest/os.qcow2.xz").write_bytes(b"something else")
    done = run("streams", "mirror", "stream.json", "dest", "--dry-run", "-o", "json")
    told = {step["name"]: (step["action"], step["missing_bytes"]) for step in done.json["steps"]}
    assert told == {"os.iso": ("download", len(ISO)), "os-kernel": ("reuse", 0), "os.qcow2.xz": ("download", len(DISK))}
    assert "to be replaced" in done.json["steps"][2]["reason"]
    assert done.json["missing_bytes"] == len(ISO) + len(DISK)
    assert shelf.gets("/x/os.iso") == []
    assert names(place / "dest") == ["os-kernel", "os.qcow2.xz"]


def test_a_server_without_head_leaves_the_size_open(run: "Run", place: Path, shelf: "Shelf") -> None:
    shelf.heads = False
    done = run("streams", "mirror", "stream.json", "dest", "--dry-run", "-o", "json")
    assert (done.json["unknown_sizes"], done.json["steps"][0]["size_bytes"]) == (3, None)
    assert run("streams", "mirror", "stream.json", "dest").code == 0


@pytest.mark.parametrize("tags", [True, False])
def test_a_cut_is_continued_where_it_was(run: "Run", place: Path, shelf: "Shelf", tags: bool) -> None:
    shelf.tags = tags
    shelf.faults["/x/os.iso"] = [shelf.fault(cut_at=1_000_000), shelf.fault(cut_at=900_000)]
    assert run("streams", "mirror", "stream.json", "dest").code == 0
    assert (place / "dest/os.iso").read_bytes() == ISO
    assert shelf.gets("/x/os.iso") == [None, "bytes=1000000-", "bytes=1900000-"]


def test_a_server_that_knows_no_ranges_is_asked_for_everything_again(run: "Run", place: Path, shelf: "Shelf") -> None:
    shelf.ranges = False
    shelf.faults["/x/os.iso"] = [shelf.fault(cut_at=1_000_000)]
    assert run("streams", "mirror", "stream.json", "dest").code == 0
    assert (place / "dest/os.iso").read_bytes() == ISO


def test_server_errors_are_tried_again(run: "Run", place: Path, shelf: "Shelf") -> None:
    shelf.faults["/x/os-kernel"] = [shelf.fault(status=503), shelf.fault(status=500)]
    assert run("streams", "mirror", "stream.json", "dest").code == 0
    assert (place / "dest/os-kernel").read_bytes() == KERNEL


def test_what_never_comes_is_left_for_the_next_run(run: "Run", place: Path, shelf: "Shelf") -> None:
    shelf.faults["/x/os.iso"] = [shelf.fault(cut_at=1_000_000), shelf.fault(status=503)]
    done = run("streams", "mirror", "stream.json", "dest", "--tries", "2")
    assert (done.code, "503" in done.err) == (5, True)
    assert names(place / "dest") == [".os.iso.partial", ".os.iso.partial.json", "os-kernel", "os.qcow2.xz"]
    planned = run("streams", "mirror", "stream.json", "dest", "--dry-run", "-o", "json").json["steps"][0]
    assert (planned["action"], planned["missing_bytes"]) == ("resume", len(ISO) - 1_000_000)
    shelf.asked.clear()
    assert run("streams", "mirror", "stream.json", "dest").code == 0
    assert shelf.gets("/x/os.iso") == ["bytes=1000000-"]
    assert names(place / "dest") == ["os-kernel", "os.iso", "os.qcow2.xz"]


def test_the_one_file_that_does_not_come_is_exit_code_4(run: "Run", place: Path, shelf: "Shelf") -> None:
    shelf.faults["/x/os.iso"] = [shelf.fault(status=503)] * 3
    assert run("streams", "mirror", "stream.json", "dest", "--format", "iso", "--tries", "3").code == 4
    assert shelf.gets("/x/os.iso") == [None] * 3


def test_a_file_that_is_not_there_is_named_and_the_others_come(run: "Run", place: Path, shelf: "Shelf") -> None:
    del shelf.files["/x/os-kernel"]
    done = run("streams", "mirror", "stream.json", "dest")
    assert (done.code, "os-kernel: 127.0.0.1" in done.err, "404 Not Found" in done.err) == (5, True, True)
    assert names(place / "dest") == ["os.iso", "os.qcow2.xz"]


def test_wrong_bytes_are_exit_code_3_and_nothing_has_the_name(run: "Run", place: Path, shelf: "Shelf") -> None:
    lie = ISO[:-1] + b"!"
    shelf.faults["/x/os.iso"] = [shelf.fault(body=lie)]
    done = run("streams", "mirror", "stream.json", "dest", "--url", "https://m.example/", "--dest-file", "new.json")
    assert done.code == 3
    expected, found = hashlib.sha256(ISO).hexdigest(), hashlib.sha256(lie).hexdigest()
    assert f"os.iso: expected sha256:{expected}, found sha256:{found}" in done.err
    assert names(place / "dest") == ["os-kernel", "os.qcow2.xz"]
    assert not (place / "new.json").exists()


def test_a_wrong_file_that_was_there_stays_until_the_right_one_has_come(run: "Run", place: Path, shelf: "Shelf") -> None:
    (place / "dest").mkdir()
    (place / "dest/os.iso").write_bytes(b"old")
    shelf.faults["/x/os.iso"] = [shelf.fault(body=b"lie")]
    assert run("streams", "mirror", "stream.json", "dest").code == 3
    assert (place / "dest/os.iso").read_bytes() == b"old"
    assert run("streams", "mirror", "stream.json", "dest").code == 0
    assert (place / "dest/os.iso").read_bytes() == ISO


def interrupted(run: "Run", shelf: "Shelf", first: bytes) -> None:
    """A run that brought the first million bytes of ``first``."""
    shelf.files["/x/os.iso"] = first
    shelf.faults["/x/os.iso"] = [shelf.fault(cut_at=1_000_000), shelf.fault(status=403)]
    run("streams", "mirror", "stream.json", "dest", "--format", "iso")
    shelf.faults.clear()
    shelf.files["/x/os.iso"] = ISO
    shelf.asked.clear()


@pytest.mark.parametrize("first", [bytes(reversed(ISO)), ISO[:2_000_000]], ids=["other tag", "other size"])
def test_a_part_of_what_was_another_file_then_is_thrown_away(run: "Run", place: Path, shelf: "Shelf", first: bytes) -> None:
    interrupted(run, shelf, first)
    planned = run("streams", "mirror", "stream.json", "dest", "--format", "iso", "--dry-run", "-o", "json").json["steps"][0]
    assert (planned["action"], "has changed" in planned["reason"]) == ("download", True)
    assert run("streams", "mirror", "stream.json", "dest", "--format", "iso").code == 0
    assert shelf.gets("/x/os.iso") == [None]
    assert (place / "dest/os.iso").read_bytes() == ISO


def test_a_part_that_turns_out_wrong_unseen_costs_one_more_try(run: "Run", place: Path, shelf: "Shelf") -> None:
    shelf.tags = False
    interrupted(run, shelf, bytes(reversed(ISO)))
    assert run("streams", "mirror", "stream.json", "dest", "--format", "iso").code == 0
    assert shelf.gets("/x/os.iso") == ["bytes=1000000-", None]
    assert (place / "dest/os.iso").read_bytes() == ISO


def test_a_whole_part_is_only_verified(run: "Run", place: Path, shelf: "Shelf") -> None:
    interrupted(run, shelf, ISO)
    (place / "dest/.os.iso.partial").write_bytes(ISO)
    assert run("streams", "mirror", "stream.json", "dest", "--format", "iso").code == 0
    assert shelf.gets("/x/os.iso") == []
    assert names(place / "dest") == ["os.iso"]


def test_a_part_of_another_stream_s_file_is_not_continued(run: "Run", place: Path, shelf: "Shelf") -> None:
    interrupted(run, shelf, ISO)
    shelf.files["/x/os.iso"] = other = b"a newer one" * 100_000
    (place / "stream.json").write_bytes(shelf.stream())
    assert run("streams", "mirror", "stream.json", "dest", "--format", "iso").code == 0
    assert (shelf.gets("/x/os.iso"), (place / "dest/os.iso").read_bytes()) == ([None], other)


def program(environment: Mapping[str, str], place: Path, *words: str, limit_kib: int = 0) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "penstock", "streams", "mirror", "stream.json", "dest", "--format", "iso", *words]
    if limit_kib:
        command = ["sh", "-c", f'ulimit -f {2 * limit_kib} && exec "$@"', "sh", *command]
    return subprocess.Popen(command, cwd=place, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_after_ctrl_c_the_next_run_goes_on(run: "Run", place: Path, shelf: "Shelf", environment: dict[str, str]) -> None:
    shelf.faults["/x/os.iso"] = [shelf.fault(drip=0.5)]
    partial = place / "dest/.os.iso.partial"
    with program(environment, place) as process:
        deadline = time.monotonic() + 30
        while not (partial.exists() and partial.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "penstock: interrupted\n")
    kept = partial.stat().st_size
    assert 0 < kept < len(ISO)
    shelf.hurry.set()
    shelf.asked.clear()
    assert run("streams", "mirror", "stream.json", "dest", "--format", "iso").code == 0
    assert shelf.gets("/x/os.iso") == [f"bytes={kept}-"]
    assert (place / "dest/os.iso").read_bytes() == ISO


def test_a_full_place_is_one_error_and_what_came_is_kept(run: "Run", place: Path, shelf: "Shelf", environment: dict[str, str]) -> None:
    with program(environment, place, limit_kib=1024) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.fullmatch(r"penstock: dest/os.iso: the file grows larger than is allowed here\nhint: .*\n", err)
    assert (place / "dest/.os.iso.partial").stat().st_size == 1 << 20
    assert run("streams", "mirror", "stream.json", "dest", "--format", "iso").code == 0
    assert shelf.gets("/x/os.iso") == [None, f"bytes={1 << 20}-"]


def test_two_runs_do_not_write_into_one_file(run: "Run", place: Path, shelf: "Shelf", environment: dict[str, str]) -> None:
    shelf.faults["/x/os.iso"] = [shelf.fault(drip=0.5)]
    with program(environment, place) as process:
        deadline = time.monotonic() + 30
        while not (place / "dest/.os.iso.partial.json").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        done = run("streams", "mirror", "stream.json", "dest", "--format", "iso")
        assert (done.code, "another run is downloading this file" in done.err) == (1, True)
        shelf.hurry.set()
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert (place / "dest/os.iso").read_bytes() == ISO


def test_the_new_stream_file_has_every_address_under_the_base(run: "Run", place: Path) -> None:
    words = ("--url", "https://mirror.example/os/", "--dest-file", "new.json")
    done = run("streams", "mirror", "stream.json", "dest", "--platform", "qemu", *words)
    assert done.code == 0
    assert "it also has new addresses for files that were not chosen here" in done.err
    text = re.sub(rb"http://127\.0\.0\.1:\d+/[xy]/", b"https://mirror.example/os/", (place / "stream.json").read_bytes())
    assert (place / "new.json").read_bytes() == text.replace(b"?sig=1", b"")


def test_addresses_of_files_that_were_not_mirrored_can_stay(run: "Run", place: Path, shelf: "Shelf") -> None:
    words = ("--url", "https://mirror.example", "--dest-file", "new.json", "--rewrite", "mirrored")
    assert run("streams", "mirror", "stream.json", "dest", "--platform", "qemu", *words).code == 0
    artifacts = json.loads((place / "new.json").read_bytes())["architectures"]["x86_64"]["artifacts"]
    assert artifacts["metal"]["formats"]["iso"]["disk"]["location"] == f"{shelf.base}/x/os.iso"
    assert artifacts["qemu"]["formats"]["qcow2.xz"]["disk"]["location"] == "https://mirror.example/os.qcow2.xz"


def test_a_new_base_needs_a_file_for_the_stream(run: "Run", place: Path) -> None:
    done = run("streams", "mirror", "stream.json", "dest", "--url", "https://mirror.example")
    assert (done.code, "--url needs --dest-file" in done.err) == (2, True)


def test_two_different_files_of_one_name_are_found_before_anything_is_asked(run: "Run", place: Path, shelf: "Shelf") -> None:
    shelf.files["/z/os.iso"] = b"another"
    document = json.loads((place / "stream.json").read_bytes())
    document["architectures"]["aarch64"]["artifacts"] = {"metal": {"formats": {"iso": {"disk": shelf.entry("/z/os.iso")}}}}
    (place / "stream.json").write_text(json.dumps(document))
    done = run("streams", "mirror", "stream.json", "dest")
    assert (done.code, shelf.asked) == (2, [])
    assert "os.iso: two files are called so: metal iso disk aarch64 (" in done.err
    assert run("streams", "mirror", "stream.json", "dest", "--arch", "x86_64").code == 0


def test_the_ledger_traces_a_mirrored_file_to_its_stream(run: "Run", place: Path) -> None:
    run("streams", "mirror", "stream.json", "dest", "--url", "https://mirror.example", "--dest-file", "new.json")
    done = run("trace", "dest/os.iso", "-o", "json")
    assert done.code == 0
    assert "metal iso disk x86_64" in done.out
    assert "addresses rewritten" in done.out
