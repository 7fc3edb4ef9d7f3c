"""Sending an answer: whole, late, or cut."""

import asyncio
from collections.abc import Iterable

from aiohttp import web

from penstock.simulators.cloud.faults import FaultKind, Strike

_LONGEST_STALL_S = 24 * 3600.0
_LOOK_EVERY_S = 0.1


async def wait_if_slow(strikes: Iterable[Strike]) -> None:
    """Wait as long as ``slow`` faults want."""
    for strike in strikes:
        if strike.kind is FaultKind.SLOW:
            await asyncio.sleep(strike.amount(1))


async def deliver(request: web.Request, response: web.Response, strikes: Iterable[Strike]) -> web.StreamResponse:
    """``response``, or what ``cut`` and ``stall`` leave of it: a head that promises more than follows."""
    broken = next((strike for strike in strikes if strike.kind in {FaultKind.CUT, FaultKind.STALL}), None)
    body = response.body
    if broken is None or not isinstance(body, bytes):
        return response
    beginning = web.StreamResponse(status=response.status, headers=response.headers)
    beginning.content_length = len(body)
    await beginning.prepare(request)
    await beginning.write(body[: int(broken.amount(len(body) // 2))])
    if broken.kind is FaultKind.STALL:
        await _stall(request)
    if request.transport is not None:
        # Not abort(): what is in the buffer still goes out, then the connection ends.
        request.transport.close()
    return beginning


async def _stall(request: web.Request) -> None:
    """Wait until the client has gone; a server that ends cancels this."""
    waited_s = 0.0
    while waited_s < _LONGEST_STALL_S and request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(_LOOK_EVERY_S)
        waited_s += _LOOK_EVERY_S
