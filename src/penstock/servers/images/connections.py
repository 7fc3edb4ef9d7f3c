"""Connections: each has three seconds to say what it wants, and ends well when the server stops.

aiohttp knows neither; this protocol stands between its own and the transport, and sees the same bytes.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from aiohttp import web

from penstock.servers.images.repeats import HEAD_END, LIFE_S, Repeat

HEADER_TIMEOUT_S: Final = 3.0
_TLS_BUFFER_BYTES: Final = 64 << 10
_log = structlog.get_logger("penstock.servers.images")


class Connections:
    """Those of one server."""

    def __init__(self, header_timeout_s: float = HEADER_TIMEOUT_S) -> None:
        """None yet; ``header_timeout_s`` is counted from the first byte of a request, of the first one from the connection on."""
        self.header_timeout_s = header_timeout_s
        self.is_draining = False
        self._open: set[Connection] = set()
        self._all_lost = asyncio.Event()
        self._all_lost.set()

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def made(self, connection: "Connection") -> None:
        """Called by each when it opens."""
        self._open.add(connection)
        self._all_lost.clear()
        if self.is_draining:
            connection.drain()

    def lost(self, connection: "Connection") -> None:
        """Called by each when it is closed."""
        self._open.discard(connection)
        if not self._open:
            self._all_lost.set()

    async def drain(self, deadline_s: float | None) -> None:
        """Close idle connections now, the others after their answer; after ``deadline_s``, if it is given, cut what still runs."""
        self.is_draining = True
        if self._open:
            _log.info(
                "the service stops: no connection is taken any more, and answers that are being sent are let end", open=len(self._open)
            )
        for connection in list(self._open):
            connection.drain()
        try:
            await asyncio.wait_for(self._all_lost.wait(), deadline_s)
        except TimeoutError:
            _log.warning("transfers are cut: their time is over", open=len(self._open))
            for connection in list(self._open):
                connection.abort()
            await self._all_lost.wait()


class Connection(asyncio.Protocol):
    """One connection; everything goes on to aiohttp's own protocol."""

    def __init__(self, inner: web.RequestHandler, connections: Connections) -> None:
        """Stand in front of ``inner``."""
        self._inner = inner
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._headers_by_s: float | None = None
        """When the headers that are awaited must be here, by the loop's clock; None while none are."""
        self._is_busy = False
        self._has_bytes = False
        """Whether something came that belongs to no request that has begun."""
        self._is_mixed = False
        """Whether anything ever came but one whole request after the answer to the one before it."""
        self._whole_request = b""
        """The request that runs or ran last, where it came so."""
        self._repeat: Repeat | None = None
        self._forgetting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for headers."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        # Nothing waits in memory for a client that does not read, but for what TLS has in the works.
        if transport.get_extra_info("sslcontext") is None:
            transport.set_write_buffer_limits(high=0)
        else:
            transport.set_write_buffer_limits(high=_TLS_BUFFER_BYTES)
        self._inner.connection_made(transport)
        self._await_headers()
        self._connections.made(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request came."""
        if self._is_busy or self._has_bytes or data.find(HEAD_END) != len(data) - len(HEAD_END):
            # Several requests at a time, one in pieces, or one with a body: from now on only aiohttp knows which bytes are whose.
            self._is_mixed, self._whole_request, self._repeat = True, b"", None
        elif not self._is_mixed:
            if self._repeat is not None and self._is_repeated(self._repeat, data):
                return
            self._whole_request, self._repeat = data, None
        self._has_bytes = True
        if not self._is_busy:
            self._await_headers()
        self._inner.data_received(data)

    def remember(self, make: Callable[[bytes], Repeat | None]) -> None:
        """Answer requests like the one that runs without the application, for a while; ``make`` is given its bytes."""
        if self._whole_request and not self._has_bytes:
            self._repeat = make(self._whole_request)
            if self._repeat is not None and self._forgetting is None:
                self._forgetting = asyncio.get_running_loop().call_later(LIFE_S, self._forget)

    def _forget(self) -> None:
        """Let go of what is too old to be repeated: an image that was taken away closes its file when nobody has it any more."""
        self._forgetting = None
        if self._repeat is not None and not self._repeat.is_over:
            self._forgetting = asyncio.get_running_loop().call_later(LIFE_S, self._forget)
        else:
            self._repeat = None

    def _is_repeated(self, repeat: Repeat, data: bytes) -> bool:
        """Answer, if it is one that can be answered so, and its client takes what it gets."""
        transport = self._transport
        if transport is None or transport.is_closing() or transport.get_write_buffer_size() or self._connections.is_draining:
            return False
        answer = repeat.answer(data)
        if answer is not None:
            transport.write(answer)
        return answer is not None

    def eof_received(self) -> None:
        """The client will send no more: it went away, and the transport closes."""
        self._inner.eof_received()

    def pause_writing(self) -> None:
        """The client does not read as fast as it is written to."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """It does again."""
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        for timer in (self._timer, self._forgetting):
            if timer is not None:
                timer.cancel()
        self._repeat = None
        self._inner.connection_lost(exc)
        self._transport = None
        self._connections.lost(self)

    def request_began(self) -> None:
        """The headers of a request are read."""
        self._headers_by_s = None
        self._is_busy, self._has_bytes = True, False
        if self._connections.is_draining:
            self._inner.close()

    def request_ended(self) -> None:
        """It is answered, but for what aiohttp writes by itself."""
        self._is_busy = False
        if self._has_bytes:
            self._await_headers()

    def drain(self) -> None:
        """Close as soon as no request runs; a request that is arriving counts as one."""
        if self._is_busy:
            self._inner.close()
        elif not self._has_bytes and self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Cut it."""
        if self._transport is not None:
            self._transport.abort()

    def _await_headers(self) -> None:
        if self._headers_by_s is not None:
            return
        loop = asyncio.get_running_loop()
        self._headers_by_s = loop.time() + self._connections.header_timeout_s
        # One timer for as many requests as come meanwhile: a thousand small ones do not make and cancel a thousand.
        if self._timer is None:
            self._timer = loop.call_at(self._headers_by_s, self._look)

    def _look(self) -> None:
        """Cut the connection if its headers are late; else look again when they would be."""
        self._timer = None
        if self._headers_by_s is None:
            return
        loop = asyncio.get_running_loop()
        if loop.time() >= self._headers_by_s:
            self.abort()
        else:
            self._timer = loop.call_at(self._headers_by_s, self._look)


def connection_of(request: web.Request) -> Connection | None:
    """The connection that a request came on; None where it is gone."""
    protocol = request.transport.get_protocol() if request.transport is not None else None
    return protocol if isinstance(protocol, Connection) else None
