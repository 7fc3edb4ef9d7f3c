"""Whole marketplace pushes over a storage account and a publisher in memory."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest
from tests.unit.publish.azure.fakeblobs import FakeAccount, FakeBlobs
from tests.unit.publish.azure.vhds import MIB, a_vhd
from tests.unit.publish.azuremarket.fakemarket import FakeMarket, FakePublishers
from tests.unit.publish.fakefiles import FakeFiles, FakeJournal

from penstock.formats.starmap import parse_mappings_json
from penstock.model.push.accounts import AccountAlias, AzureCredential, CredentialSet
from penstock.model.push.items import BuildInfo, PushItem, ReleaseInfo, SourceListing, VhdAttributes
from penstock.model.push.journal import EventKind, JournalEvent
from penstock.model.push.results import PushResult
from penstock.publish.azuremarket.jobs import Pace
from penstock.publish.azuremarket.push import AzureMarketAsk, AzureMarketOutside, AzureMarketplace
from penstock.publish.azuremarket.rules import MarketRules
from penstock.publish.execution import Wait
from penstock.publish.mapping import Mappings
from penstock.publish.plan import Step
from penstock.publish.pushing import PreparedPush, Surroundings, carry_out, prepare_push
from penstock.simulators.cloud.catalogue import AzureProduct
from penstock.simulators.cloud.clock import SimulatorClock

NOW = datetime(2026, 5, 11, 13, 30, tzinfo=UTC)
HOUR = "9.4.2026051113"
OFFER, PLAN = "rhel", "9-lvm"
VHD = a_vhd(b"RHEL".ljust(MIB, b"\0"))
"""A small disk."""


@dataclass(frozen=True)
class OneSource:
    """:class:`penstock.ports.publish.PushSource` of these items."""

    items: tuple[PushItem, ...]

    async def load(self) -> SourceListing:
        return SourceListing(self.items)


class DyingJournal(FakeJournal):
    """A journal of a process that may be dead."""

    def __init__(self, account: FakeAccount) -> None:
        super().__init__()
        self._account = account

    def append(self, event: JournalEvent) -> None:
        self._account.check()
        super().append(event)


@dataclass
class Time:
    """Lets time pass in no time."""

    clock: SimulatorClock
    pauses: list[float] = field(default_factory=list)

    async def __call__(self, pause_s: float) -> None:
        self.pauses.append(pause_s)
        self.clock.advance(pause_s)
        await asyncio.sleep(0)


@dataclass
class MarketPushes:
    """Marketplace pushes by processes that may be killed.

    Attributes:
        items: of the source.
        files: their disks.
        destinations: of the one mapping.
        products: of the publisher, from the start.
        earlier: the journals of all runs so far.
        told: what the watcher was told of retries.
        dying: lets time pass in the place of ``time``.
        between: what happens when the plan is made, and nothing is done yet.
    """

    items: tuple[PushItem, ...]
    files: FakeFiles
    destinations: Sequence[Mapping[str, Any]] = ({"destination": f"{OFFER}/{PLAN}"},)
    products: Sequence[AzureProduct] = (AzureProduct(offer=OFFER, plans=(PLAN, "9-raw"), publisher="redhat"),)
    meta: Mapping[str, Any] = field(default_factory=dict)
    credentials: bool = True
    account: FakeAccount = field(default_factory=FakeAccount)
    clock: SimulatorClock = field(default_factory=lambda: SimulatorClock(NOW))
    earlier: list[JournalEvent] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    dying: Wait | None = None
    between: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.market = FakeMarket(self.account, self.clock, self.products)
        self.time = Time(self.clock)

    def workflow(self, **rules: object) -> AzureMarketplace:
        """A new program's."""
        credential = AzureCredential(
            alias=AccountAlias.parse("azure-na"), tenant_id="t", client_id="c", client_secret="s", connection_string="x"
        )
        outside = AzureMarketOutside(
            mappings=Mappings(parse_mappings_json(self._mapping(), subject="mapping")),
            credentials=CredentialSet((credential,) if self.credentials else ()),
            publishers=FakePublishers(self.market),
            storages=lambda _: FakeBlobs(self.account),
            files=self.files,
            progress=lambda _: None,
            clock=self.clock,
            wait=self.dying or self.time,
        )
        return AzureMarketplace(AzureMarketAsk(rules=MarketRules(**rules), pace=Pace()), outside)  # type: ignore[arg-type]

    async def prepared(self, **rules: object) -> PreparedPush:
        """Only looked."""
        return await prepare_push([OneSource(self.items)], [self.workflow(**rules)], self.earlier, keep_files=False)

    async def run(self, **rules: object) -> list[PushResult]:
        """From the source to the results; what was noted stays, however it ends."""
        journal = DyingJournal(self.account)
        around = Surroundings(files=self.files, clock=self.clock, progress=lambda _: None, watcher=self._watch)
        try:
            prepared = await prepare_push([OneSource(self.items)], [self.workflow(**rules)], self.earlier, keep_files=True)
            self.between()
            async with aclosing(carry_out(prepared, around, journal)) as results:
                return sorted([each async for each in results], key=lambda each: each.order)
        finally:
            self.earlier += [each for each in journal.events if each.step]

    def _watch(self, step: Step, kind: EventKind, detail: str) -> None:
        if kind is EventKind.STEP_RETRIED:
            self.told.append((step.action.verb, detail))

    def _mapping(self) -> bytes:
        known = {"overwrite": False, "restrict_version": False}
        entity = {
            "name": "rhel-azure",
            "cloud": "azure",
            "workflow": "stratosphere",
            "meta": self.meta,
            "mappings": {"azure-na": {"destinations": [{**known, **each} for each in self.destinations]}},
        }
        return json.dumps([entity]).encode()


