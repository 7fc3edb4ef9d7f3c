"""``penstock simulate azure-blobs`` as a program, with the client of the product."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.adapters.azure.blobs import AzureBlobClient
from penstock.adapters.azure.storageaccount import BlobOptions, parse_connection_string
from penstock.adapters.clock import SystemClock
from penstock.adapters.http.options import HttpOptions
from penstock.model.push.blobs import BlobName, copy_marks

if TYPE_CHECKING:
    from tests.integration.conftest import Run


def test_the_program_serves_the_account_that_its_help_tells_and_ends_well(tmp_path: Path) -> None:
    file = tmp_path / "rhcos.vhd"
    file.write_bytes(b"x" * 1024)
    options = ["--container", "images", "--source", f"https://rhcos.example/a.vhd={file}"]
    command = [sys.executable, "-m", "penstock", "simulate", "azure-blobs", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        account = parse_connection_string(f"AccountName=simulated;AccountKey=c2ltdWxhdGVk;BlobEndpoint={address}/simulated")

        async def scenario() -> bytes:
            client = AzureBlobClient(account, BlobOptions(http=HttpOptions(environment={})), SystemClock())
            try:
                at = BlobName("images", "a.vhd")
                await client.start_copy(at, "https://rhcos.example/a.vhd", copy_marks("https://rhcos.example/a.vhd", {}))
                return await client.read(at, 0, 4096)
            finally:
                await client.close()

        assert asyncio.run(scenario()) == b"x" * 1024
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.communicate(timeout=20)


def test_a_source_without_a_file_is_refused(run: "Run") -> None:
    done = run("simulate", "azure-blobs", "--source", "https://rhcos.example/a.vhd=/nowhere")
    assert done.code == 2
