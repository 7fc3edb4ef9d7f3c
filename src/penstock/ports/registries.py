"""Images in registries and OCI layouts."""

from collections.abc import Callable
from typing import BinaryIO, Protocol

from penstock.formats.oci.descriptor import Descriptor, RawManifest
from penstock.model.imageref import Reference


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
