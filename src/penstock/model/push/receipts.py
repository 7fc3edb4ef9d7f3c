"""What a cloud gave for an image."""

from collections.abc import Mapping
from dataclasses import dataclass

from penstock.model.digest import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiReceipt:
    """An image that stands in a region of AWS.

    Attributes:
        account: the alias.
        owner: the number of the account, or ``""`` where it was not asked for.
        region: where.
        image_id: ``ami-…``.
        snapshot_id: of its root disk.
        name: of the image.
        content: of the raw disk; None for a copy of an image, of which nobody here has read the disk.
        type: the billing type.
        public: whether everybody may use it now.
        product: of AWS Marketplace, and ``""`` where it is in none.
        version: its title there, and ``""``.
    """

    account: str
    region: str
    image_id: str
    snapshot_id: str
    name: str
    content: Digest | None
    owner: str = ""
    type: str = ""
    public: bool = False
    product: str = ""
    version: str = ""

    @property
    def key(self) -> str:
        """By which the ledger and a results table know it."""
        return self.image_id

    @property
    def called(self) -> str:
        """What the cloud calls it at ``where``."""
        return self.name

    @property
    def where(self) -> str:
        """For people: the region."""
        return self.region

    @property
    def names(self) -> frozenset[str]:
        """Under which it is found, beside its key."""
        return frozenset({self.name, self.snapshot_id} - {""})

    @property
    def facts(self) -> Mapping[str, str | bool]:
        """What the ledger keeps; what is not known is no fact."""
        told = {"owner": self.owner, "region": self.region, "snapshot": self.snapshot_id, "type": self.type}
        market = {"product": self.product, "version": self.version}
        return {**_known({**told, **market}), "public": self.public}


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureOfferReceipt:
    """A version of a plan's image in Azure Marketplace.

    Attributes:
        account: the alias.
        offer: its id.
        plan: its id.
        version: ``9.4.2026051113``.
        skus: the ids of the SKUs that have it, ``rhcos-gen2`` among them.
        content: of the VHD; None for one that the service copied from an address, which nobody here has read.
        blob: the address of the VHD without its signature.
        publisher: the first part of the URN; ``""`` where it is not known.
        live: whether everybody can deploy it now.
    """

    account: str
    offer: str
    plan: str
    version: str
    skus: tuple[str, ...]
    content: Digest | None
    blob: str
    publisher: str = ""
    live: bool = False

    @property
    def key(self) -> str:
        """The URN of the plan; without its publisher where that is not known."""
        return ":".join(filter(None, (self.publisher, self.offer, self.plan, self.version)))

    @property
    def called(self) -> str:
        """What the cloud calls it at ``where``."""
        return self.version

    @property
    def where(self) -> str:
        """For people: offer and plan."""
        return f"{self.offer}/{self.plan}"

    @property
    def names(self) -> frozenset[str]:
        """Under which it is found, beside its key."""
        return frozenset(
            {self.blob, *(":".join(filter(None, (self.publisher, self.offer, sku, self.version))) for sku in self.skus)} - {""}
        )

    @property
    def facts(self) -> Mapping[str, str | bool]:
        """What the ledger keeps; what is not known is no fact."""
        told = {"publisher": self.publisher, "offer": self.offer, "plan": self.plan, "version": self.version, "blob": self.blob}
        return {**_known(told), "live": self.live}


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryReceipt:
    """A version of an image in a compute gallery of Azure.

    Attributes:
        account: the alias.
        resource_id: ``/subscriptions/…/galleries/G/images/I/versions/V``.
        gallery: its name.
        image: the name of the image definition.
        version: ``9.4.20260511``.
        regions: where it is replicated to.
        content: of the VHD.
        community_name: ``/CommunityGalleries/PUBLIC-NAME/Images/I/Versions/V``; ``""`` where the gallery is not shared so.
    """

    account: str
    resource_id: str
    gallery: str
    image: str
    version: str
    regions: tuple[str, ...]
    content: Digest
    community_name: str = ""

    @property
    def key(self) -> str:
        """The id of the resource."""
        return self.resource_id

    @property
    def called(self) -> str:
        """What the cloud calls it at ``where``."""
        return self.version

    @property
    def where(self) -> str:
        """For people: gallery and image."""
        return f"{self.gallery}/{self.image}"

    @property
    def names(self) -> frozenset[str]:
        """Under which it is found, beside its key."""
        return frozenset({self.community_name} - {""})

    @property
    def facts(self) -> Mapping[str, str | bool]:
        """What the ledger keeps; what is not known is no fact."""
        told = {"gallery": self.gallery, "image": self.image, "version": self.version, "regions": " ".join(self.regions)}
        return {**_known(told), "public": bool(self.community_name)}


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpReceipt:
    """An image in a project of Google Cloud.

    Attributes:
        account: the alias.
        project: its id.
        name: of the image.
        family: of it, or ``""``.
        number: the ``id`` that Google gave it.
        content: of the raw disk.
        public: whether every account of Google may use it now.
    """

    account: str
    project: str
    name: str
    content: Digest
    family: str = ""
    number: str = ""
    public: bool = False

    @property
    def key(self) -> str:
        """``projects/P/global/images/N``."""
        return f"projects/{self.project}/global/images/{self.name}"

    @property
    def called(self) -> str:
        """What the cloud calls it at ``where``."""
        return self.name

    @property
    def where(self) -> str:
        """For people: the project."""
        return self.project

    @property
    def names(self) -> frozenset[str]:
        """Under which it is found, beside its key."""
        return frozenset({self.name})

    @property
    def facts(self) -> Mapping[str, str | bool]:
        """What the ledger keeps; what is not known is no fact."""
        return {**_known({"project": self.project, "family": self.family, "number": self.number}), "public": self.public}


Receipt = AmiReceipt | AzureOfferReceipt | GalleryReceipt | GcpReceipt


def _known(facts: Mapping[str, str]) -> dict[str, str | bool]:
    return {key: value for key, value in facts.items() if value}
