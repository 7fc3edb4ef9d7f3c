"""A service whose disk is full: what is there is served, what does not fit says so, and nothing half-written is believed."""

import json
import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.images.program.conftest import Child, Kit, Programs, Site

BUILD = "417.94.202501221327-0"
STANDING = "416.94.1-0"


class Disk:
    """A file system of its own, of one MiB at first."""

    def __init__(self, folder: Path, mount: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._mount = mount

    def becomes(self, option: str) -> None:
        subprocess.run([self._mount, "-o", f"remount,{option}", str(self.folder)], check=True)

    def fill(self) -> None:
        with suppress(OSError), (self.folder / "filler").open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        assert os.statvfs(self.folder).f_bavail == 0


@pytest.fixture
def disk(small_disk: Path, require_program: Callable[[str], str]) -> Disk:
    return Disk(small_disk, require_program("mount"))


@pytest.fixture
def full(programs: "Programs", site: "Site", kit: "Kit", disk: Disk) -> "Child":
    """One image that stands elsewhere, and one that does not fit on the disk with everything that the service writes."""
    site.files["/a.iso"] = kit.iso(BUILD, 3_000_000)
    (disk.folder / "ballast").write_bytes(bytes((1 << 20) - 16_384))
    token = programs.folder / "token"
    token.write_text(kit.planted["admin"])
    child = programs.serve(
        *programs.iso("4.16", STANDING),
        *("--os-images-file", programs.list_of(site.entry("4.17", BUILD, "/a.iso"))),
        *("--data-dir", disk.data, "--ledger", disk.folder / "ledger.sqlite"),
        *("--admin-token-file", token, "--base-url", "http://images.example.com"),
    )
    assert child.urls
    assert kit.eventually(lambda: {image["stage"] for image in child.images().values()} == {"ready", "failed"})
    return child


def test_it_serves_what_is_there_and_says_why_the_rest_is_not(full: "Child", kit: "Kit") -> None:
    assert full.is_ready()
    assert kit.is_made_of(full.iso("4.16").body, kit.iso(STANDING))
    answer = full.iso("4.17")
    assert answer.status == 503
    assert b"no space" in answer.body


def test_a_change_that_cannot_be_kept_is_refused(full: "Child", kit: "Kit", disk: Disk) -> None:
    disk.fill()
    entry = {"openshift_version": "4.18", "cpu_architecture": "x86_64", "url": "http://x/y.iso", "version": "418.94.1-0"}
    body = json.dumps({"os_image": entry}).encode()
    answer = full.ask("/v1/images", method="POST", body=body, Authorization=f"Bearer {kit.planted['admin']}")
    assert answer.status == 503
    assert "No space" in answer.json["error"] or "no space" in answer.json["error"]
    assert "4.18" not in full.images()


def test_it_starts_again_and_has_everything_once_there_is_room(
    full: "Child", programs: "Programs", site: "Site", kit: "Kit", disk: Disk
) -> None:
    assert full.stop() == 0
    disk.becomes("size=32m")
    listed = programs.list_of(site.entry("4.17", BUILD, "/a.iso"))
    child = programs.serve("--os-images-file", listed, "--data-dir", disk.data)
    assert child.urls
    assert kit.eventually(lambda: child.is_ready("4.17"))
    assert kit.is_made_of(child.iso("4.17").body, kit.iso(BUILD, 3_000_000))
    assert child.stop() == 0


def test_a_folder_that_is_for_reading_alone_is_served(programs: "Programs", site: "Site", kit: "Kit", disk: Disk) -> None:
    disk.becomes("size=32m")
    site.files["/a.iso"] = kit.iso(BUILD)
    listed = ("--os-images-file", programs.list_of(site.entry("4.17", BUILD, "/a.iso")), "--data-dir", disk.data)
    assert programs.start("warm", "--small-images", *listed).wait() == 0
    disk.becomes("ro")
    child = programs.serve(*listed)
    assert child.urls
    assert kit.eventually(lambda: child.is_ready("4.17"))
    assert kit.is_made_of(child.iso("4.17").body, kit.iso(BUILD))
    assert child.stop() == 0
