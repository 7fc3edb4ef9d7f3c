"""``penstock streams drift --fallback-of NAME``: another stream of the same source tells which images were taken from it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.formats.bootimages import write_boot_images
from penstock.formats.stream import parse_stream

if TYPE_CHECKING:
    from tests.integration.conftest import Run

QUESTION = ("streams", "drift", "config.yaml", "--stream", "rhel-10")


def marketplace(gen1: str, gen2: str) -> dict[str, Any]:
    """The unpaid images of both generations."""
    image = {"publisher": "azureopenshift", "offer": "aro4"}
    first, second = image | {"sku": "aro_422", "version": gen1}, image | {"sku": "aro_422-v2", "version": gen2}
    return {"azure": {"no-purchase-plan": {"hyperVGen1": first, "hyperVGen2": second}}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a ConfigMap of rhel-9 and of rhel-10, which has the images of rhel-9."""
    monkeypatch.chdir(tmp_path)
    streams = {}
    for name, release in (("rhel-9", "9.8.20260428-0"), ("rhel-10", "10.2.20260423-0")):
        extensions = {"azure-disk": {"release": release}, "marketplace": marketplace("9.8.20260428", "9.8.20260428")}
        entry = {"artifacts": {"azure": {"release": release, "formats": {}}}, "images": {}, "rhel-coreos-extensions": extensions}
        document = {"stream": name, "metadata": {}, "architectures": {"x86_64": entry}}
        streams[name] = parse_stream(json.dumps(document).encode(), subject=name)
    (tmp_path / "config.yaml").write_bytes(write_boot_images(streams, release_version="5.0.0"))
    return tmp_path


def counts(run: "Run", *words: str) -> dict[str, int]:
    """How many have each status, holes left out."""
    found: dict[str, int] = run(*QUESTION, *words, "-o", "json").json["counts"]
    return {status: count for status, count in found.items() if status != "missing"}


def test_the_name_of_the_other_stream_makes_a_known_fallback(run: "Run", folder: Path) -> None:
    assert run(*QUESTION).code == 3
    assert counts(run) == {"wrong-rhel-major": 2}
    known = run(*QUESTION, "--fallback-of", "rhel-9", "-o", "json")
    assert known.code == 0
    reasons = [one["reason"] for one in known.json["findings"] if one["status"] == "fallback"]
    assert [reason.partition(":")[0] for reason in reasons] == ["taken from rhel-9"] * 2


def test_an_existing_file_wins_over_the_stream_of_its_name(run: "Run", folder: Path) -> None:
    (folder / "rhel-9").write_text(json.dumps({"x86_64": marketplace("9.8.20260101", "9.8.20260428")}))
    assert counts(run, "--fallback-of", "rhel-9") == {"wrong-rhel-major": 1, "fallback": 1}


def test_a_folder_does_not(run: "Run", folder: Path) -> None:
    (folder / "rhel-9").mkdir()
    assert counts(run, "--fallback-of", "rhel-9") == {"fallback": 2}


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("rhel-10", 2, "--fallback-of rhel-10: this is the stream that is looked at"),
        ("rhel-8", 1, "--fallback-of rhel-8: there is no such file, and the source has no stream of this name"),
    ],
)
def test_the_other_streams_are_named_where_none_is_meant(run: "Run", folder: Path, name: str, code: int, said: str) -> None:
    done = run(*QUESTION, "--fallback-of", name)
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert done.err.endswith("hint: name a marketplace file, or another stream of the source: rhel-9\n")
