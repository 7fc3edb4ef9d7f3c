"""What the simulated clouds have for sale: plain values with a life of their own, the same for all three clouds.

Everything has a time at which it appears, one at which it is deprecated and one at which it goes, by the simulator's clock; a time that
is None is "always", or "never".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from penstock.model.arch import Arch
from penstock.model.catalogue import AzureSku
from penstock.model.marketplace import Generation


class AzureCloud(StrEnum):
    """The clouds of Azure, as its tools name them; each has its own catalogue, addresses and regions."""

    PUBLIC = "AzureCloud"
    US_GOVERNMENT = "AzureUSGovernment"
    CHINA = "AzureChinaCloud"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A thing with a life.

    Attributes:
        published_at: it is not to be seen before; None: it was always there.
        deprecated_at: from then on it is deprecated, whatever the cloud means by that; None: never.
        removed_at: from then on it is gone; None: never.
    """

    published_at: datetime | None = None
    deprecated_at: datetime | None = None
    removed_at: datetime | None = None

    def was_published(self, now: datetime) -> bool:
        """Whether it has appeared, gone or not."""
        return self.published_at is None or self.published_at <= now

    def is_listed(self, now: datetime) -> bool:
        """Whether it is to be seen; what is deprecated is."""
        return self.was_published(now) and (self.removed_at is None or now < self.removed_at)

    def is_deprecated(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.deprecated_at is not None and self.deprecated_at <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureImage(Published):
    """A version in the Azure marketplace.

    Attributes:
        publisher: for example ``azureopenshift``.
        offer: for example ``aro4``.
        sku: for example ``420-v2``.
        version: three dotted numbers.
        arch: of the machines it boots.
        generation: of the machines it boots.
        plan: whether a purchase plan (of the same names) belongs to it.
        locations: where it is to be seen; None is everywhere.
        edge_zones: ``LOCATION/ZONE`` where it is to be seen too.
        clouds: of Azure, which have it.
        features: for example ``{"SecurityType": "TrustedLaunchSupported"}``.
    """

    publisher: str
    offer: str
    sku: str
    version: str
    arch: Arch = Arch.X86_64
    generation: Generation = Generation.GEN2
    plan: bool = False
    locations: frozenset[str] | None = None
    edge_zones: frozenset[str] = frozenset()
    clouds: frozenset[AzureCloud] = frozenset(AzureCloud)
    features: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def series(self) -> AzureSku:
        """The SKU that it is a version of."""
        return AzureSku(self.publisher, self.offer, self.sku)


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryImage(Published):
    """A version of an image definition in an Azure community gallery; ``deprecated_at`` is its end of life, after which it is listed still.

    Attributes:
        gallery: the public name.
        image: the definition.
        version: three dotted numbers.
        arch: of the definition.
        generation: of the definition.
        locations: where it is to be seen; None is everywhere.
        excluded_from_latest: ``latest`` never means this one.
        tags: of the artifact; Fedora CoreOS keeps the full version in ``real_version``.
    """

    gallery: str
    image: str
    version: str
    arch: Arch = Arch.X86_64
    generation: Generation = Generation.GEN2
    locations: frozenset[str] | None = None
    excluded_from_latest: bool = False
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureProduct:
    """A product that a publisher has in Partner Center: an offer of virtual machines.

    Attributes:
        offer: its name, for example ``rhel``.
        plans: the names of its plans.
        id: a GUID; ``""`` for one that is made of the name.
        publisher: told in its identity, or ``""``.
        live: whether it was published before; otherwise it is a draft alone.
        technical: by plan: what its technical configuration has (``skus``, ``vmImageVersions`` …) from the start.
        draft_changes: kinds of resources (``listing``) that somebody changed in the draft and did not publish.
        previews: how the next previews end: ``certification`` or ``transient``; any other word is a success.
    """

    offer: str
    plans: tuple[str, ...] = ()
    id: str = ""
    publisher: str = ""
    live: bool = True
    technical: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    draft_changes: tuple[str, ...] = ()
    previews: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureSize:
    """A size of virtual machines, for the list of Compute SKUs.

    Attributes:
        name: for example ``Standard_D4s_v3``.
        generations: that it boots.
        arch: of its processors.
        locations: where it can be had; None is everywhere.
    """

    name: str
    generations: tuple[Generation, ...] = (Generation.GEN1, Generation.GEN2)
    arch: Arch = Arch.X86_64
    locations: frozenset[str] | None = None


AZURE_SIZES = (
    AzureSize(name="Standard_D8s_v3"),
    AzureSize(name="Standard_D4s_v5"),
    AzureSize(name="Standard_A2_v2", generations=(Generation.GEN1,)),
    AzureSize(name="Standard_DC4as_v5", generations=(Generation.GEN2,)),
    AzureSize(name="Standard_D4ps_v5", generations=(Generation.GEN2,), arch=Arch.AARCH64),
)
"""Sizes that there are: both generations, one alone, another architecture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ami(Published):
    """An image of AWS in one region; ``published_at`` is its creation date (a fixed day long ago where it is None).

    Attributes:
        region: for example ``us-east-1``.
        id: ``ami-…``.
        name: unique for an owner.
        owner: the number of the account.
        owner_alias: ``aws-marketplace``, ``amazon`` or ``""``.
        description: free text.
        arch: of the machines it boots.
        product_code: of the AWS Marketplace, or ``""``.
        public: whether everybody may use it.
        state: ``available`` for one that can be used.
    """

    region: str
    id: str
    name: str
    owner: str
    owner_alias: str = ""
    description: str = ""
    arch: Arch = Arch.X86_64
    product_code: str = ""
    public: bool = True
    state: str = "available"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsProduct:
    """A product of AWS Marketplace.

    Attributes:
        id: for example ``prod-abc``.
        title: for people.
        type: ``AmiProduct``.
        owner: the number of the seller's account; ``""`` for every account.
    """

    id: str
    title: str = ""
    type: str = "AmiProduct"
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsVersion:
    """A version of a product of AWS Marketplace.

    Attributes:
        product: its id; a product that is not listed is an ``AmiProduct`` of every account.
        title: for example ``9.4 20260511-1``.
        image: the AMI, in us-east-1.
        created_at: a fixed day long ago where it is None.
        visibility: ``Public``, ``Limited``, ``Restricted``.
    """

    product: str
    title: str
    image: str
    created_at: datetime | None = None
    visibility: str = "Public"


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpImage(Published):
    """An image of Google Cloud; ``published_at`` is its creation time (a fixed day long ago where it is None).

    Attributes:
        project: who has it.
        name: in that project.
        family: or ``""``.
        description: free text, or ``""``.
        arch: of the machines it boots.
        replacement: the name of the image that is to be used once this one is deprecated, or ``""``.
        licenses: their addresses.
        disk_size_gb: of the boot disk.
        status: ``READY`` for one that can be used.
    """

    project: str
    name: str
    family: str = ""
    description: str = ""
    arch: Arch = Arch.X86_64
    replacement: str = ""
    licenses: tuple[str, ...] = ()
    disk_size_gb: int = 16
    status: str = "READY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All that the simulated clouds have; a value: to change what a simulator serves, give it another one.

    Attributes:
        azure: the Azure marketplace.
        galleries: Azure's community galleries.
        azure_sizes: sizes of Azure's virtual machines.
        azure_products: what the publisher has in Partner Center.
        aws: AMIs.
        gcp: images of Google Cloud.
        aws_products: of AWS Marketplace.
        aws_versions: of these.
    """

    azure: tuple[AzureImage, ...] = ()
    galleries: tuple[GalleryImage, ...] = ()
    azure_sizes: tuple[AzureSize, ...] = AZURE_SIZES
    azure_products: tuple[AzureProduct, ...] = ()
    aws: tuple[Ami, ...] = ()
    gcp: tuple[GcpImage, ...] = ()
    aws_products: tuple[AwsProduct, ...] = ()
    aws_versions: tuple[AwsVersion, ...] = ()

    def __add__(self, other: "Catalogue") -> "Catalogue":
        """What is in either; the other's entries follow, and what is in both stands once."""
        joined = {part.name: tuple(dict.fromkeys((*getattr(self, part.name), *getattr(other, part.name)))) for part in fields(self)}
        return Catalogue(**joined)
