"""Files, a journal and time in memory, behind the ports of publishing."""

import asyncio
from collections.abc import Mapping, Sequence

from tests.unit.publish.fakecloud import FakeCloud

from penstock.model.digest import Digest
from penstock.model.errors import NotFoundError, OperationError
from penstock.model.push.content import Extent, ImageContent
from penstock.model.push.items import PushItem
from penstock.model.push.journal import JournalEvent
from penstock.ports import ProgressSink
from penstock.ports.publish import ContentFile


class FakeDisk:
    """:class:`penstock.ports.publish.ContentFile` of bytes."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.closed = False

    @property
    def size_bytes(self) -> int:
        return len(self._content)

    def read_at(self, offset: int, length: int) -> bytes:
        assert not self.closed
        return self._content[offset : offset + length]

    def extents(self) -> Sequence[Extent]:
        return (Extent(0, len(self._content)),) if self._content else ()

    def close(self) -> None:
        self.closed = True


class FakeFiles:
    """:class:`penstock.ports.publish.ImageFiles` of bytes by path."""

    def __init__(self, disks: Mapping[str, bytes]) -> None:
        self.disks = dict(disks)
        self.opened: list[FakeDisk] = []
        self.released: list[str] = []

    def content(self, src: str) -> ImageContent:
        """What is measured of a file."""
        disk = self.disks[src]
        return ImageContent(
            src=src,
            file_sha256=Digest.of(disk),
            file_size_bytes=len(disk),
            digest=Digest.of(disk),
            size_bytes=len(disk),
            compressed=False,
            data_bytes=len(disk),
        )

    async def measure(self, item: PushItem, *, keep: bool, progress: ProgressSink) -> ImageContent:
        if item.src not in self.disks:
            raise NotFoundError("there is no such file", subject=item.src)
        return self.content(item.src)

    async def open(self, content: ImageContent, progress: ProgressSink) -> ContentFile:
        disk = FakeDisk(self.disks[content.src])
        self.opened.append(disk)
        return disk

    async def release(self, content: ImageContent) -> None:
        self.released.append(content.src)


class FakeJournal:
    """:class:`penstock.ports.publish.PushJournal` in memory; a dead process writes nothing.

    Attributes:
        events: all lines.
        full_after: how many lines the disk takes; None for as many as come.
    """

    run_id = "20260511T101112Z-abcd"

    def __init__(self, cloud: FakeCloud | None = None, *, full_after: int | None = None) -> None:
        self.events: list[JournalEvent] = []
        self.full_after = full_after
        self._cloud = cloud

    def append(self, event: JournalEvent) -> None:
        if self._cloud is not None:
            self._cloud.check()
        if self.full_after is not None and len(self.events) >= self.full_after:
            raise OperationError("there is no space left on the device", subject="journal")
        self.events.append(event)


class FakeClock:
    """A second later at each look."""

    def __init__(self) -> None:
        self.at_s = 1_778_494_272

    def now_s(self) -> int:
        self.at_s += 1
        return self.at_s


class WaitedFor:
    """Stands for ``asyncio.sleep``: takes no time, and knows how long it would have been."""

    def __init__(self) -> None:
        self.total_s = 0.0

    async def __call__(self, pause_s: float) -> None:
        self.total_s += pause_s
        await asyncio.sleep(0)
