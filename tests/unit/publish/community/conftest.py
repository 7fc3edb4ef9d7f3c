"""A whole community push over a cloud in memory."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from tests.unit.publish.fakecloud import FakeCloud
from tests.unit.publish.fakefiles import FakeClock, FakeFiles, FakeJournal, WaitedFor
from tests.unit.publish.fakepublisher import FakeAccounts, FakeRhsm

from penstock.formats.starmap import parse_mappings_json
from penstock.model.push.accounts import AccountAlias, AwsCredential, AwsKeys, CredentialSet
from penstock.model.push.items import AmiAttributes, BootMode, BuildInfo, PushItem, ReleaseInfo, SourceListing
from penstock.model.push.journal import EventKind, JournalEvent
from penstock.model.push.results import PushResult
from penstock.publish.community.planning import PlanRules
from penstock.publish.community.push import CommunityAsk, CommunityAws, CommunityOutside
from penstock.publish.execution import Limits
from penstock.publish.mapping import Mappings
from penstock.publish.plan import Step
from penstock.publish.pushing import PreparedPush, Surroundings, carry_out, prepare_push

ACCOUNT = "aws-us-storage"
NOTHING_SPECIAL = CommunityAsk()


@dataclass(frozen=True)
class OneSource:
    """:class:`penstock.ports.publish.PushSource` of these items."""

    items: tuple[PushItem, ...]

    async def load(self) -> SourceListing:
        return SourceListing(self.items)


@dataclass
class Pushes:
    """Runs of community-push over one cloud.

    Attributes:
        cloud: what stands there.
        items: of the source.
        files: their disks.
        destinations: of the one mapping.
        earlier: the journals of all runs so far.
        watched: what the watcher was told in all runs.
        wait: how long was waited.
        rhsm: whether there is one.
        credentials: whether there are some.
        meta: of the entity.
    """

    cloud: FakeCloud
    items: tuple[PushItem, ...]
    files: FakeFiles
    destinations: Sequence[str] = ("us-east-1-hourly", "us-east-1-access", "us-east-2-hourly")
    earlier: list[JournalEvent] = field(default_factory=list)
    watched: list[tuple[Step, EventKind, str]] = field(default_factory=list)
    wait: WaitedFor = field(default_factory=WaitedFor)
    rhsm: bool = True
    credentials: bool = True
    meta: Mapping[str, Any] = field(default_factory=lambda: {"accounts": ["210987654321"], "snapshot_accounts": ["210987654321"]})

    def workflow(self, ask: CommunityAsk = NOTHING_SPECIAL) -> CommunityAws:
        """A new program's view."""
        credential = AwsCredential(
            alias=AccountAlias.parse(ACCOUNT), images=AwsKeys("a", "b"), marketplace=AwsKeys("c", "d"), access_role="r"
        )
        outside = CommunityOutside(
            mappings=Mappings(parse_mappings_json(self._mapping(), subject="mapping")),
            credentials=CredentialSet((credential,) if self.credentials else ()),
            accounts=FakeAccounts(self.cloud),
            rhsm=FakeRhsm(self.cloud) if self.rhsm else None,
            files=self.files,
            progress=lambda _: None,
            wait=self.wait,
        )
        return CommunityAws(ask, outside)

    async def prepared(self, ask: CommunityAsk = NOTHING_SPECIAL) -> PreparedPush:
        """Only looked."""
        return await prepare_push((OneSource(self.items),), (self.workflow(ask),), self.earlier, keep_files=False)

    async def run(
        self, ask: CommunityAsk = NOTHING_SPECIAL, *, journal: FakeJournal | None = None, limits: Limits | None = None
    ) -> list[PushResult]:
        """From the source to the results; what was noted stays, however it ends."""
        journal = journal or FakeJournal(self.cloud)
        around = Surroundings(
            files=self.files,
            clock=FakeClock(),
            progress=lambda _: None,
            watcher=lambda *told: self.watched.append(told),
            limits=limits or Limits(),
        )
        try:
            made = await prepare_push((OneSource(self.items),), (self.workflow(ask),), self.earlier, keep_files=True)
            return [result async for result in carry_out(made, around, journal)]
        finally:
            self.earlier += [each for each in journal.events if each.step]

    def _mapping(self) -> bytes:
        entity = {
            "name": "rhel-ec2",
            "cloud": "aws",
            "workflow": "community",
            "meta": self.meta,
            "billing-code-config": {"all": {"codes": ["bp-1"], "image_name": "rhel", "image_types": ["hourly", "access"], "name": None}},
            "mappings": {
                ACCOUNT: {
                    "provider": "AWS",
                    "destinations": [{"destination": each, "overwrite": False, "restrict_version": False} for each in self.destinations],
                }
            },
        }
        return json.dumps([entity]).encode()


def an_image(src: str) -> PushItem:
    """RHEL 9.4 for x86_64 in this file."""
    return PushItem(
        name=src.rpartition("/")[2],
        src=src,
        build=BuildInfo("rhel-ec2", "9.4", "1"),
        release=ReleaseInfo("RHEL", date(2026, 5, 11), "x86_64", 1, "9.4", type="ga"),
        attributes=AmiAttributes(virtualization="hvm", volume="gp3", root_device="/dev/sda1", ena_support=True),
        description="an image",
        boot_mode=BootMode.HYBRID,
    )


@pytest.fixture
def fake_cloud() -> FakeCloud:
    """An empty account."""
    return FakeCloud()


@pytest.fixture
def pushes(fake_cloud: FakeCloud) -> Pushes:
    """One image that goes to three destinations in two regions."""
    src = "/stage/starmap/CLOUD_IMAGES/rhel/rhel-9.4.raw"
    return Pushes(fake_cloud, (an_image(src),), FakeFiles({src: b"a disk of RHEL 9.4"}))


@pytest.fixture
def new_pushes() -> Callable[[], Pushes]:
    """Makes what :func:`pushes` makes, each over an account of its own."""

    def build() -> Pushes:
        src = "/stage/starmap/CLOUD_IMAGES/rhel/rhel-9.4.raw"
        return Pushes(FakeCloud(), (an_image(src),), FakeFiles({src: b"a disk of RHEL 9.4"}))

    return build


def ask_for(**rules: bool) -> CommunityAsk:
    """An ask with these rules of the plan."""
    return CommunityAsk(plan=PlanRules(**rules))  # type: ignore[arg-type]


@pytest.fixture
def asking() -> Callable[..., CommunityAsk]:
    """Makes an ask with these rules of the plan."""
    return ask_for
