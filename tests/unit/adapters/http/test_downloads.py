"""One file by URL, against answers written byte by byte."""

import asyncio
import contextlib
import os
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from penstock.adapters.files.mirror import GrowingFile, LocalMirror
from penstock.adapters.http.download import HttpFiles
from penstock.adapters.http.options import HttpOptions, Retries, Timeouts
from penstock.model.digest import Digest
from penstock.model.downloads import RemoteFile
from penstock.model.errors import NotFoundError, OperationError, PenstockError, TransientError
from penstock.model.progress import Progress

CONTENT = b"0123456789"
TAG = b'ETag: "1"\r\n'
OPTIONS = HttpOptions(
    environment={}, retries=Retries(attempts=3, first_wait_s=0.01, total_s=5), timeouts=Timeouts(connect_s=2, stall_s=0.5)
)


def reply(status: int, body: bytes = b"", headers: bytes = b"", *, length: int | None = -1) -> bytes:
    """An answer; ``length`` is what Content-Length claims, None for none."""
    said = b"" if length is None else b"Content-Length: %d\r\n" % (len(body) if length < 0 else length)
    return b"HTTP/1.1 %d Said\r\nConnection: close\r\n%s%s\r\n%s" % (status, said, headers, body)


@dataclass
class Site:
    """A server that gives its answers in turn, the last one for ever, and closes each connection."""

    answers: Sequence[bytes]
    asked: list[bytes] = field(default_factory=list)
    silent: bool = False
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            self.asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.answers[min(len(self.asked), len(self.answers)) - 1])
            await writer.drain()
            if self.silent:
                await reader.read()
        writer.close()

    @property
    def ranges(self) -> list[bytes]:
        return [line for asked in self.asked for line in asked.split(b"\r\n") if line.lower().startswith((b"range", b"if-range"))]


@asynccontextmanager
async def running(site: Site) -> AsyncIterator[HttpFiles]:
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a"
    files = HttpFiles(OPTIONS, parallel=2)
    try:
        yield files
    finally:
        await files.close()
        server.close()


def opened(folder: Path) -> GrowingFile:
    return LocalMirror(folder).open_partial("a", Digest.of(CONTENT), resume=True, on_bytes=lambda _done: None)


def fetch(folder: Path, site: Site, *, kept: bytes = b"", tag: str | None = None, total: int | None = None) -> tuple[bool, bytes]:
    """Fetch into a part that has ``kept``; whether it came in one piece, and what is there then."""
    told: list[Progress] = []

    async def work() -> bool:
        async with running(site) as files:
            return await files.fetch(site.url, part, subject="a", progress=told.append)

    part = opened(folder)
    try:
        if kept:
            part.begin(total_bytes=total, validator=tag)
            part.append(memoryview(kept))
        in_one_piece = asyncio.run(work())
        assert told[-1].finished
        return in_one_piece, (folder / ".a.partial").read_bytes()
    finally:
        part.close()


def test_a_whole_answer_is_one_piece(tmp_path: Path) -> None:
    assert fetch(tmp_path, Site([reply(200, CONTENT)])) == (True, CONTENT)


def test_a_rest_that_fits_is_added(tmp_path: Path) -> None:
    site = Site([reply(206, CONTENT[4:], TAG + b"Content-Range: bytes 4-9/10\r\n")])
    assert fetch(tmp_path, site, kept=CONTENT[:4], tag='"1"', total=10) == (False, CONTENT)
    assert sorted(site.ranges) == [b'If-Range: "1"', b"Range: bytes=4-"]


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Range: bytes 3-9/10\r\n",
        b"Content-Range: bytes 4-9/11\r\n",
        b"Content-Range: nonsense\r\n",
        b"",
        b'ETag: "2"\r\nContent-Range: bytes 4-9/10\r\n',
    ],
)
def test_a_rest_that_does_not_fit_is_not_added(tmp_path: Path, headers: bytes) -> None:
    site = Site([reply(206, b"x" * 6, headers), reply(200, CONTENT)])
    assert fetch(tmp_path, site, kept=CONTENT[:4], tag='"1"', total=10) == (True, CONTENT)


def test_a_server_that_never_gives_the_rest_it_offers_is_given_up(tmp_path: Path) -> None:
    answers = [reply(206, b"x", b"Content-Range: bytes 0-0/10\r\n")]
    with pytest.raises(TransientError, match="a part of the file that it was not asked for"):
        fetch(tmp_path, Site([reply(200, b"0", length=10), *answers * 9]))


def test_nothing_left_to_ask_for_is_the_end(tmp_path: Path) -> None:
    site = Site([reply(416, b"", b"Content-Range: bytes */10\r\n")])
    assert fetch(tmp_path, site, kept=CONTENT, total=10) == (False, CONTENT)


