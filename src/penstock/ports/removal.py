"""What is taken away again: images, their disks, and what RHSM says of them.

Errors are those of :mod:`penstock.ports.publish`.  Every call may be made again: what is gone already is no error.
"""

from collections.abc import Sequence
from typing import Protocol

from penstock.model.push.accounts import AwsCredential, GcpCredential
from penstock.model.push.aws import FoundImage, FoundSnapshot
from penstock.model.push.blobs import BlobName, FoundBlob
from penstock.model.push.gcp import FoundGceImage, GceOperation
from penstock.model.push.rhsm import RhsmImage, RhsmProduct


class AwsRemover(Protocol):
    """One account of AWS as images are deleted in it; "owner self" everywhere, regions are named in every call."""

    async def images_by_id(self, region: str, ids: Sequence[str]) -> tuple[FoundImage, ...]:
        """These images; those that are not there, or another account's, are left out."""

    async def images_of_snapshots(self, region: str, ids: Sequence[str]) -> tuple[FoundImage, ...]:
        """The images of the account of which one of these snapshots is a disk."""

    async def describe_snapshots(self, region: str, ids: Sequence[str]) -> tuple[FoundSnapshot, ...]:
        """These snapshots; those that are not there are left out."""

    async def deregister_image(self, region: str, image_id: str) -> bool:
        """Take an image away; its snapshots stay.  False where there is none."""

    async def delete_snapshot(self, region: str, snapshot_id: str) -> bool:
        """Delete a snapshot; False where there is none.

        Raises:
            SnapshotInUse: an image has it as a disk.
        """


class AwsRemovers(Protocol):
    """Accounts of AWS by their credentials."""

    def publisher(self, credential: AwsCredential) -> AwsRemover:
        """The account; nothing is asked yet."""


class BlobRemover(Protocol):
    """One storage account of Azure as disks are deleted in it."""

    @property
    def account(self) -> str:
        """The name of the storage account; no secret."""

    def address(self, at: BlobName) -> str:
        """Of a blob, without a signature."""

    async def blob(self, at: BlobName) -> FoundBlob | None:
        """A blob, or None."""

    async def delete_blob(self, at: BlobName) -> bool:
        """Delete it with all its snapshots; False where there is none."""


class GcpRemover(Protocol):
    """Projects of Google Cloud as images are deleted in them."""

    async def image(self, project: str, name: str) -> FoundGceImage | None:
        """An image in whatever status, or None."""

    async def delete_image(self, project: str, name: str) -> str | None:
        """Begin to delete an image; the name of the operation, or None where there is no image."""

    async def operation(self, project: str, name: str) -> GceOperation:
        """How far an operation is."""


class GcpRemovers(Protocol):
    """Service accounts by their credentials."""

    def publisher(self, credential: GcpCredential) -> GcpRemover:
        """The account; nothing is asked yet."""


class RhsmHiding(Protocol):
    """RHSM's catalogue of images in Amazon's cloud, as images vanish from it."""

    async def products(self) -> tuple[RhsmProduct, ...]:
        """All groups of images; asked for once, then remembered."""

    async def image_ids(self) -> frozenset[str]:
        """The ids of all images that it knows."""

    async def hide_image(self, image: RhsmImage) -> bool:
        """Change what it knows of the image, ``status`` above all; False where it does not know it: it is not entered."""
