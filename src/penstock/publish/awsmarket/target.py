"""One image for one product, with everything that is known before any cloud was asked."""

from dataclasses import dataclass

from penstock.model.push.aws import ImageRegistration, Place
from penstock.model.push.items import PushItem
from penstock.publish.aws.sharing import SharingWish
from penstock.publish.aws.tags import ImageTags
from penstock.publish.awsmarket.restriction import Restriction
from penstock.publish.awsmarket.versions import VersionDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsMarketTarget:
    """An enriched item at a destination; an :class:`~penstock.publish.aws.target.ImageTarget`.

    Attributes:
        label: ``marketplace aws-na PRODUCT rhel-9.4.raw``.
        order: see :class:`~penstock.publish.targets.Target`.
        item: enriched for this destination.
        source: as the source listed it.
        place: where the image is made: the account, and the region of its credentials or of the meta.
        product: its id in the Catalog.
        product_type: ``AmiProduct``.
        registration: what EC2 is told, equal for all destinations of the account.
        sharing: what the mapping says.
        tags: of all destinations of the account.
        bucket: of the credentials.
        object_key: in it.
        details: of the version; None where nothing is published (``--pre-push``).
        overwrite: whether a version of this title is changed where it is there.
        restriction: None where old versions stay.
        keep_draft: whether the version is only tried.
        source_region: where the image of ``source.source_image`` stands; ``""`` for a file.
    """

    label: str
    order: tuple[int, int]
    item: PushItem
    source: PushItem
    place: Place
    product: str
    product_type: str
    registration: ImageRegistration
    sharing: SharingWish
    tags: ImageTags
    bucket: str
    object_key: str
    details: VersionDetails | None
    overwrite: bool = False
    restriction: Restriction | None = None
    keep_draft: bool = False
    source_region: str = ""

    @property
    def account(self) -> str:
        """The alias."""
        return self.place.account

    @property
    def warnings(self) -> tuple[str, ...]:
        """What of the sharing is passed over."""
        return self.sharing.ignored

    @property
    def type(self) -> None:
        """Images of the marketplace are not told apart by it."""
        return

    @property
    def image_name(self) -> str:
        """Of the image to be."""
        return self.registration.name
