"""The account as a running server."""

import ssl
import tempfile
from base64 import b64decode
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from aiohttp import web

from penstock.simulators.azureblobs.callers import Callers
from penstock.simulators.azureblobs.documents import error_document
from penstock.simulators.azureblobs.operations import BlobOperations
from penstock.simulators.azureblobs.store import BlobStore, StoredBlob
from penstock.simulators.cloud.catalogue import Catalogue
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import Fault
from penstock.simulators.cloud.operations import Call, Operation, Refusal
from penstock.simulators.cloud.server import CloudSimulator
from penstock.simulators.thread import threaded

ACCOUNT = "simulated"
KEY = "c2ltdWxhdGVk"
"""What clients sign with, in base64."""
_PAGE_ENTRIES = 5000


class AzureBlobsSimulator(CloudSimulator):
    """One storage account.

    Args:
        account: its name.
        key: in base64.
        folder: the bytes of blobs are kept there while it serves; None for a folder of its own.
        containers: that are there from the start.
        sources: files that stand for addresses elsewhere, which are copied from.
        copy_s: how long a copy takes, by the clock.
        tag_delay_s: how long searches do not know of new tags, by the clock.
        page_entries: how many entries lists have at a time.
        now: the clock stands there; None is the real time.
        faults: what goes wrong from the start.
        host: the address to listen on.
        port: 0 is any free one.
        tls: with it the simulator speaks HTTPS.

    Attributes:
        account: see above.
    """

    longest_body_bytes: ClassVar[int] = 5 << 20

    def __init__(
        self,
        *,
        account: str = ACCOUNT,
        key: str = KEY,
        folder: Path | None = None,
        containers: Iterable[str] = (),
        sources: Mapping[str, Path] | None = None,
        copy_s: float = 0.0,
        tag_delay_s: float = 0.0,
        page_entries: int = _PAGE_ENTRIES,
        now: datetime | None = None,
        faults: Iterable[Fault] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.account = account
        self._key = key
        self._folder = tempfile.TemporaryDirectory(prefix="penstock-blobs-", dir=folder)
        self._store = BlobStore(Path(self._folder.name))
        self._store.containers = {each: {} for each in containers}
        clock = SimulatorClock(now)
        self._callers = Callers(account, b64decode(key), clock)
        self._blobs = BlobOperations(
            self._store,
            self._callers,
            clock,
            copy_s=copy_s,
            tag_delay_s=tag_delay_s,
            page_entries=page_entries,
            sources=dict(sources or {}),
        )
        super().__init__(clock=clock, faults=faults, host=host, port=port, tls=tls)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End, and remove the bytes."""
        await super().__aexit__(kind, error, trace)
        self._folder.cleanup()

    async def __aenter__(self) -> Self:
        """Begin to serve.

        Raises:
            OperationError: the address cannot be listened on.
        """
        try:
            return await super().__aenter__()
        except BaseException:
            self._folder.cleanup()
            raise

    @property
    def connection_string(self) -> str:
        """For clients."""
        protocol = "http" if self._tls is None else "https"
        endpoint = f"{self.url}/{self.account}"
        return f"DefaultEndpointsProtocol={protocol};AccountName={self.account};AccountKey={self._key};BlobEndpoint={endpoint}"

    @property
    def blobs(self) -> Mapping[str, StoredBlob]:
        """Everything that stands there, by ``container/name``."""
        return {f"{container}/{name}": blob for container, blobs in self._store.containers.items() for name, blob in blobs.items()}

    def read(self, path: str) -> bytes:
        """The bytes of a blob, by ``container/name``."""
        blob = self.blobs[path]
        return blob.read(0, blob.size_bytes)

    def _stock(self, catalogue: Catalogue) -> None:
        """Nothing of a catalogue is served here."""

    def _operations(self) -> Iterable[Operation]:
        return self._blobs.operations()

    def _check(self, call: Call) -> None:
        self._callers.check(call)

    def _refuse(self, refusal: Refusal) -> web.Response:
        return error_document(refusal)

    def _fault(self, status: int) -> Refusal:
        codes = {403: "AuthorizationFailure", 500: "InternalError", 503: "ServerBusy", 504: "OperationTimedOut"}
        return Refusal(status, codes.get(status, "InternalError"), "A fault that was asked for.")


AzureBlobsThread = threaded(AzureBlobsSimulator)
"""An :class:`AzureBlobsSimulator` for synchronous code: it serves in a thread with an event loop of its own."""
