"""The blob reader against a server that cuts, lies, stalls and forgets."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from penstock.adapters.registry import Images
from penstock.model.errors import DigestMismatch, NotFoundError, OperationError, TransientError

if TYPE_CHECKING:
    from tests.unit.adapters.registry.conftest import Asked, Handler, Reply, StandMaker, Web

CONTENT = os.urandom(50_000)


def _fetch(
    stand: "StandMaker", web: "Web", handler: "Handler", content: bytes = CONTENT, piece_bytes: int = 4096
) -> tuple[bytes, list[Any]]:
    """Read the blob from a server that answers by ``handler``; the bytes, and what was asked."""

    async def scenario() -> tuple[bytes, list[Any]]:
        async with stand(handler) as server, Images(web.options()) as images:
            got = await web.read(images, server.ref(), web.blob(content), piece_bytes)
            return got, [asked for asked in server.asked if asked.path != "/v2/"]

    return asyncio.run(scenario())


def _twisted(web: "Web", twist: "Callable[[Asked, Reply, int], Reply]", content: bytes = CONTENT) -> "Handler":
    """A plain registry whose blob answers go through ``twist(asked, reply, number)``."""
    plain, count = web.plain_registry({str(web.blob(content).digest): content}), [0]

    def handle(asked: "Asked") -> "Reply":
        reply = plain(asked)
        if "/blobs/" not in asked.path:
            return reply
        count[0] += 1
        return twist(asked, reply, count[0])

    return handle


@pytest.mark.parametrize("content", [b"", b"x", CONTENT])
@pytest.mark.parametrize("piece_bytes", [1024, 1 << 20])
def test_a_blob_comes_whole_with_one_request(stand: "StandMaker", web: "Web", content: bytes, piece_bytes: int) -> None:
    got, asked = _fetch(stand, web, _twisted(web, lambda _, reply, __: reply, content), content, piece_bytes)

    assert got == content
    assert len(asked) == 1


def test_a_chunked_blob_comes_whole(stand: "StandMaker", web: "Web") -> None:
    def chunked(_: "Asked", reply: "Reply", __: int) -> "Reply":
        pieces = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (CONTENT[:7], CONTENT[7:])) + b"0\r\n\r\n"
        return web.Reply(200, pieces, {"Transfer-Encoding": "chunked"}, length=None)

    assert _fetch(stand, web, _twisted(web, chunked))[0] == CONTENT


def test_a_body_that_ends_with_the_connection_comes_whole(stand: "StandMaker", web: "Web") -> None:
    def unsized(_: "Asked", reply: "Reply", __: int) -> "Reply":
        return web.Reply(200, CONTENT, {"Connection": "close"}, length=None, cut=True)

    assert _fetch(stand, web, _twisted(web, unsized))[0] == CONTENT


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("every_bytes", [1, 9_999, 20_000])
def test_after_each_cut_the_rest_is_asked_for_by_range(stand: "StandMaker", web: "Web", every_bytes: int, reset: bool) -> None:
    content = CONTENT if every_bytes > 1 else CONTENT[:20]

    def cut(_: "Asked", reply: "Reply", __: int) -> "Reply":
        return web.Reply(reply.status, reply.body[:every_bytes], reply.headers, length=len(reply.body), cut=True, reset=reset)

    got, asked = _fetch(stand, web, _twisted(web, cut, content), content)

    assert got == content
    # A reset may destroy bytes that were on their way, so there the starts are not known beforehand.
    starts = [one.begins_at for one in asked]
    assert starts == sorted(set(starts)) if not reset else starts == sorted(starts)
    assert len(asked) > 1


def test_where_range_is_ignored_the_beginning_is_skipped(stand: "StandMaker", web: "Web") -> None:
    def forgetful(_: "Asked", __: "Reply", number: int) -> "Reply":
        return web.Reply(200, CONTENT[: number * 20_000], length=len(CONTENT), cut=True)

    assert _fetch(stand, web, _twisted(web, forgetful))[0] == CONTENT


def test_a_range_that_begins_too_early_is_skipped_forward(stand: "StandMaker", web: "Web") -> None:
    def early(asked: "Asked", reply: "Reply", _: int) -> "Reply":
        if asked.begins_at == 0:
            return web.Reply(200, CONTENT[:30_000], length=len(CONTENT), cut=True)
        start = asked.begins_at - 100
        return web.Reply(206, CONTENT[start:], {"Content-Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"})

    assert _fetch(stand, web, _twisted(web, early))[0] == CONTENT


@pytest.mark.parametrize("content_range", ["bytes 40000-49999/50000", "bytes 0-", "", "pages 1-2/3"])
def test_a_range_of_other_bytes_is_never_taken(stand: "StandMaker", web: "Web", content_range: str) -> None:
    def wrong(asked: "Asked", reply: "Reply", _: int) -> "Reply":
        if asked.begins_at == 0:
            return web.Reply(200, CONTENT[:30_000], length=len(CONTENT), cut=True)
        return web.Reply(206, CONTENT[40_000:], {"Content-Range": content_range})

    with pytest.raises(TransientError, match="does not give the bytes from 30000 on"):
        _fetch(stand, web, _twisted(web, wrong))


def test_an_answer_that_ends_early_by_its_own_word_is_completed_by_range(stand: "StandMaker", web: "Web") -> None:
    def short(asked: "Asked", reply: "Reply", _: int) -> "Reply":
        return web.Reply(200, CONTENT[:30_000]) if asked.begins_at == 0 else reply

    assert _fetch(stand, web, _twisted(web, short))[0] == CONTENT


def test_bytes_that_never_come_are_asked_for_a_few_times_and_then_missing(stand: "StandMaker", web: "Web") -> None:
    with pytest.raises(TransientError, match="gave 30000 of 50000 bytes"):
        _fetch(stand, web, _twisted(web, lambda _, __, ___: web.Reply(200, CONTENT[:30_000])))


def test_a_source_that_says_its_blob_is_smaller_does_not_give_the_rest(stand: "StandMaker", web: "Web") -> None:
    def cut_off(asked: "Asked", _: "Reply", __: int) -> "Reply":
        if asked.begins_at == 0:
            return web.Reply(200, CONTENT[:30_000])
        return web.Reply(416, headers={"Content-Range": "bytes */30000"})

    with pytest.raises(TransientError, match="does not give the bytes from 30000 on"):
        _fetch(stand, web, _twisted(web, cut_off))


@pytest.mark.parametrize("piece_bytes", [1000, 25_000, 1 << 20])
def test_bytes_beyond_the_descriptor_are_a_mismatch(stand: "StandMaker", web: "Web", piece_bytes: int) -> None:
    with pytest.raises(DigestMismatch, match="more than 50000 bytes"):
        _fetch(stand, web, _twisted(web, lambda _, __, ___: web.Reply(200, CONTENT + b"!")), piece_bytes=piece_bytes)


def test_chunked_bytes_beyond_the_descriptor_are_a_mismatch(stand: "StandMaker", web: "Web") -> None:
    body = b"%x\r\n%s\r\n1\r\n!\r\n0\r\n\r\n" % (len(CONTENT), CONTENT)

    with pytest.raises(DigestMismatch):
        _fetch(stand, web, _twisted(web, lambda _, __, ___: web.Reply(200, body, {"Transfer-Encoding": "chunked"}, length=None)))


def test_a_promise_of_more_that_is_not_kept_is_no_mismatch_but_a_cut(stand: "StandMaker", web: "Web") -> None:
    with pytest.raises(TransientError, match="announced more than 50000 bytes"):
        _fetch(stand, web, _twisted(web, lambda _, __, ___: web.Reply(200, CONTENT, length=60_000, cut=True)))


@pytest.mark.parametrize("lie_bytes", [100, -100])
def test_a_content_length_that_lies_each_time_is_never_believed(stand: "StandMaker", web: "Web", lie_bytes: int) -> None:
    """Also where Content-Range tells the truth beside it."""

    def lying(_: "Asked", reply: "Reply", __: int) -> "Reply":
        length = len(reply.body) + lie_bytes
        return web.Reply(reply.status, reply.body[:length], reply.headers, length=length, cut=True)

    with pytest.raises(TransientError):
        _fetch(stand, web, _twisted(web, lying))


def test_a_promise_of_more_that_is_taken_back_is_forgiven(stand: "StandMaker", web: "Web") -> None:
    def once(_: "Asked", reply: "Reply", number: int) -> "Reply":
        return web.Reply(200, CONTENT, length=60_000, cut=True) if number == 1 else reply

    assert _fetch(stand, web, _twisted(web, once))[0] == CONTENT


def test_silence_counts_as_a_cut(stand: "StandMaker", web: "Web") -> None:
    def silent(_: "Asked", reply: "Reply", number: int) -> "Reply":
        return web.Reply(200, CONTENT[:10_000], length=len(CONTENT)) if number == 1 else reply

    got, asked = _fetch(stand, web, _twisted(web, silent))

    assert got == CONTENT
    assert [one.begins_at for one in asked] == [0, 10_000]


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_what_may_pass_is_asked_again(stand: "StandMaker", web: "Web", status: int) -> None:
    got, asked = _fetch(stand, web, _twisted(web, lambda _, reply, number: web.Reply(status) if number < 3 else reply))

    assert got == CONTENT
    assert len(asked) == 3


def test_5xx_for_ever_ends_soon(stand: "StandMaker", web: "Web") -> None:
    begun_s = time.monotonic()

    with pytest.raises(TransientError, match="503"):
        _fetch(stand, web, _twisted(web, lambda _, __, ___: web.Reply(503)))
    assert time.monotonic() - begun_s < 3


def test_retry_after_is_honoured(stand: "StandMaker", web: "Web") -> None:
    begun_s = time.monotonic()

    def throttled(_: "Asked", reply: "Reply", number: int) -> "Reply":
        return web.Reply(429, headers={"Retry-After": "60"}) if number == 1 else reply

    assert _fetch(stand, web, _twisted(web, throttled))[0] == CONTENT
    assert 0.3 <= time.monotonic() - begun_s < 5  # the options of these tests cap it at 0.3 s


@pytest.mark.parametrize(("status", "kind"), [(404, NotFoundError), (403, OperationError), (400, OperationError)])
def test_a_refusal_is_final(stand: "StandMaker", web: "Web", status: int, kind: type[Exception]) -> None:
    count = []

    def refuse(asked: "Asked", _: "Reply", __: int) -> "Reply":
        count.append(asked)
        return web.Reply(status)

    with pytest.raises(kind):
        _fetch(stand, web, _twisted(web, refuse))
    assert len(count) == 1


def test_another_encoding_is_refused(stand: "StandMaker", web: "Web") -> None:
    with pytest.raises(OperationError, match="encoding"):
        _fetch(stand, web, _twisted(web, lambda _, reply, __: web.Reply(200, reply.body, {"Content-Encoding": "gzip"})))


def test_a_strong_etag_guards_the_rest(stand: "StandMaker", web: "Web") -> None:
    def tagged(asked: "Asked", reply: "Reply", number: int) -> "Reply":
        body = reply.body[:20_000] if number == 1 else reply.body
        return web.Reply(reply.status, body, {**reply.headers, "ETag": '"a"'}, length=len(reply.body), cut=True)

    _, asked = _fetch(stand, web, _twisted(web, tagged))

    assert [one.headers.get("if-range") for one in asked] == [None, '"a"']


def test_a_server_that_stalls_after_every_few_bytes_is_given_up_in_time(stand: "StandMaker", web: "Web") -> None:
    def stalling(_: "Asked", reply: "Reply", __: int) -> "Reply":
        return web.Reply(reply.status, reply.body[:100], reply.headers, length=len(reply.body))

    async def scenario() -> float:
        retries = replace(web.options().retries, total_s=1.0)
        async with stand(_twisted(web, stalling)) as server, Images(web.options(retries=retries)) as images:
            begun_s = time.monotonic()
            with pytest.raises(TransientError):
                await web.read(images, server.ref(), web.blob(CONTENT))
            return time.monotonic() - begun_s

    assert asyncio.run(scenario()) < 10  # to the end it would take 500 stalls of 0.4 s


def test_nothing_is_asked_before_the_first_byte_is_read(stand: "StandMaker", web: "Web") -> None:
    async def scenario() -> int:
        async with stand(web.plain_registry({})) as server, Images(web.options()) as images:
            reader = await images.open_blob(server.ref(), web.blob(CONTENT))
            reader.close()
            return len(server.asked)

    assert asyncio.run(scenario()) == 0


def test_closing_ends_a_read_in_another_thread(stand: "StandMaker", web: "Web") -> None:
    async def scenario() -> None:
        handler = _twisted(web, lambda _, __, ___: web.Reply(200, CONTENT[:10], length=len(CONTENT)))
        async with stand(handler) as server, Images(web.options(timeouts=web.options().timeouts.__class__(stall_s=30))) as images:
            reader = await images.open_blob(server.ref(), web.blob(CONTENT))
            reading = asyncio.create_task(asyncio.to_thread(web.drain, reader))
            await asyncio.sleep(0.3)
            begun_s = time.monotonic()
            reader.close()
            reader.close()
            with pytest.raises(OperationError, match="stopped"):
                await reading
            assert time.monotonic() - begun_s < 3

    asyncio.run(scenario())


def test_reading_in_the_event_loop_is_a_mistake_that_is_told(stand: "StandMaker", web: "Web") -> None:
    async def scenario() -> None:
        async with stand(web.plain_registry({})) as server, Images(web.options()) as images:
            reader = await images.open_blob(server.ref(), web.blob(CONTENT))
            with pytest.raises(AssertionError, match="worker thread"):
                reader.readinto(memoryview(bytearray(10)))

    asyncio.run(scenario())


def test_more_readers_than_threads_do_not_starve_each_other(stand: "StandMaker", web: "Web") -> None:
    """Readers wait in worker threads for the loop; the loop must not need such a thread to answer them."""

    async def scenario() -> list[bytes]:
        async with stand(web.plain_registry({str(web.blob(CONTENT).digest): CONTENT})) as server, Images(web.options()) as images:
            ref = type(server.ref()).parse(f"localhost:{server.port}/team/app:v1")
            return await asyncio.gather(*(web.read(images, ref, web.blob(CONTENT)) for _ in range(40)))

    assert asyncio.run(asyncio.wait_for(scenario(), 30)) == [CONTENT] * 40
