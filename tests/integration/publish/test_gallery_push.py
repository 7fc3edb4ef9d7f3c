"""A VHD from a staging area into a community gallery: the real files, journal, blobs and REST, against both simulators of Azure."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest

from penstock.adapters.azure.blobs import AzureBlobClient
from penstock.adapters.azure.gallerywriting import ArmGalleryAccounts, GalleryOptions
from penstock.adapters.azure.storageaccount import BlobOptions, parse_connection_string
from penstock.adapters.clock import PreciseSystemClock, SystemClock
from penstock.adapters.files.imagecontent import LocalImageFiles
from penstock.adapters.files.pushjournal import JournalFolder
from penstock.adapters.files.staged import StagedSource
from penstock.adapters.http.options import HttpOptions
from penstock.formats.cloudcredentials import parse_credential
from penstock.formats.starmap import parse_mappings_json
from penstock.formats.vhd import VhdFooter
from penstock.model.digest import Digest
from penstock.model.push.accounts import CredentialSet
from penstock.model.push.journal import RunRecord
from penstock.model.push.receipts import GalleryReceipt
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.galleries.performing import GalleryPace
from penstock.publish.galleries.push import AzureGalleries, GalleriesAsk, GalleriesOutside
from penstock.publish.mapping import Mappings
from penstock.publish.pushing import Surroundings, carry_out, prepare_push
from penstock.simulators.azure import AzureSimulator, AzureThread
from penstock.simulators.azureblobs import AzureBlobsSimulator, AzureBlobsThread

RESOURCES = """\
api: v1
resource: CloudImage
type: VHD
description: Fedora CoreOS
build: {name: fedora-coreos, version: "42.20250526.2.1", respin: "0"}
release: {date: "20250526"}
images:
  - {path: fcos.vhd, architecture: x86_64}
"""
DISK_BYTES = 2 << 20


@dataclass
class GalleryStage:
    """A staging area, both parts of Azure, and what pushes need."""

    folder: Path
    azure: AzureSimulator
    storage: AzureBlobsSimulator

    async def push(self) -> list[PushResult]:
        """A new program's push, from the source to its results."""
        account = self.azure.account
        auth = {
            "AZURE_TENANT_ID": account.tenant,
            "AZURE_CLIENT_ID": account.client_id,
            "AZURE_API_SECRET": account.client_secret,
            "AZURE_STORAGE_CONNECTION_STRING": self.storage.connection_string,
            "AZURE_SUBSCRIPTION_ID": account.subscription,
            "AZURE_RESOURCE_GROUP": "images",
            "AZURE_PUBLISHER_NAME": "CoreOS",
        }
        document = json.dumps({"marketplace_account": "azure-us-storage", "auth": auth}).encode()
        community = {"publisherUri": "https://p.example", "publisherContact": "c@p.example", "eula": "https://e.example"}
        place = {"destination": "fcos/fcos-x64", "overwrite": False, "restrict_version": False, "tags": {"owner": "CoreOS"}}
        entity = {
            "name": "fedora-coreos",
            "cloud": "azure",
            "workflow": "community",
            "meta": {"regions": ["eastus", "westus2"], "community": {**community, "publicNamePrefix": "fedora"}},
            "mappings": {"azure-us-storage": {"destinations": [place]}},
        }
        files = LocalImageFiles(self.folder / "state")
        runs = JournalFolder(self.folder / "state", PreciseSystemClock())
        record = RunRecord(id="", command="community-push", sources=("staged:stage",), started_at_s=0.0, process=1)
        async with AsyncExitStack() as stack:
            options = GalleryOptions(endpoint=self.azure.url, authority=self.azure.url, http=HttpOptions(environment={}))
            store = AzureBlobClient(parse_connection_string(self.storage.connection_string), BlobOptions(), SystemClock())
            stack.push_async_callback(store.close)
            outside = GalleriesOutside(
                mappings=Mappings(parse_mappings_json(json.dumps([entity]).encode(), subject="mapping")),
                credentials=CredentialSet((parse_credential(document, subject="azure.json"),)),
                accounts=await stack.enter_async_context(ArmGalleryAccounts(options)),
                storages=lambda _: store,
                files=files,
                progress=lambda _: None,
                clock=SystemClock(),
            )
            workflow = AzureGalleries(GalleriesAsk(pace=GalleryPace(poll_s=0.1)), outside)
            source = StagedSource([self.folder / "stage"])
            prepared = await prepare_push([source], [workflow], await runs.earlier(), keep_files=True)
            around = Surroundings(files=files, clock=SystemClock(), progress=lambda _: None, watcher=lambda *_: None)
            journal = await stack.enter_async_context(runs.begin(record))
            async with aclosing(carry_out(prepared, around, journal)) as results:
                return [result async for result in results]


@pytest.fixture
def gallery_stage(tmp_path: Path) -> Iterator[GalleryStage]:
    build = tmp_path / "stage/starmap/CLOUD_IMAGES/fedora-coreos-42"
    build.mkdir(parents=True)
    disk = b"a disk".ljust(DISK_BYTES, b"\0")
    (build / "fcos.vhd").write_bytes(disk + VhdFooter(size_bytes=len(disk)).encode())
    (build / "resources.yaml").write_text(RESOURCES)
    with AzureThread() as azure, AzureBlobsThread() as storage:
        azure.galleries.has_blob = lambda address: any(address.endswith(f"/{name}") for name in storage.blobs)
        yield GalleryStage(tmp_path, azure, storage)


def test_a_staged_vhd_becomes_a_version_that_everybody_sees_once(gallery_stage: GalleryStage) -> None:
    gallery_stage.azure.galleries.latencies.version = 0.3
    (result,) = asyncio.run(gallery_stage.push())
    assert (result.state, result.reason) == (ItemState.PUSHED, "")
    (receipt,) = result.receipts
    assert isinstance(receipt, GalleryReceipt)
    vhd = (gallery_stage.folder / "stage/starmap/CLOUD_IMAGES/fedora-coreos-42/fcos.vhd").read_bytes()
    assert (receipt.version, receipt.content) == ("42.20250526.1", Digest.of(vhd))
    (seen,) = gallery_stage.azure.galleries.shared_images()
    assert receipt.community_name == f"/CommunityGalleries/{seen.gallery}/Images/fcos-x64/Versions/42.20250526.1"
    assert {"real_version": "42.20250526.2.1", "owner": "CoreOS", "penstock-sha256": receipt.content.hex}.items() <= seen.tags.items()
    gallery_stage.azure.requests.clear()
    (again,) = asyncio.run(gallery_stage.push())
    assert again.receipts == result.receipts
    assert {each.method for each in gallery_stage.azure.requests if each.api != "azure.token"} == {"GET"}


def test_what_opens_an_account_of_azure_is_in_no_journal(gallery_stage: GalleryStage) -> None:
    gallery_stage.azure.galleries.latencies.version = 0.3
    asyncio.run(gallery_stage.push())
    journals = b"".join(path.read_bytes() for path in (gallery_stage.folder / "state").rglob("*.jsonl"))
    assert gallery_stage.azure.account.client_secret.encode() not in journals
    assert b"galleryOperations" in journals
    assert b"&s=" not in journals
    assert b"sig=" not in journals
