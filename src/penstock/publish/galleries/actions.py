"""What is done in a compute gallery of Azure."""

from dataclasses import dataclass
from typing import ClassVar

from penstock.model.digest import Digest
from penstock.model.push.galleries import CommunityInfo, DefinitionWish, GalleryPlace, VersionWish
from penstock.publish.actions import Phase


@dataclass(frozen=True, slots=True)
class _InGallery:
    account: str
    gallery: GalleryPlace

    @property
    def where(self) -> str:
        """``azure-us-storage group/gallery``."""
        return f"{self.account} {self.gallery}"


@dataclass(frozen=True, slots=True)
class CreateGallery(_InGallery):
    """Have a gallery."""

    phase: ClassVar[Phase] = Phase.REGISTER
    verb: ClassVar[str] = "create gallery"
    location: str
    community: CommunityInfo | None


@dataclass(frozen=True, slots=True)
class CreateDefinition(_InGallery):
    """Have an image definition; needs the gallery."""

    phase: ClassVar[Phase] = Phase.REGISTER
    verb: ClassVar[str] = "create definition"
    image: str
    wish: DefinitionWish


@dataclass(frozen=True, slots=True)
class CreateVersion(_InGallery):
    """Have a version of a blob; needs it and the definition, makes ``VERSION`` and ``RESOURCE``."""

    phase: ClassVar[Phase] = Phase.REGISTER
    verb: ClassVar[str] = "create version"
    image: str
    version: str
    content: Digest
    wish: VersionWish


@dataclass(frozen=True, slots=True)
class ShareGallery(_InGallery):
    """Show the gallery, and all images in it, to everybody; needs the version."""

    phase: ClassVar[Phase] = Phase.PUBLIC
    verb: ClassVar[str] = "share gallery"


@dataclass(frozen=True, slots=True)
class ReleaseVersion(_InGallery):
    """Let ``latest`` mean the version; needs it."""

    phase: ClassVar[Phase] = Phase.PUBLISH
    verb: ClassVar[str] = "release version"
    image: str
    version: str


GalleryAction = CreateGallery | CreateDefinition | CreateVersion | ShareGallery | ReleaseVersion
"""What :class:`penstock.publish.galleries.performing.GalleryPerformer` does beside the steps about blobs."""
