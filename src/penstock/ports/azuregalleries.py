"""Azure's compute galleries as images are brought into them.

Errors are those of :mod:`penstock.ports.publish`.  Every call that makes something may be made again: what is there already in the same
form is no error.
"""

from typing import Protocol

from penstock.model.push.accounts import AzureCredential
from penstock.model.push.galleries import (
    ArmOperation,
    CommunityInfo,
    DefinitionWish,
    FoundDefinition,
    FoundGallery,
    FoundVersion,
    GalleryPlace,
    VersionWish,
)


class GalleryService(Protocol):
    """What one application may do in galleries; safe for concurrent use in one event loop."""

    # --- reading

    async def gallery(self, place: GalleryPlace) -> FoundGallery | None:
        """A gallery, or None."""

    async def definition(self, place: GalleryPlace, image: str) -> FoundDefinition | None:
        """An image definition, or None, also where there is no gallery."""

    async def version(self, place: GalleryPlace, image: str, version: str) -> FoundVersion | None:
        """A version, or None, also where there is no image definition."""

    async def operation(self, operation: ArmOperation) -> ArmOperation:
        """How far an operation is."""

    # --- making

    async def put_gallery(self, place: GalleryPlace, location: str, community: CommunityInfo | None) -> ArmOperation:
        """Make a gallery, which may be shared with everybody later where ``community`` says of whom it is."""

    async def put_definition(self, place: GalleryPlace, image: str, wish: DefinitionWish) -> ArmOperation:
        """Make an image definition for Linux, generalised."""

    async def put_version(self, place: GalleryPlace, image: str, version: str, wish: VersionWish, *, blob: str) -> ArmOperation:
        """Begin to make a version of a blob, whose address has no signature: the account of the blob is told by its resource id."""

    async def set_excluded(self, place: GalleryPlace, image: str, version: str, *, excluded: bool) -> ArmOperation:
        """Change whether ``latest`` may mean a version."""

    async def share(self, place: GalleryPlace) -> ArmOperation:
        """Show a gallery to everybody (``EnableCommunity``), under a name of Azure's choice."""


class GalleryAccounts(Protocol):
    """Applications by their credentials; connections are shared by all."""

    def galleries(self, credential: AzureCredential) -> GalleryService:
        """What it may do; nothing is asked yet.

        Raises:
            InputError: the tenant is no name.
        """
