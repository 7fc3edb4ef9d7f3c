"""The ports of deletions over clouds in memory."""

from collections.abc import Sequence
from datetime import UTC, datetime

from tests.unit.publish.fakecloud import FakeCloud

from penstock.model.errors import OperationError, PenstockError
from penstock.model.push.accounts import AwsCredential, AzureCredential, GcpCredential
from penstock.model.push.aws import FoundImage, FoundSnapshot, SnapshotInUse
from penstock.model.push.blobs import BlobKind, BlobName, FoundBlob
from penstock.model.push.gcp import FoundGceImage, GceOperation
from penstock.model.push.rhsm import RhsmImage, RhsmProduct


class FakeRemover:
    """:class:`penstock.ports.removal.AwsRemover` of a cloud; ``lagging`` is how often a snapshot is still thought to be in use."""

    def __init__(self, cloud: FakeCloud) -> None:
        self._cloud = cloud
        self.lagging = 0
        self.refused: PenstockError | None = None

    async def images_by_id(self, region: str, ids: Sequence[str]) -> tuple[FoundImage, ...]:
        await self._cloud.begin("images_by_id", region)
        if self.refused is not None:
            raise self.refused
        return tuple(each.found for (where, name), each in self._cloud.images.items() if where == region and name in ids)

    async def images_of_snapshots(self, region: str, ids: Sequence[str]) -> tuple[FoundImage, ...]:
        await self._cloud.begin("images_of_snapshots", region)
        images = (each.found for (where, _), each in self._cloud.images.items() if where == region)
        return tuple(each for each in images if set(each.snapshots) & set(ids))

    async def describe_snapshots(self, region: str, ids: Sequence[str]) -> tuple[FoundSnapshot, ...]:
        await self._cloud.begin("describe_snapshots", region)
        return tuple(self._cloud.snapshots[region, each] for each in ids if (region, each) in self._cloud.snapshots)

    async def deregister_image(self, region: str, image_id: str) -> bool:
        await self._cloud.begin("deregister_image", region)
        there = self._cloud.images.pop((region, image_id), None) is not None
        self._cloud.end()
        return there

    async def delete_snapshot(self, region: str, snapshot_id: str) -> bool:
        await self._cloud.begin("delete_snapshot", region)
        used = any(snapshot_id in each.found.snapshots for (where, _), each in self._cloud.images.items() if where == region)
        if used or self.lagging:
            self.lagging -= not used
            raise SnapshotInUse("an image has it as a disk", subject=snapshot_id)
        there = self._cloud.snapshots.pop((region, snapshot_id), None) is not None
        self._cloud.end()
        return there


class FakeRemovers:
    """:class:`penstock.ports.removal.AwsRemovers`: a cloud for each account."""

    def __init__(self, removers: dict[str, FakeRemover]) -> None:
        self._removers = removers

    def publisher(self, credential: AwsCredential) -> FakeRemover:
        return self._removers[credential.alias.text]


class FakeHiding:
    """:class:`penstock.ports.removal.RhsmHiding` of a cloud's RHSM."""

    def __init__(self, cloud: FakeCloud) -> None:
        self._cloud = cloud
        self.refused: PenstockError | None = None
        self.silent: PenstockError | None = None

    async def products(self) -> tuple[RhsmProduct, ...]:
        await self._cloud.begin("products")
        return self._cloud.rhsm_products

    async def image_ids(self) -> frozenset[str]:
        await self._cloud.begin("image_ids")
        if self.silent is not None:
            raise self.silent
        return frozenset(self._cloud.rhsm_images)

    async def hide_image(self, image: RhsmImage) -> bool:
        await self._cloud.begin("hide_image")
        if self.refused is not None:
            raise self.refused
        there = image.image_id in self._cloud.rhsm_images
        if there:
            self._cloud.rhsm_images[image.image_id] = image
        self._cloud.end()
        return there


class FakeBlobs:
    """:class:`penstock.ports.removal.BlobRemover`: names of blobs."""

    def __init__(self, cloud: FakeCloud, *names: BlobName) -> None:
        self._cloud = cloud
        self.names = set(names)
        self.refused: PenstockError | None = None

    @property
    def account(self) -> str:
        return "storage"

    def address(self, at: BlobName) -> str:
        return f"https://storage.blob.example/{at}"

    async def blob(self, at: BlobName) -> FoundBlob | None:
        await self._cloud.begin("blob")
        if self.refused is not None:
            raise self.refused
        return FoundBlob(at=at, kind=BlobKind.PAGE, size_bytes=512, etag="1") if at in self.names else None

    async def delete_blob(self, at: BlobName) -> bool:
        await self._cloud.begin("delete_blob")
        there = at in self.names
        self.names.discard(at)
        self._cloud.end()
        return there


class FakeStorages:
    """Storage accounts by alias."""

    def __init__(self, accounts: dict[str, FakeBlobs]) -> None:
        self._accounts = accounts

    def __call__(self, credential: AzureCredential) -> FakeBlobs:
        return self._accounts[credential.alias.text]


class FakeProjects:
    """:class:`penstock.ports.removal.GcpRemovers`, and the one account of it."""

    def __init__(self, cloud: FakeCloud, *names: str) -> None:
        self._cloud = cloud
        self.names = set(names)
        self.looks = 1
        self.error = ""
        self.looked: list[str] = []

    def publisher(self, credential: GcpCredential) -> "FakeProjects":
        return self

    async def image(self, project: str, name: str) -> FoundGceImage | None:
        await self._cloud.begin("gce_image")
        self.looked.append(project)
        if name not in self.names:
            return None
        return FoundGceImage(name=name, number="1", status="READY", architecture="X86_64", created=datetime(2026, 5, 11, tzinfo=UTC))

    async def delete_image(self, project: str, name: str) -> str | None:
        await self._cloud.begin("delete_image")
        if name not in self.names:
            return None
        if not self.error:
            self.names.discard(name)
        self._cloud.end()
        return "operation-1"

    async def operation(self, project: str, name: str) -> GceOperation:
        await self._cloud.begin("operation")
        self.looks -= 1
        return GceOperation(name=name, done=self.looks < 0, error=self.error)


def refusal() -> OperationError:
    """What every service may answer."""
    return OperationError("the service answered 403")
