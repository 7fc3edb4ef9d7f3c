"""The program beside a simulated Azure, a stream and a marketplace file."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.formats.stream import parse_marketplace
from penstock.model.arch import Arch
from penstock.model.marketplace import Generation
from penstock.simulators.azure import AzureSimulator, AzureThread
from penstock.simulators.cloud.catalogue import AzureImage, Catalogue

if TYPE_CHECKING:
    from tests.integration.conftest import Outcome, Run

BUILD = "418.94.202410090804-0"


def image(urn: str, **more: Any) -> AzureImage:  # noqa: ANN401  # whatever an image takes
    """An image by its URN; architecture, generation and plan follow from it unless they are given."""
    publisher, offer, sku, version = urn.split(":")
    first = sku.endswith("-gen1") or (sku.startswith("aro_") and "-" not in sku)
    told: dict[str, Any] = {
        "arch": Arch.AARCH64 if "arm" in sku else Arch.X86_64,
        "generation": Generation.GEN1 if first else Generation.GEN2,
        "plan": publisher.startswith("redhat"),
    }
    return AzureImage(publisher=publisher, offer=offer, sku=sku, version=version, **(told | more))


def of_4_18(version: str = "418.94.20250122", paid: str = "413.92.2023101700") -> list[AzureImage]:
    """The images of the enhancement's example; those of the paid plans are another matter."""
    free = [image(f"azureopenshift:aro4:{sku}:{version}") for sku in ("aro_418", "418-v2", "418-arm")]
    names = [f"rh-{plan}-worker" for plan in ("ocp", "opp", "oke")]
    skus = [
        (publisher, name, f"{name}{suffix}") for publisher in ("redhat", "redhat-limited") for name in names for suffix in ("", "-gen1")
    ]
    return free + [image(f"{publisher}:{offer}:{sku}:{paid}") for publisher, offer, sku in skus]


@dataclass
class Bench:
    """Files in a folder, an Azure, and the program.

    Attributes:
        azure: the simulator.
        folder: where the files are.
        run: the program.
    """

    azure: AzureSimulator
    folder: Path
    run: "Run"

    @property
    def stream(self) -> Path:
        return self.folder / "stream.json"

    @property
    def marketplace(self) -> Path:
        return self.folder / "marketplace.json"

    @property
    def document(self) -> Any:  # noqa: ANN401  # JSON
        """The marketplace file as it stands."""
        return json.loads(self.marketplace.read_bytes())

    def put(self, *images: AzureImage) -> None:
        """Let Azure have these images too."""
        self.azure.catalogue = self.azure.catalogue + Catalogue(azure=images)

    def put_file(self, content: bytes) -> None:
        """Let Azure have the images of a marketplace file."""
        for arch, entry in parse_marketplace(content, subject="file").items():
            assert entry.azure
            for _, generation, found in entry.azure.images():
                self.put(image(found.urn, arch=Arch(arch), generation=generation))

    def write_stream(self, build: str = BUILD, *, name: str = "rhcos-4.16", arches: Iterable[str] = ("aarch64", "x86_64")) -> None:
        """Write a stream with this build."""
        artifacts = {"metal": {"release": build, "formats": {}}}
        disk = {"azure-disk": {"release": build}}
        entries = {arch: {"artifacts": artifacts, "images": {}, "rhel-coreos-extensions": disk} for arch in arches}
        metadata = {"last-modified": "2024-10-15T15:13:13Z"}
        self.stream.write_text(json.dumps({"stream": name, "metadata": metadata, "architectures": entries}, indent=2) + "\n")

    def penstock(self, command: str, *words: str, env: dict[str, str] | None = None) -> "Outcome":
        """Run ``penstock streams COMMAND STREAM MARKETPLACE …`` against the simulator."""
        account = self.azure.account
        known = {
            "AZURE_TENANT_ID": account.tenant,
            "AZURE_CLIENT_ID": account.client_id,
            "AZURE_CLIENT_SECRET": account.client_secret,
            "AZURE_SUBSCRIPTION_ID": account.subscription,
        }
        where = ("--azure-endpoint", self.azure.url, "--azure-authority", self.azure.url)
        return self.run("streams", command, str(self.stream), str(self.marketplace), *where, *words, env=known | (env or {}))

    def populate(self, *words: str, env: dict[str, str] | None = None) -> "Outcome":
        return self.penstock("populate", *words, env=env)


@pytest.fixture
def bench(tmp_path: Path, run: "Run", monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """An empty Azure, a stream of 4.18, and no marketplace file yet."""
    monkeypatch.delenv("STREAM_RELEASE_OVERRIDE", raising=False)
    with AzureThread() as azure:
        made = Bench(azure, tmp_path, run)
        made.write_stream()
        yield made


@pytest.fixture
def example() -> Callable[..., list[AzureImage]]:
    """``example()``: the images of the enhancement's example."""
    return of_4_18


@pytest.fixture
def make_image() -> Callable[..., AzureImage]:
    """``make_image("publisher:offer:sku:version", deprecated_at=…)``."""
    return image


@pytest.fixture
def long_ago() -> datetime:
    return datetime.fromisoformat("2020-01-01T00:00:00Z")
