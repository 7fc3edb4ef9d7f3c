"""Marketplace pushes from a staged folder through the real adapters into simulated storage and product ingestion."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.azure.blobs import AzureBlobClient
from penstock.adapters.azure.ingestion import IngestionAccounts
from penstock.adapters.azure.ingestionoptions import IngestionOptions
from penstock.adapters.azure.storageaccount import BlobOptions, parse_connection_string
from penstock.adapters.clock import SystemClock
from penstock.adapters.files.imagecontent import LocalImageFiles
from penstock.adapters.files.pushjournal import JournalFolder
from penstock.adapters.files.staged import StagedSource
from penstock.adapters.http.options import HttpOptions, Retries
from penstock.formats.starmap import parse_mappings_json
from penstock.formats.vhd import VhdFooter
from penstock.model.push.accounts import AccountAlias, AzureCredential, CredentialSet
from penstock.model.push.journal import RunRecord
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.azuremarket.push import AzureMarketAsk, AzureMarketOutside, AzureMarketplace
from penstock.publish.azuremarket.rules import MarketRules
from penstock.publish.mapping import Mappings
from penstock.publish.pushing import Surroundings, carry_out, prepare_push
from penstock.simulators.azure import AzureSimulator
from penstock.simulators.azure.ingestionproducts import Durations
from penstock.simulators.azureblobs import AzureBlobsSimulator
from penstock.simulators.cloud.catalogue import AzureProduct, Catalogue
from penstock.simulators.cloud.faults import Fault

_MIB = 1 << 20
_RESOURCES = """\
api: v1
resource: CloudImage
type: VHD
description: RHEL
build: {{name: rhel-azure, version: "9.4", respin: "1"}}
release: {{date: "20260511", version: "9.4", type: ga}}
images:
  - {{path: {path}, architecture: {arch}}}
