"""``penstock trace FILE`` of ISOs that no ledger holds byte for byte."""

import asyncio
import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.adapters.sql.ledger import SqlLedger
from penstock.formats.cpio import ArchiveFile, write_archive
from penstock.imageservice.catalogue import ReadyImage

if TYPE_CHECKING:
    from tests.conftest import Ask
    from tests.integration.conftest import Outcome, Run
    from tests.integration.images.conftest import IsoMaker, LiveIso
    from tests.integration.images.pages.conftest import MakeService, Service

VERSION = "418.94.202501221327-0"
HOST = "01234567-89ab-cdef-0123-456789abcdef"
RAMDISK = gzip.compress(write_archive([ArchiveFile("etc/assisted/network/host0/eth0.nmconnection", b"[connection]")]))

Listening = Callable[..., "AbstractContextManager[Service]"]


class Place:
    """An image service that records, and the program that asks."""

    def __init__(self, service: "Service", ledger: Path, ask: "Ask", run: "Run", folder: Path) -> None:
        self.service = service
        self._ledger = ledger
        self._ask = ask
        self._run = run
        self._folder = folder

    def host(self, *, ramdisk: bool = False, arguments: str = "") -> None:
        """What the host gets from now on."""
        (self.service.folder / f"{HOST}.ign").write_text('{"ignition": {"version": "3.4.0"}}')
        if ramdisk:
            (self.service.folder / f"{HOST}.ramdisk").write_bytes(RAMDISK)
        if arguments:
            (self.service.folder / f"{HOST}.kargs").write_text(arguments)

    def download(self, kind: str) -> Path:
        """The host's ISO as a file, once it was recorded."""
        answer = self._ask(f"{self.service.url}/byid/{HOST}/{VERSION}/x86_64/{kind}.iso")
        assert answer.status == 200
        for _ in range(500):
            if self._run("trace", answer.headers["ETag"].strip('"'), "--ledger", str(self._ledger)).code == 0:
                break
            time.sleep(0.02)
        path = self._folder / f"downloaded-{kind}.iso"
        path.write_bytes(answer.body)
        return path

    def trace(self, path: Path, *words: str) -> "Outcome":
        return self._run("trace", str(path), "--ledger", str(self._ledger), *words)

    def document(self, path: Path) -> dict[str, Any]:
        told = self.trace(path, "-o", "json")
        assert (told.code, told.err) == (0, "")
        found: dict[str, Any] = json.loads(told.out)
        return found


@pytest.fixture
def place_of(  # noqa: PLR0917  # fixtures
    make_service: "MakeService", ready_of: Callable[..., ReadyImage], listen: Listening, ask: "Ask", run: "Run", tmp_path: Path
) -> "Callable[[LiveIso], AbstractContextManager[Place]]":
    @contextmanager
    def placed(iso: "LiveIso") -> Iterator[Place]:
        path = tmp_path / "ledger.sqlite"
        ledger = SqlLedger.open(path)
        try:
            with listen(make_service(ready_of(iso), ledger=ledger, validity_s=0.0)) as service:
                yield Place(service, path, ask, run, tmp_path)
        finally:
            asyncio.run(ledger.close())

    return placed


@pytest.fixture
def place(place_of: "Callable[[LiveIso], AbstractContextManager[Place]]", live: "LiveIso") -> Iterator[Place]:
    with place_of(live) as made:
        yield made


def kinds(branches: list[dict[str, Any]], onward: str) -> list[str]:
    """The kinds of all artifacts of a tree."""
    return [kind for branch in branches for kind in (branch["artifact"]["kind"], *kinds(branch[onward], onward))]


def test_a_downloaded_full_iso_leads_to_the_release_and_to_the_host(place: Place, live: "LiveIso") -> None:
    place.host(arguments="console=ttyS0")
    found = place.document(place.download("full"))
    assert found["artifact"]["kind"] == "served-iso"
    assert set(kinds(found["came_from"], "came_from")) == {"host", "file", "layer", "image", "release"}
    assert [f"served as full-iso to {HOST}"] in [branch["why"] for branch in found["came_from"]]
    assert found["recognised"]["served_to"] == [HOST]
    assert {(area["offset"], area["length"]) for area in found["recognised"]["areas"]} == set(live.areas)


def test_people_are_told_whose_iso_it_is(place: Place) -> None:
    place.host(arguments="console=ttyS0")
    assert place.trace(place.download("full")).out.startswith(f"this is the ISO that was served to {HOST}\n\nserved-iso ")


