"""An Azure catalogue in memory, streams that hold one build, and a short way to ask for images."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from penstock.formats.codec import decode
from penstock.formats.stream import parse_marketplace, write_stream_document
from penstock.model.arch import Arch
from penstock.model.catalogue import AzureImageDetails, AzureSku, GalleryVersion, ImageDeprecated, Lifecycle
from penstock.model.errors import NotFoundError
from penstock.model.marketplace import AzureMarketplaceImage, Generation, MarketplaceFile
from penstock.model.stream import Stream
from penstock.streams.populate.azure import find_azure
from penstock.streams.populate.entries import Finding
from penstock.streams.populate.override import ReleaseOverride
from penstock.streams.populate.plan import PopulatePlan, plan_populate
from penstock.streams.populate.request import PopulateRequest

NOW = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)
NEW_FILE = b'{\n    "": {}\n}\n'


def sku_of(text: str) -> AzureSku:
    """``publisher:offer:sku``; a name alone is one of ARO's."""
    publisher, offer, name = text.split(":") if ":" in text else ("azureopenshift", "aro4", text)
    return AzureSku(publisher, offer, name)


def _generation(sku: AzureSku) -> Generation:
    first = sku.sku.endswith("-gen1") or (sku.sku.startswith("aro_") and "-" not in sku.sku)
    return Generation.GEN1 if first else Generation.GEN2


@dataclass
class MemoryAzure:
    """:class:`penstock.ports.AzureCatalogue` in memory.

    Attributes:
        shelves: what is there.
        deprecated: versions that are listed, and refused when they are asked for.
        short: versions that are there, and missing in lists.
        asked: every question, in order: ``list SKU`` and ``get URN``.
        interfere: called before every answer; may raise.
    """

    shelves: dict[AzureSku, dict[str, AzureImageDetails]] = field(default_factory=dict)
    deprecated: set[str] = field(default_factory=set)
    short: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    interfere: Callable[[str], None] = lambda _question: None
    at_once: int = 0
    most_at_once: int = 0

    def put(
        self,
        sku: str,
        *versions: str,
        arch: Arch | None = None,
        generation: Generation | None = None,
        plan: tuple[str, str, str] | None = None,
        lifecycle: Lifecycle = Lifecycle.ACTIVE,
        deprecated_on: datetime | None = None,
        deprecated: bool = False,
    ) -> "MemoryAzure":
        """Put versions of a series on the shelf; architecture and generation follow from its name unless they are given."""
        series = sku_of(sku)
        shelf = self.shelves.setdefault(series, {})
        for version in versions:
            shelf[version] = AzureImageDetails(
                series,
                version,
                arch or (Arch.AARCH64 if "arm" in series.sku else Arch.X86_64),
                generation or _generation(series),
                plan,
                lifecycle,
                deprecated_on,
            )
            if deprecated:
                self.deprecated.add(series.urn(version))
        return self

    def put_file(self, document: MarketplaceFile) -> "MemoryAzure":
        """Put the images of a marketplace file on the shelf."""
        for arch, entry in document.items():
            assert entry.azure
            for plan, generation, image in entry.azure.images():
                needs = (image.publisher, image.offer, image.sku) if plan.paid else None
                sku = f"{image.publisher}:{image.offer}:{image.sku}"
                self.put(sku, image.version, arch=Arch(arch), generation=generation, plan=needs)
        return self

    async def list_versions(self, sku: AzureSku) -> tuple[str, ...]:
        await self._answer(f"list {sku}")
        if sku not in self.shelves:
            raise NotFoundError("is not there", subject=str(sku))
        return tuple(version for version in self.shelves[sku] if version not in self.short)

    async def describe(self, sku: AzureSku, version: str) -> AzureImageDetails:
        await self._answer(f"get {sku.urn(version)}")
        if sku.urn(version) in self.deprecated:
            raise ImageDeprecated("is deprecated", subject=sku.urn(version))
        if version not in self.shelves.get(sku, {}):
            raise NotFoundError("is not there", subject=sku.urn(version))
        return self.shelves[sku][version]

    async def list_gallery_versions(self, gallery: str, image: str) -> tuple[GalleryVersion, ...]:
        raise NotFoundError("is not there", subject=f"{gallery}/{image}")

    async def _answer(self, question: str) -> None:
        self.asked.append(question)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        self.interfere(question)


