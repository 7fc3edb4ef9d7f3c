"""Two storage accounts: our simulator, and Azurite, Microsoft's own, where it is installed (``azurite-blob``, or ``PENSTOCK_AZURITE``)."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from penstock.adapters.azure.blobs import AzureBlobClient
from penstock.adapters.azure.storageaccount import BlobOptions, parse_connection_string
from penstock.adapters.http.options import HttpOptions, Retries
from penstock.ports.azureblobs import AzureBlobs
from penstock.simulators.azureblobs import AzureBlobsThread
from penstock.simulators.cloud import SimulatorClock

_STARTS_WITHIN_S = 60.0
# Of Azurite's documentation; it opens nothing else.
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

Opened = Callable[[], AbstractAsyncContextManager[AzureBlobs]]


@dataclass(frozen=True)
class Storage:
    """An account.

    Attributes:
        connection_string: of it.
        name: of the implementation.
    """

    connection_string: str
    name: str


def _azurite_program() -> str | None:
    return os.environ.get("PENSTOCK_AZURITE") or shutil.which("azurite-blob")


def _azurite(program: str) -> Iterator[Storage]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    arguments = ["--inMemoryPersistence", "--silent", "--disableTelemetry", "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    process = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        address = f"http://127.0.0.1:{port}/devstoreaccount1"
        yield Storage(f"AccountName=devstoreaccount1;AccountKey={_KEY};BlobEndpoint={address}", "azurite")
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    until_s = time.monotonic() + _STARTS_WITHIN_S
    while process.poll() is None and time.monotonic() < until_s:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("Azurite does not start")


@pytest.fixture(scope="session", params=["simulator", "azurite"])
def storage(request: pytest.FixtureRequest) -> Iterator[Storage]:
    """An account that all tests share; each has a container of its own."""
    if request.param == "simulator":
        with AzureBlobsThread(page_entries=3) as simulator:
            yield Storage(simulator.connection_string, "simulator")
        return
    program = _azurite_program()
    if program is None or not Path(program).exists():
        pytest.skip("Azurite is not installed: npm install --global azurite, or name azurite-blob by PENSTOCK_AZURITE")
    yield from _azurite(program)


@pytest.fixture
def opened(storage: Storage) -> Opened:
    """Opens a client of the account."""

    @asynccontextmanager
    async def client() -> AsyncIterator[AzureBlobs]:
        http = HttpOptions(retries=Retries(attempts=2, first_wait_s=0.01), environment={})
        client = AzureBlobClient(parse_connection_string(storage.connection_string), BlobOptions(http=http), SimulatorClock())
        try:
            yield client
        finally:
            await client.close()

    return client


@pytest.fixture
def container(request: pytest.FixtureRequest) -> str:
    """A name that no other test has."""
    return f"c{abs(hash(request.node.nodeid)):x}"[:20]
