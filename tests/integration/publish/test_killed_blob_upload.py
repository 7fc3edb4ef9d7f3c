"""An upload into a storage account that is killed, as a process, again and again."""

import asyncio
import hashlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.contract.azureblobs.blobpush import push_file

from penstock.adapters.azure.blobs import AzureBlobClient
from penstock.adapters.azure.storageaccount import BlobOptions, parse_connection_string
from penstock.adapters.clock import SystemClock
from penstock.formats.vhd import VhdFooter
from penstock.simulators.azureblobs import AzureBlobsSimulator, AzureBlobsThread
from penstock.simulators.cloud import Fault

pytestmark = pytest.mark.integration

MIB = 1 << 20
SIZE = 128 * MIB
KILLS = 6
ROOT = Path(__file__).parents[3]


@pytest.fixture
def vhd(tmp_path: Path) -> Path:
    """64 MiB of data in 128."""
    path = tmp_path / "rhel.vhd"
    with path.open("wb") as file:
        for start in range(0, SIZE, 8 * MIB):
            file.seek(start)
            file.write(os.urandom(4 * MIB))
        file.seek(SIZE)
        file.write(VhdFooter(size_bytes=SIZE).encode())
    return path


def _killed(simulator: AzureBlobsSimulator, vhd: Path, state: Path, after_pages: int) -> None:
    """The program as a process, killed as soon as so many pages were sent, if it is not over by then."""
    words = [sys.executable, "-m", "tests.contract.azureblobs.blobpush", str(vhd), str(state)]
    environment = {**os.environ, "STORAGE": simulator.connection_string}
    process = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until_s = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until_s:
        if sum("comp" in each.query and each.query["comp"] == "page" for each in list(simulator.requests)) >= after_pages:
            break
        time.sleep(0.01)
    process.kill()
    process.wait()


def test_an_upload_that_is_killed_again_and_again_converges_without_a_second_upload(vhd: Path, tmp_path: Path) -> None:
    chance = random.Random(7)
    with AzureBlobsThread(faults=[Fault.parse("slow=0.05@comp=page")]) as simulator:
        for _ in range(KILLS):
            before = sum(each.query.get("comp") == "page" for each in list(simulator.requests))
            _killed(simulator, vhd, tmp_path / "state", before + chance.randrange(1, 5))
        assert "pubupload/rhel.vhd" in simulator.blobs

        async def last() -> None:
            client = AzureBlobClient(parse_connection_string(simulator.connection_string), BlobOptions(), SystemClock())
            try:
                assert (await push_file(client, vhd, tmp_path / "state", "pubupload")).end.failure is None
            finally:
                await client.close()

        asyncio.run(last())
        blob = simulator.blobs["pubupload/rhel.vhd"]
        assert blob.metadata["penstock_state"] == "complete"
        assert hashlib.sha256(simulator.read("pubupload/rhel.vhd")).hexdigest() == blob.metadata["penstock_sha256"]
        # What was on its way at a kill may be sent again, and nothing else is.
        assert blob.bytes_written <= 64 * MIB + 512 + KILLS * 16 * 4 * MIB
        assert sum(each.method == "PUT" and not each.query for each in simulator.requests) == 1
