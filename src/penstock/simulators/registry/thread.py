"""The registry as a running server for synchronous code: in a thread of its own."""

import ssl
from collections.abc import Iterable

from penstock.simulators.registry.auth import Auth
from penstock.simulators.registry.faults import Fault
from penstock.simulators.registry.server import RegistrySimulator
from penstock.simulators.registry.storage import Storage
from penstock.simulators.thread import SimulatorThread


class RegistryThread(SimulatorThread[RegistrySimulator]):
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
        super().__init__(
            RegistrySimulator(storage=storage, auth=auth, faults=faults, redirect_blobs=redirect_blobs, host=host, port=port, tls=tls)
        )
