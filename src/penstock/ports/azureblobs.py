"""A storage account of Azure, as the disks of images are brought there.

Errors are those of :mod:`penstock.ports.publish`; besides, ``BlobChanged`` where a condition does not hold any more.  No signature, key or
query is ever in an error, an id or a repr.
"""

from collections.abc import Mapping
from typing import Protocol

from penstock.model.push.blobs import BlobMarks, BlobName, CopyStatus, FoundBlob
from penstock.model.push.content import Extent


class AzureBlobs(Protocol):
    """One storage account; safe for concurrent use.  Every call may be made again: what was done already is no error."""

    @property
    def account(self) -> str:
        """The name of the storage account; no secret."""

    def address(self, at: BlobName) -> str:
        """Of a blob, without a signature: what ``ExternalId.BLOB`` holds."""

    def name_of(self, address: str) -> BlobName:
        """The blob that an address, as :meth:`address` gives it, names.

        Raises:
            InputError: it is of no blob of this account.
        """

    def sas_uri(self, address: str) -> str:
        """The address with a signature by which everybody may read the blob, for a long time (``CLOUDIMG_AZURE_SAS_EXPIRY``).

        It is a secret: it is made at the moment at which it is sent, and stands in no plan, journal, ledger, result, log or message.

        Raises:
            InputError: it is of no blob of this account.
        """

    # --- reading

    async def check(self) -> None:
        """See that the account answers and the key is right; for preflight."""

    async def has_container(self, container: str) -> bool:
        """Whether it is there."""

    async def blob(self, at: BlobName) -> FoundBlob | None:
        """A blob with its tags and metadata, or None."""

    async def blobs_by_tags(self, tags: Mapping[str, str]) -> tuple[FoundBlob, ...]:
        """The blobs of all containers that have all these index tags; new tags are found some time after they were set.

        Tags that cannot be index tags are not searched for; where none can, nothing is found.
        """

    async def list_blobs(self, container: str, prefix: str = "") -> tuple[FoundBlob, ...]:
        """The blobs of a container, in the order of their names; none where there is no container."""

    async def data_ranges(self, at: BlobName, *, etag: str = "") -> tuple[Extent, ...]:
        """The ranges of a page blob that were written, in order; all between them reads as zeros.

        Args:
            at: which.
            etag: of the blob that is meant.

        Raises:
            NotFoundError: there is no blob.
            BlobChanged: it has not this etag any more.
        """

    async def read(self, at: BlobName, offset: int, length: int) -> bytes:
        """This range; shorter at the end.

        Raises:
            NotFoundError: there is no blob.
        """

    # --- making

    async def create_container(self, container: str) -> None:
        """Make it; no error where it is there."""

    async def create_page_blob(self, at: BlobName, size_bytes: int, marks: BlobMarks, *, fence: int, instead_of: str = "") -> None:
        """Make a page blob of zeros, marked from its first moment.

        Args:
            at: where.
            size_bytes: a multiple of 512.
            marks: tags and metadata.
            fence: its sequence number, see :func:`penstock.model.push.blobs.fence_of`.
            instead_of: the etag of what is replaced; ``""`` where nothing is there.

        Raises:
            BlobChanged: something is there, or something else than ``instead_of``.
            NotFoundError: there is no container.
        """

    async def put_pages(self, at: BlobName, offset: int, data: bytes, *, fence: int) -> None:
        """Write up to 4 MiB; offset and length are multiples of 512.  A checksum goes with them.

        Raises:
            BlobChanged: the blob has another sequence number: it was replaced.
            NotFoundError: it was deleted.
        """

    async def set_marks(self, at: BlobName, metadata: Mapping[str, str], *, etag: str) -> None:
        """Replace the metadata of a blob, if it is still the same.

        Raises:
            BlobChanged: it is not.
            NotFoundError: it was deleted.
        """

    async def set_tags(self, at: BlobName, tags: Mapping[str, str]) -> None:
        """Give it these tags beside those that it has; those that cannot be index tags go to the metadata.

        Raises:
            NotFoundError: there is no blob.
        """

    async def start_copy(self, at: BlobName, source: str, marks: BlobMarks, *, instead_of: str = "") -> CopyStatus:
        """Let the service copy from an address, which may hold a signature.

        Args:
            at: where to.
            source: ``http(s)://…``, with its query.
            marks: tags and metadata.
            instead_of: as for :meth:`create_page_blob`.

        Raises:
            BlobChanged: something is there, or something else than ``instead_of``.
            NotFoundError: there is no container, or no source.
        """

    async def abort_copy(self, at: BlobName, copy_id: str) -> None:
        """End a copy; no error where it has ended."""

    async def delete_blob(self, at: BlobName) -> bool:
        """Delete it with all its snapshots; False where there is none."""

    async def close(self) -> None:
        """Close connections."""
