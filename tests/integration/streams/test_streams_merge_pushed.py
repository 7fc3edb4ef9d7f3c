"""``penstock streams merge`` with the images of a push, as a process over files."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def document(**regions: str) -> str:
    """A stream with images of these builds in these regions, in an unusual layout."""
    entries = {name: {"release": build, "image": f"ami-{name}-{build}"} for name, build in regions.items()}
    images = {"aws": {"regions": entries}, "newcloud": 1}
    arch = {"artifacts": {"metal": {"release": "1"}}, "images": images}
    return json.dumps({"stream": "rhel-9", "architectures": {"x86_64": arch}}, indent=3) + "\n"


def pushed(**regions: str) -> str:
    entries = {name: {"release": build, "image": f"ami-{name}-{build}"} for name, build in regions.items()}
    return json.dumps({"stream": "any", "architectures": {"x86_64": {"images": {"aws": {"regions": entries}}}}})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """``run(*words)`` runs the program in the test's own folder."""
    environment = {**os.environ, "PENSTOCK_LEDGER": str(tmp_path / "ledger.sqlite")}

    def go(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "penstock", *words]
        return subprocess.run(command, capture_output=True, cwd=tmp_path, env=environment, text=True, timeout=60, check=False)

    return go


def test_the_images_of_a_push_replace_those_of_their_regions_and_nothing_else(run: Run, tmp_path: Path) -> None:
    (tmp_path / "stream.json").write_text(document(eu="1", us="1"))
    (tmp_path / "pushed.json").write_text(pushed(us="2", eu="2"))
    done = run("streams", "merge", "stream.json", "pushed.json")
    assert (done.returncode, done.stdout, done.stderr) == (0, document(eu="2", us="2"), "")


def test_a_push_to_some_regions_is_refused_until_it_is_said_what_becomes_of_the_others(run: Run, tmp_path: Path) -> None:
    (tmp_path / "stream.json").write_text(document(eu="1", us="1"))
    (tmp_path / "pushed.json").write_text(pushed(us="2"))
    refused = run("streams", "merge", "stream.json", "pushed.json")
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "aws x86_64 is of 2 now, but for eu (1)" in refused.stderr
    kept = run("streams", "merge", "--other-builds", "keep", "stream.json", "pushed.json")
    assert (kept.returncode, kept.stdout) == (0, document(eu="1", us="2"))
    assert "warning: aws x86_64 is of 2 now, but for eu (1)" in kept.stderr
    dropped = run("streams", "merge", "--other-builds", "drop", "stream.json", "pushed.json")
    assert (dropped.returncode, dropped.stdout) == (0, document(us="2"))
    assert "these are dropped" in dropped.stderr


def test_a_whole_stream_is_not_taken_for_the_images_of_a_push(run: Run, tmp_path: Path) -> None:
    (tmp_path / "stream.json").write_text(document(us="1"))
    (tmp_path / "pushed.json").write_text(pushed(us="2"))
    done = run("streams", "merge", "pushed.json", "stream.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "this is a whole stream" in done.stderr


def test_what_was_merged_is_traced_to_the_file_of_the_push(run: Run, tmp_path: Path) -> None:
    (tmp_path / "stream.json").write_text(document(us="1"))
    (tmp_path / "pushed.json").write_text(pushed(us="2"))
    (tmp_path / "merged.json").write_text(run("streams", "merge", "stream.json", "pushed.json").stdout)
    traced = run("trace", "merged.json", "--direction", "up").stdout
    assert "pushed.json" in traced
    assert "[images of a push]" in traced
