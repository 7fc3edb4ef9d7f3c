"""Pub as a running server: the files that tasks left in their logs."""

import ssl
from collections.abc import Iterable, Mapping
from datetime import datetime

from aiohttp import web

from penstock.simulators.cloud.catalogue import Catalogue
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import Fault
from penstock.simulators.cloud.operations import Call, Operation, Refusal, json_bytes
from penstock.simulators.cloud.server import CloudSimulator
from penstock.simulators.thread import threaded


class PubSimulator(CloudSimulator):
    """Pub; nobody has to say who asks.

    Args:
        tasks: by their number the files of their logs, by name: ``images.json`` (what a push made) or ``clouds.json``.
        now: the clock stands there; None is the real time.
        faults: what goes wrong from the start.
        host: the address to listen on.
        port: 0 is any free one.
        tls: with it the simulator speaks HTTPS.

    Attributes:
        tasks: see above; others may be assigned while it runs.
    """

    def __init__(
        self,
        tasks: Mapping[int, Mapping[str, bytes]],
        *,
        now: datetime | None = None,
        faults: Iterable[Fault] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.tasks = tasks
        super().__init__(clock=SimulatorClock(now), faults=faults, host=host, port=port, tls=tls)

    def _stock(self, catalogue: Catalogue) -> None:
        """Nothing is for sale."""

    def _operations(self) -> Iterable[Operation]:
        yield Operation("GET", "/pub/task/{task}/log/{name}", "pub.log", self._log)

    def _log(self, call: Call) -> web.Response:
        number, name = call.path["task"], call.path["name"]
        content = self.tasks.get(int(number), {}).get(name) if number.isascii() and number.isdecimal() else None
        if content is None:
            raise Refusal(404, "NotFound", f"task {number} has no {name}")
        if call.query.get("format") != "raw":  # the real one shows a page around it
            return web.Response(text=f"<html><pre>{len(content)} bytes</pre></html>", content_type="text/html")
        return json_bytes(content)

    def _check(self, call: Call) -> None:
        """Everybody may ask."""

    def _refuse(self, refusal: Refusal) -> web.Response:
        return web.Response(text=f"{refusal.message}\n", status=refusal.status, headers=refusal.headers)

    def _fault(self, status: int) -> Refusal:
        return Refusal(status, "fault", "a fault that was asked for")


PubThread = threaded(PubSimulator)
"""A :class:`PubSimulator` for synchronous code: it serves in a thread with an event loop of its own."""
