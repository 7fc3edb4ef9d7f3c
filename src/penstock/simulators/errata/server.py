"""The errata tool as a running server: XML-RPC for everybody, and the same as JSON for those who show a ticket."""

import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from penstock.simulators.cloud.catalogue import Catalogue
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import Fault
from penstock.simulators.cloud.operations import Call, Operation, Refusal, json_answer
from penstock.simulators.cloud.server import CloudSimulator
from penstock.simulators.errata.advisories import Advisory
from penstock.simulators.thread import threaded
from penstock.simulators.xmlrpc import MethodCall, MethodFault, fault_answer, read_call, result_answer

SERVICE: Final = "/errata/errata_service"
_FAULT: Final = 100
_NO_METHOD: Final = -99
_API: Final = "/api/v1"

_Said = Callable[[Advisory], Mapping[str, Any]]
_METADATA: Final[Mapping[str, _Said]] = {
    "cdn_metadata": Advisory.cdn_metadata,
    "cdn_file_list": lambda _: {},
    "cdn_docker_file_list": lambda _: {},
    "ftp_paths": lambda _: {},
}
"""What there is of an advisory, by its name in both APIs; those that ship images of machines ship neither RPMs nor containers here."""
_METHODS: Final = {("get_ftp_paths" if name == "ftp_paths" else f"get_advisory_{name}"): said for name, said in _METADATA.items()}


class ErrataSimulator(CloudSimulator):
    """The errata tool.

    Args:
        advisories: that it has.
        now: the clock stands there; None is the real time.
        faults: what goes wrong from the start.
        host: the address to listen on.
        port: 0 is any free one.
        tls: with it the simulator speaks HTTPS, as its clients insist.

    Attributes:
        advisories: see above; others may be assigned while it runs.
        calls: the methods of XML-RPC that were called so far.
    """

    def __init__(
        self,
        advisories: Iterable[Advisory] = (),
        *,
        now: datetime | None = None,
        faults: Iterable[Fault] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.advisories: Sequence[Advisory] = tuple(advisories)
        self.calls: list[str] = []
        super().__init__(clock=SimulatorClock(now), faults=faults, host=host, port=port, tls=tls)

    def _stock(self, catalogue: Catalogue) -> None:
        """Nothing is for sale."""

    def _operations(self) -> Iterable[Operation]:
        yield Operation("POST", SERVICE, "errata.call", self._call, open=True)
        yield Operation("GET", f"{_API}/erratum/{{id}}", "errata.erratum", lambda call: json_answer(self._advisory(call).document()))
        for name, said in _METADATA.items():
            yield Operation("GET", f"{_API}/push_metadata/{name}/{{id}}.json", f"errata.{name}", self._metadata(said))

    def _metadata(self, said: _Said) -> Callable[[Call], web.Response]:
        return lambda call: json_answer(said(self._advisory(call)))

    def _advisory(self, call: Call) -> Advisory:
        found = self._find(call.path["id"])
        if found is None:
            raise Refusal(404, "NotFound", f"no advisory is called {call.path['id']}")
        return found

    def _find(self, wanted: object) -> Advisory | None:
        return next((each for each in self.advisories if each.is_called(str(wanted))), None)

    def _call(self, call: Call) -> web.Response:
        try:
            said = self._said(read_call(call.body))
        except MethodFault as fault:
            return fault_answer(fault)
        return result_answer(said, zipped=not call.strikes and "gzip" in call.request.headers.get("Accept-Encoding", ""))

    def _said(self, asked: MethodCall) -> Mapping[str, Any]:
        self.calls.append(asked.method)
        said = _METHODS.get(asked.method)
        if said is None:
            raise MethodFault(_NO_METHOD, f"Method {asked.method} missing or wrong number of parameters!")
        found = self._find(asked.argument(0, "id"))
        if found is None:
            raise MethodFault(_FAULT, f"Couldn't find Advisory {asked.argument(0, 'id')}")
        return said(found)

    def _check(self, call: Call) -> None:
        if not call.request.headers.get("Authorization", "").lower().startswith("negotiate "):
            raise Refusal(401, "Unauthorized", "a Kerberos ticket is wanted", headers={"WWW-Authenticate": "Negotiate"})

    def _refuse(self, refusal: Refusal) -> web.Response:
        return json_answer({"error": refusal.message}, status=refusal.status, headers=refusal.headers)

    def _fault(self, status: int) -> Refusal:
        return Refusal(status, "fault", "a fault that was asked for")


ErrataThread = threaded(ErrataSimulator)
"""An :class:`ErrataSimulator` for synchronous code: it serves in a thread with an event loop of its own."""
