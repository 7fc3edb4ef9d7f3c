"""The store in a bucket beyond the port: ranges, damage, a bucket that cannot be reached."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.adapters.imagestore.records import name_of
from penstock.adapters.imagestore.s3options import S3Options
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.downloads import DestinationError
from penstock.model.errors import DigestMismatch, InputError, NotFoundError, OperationError, TransientError
from penstock.model.osimage import SIGNED_BY, Brought, ImageRecord, ImageType, UrlOrigin

if TYPE_CHECKING:
    from tests.contract.imagestore.s3.conftest import Bench, Between

NewBucket = Callable[[], S3Options]


def test_equal_bytes_are_stored_once(bench: "Bench", new_bucket: NewBucket) -> None:
    options = new_bucket()

    async def work() -> None:
        async with bench.store(options) as one:
            await one.put(bench.wanted, "one", bench.bringing([]))
            await one.put(bench.wanted, "two", bench.bringing([], build="419.1-0"))

    asyncio.run(work())
    client = bench.service(options)
    assert len(client.list_objects_v2(Bucket=options.bucket, Prefix="images/sha256/")["Contents"]) == 1
    client.close()


def test_an_image_that_no_signature_was_checked_of_is_brought_again_where_the_list_names_one(bench: "Bench", new_bucket: NewBucket) -> None:
    options, calls = new_bucket(), list[str]()
    named = replace(bench.wanted, origin=UrlOrigin("https://host/x.iso", signature="https://host/x.iso.asc"))

    async def work() -> None:
        async with bench.store(options) as one:
            await one.put(bench.wanted, "key", bench.bringing([]))
            for checked in ((), (f"{SIGNED_BY}somebody",), ()):
                await one.put(named, "key", bench.bringing(calls, checked=checked))

    asyncio.run(work())
    assert len(calls) == 2


def test_a_range_brings_its_pieces_alone_and_once(bench: "Bench", new_bucket: NewBucket, relay: "Between") -> None:
    options = new_bucket()
    image = bench.stored(options)

    async def work() -> None:
        async with bench.store(replace(options, endpoint=relay.url)) as one:
            file = await one.open(image)
            expected = bench.content[bench.chunk - 2 : bench.chunk + 3]
            assert await asyncio.gather(*(bench.read(file, bench.chunk - 2, 5) for _ in range(20))) == [expected] * 20
            assert await bench.read(file, bench.chunk - 2, 5) == expected
            file.close()

    asyncio.run(work())
    assert sorted(relay.ranges) == [f"bytes=0-{bench.chunk - 1}", f"bytes={bench.chunk}-{2 * bench.chunk - 1}"]


@pytest.mark.parametrize("threads", [1, 4])
def test_blocking_readers_see_all_bytes(bench: "Bench", new_bucket: NewBucket, threads: int) -> None:
    options = new_bucket()
    image = bench.stored(options)

    async def work() -> list[bytes]:
        async with bench.store(options) as one:
            file = await one.open(image)

            def whole() -> bytes:
                with file.blocking() as reader:
                    return reader.read()

            found = await asyncio.gather(*(asyncio.to_thread(whole) for _ in range(threads)))
            file.close()
            return found

    assert asyncio.run(work()) == [bench.content] * threads


def test_who_brought_an_image_reads_nothing_from_the_bucket(bench: "Bench", new_bucket: NewBucket, relay: "Between") -> None:
    async def work() -> bytes:
        async with bench.store(replace(new_bucket(), endpoint=relay.url)) as one:
            (image,) = await one.put(bench.wanted, "key", bench.bringing([]))
            file = await one.open(image)
            content = await bench.read(file, 0, len(bench.content))
            file.close()
            return content

    assert asyncio.run(work()) == bench.content
    assert relay.ranges == []


def test_a_piece_that_comes_damaged_is_never_given_out(bench: "Bench", new_bucket: NewBucket, relay: "Between") -> None:
    options = new_bucket()
    image = bench.stored(options)

    async def work() -> None:
        async with bench.store(replace(options, endpoint=relay.url)) as one:
            file = await one.open(image)
            relay.flip = True
            with pytest.raises(DigestMismatch):
                await file.ensure(bench.chunk, 1)
            with file.blocking() as reader, pytest.raises(DigestMismatch):
                await asyncio.to_thread(reader.read, 10)
            assert os.pread(file.file.fileno(), bench.chunk, bench.chunk) == bytes(bench.chunk)
            relay.flip = False
            assert await bench.read(file, bench.chunk, 3) == bench.content[bench.chunk : bench.chunk + 3]
            file.close()

    asyncio.run(work())


def test_a_piece_that_was_damaged_on_this_disk_is_brought_anew(bench: "Bench", new_bucket: NewBucket) -> None:
    options = new_bucket()
    image = bench.stored(options)

    async def part(offset: int, length: int) -> bytes:
        async with bench.store(options) as one:
            file = await one.open(image)
            content = await bench.read(file, offset, length)
            file.close()
            return content

    asyncio.run(part(0, len(bench.content)))
    path = options.cache / "replica-0" / "content" / image.digest.hex
    with path.open("r+b") as file:
        file.seek(2 * bench.chunk)
        file.write(b"damage")
    assert asyncio.run(part(0, len(bench.content))) == bench.content


def test_what_was_read_is_served_while_the_bucket_cannot_be_reached(bench: "Bench", new_bucket: NewBucket, relay: "Between") -> None:
    options = new_bucket()
    image = bench.stored(options)
    options = replace(options, endpoint=relay.url)

    async def before() -> None:
        async with bench.store(options) as one:
            file = await one.open(image)
            await file.ensure(0, bench.chunk)
            relay.cut = True
            assert await bench.read(file, 5, 10) == bench.content[5:15]
            with pytest.raises(TransientError):
                await file.ensure(bench.chunk, 1)
            file.close()

    async def after_a_restart() -> None:
        async with bench.store(options) as one:
            file = await one.open(image)
            assert await bench.read(file, 5, 10) == bench.content[5:15]
            with pytest.raises(TransientError):
                await file.ensure(3 * bench.chunk, 1)
            with pytest.raises(TransientError):
                await one.images()
            relay.cut = False
            assert await bench.read(file, 3 * bench.chunk, 2) == bench.content[3 * bench.chunk : 3 * bench.chunk + 2]
            file.close()

    asyncio.run(before())
    asyncio.run(after_a_restart())


def test_the_cache_keeps_what_was_used_last_and_what_is_open(bench: "Bench", new_bucket: NewBucket) -> None:
    options = new_bucket()
    contents = [bytes([number]) * (4 * bench.chunk) for number in (1, 2, 3)]
    found = [bench.stored(options, content, f"key {number}", f"418.{number}-0") for number, content in enumerate(contents)]
    folder = options.cache / "replica-0" / "content"

    async def work() -> None:
        async with bench.store(options, cache_limit_bytes=9 * bench.chunk) as one:
            kept = await one.open(found[0])
            await kept.ensure(0, kept.size_bytes)
            for image in found[1:]:
                file = await one.open(image)
                await file.ensure(0, file.size_bytes)
                file.close()
            assert await bench.read(kept, 0, 10) == contents[0][:10]
            there = {path.name for path in folder.iterdir() if not path.suffix}
            assert there == {found[0].digest.hex, found[2].digest.hex}
            kept.close()

    asyncio.run(work())


def test_bytes_without_a_name_go_when_their_time_is_over(bench: "Bench", new_bucket: NewBucket) -> None:
    options = new_bucket()
    image = bench.stored(options)

    async def removed(grace_s: float) -> None:
        async with bench.store(options, grace_s=grace_s) as one:
            await one.remove(image)
            await one.tidy(())

    asyncio.run(removed(3600))
    assert bench.names(options) == {"sha256", "chunks", "dropped", "turns"}
    asyncio.run(removed(0))
    assert bench.names(options) == {"turns"}


def test_an_image_that_came_back_in_time_keeps_its_bytes(bench: "Bench", new_bucket: NewBucket) -> None:
    options = new_bucket()
    image = bench.stored(options)

    async def work() -> None:
        async with bench.store(options) as one:
            await one.remove(image)
            (again,) = await one.put(bench.wanted, "key", bench.bringing([]))
        async with bench.store(options, 5, grace_s=0) as other:
            await other.tidy(())
            file = await other.open(again)
            assert await bench.read(file, 0, 4) == bench.content[:4]
            file.close()

    asyncio.run(work())


def test_a_file_that_is_not_what_was_verified_is_not_stored(bench: "Bench", new_bucket: NewBucket) -> None:
    options = new_bucket()

    async def bring(folder: str) -> tuple[Brought, ...]:
        path = Path(folder) / "x.iso"
        path.write_bytes(b"written to by another program")
        return (Brought(str(path), Digest.of(bench.content), 29, ImageRecord("4.18", bench.build, Arch.X86_64, ImageType.FULL, "")),)

    async def work() -> None:
        async with bench.store(options) as one:
            with pytest.raises(DigestMismatch):
                await one.put(bench.wanted, "key", bring)
            assert await one.images() == ()

    asyncio.run(work())
    assert bench.names(options) == {"turns"}


def test_an_image_whose_bytes_are_gone_is_not_there_and_is_brought_again(bench: "Bench", new_bucket: NewBucket) -> None:
    options = new_bucket()
    image = bench.stored(options)
    client = bench.service(options)
    client.delete_object(Bucket=options.bucket, Key=f"images/sha256/{image.digest.hex}")
    client.close()

    async def work() -> list[str]:
        calls = list[str]()
        async with bench.store(options) as one:
            assert await one.images() == ()
            with pytest.raises(NotFoundError):
                await one.open(image)
            await one.put(bench.wanted, "key", bench.bringing(calls))
        return calls

    assert len(asyncio.run(work())) == 1


@pytest.mark.parametrize("content", [None, b"{}", b"{]"])
def test_an_image_of_which_nothing_tells_what_its_pieces_must_be_is_brought_again(
    bench: "Bench", new_bucket: NewBucket, content: bytes | None
) -> None:
    options = new_bucket()
    image = bench.stored(options)
    client = bench.service(options)
    place = {"Bucket": options.bucket, "Key": f"images/chunks/{image.digest.hex}.json"}
    client.delete_object(**place) if content is None else client.put_object(**place, Body=content)
    client.close()

    async def work() -> list[str]:
        calls = list[str]()
        async with bench.store(options) as one:
            with pytest.raises(NotFoundError):
                await one.open(image)
            assert await one.images() == ()
            (again,) = await one.put(bench.wanted, "key", bench.bringing(calls))
            (await one.open(again)).close()
        return calls

    assert len(asyncio.run(work())) == 1


def test_what_is_damaged_in_the_bucket_is_replaced_when_the_image_is_wanted_again(bench: "Bench", new_bucket: NewBucket) -> None:
    options = new_bucket()
    image = bench.stored(options)
    client = bench.service(options)
    client.put_object(Bucket=options.bucket, Key=f"images/sha256/{image.digest.hex}", Body=bytes(image.size_bytes))

    async def work() -> None:
        async with bench.store(options) as one:
            file = await one.open(image)
            with pytest.raises(DigestMismatch):
                await file.ensure(bench.chunk, 1)
            file.close()
            await one.put(bench.wanted, "key", bench.bringing([]))

    asyncio.run(work())
    assert client.get_object(Bucket=options.bucket, Key=f"images/sha256/{image.digest.hex}")["Body"].read() == bench.content
    client.close()


def test_a_service_that_knows_no_ranges_is_told_of_before_an_image_is_in_the_memory(
    bench: "Bench", new_bucket: NewBucket, relay: "Between"
) -> None:
    options = new_bucket()
    image = bench.stored(options)
    relay.rangeless = True

    async def work() -> None:
        async with bench.store(replace(options, endpoint=relay.url)) as one:
            file = await one.open(image)
            with pytest.raises(TransientError, match=f"{len(bench.content)} bytes came, and {bench.chunk} were asked for"):
                await file.ensure(0, 1)
            file.close()

    asyncio.run(work())


def test_a_broken_record_counts_as_none(bench: "Bench", new_bucket: NewBucket) -> None:
    options = new_bucket()
    bench.stored(options)
    client = bench.service(options)
    client.put_object(Bucket=options.bucket, Key=f"images/records/{name_of('key')}.json", Body=b"{]")
    client.close()

    async def work() -> list[str]:
        calls = list[str]()
        async with bench.store(options) as one:
            assert await one.images() == ()
            await one.put(bench.wanted, "key", bench.bringing(calls))
            assert len(await one.images()) == 1
        return calls

    assert len(asyncio.run(work())) == 1


def test_a_bucket_that_is_not_there_is_an_error_that_says_so(bench: "Bench", new_bucket: NewBucket) -> None:
    async def work() -> None:
        async with bench.store(replace(new_bucket(), bucket="no-such-bucket")) as one:
            with pytest.raises(OperationError, match="no such bucket"):
                await one.images()
            with pytest.raises(OperationError, match="no such bucket"):
                await one.put(bench.wanted, "key", bench.bringing([]))

    asyncio.run(work())


def test_a_cache_that_cannot_be_written_is_an_error_of_this_machine(bench: "Bench", new_bucket: NewBucket) -> None:
    options = new_bucket()
    image = bench.stored(options)
    blocked = options.cache / "replica-0"
    blocked.mkdir(parents=True)
    (blocked / "content").write_bytes(b"no folder")

    async def work() -> None:
        async with bench.store(options) as one:
            with pytest.raises(DestinationError):
                await one.open(image)

    asyncio.run(work())


@pytest.mark.parametrize("endpoint", ["minio:9000", "https://user:secret@host", "https://host/?x=1", "https://"])
def test_an_endpoint_that_is_no_address_is_refused_without_showing_it(endpoint: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        S3Options(bucket="b", cache=tmp_path, endpoint=endpoint)
    assert "secret" not in f"{refused.value}{refused.value.hint}"
