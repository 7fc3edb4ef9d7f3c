"""Streams with marketplace images, and a catalogue in memory."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from penstock.formats.codec import decode
from penstock.model.arch import Arch
from penstock.model.catalogue import AzureImageDetails, AzureSku, GalleryVersion, ImageDeprecated, Lifecycle
from penstock.model.errors import NotFoundError, PenstockError
from penstock.model.marketplace import Generation, PurchasePlan
from penstock.model.stream import Stream

OFFERS = {plan: "aro4" if not plan.paid else f"rh-{plan.value.removesuffix('-emea')}-worker" for plan in PurchasePlan}
PUBLISHERS = {
    plan: "azureopenshift" if not plan.paid else "redhat-limited" if plan.value.endswith("-emea") else "redhat" for plan in PurchasePlan
}

Plans = Mapping[PurchasePlan, str | Mapping[Generation, str]]


class Build:
    """Documents."""

    @staticmethod
    def azure(plans: Plans, *, arch: Arch = Arch.X86_64) -> dict[str, Any]:
        """An Azure marketplace; a version alone stands for every generation that ``arch`` has."""
        generations = tuple(Generation) if arch is Arch.X86_64 else (Generation.GEN2,)
        entries: dict[str, Any] = {}
        for plan, versions in plans.items():
            each = versions if isinstance(versions, Mapping) else dict.fromkeys(generations, versions)
            entries[plan.value] = {
                generation.value: {
                    "publisher": PUBLISHERS[plan],
                    "offer": OFFERS[plan],
                    "sku": f"{OFFERS[plan]}-{generation.number}",
                    "version": version,
                }
                for generation, version in each.items()
            }
        return entries

    @staticmethod
    def arch(release: str, marketplace: Mapping[str, Any] | None = None, images: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """An architecture of a stream with one build for everything."""
        url = f"https://disks.example/rhcos-{release}-azure.vhd"
        platforms = {name: {"release": release, "formats": {}} for name in ("aws", "azure", "gcp", "metal")}
        extensions = {"azure-disk": {"release": release, "url": url}, **({} if marketplace is None else {"marketplace": marketplace})}
        return {"artifacts": platforms, "images": images or {}, "rhel-coreos-extensions": extensions}

    @staticmethod
    def stream(**architectures: Any) -> Stream:  # noqa: ANN401  # plain JSON
        """A stream of these architectures."""
        return decode({"stream": "rhcos-test", "architectures": architectures}, Stream, subject="test")

    @classmethod
    def x86(cls, release: str, plans: Plans, *, more: Mapping[str, Any] | None = None, images: Mapping[str, Any] | None = None) -> Stream:
        """A stream of x86_64 with these images in Azure's marketplace, and more marketplaces."""
        return cls.stream(x86_64=cls.arch(release, {"azure": cls.azure(plans), **(more or {})}, images))


class MemoryCatalogue:
    """An Azure catalogue: versions by SKU, what is wrong with some of them, and what was asked."""

    def __init__(self, urns: Iterable[str], states: Mapping[str, Lifecycle | PenstockError] | None = None) -> None:
        self._urns = set(urns)
        self._states = dict(states or {})
        self.asked: list[str] = []
        self.at_once = 0
        self.most_at_once = 0

    async def list_versions(self, sku: AzureSku) -> tuple[str, ...]:
        return tuple(urn.rpartition(":")[2] for urn in self._urns if urn.startswith(f"{sku}:"))

    async def describe(self, sku: AzureSku, version: str) -> AzureImageDetails:
        urn = sku.urn(version)
        self.asked.append(urn)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        state = self._states.get(urn, Lifecycle.ACTIVE)
        if isinstance(state, PenstockError):
            raise state
        if urn not in self._urns:
            raise NotFoundError("is not there", subject=urn)
        if state is Lifecycle.DEPRECATED:
            raise ImageDeprecated("is deprecated", subject=urn)
        return AzureImageDetails(sku, version, lifecycle=state)

    async def list_gallery_versions(self, gallery: str, image: str) -> tuple[GalleryVersion, ...]:
        raise NotFoundError("no galleries here", subject=f"{gallery}/{image}")


@pytest.fixture(scope="session")
def build() -> type[Build]:
    """``build.x86(release, {plan: version})``, ``build.stream(x86_64=build.arch(…))``."""
    return Build


@pytest.fixture(scope="session")
def memory_catalogue() -> Callable[..., MemoryCatalogue]:
    """``memory_catalogue(urns, states)``: a catalogue that has these images."""
    return MemoryCatalogue
