"""The outside world as the stages see it.

Ports are async where they wait for a network or a database.  What a worker thread reads or writes (``BlobReader``, ``Staging``) is
blocking, and says so.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from penstock.formats.oci.descriptor import Descriptor, RawManifest
from penstock.model.catalogue import AwsImage, AzureImageDetails, AzureSku, GalleryVersion, GcpCloudImage
from penstock.model.digest import Digest
from penstock.model.downloads import KeptPart, RemoteFile
from penstock.model.imageref import Reference
from penstock.model.lineage import Artifact, Direction, Edge
from penstock.model.progress import Progress

ProgressSink = Callable[[Progress], None]
"""Takes progress events; called from any thread, never raises, returns at once."""


class BlobReader(Protocol):
    """The bytes of one blob, in order; blocking, for one worker thread at a time.

    The reader resumes after a cut by itself.  It gives exactly ``size_bytes`` bytes; the *content* is not verified here:
    whoever reads hashes.
    """

    @property
    def size_bytes(self) -> int:
        """The size that the descriptor promises."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill ``buffer`` from its start; the number of bytes written, 0 only at the end of the blob.

        Raises:
            TransientError: bytes did not come, however often they were asked for.
            DigestMismatch: the source really holds more bytes than the descriptor says.
            NotFoundError: the source does not have the blob.
        """

    def close(self) -> None:
        """Give the connection back; safe to call twice, also while another thread is in ``readinto``."""


class Registry(Protocol):
    """Images by reference, in registries and in OCI layouts; safe for concurrent use in one event loop.

    All methods raise ``NotFoundError`` (404), ``OperationError`` (401, 403 and other refusals) or ``TransientError`` (cut, timeout, 5xx,
    429, after retries) and name the reference.
    """

    async def fetch_manifest(self, ref: Reference) -> RawManifest:
        """The manifest or index under ``ref``, with its exact bytes.

        Where ``ref`` has a digest the bytes are compared with it.

        Raises:
            DigestMismatch: the registry gave other bytes.
        """

    async def open_blob(self, ref: Reference, blob: Descriptor) -> BlobReader:
        """A reader of ``blob`` in the repository of ``ref``; nothing is requested before the first byte is read."""

    async def fetch_blob(self, ref: Reference, blob: Descriptor, *, limit_bytes: int = 8 << 20) -> bytes:
        """A small blob (a config), whole and verified.

        Raises:
            DigestMismatch: the bytes differ.
            VerificationError: the descriptor says more than ``limit_bytes``.
        """

    async def has_blob(self, ref: Reference, blob: Descriptor) -> bool:
        """Whether the repository of ``ref`` holds ``blob`` (HEAD; the size is compared where the answer tells it)."""

    async def push_blob(self, ref: Reference, blob: Descriptor, open_content: Callable[[], BinaryIO]) -> None:
        """Put ``blob`` into the repository of ``ref`` unless it is there; ``open_content`` is called again for each try."""

    async def mount_blob(self, ref: Reference, blob: Descriptor, source: Reference) -> None:
        """Bring ``blob`` from the repository of ``source`` into that of ``ref``: by mount where the registry can, else by streaming."""

    async def push_manifest(self, ref: Reference, manifest: RawManifest) -> None:
        """Store ``manifest`` under the tag of ``ref``, or under its digest where ``ref`` has no tag."""


class Ledger(Protocol):
    """The record of what came from what; every writing is idempotent."""

    async def record(self, artifacts: Iterable[Artifact], edges: Iterable[Edge]) -> None:
        """Write artifacts and edges in one transaction; facts and names of artifacts that exist are merged (``Artifact.merged``).

        An edge may name artifacts that were never recorded: they are entered bare (``Artifact.bare``).

        Raises:
            OperationError: the ledger cannot be written.
        """

    async def find(self, key: str) -> list[Artifact]:
        """The artifacts whose key, digest (``sha256:…`` or bare hex) or one of whose names is ``key``; oldest first.

        Where there is none and ``key`` is the beginning of a SHA-256, of eight hex digits or more: those whose digest begins so.

        Raises:
            OperationError: the ledger cannot be read.
        """

    def walk(self, start: Artifact, direction: Direction) -> AsyncIterator[tuple[Edge, Artifact]]:
        """The edges from ``start`` in one direction, breadth first, each once, with the artifact at the far end.

        Edges of one level come in the order in which they were recorded.  An artifact whose edges were given is not walked
        again, so cycles end; one that the ledger does not hold has no edges.

        Raises:
            OperationError: the ledger cannot be read.
        """


class Staging(Protocol):
    """A hidden sibling of a destination folder; blocking.

    Nothing appears in the destination before :meth:`publish`; leaving the context without it removes everything.
    """

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def create(self, path: PurePosixPath, *, mode: int, mtime_s: int) -> BinaryIO:
        """A new file, open for writing; parents are made.  A second call for the same path replaces the first file."""

    def mkdir(self, path: PurePosixPath, *, mode: int) -> None:
        """A folder; no error where it exists."""

    def symlink(self, path: PurePosixPath, target: str) -> None:
        """A symbolic link with this text; it is never followed here."""

    def link(self, path: PurePosixPath, existing: PurePosixPath) -> None:
        """A second name for a staged file."""

    def open(self, path: PurePosixPath) -> BinaryIO:
        """A staged file, open for reading."""

    def check(self) -> None:
        """See that :meth:`publish` will find its way.

        Raises:
            InputError: something in the destination stands where something of another kind shall go.
        """

    def publish(self) -> list[PurePosixPath]:
        """Move everything to its name in the destination; the files, sorted.  Folders that exist are kept and filled."""


class Outlet(Protocol):
    """A destination folder for files."""

    def stage(self, directory: str, *, replace: bool) -> Staging:
        """A staging for ``directory``.

        Raises:
            InputError: it does not exist, or it is not empty and ``replace`` is false.
            OperationError: it cannot be written.
        """


class AzureCatalogue(Protocol):
    """The Azure marketplace and the community galleries, read only; safe for concurrent use in one event loop.

    All methods raise ``OperationError`` (refused, no credentials) or ``TransientError`` (after retries) and name what was asked for.
    """

    async def list_versions(self, sku: AzureSku) -> tuple[str, ...]:
        """The versions of ``sku``, deprecated ones too, in no order; one request.

        Raises:
            NotFoundError: the publisher, offer or SKU is not there.
        """

    async def describe(self, sku: AzureSku, version: str) -> AzureImageDetails:
        """One version; one request.

        Raises:
            ImageDeprecated: it is listed, and can no longer be used.
            NotFoundError: it is not there, or not in this region or cloud.
        """

    async def list_gallery_versions(self, gallery: str, image: str) -> tuple[GalleryVersion, ...]:
        """The versions of ``image`` in a community gallery.

        Raises:
            NotFoundError: the gallery or the image is not there.
        """


class AwsCatalogue(Protocol):
    """AMIs, read only; raises as :class:`AzureCatalogue` does."""

    async def list_regions(self) -> tuple[str, ...]:
        """The regions that the account may use, sorted."""

    async def list_images(self, region: str, *, owner: str, name: str) -> tuple[AwsImage, ...]:
        """The images of ``owner`` (a number, or ``aws-marketplace``) whose name is of the pattern ``name`` (``*`` and ``?``)."""

    async def describe(self, region: str, image_ids: Iterable[str]) -> tuple[AwsImage, ...]:
        """These images; those that do not exist are left out."""


class GcpCatalogue(Protocol):
    """Images of Google Cloud, read only; raises as :class:`AzureCatalogue` does."""

    async def list_images(self, project: str, *, prefix: str) -> tuple[GcpCloudImage, ...]:
        """The images of ``project`` whose name begins with ``prefix``; all pages.

        Raises:
            NotFoundError: the project is not there.
        """

    async def newest_of_family(self, project: str, family: str) -> GcpCloudImage:
        """The newest image of a family that is not deprecated.

        Raises:
            NotFoundError: the family is not there, or all its images are deprecated.
        """


class Clock(Protocol):
    """The time, so that tests and reproducible builds may set it."""

    def now_s(self) -> int:
        """Seconds since the epoch, UTC."""


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