"""
BOTH = ("x86_64", "aarch64")
OLD = {
    "skus": [{"imageType": "x64Gen2", "skuId": "9-lvm", "securityType": ["trusted"]}],
    "vmImageVersions": [
        {
            "versionNumber": "9.3.2026010100",
            "vmImages": [
                {
                    "imageType": "x64Gen2",
                    "source": {
                        "sourceType": "sasUri",
                        "osDisk": {"uri": "https://old.blob.example/d/a.vhd?se=2099-01-01T00:00:00Z&sp=r&sr=b&sig=x"},
                        "dataDisks": [],
                    },
                }
            ],
            "lifecycleState": "generallyAvailable",
        }
    ],
}


PRODUCT = AzureProduct(offer="rhel", plans=("9-lvm", "9-raw"), publisher="redhat", technical={"9-lvm": OLD})


@dataclass
class MarketStage:
    """A staged folder, and what it is pushed into; every push is a new program."""

    folder: Path
    arches: Sequence[str] = ("x86_64",)
    destinations: Sequence[Mapping[str, Any]] = ({"destination": "rhel/9-lvm"},)
    product: AzureProduct = PRODUCT
    meta: Mapping[str, Any] = field(default_factory=dict)
    faults: Sequence[str] = ()
    asked: list[Counter[str]] = field(default_factory=list)
    """What each push asked of product ingestion, by the names of operations."""

    def __post_init__(self) -> None:
        for number, arch in enumerate(self.arches):
            build = self.folder / "stage" / "starmap" / "CLOUD_IMAGES" / f"rhel-{arch}"
            build.mkdir(parents=True)
            disk = bytes([number + 1]) * 4096 + bytes(3 * _MIB - 4096)
            (build / f"rhel-{arch}.vhd").write_bytes(disk + VhdFooter(size_bytes=len(disk)).encode())
            (build / "resources.yaml").write_text(_RESOURCES.format(path=f"rhel-{arch}.vhd", arch=arch))

    def pushed(self, times: int = 1, **rules: object) -> tuple[list[list[PushResult]], "Live"]:
        """The results of so many pushes after each other, and what is live in the end."""
        return asyncio.run(self._pushed(times, MarketRules(**rules)))  # type: ignore[arg-type]

    async def _pushed(self, times: int, rules: MarketRules) -> tuple[list[list[PushResult]], "Live"]:
        catalogue = Catalogue(azure_products=(self.product,))
        async with AzureSimulator(catalogue, durations=Durations(5, 600, 60)) as azure, AzureBlobsSimulator() as storage:
            azure.faults.add(*map(Fault.parse, self.faults))
            results = []
            for _ in range(times):
                azure.requests.clear()
                results.append(await self._push(azure, storage, rules))
                self.asked.append(Counter(each.api for each in azure.requests))
            return results, Live(azure, storage)

    async def _push(self, azure: AzureSimulator, storage: AzureBlobsSimulator, rules: MarketRules) -> list[PushResult]:
        account, http = azure.account, HttpOptions(retries=Retries(attempts=6, first_wait_s=0.01, longest_wait_s=0.01), environment={})
        credential = AzureCredential(
            alias=AccountAlias.parse("azure-na"),
            tenant_id=account.tenant,
            client_id=account.client_id,
            client_secret=account.client_secret,
            connection_string=storage.connection_string,
        )

        async def wait(pause_s: float) -> None:
            azure.clock.advance(pause_s)
            await asyncio.sleep(0)

        store = AzureBlobClient(parse_connection_string(storage.connection_string), BlobOptions(http=http), SystemClock())
        files, journals = LocalImageFiles(self.folder / "state"), JournalFolder(self.folder / "state", SystemClock())
        around = Surroundings(files=files, clock=SystemClock(), progress=lambda _: None, watcher=lambda *_: None)
        async with IngestionAccounts(IngestionOptions(endpoint=azure.url, authority=azure.url, http=http)) as publishers:
            outside = AzureMarketOutside(
                mappings=Mappings(parse_mappings_json(self._mapping(), subject="mapping")),
                credentials=CredentialSet((credential,)),
                publishers=publishers,
                storages=lambda _: store,
                files=files,
                progress=lambda _: None,
                clock=azure.clock,
                wait=wait,
            )
            workflow = AzureMarketplace(AzureMarketAsk(rules=rules), outside)
            record = RunRecord(id="", command="marketplace-push", sources=("staged:stage",), started_at_s=0.0, process=1)
            try:
                source = StagedSource([self.folder / "stage"])
                prepared = await prepare_push([source], [workflow], await journals.earlier(), keep_files=True)
                async with journals.begin(record) as journal, aclosing(carry_out(prepared, around, journal)) as results:
                    return sorted([each async for each in results], key=lambda each: each.order)
            finally:
                await store.close()

    def _mapping(self) -> bytes:
        known = {"overwrite": False, "restrict_version": False}
        destinations = [{**known, **each} for each in self.destinations]
        entity = {"name": "rhel-azure", "cloud": "azure", "workflow": "stratosphere", "meta": self.meta}
        return json.dumps([{**entity, "mappings": {"azure-na": {"destinations": destinations}}}]).encode()


@dataclass
class Live:
    """What stands in the end."""

    azure: AzureSimulator
    storage: AzureBlobsSimulator

    def plan(self, name: str = "9-lvm", target: str = "live") -> dict[str, Any]:
        """The technical configuration of a plan."""
        self.azure.publisher.settle()
        resources = self.azure.publisher.by_offer("rhel").trees[target]
        plan = next(each for each in resources.values() if each.get("identity", {}).get("externalId") == name)
        return next(each for each in resources.values() if each.get("plan") == plan["id"] and "vmImageVersions" in each)

    def versions(self, name: str = "9-lvm", target: str = "live") -> list[dict[str, str]]:
        """The images of each version: by their type the names of their blobs."""
        return [
            {each["imageType"]: each["source"]["osDisk"]["uri"].partition("?")[0].rpartition("/")[2] for each in version["vmImages"]}
            for version in self.plan(name, target)["vmImageVersions"]
        ]


@pytest.fixture
def stage(tmp_path: Path) -> Callable[..., MarketStage]:
    """Makes a stage; keywords are its fields."""

    def build(**fields: Any) -> MarketStage:  # noqa: ANN401  # whatever a stage takes
        return MarketStage(tmp_path, **fields)

    return build


Stages = Callable[..., MarketStage]


def states(results: Sequence[PushResult]) -> list[tuple[str, str]]:
    return [(each.state.value, each.reason) for each in results]


def test_both_architectures_go_live_in_one_version_beside_the_old_one(stage: Stages) -> None:
    pushes = stage(arches=BOTH)
    [results], live = pushes.pushed()
    assert states(results) == [("PUSHED", "")] * 2
    assert live.versions() == [{"x64Gen2": "a.vhd"}, {"arm64Gen2": "rhel-aarch64.vhd", "x64Gen2": "rhel-x86_64.vhd"}]
    assert [(each["skuId"], each.get("securityType")) for each in live.plan()["skus"]] == [("9-lvm", ["trusted"]), ("9-lvm-arm64", None)]
    assert pushes.asked[0]["azure.ingestion.configure"] == 4


def test_the_disk_in_the_storage_account_is_the_one_of_the_stage(stage: Stages) -> None:
    pushes = stage()
    _, live = pushes.pushed(pre_push=True)
    [(name, blob)] = live.storage.blobs.items()
    assert name == "pubupload/rhel-x86_64.vhd"
    assert blob.size_bytes == 3 * _MIB + 512


def test_the_second_push_changes_nothing(stage: Stages) -> None:
    pushes = stage(arches=BOTH)
    [first, second], _ = pushes.pushed(times=2)
    assert states(second) == [("PUSHED", "")] * 2
    assert [each.receipts for each in first] == [each.receipts for each in second]
    assert pushes.asked[1]["azure.ingestion.configure"] == 0


def test_overwriting_takes_the_old_version_away(stage: Stages) -> None:
    _, live = stage(arches=BOTH, destinations=[{"destination": "rhel/9-lvm", "overwrite": True}]).pushed()
    assert live.versions() == [{"arm64Gen2": "rhel-aarch64.vhd", "x64Gen2": "rhel-x86_64.vhd"}]


def test_a_modular_push_publishes_its_plan_alone(stage: Stages) -> None:
    product = AzureProduct(offer="rhel", plans=("9-lvm", "9-raw"), draft_changes=("listing",))
    [results], live = stage(product=product, meta={"modular_push": True}).pushed(allow_draft=True)
    assert states(results) == [("PUSHED", "")]
    assert live.versions() == [{"x64Gen2": "rhel-x86_64.vhd"}]
    assert not any(each.get("changedByHand") for each in live.azure.publisher.by_offer("rhel").trees["live"].values())


def test_unpublished_changes_of_somebody_stop_the_push_before_a_byte_moves(stage: Stages) -> None:
    [[result]], live = stage(product=AzureProduct(offer="rhel", plans=("9-lvm",), draft_changes=("listing",))).pushed()
    assert result.state is ItemState.NOTPUSHED
    assert not live.storage.blobs


def test_a_failed_certification_is_told_and_not_tried_again(stage: Stages) -> None:
    pushes = stage(product=AzureProduct(offer="rhel", plans=("9-lvm",), previews=("certification", "certification")))
    [[result]], live = pushes.pushed()
    assert result.state is ItemState.NOTPUSHED
    assert "Certification failed: the image has a password for root." in result.reason
    assert pushes.asked[0]["azure.ingestion.configure"] == 2
    assert live.versions(target="draft") == [{"x64Gen2": "rhel-x86_64.vhd"}]


def test_a_preview_that_failed_in_passing_is_tried_again(stage: Stages) -> None:
    pushes = stage(product=AzureProduct(offer="rhel", plans=("9-lvm",), previews=("transient",)))
    [results], live = pushes.pushed()
    assert states(results) == [("PUSHED", "")]
    assert pushes.asked[0]["azure.ingestion.configure"] == 4
    assert live.versions() == [{"x64Gen2": "rhel-x86_64.vhd"}]


def test_answers_that_do_not_come_are_asked_for_again(stage: Stages) -> None:
    [results], live = stage(faults=["status=503,times=4@/configure", "status=500,times=2@/resource-tree", "cut,times=1@POST /rp"]).pushed()
    assert states(results) == [("PUSHED", "")]
    assert live.versions()[-1] == {"x64Gen2": "rhel-x86_64.vhd"}


def test_no_secret_is_in_the_journal(stage: Stages, tmp_path: Path) -> None:
    stage().pushed()
    [journal] = (tmp_path / "state" / "runs").glob("*.jsonl")
    text = journal.read_text()
    assert "live" in text
    assert not [each for each in ("sig=", "simulated-secret", "AccountKey", "Bearer") if each in text]
