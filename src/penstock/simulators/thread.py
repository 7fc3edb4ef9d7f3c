"""A simulator for synchronous code: it serves in a thread with an event loop of its own."""

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, ParamSpec, Protocol, Self, TypeVar


class Served(Protocol):
    """What serves while its context is open."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


S = TypeVar("S", bound=Served)
P = ParamSpec("P")


class SimulatorThread(Generic[S]):
    """Opens ``simulator`` in a thread; entering gives the simulator, whose attributes may be read and changed from any thread."""

    def __init__(self, simulator: S) -> None:
        self._simulator = simulator
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=type(simulator).__name__, daemon=True)

    def __enter__(self) -> S:
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


def threaded(make: Callable[P, S]) -> Callable[P, SimulatorThread[S]]:
    """A simulator's class, made into one for synchronous code; it takes the same arguments."""

    def start(*args: P.args, **keywords: P.kwargs) -> SimulatorThread[S]:
        return SimulatorThread(make(*args, **keywords))

    return start
