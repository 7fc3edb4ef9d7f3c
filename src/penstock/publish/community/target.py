"""One image at one destination, with everything that is known before any cloud was asked."""

from dataclasses import dataclass

from penstock.model.push.aws import ImageRegistration, Place
from penstock.model.push.items import PushItem
from penstock.model.push.rhsm import RhsmProduct
from penstock.model.starmap import BillingType
from penstock.publish.aws.sharing import SharingWish
from penstock.publish.aws.tags import ImageTags
from penstock.publish.community.destination import CommunityDestination


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityTarget:
    """An enriched item at a destination.

    Attributes:
        label: tells it from all others of the run, for people and as a key: ``aws-us-storage us-east-1-hourly rhel-9.4.raw``.
        order: (of the item in the source, of the destination in the mapping): results are listed so.
        item: enriched: what results print, with ``dest`` of one destination.
        source: the item as the source listed it: results of failures print its name.
        account: the alias.
        destination: parsed.
        provider: the part of RHSM's catalogue: ``AWS``, ``AGOV``, ``ACN``.
        registration: what EC2 is told; its name is the image's.
        sharing: what the mapping says; the credentials say the rest.
        tags: of all that is made.
        bucket: ``<container-prefix>-<region>``.
        object_key: in it.
        public: whether everybody may use it in the end.
        rhsm_product: under which RHSM knows it.
        source_region: where the image of ``source.source_image`` stands; ``""`` for a file.
    """

    label: str
    order: tuple[int, int]
    item: PushItem
    source: PushItem
    account: str
    destination: CommunityDestination
    provider: str
    registration: ImageRegistration
    sharing: SharingWish
    tags: ImageTags
    bucket: str
    object_key: str
    public: bool
    rhsm_product: RhsmProduct
    source_region: str = ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What of the sharing is passed over."""
        return self.sharing.ignored

    @property
    def place(self) -> Place:
        """The account and the region."""
        return Place(self.account, self.destination.region)

    @property
    def type(self) -> BillingType:
        """How its machines are paid for."""
        return self.destination.type

    @property
    def image_name(self) -> str:
        """Of the image to be."""
        return self.registration.name
