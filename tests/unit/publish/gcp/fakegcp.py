"""Google Cloud in memory, behind the port of publishing, that can be killed at any call."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tests.unit.publish.fakecloud import FakeCloud
from tests.unit.publish.fakefiles import FakeDisk, FakeFiles

from penstock.formats.diskarchive import unpack_disk
from penstock.model.errors import NotFoundError, OperationError
from penstock.model.push.accounts import GcpCredential
from penstock.model.push.content import ImageContent
from penstock.model.push.gcp import DeprecationState, FoundGceImage, FoundGcsObject, GceInsertion, GceNameTaken, GceOperation
from penstock.ports import ProgressSink
from penstock.ports.gcp import ArchiveStream, GcpPublisher
from penstock.ports.publish import ContentFile


class FakeGceFiles(FakeFiles):
    """:class:`penstock.ports.gcp.GceFiles` of bytes: raw disks, of which an archive is just the bytes."""

    async def open_stored(self, content: ImageContent, progress: ProgressSink) -> ContentFile:
        disk = FakeDisk(self.disks[content.src])
        self.opened.append(disk)
        return disk


@dataclass
class FakeGcp:
    """Projects and a bucket; what stands in them outlives the programs that use them.

    Attributes:
        life: kills programs.
        images: by project and name.
        objects: by bucket and key.
        users: of images.
        operations: looks that are left until they are over, and why they fail.
        looks: how often a new operation is seen running.
        inserted: how often an image was really made.
        failing_inserts: how many insertions fail from now on.
        refused: what every call about a project raises.
    """

    life: FakeCloud = field(default_factory=FakeCloud)
    images: dict[tuple[str, str], FoundGceImage] = field(default_factory=dict)
    objects: dict[tuple[str, str], FoundGcsObject] = field(default_factory=dict)
    disks: dict[tuple[str, str], bytes] = field(default_factory=dict)
    users: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    operations: dict[str, list[object]] = field(default_factory=dict)
    looks: int = 1
    inserted: Counter[str] = field(default_factory=Counter)
    failing_inserts: int = 0
    refused: dict[str, OperationError] = field(default_factory=dict)
    _made: int = 0

    def publisher(self, credential: GcpCredential) -> GcpPublisher:
        """:class:`penstock.ports.gcp.GcpAccounts`."""
        return FakeGcpPublisher(self)

    def now(self) -> datetime:
        """A second later at each look."""
        self._made += 1
        return datetime(2026, 5, 11, tzinfo=UTC) + timedelta(seconds=self._made)

    def add(self, project: str, name: str, **said: object) -> FoundGceImage:
        """An image that stands there already."""
        image = FoundGceImage(name=name, number=str(len(self.images) + 1), status="READY", architecture="X86_64", created=self.now())
        self.images[project, name] = replace(image, **said)  # type: ignore[arg-type]
        return self.images[project, name]

    def end_operations(self) -> None:
        """What goes on by itself has gone on, also where nobody looked."""
        for at, image in self.images.items():
            if image.status == "PENDING":
                self.images[at] = replace(image, status="READY")


class FakeGcpPublisher:
    """:class:`penstock.ports.gcp.GcpPublisher` of a :class:`FakeGcp`."""

    def __init__(self, gcp: FakeGcp) -> None:
        self._gcp = gcp
        self._life = gcp.life

    async def _begin(self, name: str, project: str = "") -> None:
        await self._life.begin(name)
        if project in self._gcp.refused:
            raise self._gcp.refused[project]

    async def has_bucket(self, bucket: str) -> bool:
        await self._begin("has_bucket")
        return bucket == "images"

    async def object(self, bucket: str, key: str) -> FoundGcsObject | None:
        await self._begin("object")
        return self._gcp.objects.get((bucket, key))

    async def image(self, project: str, name: str) -> FoundGceImage | None:
        await self._begin("image", project)
        return self._gcp.images.get((project, name))

    async def images_of_family(self, project: str, family: str) -> tuple[FoundGceImage, ...]:
        await self._begin("images_of_family", project)
        return tuple(each for (where, _), each in self._gcp.images.items() if where == project and each.family == family)

    async def users(self, project: str, name: str) -> frozenset[str]:
        await self._begin("users", project)
        return frozenset(self._gcp.users.get((project, name), ()))

    async def operation(self, project: str, name: str) -> GceOperation:
        await self._begin("operation", project)
        if name not in self._gcp.operations:
            raise NotFoundError("there is no such operation", subject=name)
        left, image, error = self._gcp.operations[name]
        assert isinstance(left, int)
        self._gcp.operations[name][0] = left - 1
        if left > 0:
            return GceOperation(name=name, done=False, progress_percent=50)
        if isinstance(image, str) and (project, image) in self._gcp.images:
            found = self._gcp.images[project, image]
            if error:
                self._gcp.images.pop((project, image))
            elif found.status == "PENDING":
                self._gcp.images[project, image] = replace(found, status="READY")
        return GceOperation(name=name, done=True, error=str(error))

    async def upload(
        self, bucket: str, key: str, content: ArchiveStream, *, metadata: Mapping[str, str], progress: ProgressSink, item: str
    ) -> FoundGcsObject:
        await self._begin("upload")
        parts = []
        while part := content.read(1 << 20):
            parts.append(part)
            await self._life.begin("chunk")
        whole = b"".join(parts)
        if (bucket, key) not in self._gcp.objects:
            disk = next(unpack_disk([whole], subject=key)).rstrip(b"\0") if whole.startswith(b"\x1f\x8b") else whole
            self._gcp.disks[bucket, key] = disk
            self._gcp.objects[bucket, key] = FoundGcsObject(key=key, size_bytes=len(whole), metadata=dict(metadata))
        self._life.end()
        return self._gcp.objects[bucket, key]

    async def insert_image(self, project: str, insertion: GceInsertion, *, bucket: str, key: str) -> str:
        await self._begin("insert_image", project)
        if (project, insertion.name) in self._gcp.images:
            raise GceNameTaken("there is an image of this name", subject=insertion.name)
        assert (bucket, key) in self._gcp.objects
        error = "the quota is exceeded" if self._gcp.failing_inserts else ""
        self._gcp.failing_inserts -= bool(error)
        self._gcp.add(
            project,
            insertion.name,
            status="PENDING",
            architecture=insertion.architecture,
            description=insertion.description,
            labels=insertion.labels,
            licenses=insertion.licenses,
            guest_os_features=insertion.guest_os_features,
        )
        self._gcp.inserted[insertion.name] += not error
        return self._began(insertion.name, error)

    async def set_family(self, project: str, name: str, family: str) -> str:
        await self._begin("set_family", project)
        self._gcp.images[project, name] = replace(self._gcp.images[project, name], family=family)
        return self._began()

    async def deprecate(self, project: str, name: str, state: DeprecationState, *, replacement: str) -> str:
        await self._begin("deprecate", project)
        self._gcp.images[project, name] = replace(self._gcp.images[project, name], state=state)
        return self._began()

    async def grant(self, project: str, name: str, members: Sequence[str]) -> None:
        await self._begin("grant", project)
        self._gcp.users.setdefault((project, name), set()).update(members)
        self._life.end()

    def _began(self, image: str = "", error: str = "") -> str:
        name = self._life.new_id("operation")
        self._gcp.operations[name] = [self._gcp.looks, image, error]
        self._life.end()
        return name
