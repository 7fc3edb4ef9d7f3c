"""A hub of koji as a running server: XML-RPC, and the tree of files over HTTP."""

import asyncio
import ssl
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web

from penstock.simulators.cloud.catalogue import Catalogue
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import Fault, without_some
from penstock.simulators.cloud.operations import Call, Operation, Refusal
from penstock.simulators.cloud.server import CloudSimulator
from penstock.simulators.koji.builds import KojiBuild
from penstock.simulators.koji.tree import Shelf, shelve
from penstock.simulators.thread import threaded
from penstock.simulators.xmlrpc import MethodCall, MethodFault, fault_answer, read_call, result_answer, unstarred

HUB: Final = "/kojihub"
FILES: Final = "/kojifiles"
_GENERIC_FAULT: Final = 1000
_VERSION: Final = "1.36.0"
_API_VERSION: Final = 1


class KojiSimulator(CloudSimulator):
    """A hub of koji; nobody has to say who asks.

    Args:
        builds: that it has; their files are read once, when it is made, for their checksums.
        tree: the folder that becomes the top of the tree of files; None for one that goes with the simulator.
        now: the clock stands there; None is the real time.
        faults: what goes wrong from the start.
        host: the address to listen on.
        port: 0 is any free one.
        tls: with it the simulator speaks HTTPS.

    Attributes:
        basedir: the top of the tree of files, as ``basedir`` of a source wants it.
        calls: the methods that were called so far, those inside of a ``multiCall`` too.

    Raises:
        InputError: a file of a build is not there, or two builds are the same.
    """

    def __init__(
        self,
        builds: Iterable[KojiBuild] = (),
        *,
        tree: Path | None = None,
        now: datetime | None = None,
        faults: Iterable[Fault] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._builds = tuple(builds)
        self._tree = tree
        self._stack = ExitStack()
        self.basedir = tree or Path()
        self.calls: list[str] = []
        self._shelf = Shelf()
        super().__init__(clock=SimulatorClock(now), faults=faults, host=host, port=port, tls=tls)

    @property
    def hub(self) -> str:
        """The address of the hub."""
        return self.url + HUB

    @property
    def topurl(self) -> str:
        """The address of the tree of files."""
        return self.url + FILES

    async def __aenter__(self) -> Self:
        """See there; the files are put into the tree first."""
        if self._tree is None:
            self.basedir = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="koji-")))
        try:
            self._shelf = await asyncio.to_thread(shelve, self._builds, self.basedir)
            return await super().__aenter__()
        except BaseException:
            self._stack.close()
            raise

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """See there; a tree of its own goes too."""
        await super().__aexit__(kind, error, trace)
        self._stack.close()

    def _stock(self, catalogue: Catalogue) -> None:
        """Nothing is for sale."""

    def _operations(self) -> Iterable[Operation]:
        yield Operation("POST", HUB, "koji.call", self._call)
        yield Operation("POST", HUB + "/", "koji.call", self._call)
        yield Operation("GET", FILES + "/{path*}", "koji.file", self._file)

    def _check(self, call: Call) -> None:
        """Everybody may ask."""

    def _refuse(self, refusal: Refusal) -> web.Response:
        return web.Response(text=f"{refusal.status} {refusal.message}\n", status=refusal.status, headers=refusal.headers)

    def _fault(self, status: int) -> Refusal:
        return Refusal(status, "fault", "a fault that was asked for")

    def _call(self, call: Call) -> web.Response:
        try:
            said = self._method(read_call(call.body), call)
        except MethodFault as fault:
            return fault_answer(fault)
        answer = result_answer(said, zipped=not call.strikes and "gzip" in call.request.headers.get("Accept-Encoding", ""))
        answer.headers["Koji-Version"] = _VERSION
        return answer

    def _method(self, call: MethodCall, request: Call) -> Any:  # noqa: ANN401  # plain data
        self.calls.append(call.method)
        match call.method:
            case "getAPIVersion":
                return _API_VERSION
            case "getKojiVersion":
                return _VERSION
            case "getBuild":
                return self._build(call.argument(0, "buildInfo"), strict=bool(call.argument(1, "strict", default=False)))
            case "getBuildType":
                found = self._build(call.argument(0, "buildInfo"), strict=bool(call.argument(1, "strict", default=False)))
                return None if found is None else found["extra"].get("typeinfo", {})
            case "listArchives":
                return without_some(self._archives(call), request.strikes)
            case "multiCall":
                return [self._one(each, request) for each in call.argument(0, "calls")]
        raise MethodFault(_GENERIC_FAULT, f"Invalid method: {call.method}")

    def _one(self, told: object, request: Call) -> Any:  # noqa: ANN401  # plain data
        """A call inside of a ``multiCall``: a list of one result, or what a fault says."""
        if not isinstance(told, Mapping) or "methodName" not in told:
            return {"faultCode": 1, "faultString": "this is no call", "traceback": ""}
        try:
            return [self._method(unstarred(told["methodName"], told.get("params", [])), request)]
        except MethodFault as fault:
            return {"faultCode": fault.code, "faultString": fault.text, "traceback": ""}

    def _build(self, wanted: object, *, strict: bool) -> Mapping[str, Any] | None:
        found = self._shelf.build(wanted)
        if found is None and strict:
            raise MethodFault(_GENERIC_FAULT, f"No such build: {wanted!r}")
        return found

    def _archives(self, call: MethodCall) -> list[Mapping[str, Any]]:
        """Of a build, or of all; further arguments of the hub's are not known here, and are not passed over silently."""
        unknown = set(call.named) - {"buildID", "type", "filename", "strict"}
        if unknown or any(each is not None for each in call.args[1:]):
            raise MethodFault(_GENERIC_FAULT, f"not simulated: {', '.join(sorted(unknown)) or 'arguments by position'}")
        wanted = call.argument(0, "buildID")
        builds = list(self._shelf.archives) if wanted is None else [wanted]
        return [
            archive
            for build in builds
            for archive in dict(self._shelf.archives).get(build, ())
            if call.named.get("type") in (None, archive["btype"]) and call.named.get("filename") in (None, archive["filename"])
        ]

    def _file(self, call: Call) -> web.Response:
        path = (self.basedir / call.path["path"]).absolute()
        known = {self.basedir.absolute() / each.folder(archive.btype) / archive.name for each in self._builds for archive in each.archives}
        if path not in known or not path.is_file():
            raise Refusal(404, "NotFound", f"{call.path['path']} is not there")
        return web.Response(body=path.open("rb"), content_type="application/octet-stream")


KojiThread = threaded(KojiSimulator)
"""A :class:`KojiSimulator` for synchronous code: it serves in a thread with an event loop of its own."""