def an_item(name: str = "rhel-9.4.vhd", arch: str = "x86_64", **attributes: object) -> PushItem:
    """RHEL 9.4 in this file."""
    return PushItem(
        name=name,
        src=f"/stage/{name}",
        build=BuildInfo("rhel-azure", "9.4", "1"),
        release=ReleaseInfo("RHEL", date(2026, 5, 11), arch, 1, "9.4", type="ga"),
        attributes=VhdAttributes(**attributes),  # type: ignore[arg-type]
        description="an image",
    )


def stocked_with(number: str, uri: str, image_type: str = "x64Gen2", sku: str = "9-lvm") -> AzureProduct:
    """The offer with an image in its plan from the start."""
    image = {"imageType": image_type, "source": {"sourceType": "sasUri", "osDisk": {"uri": uri}, "dataDisks": []}}
    version = {"versionNumber": number, "vmImages": [image], "lifecycleState": "generallyAvailable"}
    technical = {"skus": [{"imageType": image_type, "skuId": sku}], "vmImageVersions": [version]}
    return AzureProduct(offer="rhel", plans=("9-lvm", "9-raw"), technical={"9-lvm": technical})


def other_disk(number: int) -> bytes:
    """A VHD with something else in it."""
    return bytes([number]) * 512 + VHD[512:]


@pytest.fixture
def vhd() -> Callable[..., PushItem]:
    """Makes an item: name of its file, architecture, attributes of VHDs."""
    return an_item


@pytest.fixture
def new_pushes() -> Callable[..., MarketPushes]:
    """Makes pushes of RHEL 9.4 for x86_64 into one plan; keywords are fields of :class:`MarketPushes`."""

    def build(**fields: object) -> MarketPushes:
        items = fields.pop("items", (an_item(),))
        disks = {item.src: VHD if not number else other_disk(number) for number, item in enumerate(items)}  # type: ignore[var-annotated,arg-type]
        return MarketPushes(items=items, **{"files": FakeFiles(disks), **fields})  # type: ignore[arg-type]

    return build


@pytest.fixture
def pushes(new_pushes: Callable[..., MarketPushes]) -> MarketPushes:
    """RHEL 9.4 for x86_64 into one plan of an offer that was published before."""
    return new_pushes()


@pytest.fixture
def stocked() -> Callable[..., AzureProduct]:
    """Makes the offer with an image in its plan from the start: number, signed address, type of machines, SKU."""
    return stocked_with
