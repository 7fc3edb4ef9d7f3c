"""Whole pushes of VHDs to galleries in memory."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from tests.unit.publish.azure.fakeblobs import FakeAccount, FakeBlobs
from tests.unit.publish.azure.vhds import a_vhd
from tests.unit.publish.fakefiles import FakeClock, FakeFiles, FakeJournal, WaitedFor
from tests.unit.publish.galleries.fakegalleries import FakeGalleries, FakeGalleryAccounts

from penstock.formats.starmap import parse_mappings_json
from penstock.model.push.accounts import AccountAlias, AzureCredential, CredentialSet
from penstock.model.push.items import BuildInfo, PushItem, ReleaseInfo, SourceListing, VhdAttributes
from penstock.model.push.journal import JournalEvent
from penstock.model.push.results import PushResult
from penstock.publish.galleries.push import AzureGalleries, GalleriesAsk, GalleriesOutside
from penstock.publish.mapping import Mappings
from penstock.publish.pushing import PreparedPush, Surroundings, carry_out, prepare_push

ACCOUNT = "azure-us-storage"
SRC = "/stage/starmap/CLOUD_IMAGES/fcos/fcos.vhd"
_KEEPS_ALL = {"overwrite": False, "restrict_version": False}
COMMUNITY = {
    "publisherUri": "https://publisher.example",
    "publisherContact": "images@publisher.example",
    "eula": "https://eula.example",
    "publicNamePrefix": "coreos",
}


@dataclass(frozen=True)
class TheseVhds:
    """:class:`penstock.ports.publish.PushSource` of these items."""

    items: tuple[PushItem, ...]

    async def load(self) -> SourceListing:
        return SourceListing(self.items)


@dataclass
class GalleryPushes:
    """Runs over one Azure; the mapping of the one build is made of ``destinations`` and ``meta``."""

    galleries: FakeGalleries
    items: tuple[PushItem, ...]
    files: FakeFiles
    destinations: Sequence[Mapping[str, Any]] = ({"destination": "fcos/fcos-x64"},)
    meta: Mapping[str, Any] = field(default_factory=lambda: {"regions": ["eastus", "West US 2"], "community": COMMUNITY})
    earlier: list[JournalEvent] = field(default_factory=list)
    wait: WaitedFor = field(default_factory=WaitedFor)
    subscription: str = "5f1a7c1e-0000-4000-8000-000000000003"

    def workflow(self, ask: GalleriesAsk) -> AzureGalleries:
        """A new program's."""
        credential = AzureCredential(
            alias=AccountAlias.parse(ACCOUNT),
            tenant_id="t",
            client_id="c",
            client_secret="s",
            connection_string="",
            publisher="CoreOS",
            subscription_id=self.subscription,
            resource_group="images",
        )
        outside = GalleriesOutside(
            mappings=Mappings(parse_mappings_json(self._mapping(), subject="mapping")),
            credentials=CredentialSet((credential,)),
            accounts=FakeGalleryAccounts(self.galleries),
            storages=lambda _: FakeBlobs(self.galleries.account),
            files=self.files,
            progress=lambda _: None,
            clock=FakeClock(),
            wait=self.wait,
        )
        return AzureGalleries(ask, outside)

    async def prepared(self, ask: GalleriesAsk | None = None) -> PreparedPush:
        """Only looked."""
        return await prepare_push([TheseVhds(self.items)], [self.workflow(ask or GalleriesAsk())], self.earlier, keep_files=False)

    async def run(self, ask: GalleriesAsk | None = None) -> list[PushResult]:
        """From the source to the results; what was noted stays, however it ends."""
        journal = FakeJournal()
        around = Surroundings(files=self.files, clock=FakeClock(), progress=lambda _: None, watcher=lambda *_: None)
        try:
            async with aclosing(carry_out(await self.prepared(ask), around, journal)) as results:
                return [result async for result in results]
        finally:
            self.earlier += [each for each in journal.events if each.step]

    def _mapping(self) -> bytes:
        entity = {
            "name": "fedora-coreos",
            "cloud": "azure",
            "workflow": "community",
            "meta": self.meta,
            "mappings": {ACCOUNT: {"destinations": [{**_KEEPS_ALL, **each} for each in self.destinations]}},
        }
        return json.dumps([entity]).encode()


def a_vhd_image(**fields: object) -> PushItem:
    """Fedora CoreOS 42 for Azure; keywords replace its fields."""
    known: dict[str, Any] = {
        "name": "fcos.vhd",
        "src": SRC,
        "build": BuildInfo("fedora-coreos", "42.20250526.2.1", "0"),
        "release": ReleaseInfo("fedora-coreos", date(2025, 5, 26), "x86_64", 0),
        "attributes": VhdAttributes(),
    }
    return PushItem(**{**known, **fields})


@pytest.fixture
def vhd_image() -> Callable[..., PushItem]:
    """Makes an item; see :func:`a_vhd_image`."""
    return a_vhd_image


@pytest.fixture
def new_gallery_pushes() -> Callable[[], GalleryPushes]:
    """Makes pushes of one image, each over an Azure of its own."""

    def build() -> GalleryPushes:
        return GalleryPushes(FakeGalleries(FakeAccount()), (a_vhd_image(),), FakeFiles({SRC: a_vhd(b"fcos".ljust(1 << 20, b"."))}))

    return build


@pytest.fixture
def gallery_pushes(new_gallery_pushes: Callable[[], GalleryPushes]) -> GalleryPushes:
    """Pushes of one image."""
    return new_gallery_pushes()
