"""Images that stand in clouds in memory, lists that name them, and deletions of them."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import date

from tests.unit.publish.delete.fakeremoval import FakeBlobs, FakeHiding, FakeProjects, FakeRemover, FakeRemovers, FakeStorages
from tests.unit.publish.fakecloud import FakeCloud, FakeImage
from tests.unit.publish.fakefiles import FakeClock, FakeFiles, FakeJournal, WaitedFor

from penstock.model.push.accounts import AccountAlias, AwsCredential, AwsKeys, AzureCredential, CredentialSet, GcpCredential
from penstock.model.push.aws import FoundImage, FoundSnapshot, ImageRegistration
from penstock.model.push.items import (
    AmiAttributes,
    BuildInfo,
    CloudInfo,
    GceAttributes,
    PushItem,
    ReleaseInfo,
    SourceListing,
    VhdAttributes,
)
from penstock.model.push.journal import JournalEvent
from penstock.model.push.results import PushResult
from penstock.model.push.rhsm import RhsmImage
from penstock.model.push.states import ItemState
from penstock.publish.delete.deleting import DeleteAmis, DeleteAsk, DeleteGceImages, DeleteOutside, DeleteVhds
from penstock.publish.delete.target import DeleteRules
from penstock.publish.pushing import PreparedPush, Surroundings, carry_out, prepare_push

BUILD = "rhel-ec2-9.4-1"
REGION = "us-east-1"
_RELEASE = ReleaseInfo("RHEL", date(2026, 5, 11), "x86_64", 1, "9.4")


class _List:
    """:class:`penstock.ports.publish.PushSource` of items."""

    def __init__(self, items: Sequence[PushItem]) -> None:
        self._items = tuple(items)

    async def load(self) -> SourceListing:
        return SourceListing(self._items)


@dataclass
class Bench:
    """Clouds, and what is deleted in them; ``events`` are those of all runs so far."""

    cloud: FakeCloud = field(default_factory=FakeCloud)
    emea: FakeCloud = field(default_factory=FakeCloud)
    events: list[JournalEvent] = field(default_factory=list)
    with_rhsm: bool = True
    credentials: tuple[str, ...] = ("aws-us-storage", "aws-na", "aws-emea", "azure-na", "azure-emea", "gcp-storage")
    waited: WaitedFor = field(default_factory=WaitedFor)

    def __post_init__(self) -> None:
        self.remover = FakeRemover(self.cloud)
        self.rhsm = FakeHiding(self.cloud)
        self.na_blobs, self.emea_blobs, self.gallery_blobs = (FakeBlobs(self.cloud) for _ in range(3))
        self.projects = FakeProjects(self.cloud)

    # --- what stands there

    def image(self, name: str, *snapshots: str, region: str = REGION, cloud: FakeCloud | None = None, known: bool = True) -> None:
        """An image with these disks."""
        where = cloud or self.cloud
        for snapshot in snapshots:
            where.snapshots[region, snapshot] = FoundSnapshot(id=snapshot, state="completed", size_gib=1)
        found = FoundImage(id=name, name=f"name of {name}", state="available", arch="x86_64", snapshots=snapshots)
        registration = ImageRegistration(
            name=found.name, description="", arch="x86_64", virtualization="hvm", root_device="/dev/sda1", volume="gp3"
        )
        where.images[region, name] = FakeImage(found, registration)
        if known:
            self.cloud.rhsm_images[name] = RhsmImage(
                image_id=name, region=region, arch="x86_64", product="RHEL", version=None, variant=None, image_name=name
            )

    @property
    def images(self) -> set[str]:
        return {name for _, name in self.cloud.images}

    @property
    def snapshots(self) -> set[str]:
        return {name for _, name in self.cloud.snapshots}

    # --- what is deleted

    def prepare(self, *items: PushItem, **rules: object) -> PreparedPush:
        """What would be deleted."""
        return asyncio.run(self._prepare(items, **rules))

    def delete(self, *items: PushItem, **rules: object) -> list[PushResult]:
        """Delete them; the results in order."""
        return asyncio.run(self._delete(items, **rules))

    async def _prepare(self, items: Sequence[PushItem], **rules: object) -> PreparedPush:
        said = {"builds": frozenset({BUILD}), **rules}
        ask = DeleteAsk(rules=DeleteRules(**said))  # type: ignore[arg-type]
        outside = DeleteOutside(
            credentials=CredentialSet(tuple(_credential(alias) for alias in self.credentials)),
            aws=FakeRemovers({"aws-us-storage": self.remover, "aws-na": self.remover, "aws-emea": FakeRemover(self.emea)}),
            blobs=FakeStorages({"azure-na": self.na_blobs, "azure-emea": self.emea_blobs, "azure-us-storage": self.gallery_blobs}),
            gcp=self.projects,
            rhsm=self.rhsm if self.with_rhsm else None,
            wait=self.waited,
        )
        workflows = (DeleteAmis(ask, outside), DeleteVhds(ask, outside), DeleteGceImages(ask, outside))
        return await prepare_push([_List(items)], workflows, self.events, keep_files=True)

    async def _delete(self, items: Sequence[PushItem], **rules: object) -> list[PushResult]:
        prepared = await self._prepare(items, **rules)
        journal = FakeJournal(self.cloud)
        journal.events = self.events
        around = Surroundings(files=FakeFiles({}), clock=FakeClock(), progress=lambda _: None, watcher=lambda *_: None)
        async with aclosing(carry_out(prepared, around, journal)) as ends:
            return sorted([result async for result in ends], key=lambda each: each.order)


def _credential(alias: str) -> AwsCredential | AzureCredential | GcpCredential:
    parsed = AccountAlias(alias)
    if alias.startswith("aws"):
        keys = AwsKeys("key", "secret")
        return AwsCredential(alias=parsed, images=keys, marketplace=keys, access_role="arn")
    if alias.startswith("azure"):
        return AzureCredential(alias=parsed, tenant_id="t", client_id="c", client_secret="s", connection_string="AccountName=storage")
    return GcpCredential(alias=parsed, project="project", bucket="bucket", service_account="{}")


def ami(name: str | None, *, account: str | None = "aws-us-storage", **fields: object) -> PushItem:
    """An AMI as a list names it; keywords are of its attributes."""
    said = {"image_id": name, "region": REGION, "type": "hourly", "marketplace_entity_type": "AWS", **fields}
    return _item(AmiAttributes(**said), "aws", account, f"name of {name}", "/stage/rhel.raw.xz")  # type: ignore[arg-type]


def vhd(src: str = "/koji/rhel.vhd.xz", *, account: str | None = "azure-na") -> PushItem:
    """A VHD as a list names it."""
    return _item(VhdAttributes(), "azure", account, src.rpartition("/")[2], src)


def gce(name: str, *, account: str | None = "gcp-storage") -> PushItem:
    """An image of Google Cloud as a list names it."""
    return _item(GceAttributes(), "gcp", account, name, "/stage/rhel.tar.gz")


def _item(attributes: AmiAttributes | VhdAttributes | GceAttributes, provider: str, account: str | None, name: str, src: str) -> PushItem:
    return PushItem(
        name=name,
        src=src,
        build=BuildInfo("rhel-ec2", "9.4", "1"),
        release=_RELEASE,
        attributes=attributes,
        dest=("us-east-1-hourly",),
        cloud_info=CloudInfo(provider, account) if account else None,
        state=ItemState.PUSHED,
    )


def of_build(item: PushItem, name: str) -> PushItem:
    """The same of another build."""
    return replace(item, build=BuildInfo(name, "1", "1"))