def test_a_part_longer_than_the_file_begins_anew(tmp_path: Path) -> None:
    site = Site([reply(416, b"", b"Content-Range: bytes */10\r\n"), reply(200, CONTENT)])
    assert fetch(tmp_path, site, kept=CONTENT + b"more") == (True, CONTENT)


def test_a_redirect_is_followed_and_asked_for_the_same_range(tmp_path: Path) -> None:
    site = Site([reply(302, b"", b"Location: /b?signed=%2F\r\n"), reply(206, CONTENT[4:], b"Content-Range: bytes 4-9/10\r\n")])
    assert fetch(tmp_path, site, kept=CONTENT[:4])[1] == CONTENT
    assert site.asked[1].startswith(b"GET /b?signed=%2F HTTP/1.1\r\n")
    assert site.ranges == [b"Range: bytes=4-"] * 2


def test_redirects_without_end_are_given_up(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="redirects in a circle"):
        fetch(tmp_path, Site([reply(302, b"", b"Location: /a\r\n")]))


def test_a_body_of_unknown_length_is_read_to_its_end(tmp_path: Path) -> None:
    chunked = reply(200, b"4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n", b"Transfer-Encoding: chunked\r\n", length=None)
    assert fetch(tmp_path, Site([chunked])) == (True, CONTENT)


def test_a_chunked_body_that_is_cut_is_not_the_end(tmp_path: Path) -> None:
    cut = reply(200, b"4\r\n0123\r\n6\r\n45", b"Transfer-Encoding: chunked\r\n", length=None)
    site = Site([cut, reply(200, CONTENT)])
    assert fetch(tmp_path, site) == (True, CONTENT)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(404), NotFoundError),
        (reply(410), NotFoundError),
        (reply(403), OperationError),
        (reply(500), TransientError),
        (reply(429, b"", b"Retry-After: 0\r\n"), TransientError),
        (reply(200, CONTENT, b"Content-Encoding: gzip\r\n"), OperationError),
        (reply(200, b"", length=10), TransientError),
        (b"no http at all\r\n\r\n", TransientError),
    ],
)
def test_a_failure_is_of_the_kind_that_says_whether_to_try_again(tmp_path: Path, answer: bytes, kind: type[PenstockError]) -> None:
    with pytest.raises(kind) as error:
        fetch(tmp_path, Site([answer]))
    assert (type(error.value) is kind or issubclass(type(error.value), TransientError), error.value.subject) == (True, "a")


def test_silence_is_a_cut(tmp_path: Path) -> None:
    with pytest.raises(TransientError, match=r"sent nothing for 0\.5 s"):
        fetch(tmp_path, Site([reply(200, b"0", length=10)], silent=True))


def test_a_fetch_that_is_cancelled_ends_at_once_and_keeps_what_came(tmp_path: Path) -> None:
    site = Site([reply(200, CONTENT[:4], length=10)], silent=True)

    async def work() -> float:
        loop = asyncio.get_running_loop()
        came = asyncio.Event()

        async with running(site) as files:

            def tell(_event: Progress) -> None:
                loop.call_soon_threadsafe(came.set)

            task = asyncio.create_task(files.fetch(site.url, part, subject="a", progress=tell))
            await came.wait()
            began_s = loop.time()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return loop.time() - began_s

    part = opened(tmp_path)
    try:
        assert asyncio.run(work()) < 0.4
        assert part.size_bytes == 4
    finally:
        part.close()


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    piece, pieces = os.urandom(1 << 20), 48

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply(200, length=pieces * len(piece)))
        for _ in range(pieces):
            writer.write(piece)
            await writer.drain()
        writer.close()

    async def work() -> int:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        files = HttpFiles(OPTIONS, parallel=1)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a"
        tracemalloc.start()
        try:
            await files.fetch(url, part, subject="a", progress=lambda _event: None)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            await files.close()
            server.close()

    part = opened(tmp_path)
    assert asyncio.run(work()) < 8 << 20
    assert part.size_bytes == pieces << 20
    part.close()


def look(site: Site) -> RemoteFile:
    async def work() -> RemoteFile:
        async with running(site) as files:
            return await files.look(site.url)

    return asyncio.run(work())


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (reply(200, b"", TAG, length=10), RemoteFile(10, '"1"')),
        (reply(200, b"", b'ETag: W/"1"\r\nLast-Modified: then\r\n', length=10), RemoteFile(10, "then")),
        (reply(200, b"", length=None), RemoteFile()),
    ],
)
def test_a_look_tells_size_and_state(answer: bytes, told: RemoteFile) -> None:
    site = Site([answer])
    assert look(site) == told
    assert site.asked[0].startswith(b"HEAD /a ")


def test_a_look_that_is_refused_tells_why() -> None:
    assert look(Site([reply(403)])).trouble.endswith("answered 403 Forbidden")
