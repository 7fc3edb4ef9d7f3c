"""A storage account in memory, behind its port, that can be killed at any call.

What stands in it (:class:`FakeAccount`) outlives the programs that use it (:class:`FakeBlobs`).
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.unit.publish.fakecloud import Killed

from penstock.model.errors import InputError, NotFoundError, PenstockError
from penstock.model.push.blobs import (
    MORE_TAGS,
    BlobChanged,
    BlobKind,
    BlobMarks,
    BlobName,
    CopyStatus,
    FoundBlob,
    all_tags,
    index_tags,
    more_metadata,
    without_query,
)
from penstock.model.push.content import Extent

_PAGE_BYTES = 512


@dataclass
class FakeBlob:
    """A blob with what the port does not show."""

    content: bytearray
    metadata: dict[str, str]
    tags: dict[str, str]
    fence: int = 0
    kind: BlobKind = BlobKind.PAGE
    written: set[int] = field(default_factory=set)
    """Numbers of pages."""
    copy: CopyStatus | None = None
    copy_looks: int = 0
    changes: int = 0
    number: int = 0

    @property
    def etag(self) -> str:
        return f'"{self.number}-{self.changes}"'


class FakeAccount:
    """One storage account.

    Attributes:
        containers: that are there.
        blobs: by name.
        calls: how often each call was made, by its name.
        sent_bytes: of pages, for blobs by their name.
        copied: how many copies were begun.
        kill_at: the number of the call that does not return; 0 for none.
        kill_after_effect: whether the call that does not return was carried out.
        sources: what stands at addresses, which are with their queries here.
        copy_looks: how often a copy is seen pending.
        copy_failure: why copies fail; ``""`` lets them succeed.
        failing: what calls of a name raise, the next one first.
        most_bytes: how many bytes of pages were under way at once.
        forgets_page: a page that is written and is no range afterwards.
        made: how many blobs were made.
    """

    def __init__(self, name: str = "pictures") -> None:
        self.name = name
        self.containers: set[str] = set()
        self.blobs: dict[BlobName, FakeBlob] = {}
        self.calls: Counter[str] = Counter()
        self.sent_bytes: Counter[BlobName] = Counter()
        self.copied = 0
        self.kill_at = 0
        self.kill_after_effect = False
        self.sources: dict[str, tuple[BlobKind, bytes]] = {}
        self.copy_looks = 1
        self.copy_failure = ""
        self.failing: dict[str, list[PenstockError]] = {}
        self.most_bytes = 0
        self.count = 0
        self._under_way = 0
        self.made = 0
        self.forgets_page: int | None = None
        self._dead = False
        self._doomed: asyncio.Task[object] | None = None

    def revive(self, kill_at: int = 0, *, after_effect: bool = False) -> None:
        """A new process; it dies at this call."""
        self._dead, self.count, self.kill_at, self.kill_after_effect, self._under_way = False, 0, kill_at, after_effect, 0
        self._doomed = None

    async def begin(self, name: str) -> None:
        """Count a call; the loop turns, as it does for every real one."""
        await asyncio.sleep(0)
        self.check()
        self.count += 1
        self.calls[name] += 1
        if self.count == self.kill_at and not self.kill_after_effect:
            self._dead = True
        # Others call meanwhile: what ends is known by its task, not by the count.
        task = asyncio.current_task()
        if self.count == self.kill_at:
            self._doomed = task
        elif self._doomed is task:
            self._doomed = None
        self.check()
        if self.failing.get(name):
            raise self.failing[name].pop(0)

    def end(self) -> None:
        """The answer of a call that changed something."""
        if self.kill_after_effect and self._doomed is not None and self._doomed is asyncio.current_task():
            self._dead = True
        self.check()

    def check(self) -> None:
        """Nothing is done by a dead process."""
        if self._dead:
            raise Killed

    def put(self, at: BlobName, blob: FakeBlob) -> None:
        """Let it stand there."""
        self.made += 1
        blob.number = self.made
        self.blobs[at] = blob

    @contextmanager
    def under_way(self, size_bytes: int) -> Iterator[None]:
        """Bytes on the wire."""
        self._under_way += size_bytes
        self.most_bytes = max(self.most_bytes, self._under_way)
        try:
            yield
        finally:
            self._under_way -= size_bytes


class FakeBlobs:
    """:class:`penstock.ports.azureblobs.AzureBlobs` of a :class:`FakeAccount`."""

    def __init__(self, account: FakeAccount) -> None:
        self.state = account
        self.signed: list[str] = []

    @property
    def account(self) -> str:
        return self.state.name

    def address(self, at: BlobName) -> str:
        return f"https://{self.account}.blob.example/{at}"

    def name_of(self, address: str) -> BlobName:
        root = f"https://{self.account}.blob.example/"
        container, _, name = address.removeprefix(root).partition("/")
        if not address.startswith(root) or not name:
            raise InputError("this is no blob of the storage account", subject=without_query(address))
        return BlobName(container, name)

    def sas_uri(self, address: str) -> str:
        self.name_of(address)
        self.signed.append(address)
        return f"{address}?se=2029-05-10T00%3A00%3A00Z&sp=r&sv=2021-12-02&sr=b&sig=secret-signature"

    async def check(self) -> None:
        await self.state.begin("check")

    async def has_container(self, container: str) -> bool:
        await self.state.begin("has_container")
        return container in self.state.containers

    async def blob(self, at: BlobName) -> FoundBlob | None:
        await self.state.begin("blob")
        blob = self.state.blobs.get(at)
        if blob is None:
            return None
        if blob.copy is not None and blob.copy.status == "pending":
            blob.copy_looks -= 1
            if blob.copy_looks < 0:
                failure = self.state.copy_failure
                status = "failed" if failure else "success"
                blob.copy = CopyStatus(id=blob.copy.id, status=status, source=blob.copy.source, description=failure)
                blob.changes += 1
        return _found(at, blob)

    async def blobs_by_tags(self, tags: Mapping[str, str]) -> tuple[FoundBlob, ...]:
        await self.state.begin("blobs_by_tags")
        found = (_found(at, blob) for at, blob in self.state.blobs.items())
        return tuple(each for each in found if all(each.tags.get(key) == value for key, value in tags.items()))

    async def list_blobs(self, container: str, prefix: str = "") -> tuple[FoundBlob, ...]:
        await self.state.begin("list_blobs")
        blobs = sorted(self.state.blobs.items())
        return tuple(_found(at, blob) for at, blob in blobs if at.container == container and at.name.startswith(prefix))

    async def data_ranges(self, at: BlobName, *, etag: str = "") -> tuple[Extent, ...]:
        await self.state.begin("data_ranges")
        blob = self._existing(at)
        if etag not in ("", blob.etag):
            raise BlobChanged("it is not as it was", subject=str(at))
        return tuple(Extent(page * _PAGE_BYTES, _PAGE_BYTES) for page in sorted(blob.written))

    async def read(self, at: BlobName, offset: int, length: int) -> bytes:
        await self.state.begin("read")
        return bytes(self._existing(at).content[offset : offset + length])

    async def create_container(self, container: str) -> None:
        await self.state.begin("create_container")
        self.state.containers.add(container)
        self.state.end()

    async def create_page_blob(self, at: BlobName, size_bytes: int, marks: BlobMarks, *, fence: int, instead_of: str = "") -> None:
        await self.state.begin("create_page_blob")
        assert size_bytes % _PAGE_BYTES == 0
        self._must_be_free(at, instead_of)
        self.state.put(at, FakeBlob(bytearray(size_bytes), dict(marks.metadata), dict(marks.tags), fence))
        self.state.end()

    async def put_pages(self, at: BlobName, offset: int, data: bytes, *, fence: int) -> None:
        assert offset % _PAGE_BYTES == 0
        assert len(data) % _PAGE_BYTES == 0
        assert 0 < len(data) <= 4 << 20
        with self.state.under_way(len(data)):
            await asyncio.sleep(0)
            await self.state.begin("put_pages")
        blob = self._existing(at)
        if blob.fence != fence:
            raise BlobChanged("the sequence number is another", subject=str(at))
        blob.content[offset : offset + len(data)] = data
        blob.written |= set(range(offset // _PAGE_BYTES, (offset + len(data)) // _PAGE_BYTES)) - {self.state.forgets_page}
        blob.changes += 1
        self.state.sent_bytes[at] += len(data)
        self.state.end()

    async def set_marks(self, at: BlobName, metadata: Mapping[str, str], *, etag: str) -> None:
        await self.state.begin("set_marks")
        blob = self._existing(at)
        if blob.etag != etag:
            raise BlobChanged("it is not as it was", subject=str(at))
        blob.metadata = dict(metadata)
        blob.changes += 1
        self.state.end()

    async def set_tags(self, at: BlobName, tags: Mapping[str, str]) -> None:
        await self.state.begin("set_tags")
        blob = self._existing(at)
        blob.tags, more = index_tags({**all_tags(blob.tags, blob.metadata), **tags})
        blob.metadata = {**{name: value for name, value in blob.metadata.items() if name != MORE_TAGS}, **more_metadata(more)}
        self.state.end()

    async def start_copy(self, at: BlobName, source: str, marks: BlobMarks, *, instead_of: str = "") -> CopyStatus:
        await self.state.begin("start_copy")
        self._must_be_free(at, instead_of)
        if source not in self.state.sources:
            raise NotFoundError("there is no such source", subject=str(at))
        kind, content = self.state.sources[source]
        self.state.copied += 1
        copy = CopyStatus(id=f"copy-{self.state.copied}", status="pending", source=without_query(source))
        blob = FakeBlob(bytearray(content), dict(marks.metadata), dict(marks.tags), kind=kind, copy=copy, copy_looks=self.state.copy_looks)
        self.state.put(at, blob)
        self.state.end()
        return copy

    async def abort_copy(self, at: BlobName, copy_id: str) -> None:
        await self.state.begin("abort_copy")

    async def delete_blob(self, at: BlobName) -> bool:
        await self.state.begin("delete_blob")
        found = self.state.blobs.pop(at, None)
        self.state.end()
        return found is not None

    async def close(self) -> None:
        pass

    def _existing(self, at: BlobName) -> FakeBlob:
        if at not in self.state.blobs:
            raise NotFoundError("there is no such blob", subject=str(at))
        return self.state.blobs[at]

    def _must_be_free(self, at: BlobName, instead_of: str) -> None:
        if at.container not in self.state.containers:
            raise NotFoundError("there is no such container", subject=str(at))
        old = self.state.blobs.get(at)
        if (old.etag if old else "") != instead_of:
            raise BlobChanged("it is not as it was", subject=str(at))


def _found(at: BlobName, blob: FakeBlob) -> FoundBlob:
    return FoundBlob(
        at=at,
        kind=blob.kind,
        size_bytes=len(blob.content),
        etag=blob.etag,
        tags=all_tags(blob.tags, blob.metadata),
        metadata=dict(blob.metadata),
        copy=blob.copy,
    )
