"""Images that come, change and go while one service runs, and what its clients notice of it."""

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.images.program.conftest import Child, Kit, Programs, Site

STABLE = "/stable.iso"
BUILD = "417.94.202501221327-0"
Lists = Callable[..., None]


class Listed:
    """The service and its list, which is a file in a folder behind a link, as those of a ConfigMap are."""

    def __init__(self, programs: "Programs", site: "Site") -> None:
        self.site = site
        self.folder = programs.folder / "config"
        self.folder.mkdir()
        self.file = self.folder / "images.json"
        self._turn = 0
        self.data = programs.data
        self.swap(json.dumps([self.stable]))
        self.file.symlink_to("..data/images.json")
        self.child: Child = programs.serve("--os-images-file", self.file)

    @property
    def stable(self) -> dict[str, str]:
        """The entry that is there all the time."""
        return self.site.entry("4.14", "414.92.1-0", STABLE)

    def swap(self, text: str) -> None:
        """Put another folder in the place of the one before, as the kubelet does it."""
        self._turn += 1
        (self.folder / f"..{self._turn}").mkdir()
        (self.folder / f"..{self._turn}/images.json").write_text(text)
        new = self.folder / "..data_tmp"
        new.symlink_to(f"..{self._turn}")
        new.replace(self.folder / "..data")

    def of(self, *entries: Mapping[str, str]) -> None:
        """List these beside the one that is always there."""
        self.swap(json.dumps([self.stable, *entries]))

    def sha256(self, version: str) -> str | None:
        image = self.child.images().get(version)
        return str(image["ready"][0]["sha256"]) if image and image["ready"] else None

    @property
    def files(self) -> set[str]:
        return {path.name for path in self.data.iterdir() if not path.name.startswith(".")}


@pytest.fixture(scope="module")
def listed(shared_programs: "Programs", shared_site: "Site", kit: "Kit") -> Listed:
    shared_site.files[STABLE] = kit.iso("414.92.1-0")
    made = Listed(shared_programs, shared_site)
    assert kit.eventually(lambda: made.child.is_ready("4.14"))
    return made


