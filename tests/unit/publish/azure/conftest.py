"""VHDs, and pushes of them into a storage account in memory."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import pytest
from tests.unit.publish.azure.fakeblobs import FakeAccount, FakeBlobs
from tests.unit.publish.azure.vhds import BUILD, VHD
from tests.unit.publish.fakefiles import FakeClock, FakeFiles, FakeJournal, WaitedFor

from penstock.model.push.accounts import AccountAlias
from penstock.model.push.content import ImageContent
from penstock.publish.azure.blobs import BlobConflict, WantedBlob
from penstock.publish.azure.observing import observe_blobs
from penstock.publish.azure.performing import BlobPerformer
from penstock.publish.azure.planning import BlobPlanner
from penstock.publish.execution import TargetEnd, execute
from penstock.publish.plan import Plan, PlanBuilder, StepId

ALIAS = AccountAlias.parse("azure-na")


@dataclass
class BlobPushes:
    """Pushes of blobs into one account, by processes that may be killed; with no journal but for looking at it.

    Attributes:
        account: what outlives them.
        files: of the source.
        journal: of the last push.
        concurrency: pieces at a time.
    """

    account: FakeAccount = field(default_factory=FakeAccount)
    files: FakeFiles = field(default_factory=lambda: FakeFiles({"/stage/rhel.vhd": VHD}))
    journal: FakeJournal = field(default_factory=FakeJournal)
    concurrency: int = 4
    wait: WaitedFor = field(default_factory=WaitedFor)

    def wanted(self, **fields: object) -> WantedBlob:
        """``/stage/rhel.vhd`` as ``pubupload/rhel.vhd``, or something else."""
        known: Mapping[str, object] = {
            "account": ALIAS.text,
            "container": "pubupload",
            "name": "rhel.vhd",
            "content": self.files.content("/stage/rhel.vhd"),
            "tags": BUILD,
        }
        return WantedBlob(**{**known, **fields})  # type: ignore[arg-type]

    def copied(self, source: str, **fields: object) -> WantedBlob:
        """A copy from an address."""
        return self.wanted(content=None, source=source, **fields)

    async def plan(self, *wanted: WantedBlob) -> Plan:
        """What a push would do."""
        builder = PlanBuilder()
        planner = BlobPlanner(builder, await observe_blobs(wanted, {ALIAS: FakeBlobs(self.account)}))
        for number, each in enumerate(wanted):
            try:
                last: StepId = planner.blob(each)
            except BlobConflict as error:
                builder.conflict(f"{number} {each.at}", str(error))
            else:
                builder.target(f"{number} {each.at}", [last])
        return builder.plan()

    async def run(self, *wanted: WantedBlob) -> Sequence[TargetEnd]:
        """Plan and do it: the ends of all targets."""
        return await self.carry_out(await self.plan(*wanted), *wanted)

    async def carry_out(self, plan: Plan, *wanted: WantedBlob) -> Sequence[TargetEnd]:
        """Do a plan."""
        contents: dict[str, ImageContent] = {str(each.content.digest): each.content for each in wanted if each.content is not None}
        self.journal = FakeJournal()
        performer = BlobPerformer(
            {ALIAS: FakeBlobs(self.account)},
            self.files,
            contents,
            {each.origin: each.source for each in wanted if each.source},
            clock=FakeClock(),
            wait=self.wait,
            concurrency=self.concurrency,
        )
        ends = execute(plan, performer, self.journal, FakeClock(), progress=lambda _: None, watcher=lambda *_: None)
        async with aclosing(ends):
            return [end async for end in ends]


@pytest.fixture
def pushes() -> BlobPushes:
    """Into an empty account."""
    return BlobPushes()


@pytest.fixture
def new_pushes() -> Callable[[], BlobPushes]:
    """The same, as often as it is wanted."""
    return BlobPushes
