"""Sending stored bytes: whole or one range (RFC 9110 section 14), right or with a fault.

Undamaged content that stands in a file is sent by the kernel (``sendfile``); everything else goes through memory in pieces.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from penstock.simulators.registry.faults import Fault, FaultKind, FaultPlan
from penstock.simulators.registry.refusal import ErrorCode, Refusal
from penstock.simulators.registry.storage import CHUNK_BYTES, FileContent, MemoryContent, Source, Storage

_STALL_S = 24 * 3600.0
_SLOW_STEPS_PER_S = 10
_DEFAULT_SLOW_BYTES_PER_S = 65536


@dataclass(frozen=True, slots=True)
class _Flipped:
    """Content with one turned bit."""

    source: Source
    at_bytes: int

    @property
    def size_bytes(self) -> int:
        return self.source.size_bytes

    def read(self, offset_bytes: int, count_bytes: int, /) -> bytes:
        chunk = self.source.read(offset_bytes, count_bytes)
        place = self.at_bytes - offset_bytes
        if not 0 <= place < len(chunk):
            return chunk
        return chunk[:place] + bytes([chunk[place] ^ 1]) + chunk[place + 1 :]


@dataclass(frozen=True, slots=True)
class _Appended:
    """Content with more behind it."""

    source: Source
    extra: bytes

    @property
    def size_bytes(self) -> int:
        return self.source.size_bytes + len(self.extra)

    def read(self, offset_bytes: int, count_bytes: int, /) -> bytes:
        chunk = self.source.read(offset_bytes, count_bytes)
        start = max(0, offset_bytes + len(chunk) - self.source.size_bytes)
        return chunk + self.extra[start : start + count_bytes - len(chunk)]


class Sender:
    """Answers GET and HEAD for content.

    Args:
        storage: where the blobs are that are sent in place of others.
        faults: what goes wrong.
    """

    def __init__(self, storage: Storage, faults: FaultPlan) -> None:
        self._storage = storage
        self._faults = faults

    async def send(self, request: web.Request, content: MemoryContent | FileContent, headers: Mapping[str, str]) -> web.StreamResponse:
        """Answer ``request`` with ``content``; ``headers`` must hold an ETag."""
        if headers["ETag"] in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers={"ETag": headers["ETag"]})
        faults = self._faults.take_body(request.method, request.path_qs)
        if not faults and isinstance(content, FileContent) and "If-Range" not in request.headers:
            return web.FileResponse(content.path, chunk_size=CHUNK_BYTES, headers=headers)
        source: Source = content
        for fault in faults:
            source = self._damage(source, fault)
        return await _stream(request, source, headers, {fault.kind: fault for fault in faults})

    def _damage(self, source: Source, fault: Fault) -> Source:
        match fault.kind:
            case FaultKind.FLIP_BIT:
                return _Flipped(source, source.size_bytes // 2 if fault.amount is None else fault.amount)
            case FaultKind.APPEND:
                return _Appended(source, fault.extra or bytes(1 if fault.amount is None else fault.amount))
            case FaultKind.SWAP_BLOB:
                other = self._storage.find_content(fault.other) if fault.other else None
                if other is None:
                    raise Refusal(500, ErrorCode.UNKNOWN, "the blob to be swapped in is not stored")
                return other
        return source


async def _stream(
    request: web.Request, source: Source, headers: Mapping[str, str], faults: Mapping[FaultKind, Fault]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={**headers, "Accept-Ranges": "bytes"})
    start, stop = 0, source.size_bytes
    wants_range = "Range" in request.headers and request.headers.get("If-Range", headers["ETag"]) == headers["ETag"]
    if wants_range and FaultKind.IGNORE_RANGE not in faults:
        start, stop = _requested_range(request, source.size_bytes)
        response.set_status(206)
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{source.size_bytes}"
    response.content_length = max(0, stop - start + _amount(faults, FaultKind.LIE_CONTENT_LENGTH, otherwise=0, default=1))
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    for kind in (FaultKind.CUT_AFTER, FaultKind.STALL_AFTER):
        if kind in faults:
            stop = min(stop, start + _amount(faults, kind, otherwise=0, default=0))
    await _write(response, source, start, stop, _amount(faults, FaultKind.SLOW, otherwise=0, default=_DEFAULT_SLOW_BYTES_PER_S))
    if FaultKind.STALL_AFTER in faults:
        await _stall(request)
    if request.transport is not None and {FaultKind.CUT_AFTER, FaultKind.STALL_AFTER, FaultKind.LIE_CONTENT_LENGTH} & faults.keys():
        # Not abort(): what is in the buffer still goes out, then the connection ends.
        request.transport.close()
    return response


async def _write(response: web.StreamResponse, source: Source, start: int, stop: int, rate_bytes_per_s: int) -> None:
    step = max(1, rate_bytes_per_s // _SLOW_STEPS_PER_S) if rate_bytes_per_s else CHUNK_BYTES
    for offset in range(start, stop, step):
        if rate_bytes_per_s:
            await asyncio.sleep(1 / _SLOW_STEPS_PER_S)
        await response.write(await asyncio.to_thread(source.read, offset, min(step, stop - offset)))


async def _stall(request: web.Request) -> None:
    """Wait until the client has gone; a server that ends cancels this."""
    waited_s = 0.0
    while waited_s < _STALL_S and request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.1)
        waited_s += 0.1


def _amount(faults: Mapping[FaultKind, Fault], kind: FaultKind, *, otherwise: int, default: int) -> int:
    if kind not in faults:
        return otherwise
    amount = faults[kind].amount
    return default if amount is None else amount


def _requested_range(request: web.Request, size_bytes: int) -> tuple[int, int]:
    """The range as (first byte, byte after the last), or 416; several ranges at once are not served."""
    try:
        asked = request.http_range
    except ValueError:
        asked = slice(size_bytes, None)
    start = 0 if asked.start is None else asked.start
    start = max(0, start + size_bytes) if start < 0 else start
    stop = size_bytes if asked.stop is None else min(asked.stop, size_bytes)
    if start >= stop:
        raise Refusal(416, ErrorCode.SIZE_INVALID, "the range is not in the content", headers={"Content-Range": f"bytes */{size_bytes}"})
    return start, stop
