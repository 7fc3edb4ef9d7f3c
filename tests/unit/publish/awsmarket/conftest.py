"""A whole marketplace push over a cloud and a Catalog in memory."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pytest
from tests.unit.publish.awsmarket.fakemarket import FakeSellers, FakeShop
from tests.unit.publish.fakecloud import FakeCloud
from tests.unit.publish.fakefiles import FakeClock, FakeFiles, FakeJournal, WaitedFor

from penstock.formats.starmap import parse_mappings_json
from penstock.model.push.accounts import AccountAlias, AwsCredential, AwsKeys, CredentialSet
from penstock.model.push.items import AmiAttributes, BuildInfo, PushItem, ReleaseInfo, SourceListing
from penstock.model.push.journal import EventKind, JournalEvent
from penstock.model.push.results import PushResult
from penstock.publish.aws.material import PlanRules
from penstock.publish.awsmarket.push import AwsMarketAsk, AwsMarketOutside, AwsMarketplace
from penstock.publish.awsmarket.rules import MarketPace, MarketRules
from penstock.publish.mapping import Mappings
from penstock.publish.plan import Plan, Step
from penstock.publish.pushing import PreparedPush, Surroundings, carry_out, prepare_push

ACCOUNT, ROLE = "aws-na", "arn:aws:iam::123456789012:role/ingestion"
META: Mapping[str, Any] = {
    "virtualization": "hvm",
    "volume": "gp3",
    "root_device": "/dev/sda1",
    "release_notes": "https://example.com/{major_minor}",
    "usage_instructions": "log in to RHEL {major_version}",
    "recommended_instance_type": "m5.large",
    "user_name": "ec2-user",
    "scanning_port": 22,
    "marketplace_entity_type": "AmiProduct",
    "sharing_accounts": ["679593333241"],
}
SRC = "/stage/starmap/CLOUD_IMAGES/rhel/rhel-9.4.raw"


@dataclass(frozen=True)
class OneSource:
    """:class:`penstock.ports.publish.PushSource` of these items."""

    items: tuple[PushItem, ...]

    async def load(self) -> SourceListing:
        return SourceListing(self.items)


@dataclass
class MarketPushes:
    """Runs of a marketplace push over one seller's account.

    Attributes:
        shop: the Catalog, and by it the account.
        items: of the source.
        files: their disks.
        destinations: of the one mapping, by account; each is a product's id, or more.
        meta: of the entity.
        rules: of targets.
        plan_rules: of the image's steps.
        pace: of change sets.
        earlier: the journals of all runs so far.
        watched: what the watcher was told in all runs.
        wait: how long was waited.
    """

    shop: FakeShop
    items: tuple[PushItem, ...]
    files: FakeFiles
    destinations: Mapping[str, Sequence[str | Mapping[str, Any]]] = field(default_factory=lambda: {ACCOUNT: ["prod-a"]})
    meta: Mapping[str, Any] = field(default_factory=lambda: dict(META))
    rules: MarketRules = field(default_factory=MarketRules)
    plan_rules: PlanRules = field(default_factory=PlanRules)
    pace: MarketPace = field(default_factory=MarketPace)
    earlier: list[JournalEvent] = field(default_factory=list)
    watched: list[tuple[Step, EventKind, str]] = field(default_factory=list)
    wait: WaitedFor = field(default_factory=WaitedFor)

    @property
    def cloud(self) -> FakeCloud:
        return self.shop.cloud

    def workflow(self) -> AwsMarketplace:
        """A new program's view."""
        names = [AccountAlias.parse(each) for each in ("aws-na", "aws-emea")]
        credentials = [
            AwsCredential(alias=each, images=AwsKeys("a", "b"), marketplace=AwsKeys("c", "d"), access_role=ROLE) for each in names
        ]
        outside = AwsMarketOutside(
            mappings=Mappings(parse_mappings_json(self._mapping(), subject="mapping")),
            credentials=CredentialSet(tuple(credentials)),
            accounts=FakeSellers(self.shop),
            files=self.files,
            progress=lambda _: None,
            clock=FakeClock(),
            wait=self.wait,
        )
        return AwsMarketplace(AwsMarketAsk(rules=self.rules, plan=self.plan_rules, market=self.pace), outside)

    async def prepared(self) -> PreparedPush:
        """Only looked."""
        return await prepare_push((OneSource(self.items),), (self.workflow(),), self.earlier, keep_files=False)

    async def plan(self) -> Plan:
        """What a run would do."""
        return (await self.prepared()).plan

    async def run(self, *, journal: FakeJournal | None = None) -> list[PushResult]:
        """From the source to the results; what was noted stays, however it ends."""
        async with self.planned(journal) as results:
            return [result async for result in results]

    @asynccontextmanager
    async def planned(self, journal: FakeJournal | None = None) -> AsyncIterator[AsyncIterator[PushResult]]:
        """A run whose plan is made, and of which nothing is done yet."""
        journal = journal or FakeJournal(self.cloud)
        around = Surroundings(files=self.files, clock=FakeClock(), progress=lambda _: None, watcher=lambda *told: self.watched.append(told))
        try:
            made = await prepare_push((OneSource(self.items),), (self.workflow(),), self.earlier, keep_files=True)
            yield carry_out(made, around, journal)
        finally:
            self.earlier += [each for each in journal.events if each.step]

    def _mapping(self) -> bytes:
        entity = {
            "name": "rhel-ec2",
            "cloud": "aws",
            "workflow": "stratosphere",
            "meta": self.meta,
            "mappings": {account: {"destinations": list(map(_whole, found))} for account, found in self.destinations.items()},
        }
        return json.dumps([entity]).encode()


def _whole(said: str | Mapping[str, Any]) -> Mapping[str, Any]:
    told = {"destination": said} if isinstance(said, str) else said
    return {"overwrite": False, "restrict_version": False, **told}


def make_item(src: str = SRC, *, version: str = "9.4", **fields: object) -> PushItem:
    """RHEL for x86_64 in this file; keywords replace fields of the item."""
    known: Mapping[str, object] = {
        "name": src.rpartition("/")[2],
        "src": src,
        "build": BuildInfo("rhel-ec2", version, "1"),
        "release": ReleaseInfo("RHEL", date(2026, 5, 11), "x86_64", 1, version),
        "attributes": AmiAttributes(),
        "description": "an image",
    }
    return PushItem(**{**known, **fields})  # type: ignore[arg-type]


def make_pushes() -> MarketPushes:
    """One image for one product that has an older version."""
    shop = FakeShop(FakeCloud())
    shop.add("prod-a", "9.3 20250101-0", "ami-old")
    return MarketPushes(shop, (make_item(),), FakeFiles({SRC: b"a disk of RHEL 9.4"}))


@pytest.fixture
def market_item() -> Callable[..., PushItem]:
    """Makes an item that wants nothing but what the meta says."""
    return make_item


@pytest.fixture
def sold_item() -> PushItem:
    """An item with everything that a version is told with."""
    attributes = AmiAttributes(
        release_notes="notes", usage_instructions="use it", recommended_instance_type="m5.large", user_name="ec2-user", scanning_port=22
    )
    return replace(make_item(), attributes=attributes)


@pytest.fixture
def selling() -> MarketPushes:
    """See :func:`make_pushes`."""
    return make_pushes()


@pytest.fixture
def new_selling() -> Callable[[], MarketPushes]:
    """Makes what :func:`selling` is, each over an account of its own."""
    return make_pushes
