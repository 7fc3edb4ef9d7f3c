"""What a generated stream tells the ledger, and that the history finds it there again."""

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.formats.stream import parse_stream
from penstock.model.lineage import Kind
from penstock.streams.generate.lineage import lineage_of_stream
from penstock.streams.history.slots import HistorySlot, slots_of

FILE = {"location": "https://builds.example/rhcos-live-iso.x86_64.iso", "sha256": "8" * 64}


def stream(*, sha256: str = FILE["sha256"], **gcp: str) -> bytes:
    arch: dict[str, Any] = {
        "artifacts": {"metal": {"release": "9.6.20250826-1", "formats": {"iso": {"disk": FILE | {"sha256": sha256}}}}},
        "images": {"aws": {"regions": {"us-east-1": {"release": "9.6.20250826-1", "image": "ami-1"}}}, "gcp": gcp},
        "rhel-coreos-extensions": {"aws-winli": {"regions": {"us-east-1": {"release": "9.6.20250826-1", "image": "ami-2"}}}},
    }
    return json.dumps({"stream": "rhel-9.6", "architectures": {"x86_64": arch}}).encode()


def edges(content: bytes) -> dict[str, tuple[Kind, str]]:
    """What went into the stream, by slot: the kind and the key."""
    artifacts, found = lineage_of_stream(parse_stream(content, subject="s"), content, [], path="s.json")
    by_id = {artifact.id: artifact for artifact in artifacts}
    return {edge.why: (by_id[edge.source].kind, by_id[edge.source].key) for edge in found}


def test_images_are_known_by_what_machines_are_made_from_and_files_by_their_digest() -> None:
    assert edges(stream(project="rhcos-cloud", name="rhcos-1")) == {
        "metal iso disk x86_64": (Kind.FILE, f"sha256:{FILE['sha256']}"),
        "aws us-east-1 x86_64": (Kind.CLOUD_IMAGE, "ami-1"),
        "aws winli us-east-1 x86_64": (Kind.CLOUD_IMAGE, "ami-2"),
        "gcp x86_64": (Kind.CLOUD_IMAGE, "projects/rhcos-cloud/global/images/rhcos-1"),
    }


@pytest.mark.parametrize("gcp", [{"name": "rhcos-1"}, {"project": "rhcos-cloud"}, {"project": "", "name": "rhcos-1"}])
def test_an_image_of_google_cloud_without_its_whole_name_is_not_recorded(gcp: dict[str, str]) -> None:
    assert "gcp x86_64" not in edges(stream(**{"project": "", "name": ""} | gcp))


def test_a_file_that_could_not_be_found_again_is_not_recorded() -> None:
    assert "metal iso disk x86_64" not in edges(stream(sha256="unknown", project="p", name="n"))


def test_the_history_reads_every_slot_as_it_was_recorded() -> None:
    content = stream(project="rhcos-cloud", name="rhcos-1")
    assert {HistorySlot.parse(why) for why in edges(content)} == slots_of(parse_stream(content, subject="s")).keys()


@pytest.mark.real_data
@pytest.mark.parametrize("file", ["installer/rhcos-28ce2c4d65.json", "fcos/stream-stable.json"])
def test_the_history_reads_every_slot_of_published_streams_as_it_was_recorded(real_data: Path, file: str) -> None:
    content = (real_data / "streams" / file).read_bytes()
    recorded = {HistorySlot.parse(why) for why in edges(content)}
    assert recorded
    assert recorded <= slots_of(parse_stream(content, subject="s")).keys()
