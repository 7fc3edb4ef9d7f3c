"""One VHD for one image definition of a gallery, with everything that is known before any cloud was asked."""

from collections.abc import Mapping
from dataclasses import dataclass

from penstock.formats.gallerymeta import GalleryMeta
from penstock.formats.starmap import gallery_destination_fault
from penstock.model.errors import InputError
from penstock.model.push.galleries import CommunityInfo, DefinitionWish, GalleryPlace
from penstock.model.push.items import PushItem


@dataclass(frozen=True, slots=True)
class GalleryDestination:
    """``GALLERY/IMAGE``: a gallery and an image definition in it."""

    gallery: str
    image: str

    @classmethod
    def parse(cls, text: str) -> "GalleryDestination":
        """Read it.

        Raises:
            InputError: it is none.
        """
        problem = gallery_destination_fault(text)
        if problem:
            raise InputError(problem, hint="a destination in a gallery is GALLERY/IMAGE")
        gallery, _, image = text.partition("/")
        return cls(gallery, image)

    def __str__(self) -> str:
        """As it is written."""
        return f"{self.gallery}/{self.image}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryTarget:
    """An enriched item at a destination.

    Attributes:
        label: ``gallery azure-us-storage G/I rhel.vhd``.
        order: see :class:`penstock.publish.targets.Target`.
        item: enriched.
        source: as the source listed it.
        account: the alias.
        destination: parsed.
        meta: what the mapping says of the place.
        version: ``9.6.20250523``.
        generation: ``V1`` or ``V2``.
        architecture: ``x64`` or ``Arm64``.
        tags: of the version, without that of the content.
        blob_tags: those of the build.
        warnings: none.
    """

    label: str
    order: tuple[int, int]
    item: PushItem
    source: PushItem
    account: str
    destination: GalleryDestination
    meta: GalleryMeta
    version: str
    generation: str
    architecture: str
    tags: Mapping[str, str]
    blob_tags: Mapping[str, str]
    warnings: tuple[str, ...] = ()

    @property
    def community(self) -> CommunityInfo | None:
        """Of whom the gallery is, where it is for everybody."""
        return self.meta.community

    def definition(self, publisher: str) -> DefinitionWish:
        """What its image definition is."""
        meta, image = self.meta, self.destination.image
        return DefinitionWish(
            location=meta.location,
            publisher=meta.publisher or publisher or "penstock",
            offer=meta.offer or self.item.build.name,
            sku=meta.sku or image,
            generation=self.generation,
            architecture=self.architecture,
            features=meta.features,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledPlace:
    """Where a target goes, once its credentials are known; nothing of it is shown but the names of groups.

    Attributes:
        place: the gallery.
        storage_account: the resource id of the account with the blob.
        publisher: of definitions that are made.
    """

    place: GalleryPlace
    storage_account: str
    publisher: str
