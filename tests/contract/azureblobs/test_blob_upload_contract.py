"""Whole uploads, with the simulator and with Azurite alike."""

import asyncio
import lzma
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from tests.contract.azureblobs.blobpush import BUILD, BlobPush, push_file
from tests.unit.publish.fakecloud import Killed

from penstock.formats.vhd import VhdFooter
from penstock.model.digest import Digest
from penstock.model.push.blobs import BlobMarks, BlobName, BlobState
from penstock.ports.azureblobs import AzureBlobs
from penstock.publish.plan import Verdict

Opened = Callable[[], AbstractAsyncContextManager[AzureBlobs]]
MIB = 1 << 20
SIZE = 24 * MIB


def a_vhd(path: Path, *, seed: bytes = b"") -> bytes:
    """A sparse file with data at its beginning, within and at its end; its content."""
    data = {0: seed + os.urandom(3 * MIB), 9 * MIB + 512: os.urandom(70_000), SIZE - 600_000: os.urandom(600_000)}
    with path.open("wb") as file:
        file.truncate(SIZE)
        for offset, block in data.items():
            file.seek(offset)
            file.write(block)
        file.seek(SIZE)
        file.write(VhdFooter(size_bytes=SIZE).encode())
    return path.read_bytes()


def pushed(opened: Opened, path: Path, tmp_path: Path, container: str) -> BlobPush:
    async def run() -> BlobPush:
        async with opened() as store:
            return await push_file(store, path, tmp_path / "state", container)

    return asyncio.run(run())


def content_of(opened: Opened, at: BlobName) -> tuple[BlobState, bytes, int]:
    """The state of a blob, all of its bytes, and how many of them were written."""

    async def run() -> tuple[BlobState, bytes, int]:
        async with opened() as store:
            found = await store.blob(at)
            assert found is not None
            pieces = [await store.read(at, start, 4 * MIB) for start in range(0, found.size_bytes, 4 * MIB)]
            return found.state, b"".join(pieces), sum(each.length for each in await store.data_ranges(at))

    return asyncio.run(run())


@pytest.mark.parametrize("name", ["rhel.vhd", "rhel.vhd.xz"])
def test_a_sparse_vhd_arrives_whole_and_only_its_data_is_sent(name: str, opened: Opened, container: str, tmp_path: Path) -> None:
    content = a_vhd(tmp_path / "rhel.vhd")
    if name.endswith(".xz"):
        (tmp_path / name).write_bytes(lzma.compress(content, preset=0))
    push = pushed(opened, tmp_path / name, tmp_path, container)
    assert push.end.failure is None
    state, there, written_bytes = content_of(opened, BlobName(container, "rhel.vhd"))
    assert (state, Digest.of(there)) == (BlobState.COMPLETE, Digest.of(content))
    assert written_bytes < 5 * MIB
    last = [each for each in push.progress if each.step == "upload"][-1]
    assert (last.finished, last.done_bytes) == (True, last.total_bytes)
    assert last.done_bytes < 5 * MIB, "holes are not even read"


def test_the_next_push_sends_nothing(opened: Opened, container: str, tmp_path: Path) -> None:
    a_vhd(tmp_path / "rhel.vhd")
    pushed(opened, tmp_path / "rhel.vhd", tmp_path, container)
    again = pushed(opened, tmp_path / "rhel.vhd", tmp_path, container)
    assert [step.verdict for step in again.plan.steps] == [Verdict.REUSE]


def test_an_upload_that_was_cut_off_is_gone_on_with(opened: Opened, container: str, tmp_path: Path) -> None:
    content = a_vhd(tmp_path / "rhel.vhd")

    async def cut_off() -> None:
        async with opened() as store:
            calls = 0
            put_pages = store.put_pages

            async def some(at: BlobName, offset: int, data: bytes, *, fence: int) -> None:
                nonlocal calls
                calls += 1
                if calls > 1:
                    raise Killed
                await put_pages(at, offset, data, fence=fence)

            store.put_pages = some  # type: ignore[method-assign]  # of this one object
            await push_file(store, tmp_path / "rhel.vhd", tmp_path / "state", container)

    with pytest.raises(Killed):
        asyncio.run(cut_off())
    again = pushed(opened, tmp_path / "rhel.vhd", tmp_path, container)
    assert again.end.failure is None
    assert Verdict.RESUME in {step.verdict for step in again.plan.steps}
    state, there, _ = content_of(opened, BlobName(container, "rhel.vhd"))
    assert (state, Digest.of(there)) == (BlobState.COMPLETE, Digest.of(content))


def test_what_an_upload_of_another_disk_left_is_replaced(opened: Opened, container: str, tmp_path: Path) -> None:
    content, other = a_vhd(tmp_path / "rhel.vhd"), Digest.of(b"another disk")
    at = BlobName(container, "rhel.vhd")

    async def half() -> None:
        async with opened() as store:
            await store.create_container(container)
            marks = BlobMarks({}, {"penstock_sha256": other.hex, "penstock_state": "uploading"})
            await store.create_page_blob(at, len(content), marks, fence=7)
            await store.put_pages(at, 20 * MIB, b"x" * MIB, fence=7)

    asyncio.run(half())
    assert pushed(opened, tmp_path / "rhel.vhd", tmp_path, container).end.failure is None
    state, there, _ = content_of(opened, at)
    assert (state, Digest.of(there)) == (BlobState.COMPLETE, Digest.of(content))


def test_a_blob_of_upstream_is_taken_for_the_same_by_build_and_size(opened: Opened, container: str, tmp_path: Path) -> None:
    content = a_vhd(tmp_path / "rhel.vhd")

    async def upstream() -> None:
        async with opened() as store:
            await store.create_container(container)
            await store.create_page_blob(BlobName(container, "rhel.vhd"), len(content), BlobMarks(BUILD, {}), fence=0)

    asyncio.run(upstream())
    push = pushed(opened, tmp_path / "rhel.vhd", tmp_path, container)
    assert [step.verdict for step in push.plan.steps] == [Verdict.REUSE]
    assert "no tag of its content" in push.plan.steps[0].reason