def test_each_iso_of_a_host_is_told_from_the_others(place: Place) -> None:
    place.host()
    first = place.download("full")
    kept = first.rename(first.with_name("first.iso"))
    place.host(arguments="console=ttyS0")
    second = place.download("full")
    assert place.document(kept)["artifact"]["key"] != place.document(second)["artifact"]["key"]


def test_an_iso_whose_config_was_changed_since_is_recognised_by_its_base_alone(place: Place, live: "LiveIso") -> None:
    place.host()
    path = place.download("full")
    with path.open("r+b") as file:
        file.seek(max(live.areas, key=lambda area: area[1])[0])
        file.write(b"something else")
    told = place.trace(path)
    first, blank, title, *_ = told.out.splitlines()
    assert first.startswith("recognised by its bytes outside of the areas: ")
    assert all(f"{length} bytes at {offset}" in first for offset, length in live.areas)
    assert blank == ""
    assert title.startswith("file sha256:")


@pytest.mark.parametrize("ramdisk", [False, True])
@pytest.mark.parametrize("flavour", ["published", "laid out anew"])
def test_a_downloaded_minimal_iso_leads_to_the_full_one(
    place_of: "Callable[[LiveIso], AbstractContextManager[Place]]", make: "IsoMaker", flavour: str, ramdisk: bool
) -> None:
    with place_of(make.with_miniso() if flavour == "published" else make.x86_64()) as place:
        place.host(ramdisk=ramdisk, arguments="console=ttyS0")
        found = place.document(place.download("minimal"))
    assert found["artifact"]["kind"] == "served-iso"
    assert found["recognised"]["served_to"] == [HOST]
    assert set(kinds(found["came_from"], "came_from")) == {"host", "minimal-iso", "file", "layer", "image", "release"}
    (minimal,) = [branch for branch in found["came_from"] if branch["artifact"]["kind"] == "minimal-iso"]
    (edge,) = minimal["came_from"]
    anew = flavour == "laid out anew" or ramdisk
    assert edge["why"] == ["minimal ISO with room for a ramdisk" if anew else "minimal ISO"]


def test_the_published_iso_is_known_by_its_content(place: Place, live: "LiveIso") -> None:
    found = place.document(live.path)
    assert "recognised" not in found
    assert found["artifact"]["kind"] == "file"


def test_an_iso_that_was_customised_at_the_command_line_is_recognised(
    place_of: "Callable[[LiveIso], AbstractContextManager[Place]]",
    any_live: "LiveIso",
    images_iso: "Callable[..., Outcome]",
    config: Path,
    tmp_path: Path,
) -> None:
    with place_of(any_live) as place:
        made = tmp_path / "customised.iso"
        assert images_iso(any_live.path, "--ignition", config, "--karg", "rd.break", "-o", made).code == 0
        found = place.document(made)
    assert found["artifact"]["kind"] == "file"
    assert {(area["offset"], area["length"]) for area in found["recognised"]["areas"]} >= set(any_live.areas)


def test_a_published_minimal_iso_of_the_command_line_is_recognised_whatever_its_address(
    place_of: "Callable[[LiveIso], AbstractContextManager[Place]]",
    make: "IsoMaker",
    images_iso: "Callable[..., Outcome]",
    tmp_path: Path,
) -> None:
    full = make.with_miniso()
    with place_of(full) as place:
        made = tmp_path / "minimal.iso"
        assert images_iso(full.path, "--minimal", made, "--rootfs-url", "https://elsewhere.example/rootfs.img").code == 0
        assert place.document(made)["artifact"]["kind"] == "minimal-iso"


def test_one_byte_outside_of_the_areas_makes_it_another_iso(place: Place) -> None:
    place.host()
    path = place.download("full")
    with path.open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    told = place.trace(path)
    assert told.code == 1
    assert "nor of an ISO that it was made of" in told.err


def test_a_file_that_is_no_iso_is_looked_up_by_its_content_alone(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"\0" * 40_000)
    told = place.trace(path)
    assert told.code == 1
    assert "nor of an ISO" not in told.err


def test_a_host_finds_its_isos_by_its_id(place: Place) -> None:
    place.host()
    place.download("full")
    place.download("minimal")
    told = place.trace(Path(f"{HOST}-discovery.iso"), "-o", "json")
    document = json.loads(told.out)
    found = [document, *document["others"]]
    assert {one["artifact"]["facts"]["type"] for one in found} == {"full-iso", "minimal-iso"}
    assert all({"host", "file", "release"} <= set(kinds(one["came_from"], "came_from")) for one in found)