@pytest.fixture
def azure() -> MemoryAzure:
    """An empty catalogue."""
    return MemoryAzure()


@pytest.fixture(scope="session")
def make_azure() -> Callable[[], MemoryAzure]:
    """Makes empty catalogues."""
    return MemoryAzure


def make_stream(build: str | Mapping[str, str], *, name: str = "rhcos-4.20", arches: Iterable[str] = ("aarch64", "x86_64")) -> Stream:
    """A stream in which ``build`` is that of Azure's disk, for all architectures or by architecture."""
    builds = dict.fromkeys(arches, build) if isinstance(build, str) else build
    architectures = {
        arch: {"artifacts": {}, "images": {}, "rhel-coreos-extensions": {"azure-disk": {"release": text}}} for arch, text in builds.items()
    }
    return decode({"stream": name, "metadata": {}, "architectures": architectures}, Stream, subject=name)


@pytest.fixture(scope="session")
def stream() -> Callable[..., Stream]:
    """``stream("9.6.20251023-0", name="rhcos-4.20", arches=("x86_64",))``."""
    return make_stream


@dataclass(frozen=True)
class Result:
    """What a search came to.

    Attributes:
        request: what was asked for.
        findings: all of them.
    """

    request: PopulateRequest
    findings: list[Finding]

    def __getitem__(self, slot: str) -> Finding:
        """The finding of a slot, for example ``no-purchase-plan hyperVGen2 x86_64``."""
        return {str(finding.slot).removeprefix("azure "): finding for finding in self.findings}[slot]

    def version(self, slot: str) -> str:
        """The version of the image that was found, or ``""``."""
        image = self[slot].image
        return image.version if isinstance(image, AzureMarketplaceImage) else ""

    @property
    def plan(self) -> PopulatePlan:
        """With the findings put into the documents."""
        return plan_populate(self.request, self.findings)

    @property
    def written(self) -> bytes:
        """The bytes of a new marketplace file with the findings in it."""
        return write_stream_document(self.plan.marketplace, like=NEW_FILE)


Ask = Callable[..., Result]


def ask_azure(catalogue: MemoryAzure, of: Stream, **more: Any) -> Result:  # noqa: ANN401  # fields of the request
    """Look for the images of a stream."""
    if isinstance(more.get("release"), str):
        more["release"] = ReleaseOverride.parse(more["release"], subject="--release")
    request = PopulateRequest(stream=of, now=NOW, **more)
    return Result(request, asyncio.run(find_azure(catalogue, request)))


@pytest.fixture(scope="session")
def ask() -> Ask:
    """``ask(catalogue, stream, choice=…, release="4.19", …)``."""
    return ask_azure


def marketplace_of(**images: str) -> MarketplaceFile:
    """A file with images of the x86_64: ``marketplace_of(ocp_gen2="redhat:rh-ocp-worker:rh-ocp-worker:4.18.2025031114")``."""
    plans: dict[str, dict[str, dict[str, str]]] = {}
    for key, urn in images.items():
        plan, _, generation = key.rpartition("_gen")
        parts = dict(zip(("publisher", "offer", "sku", "version"), urn.split(":"), strict=True))
        plans.setdefault(plan.replace("_", "-"), {})[f"hyperVGen{generation}"] = parts
    return decode({"x86_64": {"azure": plans}}, MarketplaceFile, subject="file")


@pytest.fixture(scope="session")
def file_of() -> Callable[..., MarketplaceFile]:
    """``file_of(ocp_gen2="redhat:rh-ocp-worker:rh-ocp-worker:4.18.2025031114")``."""
    return marketplace_of


@pytest.fixture(scope="session")
def read_file() -> Callable[[bytes], MarketplaceFile]:
    """Reads a marketplace file."""
    return lambda content: parse_marketplace(content, subject="file")


@pytest.fixture(scope="session")
def request_for() -> Callable[..., PopulateRequest]:
    """``request_for(stream, release="4.19", choice=…)``."""

    def make(of: Stream, *, release: str | None = None, **more: Any) -> PopulateRequest:  # noqa: ANN401  # fields of the request
        override = None if release is None else ReleaseOverride.parse(release, subject="--release")
        return PopulateRequest(stream=of, now=NOW, release=override, **more)

    return make
