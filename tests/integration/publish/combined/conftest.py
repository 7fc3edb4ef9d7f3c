"""Two builds that go to communities and marketplaces, and every cloud that they go to, on loopback."""

import hashlib
import json
import lzma
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.formats.vhd import VhdFooter
from penstock.model.push.rhsm import RhsmProduct
from penstock.simulators.aws.writable import WritableAwsSimulator, WritableAwsThread
from penstock.simulators.azure import AzureSimulator, AzureThread
from penstock.simulators.azure.ingestionproducts import Durations
from penstock.simulators.azureblobs import AzureBlobsSimulator, AzureBlobsThread
from penstock.simulators.cloud import Catalogue
from penstock.simulators.cloud.catalogue import AwsProduct, AzureProduct
from penstock.simulators.rhsm import RhsmSimulator, RhsmThread

if TYPE_CHECKING:
    from tests.integration.conftest import Outcome, Run

PRODUCT = "prod-rhel"
OFFER, PLAN = "rhel", "9-lvm"
_PLACE: Mapping[str, Any] = {"overwrite": False, "restrict_version": False}
_RHEL: Mapping[str, Any] = {"product": "RHEL", "type": "ga"}
_MACHINE: Mapping[str, Any] = {"virtualization": "hvm", "volume": "gp3", "root_device": "/dev/sda1"}
COMMUNITY: Mapping[str, Any] = {
    "name": "rhel-ec2",
    "cloud": "aws",
    "workflow": "community",
    "meta": {"release": _RHEL, **_MACHINE, "accounts": ["111122223333"]},
    "billing-code-config": {"hourly": {"codes": ["bp-1"], "image_name": "rhel", "image_types": ["hourly"], "name": None}},
    "mappings": {"aws-us-storage": {"provider": "AWS", "destinations": [{"destination": "us-east-1-hourly", **_PLACE}]}},
}
AWS_MARKET: Mapping[str, Any] = {
    "name": "rhel-ec2",
    "cloud": "aws",
    "workflow": "stratosphere",
    "meta": {
        "release": _RHEL,
        **_MACHINE,
        "sharing_accounts": ["679593333241"],
        "release_notes": "RHEL {major_minor}",
        "usage_instructions": "Log in as ec2-user.",
        "recommended_instance_type": "m5.large",
        "marketplace_entity_type": "AmiProduct",
        "scanning_port": 22,
        "user_name": "ec2-user",
        "security_groups": [{"from_port": 22, "ip_protocol": "tcp", "ip_ranges": ["0.0.0.0/0"], "to_port": 22}],
    },
    "mappings": {"aws-na": {"destinations": [{"destination": PRODUCT, **_PLACE}]}},
}
AZURE_MARKET: Mapping[str, Any] = {
    "name": "rhel-azure",
    "cloud": "azure",
    "workflow": "stratosphere",
    "meta": {"release": _RHEL, "generation": "V2", "support_legacy": False},
    "mappings": {"azure-na": {"destinations": [{"destination": f"{OFFER}/{PLAN}", **_PLACE}]}},
}


@dataclass
class Market:
    """A folder from which pushes are started; ``artifacts`` appears in it."""

    folder: Path
    aws: WritableAwsSimulator
    azure: AzureSimulator
    blobs: AzureBlobsSimulator
    rhsm: RhsmSimulator
    run: "Run"

    def map(self, *entities: Mapping[str, Any]) -> None:
        """Write the mapping."""
        (self.folder / "map.yaml").write_text(json.dumps(entities))

    @property
    def places(self) -> list[str]:
        """Mapping, credentials and source as words of a command line."""
        return ["--repo-file", "map.yaml", "--offline", "--credentials", "storage.json,na.json,azure.json", "staged:stage"]

    def push(self, command: str, *words: str) -> "Outcome":
        """``penstock publish COMMAND``, with the answer in JSON."""
        rhsm = [] if command == "marketplace-push" else ["--rhsm-url", self.rhsm.url]
        return self.run("publish", command, *self.places, *rhsm, "-o", "json", *words)

    def clouds(self) -> Sequence[Mapping[str, Any]]:
        """The newest ``clouds.json``."""
        return json.loads((self.folder / "artifacts" / "latest" / "clouds.json").read_text())  # type: ignore[no-any-return]


def _stage(folder: Path, name: str, kind: str, file: str, content: bytes) -> None:
    build = folder / "stage" / "starmap" / "CLOUD_IMAGES" / f"{name}-9.4-1"
    build.mkdir(parents=True)
    (build / file).write_bytes(content)
    resources = {
        "api": "v1",
        "resource": "CloudImage",
        "type": kind,
        "description": "RHEL",
        "boot_mode": "hybrid",
        "build": {"name": name, "version": "9.4", "respin": "1"},
        "release": {"date": "20260511", "version": "9.4", "type": "ga"},
        "images": [{"path": file, "architecture": "x86_64", "sha256sum": hashlib.sha256(content).hexdigest()}],
    }
    (build / "resources.yaml").write_text(json.dumps(resources))


def _credentials(folder: Path, blobs: AzureBlobsSimulator, azure: AzureSimulator) -> None:
    names = ("IMAGE_ACCESS_KEY", "IMAGE_SECRET_ACCESS", "MARKETPLACE_ACCESS_KEY", "MARKETPLACE_SECRET_ACCESS")
    keys = {f"AWS_{name}": "simulated" for name in names} | {"AWS_ACCESS_ROLE_ARN": "arn:aws:iam::123456789012:role/market"}
    for file, alias in (("storage.json", "aws-us-storage"), ("na.json", "aws-na")):
        (folder / file).write_text(json.dumps({"marketplace_account": alias, "auth": keys}))
    account = azure.account
    application = {
        "AZURE_TENANT_ID": account.tenant,
        "AZURE_CLIENT_ID": account.client_id,
        "AZURE_API_SECRET": account.client_secret,
        "AZURE_STORAGE_CONNECTION_STRING": blobs.connection_string,
    }
    (folder / "azure.json").write_text(json.dumps({"marketplace_account": "azure-na", "auth": application}))


@pytest.fixture
def market(tmp_path: Path, run: "Run", monkeypatch: pytest.MonkeyPatch) -> Iterator[Market]:
    """An image for AWS that goes to a community and to a product, and one for Azure that goes to a plan."""
    folder = tmp_path / "work"
    disk = b"a disk".ljust(1 << 20, b"\0")
    _stage(folder, "rhel-ec2", "AMI", "rhel.raw.xz", lzma.compress(disk, preset=0))
    _stage(folder, "rhel-azure", "VHD", "rhel.vhd", disk + VhdFooter(size_bytes=len(disk)).encode())
    catalogue = Catalogue(aws_products=(AwsProduct(id=PRODUCT),), azure_products=(AzureProduct(offer=OFFER, plans=(PLAN,)),))
    products = [RhsmProduct(name, "AWS") for name in ("RHEL", "RHEL_HOURLY")]
    quick = Durations(configure_s=0.0, preview_s=0.0, live_s=0.0)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PENSTOCK_STATE", str(tmp_path / "state"))
    with (
        WritableAwsThread(catalogue) as aws,
        AzureThread(catalogue, durations=quick) as azure,
        AzureBlobsThread() as blobs,
        RhsmThread(products) as rhsm,
    ):
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        monkeypatch.setenv("AZURE_INGESTION_ENDPOINT", azure.url)
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", azure.url)
        _credentials(folder, blobs, azure)
        made = Market(folder, aws, azure, blobs, rhsm, run)
        made.map(COMMUNITY, AWS_MARKET, AZURE_MARKET)
        yield made