class Slow:
    """A download that has begun, and goes on when it is told to."""

    def __init__(self, child: "Child", path: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", child.port, timeout=30)
        self._connection.request("GET", path)
        self._answer = self._connection.getresponse()
        self.etag = self._answer.headers["ETag"]
        self.got = self._answer.read(100_000)

    def rest(self) -> bytes:
        self.got += self._answer.read()
        self._connection.close()
        return self.got


@pytest.fixture
def path(kit: "Kit") -> str:
    return f"/byid/{kit.host}/4.17/x86_64/full.iso"


@pytest.fixture(autouse=True)
def only_the_stable_one(listed: Listed, kit: "Kit") -> Iterator[None]:
    yield
    listed.site.faults.clear()
    listed.site.go.set()
    listed.of()
    assert kit.eventually(lambda: set(listed.child.images()) == {"4.14"})
    assert listed.child.iso("4.14", Range="bytes=0-9").status == 206
    listed.site.go.clear()


def test_an_image_that_is_added_is_served_without_a_restart(listed: Listed, kit: "Kit", path: str) -> None:
    assert listed.child.ask(path).status == 404
    listed.site.files["/new.iso"] = kit.iso(BUILD)
    listed.of(listed.site.entry("4.17", BUILD, "/new.iso"))
    assert kit.eventually(lambda: listed.child.is_ready("4.17"))
    assert kit.is_made_of(listed.child.ask(path).body, kit.iso(BUILD))


def test_an_image_that_is_replaced_during_a_download_does_not_mix_with_the_old_one(listed: Listed, kit: "Kit", path: str) -> None:
    old, new = kit.iso(BUILD, kit.large, seed=1), kit.iso(BUILD, kit.large, seed=2)
    listed.site.files |= {"/old.iso": old, "/new.iso": new}
    listed.of(listed.site.entry("4.17", BUILD, "/old.iso"))
    assert kit.eventually(lambda: listed.child.is_ready("4.17"))
    before, download = listed.sha256("4.17"), Slow(listed.child, path)
    listed.of(listed.site.entry("4.17", BUILD, "/new.iso"))
    assert kit.eventually(lambda: listed.sha256("4.17") not in {None, before})
    fresh = listed.child.ask(path)
    assert kit.is_made_of(fresh.body, new)
    whole = download.rest()
    assert kit.is_made_of(whole, old)
    goes_on = listed.child.ask(path, Range="bytes=50000-", If_Range=download.etag)
    assert (goes_on.status, goes_on.body) == (206, whole[50_000:])
    # Who names neither gets one of the two, and is told which.
    other = listed.child.ask(path, Range="bytes=50000-59999")
    assert other.body == {download.etag: whole, fresh.headers["ETag"]: fresh.body}[other.headers["ETag"]][50_000:60_000]


def test_an_image_that_is_removed_during_a_download_ends_whole_and_is_gone_then(listed: Listed, kit: "Kit", path: str) -> None:
    listed.site.files["/old.iso"] = kit.iso(BUILD, kit.large)
    listed.of(listed.site.entry("4.17", BUILD, "/old.iso"))
    assert kit.eventually(lambda: listed.child.is_ready("4.17"))
    download = Slow(listed.child, path)
    listed.of()
    assert kit.eventually(lambda: listed.files == {"rhcos-full-iso-414.92.1-0-x86_64.iso"})
    assert listed.child.ask(path).status == 404
    assert kit.is_made_of(download.rest(), kit.iso(BUILD, kit.large))


@pytest.mark.parametrize("text", ["", '[{"url": "https://u:plantedPassword@h/?s=plantedQuery" "version": 1}]', "{}", "[]"])
def test_a_list_that_is_broken_changes_nothing(listed: Listed, kit: "Kit", text: str) -> None:
    told = listed.child.err.count("cannot be used")
    listed.swap(text)
    assert kit.eventually(lambda: listed.child.err.count("cannot be used") == told + 1)
    assert listed.child.is_ready("4.14")
    assert str(listed.file) in listed.child.err.splitlines()[-1]


def test_a_list_that_is_away_for_a_moment_changes_nothing(listed: Listed, kit: "Kit", path: str) -> None:
    told = listed.child.err.count("cannot be used")
    (listed.folder / "..data").unlink()
    assert kit.eventually(lambda: listed.child.err.count("cannot be used") == told + 1)
    assert listed.child.iso("4.14", Range="bytes=0-9").status == 206
    listed.site.files["/new.iso"] = kit.iso(BUILD)
    listed.of(listed.site.entry("4.17", BUILD, "/new.iso"))
    assert kit.eventually(lambda: listed.child.ask(path, Range="bytes=0-9").status == 206)


def test_a_bad_address_beside_a_good_one_takes_nothing_down(listed: Listed, kit: "Kit", path: str) -> None:
    listed.site.files["/good.iso"] = kit.iso(BUILD)
    bad = listed.site.entry("4.16", "416.94.1-0", "/nowhere.iso")
    listed.of(
        bad, listed.site.entry("4.17", BUILD, "/good.iso"), bad | {"openshift_version": "4.15", "version": "415.1-0", "url": "ftp://x"}
    )
    assert kit.eventually(lambda: {image["stage"] for image in listed.child.images().values()} == {"ready", "failed"})
    assert listed.child.is_ready()
    assert listed.child.ask(path, Range="bytes=0-9").status == 206
    for version, why in (("4.16", b"404"), ("4.15", b"none of HTTP")):
        said = listed.child.ask(f"/health?version={version}")
        assert said.status == 503
        assert why in said.body
        answer = listed.child.iso(version)
        assert answer.status == 503
        assert why in answer.body


def test_an_iso_with_other_bytes_than_the_list_says_is_not_served(listed: Listed, kit: "Kit", path: str) -> None:
    listed.site.files["/other.iso"] = kit.iso(BUILD)
    listed.of(listed.site.entry("4.17", BUILD, "/other.iso", sha256="0" * 64))
    assert kit.eventually(lambda: listed.child.images().get("4.17", {}).get("stage") == "failed")
    assert "expected" in listed.child.images()["4.17"]["reason"]
    assert listed.child.ask(path).status == 503
    assert listed.files == {"rhcos-full-iso-414.92.1-0-x86_64.iso"}


def test_an_image_that_comes_is_told_of_and_not_served_before_all_of_it_is_there(listed: Listed, kit: "Kit", path: str) -> None:
    listed.site.files["/slow.iso"] = kit.iso(BUILD, kit.large)
    listed.site.faults["/slow.iso"] = [listed.site.fault(hold_at=5_000_000)]
    listed.of(listed.site.entry("4.17", BUILD, "/slow.iso"))
    assert kit.eventually(lambda: listed.child.images().get("4.17", {}).get("stage") == "bringing")
    assert (listed.child.ask(path).status, listed.child.ask("/health?version=4.17").status) == (503, 503)
    listed.site.go.set()
    assert kit.eventually(lambda: listed.child.is_ready("4.17"))
    assert kit.is_made_of(listed.child.ask(path).body, kit.iso(BUILD, kit.large))


def test_the_state_that_the_service_keeps_is_for_its_user_alone(listed: Listed) -> None:
    hidden: Path = listed.data / ".penstock-images"
    assert hidden.stat().st_mode & 0o077 == 0
