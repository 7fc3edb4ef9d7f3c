"""An OCI distribution server, in process: OCI distribution-spec 1.1 with the Docker token flow.

::

    async with RegistrySimulator(storage=DirectoryStorage(folder), auth=TokenAuth({"user": "password"})) as registry:
        ...  # push to registry.host, ask registry.requests what came

    with RegistryThread(faults=[Fault(FaultKind.FLIP_BIT, match=str(digest))]) as registry:
        ...  # the same, from synchronous code

Left out on purpose: schema 1 manifests, multipart ranges, proxying, garbage collection while it runs (unreferenced content goes when a
directory is opened again).
"""

from penstock.simulators.registry.auth import Auth, BasicAuth, TokenAuth
from penstock.simulators.registry.directory import DirectoryStorage
from penstock.simulators.registry.faults import Fault, FaultKind, FaultPlan
from penstock.simulators.registry.journal import Request
from penstock.simulators.registry.memory import MemoryStorage
from penstock.simulators.registry.server import RegistrySimulator
from penstock.simulators.registry.storage import Storage, flip_bit
from penstock.simulators.registry.thread import RegistryThread

__all__ = [
    "Auth",
    "BasicAuth",
    "DirectoryStorage",
    "Fault",
    "FaultKind",
    "FaultPlan",
    "MemoryStorage",
    "RegistrySimulator",
    "RegistryThread",
    "Request",
    "Storage",
    "TokenAuth",
    "flip_bit",
]
