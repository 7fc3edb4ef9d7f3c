"""A cloud in memory, behind the ports of publishing, that can be killed at any call.

What stands in it (:class:`FakeCloud`) outlives the programs that use it (``FakePublisher``, ``FakeRhsm``): a test runs a push, kills
it at the n-th call, and runs it again.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace

from penstock.model.digest import Digest
from penstock.model.errors import PenstockError
from penstock.model.push.aws import (
    BucketState,
    FoundImage,
    FoundObject,
    FoundSnapshot,
    ImageRegistration,
    ImportStatus,
    ImportTask,
)
from penstock.model.push.rhsm import RhsmImage, RhsmProduct

Where = tuple[str, str]
"""A region and an id, a name or a bucket."""


class Killed(BaseException):
    """The process is gone."""


@dataclass
class FakeImage:
    """An image with what the port does not show."""

    found: FoundImage
    registration: ImageRegistration
    accounts: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)


@dataclass
class FakeTask:
    """An import on its way."""

    region: str
    task: ImportTask
    key: Where
    looks_left: int


class FakeCloud:
    """One account of AWS and RHSM.

    Attributes:
        calls: how often each call was made, by its name.
        tokens: client tokens to what they began.
        imported: how many imports were really begun, by region and content.
        made_public: regions and images, as often as it was asked for.
        kill_at: the number of the call that does not return; 0 for none.
        kill_after_effect: whether the call that does not return was carried out.
        import_looks: how often an import is seen active.
        shy_looks: how often a new image is not seen.
        failing_imports: how many imports fail from now on.
        refused: what every call raises, by region.
        foreign: images of other accounts that may be copied, by region and id.
        copy_looks: how often a copy is seen pending.
    """

    def __init__(self, owner: str = "123456789012") -> None:
        self.owner_number = owner
        self.calls: Counter[str] = Counter()
        self.buckets: dict[Where, BucketState] = {}
        self.objects: dict[tuple[str, str, str], tuple[FoundObject, bytes]] = {}
        self.uploads: dict[str, tuple[tuple[str, str, str], dict[str, str], dict[int, bytes]]] = {}
        self.snapshots: dict[Where, FoundSnapshot] = {}
        self.snapshot_accounts: dict[Where, set[str]] = {}
        self.snapshot_bytes: dict[str, bytes] = {}
        self.tasks: list[FakeTask] = []
        self.tokens: dict[Where, str] = {}
        self.imported: Counter[tuple[str, Digest]] = Counter()
        self.images: dict[Where, FakeImage] = {}
        self.rhsm_images: dict[str, RhsmImage] = {}
        self.rhsm_products: tuple[RhsmProduct, ...] = (RhsmProduct("RHEL_HOURLY", "AWS"), RhsmProduct("RHEL", "AWS"))
        self.rhsm_regions: set[tuple[str, str]] = set()
        self.kill_at = 0
        self.kill_after_effect = False
        self.import_looks = 1
        self.shy_looks = 0
        self.failing_imports = 0
        self.refused: dict[str, PenstockError] = {}
        self.foreign: dict[Where, FoundImage] = {}
        self.copy_looks = 0
        self._count = 0
        self._serial = 0
        self._dead = False
        self._unseen: dict[str, int] = {}
        self._unready: dict[str, int] = {}

    # --- being killed

    @property
    def count(self) -> int:
        """How many calls were begun since the last :meth:`revive`."""
        return self._count

    def revive(self, kill_at: int = 0, *, after_effect: bool = False) -> None:
        """A new process; it dies at this call."""
        self._dead, self._count, self.kill_at, self.kill_after_effect = False, 0, kill_at, after_effect

    async def begin(self, name: str, region: str = "") -> None:
        """Count a call; the loop turns, as it does for every real one."""
        await asyncio.sleep(0)
        self.check()
        self._count += 1
        self.calls[name] += 1
        if self._count == self.kill_at and not self.kill_after_effect:
            self._dead = True
        self.check()
        if region in self.refused:
            raise self.refused[region]

    def end(self) -> None:
        """The answer of a call that changed something."""
        if self._count == self.kill_at and self.kill_after_effect:
            self._dead = True
        self.check()

    def check(self) -> None:
        """Nothing is done by a dead process."""
        if self._dead:
            raise Killed

    def new_id(self, kind: str) -> str:
        """``ami-00000001``."""
        self._serial += 1
        return f"{kind}-{self._serial:08d}"

    # --- what tests look at

    def images_named(self, name: str) -> list[FakeImage]:
        """In all regions."""
        return [each for each in self.images.values() if each.found.name == name]

    # --- what goes on by itself

    def advance(self, fake: FakeTask) -> None:
        """One look at an import later."""
        if fake.task.status is not ImportStatus.ACTIVE:
            return
        fake.looks_left -= 1
        if fake.looks_left >= 0:
            return
        if self.failing_imports:
            self.failing_imports -= 1
            fake.task = replace(fake.task, status=ImportStatus.FAILED, message="ClientError: Disk validation failed")
            return
        content = self.objects[(fake.region, *fake.key)][1]
        snapshot = self.new_id("snap")
        self.snapshots[(fake.region, snapshot)] = FoundSnapshot(id=snapshot, state="completed", size_gib=1)
        self.snapshot_bytes[snapshot] = content
        fake.task = replace(fake.task, status=ImportStatus.COMPLETED, snapshot=snapshot, progress_percent=100)

    def advance_copy(self, region: str, image_id: str) -> None:
        """One look at a copy of an image later."""
        image = self.images[region, image_id]
        if image.found.state == "pending":
            left = self._unready.setdefault(image_id, self.copy_looks)
            self._unready[image_id] = left - 1
            if left <= 0:
                image.found = replace(image.found, state="available")

    def is_shy(self, image_id: str) -> bool:
        """Whether a new image is not seen this time."""
        left = self._unseen.setdefault(image_id, self.shy_looks)
        self._unseen[image_id] = left - 1
        return left > 0
