"""A whole push of images to Google Cloud in memory."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from tests.unit.publish.fakefiles import FakeClock, FakeJournal, WaitedFor
from tests.unit.publish.gcp.fakegcp import FakeGceFiles, FakeGcp

from penstock.formats.starmap import parse_mappings_json
from penstock.model.push.accounts import AccountAlias, CredentialSet, GcpCredential
from penstock.model.push.items import BootMode, BuildInfo, GceAttributes, PushItem, ReleaseInfo, SourceListing
from penstock.model.push.journal import JournalEvent
from penstock.model.push.results import PushResult
from penstock.publish.gcp.push import GcpAsk, GcpImages, GcpOutside
from penstock.publish.mapping import Mappings
from penstock.publish.pushing import PreparedPush, Surroundings, carry_out, prepare_push

ACCOUNT = "gcp-us-storage"
SRC = "/stage/starmap/CLOUD_IMAGES/rhel/rhel-gce-9.4.raw"


@dataclass(frozen=True)
class TheseItems:
    """:class:`penstock.ports.publish.PushSource` of these items."""

    items: tuple[PushItem, ...]

    async def load(self) -> SourceListing:
        return SourceListing(self.items)


@dataclass
class GcpPushes:
    """Runs over one Google Cloud; the mapping of the one build is made of ``destinations`` and ``meta``."""

    gcp: FakeGcp
    items: tuple[PushItem, ...]
    files: FakeGceFiles
    destinations: Sequence[str | Mapping[str, Any]] = ("rhel-images/rhel-9",)
    meta: Mapping[str, Any] = field(
        default_factory=lambda: {"public": True, "accounts": ["group:qa@example.com"], "deprecate_previous": True}
    )
    earlier: list[JournalEvent] = field(default_factory=list)
    wait: WaitedFor = field(default_factory=WaitedFor)
    project: str = "rhel-images"
    bucket: str = "images"

    def workflow(self, ask: GcpAsk) -> GcpImages:
        """A new program's."""
        credential = GcpCredential(alias=AccountAlias.parse(ACCOUNT), project=self.project, bucket=self.bucket, service_account="{}")
        outside = GcpOutside(
            mappings=Mappings(parse_mappings_json(self._mapping(), subject="mapping")),
            credentials=CredentialSet((credential,)),
            accounts=self.gcp,
            files=self.files,
            progress=lambda _: None,
            wait=self.wait,
        )
        return GcpImages(ask, outside)

    async def prepared(self, ask: GcpAsk | None = None, *, keep_files: bool = False) -> PreparedPush:
        """Only looked."""
        return await prepare_push([TheseItems(self.items)], [self.workflow(ask or GcpAsk())], self.earlier, keep_files=keep_files)

    async def run(self, ask: GcpAsk | None = None) -> list[PushResult]:
        """From the source to the results; what was noted stays, however it ends."""
        journal = FakeJournal(self.gcp.life)
        around = Surroundings(files=self.files, clock=FakeClock(), progress=lambda _: None, watcher=lambda *_: None)
        try:
            made = await self.prepared(ask, keep_files=True)
            async with aclosing(carry_out(made, around, journal)) as results:
                return [result async for result in results]
        finally:
            self.earlier += [each for each in journal.events if each.step]

    def _mapping(self) -> bytes:
        said = [{"destination": each} if isinstance(each, str) else each for each in self.destinations]
        entity = {
            "name": "rhel-gce",
            "cloud": "gcp",
            "workflow": "community",
            "meta": self.meta,
            "mappings": {ACCOUNT: {"destinations": [{"overwrite": False, "restrict_version": False, **each} for each in said]}},
        }
        return json.dumps([entity]).encode()


def a_gce_image(src: str = SRC, **fields: object) -> PushItem:
    """RHEL 9.4 for Google Cloud in this file; keywords replace its fields."""
    known: dict[str, Any] = {
        "name": src.rpartition("/")[2],
        "src": src,
        "build": BuildInfo("rhel-gce", "9.4", "1"),
        "release": ReleaseInfo("rhel", date(2026, 5, 11), "x86_64", 1, "9.4"),
        "attributes": GceAttributes(),
        "description": "RHEL 9.4",
        "boot_mode": BootMode.UEFI,
    }
    return PushItem(**{**known, **fields})


@pytest.fixture
def gce_image() -> Callable[..., PushItem]:
    """Makes an item; see :func:`a_gce_image`."""
    return a_gce_image


@pytest.fixture
def new_gcp_pushes() -> Callable[[], GcpPushes]:
    """Makes pushes of one image, each over a Google Cloud of its own, in which an older image of the family stands."""

    def build() -> GcpPushes:
        gcp = FakeGcp()
        gcp.add("rhel-images", "rhel-gce-9-3", family="rhel-9")
        return GcpPushes(gcp, (a_gce_image(),), FakeGceFiles({SRC: b"a disk of RHEL 9.4"}))

    return build


@pytest.fixture
def gcp_pushes(new_gcp_pushes: Callable[[], GcpPushes]) -> GcpPushes:
    """Pushes of one image."""
    return new_gcp_pushes()
