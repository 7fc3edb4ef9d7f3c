"""A simulated cloud as a running server, inside an event loop: what all of them share."""

import inspect
import ssl
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Iterable, Mapping
from types import TracebackType
from typing import ClassVar, Self
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from penstock.model.errors import OperationError
from penstock.simulators.cloud.catalogue import Catalogue
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.delivery import deliver, wait_if_slow
from penstock.simulators.cloud.faults import Fault, FaultKind, FaultPlan
from penstock.simulators.cloud.journal import Request, without_secrets, write_down
from penstock.simulators.cloud.operations import Call, Operation, OperationTable, Refusal
from penstock.simulators.cloud.steering import STEERING, Steering

_SHUTDOWN_S = 0.5
_DEFAULT_STATUS = 503


class CloudSimulator(ABC):
    """A cloud's catalogue that serves while the context is open.

    Args:
        catalogue: what there is; each simulator serves its own part.  None is empty.
        clock: the time.
        faults: what goes wrong from the start.
        host: the address to listen on.
        port: 0 is any free one.
        tls: with it the simulator speaks HTTPS.

    Attributes:
        clock: the time; may be moved while it runs.
        faults: what goes wrong; may be changed while it runs.
        requests: every request so far, in the order of their arrival.
    """

    ignore_case: ClassVar[bool] = False
    longest_body_bytes: ClassVar[int] = 1 << 20

    def __init__(
        self,
        catalogue: Catalogue | None = None,
        *,
        clock: SimulatorClock,
        faults: Iterable[Fault] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.clock = clock
        self.faults = FaultPlan(faults)
        self.requests: list[Request] = []
        self._address = (host, port)
        self._tls = tls
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._steering = Steering(self.clock, self.faults, self.requests)
        self._catalogue = catalogue or Catalogue()
        self._stock(self._catalogue)
        self._table = OperationTable(self._operations(), ignore_case=self.ignore_case)

    @property
    def catalogue(self) -> Catalogue:
        """What there is; assigning another one changes what is served from the next request on."""
        return self._catalogue

    @catalogue.setter
    def catalogue(self, catalogue: Catalogue) -> None:
        self._stock(catalogue)
        self._catalogue = catalogue

    @property
    def host(self) -> str:
        """``HOST:PORT``."""
        host = self._address[0]
        return f"[{host}]:{self._port}" if ":" in host else f"{host}:{self._port}"

    @property
    def url(self) -> str:
        """``http://HOST:PORT`` or ``https://HOST:PORT``."""
        return f"{'http' if self._tls is None else 'https'}://{self.host}"

    async def __aenter__(self) -> Self:
        """Begin to serve.

        Raises:
            OperationError: the address cannot be listened on.
        """
        app = web.Application(client_max_size=self.longest_body_bytes)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_S)
        await runner.setup()
        host, port = self._address
        try:
            await web.TCPSite(runner, host, port, ssl_context=self._tls).start()
        except OSError as error:
            await runner.cleanup()
            raise OperationError(f"cannot listen: {error.strerror}", subject=f"{host}:{port}", hint="port 0 takes a free one") from error
        self._runner = runner
        self._port = runner.addresses[0][1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End: answers under way have half a second, then they are cut."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @abstractmethod
    def _stock(self, catalogue: Catalogue) -> None:
        """Take what is served from ``catalogue``, in the shape in which it is asked for."""

    @abstractmethod
    def _operations(self) -> Iterable[Operation]:
        """What can be asked."""

    @abstractmethod
    def _check(self, call: Call) -> None:
        """Raise a :class:`Refusal` where the credentials of ``call`` are missing or wrong."""

    @abstractmethod
    def _refuse(self, refusal: Refusal) -> web.Response:
        """The error in this cloud's wording."""

    def _refuse_in(self, refusal: Refusal, request: web.Request) -> web.Response:  # noqa: ARG002  # for a cloud whose services differ
        """The same, where the wording depends on the request."""
        return self._refuse(refusal)

    @abstractmethod
    def _fault(self, status: int) -> Refusal:
        """What this cloud says with ``status`` when it is overloaded or broken."""

    def _name(self, api: str, form: Mapping[str, str]) -> str:  # noqa: ARG002  # for a cloud whose forms say what is asked
        """The name of the operation in the request log."""
        return api

    def _public(self, request: web.Request, form: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG002  # see above
        """What of a form may stand in the request log, and is matched by faults: nothing, where forms hold secrets."""
        return {}

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if request.path.startswith(STEERING):
            return self._steering.answer(request.method, request.path, body)
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)) if request.method == "POST" else {}
        operation, path = self._table.find(request.method, request.path) or (None, {})
        public = self._public(request, form)
        self._write_down(request, public, "unknown" if operation is None else self._name(operation.api, form))
        line = request.path_qs + (("&" if request.query_string else "?") + urlencode(public) if public else "")
        line = f"{request.method} {line}"
        strikes = self.faults.take(line)
        await wait_if_slow(strikes)
        try:
            answer = self._respond(operation, Call(request, path, dict(request.query), form, body, strikes))
            response = await answer if inspect.isawaitable(answer) else answer
        except Refusal as refusal:
            response = self._refuse_in(refusal, request)
        return await deliver(request, response, strikes)

    def _respond(self, operation: Operation | None, call: Call) -> web.Response | Awaitable[web.Response]:
        for strike in call.strikes:
            if strike.kind is FaultKind.STATUS:
                refusal = self._fault(int(strike.amount(_DEFAULT_STATUS)))
                if strike.fault.retry_after_s is not None:
                    refusal.headers["Retry-After"] = str(strike.fault.retry_after_s)
                raise refusal
        if operation is None:
            method, path = call.request.method, call.request.path
            methods = self._table.methods(path)
            if methods:
                raise Refusal(405, "MethodNotAllowed", f"{method} is not allowed here", headers={"Allow": ", ".join(methods)})
            raise Refusal(404, "NotFound", f"{path} is not served here")
        if not operation.open:
            self._check(call)
        return operation.handler(call)

    def _write_down(self, request: web.Request, form: Mapping[str, str], api: str) -> None:
        scheme = request.headers.get("Authorization", "").partition(" ")[0].lower()
        query = without_secrets({**request.query, **form})
        write_down(self.requests, Request(request.method, request.path, query, self.clock.now, api, scheme))
