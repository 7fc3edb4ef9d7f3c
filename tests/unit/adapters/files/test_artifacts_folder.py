"""Results as files: ``artifacts/<time>/`` and ``artifacts/latest``."""

import asyncio
import json
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.files.pushresults import ArtifactsFolder
from penstock.model.errors import OperationError
from penstock.model.push.items import AmiAttributes, BuildInfo, PushItem, ReleaseInfo
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState


class _Noon:
    def now_s(self) -> int:
        return int(time.mktime((2026, 5, 11, 12, 0, 0, 0, 0, -1)))  # folders have local time


def _result(number: int, account: str = "aws-us-storage") -> PushResult:
    release = ReleaseInfo("RHEL", date(2026, 5, 11), "x86_64")
    item = PushItem(name="disk.raw", src="disk.raw", build=BuildInfo("rhel", "9.4", "1"), release=release, attributes=AmiAttributes())
    return PushResult(order=(0, number), item=item, filename=f"image-{number}", state=ItemState.PUSHED, cloud="aws", account=account)


def _lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "pushitems.jsonl").read_text().splitlines()]


def test_a_line_is_on_disk_as_soon_as_its_result_is_known(tmp_path: Path) -> None:
    async def run() -> list[str]:
        sink = ArtifactsFolder(tmp_path, clock=_Noon())
        await sink.put(_result(2))
        return [line["filename"] for line in _lines(tmp_path / "20260511120000")]

    assert asyncio.run(run()) == ["image-2"]


def test_the_clouds_document_has_all_results_in_the_order_of_the_source(tmp_path: Path) -> None:
    async def run() -> str:
        sink = ArtifactsFolder(tmp_path, clock=_Noon())
        await asyncio.gather(*(sink.put(_result(number)) for number in (3, 1, 2)))
        return await sink.close()

    folder = Path(asyncio.run(run()))
    assert [entry["name"] for entry in json.loads((folder / "clouds.json").read_bytes())] == ["image-1", "image-2", "image-3"]
    assert sorted(line["filename"] for line in _lines(folder)) == ["image-1", "image-2", "image-3"]


def test_items_without_a_destination_are_in_neither_file(tmp_path: Path) -> None:
    async def run() -> str:
        sink = ArtifactsFolder(tmp_path, clock=_Noon())
        await sink.put(_result(1, account=""))
        return await sink.close()

    folder = Path(asyncio.run(run()))
    assert (_lines(folder), (folder / "clouds.json").read_bytes()) == ([], b"[]")


def test_latest_leads_to_the_newest_run_and_two_of_one_second_do_not_mix(tmp_path: Path) -> None:
    async def run() -> list[str]:
        sinks = [ArtifactsFolder(tmp_path, clock=_Noon()) for _ in range(2)]
        for number, sink in enumerate(sinks):
            await sink.put(_result(number))
        return [await sink.close() for sink in sinks]

    assert [Path(folder).name for folder in asyncio.run(run())] == ["20260511120000", "20260511120001"]
    assert (tmp_path / "latest").readlink() == Path("20260511120001")
    assert [line["filename"] for line in _lines(tmp_path / "latest")] == ["image-1"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["20260511120000", "20260511120001", "latest"]


def test_a_dangling_latest_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to("gone")
    asyncio.run(ArtifactsFolder(tmp_path, clock=_Noon()).put(_result(1)))
    assert (tmp_path / "latest").is_dir()


def test_a_folder_called_latest_is_not_taken_away(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    with pytest.raises(OperationError, match="no symbolic link"):
        asyncio.run(ArtifactsFolder(tmp_path, clock=_Noon()).put(_result(1)))
    assert (tmp_path / "latest").is_dir()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "artifacts").write_text("a file")
    with pytest.raises(OperationError) as caught:
        asyncio.run(ArtifactsFolder(tmp_path / "artifacts", clock=_Noon()).put(_result(1)))
    assert caught.value.subject == str(tmp_path / "artifacts")
