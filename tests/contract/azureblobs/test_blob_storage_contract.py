"""What the port promises, kept by our client with the simulator and with Azurite alike."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from penstock.model.digest import Digest
from penstock.model.errors import InputError, NotFoundError
from penstock.model.push.blobs import BlobChanged, BlobKind, BlobName, BlobState, copy_marks, fence_of, upload_marks, without_query
from penstock.model.push.content import Extent
from penstock.ports.azureblobs import AzureBlobs

Opened = Callable[[], AbstractAsyncContextManager[AzureBlobs]]
CONTENT = Digest.of(b"a disk")
FENCE = fence_of(CONTENT)
BUILD = {"nvra": "rhel-9.4-1.x86_64", "name": "rhel", "version": "9.4", "release": "1", "arch": "x86_64", "buildid": "7"}
KIB = 1024


async def _made(store: AzureBlobs, at: BlobName, size_bytes: int = 64 * KIB, tags: dict[str, str] | None = None) -> None:
    await store.create_container(at.container)
    await store.create_page_blob(at, size_bytes, upload_marks(CONTENT, BUILD if tags is None else tags), fence=FENCE)


def _done(opened: Opened, work: Callable[[AzureBlobs], Awaitable[None]]) -> None:
    async def run() -> None:
        async with opened() as store:
            await work(store)

    asyncio.run(run())


def test_a_container_is_there_once_it_was_made_and_may_be_made_again(opened: Opened, container: str) -> None:
    async def work(store: AzureBlobs) -> None:
        await store.check()
        assert not await store.has_container(container)
        for _ in range(2):
            await store.create_container(container)
        assert await store.has_container(container)

    _done(opened, work)


def test_a_new_blob_is_marked_from_its_first_moment(opened: Opened, container: str) -> None:
    async def work(store: AzureBlobs) -> None:
        at = BlobName(container, "rhel 9+(ü)~1.vhd")
        await _made(store, at, tags={**BUILD, "version": "9.4~beta", "größe": "1"})
        found = await store.blob(at)
        assert found is not None
        assert (found.kind, found.size_bytes, found.content, found.state) == (BlobKind.PAGE, 64 * KIB, CONTENT, BlobState.UPLOADING)
        assert found.tags == {**BUILD, "version": "9.4~beta", "größe": "1", "penstock_sha256": CONTENT.hex}
        assert store.name_of(store.address(at)) == at

    _done(opened, work)


def test_what_is_not_there_is_none(opened: Opened, container: str) -> None:
    async def work(store: AzureBlobs) -> None:
        at = BlobName(container, "nothing.vhd")
        assert await store.blob(at) is None
        assert await store.list_blobs(container) == ()
        with pytest.raises(NotFoundError):
            await store.create_page_blob(at, 512, upload_marks(CONTENT, {}), fence=FENCE)
        await store.create_container(container)
        assert await store.blob(at) is None
        with pytest.raises(NotFoundError):
            await store.data_ranges(at)
        with pytest.raises(NotFoundError):
            await store.put_pages(at, 0, bytes(512), fence=FENCE)

    _done(opened, work)


def test_a_blob_is_never_replaced_unless_it_is_the_one_that_was_seen(opened: Opened, container: str) -> None:
    async def work(store: AzureBlobs) -> None:
        at, marks = BlobName(container, "rhel.vhd"), upload_marks(Digest.of(b"another"), {})
        await _made(store, at)
        with pytest.raises(BlobChanged):
            await store.create_page_blob(at, 512, marks, fence=1)
        seen = await store.blob(at)
        assert seen is not None
        await store.put_pages(at, 0, b"x" * 512, fence=FENCE)
        with pytest.raises(BlobChanged):
            await store.create_page_blob(at, 512, marks, fence=1, instead_of=seen.etag)
        seen = await store.blob(at)
        assert seen is not None
        await store.create_page_blob(at, 512, marks, fence=1, instead_of=seen.etag)
        assert await store.data_ranges(at) == ()

    _done(opened, work)


def test_pages_are_ranges_in_order_and_the_rest_is_zeros(opened: Opened, container: str) -> None:
    async def work(store: AzureBlobs) -> None:
        at = BlobName(container, "rhel.vhd")
        await _made(store, at)
        pages = [offset * KIB for offset in (32, 0, 8, 48, 16)]
        for offset in pages:
            await store.put_pages(at, offset, b"x" * KIB, fence=FENCE)
        assert await store.data_ranges(at) == tuple(Extent(offset, KIB) for offset in sorted(pages))
        assert await store.read(at, 512, KIB) == b"x" * 512 + bytes(512)

    _done(opened, work)


def test_four_mib_go_at_a_time(opened: Opened, container: str) -> None:
    async def work(store: AzureBlobs) -> None:
        at, data = BlobName(container, "rhel.vhd"), bytes(range(256)) * (16 * KIB)
        await _made(store, at, 8 * KIB * KIB)
        await store.put_pages(at, 4 * KIB * KIB, data, fence=FENCE)
        assert await store.data_ranges(at) == (Extent(4 * KIB * KIB, len(data)),)
        assert await store.read(at, 4 * KIB * KIB, len(data)) == data

    _done(opened, work)


def test_a_page_for_another_content_is_refused(opened: Opened, container: str) -> None:
    async def work(store: AzureBlobs) -> None:
        at = BlobName(container, "rhel.vhd")
        await _made(store, at)
        with pytest.raises(BlobChanged):
            await store.put_pages(at, 0, b"x" * 512, fence=fence_of(Digest.of(b"another")))
        assert await store.data_ranges(at) == ()

    _done(opened, work)


def test_a_blob_is_marked_complete_only_while_it_is_the_one_that_was_seen(opened: Opened, container: str) -> None:
    async def work(store: AzureBlobs) -> None:
        at = BlobName(container, "rhel.vhd")
        await _made(store, at)
        before = await store.blob(at)
        assert before is not None
        await store.put_pages(at, 0, b"x" * 512, fence=FENCE)
        marks = upload_marks(CONTENT, BUILD).complete()
        with pytest.raises(BlobChanged):
            await store.set_marks(at, marks.metadata, etag=before.etag)
        with pytest.raises(BlobChanged):
            await store.data_ranges(at, etag=before.etag)
        now = await store.blob(at)
        assert now is not None
        await store.set_marks(at, marks.metadata, etag=now.etag)
        found = await store.blob(at)
        assert found is not None
        assert (found.state, found.tags) == (BlobState.COMPLETE, now.tags)

    _done(opened, work)


def test_tags_are_added_to_those_that_are_there(opened: Opened, container: str) -> None:
    async def work(store: AzureBlobs) -> None:
        at = BlobName(container, "rhel.vhd")
        await _made(store, at)
        await store.set_tags(at, {"release_date": "2026051113::42::07", "~odd": "ü", "release": "2"})
        await store.set_tags(at, {"more": "1"})
        found = await store.blob(at)
        assert found is not None
        expected = {**BUILD, "release": "2", "release_date": "2026051113::42::07", "~odd": "ü", "more": "1"}
        assert found.tags == {**expected, "penstock_sha256": CONTENT.hex}
        assert found.state is BlobState.UPLOADING
        with pytest.raises(NotFoundError):
            await store.set_tags(BlobName(container, "nothing.vhd"), {"a": "1"})

    _done(opened, work)


def test_more_tags_than_azure_takes_are_kept_all_the_same(opened: Opened, container: str) -> None:
    async def work(store: AzureBlobs) -> None:
        at, tags = BlobName(container, "rhel.vhd"), {**BUILD, **{f"team{number}": str(number) for number in range(9)}}
        await _made(store, at, tags=tags)
        await store.set_tags(at, {"release_date": "2026051113::42::07"})
        found = await store.blob(at)
        assert found is not None
        assert found.tags == {**tags, "release_date": "2026051113::42::07", "penstock_sha256": CONTENT.hex}

    _done(opened, work)


def test_blobs_are_found_by_their_tags_in_all_containers(opened: Opened, container: str) -> None:
    async def work(store: AzureBlobs) -> None:
        names = [BlobName(container, "a.vhd"), BlobName(f"{container}b", "folder/b.vhd")]
        for at in names:
            await _made(store, at, tags={**BUILD, "nvra": container})
        await _made(store, BlobName(container, "c.vhd"), tags={"nvra": "another"})
        found = await store.blobs_by_tags({**BUILD, "nvra": container})
        assert [each.at for each in found] == names
        assert {each.content for each in found} == {CONTENT}
        assert await store.blobs_by_tags({"nvra": f"{container}-not"}) == ()
        assert {each.at for each in await store.blobs_by_tags({"penstock_sha256": CONTENT.hex})} >= set(names)

    _done(opened, work)


def test_a_list_is_told_whole_with_marks(opened: Opened, container: str) -> None:
    async def work(store: AzureBlobs) -> None:
        names = [BlobName(container, f"{number}.vhd") for number in range(8)]
        for at in reversed(names):
            await _made(store, at)
        found = await store.list_blobs(container)
        assert [each.at for each in found] == names
        assert {(each.kind, each.size_bytes, each.content, each.state) for each in found} == {
            (BlobKind.PAGE, 64 * KIB, CONTENT, BlobState.UPLOADING)
        }
        assert [each.tags for each in found] == [{**BUILD, "penstock_sha256": CONTENT.hex}] * 8
        assert [each.etag for each in found] == [blob.etag for at in names if (blob := await store.blob(at)) is not None]
        assert [each.at for each in await store.list_blobs(container, "3")] == [names[3]]

    _done(opened, work)


def test_a_deleted_blob_was_there(opened: Opened, container: str) -> None:
    async def work(store: AzureBlobs) -> None:
        at = BlobName(container, "rhel.vhd")
        await _made(store, at)
        assert [await store.delete_blob(at) for _ in range(2)] == [True, False]

    _done(opened, work)


def test_a_signed_address_lets_everybody_read_and_nothing_else(opened: Opened, container: str) -> None:
    async def work(store: AzureBlobs) -> None:
        at = BlobName(container, "rhel 9+(ü)~1.vhd")
        await _made(store, at)
        await store.put_pages(at, 0, b"x" * KIB, fence=FENCE)
        signed = store.sas_uri(store.address(at))
        assert without_query(signed) == store.address(at)
        assert await asyncio.to_thread(_read, signed) == b"x" * KIB + bytes(63 * KIB)
        for wrong in (store.address(at), signed.replace("sp=r", "sp=rw"), signed.replace("se=20", "se=21")):
            with pytest.raises(urllib.error.HTTPError, match=r"40[349]"):
                await asyncio.to_thread(_read, wrong)
        with pytest.raises(urllib.error.HTTPError, match="403"):
            await asyncio.to_thread(_read, signed, "DELETE")

    _done(opened, work)


def test_a_foreign_address_is_not_signed(opened: Opened) -> None:
    async def work(store: AzureBlobs) -> None:
        with pytest.raises(InputError, match="no blob of the storage account") as error:
            store.sas_uri("https://other.example/c/b.vhd?sig=secret")
        assert "secret" not in str(error.value)

    _done(opened, work)


def test_the_service_copies_a_page_blob_with_our_marks(opened: Opened, container: str) -> None:
    async def work(store: AzureBlobs) -> None:
        source, at = BlobName(container, "source.vhd"), BlobName(f"{container}b", "copy.vhd")
        await _made(store, source)
        await store.put_pages(source, KIB, b"x" * KIB, fence=FENCE)
        await store.create_container(at.container)
        address, tags = store.address(source), {"name": "rhel"}
        copy = await store.start_copy(at, store.sas_uri(address), copy_marks(address, tags))
        found = await store.blob(at)
        assert found is not None
        assert found.copy is not None
        assert (found.copy.id, found.copy.status, found.copy.source) == (copy.id, "success", address)
        assert (found.kind, found.tags, found.state, found.content) == (BlobKind.PAGE, tags, BlobState.UPLOADING, None)
        assert await store.read(at, 512, KIB) == bytes(512) + b"x" * 512
        with pytest.raises(BlobChanged):
            await store.start_copy(at, store.sas_uri(address), copy_marks(address, tags))
        await store.abort_copy(at, copy.id)

    _done(opened, work)


def _read(address: str, method: str = "GET") -> bytes:
    with urllib.request.urlopen(urllib.request.Request(address, method=method), timeout=20) as answer:  # of loopback
        content: bytes = answer.read()
        return content
