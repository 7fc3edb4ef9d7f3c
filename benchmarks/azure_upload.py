"""What it costs to upload a sparse VHD to Azurite: our uploader, beside ``upload_blob`` of Azure's own SDK.

``PENSTOCK_AZURITE`` names ``azurite-blob`` (else it is looked for in ``PATH``), ``PENSTOCK_AZURE_SDK`` a Python that has
``azure-storage-blob``; without that the ratios to it are not told.  Each upload is a process of its own, and goes to a container of its own
in the same Azurite; the times are those of the upload, without the start of the interpreter.  What was sent is what Get Page Ranges says
afterwards.  Ours also finds out which bytes they are (SHA-256 of the whole disk), which is told apart.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Final

from penstock.formats.vhd import VhdFooter

MIB: Final = 1 << 20
DISK_MIB: Final = 1024
DATA_MIB: Final = 128
ROUNDS: Final = 3
# Of Azurite's documentation.
_KEY: Final = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_PEAK: Final = """
import resource
def told(**values):
    print(json.dumps({**values, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""
_OURS: Final = (
    """
import asyncio, json, sys, time
from contextlib import asynccontextmanager
from pathlib import Path
from penstock.adapters.azure.blobs import AzureBlobClient
from penstock.adapters.azure.storageaccount import BlobOptions, parse_connection_string
from penstock.adapters.clock import SystemClock
from penstock.adapters.files.imagecontent import LocalImageFiles
from penstock.model.push.items import BuildInfo, PushItem, ReleaseInfo, VhdAttributes
from penstock.publish.azure.actions import UploadBlob
from penstock.publish.azure.uploading import BlobUpload, PageTurns
from datetime import date

class Notes:
    async def note(self, kind, value): pass
    async def retried(self, reason): pass
    def progress(self, _): pass

async def main(path, container, connection, state):
    store = AzureBlobClient(parse_connection_string(connection), BlobOptions(), SystemClock())
    files = LocalImageFiles(Path(state))
    release = ReleaseInfo("RHEL", date(2026, 5, 11), "x86_64")
    item = PushItem(name="disk", src=path, build=BuildInfo("rhel", "9.4", "1"), release=release, attributes=VhdAttributes())
    began = time.perf_counter()
    content = await files.measure(item, keep=True, progress=lambda _: None)
    measured = time.perf_counter()
    await store.create_container(container)
    action = UploadBlob("azure-na", container, "disk.vhd", content.digest, content.size_bytes, {})
    await BlobUpload(store, action, content, Notes(), PageTurns(16)).run(lambda: files.open(content, lambda _: None))
    ended = time.perf_counter()
    await store.close()
    told(upload_s=ended - measured, measure_s=measured - began)
"""
    + _PEAK
    + "asyncio.run(main(*sys.argv[1:]))\n"
)
_SDK: Final = (
    """
import json, os, sys, time
from azure.storage.blob import BlobServiceClient
def main(path, container, connection, state):
    service = BlobServiceClient.from_connection_string(connection, api_version="2021-12-02")
    began = time.perf_counter()
    blob = service.create_container(container).get_blob_client("disk.vhd")
    with open(path, "rb") as file:
        blob.upload_blob(file, blob_type="PageBlob", length=os.path.getsize(path), max_concurrency=16)
    told(upload_s=time.perf_counter() - began, measure_s=0.0)
"""
    + _PEAK
    + "main(*sys.argv[1:])\n"
)
_RANGES: Final = """
import asyncio, sys
from penstock.adapters.azure.blobs import AzureBlobClient
from penstock.adapters.azure.storageaccount import BlobOptions, parse_connection_string
from penstock.adapters.clock import SystemClock
from penstock.model.push.blobs import BlobName
async def main(container, connection):
    store = AzureBlobClient(parse_connection_string(connection), BlobOptions(), SystemClock())
    print(sum(each.length for each in await store.data_ranges(BlobName(container, "disk.vhd"))))
    await store.close()
asyncio.run(main(*sys.argv[1:]))
"""


@dataclass(frozen=True, slots=True)
class Uploads:
    """What uploads of one program took, the median of some.

    Attributes:
        upload_s: of wall time.
        measure_s: of wall time, before it.
        sent_mib: of pages.
        peak_mib: of memory.
    """

    upload_s: float
    measure_s: float
    sent_mib: float
    peak_mib: float


@contextmanager
def azurite(folder: Path) -> Iterator[str]:
    """The connection string of an Azurite that serves, and keeps its blobs in ``folder``."""
    program = os.environ.get("PENSTOCK_AZURITE") or shutil.which("azurite-blob")
    assert program is not None
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    words = [program, "--silent", "--disableTelemetry", "--location", str(folder), "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            time.sleep(0.1)
        yield f"AccountName=devstoreaccount1;AccountKey={_KEY};BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1"
    finally:
        process.terminate()
        process.wait()


def sparse_vhd(path: Path, disk_mib: int, data_mib: int) -> None:
    """A fixed VHD: pieces of 1 MiB of data, as far apart as can be, and holes between."""
    with path.open("wb") as file:
        for number in range(data_mib):
            file.seek(number * (disk_mib // data_mib) * MIB)
            file.write(os.urandom(MIB))
        file.seek(disk_mib * MIB)
        file.write(VhdFooter(size_bytes=disk_mib * MIB).encode())


@dataclass(frozen=True, slots=True)
class Program:
    """A program that uploads: the Python that has what it needs, its text, and its name."""

    python: str
    text: str
    name: str

    def measured(self, path: Path, connection: str, rounds: int) -> Uploads:
        """Upload some times, each into a new container and with no memory of earlier times."""
        told, sent_mib = [], 0.0
        for number in range(rounds):
            container = f"{self.name}{number}"
            with tempfile.TemporaryDirectory() as state:
                words = [self.python, "-c", self.text, str(path), container, connection, state]
                told.append(json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()[-1]))
            words = [sys.executable, "-c", _RANGES, container, connection]
            sent_mib = int(subprocess.run(words, check=True, capture_output=True, text=True).stdout) / MIB
        upload_s, measure_s = (median(each[key] for each in told) for key in ("upload_s", "measure_s"))
        return Uploads(upload_s, measure_s, sent_mib, max(each["peak_mib"] for each in told))


def main() -> int:
    """Measure and print; with ``--strict`` 1 where Azurite is not installed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--disk-mib", type=int, default=DISK_MIB)
    parser.add_argument("--data-mib", type=int, default=DATA_MIB)
    parser.add_argument("--strict", action="store_true", help="fail where Azurite is not installed")
    options = parser.parse_args()
    if not (os.environ.get("PENSTOCK_AZURITE") or shutil.which("azurite-blob")):
        print("azure_upload: not measured, for want of azurite-blob (or PENSTOCK_AZURITE, which names it)")
        return int(options.strict)
    load_before = os.getloadavg()[0]
    peer = os.environ.get("PENSTOCK_AZURE_SDK")
    with tempfile.TemporaryDirectory(prefix="penstock-azure-upload-") as folder:
        path = Path(folder, "disk.vhd")
        sparse_vhd(path, options.disk_mib, options.data_mib)
        with azurite(Path(folder)) as connection:
            found = {"penstock": Program(sys.executable, _OURS, "ours").measured(path, connection, options.rounds)}
            if peer is not None:
                found["sdk"] = Program(peer, _SDK, "sdk").measured(path, connection, options.rounds)
    for name, each in found.items():
        told = f"{each.sent_mib:.0f} MiB sent, peak {each.peak_mib:.0f} MiB"
        print(f"{name:9} {each.upload_s:6.2f} s after {each.measure_s:.2f} s of SHA-256, {told}")
    if "sdk" in found:
        ours, sdk = asdict(found["penstock"]), asdict(found["sdk"])
        time_ratio, bytes_ratio, memory_ratio = (ours[key] / sdk[key] for key in ("upload_s", "sent_mib", "peak_mib"))
        print(f"beside the SDK: {time_ratio:.2f} x of the time, {bytes_ratio:.2f} x of the bytes, {memory_ratio:.2f} x of the memory")
    uploads = {name: asdict(each) for name, each in found.items()}
    print(json.dumps({"measure": "azure_upload", "load": [load_before, os.getloadavg()[0]], "uploads": uploads}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
