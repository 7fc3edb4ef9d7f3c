"""A push that is killed, as a process, while AWS imports."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.publish.conftest import Stage

pytestmark = pytest.mark.integration


def begun(stage: "Stage", *, until: str) -> subprocess.Popen[bytes]:
    """The program as a process, once ``until`` stands in its journal."""
    words = [sys.executable, "-m", "penstock", "publish", "community-push", *stage.places]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    runs = Path(os.environ["PENSTOCK_STATE"], "runs")
    deadline_s = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline_s:
        if any(until in journal.read_text() for journal in runs.glob("*.jsonl")):
            return process
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise AssertionError(f"{until} never came")


def test_who_is_killed_while_aws_imports_goes_on_with_that_import(stage: "Stage") -> None:
    stage.map("us-east-1-hourly")
    process = begun(stage, until='"import-task"')
    shown = stage.run("publish", "status").out
    assert ": running, begun" in shown
    process.kill()
    process.wait()
    assert ": cut off, begun" in stage.run("publish", "status").out
    done = stage.push()
    assert (done.code, done.json["results"][0]["state"]) == (0, "PUSHED")
    assert stage.changes().count("ImportSnapshot") == 1
    assert stage.changes().count("RegisterImage") == 1


def test_who_is_interrupted_leaves_a_journal_with_its_end(stage: "Stage") -> None:
    stage.map("us-east-1-hourly")
    process = begun(stage, until='"import-task"')
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert ": interrupted, begun" in stage.run("publish", "status").out
    assert stage.push().code == 0
    assert stage.changes().count("ImportSnapshot") == 1
