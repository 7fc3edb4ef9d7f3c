"""What every store of images promises."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import InputError, NotFoundError, TransientError
from penstock.model.osimage import (
    Brought,
    FileOrigin,
    ImageRecord,
    ImageType,
    PayloadOrigin,
    PayloadSteps,
    StoredImage,
    UrlOrigin,
    Wanted,
)
from penstock.ports import ImageFile, ImageStore

if TYPE_CHECKING:
    from tests.contract.imagestore.conftest import Place

T = TypeVar("T")
BUILD = "418.94.202501221327-0"
CONTENT = bytes(range(256)) * 4096
OTHER = CONTENT + b"another"


@dataclass
class Bringer:
    """Brings the same images each time it is called, from nowhere.

    Attributes:
        files: the bytes and the record of each image.
        calls: the folder of each call.
        before: is waited for before anything is written.
        trouble: what a call raises after it has written everything; used up one by one.
    """

    files: Sequence[tuple[bytes, ImageRecord]]
    calls: list[str] = field(default_factory=list)
    before: Callable[[], Awaitable[object]] | None = None
    trouble: list[BaseException] = field(default_factory=list)

    async def __call__(self, folder: str) -> tuple[Brought, ...]:
        self.calls.append(folder)
        if self.before is not None:
            await self.before()
        brought = []
        for number, (content, record) in enumerate(self.files):
            path = Path(folder) / f"{number}.part"
            path.write_bytes(content)
            brought.append(Brought(str(path), Digest.of(content), len(content), record))
        if self.trouble:
            raise self.trouble.pop()
        return tuple(brought)


def wanted_url(version: str = "4.18", build: str = BUILD, *, sha256: Digest | None = None) -> Wanted:
    return Wanted(version, Arch.X86_64, UrlOrigin(f"https://host/{build}.iso", sha256), version=build)


def record_of(key: str, version: str = "4.18", build: str = BUILD) -> ImageRecord:
    return ImageRecord(version, build, Arch.X86_64, ImageType.FULL, key, names=(version,), url=f"https://host/{build}.iso")


def bringer(key: str, content: bytes = CONTENT, build: str = BUILD) -> Bringer:
    return Bringer([(content, record_of(key, build=build))])


@pytest.fixture
def payload() -> tuple[Wanted, Bringer]:
    """A release of two OS streams, and what brings its images."""
    digest = Digest.of(b"some manifest")
    steps = PayloadSteps("quay.io/release:1", digest, "quay.io/images@sha256:1", digest, digest, "/coreos/coreos-x86_64.iso")
    records = [
        ImageRecord("4.22", build, Arch.X86_64, ImageType.FULL, "release", ("4.22.0", stream), steps=steps, checked=("layer",))
        for build, stream in (("9.8.20260101-0", "rhel-9"), ("10.2.20260101-0", "rhel-10"))
    ]
    files = [(CONTENT + record.version.encode(), record) for record in records]
    return Wanted("4.22", Arch.X86_64, PayloadOrigin("quay.io/release:1", "4.22.0")), Bringer(files)


def with_store(place: "Place", work: Callable[[ImageStore], Awaitable[T]]) -> T:
    """One run: a store is opened, and ``work`` is done with it."""

    async def run() -> T:
        async with place.open() as store:
            return await work(store)

    return asyncio.run(run())


def put(place: "Place", key: str, bring: Bringer, wanted: Wanted | None = None) -> tuple[StoredImage, ...]:
    return with_store(place, lambda store: store.put(wanted or wanted_url(), key, bring))


async def content_of(file: ImageFile) -> bytes:
    """Every byte, as the server of images reads them."""
    await file.ensure(0, file.size_bytes)
    return os.pread(file.file.fileno(), file.size_bytes, 0)


def read(place: "Place", image: StoredImage) -> bytes:
    async def work(store: ImageStore) -> bytes:
        file = await store.open(image)
        try:
            return await content_of(file)
        finally:
            file.close()

    return with_store(place, work)


def images(place: "Place") -> tuple[StoredImage, ...]:
    return with_store(place, lambda store: store.images())


def test_an_empty_store_has_no_images(place: "Place") -> None:
    assert images(place) == ()


def test_an_image_that_was_put_is_there_with_what_is_known_of_it(place: "Place") -> None:
    (image,) = put(place, "key", bringer("key"))
    assert (image.digest, image.size_bytes) == (Digest.of(CONTENT), len(CONTENT))
    assert image.record.file_name == f"rhcos-full-iso-{BUILD}-x86_64.iso"
    assert [found.digest for found in images(place)] == [image.digest]
    assert read(place, image) == CONTENT


def test_what_is_known_outlives_the_run(place: "Place", payload: tuple[Wanted, Bringer]) -> None:
    wanted, bring = payload
    put(place, "release", bring, wanted)
    assert {image.record for image in images(place)} == {record for _, record in bring.files}


def test_both_streams_of_a_payload_are_stored(place: "Place", payload: tuple[Wanted, Bringer]) -> None:
    wanted, bring = payload
    assert [read(place, image) for image in put(place, "release", bring, wanted)] == [content for content, _ in bring.files]


def test_what_is_there_is_not_brought_again(place: "Place") -> None:
    first = bringer("key")
    put(place, "key", first)
    second = bringer("key")
    assert put(place, "key", second)[0].digest == Digest.of(CONTENT)
    assert (len(first.calls), second.calls) == (1, [])


def test_another_key_is_brought_although_its_name_is_there(place: "Place") -> None:
    put(place, "key", bringer("key"))
    second = bringer("moved", OTHER)
    (image,) = put(place, "moved", second)
    assert len(second.calls) == 1
    assert read(place, image) == OTHER
    assert [found.digest for found in images(place)] == [Digest.of(OTHER)]


def test_an_image_goes_by_the_version_of_the_entry_that_asks(place: "Place") -> None:
    put(place, "key", bringer("key"))
    (image,) = put(place, "key", bringer("key"), wanted_url("4.19"))
    assert image.record.openshift_version == "4.19"
    assert "4.18" in image.record.names


def test_the_second_stream_of_a_payload_keeps_the_name_that_tells_it_apart(place: "Place", payload: tuple[Wanted, Bringer]) -> None:
    wanted, bring = payload
    called = "4.18-rhel-10"
    content, record = bring.files[1]
    bring.files = [bring.files[0], (content, replace(record, openshift_version=called))]
    assert called in put(place, "release", bring, wanted)[1].record.names


def test_a_digest_that_the_list_says_now_and_that_differs_is_brought(place: "Place") -> None:
    put(place, "key", bringer("key"))
    second = bringer("key", OTHER)
    (image,) = put(place, "key", second, wanted_url(sha256=Digest.of(OTHER)))
    assert len(second.calls) == 1
    assert read(place, image) == OTHER


def test_bytes_that_are_there_under_another_name_are_not_brought_again(place: "Place") -> None:
    put(place, "key", bringer("key"))
    second = bringer("later", build="419.1-0")
    (image,) = put(place, "later", second, wanted_url("4.19", "419.1-0", sha256=Digest.of(CONTENT)))
    assert second.calls == []
    assert read(place, image) == CONTENT


def test_a_failure_leaves_nothing_and_the_next_try_finds_its_folder(place: "Place") -> None:
    bring = bringer("key")
    bring.trouble = [TransientError("cut", subject="host")]

    async def work(store: ImageStore) -> StoredImage:
        with pytest.raises(TransientError):
            await store.put(wanted_url(), "key", bring)
        assert await store.images() == ()
        assert await asyncio.to_thread((Path(bring.calls[0]) / "0.part").exists)
        (image,) = await store.put(wanted_url(), "key", bring)
        return image

    assert read(place, with_store(place, work)) == CONTENT
    assert bring.calls[0] == bring.calls[1]
    assert not Path(bring.calls[0]).exists()


def test_the_next_run_finds_the_folder_of_the_one_before(place: "Place") -> None:
    bring = bringer("key")
    bring.trouble = [TransientError("cut", subject="host")]
    with pytest.raises(TransientError):
        put(place, "key", bring)
    put(place, "key", bring)
    assert bring.calls[0] == bring.calls[1]


def test_of_all_replicas_one_brings_and_the_others_wait(place: "Place") -> None:
    async def work() -> list[tuple[StoredImage, ...]]:
        bring = bringer("key")
        begun, go = asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            begun.set()
            await go.wait()

        bring.before = wait
        async with place.open() as one, place.open() as other:
            tasks = [asyncio.create_task(store.put(wanted_url(), "key", bring)) for store in (one, other, one, other)]
            await begun.wait()
            await asyncio.sleep(0.1)
            assert not any(task.done() for task in tasks)
            go.set()
            found = await asyncio.gather(*tasks)
        assert len(bring.calls) == 1
        return found

    found = asyncio.run(work())
    assert {images[0].digest for images in found} == {Digest.of(CONTENT)}


def test_who_waits_brings_where_the_first_could_not(place: "Place") -> None:
    async def work() -> None:
        bad, good = bringer("key"), bringer("key")
        begun = asyncio.Event()

        async def wait() -> None:
            begun.set()
            await asyncio.sleep(0.05)

        bad.before, bad.trouble = wait, [TransientError("cut", subject="host")]
        async with place.open() as one, place.open() as other:
            first = asyncio.create_task(one.put(wanted_url(), "key", bad))
            await begun.wait()
            second = asyncio.create_task(other.put(wanted_url(), "key", good))
            with pytest.raises(TransientError):
                await first
            assert (await second)[0].digest == Digest.of(CONTENT)
        assert len(good.calls) == 1

    asyncio.run(work())


def test_a_try_that_is_cancelled_lets_the_next_one_in(place: "Place") -> None:
    async def work() -> None:
        stuck, begun = bringer("key"), asyncio.Event()

        async def wait() -> None:
            begun.set()
            await asyncio.Event().wait()

        stuck.before = wait
        async with place.open() as store, place.open() as other:
            first = asyncio.create_task(store.put(wanted_url(), "key", stuck))
            await begun.wait()
            waiting = asyncio.create_task(other.put(wanted_url(), "key", stuck))
            await asyncio.sleep(0.05)
            waiting.cancel()
            first.cancel()
            await asyncio.gather(first, waiting, return_exceptions=True)
            assert len(await asyncio.wait_for(other.put(wanted_url(), "key", bringer("key")), 10)) == 1

    asyncio.run(work())


def test_keys_do_not_wait_for_one_another(place: "Place") -> None:
    async def work() -> None:
        meeting = asyncio.Barrier(2)
        one, other = bringer("a"), bringer("b", OTHER, "419.1-0")
        one.before = other.before = meeting.wait
        async with place.open() as store:
            both = asyncio.gather(store.put(wanted_url(), "a", one), store.put(wanted_url("4.19", "419.1-0"), "b", other))
            await asyncio.wait_for(both, 10)

    asyncio.run(work())


def test_an_open_file_keeps_its_bytes_when_its_image_is_replaced(place: "Place") -> None:
    (image,) = put(place, "key", bringer("key"))

    async def work(store: ImageStore) -> tuple[bytes, bytes]:
        file = await store.open(image)
        await store.put(wanted_url(), "moved", bringer("moved", OTHER))
        await store.remove(image)
        try:
            with file.blocking() as reader:
                return await content_of(file), await asyncio.to_thread(reader.read)
        finally:
            file.close()
            file.close()

    assert with_store(place, work) == (CONTENT, CONTENT)


def test_a_blocking_reader_seeks_and_is_one_of_its_own(place: "Place") -> None:
    (image,) = put(place, "key", bringer("key"))

    async def work(store: ImageStore) -> list[bytes]:
        file = await store.open(image)

        def reading() -> list[bytes]:
            with file.blocking() as one, file.blocking() as other:
                one.seek(1000)
                other.seek(-4, 2)
                return [one.read(3), other.read(), one.read(2)]

        try:
            return await asyncio.to_thread(reading)
        finally:
            file.close()

    assert with_store(place, work) == [CONTENT[1000:1003], CONTENT[-4:], CONTENT[1003:1005]]


def test_a_removed_image_is_gone_and_is_brought_again(place: "Place") -> None:
    (image,) = put(place, "key", bringer("key"))

    async def work(store: ImageStore) -> None:
        await store.remove(image)
        await store.remove(image)
        assert await store.images() == ()
        with pytest.raises(NotFoundError):
            await store.open(image)

    with_store(place, work)
    again = bringer("key")
    put(place, "key", again)
    assert len(again.calls) == 1


@pytest.mark.parametrize("first", [0, 1])
def test_the_bytes_go_with_the_last_of_their_names(place: "Place", first: int) -> None:
    both = [put(place, "key", bringer("key"))[0], put(place, "later", bringer("later", build="419.1-0"), wanted_url("4.19", "419.1-0"))[0]]
    gone, left = both[first], both[1 - first]
    with_store(place, lambda store: store.remove(gone))
    assert read(place, left) == CONTENT
    assert [image.record.file_name for image in images(place)] == [left.record.file_name]
    with_store(place, lambda store: store.remove(left))
    assert images(place) == ()


def test_a_name_that_two_keys_share_stays_for_the_other(place: "Place") -> None:
    (image,) = put(place, "key", bringer("key"))
    put(place, "later", bringer("later"))
    with_store(place, lambda store: store.remove(image))
    assert [found.record.key for found in images(place)] == ["later"]
    assert read(place, images(place)[0]) == CONTENT


def test_a_replaced_image_does_not_take_the_bytes_from_another_name(place: "Place") -> None:
    put(place, "key", bringer("key"))
    (second,) = put(place, "later", bringer("later", build="419.1-0"), wanted_url("4.19", "419.1-0"))
    put(place, "moved", bringer("moved", OTHER))
    assert read(place, second) == CONTENT


def test_a_local_file_is_served_from_where_it_stands(place: "Place", tmp_path: Path) -> None:
    path = tmp_path / "my.iso"
    path.write_bytes(CONTENT)
    wanted, calls = Wanted("4.18", Arch.X86_64, FileOrigin(str(path))), []

    async def bring(folder: str) -> tuple[Brought, ...]:
        calls.append(folder)
        return (Brought(str(path), Digest.of(CONTENT), len(CONTENT), record_of("file")),)

    image = with_store(place, lambda store: store.put(wanted, "file", bring))[0]
    assert with_store(place, lambda store: store.put(wanted, "file", bring)) == (image,)
    assert read(place, image) == CONTENT
    with_store(place, lambda store: store.remove(image))
    assert path.read_bytes() == CONTENT
    assert len(calls) == 1


def test_a_version_that_is_no_name_is_refused(place: "Place") -> None:
    with pytest.raises(InputError):
        put(place, "key", bringer("key", build="../../x"), wanted_url(build="../../x"))
