"""``penstock streams explain``: what populate would do, candidate by candidate."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.simulators.cloud.catalogue import AzureImage

if TYPE_CHECKING:
    from tests.integration.streams.populate.conftest import Bench

MakeImage = Callable[..., AzureImage]
SERIES = "redhat:rh-ocp-worker:rh-ocp-worker"
ONE = ("--plan", "ocp", "--gen", "2", "--arch", "x86_64")


@pytest.fixture
def stocked(bench: "Bench", make_image: MakeImage, long_ago: datetime) -> "Bench":
    bench.put(
        make_image(f"{SERIES}:4.18.2024100914", deprecated_at=long_ago),
        *(make_image(f"{SERIES}:{version}") for version in ("4.17.2024100419", "4.18.2025031114", "9.6.2026030314", "413.92.2023101700")),
    )
    return bench


def test_every_candidate_is_told_in_the_order_in_which_it_is_tried(stocked: "Bench") -> None:
    (slot,) = stocked.penstock("explain", *ONE, "-o", "json").json["slots"]
    told = [(each["version"], each["rhel"], each["day"], each["verdict"], each["rule"]) for each in slot["candidates"]]
    assert told == [
        ("4.18.2024100914", "9.4", "2024-10-09", "refused", "deprecated"),
        ("4.17.2024100419", "9.4", "2024-10-04", "taken", "behind"),
        ("4.18.2025031114", "9.4", "2025-03-11", "spare", "ahead"),
        ("9.6.2026030314", "9.6", "2026-03-03", "refused", "other RHEL minor"),
        ("413.92.2023101700", "9.2", "2023-10-17", "refused", "other RHEL minor"),
    ]
    assert (slot["wanted"], slot["wanted_version"], slot["releases"]) == ("418.94.202410090804-0", "418.94.20241009", ["4.18"])
    assert slot["after"] == f"{SERIES}:4.17.2024100419"


@pytest.mark.parametrize("choice", ["bounded", "latest", "upstream"])
def test_it_tells_what_populate_does(stocked: "Bench", choice: str) -> None:
    words = ("--choice", choice, "--release", "4.18", "-o", "json")
    (explained,) = stocked.penstock("explain", *ONE, *words).json["slots"]
    populated = stocked.populate("--plan", "ocp", "--arch", "x86_64", "--dry-run", *words).json["slots"]
    same = next(slot for slot in populated if slot["slot"] == explained["slot"])
    keys = ("before", "after", "rule", "reason", "change")
    assert {key: explained.get(key) for key in keys} == {key: same.get(key) for key in keys}


def test_a_person_sees_a_table_and_the_decision(stocked: "Bench") -> None:
    out = stocked.penstock("explain", *ONE).out
    assert "azure ocp hyperVGen2 x86_64: wants 418.94.202410090804-0" in out
    assert "CANDIDATE" in out
    assert "5 days before 418.94.202410090804-0, because 4.18.2024100914 is deprecated" in out


def test_a_long_list_is_cut_for_people_unless_they_want_it_all(stocked: "Bench", make_image: MakeImage) -> None:
    stocked.put(*(make_image(f"{SERIES}:4.18.202309{day:02}00") for day in range(1, 21)))
    assert "15 more; --all shows them" in stocked.penstock("explain", *ONE).out
    whole = stocked.penstock("explain", *ONE, "--all").out
    assert whole.count(f"{SERIES}:4.") >= 24
    assert "--all shows" not in whole


def test_nothing_is_written(stocked: "Bench", tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    stocked.penstock("explain")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_a_kept_entry_is_told_with_the_reason(stocked: "Bench") -> None:
    stocked.write_stream("9.8.20260428-0", name="rhcos-4.22")
    stocked.populate("--plan", "ocp", "--choice", "latest")
    (slot,) = stocked.penstock("explain", *ONE, "-o", "json").json["slots"]
    assert (slot["rule"], slot["before"]) == ("kept", slot["after"])
    assert "RHEL 9.6 is not the stream's 9.8" in slot["reason"]


def test_a_slot_that_does_not_exist_is_said_to_be_none(stocked: "Bench") -> None:
    outcome = stocked.penstock("explain", "--arch", "aarch64", "--gen", "1")
    assert outcome.code == 0
    assert "there is no such slot" in outcome.out
