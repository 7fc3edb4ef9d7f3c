"""The registry as a running server, inside an event loop."""

import ssl
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from aiohttp import web

from penstock.model.errors import OperationError
from penstock.simulators.registry.app import content_app, registry_app
from penstock.simulators.registry.auth import Auth
from penstock.simulators.registry.blobs import ContentRoutes
from penstock.simulators.registry.faults import Fault, FaultPlan
from penstock.simulators.registry.journal import Request
from penstock.simulators.registry.memory import MemoryStorage
from penstock.simulators.registry.serving import Sender
from penstock.simulators.registry.storage import CHUNK_BYTES, Storage

_SHUTDOWN_S = 0.5


class RegistrySimulator:
    """A registry that serves while the context is open.

    Args:
        storage: its state; closed with the context.  None is memory.
        auth: who may do what; None lets everybody do everything.
        faults: what goes wrong from the start.
        redirect_blobs: answer GET of a blob with 307 to a second port.
        host: the address to listen on.
        port: 0 is any free one.
        tls: with it the registry speaks HTTPS, on both ports.
        keep_requests: write every request down; a server that runs for long should not.

    Attributes:
        storage: see above; tests put broken documents in here, and tamper.
        faults: what goes wrong; may be changed while it runs.
        requests: every request so far, in the order of their arrival, of both ports.
    """

    def __init__(
        self,
        *,
        storage: Storage | None = None,
        auth: Auth | None = None,
        faults: Iterable[Fault] = (),
        redirect_blobs: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        keep_requests: bool = True,
    ) -> None:
        self.storage = MemoryStorage() if storage is None else storage
        self.faults = FaultPlan(faults)
        self.requests: list[Request] = []
        self._journal = self.requests if keep_requests else None
        self._auth = auth
        self._redirect_blobs = redirect_blobs
        self._address = (host, port)
        self._tls = tls
        self._runners: list[web.AppRunner] = []
        self._ports: list[int] = []

    @property
    def host(self) -> str:
        """``HOST:PORT``, the registry part of a pullspec."""
        return self._host_at(-1)

    @property
    def url(self) -> str:
        """``http://HOST:PORT`` or ``https://HOST:PORT``."""
        return f"{'http' if self._tls is None else 'https'}://{self.host}"

    @property
    def content_host(self) -> str:
        """``HOST:PORT`` that blobs are redirected to; the registry's own where they are not."""
        return self._host_at(0)

    async def __aenter__(self) -> Self:
        """Begin to serve.

        Raises:
            OperationError: the address cannot be listened on.
        """
        try:
            content = None
            if self._redirect_blobs:
                content = ContentRoutes(self.storage, Sender(self.storage, self.faults))
                await self._listen(content_app(content, self._journal), 0)
            app = registry_app(
                storage=self.storage,
                auth=self._auth,
                faults=self.faults,
                requests=self._journal,
                content=content,
                content_url=self.url if content is not None else "",
            )
            await self._listen(app, self._address[1])
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End: answers under way have half a second, then they are cut."""
        await self._end()

    async def _end(self) -> None:
        for runner in reversed(self._runners):
            await runner.cleanup()
        self._runners.clear()
        self.storage.close()

    async def _listen(self, app: web.Application, port: int) -> None:
        runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_S, read_bufsize=CHUNK_BYTES, auto_decompress=False
        )
        await runner.setup()
        self._runners.append(runner)
        host = self._address[0]
        try:
            await web.TCPSite(runner, host, port, ssl_context=self._tls).start()
        except OSError as error:
            raise OperationError(f"cannot listen: {error.strerror}", subject=f"{host}:{port}", hint="port 0 takes a free one") from error
        self._ports.append(runner.addresses[0][1])

    def _host_at(self, place: int) -> str:
        host = self._address[0]
        return f"[{host}]:{self._ports[place]}" if ":" in host else f"{host}:{self._ports[place]}"
