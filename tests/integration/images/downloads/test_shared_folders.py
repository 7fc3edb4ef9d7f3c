"""Processes that share one folder of images."""

import hashlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.images.downloads.conftest import Site

PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from penstock.adapters.http.download import HttpFiles
from penstock.adapters.http.options import HttpOptions
from penstock.adapters.imageorigins import Inspection, WebImages
from penstock.adapters.imagestore.local import LocalImageStore
from penstock.imageservice.lists import parse_os_images
from penstock.imageservice.prepare import Floors

async def work(folder, images):
    files = HttpFiles(HttpOptions(environment={}), parallel=2)
    origins = WebImages(files, Inspection(Floors(1, 1)))
    store = LocalImageStore(Path(folder), examine=origins.examine, poll_s=0.02)
    try:
        for wanted in parse_os_images(images, subject="OS_IMAGES"):
            told = []
            found = await store.put(wanted, await origins.key(wanted), lambda to: origins.bring(wanted, to, told.append))
            print(json.dumps([str(found[0].digest), bool(told)]), flush=True)
    finally:
        await files.close()

asyncio.run(work(*sys.argv[1:]))
"""
Start = Callable[[Path, str], "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """``start(folder, list)`` starts a process that brings the images of a list."""
    running: list[subprocess.Popen[str]] = []

    def go(folder: Path, images: str) -> "subprocess.Popen[str]":
        running.append(subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder), images], stdout=subprocess.PIPE, text=True))
        return running[-1]

    yield go
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def listed(site: "Site") -> str:
    """A list of one image."""
    entry = {"openshift_version": "4.18", "cpu_architecture": "x86_64", "url": f"{site.base}/os.iso", "version": "418.94.202501221327-0"}
    return json.dumps([entry])


def _answers(*processes: "subprocess.Popen[str]") -> list[list[object]]:
    answers = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return answers


def _wait_for_bytes(folder: Path, least: int) -> None:
    end_s = time.monotonic() + 30
    while not any(path.stat().st_size >= least for path in folder.rglob(".*.partial")):
        assert time.monotonic() < end_s
        time.sleep(0.02)


def test_of_two_processes_one_brings_and_both_have_it(site: "Site", start: Start, listed: str, tmp_path: Path) -> None:
    digest = f"sha256:{hashlib.sha256(site.content).hexdigest()}"
    answers = _answers(*(start(tmp_path / "data", listed) for _ in range(2)))
    assert sorted(answers, key=str) == [[digest, False], [digest, True]]
    assert len(site.asked) == 1


def test_what_a_killed_process_brought_is_continued_by_the_one_that_waits(site: "Site", start: Start, listed: str, tmp_path: Path) -> None:
    site.faults = [site.fault(cut_at=1_000_000, silent=True)]
    first = start(tmp_path / "data", listed)
    _wait_for_bytes(tmp_path / "data", 1_000_000)
    second = start(tmp_path / "data", listed)
    time.sleep(1)
    assert second.poll() is None
    first.send_signal(signal.SIGKILL)
    assert _answers(second) == [[f"sha256:{hashlib.sha256(site.content).hexdigest()}", True]]
    assert site.ranges == [None, "bytes=1000000-"]
