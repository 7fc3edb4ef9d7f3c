"""Staging areas as sources of a push, and the texts that name them."""

import asyncio
from pathlib import Path

import pytest

from penstock.adapters.files.arrival import Patience
from penstock.adapters.files.pushsources import parse_source
from penstock.adapters.files.staged import StagedSource
from penstock.model.errors import InputError, NotFoundError
from penstock.model.push.items import SourceListing

_RESOURCES = """\
type: AMI
build: {name: rhel-ec2, version: "9.4", respin: "1"}
release: {date: "20260511"}
images: [{path: disk.raw, architecture: x86_64}]
"""
_STAGED = """\
header: {version: "0.2"}
payload:
  files:
  - relative_path: starmap/AWS_IMAGES/sap-9.4-2.raw
    attributes: {release: {product: SAP, date: "20260511", arch: x86_64, respin: 2, version: "9.4"}}
"""


def _put(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def _load(*folders: Path) -> SourceListing:
    return asyncio.run(StagedSource(folders).load())


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """A staging area with one build."""
    _put(tmp_path / "stage/starmap/CLOUD_IMAGES/rhel/resources.yaml", _RESOURCES)
    return tmp_path / "stage"


def test_images_come_by_destination_and_folder(stage: Path) -> None:
    _put(stage / "starmap/CLOUD_IMAGES/another/resources.yaml", _RESOURCES)
    _put(stage / "a-destination/CLOUD_IMAGES/rhel/resources.yaml", _RESOURCES)
    assert [item.src.removeprefix(f"{stage}/") for item in _load(stage).items] == [
        "a-destination/CLOUD_IMAGES/rhel/disk.raw",
        "starmap/CLOUD_IMAGES/another/disk.raw",
        "starmap/CLOUD_IMAGES/rhel/disk.raw",
    ]


def test_several_areas_come_in_the_order_given(stage: Path, tmp_path: Path) -> None:
    _put(tmp_path / "a/starmap/CLOUD_IMAGES/rhel/resources.yaml", _RESOURCES)
    assert [item.src.startswith(str(stage)) for item in _load(stage, tmp_path / "a").items] == [True, False]


def test_what_is_no_image_is_dropped_with_its_reason(stage: Path) -> None:
    _put(stage / "starmap/CLOUD_IMAGES/without/disk.raw")
    _put(stage / "starmap/CLOUD_IMAGES/readme.txt")
    _put(stage / "starmap/RPMS/a.rpm")
    listing = _load(stage)
    assert len(listing.items) == 1
    assert {each.subject.removeprefix(f"{stage}/starmap/"): each.reason for each in listing.dropped} == {
        "CLOUD_IMAGES/without": "there is no resources.yaml",
        "CLOUD_IMAGES/readme.txt": "images lie in folders below CLOUD_IMAGES",
        "RPMS": "content of this type is no image of a machine",
    }


def test_logs_are_no_destination(stage: Path) -> None:
    _put(stage / "logs/CLOUD_IMAGES/rhel/resources.yaml", _RESOURCES)
    assert len(_load(stage).items) == 1


@pytest.mark.parametrize("name", ["staged.yaml", "staged.yml"])
def test_described_files_are_images_with_a_build(stage: Path, name: str) -> None:
    _put(stage / name, _STAGED)
    _put(stage / "starmap/AWS_IMAGES/sap-9.4-2.raw")
    assert [item.build.nvr for item in _load(stage).items] == ["sap-9.4-2", "rhel-ec2-9.4-1"]


def test_a_file_that_nothing_describes_is_refused(stage: Path) -> None:
    _put(stage / "staged.yaml", _STAGED)
    _put(stage / "starmap/AWS_IMAGES/other-1-1.raw")
    with pytest.raises(InputError, match=r"staged\.yaml does not tell"):
        _load(stage)


def test_a_described_file_that_is_not_there_is_no_item(stage: Path) -> None:
    _put(stage / "staged.yaml", _STAGED)
    assert [item.build.name for item in _load(stage).items] == ["rhel-ec2"]


def test_all_documents_that_say_nonsense_are_told_at_once(stage: Path) -> None:
    _put(stage / "starmap/CLOUD_IMAGES/one/resources.yaml", _RESOURCES.replace("20260511", "today"))
    _put(stage / "starmap/CLOUD_IMAGES/two/resources.yaml", _RESOURCES.replace("disk.raw", "9.4"))
    with pytest.raises(InputError) as caught:
        _load(stage)
    assert "one/resources.yaml" in str(caught.value)
    assert "two/resources.yaml" in str(caught.value)


def test_an_empty_folder_is_no_staging_area(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no staging area"):
        _load(tmp_path)


def test_an_empty_area_that_says_so_is_one(tmp_path: Path) -> None:
    _put(tmp_path / "staged.yaml", 'header: {version: "0.2"}\n')
    assert _load(tmp_path) == SourceListing(())


def test_a_missing_folder_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        _load(tmp_path / "nowhere")


def test_an_area_that_arrives_late_is_waited_for(stage: Path, tmp_path: Path) -> None:
    late = tmp_path / "late"
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            await asyncio.to_thread(stage.rename, late)

    source = parse_source(f"staged:{late}", patience=Patience(60.0, 25.0, wait))
    assert len(asyncio.run(source.load()).items) == 1
    assert waited == [25.0, 25.0]


def test_it_is_waited_no_longer_than_wanted(tmp_path: Path) -> None:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    with pytest.raises(NotFoundError):
        asyncio.run(StagedSource([tmp_path / "never"], patience=Patience(60.0, 25.0, wait)).load())
    assert waited == [25.0, 25.0, 10.0]


def test_a_text_names_several_areas(stage: Path, tmp_path: Path) -> None:
    _put(tmp_path / "b/starmap/CLOUD_IMAGES/rhel/resources.yaml", _RESOURCES)
    listing = asyncio.run(parse_source(f"staged:{stage},{tmp_path / 'b'}?threads=4&timeout=3600").load())
    assert len(listing.items) == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("/stage", "is no source"),
        ("staged:", "names no folder"),
        ("staged:/stage?thread=4", "knows no 'thread'"),
        ("staged:/stage?threads=many", "whole number"),
        ("brew:https://hub?vmi_build=a", "no source of the type"),
        ("stage:/stage", "no source of the type 'stage'"),
    ],
)
def test_a_text_that_names_no_source_is_refused(text: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        parse_source(text)
