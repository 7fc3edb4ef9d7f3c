"""Sending a snapshot, or a slice of it: ranges of files by the kernel, the rest from memory, never more than a piece at a time.

What is sent is decided before the first byte (:mod:`~penstock.servers.images.conditions`).  Where bytes do not come, or a file ends early,
the connection is cut: a client never gets a short body that looks whole.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractContextManager, aclosing, closing, nullcontext
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import BinaryIO, Final

import structlog
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from penstock.imageservice.overlay import Bytes, FileRange, Plan, Segment, Source, Zeros
from penstock.imageservice.snapshot import Snapshot
from penstock.model.errors import PenstockError, VerificationError
from penstock.ports import HeldRange, ImageFile
from penstock.servers.images.access import Transfer, note_of
from penstock.servers.images.answers import plain
from penstock.servers.images.conditions import decide
from penstock.servers.images.kernel import CannotSend, KernelSender
from penstock.servers.images.pagecache import is_cold, warm
from penstock.servers.images.repeats import SMALL_BYTES

_WINDOW_BYTES: Final = 8 << 20
"""A file that may be remote, or not be in memory, is asked for this much at a time."""

_PIECE_BYTES: Final = 128 << 10
"""What is read into memory at a time, for TLS: two hundred clients that do not read hold two hundred pieces, and what TLS makes of them."""

_ZEROS: Final = memoryview(bytes(_PIECE_BYTES))
_log = structlog.get_logger("penstock.servers.images")


async def send(request: web.Request, snapshot: Snapshot) -> web.StreamResponse:
    """Answer with what of ``snapshot`` the request asks for.

    The answer is sent when this returns, but for what is one write.  A client that goes away is no error.

    Raises:
        PenstockError: the first bytes do not come; nothing is sent yet.
    """
    size = snapshot.plan.size_bytes
    headers = {"ETag": snapshot.etag}
    if snapshot.last_modified_s:
        headers["Last-Modified"] = _http_date(snapshot.last_modified_s)
    decision = decide(
        request.method, request.headers, etag=snapshot.etag, last_modified_s=snapshot.last_modified_s, size_bytes=snapshot.plan.size_bytes
    )
    if decision.status is HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        more = {"Content-Range": decision.content_range} if decision.content_range else {}
        return plain(decision.status, decision.body, nosniff=True, headers=more)
    if decision.status in {HTTPStatus.NOT_MODIFIED, HTTPStatus.PRECONDITION_FAILED}:
        return plain(decision.status, headers=headers)
    headers |= {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f"attachment; filename={snapshot.file_name}",
        "Content-Type": snapshot.content_type,
    }
    if decision.content_range:
        headers["Content-Range"] = decision.content_range
    count = decision.end - decision.start
    if request.method == "HEAD" or not count:
        head = web.StreamResponse(status=decision.status, headers=headers)
        head.content_length = count
        return head
    plan = snapshot.plan if count == size else snapshot.plan.slice(decision.start, decision.end)
    if count <= SMALL_BYTES:
        body, local = await _small(plan, snapshot.files)
        if decision.status is HTTPStatus.PARTIAL_CONTENT and local is not None:
            note_of(request).repeats = (snapshot, local)
        return web.Response(status=decision.status, body=body, headers=headers)
    await _first_window(plan, snapshot.files)
    response = web.StreamResponse(status=decision.status, headers=headers)
    response.content_length = count
    await _send_body(request, response, plan, snapshot.files)
    return response


@lru_cache(maxsize=1024)
def _http_date(at_s: int) -> str:
    return formatdate(at_s, usegmt=True)


async def _first_window(plan: Plan, files: Mapping[Source, ImageFile]) -> None:
    """Bring the first bytes before anything is said: as long as no header is sent, a failure is an answer like any other."""
    for segment in plan.segments[:8]:
        if isinstance(segment, FileRange):
            with _held(await files[segment.source].ensure(segment.offset, min(segment.length, _WINDOW_BYTES))):
                return


async def _send_body(request: web.Request, response: web.StreamResponse, plan: Plan, files: Mapping[Source, ImageFile]) -> None:
    note = note_of(request)
    note.ending, note.status = Transfer.CUT, response.status
    try:
        writer = await response.prepare(request)
        transport = request.transport
        if writer is None or transport is None:
            note.ending = Transfer.CLIENT_LEFT
            return
        await writer.drain()  # the headers, so that the kernel comes behind them
        with KernelSender(transport) if transport.get_extra_info("sslcontext") is None else nullcontext() as kernel:
            body = _Body(transport, writer, kernel, files)
            try:
                for segment in plan.segments:
                    await body.send(segment)
                    note.sent_bytes += segment.length
                await writer.drain()
            finally:
                note.sent_bytes += body.unfinished_bytes
        note.ending = Transfer.WHOLE
    except asyncio.CancelledError:
        note.ending = Transfer.CLIENT_LEFT
        raise
    except ConnectionError:
        note.ending = Transfer.CLIENT_LEFT
        _cut(request)
    except PenstockError as error:
        _log.error("a transfer was cut", error=error.message, subject=error.subject or None, hint=error.hint or None)
        _cut(request)
    except OSError as error:
        _log.error("a transfer was cut", error=error.strerror)
        _cut(request)


def _cut(request: web.Request) -> None:
    """End the connection so that the client sees it: the length that was promised is not reached, and nothing follows."""
    if request.transport is not None:
        request.transport.abort()


@dataclass(slots=True)
class _Body:
    """The body of one answer.

    Attributes:
        transport: of the connection.
        writer: of the answer; its headers are sent.
        kernel: sends on it, or None where it has TLS.
        files: the open file of each source.
        unfinished_bytes: what was sent of a segment that was not finished.
    """

    transport: asyncio.Transport
    writer: AbstractStreamWriter
    kernel: KernelSender | None
    files: Mapping[Source, ImageFile]
    unfinished_bytes: int = 0

    async def send(self, segment: Segment) -> None:
        """Send one segment; returns when no more than a piece of it is in memory."""
        self.unfinished_bytes = 0
        if isinstance(segment, FileRange) and segment.length > SMALL_BYTES and self.kernel is not None:
            await self._send_file(segment, self.kernel)
        else:
            async with aclosing(_segment_pieces(segment, self.files)) as pieces:
                async for piece in pieces:
                    await self._write(piece)
        self.unfinished_bytes = 0

    async def _write(self, piece: bytes | memoryview) -> None:
        await self.writer.write(piece)
        await self.writer.drain()
        self.unfinished_bytes += len(piece)

    async def _send_file(self, segment: FileRange, kernel: KernelSender) -> None:
        file = self.files[segment.source]
        async with aclosing(_windows(file, segment)) as windows:
            async for offset, count in windows:
                if self.transport.is_closing():
                    raise ConnectionResetError
                try:
                    sent = await kernel.send(file.file.fileno(), offset, count)
                except CannotSend:
                    async for piece in _range_pieces(file.file, segment.source, offset, count):
                        await self._write(piece)
                    continue
                self.unfinished_bytes += sent
                if sent != count:
                    raise _ends_early(segment.source)


async def _small(plan: Plan, files: Mapping[Source, ImageFile]) -> tuple[bytes, Source | None]:
    """All bytes of a small plan, and their file if they are of one that is local and in memory: a thousand times for each client."""
    if len(plan.segments) == 1 and isinstance(segment := plan.segments[0], FileRange):
        file = files[segment.source]
        held = await file.ensure(segment.offset, segment.length)
        with _held(held):
            piece = _in_memory(file.file.fileno(), segment.length, segment.offset)
        if piece is not None and len(piece) == segment.length:
            return bytes(piece), segment.source if held is None else None
    found: list[bytes | memoryview] = []
    for segment in plan.segments:
        async with aclosing(_segment_pieces(segment, files)) as pieces:
            found += [piece async for piece in pieces]
    return b"".join(found), None


async def _segment_pieces(segment: Segment, files: Mapping[Source, ImageFile]) -> AsyncGenerator[bytes | memoryview, None]:
    match segment:
        case Bytes(content=content):
            view = memoryview(content)
            for start in range(0, len(view), _PIECE_BYTES):
                yield view[start : start + _PIECE_BYTES]
        case Zeros(length=length):
            for start in range(0, length, _PIECE_BYTES):
                yield _ZEROS[: min(_PIECE_BYTES, length - start)]
        case FileRange():
            file = files[segment.source]
            async with aclosing(_windows(file, segment)) as windows:
                async for offset, count in windows:
                    async for piece in _range_pieces(file.file, segment.source, offset, count):
                        yield piece


async def _range_pieces(file: BinaryIO, source: Source, offset: int, count: int) -> AsyncIterator[bytes | memoryview]:
    descriptor, end = file.fileno(), offset + count
    while offset < end:
        wanted = min(_PIECE_BYTES, end - offset)
        piece: bytes | memoryview | None = _in_memory(descriptor, wanted, offset)
        if not piece:
            piece = await asyncio.to_thread(os.pread, descriptor, wanted, offset)
        if not piece:
            raise _ends_early(source)
        yield piece
        offset += len(piece)


def _in_memory(descriptor: int, count: int, offset: int) -> memoryview | None:
    """What the kernel has in memory of these bytes, without waiting for a disk; None where it has none of it."""
    buffer = bytearray(count)
    try:
        read = os.preadv(descriptor, [buffer], offset, os.RWF_NOWAIT)
    except OSError:  # would wait, or the file system cannot tell
        return None
    return memoryview(buffer)[:read]


async def _windows(file: ImageFile, segment: FileRange) -> AsyncGenerator[tuple[int, int], None]:
    """The windows of a range, each once it is here; it stays until the next one is asked for.

    Where one had to be fetched or read from a disk, the next one comes meanwhile.
    """
    end = segment.offset + segment.length
    ahead: asyncio.Task[_Window] | None = None
    try:
        for offset in range(segment.offset, end, _WINDOW_BYTES):
            window = await (ahead or _window(file, offset, end))
            ahead = None
            with _held(window.held):
                following = offset + _WINDOW_BYTES
                if window.had_to_come and following < end:
                    ahead = asyncio.create_task(_window(file, following, end))
                yield offset, min(_WINDOW_BYTES, end - offset)
    finally:
        if ahead is not None:
            ahead.cancel()
            (left,) = await asyncio.gather(ahead, return_exceptions=True)
            if isinstance(left, _Window) and left.held is not None:
                left.held.close()


@dataclass(frozen=True, slots=True)
class _Window:
    """A window that is here, and in memory where the kernel can tell."""

    held: HeldRange | None
    had_to_come: bool


async def _window(file: ImageFile, offset: int, end: int) -> _Window:
    count = min(_WINDOW_BYTES, end - offset)
    held = await file.ensure(offset, count)
    try:
        cold = is_cold(file, offset, count)
        if cold:
            await asyncio.to_thread(warm, file, offset, count)
    except BaseException:
        if held is not None:
            held.close()
        raise
    return _Window(held, held is not None or cold)


def _held(held: HeldRange | None) -> AbstractContextManager[object]:
    """Gives it back in the end."""
    return nullcontext() if held is None else closing(held)


def _ends_early(source: Source) -> VerificationError:
    return VerificationError("the file ends before its size", subject=source.name, hint="it was changed while it was read")
