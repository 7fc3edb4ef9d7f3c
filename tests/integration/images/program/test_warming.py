"""``penstock images warm``: what it brings, what it tells, and how it ends where something goes wrong."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Outcome, Run
    from tests.integration.images.program.conftest import Child, Kit, Programs, Site

BUILD, OTHER = "417.94.202501221327-0", "416.94.1-0"
KEPT = f"rhcos-full-iso-{BUILD}-x86_64.iso"


class Warmed(NamedTuple):
    """How a run ended."""

    outcome: "Outcome"

    @property
    def code(self) -> int:
        return self.outcome.code

    @property
    def document(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.outcome.out)
        return found


Warm = Callable[..., Warmed]


@pytest.fixture
def warm(run: "Run", programs: "Programs", kit: "Kit") -> Warm:
    """``warm(entry, …)`` runs it in this process; nothing that it says is a secret."""

    def go(*entries: Mapping[str, str], words: tuple[object, ...] = ()) -> Warmed:
        fixed = ("--small-images", "--data-dir", programs.data, "-o", "json")
        outcome = run("images", "warm", *map(str, fixed), "--os-images", json.dumps(entries), *map(str, words))
        assert [secret for secret in kit.planted.values() if secret in outcome.out + outcome.err] == []
        return Warmed(outcome)

    return go


def folder(programs: "Programs") -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in programs.data.iterdir() if path.is_file()} if programs.data.exists() else {}


def test_what_it_brought_is_there_the_second_time(warm: Warm, programs: "Programs", site: "Site", kit: "Kit") -> None:
    site.files["/a.iso"] = kit.iso(BUILD)
    entry = site.entry("4.17", BUILD, "/a.iso")
    first = warm(entry)
    assert (first.code, [image["stage"] for image in first.document]) == (0, ["ready"])
    assert folder(programs) == {KEPT: kit.iso(BUILD)}
    assert warm(entry).code == 0
    assert site.asked_for("/a.iso") == [None]


def test_a_dry_run_says_what_would_be_done_and_does_nothing(warm: Warm, programs: "Programs", site: "Site", kit: "Kit") -> None:
    site.files |= {"/a.iso": kit.iso(BUILD), "/b.iso": kit.iso(OTHER)}
    there = site.entry("4.17", BUILD, "/a.iso")
    assert warm(there).code == 0
    site.asked.clear()
    plan = warm(there, site.entry("4.16", OTHER, "/b.iso"), site.entry("4.15", "1", "") | {"url": "ftp://x"}, words=("--dry-run",))
    assert (plan.code, [step["action"] for step in plan.document]) == (0, ["keep", "bring", "none"])
    assert (site.asked, set(folder(programs))) == ([], {KEPT})


def test_some_that_failed_are_5_and_the_rest_is_there(warm: Warm, programs: "Programs", site: "Site", kit: "Kit") -> None:
    site.files["/a.iso"] = kit.iso(BUILD)
    outcome = warm(site.entry("4.17", BUILD, "/a.iso"), site.entry("4.16", OTHER, "/nowhere.iso"))
    assert (outcome.code, set(folder(programs))) == (5, {KEPT})
    there, missing = outcome.document
    assert there["reason"] is None
    assert "404" in missing["reason"]
    assert "next try" not in missing["reason"]


def test_all_that_are_not_there_are_1(warm: Warm, site: "Site") -> None:
    assert warm(site.entry("4.17", BUILD, "/nowhere.iso")).code == 1


def test_wrong_bytes_are_3(warm: Warm, programs: "Programs", site: "Site", kit: "Kit") -> None:
    site.files |= {"/a.iso": kit.iso(BUILD), "/b.iso": b"<html>sign in</html>"}
    wrong = site.entry("4.17", BUILD, "/a.iso", sha256="0" * 64)
    assert warm(wrong).code == 3
    assert warm(site.entry("4.16", OTHER, "/b.iso")).code == 3
    assert warm(wrong, site.entry("4.16", OTHER, "/nowhere.iso")).code == 3
    assert folder(programs) == {}


def test_addresses_that_are_none_are_2(warm: Warm, site: "Site") -> None:
    assert warm(site.entry("4.17", BUILD, "/a.iso") | {"url": "ftp://x/a.iso"}).code == 2


def test_servers_that_may_come_back_are_4_and_the_next_run_goes_on(warm: Warm, programs: "Programs", site: "Site", kit: "Kit") -> None:
    iso = kit.iso(BUILD, kit.large)
    site.files["/a.iso"] = iso
    site.faults["/a.iso"] = [site.fault(cut_at=15_000_000), *[site.fault(status=503)] * 1000]
    entry = site.entry("4.17", BUILD, "/a.iso")
    assert warm(entry).code == 4
    assert folder(programs) == {}
    site.faults.clear()
    site.asked.clear()
    assert warm(entry).code == 0
    assert site.asked_for("/a.iso") == ["bytes=15000000-"]
    assert folder(programs) == {KEPT: iso}


def started(programs: "Programs", *words: object, data: Path | None = None) -> "Child":
    return programs.start("warm", "--small-images", "--data-dir", data or programs.data, "-o", "json", *words)


def test_ctrl_c_is_130_and_the_next_run_goes_on(programs: "Programs", site: "Site", kit: "Kit") -> None:
    site.files["/a.iso"] = kit.iso(BUILD, kit.large)
    site.faults["/a.iso"] = [site.fault(hold_at=10_000_000)]
    listed = ("--os-images-file", programs.list_of(site.entry("4.17", BUILD, "/a.iso")))
    child = started(programs, *listed)
    assert kit.eventually(lambda: sum(path.stat().st_size for path in programs.data.rglob("*.partial")) > 9_000_000)
    began_s = time.monotonic()
    assert child.stop(signal.SIGINT) == 130
    assert time.monotonic() - began_s < 5
    assert child.err.splitlines()[-1] == "penstock: interrupted"
    assert child.out == ""
    assert started(programs, *listed).wait() == 0
    begun = site.asked_for("/a.iso")
    assert len(begun) == 2
    assert begun[1] is not None
    assert int(begun[1].removeprefix("bytes=").removesuffix("-")) > 9_000_000
    assert folder(programs) == {KEPT: kit.iso(BUILD, kit.large)}


def test_of_two_runs_at_once_one_brings_and_the_other_waits(programs: "Programs", site: "Site", kit: "Kit") -> None:
    site.files["/a.iso"] = kit.iso(BUILD, kit.large)
    site.faults["/a.iso"] = [site.fault(hold_at=10_000_000)]
    listed = ("--os-images-file", programs.list_of(site.entry("4.17", BUILD, "/a.iso")))
    both = [started(programs, *listed) for _ in range(2)]
    assert kit.eventually(lambda: bool(site.asked))
    time.sleep(2)  # both are up by now
    site.go.set()
    assert [child.wait() for child in both] == [0, 0]
    assert both[0].out == both[1].out
    assert site.asked_for("/a.iso") == [None]


def test_a_disk_that_is_full_is_told_and_with_room_it_comes(
    programs: "Programs", site: "Site", kit: "Kit", small_disk: Path, require_program: Callable[[str], str]
) -> None:
    site.files["/a.iso"] = kit.iso(BUILD, 3_000_000)
    data = small_disk / "data"
    listed = ("--os-images-file", programs.list_of(site.entry("4.17", BUILD, "/a.iso")))
    child = started(programs, *listed, data=data)
    assert child.wait() == 1
    (image,) = json.loads(child.out)
    assert image["stage"] == "failed"
    assert "there is no space for it" in image["reason"]
    assert not list(data.glob("*.iso"))
    subprocess.run([require_program("mount"), "-o", "remount,size=16m", str(small_disk)], check=True)
    assert started(programs, *listed, data=data).wait() == 0
    assert (data / KEPT).read_bytes() == site.files["/a.iso"]
