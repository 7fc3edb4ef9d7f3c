"""The catalogues of images in clouds, read only."""

from collections.abc import Iterable
from typing import Protocol

from penstock.model.catalogue import AwsImage, AzureImageDetails, AzureSku, GalleryVersion, GcpCloudImage


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
