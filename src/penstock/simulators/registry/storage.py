"""Where the server keeps its bytes: content by digest, and per repository the names that point to it.

Content is stored once; a repository *holds* a blob or a manifest when it has a link to it, which is what mounting makes.  Methods block
(they are short, or called in a worker thread) and may be called from several threads.  Nothing here checks what a
manifest says: tests put documents in directly that the HTTP side would refuse.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from penstock.formats.oci.descriptor import RawManifest
from penstock.model.digest import Digest

CHUNK_BYTES = 1 << 20


class Source(Protocol):
    """Bytes that can be read from any offset."""

    @property
    def size_bytes(self) -> int:
        """How many there are."""

    def read(self, offset_bytes: int, count_bytes: int, /) -> bytes:
        """Up to ``count_bytes`` bytes from ``offset_bytes``; fewer only at the end."""


@dataclass(frozen=True, slots=True)
class MemoryContent:
    """Stored bytes, in memory."""

    data: bytes

    @property
    def size_bytes(self) -> int:
        """How many there are."""
        return len(self.data)

    def read(self, offset_bytes: int, count_bytes: int, /) -> bytes:
        """See :class:`Source`."""
        return self.data[offset_bytes : offset_bytes + count_bytes]


@dataclass(frozen=True, slots=True)
class FileContent:
    """Stored bytes, in a file of their own that the kernel can send by itself."""

    path: Path
    size_bytes: int

    def read(self, offset_bytes: int, count_bytes: int, /) -> bytes:
        """See :class:`Source`."""
        with self.path.open("rb") as file:
            file.seek(offset_bytes)
            return file.read(count_bytes)


class Upload(ABC):
    """Bytes on their way in, hashed as they come; for one thread at a time."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self._hasher = hashlib.sha256()

    def append(self, chunk: bytes) -> None:
        """Add bytes at the end."""
        self._write(chunk)
        self._hasher.update(chunk)
        self.size_bytes += len(chunk)

    def use(self, algorithm: str) -> None:
        """Hash with ``algorithm`` (``sha256`` or ``sha512``); bytes that are here already are read again when it is another one."""
        if algorithm == self._hasher.name:
            return
        hasher = hashlib.new(algorithm)
        for chunk in self._chunks():
            hasher.update(chunk)
        self._hasher = hasher

    def matches(self, digest: Digest) -> bool:
        """Whether the bytes so far have this digest."""
        self.use(digest.algorithm)
        return digest.matches(self._hasher)

    @abstractmethod
    def _write(self, chunk: bytes) -> None: ...

    @abstractmethod
    def _chunks(self) -> Iterator[bytes]: ...

    @abstractmethod
    def discard(self) -> None:
        """Forget the bytes; safe to call twice and after a commit."""


class Storage(ABC):
    """The server's state."""

    def close(self) -> None:  # noqa: B027  # most storages hold nothing open
        """Give back what is held open; the storage is not used afterwards."""

    @abstractmethod
    def open_upload(self) -> Upload:
        """Room for a new blob."""

    @abstractmethod
    def commit(self, repository: str, upload: Upload, digest: Digest) -> None:
        """Make the bytes of ``upload``, which match ``digest``, a blob of ``repository``: wholly or not at all."""

    @abstractmethod
    def find_content(self, digest: Digest) -> MemoryContent | FileContent | None:
        """The stored bytes under ``digest``, whichever repository holds them."""

    @abstractmethod
    def holds_blob(self, repository: str, digest: Digest) -> bool:
        """Whether ``repository`` has a link to the blob."""

    @abstractmethod
    def link_blob(self, repository: str, digest: Digest) -> None:
        """Let ``repository`` hold a blob whose content is stored."""

    @abstractmethod
    def unlink_blob(self, repository: str, digest: Digest) -> None:
        """Take the blob from ``repository``."""

    @abstractmethod
    def put_manifest(self, repository: str, manifest: RawManifest, tags: Iterable[str] = ()) -> None:
        """Store ``manifest`` under its digest and under each tag; tags that exist are moved."""

    @abstractmethod
    def find_manifest(self, repository: str, digest: Digest) -> RawManifest | None:
        """The manifest as it was stored."""

    @abstractmethod
    def list_manifests(self, repository: str) -> list[Digest]:
        """The digests of all manifests of ``repository``, sorted."""

    @abstractmethod
    def delete_manifest(self, repository: str, digest: Digest) -> None:
        """Take the manifest from ``repository``, and every tag that points to it."""

    @abstractmethod
    def find_tag(self, repository: str, tag: str) -> Digest | None:
        """What ``tag`` points to."""

    @abstractmethod
    def delete_tag(self, repository: str, tag: str) -> None:
        """Take the tag away; the manifest stays."""

    @abstractmethod
    def list_tags(self, repository: str) -> list[str] | None:
        """All tags in byte order, or None where there is no such repository."""

    @abstractmethod
    def list_repositories(self) -> list[str]:
        """All repositories in byte order."""

    @abstractmethod
    def tamper(self, digest: Digest, change: Callable[[bytes], bytes]) -> None:
        """Replace the stored bytes under ``digest`` by ``change(bytes)``, as a broken disk or an intruder would.

        For rehearsals of damage; the whole content passes through memory.

        Raises:
            KeyError: nothing is stored under ``digest``.
        """


def flip_bit(offset_bytes: int | None = None, bit: int = 0) -> Callable[[bytes], bytes]:
    """A change for :meth:`Storage.tamper`: one bit of the byte at ``offset_bytes``, or of the middle byte, is turned."""

    def change(content: bytes) -> bytes:
        damaged = bytearray(content)
        damaged[len(damaged) // 2 if offset_bytes is None else offset_bytes] ^= 1 << bit
        return bytes(damaged)

    return change
