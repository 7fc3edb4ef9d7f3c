"""An image from a staging area into Google Cloud: the real files, journal and REST, with tokens of a service account, and the simulator."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from penstock.adapters.clock import PreciseSystemClock, SystemClock
from penstock.adapters.files.imagecontent import LocalImageFiles
from penstock.adapters.files.pushjournal import JournalFolder
from penstock.adapters.files.staged import StagedSource
from penstock.adapters.gcp import GcpOptions
from penstock.adapters.gcp.credentials import WRITING, GoogleTokens
from penstock.adapters.gcp.publisher import GcpImageAccounts
from penstock.adapters.http.options import HttpOptions
from penstock.formats.cloudcredentials import parse_credential
from penstock.formats.starmap import parse_mappings_json
from penstock.model.digest import Digest
from penstock.model.push.accounts import CredentialSet, GcpCredential
from penstock.model.push.journal import RunRecord
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.gcp.performing import GcpPace
from penstock.publish.gcp.push import GcpAsk, GcpImages, GcpOutside
from penstock.publish.mapping import Mappings
from penstock.publish.pushing import Surroundings, carry_out, prepare_push
from penstock.simulators.gcp import GcpSimulator, GcpThread

PROJECT, NAME = "rhel-images", "rhel-gce-9-4-1-x86-64"
DISK_BYTES = (3 << 20) + 5
RESOURCES = """\
api: v1
resource: CloudImage
type: GCE
description: RHEL 9.4
boot_mode: uefi
build: {{name: rhel-gce, version: "9.4", respin: "1"}}
release: {{date: "20260511", version: "9.4"}}
images:
  - {{path: rhel.raw, architecture: x86_64, sha256sum: {sha256}}}
"""


@dataclass
class GoogleStage:
    """A staging area, a project, and what pushes from one to the other need."""

    folder: Path
    gcp: GcpSimulator
    service_account: str
    told: list[str] = field(default_factory=list)

    async def push(self) -> list[PushResult]:
        """A new program's push, from the source to its results."""
        auth = {"GCP_PROJECT": PROJECT, "GCP_BUCKET": "images", "GCP_SERVICE_ACCOUNT": self.service_account}
        document = json.dumps({"marketplace_account": "gcp-us-storage", "auth": auth}).encode()
        place = {"destination": f"{PROJECT}/rhel-9", "overwrite": False, "restrict_version": False}
        entity = {
            "name": "rhel-gce",
            "cloud": "gcp",
            "workflow": "community",
            "meta": {"public": True, "deprecate_previous": True},
            "mappings": {"gcp-us-storage": {"destinations": [place]}},
        }
        files = LocalImageFiles(self.folder / "state")
        runs = JournalFolder(self.folder / "state", PreciseSystemClock())
        record = RunRecord(id="", command="community-push", sources=("staged:stage",), started_at_s=0.0, process=1)

        def tokens(options: GcpOptions, credential: GcpCredential) -> GoogleTokens:
            return GoogleTokens(options, service_account=credential.service_account, scopes=WRITING)

        async with AsyncExitStack() as stack:
            options = GcpOptions(endpoint=self.gcp.url, http=HttpOptions(environment={}))
            accounts = await stack.enter_async_context(GcpImageAccounts(options, tokens=tokens))
            outside = GcpOutside(
                mappings=Mappings(parse_mappings_json(json.dumps([entity]).encode(), subject="mapping")),
                credentials=CredentialSet((parse_credential(document, subject="gcp.json"),)),
                accounts=accounts,
                files=files,
                progress=lambda _: None,
            )
            workflow = GcpImages(GcpAsk(pace=GcpPace(first_poll_s=0.05, poll_s=0.1)), outside)
            source = StagedSource([self.folder / "stage"])
            prepared = await prepare_push([source], [workflow], await runs.earlier(), keep_files=True)
            around = Surroundings(files=files, clock=SystemClock(), progress=lambda _: None, watcher=lambda *_: None)
            journal = await stack.enter_async_context(runs.begin(record))
            async with aclosing(carry_out(prepared, around, journal)) as results:
                return [result async for result in results]


@pytest.fixture
def google_stage(tmp_path: Path) -> Iterator[GoogleStage]:
    build = tmp_path / "stage/starmap/CLOUD_IMAGES/rhel-gce-9.4-1"
    build.mkdir(parents=True)
    with (build / "rhel.raw").open("wb") as file:
        file.write(b"a disk of RHEL 9.4")
        file.seek(DISK_BYTES - 3)
        file.write(b"end")
    sha256 = hashlib.sha256((build / "rhel.raw").read_bytes()).hexdigest()
    (build / "resources.yaml").write_text(RESOURCES.format(sha256=sha256))
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with GcpThread(writable=True, buckets=["images"]) as gcp:
        yield GoogleStage(tmp_path, gcp, json.dumps(gcp.service_account(key.private_bytes(*form).decode())))


def test_a_staged_disk_becomes_a_public_image_of_its_family_once(google_stage: GoogleStage) -> None:
    google_stage.gcp.making.latencies.insert = 0.3
    (result,) = asyncio.run(google_stage.push())
    assert (result.state, result.reason) == (ItemState.PUSHED, "")
    image = google_stage.gcp.making.images[PROJECT, NAME]
    disk = (google_stage.folder / "stage/starmap/CLOUD_IMAGES/rhel-gce-9.4-1/rhel.raw").read_bytes()
    assert image.content == Digest.of(disk + bytes((1 << 30) - len(disk)))
    assert (image.document["family"], image.policy.members()) == ("rhel-9", {"allAuthenticatedUsers"})
    assert result.receipts[0].facts == {"project": PROJECT, "family": "rhel-9", "number": image.number, "public": True}
    google_stage.gcp.requests.clear()
    (again,) = asyncio.run(google_stage.push())
    assert again.receipts == result.receipts
    assert {each.method for each in google_stage.gcp.requests if each.api != "gcp.token"} == {"GET"}


def test_what_opens_a_project_of_google_is_in_no_journal(google_stage: GoogleStage) -> None:
    asyncio.run(google_stage.push())
    journals = b"".join(path.read_bytes() for path in (google_stage.folder / "state").rglob("*.jsonl"))
    assert b"upload_id" not in journals
    assert b"PRIVATE KEY" not in journals
    assert b"insert image" in journals
