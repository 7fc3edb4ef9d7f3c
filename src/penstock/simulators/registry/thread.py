"""The registry as a running server for synchronous code: in a thread of its own."""

import asyncio
import ssl
import threading
from collections.abc import Iterable
from types import TracebackType

from penstock.simulators.registry.auth import Auth
from penstock.simulators.registry.faults import Fault
from penstock.simulators.registry.server import RegistrySimulator
from penstock.simulators.registry.storage import Storage


class RegistryThread:
    """A :class:`RegistrySimulator` for synchronous code: it serves in a thread with an event loop of its own.

    Takes the same arguments.  Entering gives the simulator, whose attributes may be read and changed from any thread.
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
    ) -> None:
        self._simulator = RegistrySimulator(
            storage=storage, auth=auth, faults=faults, redirect_blobs=redirect_blobs, host=host, port=port, tls=tls
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="registry-simulator", daemon=True)

    def __enter__(self) -> RegistrySimulator:
        """Begin to serve.

        Raises:
            OperationError: the address cannot be listened on.
        """
        self._thread.start()
        try:
            return asyncio.run_coroutine_threadsafe(self._simulator.__aenter__(), self._loop).result()
        except BaseException:
            self._stop()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End, and wait until the thread has ended."""
        try:
            asyncio.run_coroutine_threadsafe(self._simulator.__aexit__(kind, error, trace), self._loop).result()
        finally:
            self._stop()

    def _stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._loop.shutdown_default_executor(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
