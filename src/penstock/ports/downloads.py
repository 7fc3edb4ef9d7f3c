"""Files that are brought from servers into folders, their signatures, and the states that a file went through."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from penstock.model.digest import Digest
from penstock.model.downloads import KeptPart, RemoteFile
from penstock.ports.progress import ProgressSink


class PartialFile(Protocol):
    """A file on its way into a folder: a hidden sibling of its name, which outlives the run; blocking, for one thread at a time.

    All methods raise ``DestinationError`` where the folder does not take what they write.
    """

    @property
    def size_bytes(self) -> int:
        """How much has come."""

    @property
    def total_bytes(self) -> int | None:
        """What the server said of the whole size, or None."""

    @property
    def validator(self) -> str | None:
        """What the server said of the state of the file that these bytes are the beginning of, or None."""

    @property
    def digest(self) -> Digest:
        """Of the bytes that have come."""

    def begin(self, *, total_bytes: int | None, validator: str | None) -> None:
        """Throw away what is there; what comes now is the beginning of a file of this size and state."""

    def append(self, data: memoryview, /) -> None:
        """Take all of ``data``; what a failed call could write stays."""

    def publish(self) -> None:
        """Flush to the device and take the real name, in the place of what stands there."""

    def discard(self) -> None:
        """Remove it."""

    def close(self) -> None:
        """Let go of it; unless it was published or discarded it stays, for the next run.  Safe to call twice."""


class MirrorFolder(Protocol):
    """A folder that files are mirrored into; blocking.  Names are single ones, without a slash."""

    def path(self, name: str) -> str:
        """Where ``name`` stands, for people and programs."""

    def digest(self, name: str, on_bytes: Callable[[int], None]) -> Digest | None:
        """The SHA-256 of the file, or None where there is none; ``on_bytes`` is told how many bytes were read.

        Raises:
            InputError: something else than a file stands there.
            OperationError: it cannot be read.
        """

    def kept_part(self, name: str) -> KeptPart | None:
        """What an earlier run left of it."""

    def open_partial(self, name: str, wanted: Digest, *, resume: bool, on_bytes: Callable[[int], None]) -> PartialFile:
        """The hidden sibling of ``name``: empty, or with ``resume`` as it was left, its bytes hashed again.

        Raises:
            DestinationError: the folder cannot be written, or another run works on the file.
        """

    def partial_path(self, name: str) -> str:
        """Where the hidden sibling stands."""

    def read_small(self, name: str) -> bytes | None:
        """The content of a small file, or None where there is none."""

    def write_small(self, name: str, content: bytes) -> None:
        """Write a small file atomically.

        Raises:
            DestinationError: the folder does not take it.
        """


class FileSource(Protocol):
    """Files by URL; safe for concurrent use in one event loop."""

    async def look(self, url: str) -> RemoteFile:
        """What the server tells of the file (HEAD); never raises for what the server says."""

    async def fetch_small(self, url: str, *, subject: str, limit_bytes: int) -> bytes:
        """A small file, whole.

        Raises:
            NotFoundError: the server does not have it.
            VerificationError: it has more than ``limit_bytes``.
            OperationError: it is refused.
            TransientError: it did not come, however often it was asked for.
        """

    async def fetch(self, url: str, into: PartialFile, *, subject: str, progress: ProgressSink) -> bool:
        """Bring what is missing in ``into``, to the end that the server tells; nothing is verified here.

        What is there is continued where the server still has the same file, and thrown away where it has another.

        Returns:
            Whether the whole file came in one answer; several may be parts of different files where the server does not tell.

        Raises:
            NotFoundError, OperationError, TransientError: as :meth:`fetch_small`; what came is in ``into``.
            DestinationError: the folder does not take it.
        """


class SignatureCheck(Protocol):
    """Detached OpenPGP signatures, against one set of keys."""

    async def check(self, path: str, signature: bytes, *, subject: str) -> str:
        """The fingerprint of the key that signed the file at ``path``.

        Raises:
            VerificationError: the signature is of other bytes, of a key that is not in the set, of one that is no longer good, or none.
            OperationError: the check could not be made.
        """


@dataclass(frozen=True, slots=True)
class FileVersion:
    """A state of a file in a history.

    Attributes:
        commit: the commit that brought it, in full.
        committed_at_s: when, in seconds since the epoch.
        path: where the file was then.
        content: its bytes, or None where the commit took it away.
    """

    commit: str
    committed_at_s: int
    path: str
    content: bytes | None


class FileHistory(Protocol):
    """The states that a file went through."""

    def versions(self) -> AsyncIterator[FileVersion]:
        """Every state, oldest first.

        Raises:
            InputError: there is no such history.
            NotFoundError: it never had the file.
            OperationError: it cannot be read.
        """
