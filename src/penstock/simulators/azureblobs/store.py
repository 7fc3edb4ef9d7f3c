"""What stands in the account: blobs as sparse files, with the ranges that were written."""

import os
import secrets
import shutil
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from penstock.simulators.cloud.operations import Refusal

PAGE_BYTES = 512
_COPY_BYTES = 1 << 20
Range = tuple[int, int]
"""From, and up to but without, in bytes."""


@dataclass
class CopyProgress:
    """A copy by the service.

    Attributes:
        id: of it.
        source: as it was given.
        status: ``pending``, ``success``, ``aborted``, ``failed``.
        ends_at: when it is over.
        total_bytes: of the source.
        description: why it failed.
    """

    id: str
    source: str
    status: str
    ends_at: datetime
    total_bytes: int
    description: str = ""


@dataclass
class StoredBlob:
    """A blob.

    Attributes:
        kind: ``PageBlob`` or ``BlockBlob``.
        file: with its bytes, as long as the blob.
        size_bytes: of it.
        sequence_number: of a page blob.
        metadata: names in lower case.
        tags: of its index.
        tagged_at: when these were set; searches find them some time later.
        ranges: that were written, in order, none touching another.
        etag: with its quotes.
        modified_at: when anything but its tags changed.
        copy: the one that made it.
        page_writes: how many Put Page calls it took.
        bytes_written: by them.
    """

    kind: str
    file: Path
    size_bytes: int
    modified_at: datetime
    tagged_at: datetime
    sequence_number: int = 0
    metadata: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    ranges: list[Range] = field(default_factory=list)
    etag: str = ""
    copy: CopyProgress | None = None
    page_writes: int = 0
    bytes_written: int = 0

    def __post_init__(self) -> None:
        """Give it its first etag."""
        self.touch(self.modified_at)

    def touch(self, now: datetime) -> None:
        """It has changed."""
        self.etag = f'"0x{secrets.token_hex(8).upper()}"'
        self.modified_at = now

    def read(self, start: int, end: int) -> bytes:
        """Its bytes; zeros where nothing was written."""
        with self.file.open("rb") as file:
            return os.pread(file.fileno(), end - start, start)

    def write(self, start: int, data: bytes, now: datetime) -> None:
        """Write pages."""
        with self.file.open("r+b") as file:
            os.pwrite(file.fileno(), data, start)
        self.ranges = _with((start, start + len(data)), self.ranges)
        self.page_writes += 1
        self.bytes_written += len(data)
        self.touch(now)

    def clear(self, start: int, end: int, now: datetime) -> None:
        """Make pages read as zeros, and be no ranges any more."""
        with self.file.open("r+b") as file:
            os.pwrite(file.fileno(), bytes(end - start), start)
        kept: list[Range] = []
        for low, high in self.ranges:
            kept += [part for part in ((low, min(high, start)), (max(low, end), high)) if part[0] < part[1]]
        self.ranges = kept
        self.touch(now)


class BlobStore:
    """Containers with blobs; for one event loop.

    Attributes:
        containers: blobs by container and name.
    """

    def __init__(self, folder: Path) -> None:
        """Keep the bytes in this folder."""
        self._folder = folder
        self.containers: dict[str, dict[str, StoredBlob]] = {}

    def container(self, name: str) -> dict[str, StoredBlob]:
        """Its blobs.

        Raises:
            Refusal: there is none.
        """
        if name not in self.containers:
            raise Refusal(404, "ContainerNotFound", "The specified container does not exist.")
        return self.containers[name]

    def find(self, container: str, name: str) -> StoredBlob:
        """A blob.

        Raises:
            Refusal: there is none.
        """
        found = self.container(container).get(name)
        if found is None:
            raise Refusal(404, "BlobNotFound", "The specified blob does not exist.")
        return found

    def new_page_blob(self, size_bytes: int, now: datetime) -> StoredBlob:
        """A page blob of zeros; it stands nowhere yet."""
        file = self._new_file()
        with file.open("wb") as opened:
            opened.truncate(size_bytes)
        return StoredBlob("PageBlob", file, size_bytes, now, now)

    def copy_of(self, source: StoredBlob, now: datetime) -> StoredBlob:
        """Another blob with the same bytes."""
        made = self.new_page_blob(source.size_bytes, now)
        made.kind = source.kind
        with source.file.open("rb") as read, made.file.open("r+b") as write:
            for start, end in source.ranges:
                for at in range(start, end, _COPY_BYTES):
                    os.pwrite(write.fileno(), os.pread(read.fileno(), min(_COPY_BYTES, end - at), at), at)
        made.ranges = list(source.ranges)
        return made

    def copy_of_file(self, source: Path, now: datetime) -> StoredBlob:
        """A blob with the bytes of a file; a page blob, if it is made of whole pages."""
        file = self._new_file()
        shutil.copyfile(source, file)
        size_bytes = file.stat().st_size
        made = StoredBlob("BlockBlob" if size_bytes % PAGE_BYTES else "PageBlob", file, size_bytes, now, now)
        made.ranges = [(0, size_bytes)] if size_bytes else []
        return made

    def put(self, container: str, name: str, blob: StoredBlob) -> None:
        """Let it stand there, in place of what stood there."""
        blobs = self.container(container)
        if name in blobs:
            blobs[name].file.unlink(missing_ok=True)
        blobs[name] = blob

    def remove(self, container: str, name: str) -> None:
        """Let it stand there no longer."""
        self.container(container).pop(name).file.unlink(missing_ok=True)

    def _new_file(self) -> Path:
        return self._folder / secrets.token_hex(8)


def _with(new: Range, ranges: list[Range]) -> list[Range]:
    start, end = new
    apart = [each for each in ranges if each[1] < start or each[0] > end]
    touching = [each for each in ranges if each not in apart]
    merged = (min([start, *(each[0] for each in touching)]), max([end, *(each[1] for each in touching)]))
    return sorted([*apart, merged])
