"""``penstock streams updates`` over files."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Run

VERSION, NEXT = "44.20260621.3.1", "44.20260707.3.1"
CONTENT = b"""\
{
   "stream": "stable",
   "metadata": {
      "last-modified": "2026-07-21T14:07:12Z"
   },
   "releases": [
      {
         "version": "44.20260621.3.1",
         "metadata": {
            "rollout": {
               "start_percentage": 1.0
            },
            "new": 1e3
         }
      },
      {
         "version": "44.20260707.3.1",
         "metadata": {
            "rollout": {
               "duration_minutes": 2880.0,
               "start_epoch": 1784728800,
               "start_percentage": 0.0
            }
         }
      }
   ]
}"""
BEFORE, DURING, AFTER = "2026-07-22T00:00:00Z", "2026-07-23T14:00:00Z", "2026-08-01T00:00:00Z"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Update metadata with an unknown key, numbers in odd spellings, three spaces, and no newline at the end."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stable.json").write_bytes(CONTENT)
    return tmp_path / "stable.json"


def test_show_tells_where_a_rollout_stands(run: "Run", file: Path) -> None:
    done = run("streams", "updates", "show", "stable.json", "--at", DURING, "-o", "json")
    assert done.json["releases"][1] == {
        "version": NEXT,
        "barrier": None,
        "deadend": None,
        "rollout": "running",
        "share": 0.5,
        "start_s": 1784728800,
        "end_s": 1784901600,
    }
    assert (
        "running, 50 %, 2026-07-22T14:00:00Z to 2026-07-24T14:00:00Z"
        in run("streams", "updates", "show", "stable.json", "--at", DURING).out
    )


def test_a_barrier_changes_its_own_lines_and_the_time(run: "Run", file: Path) -> None:
    done = run("streams", "updates", "barrier", "stable.json", NEXT, "--reason", "https://docs.example/why", "--at", DURING)
    assert (done.code, done.out, done.err) == (0, "stable.json\n", "")
    barrier = b'            "barrier": {\n               "reason": "https://docs.example/why"\n            },\n'
    assert barrier in file.read_bytes()
    assert file.read_bytes().replace(barrier, b"").replace(b"2026-07-23T14:00:00Z", b"2026-07-21T14:07:12Z") == CONTENT


def test_a_dry_run_prints_the_difference_and_writes_nothing(run: "Run", file: Path) -> None:
    done = run("streams", "updates", "prune", "stable.json", "--at", AFTER, "--dry-run")
    assert done.code == 0
    assert '-               "duration_minutes": 2880.0,\n' in done.out
    assert '+      "last-modified": "2026-08-01T00:00:00Z"\n' in done.out
    assert file.read_bytes() == CONTENT


def test_pruning_what_is_clean_leaves_the_file_alone(run: "Run", file: Path) -> None:
    before = file.stat()
    done = run("streams", "updates", "prune", "stable.json", "--at", BEFORE)
    assert (done.code, done.out, done.err) == (0, "", "nothing changes\n")
    assert (file.stat().st_ino, file.read_bytes()) == (before.st_ino, CONTENT)


def test_a_new_rollout_completes_the_one_that_is_over(run: "Run", file: Path) -> None:
    words = ("--start", "2026-08-02T14:00:00Z", "--duration", "1440", "--at", AFTER)
    assert run("streams", "updates", "rollout", "stable.json", "44.20260801.3.0", *words).code == 0
    told = run("streams", "updates", "show", "stable.json", "--at", AFTER, "-o", "json").json["releases"]
    assert [(one["version"], one["rollout"]) for one in told] == [
        (VERSION, None),
        (NEXT, "completed"),
        ("44.20260801.3.0", "planned"),
    ]
    assert b'"start_epoch": 1785679200,\n               "start_percentage": 0.0\n' in file.read_bytes()


def test_finish_ends_a_rollout_before_its_time(run: "Run", file: Path) -> None:
    assert run("streams", "updates", "finish", "stable.json", NEXT, "--at", DURING).code == 0
    assert file.read_bytes().count(b'"start_percentage": 1.0') == 1
    assert b"1e3" in file.read_bytes()
    assert run("streams", "updates", "finish", "stable.json", VERSION, "--at", DURING).code == 1


@pytest.mark.parametrize(
    "words",
    [
        ("barrier", "stable.json", "44.20260801.2.0", "--reason", "https://x"),
        ("barrier", "stable.json", NEXT, "--reason", "because"),
        ("deadend", "stable.json", NEXT),
        ("rollout", "stable.json", NEXT, "--start", "tomorrow", "--duration", "60"),
        ("rollout", "stable.json", NEXT, "--start", "1784728800", "--duration", "0", "--replace"),
        ("rollout", "stable.json", NEXT, "--start", "1784728800", "--duration", "60", "--at", BEFORE),
        ("prune", "other.json"),
    ],
)
def test_wrong_input_is_exit_code_2_and_changes_nothing(run: "Run", file: Path, words: tuple[str, ...]) -> None:
    (file.parent / "other.json").write_text('{"stream": "a", "architectures": {}}')
    assert run("streams", "updates", *words).code == 2
    assert file.read_bytes() == CONTENT


def test_the_present_comes_from_the_environment_of_reproducible_builds(run: "Run", file: Path) -> None:
    run("streams", "updates", "prune", "stable.json", env={"SOURCE_DATE_EPOCH": "1785542400"})
    assert b'"last-modified": "2026-08-01T00:00:00Z"' in file.read_bytes()


def test_a_pipe_goes_from_stdin_to_stdout(file: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "penstock", "streams", "updates", "deadend", "-", VERSION, "--reason", "https://x", "--at", DURING]
    done = subprocess.run(command, input=CONTENT, capture_output=True, env=environment, timeout=60, check=False)
    assert (done.returncode, b'"deadend": {\n               "reason": "https://x"' in done.stdout) == (0, True)
    assert file.read_bytes() == CONTENT
