"""What the local side can do to an extraction: full disks, read-only places, Ctrl-C, kill -9, several runs at once."""

import random
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.simulators.registry import Fault, FaultKind

if TYPE_CHECKING:
    from tests.integration.conftest import Build, Place
    from tests.integration.extract.conftest import Extract

CONTENT = random.Random(5).randbytes(3_000_000)
TreeOf = Callable[[Path], dict[str, object]]
Program = Callable[..., "subprocess.Popen[str]"]


def wait_for(condition: Callable[[], object], process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def start_slowly(place: "Place", build: "type[Build]", program: Program, folder: Path) -> tuple[str, "subprocess.Popen[str]"]:
    """An extraction in the middle of a file whose blob comes slowly; the image's pullspec and the process."""
    image = build.image({"file": CONTENT})
    ref = place.put(image)
    assert place.simulator is not None
    place.simulator.faults.add(Fault(FaultKind.SLOW, str(image.layers[0].digest), amount=200_000))
    process = program("payload", "extract", ref, "--path", f"/file:{folder}")
    wait_for(lambda: list(folder.glob(".*/file")), process)
    return ref, process


def test_a_full_disk_is_told_and_left_empty(place: "Place", build: "type[Build]", extract: "Extract", small_disk: Path) -> None:
    done = extract(place.put(build.image({"file": CONTENT})), "--path", f"/file:{small_disk}")

    assert done.code == 1
    assert "no space left" in done.err
    assert str(small_disk / "file") in done.err
    assert list(small_disk.iterdir()) == []


def test_a_file_size_limit_is_told_and_nothing_is_left(place: "Place", build: "type[Build]", program: Program, folder: Path) -> None:
    ref = place.put(build.image({"file": CONTENT}))

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    process = program("payload", "extract", ref, "--path", f"/file:{folder}", before=limit)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 1, err
    assert "larger than is allowed" in err
    assert list(folder.iterdir()) == []


def test_a_read_only_target_is_told(place: "Place", build: "type[Build]", extract: "Extract", small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)

    done = extract(place.put(build.image({"file": b"x"})), "--path", f"/file:{small_disk}")

    assert done.code == 1
    assert "read-only" in done.err


def test_a_name_that_the_file_system_cannot_hold_is_told(place: "Place", build: "type[Build]", extract: "Extract", folder: Path) -> None:
    done = extract(place.put(build.image({f"d/{'n' * 300}": b"x"})), "/d/")

    assert done.code == 1
    assert "too long" in done.err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_a_slow_blob_leaves_nothing(
    *, place: "Place", build: "type[Build]", program: Program, folder: Path, number: signal.Signals, code: int
) -> None:
    _, process = start_slowly(place, build, program, folder)

    process.send_signal(number)
    out, err = process.communicate(timeout=20)

    assert (process.returncode, out) == (code, ""), err
    assert err == "penstock: interrupted\n"
    assert list(folder.iterdir()) == []


def test_what_a_killed_run_left_is_removed_by_the_next(
    *, place: "Place", build: "type[Build]", program: Program, extract: "Extract", folder: Path, tree: TreeOf
) -> None:
    ref, process = start_slowly(place, build, program, folder)
    process.kill()
    process.wait(timeout=20)
    (left,) = folder.iterdir()
    assert left.name.startswith(".")
    assert place.simulator is not None
    place.simulator.faults.clear()

    assert extract(ref, "/file").code == 0
    assert tree(folder) == {"file": CONTENT}


def test_runs_at_once_do_not_disturb_each_other(
    *, place: "Place", build: "type[Build]", program: Program, folder: Path, tree: TreeOf, tmp_path: Path
) -> None:
    image = build.image({"file": CONTENT, "other": b"other"})
    ref = place.put(image)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert place.simulator is not None
    place.simulator.faults.add(Fault(FaultKind.SLOW, str(image.layers[0].digest), amount=4_000_000))

    runs = [
        program("payload", "extract", ref, "--confirm", "--path", f"/{name}:{where}")
        for name, where in [("file", folder), ("other", folder), ("file", elsewhere)]
    ]
    for run in runs:
        _, err = run.communicate(timeout=60)
        assert run.returncode == 0, err

    assert tree(folder) == {"file": CONTENT, "other": b"other"}
    assert tree(elsewhere) == {"file": CONTENT}


def test_several_paths_go_to_several_folders(
    *, place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf, tmp_path: Path
) -> None:
    second = tmp_path / "second"
    second.mkdir()
    ref = place.put(build.image({"a/x": CONTENT, "a/y": b"y"}))

    done = extract(ref, "/a/x", "--path", f"/a/y:{folder}/", "--path", f"/a/:{second}")

    assert done.code == 0
    assert tree(folder) == {"x": CONTENT, "y": b"y"}
    assert tree(second) == {"x": CONTENT, "y": b"y"}
    assert sorted(file["path"] for file in done.json["files"]) == sorted(str(where / name) for where in (folder, second) for name in "xy")


@pytest.mark.parametrize("spelling", ["{folder}", "{folder}/", "{folder}/."])
def test_a_file_that_is_wanted_twice_is_there_once(
    *, place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf, spelling: str
) -> None:
    done = extract(place.put(build.image({"a/x": CONTENT})), "/a/x", "--path", f"/a/*:{spelling.format(folder=folder)}")

    assert done.code == 0
    assert tree(folder) == {"x": CONTENT}
    assert {file["sha256"] for file in done.json["files"]} == {done.json["files"][0]["sha256"]}


@pytest.mark.parametrize("image", [{"a/x": b"1", "b/x": b"2"}, {"a/x/y": b"1", "b/x": b"2"}, {"a/x": b"1", "b/x/y": b"2"}])
def test_two_things_for_one_place_are_refused(
    place: "Place", build: "type[Build]", extract: "Extract", folder: Path, image: dict[str, bytes]
) -> None:
    done = extract(place.put(build.image(image)), "/a/x", "/b/x")

    assert done.code in {2, 3}
    assert list(folder.iterdir()) == []


def test_nothing_is_published_when_one_of_two_folders_is_in_the_way(
    *, place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tree: TreeOf, tmp_path: Path
) -> None:
    second = tmp_path / "second"
    (second / "x").mkdir(parents=True)

    done = extract(place.put(build.image({"x": b"x"})), "/x", "--confirm", "--path", f"/x:{second}")

    assert done.code == 2
    assert tree(folder) == {}
    assert tree(second) == {"x": None}


def test_nothing_is_written_through_a_link_in_the_destination(
    place: "Place", build: "type[Build]", extract: "Extract", folder: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (folder / "d").symlink_to(outside)

    assert extract(place.put(build.image({"d/x": b"x"})), "/", "--confirm").code == 2
    assert list(outside.iterdir()) == []
    assert [path.name for path in folder.iterdir()] == ["d"]
