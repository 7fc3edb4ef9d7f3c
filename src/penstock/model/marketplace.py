"""The marketplace extension of stream metadata: images that other teams publish, for sale or not, in the clouds' marketplaces.

Azure's part is that of stream-metadata-go (``stream/rhcos/rhcos.go``): seven plans, two generations of virtual machines, four fields
an image.  The enhancement that proposed it (openshift/enhancements, ``rhcos/marketplace-images.md``) also had a boolean for each image,
under two names; it is read, checked and, on demand, written.  The parts of AWS and GCP are ours: no upstream reader knows them, and all
pass them over.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from penstock.model.record import Maybe, Record, given

_UNSET = msgspec.UNSET
_UNPAID_PUBLISHER = "azureopenshift"


class Generation(StrEnum):
    """Of the virtual machines of Azure, in the spelling of the document."""

    GEN1 = "hyperVGen1"
    GEN2 = "hyperVGen2"

    @property
    def number(self) -> int:
        """1 or 2."""
        return int(self.value[-1])


class PurchasePlan(StrEnum):
    """The plans of a marketplace, in the order in which they are written; AWS and GCP have the paid ones alone."""

    NO_PURCHASE_PLAN = "no-purchase-plan"
    OCP = "ocp"
    """OpenShift Container Platform."""
    OPP = "opp"
    """OpenShift Platform Plus."""
    OKE = "oke"
    """OpenShift Kubernetes Engine."""
    OCP_EMEA = "ocp-emea"
    OPP_EMEA = "opp-emea"
    OKE_EMEA = "oke-emea"

    @property
    def paid(self) -> bool:
        """Whether the image costs more than the machine."""
        return self is not PurchasePlan.NO_PURCHASE_PLAN

    @property
    def field(self) -> str:
        """The attribute of :class:`AzureMarketplace`, :class:`AwsMarketplace` and :class:`GcpMarketplace`."""
        return self.value.replace("-", "_")


_PAID_OFFERS: Final[Mapping[tuple[str, str], PurchasePlan]] = {
    ("redhat", "rh-ocp-worker"): PurchasePlan.OCP,
    ("redhat", "rh-opp-worker"): PurchasePlan.OPP,
    ("redhat", "rh-oke-worker"): PurchasePlan.OKE,
    ("redhat-limited", "rh-ocp-worker"): PurchasePlan.OCP_EMEA,
    ("redhat-limited", "rh-opp-worker"): PurchasePlan.OPP_EMEA,
    ("redhat-limited", "rh-oke-worker"): PurchasePlan.OKE_EMEA,
}
_UNPAID_OFFER = "aro4"


def plan_of_offer(publisher: str, offer: str) -> PurchasePlan | None:
    """The plan whose images this offer of Azure holds, or None where streams know no such offer; publishers are compared without case."""
    if (publisher.casefold(), offer) == (_UNPAID_PUBLISHER, _UNPAID_OFFER):
        return PurchasePlan.NO_PURCHASE_PLAN
    return _PAID_OFFERS.get((publisher.casefold(), offer))


class AzureMarketplaceImage(Record, frozen=True, kw_only=True, rename="camel"):
    """A version of an offer in the Azure marketplace."""

    publisher: str
    offer: str
    sku: str
    version: str
    """Three dotted numbers; see :mod:`penstock.model.versions.azure`."""
    third_party: Maybe[bool] = _UNSET
    """The enhancement's boolean, as its Go structure names it."""
    purchase_plan: Maybe[bool] = _UNSET
    """The same, as its sample documents name it."""

    @property
    def urn(self) -> str:
        """``publisher:offer:sku:version``, as Azure's tools take it."""
        return f"{self.publisher}:{self.offer}:{self.sku}:{self.version}"

    @property
    def paid(self) -> bool:
        """Whether a virtual machine that is made from it needs a purchase plan: all but what ARO publishes do."""
        return self.publisher.casefold() != _UNPAID_PUBLISHER


class AzureMarketplaceImages(Record, frozen=True, kw_only=True):
    """The images of one plan, by the generation of the virtual machine."""

    hyper_v_gen1: Maybe[AzureMarketplaceImage] = msgspec.field(default=_UNSET, name="hyperVGen1")
    hyper_v_gen2: Maybe[AzureMarketplaceImage] = msgspec.field(default=_UNSET, name="hyperVGen2")

    def image(self, generation: Generation) -> AzureMarketplaceImage | None:
        """The image for this generation, or None."""
        return given(self.hyper_v_gen1 if generation is Generation.GEN1 else self.hyper_v_gen2)


class AzureMarketplace(Record, frozen=True, kw_only=True, rename="kebab"):
    """The Azure marketplace by plan; every plan but the first is paid."""

    no_purchase_plan: Maybe[AzureMarketplaceImages] = _UNSET
    ocp: Maybe[AzureMarketplaceImages] = _UNSET
    opp: Maybe[AzureMarketplaceImages] = _UNSET
    oke: Maybe[AzureMarketplaceImages] = _UNSET
    ocp_emea: Maybe[AzureMarketplaceImages] = _UNSET
    opp_emea: Maybe[AzureMarketplaceImages] = _UNSET
    oke_emea: Maybe[AzureMarketplaceImages] = _UNSET

    def plan(self, plan: PurchasePlan) -> AzureMarketplaceImages | None:
        """The images of ``plan``, or None."""
        found: Maybe[AzureMarketplaceImages] = getattr(self, plan.field)
        return given(found)

    def images(self) -> Iterator[tuple[PurchasePlan, Generation, AzureMarketplaceImage]]:
        """Every image, in the order of the document."""
        for plan in PurchasePlan:
            images = self.plan(plan)
            for generation in Generation:
                image = images.image(generation) if images else None
                if image is not None:
                    yield plan, generation, image


class AwsMarketplaceRegion(Record, frozen=True, kw_only=True, rename="kebab"):
    """A marketplace image in one region of AWS."""

    release: Maybe[str] = _UNSET
    """The build that the image holds, for example ``9.6.20260210-0``."""
    image: str
    """For example ``ami-0123456789abcdef0``."""


class AwsMarketplaceImages(Record, frozen=True, kw_only=True, rename="kebab"):
    """The images of one product in the AWS Marketplace."""

    product: str
    """The id of the product, a UUID: the end of the images' names."""
    regions: Maybe[Mapping[str, AwsMarketplaceRegion]] = _UNSET


class AwsMarketplace(Record, frozen=True, kw_only=True, rename="kebab"):
    """The AWS Marketplace by plan; proposed, and in no upstream reader."""

    ocp: Maybe[AwsMarketplaceImages] = _UNSET
    opp: Maybe[AwsMarketplaceImages] = _UNSET
    oke: Maybe[AwsMarketplaceImages] = _UNSET
    ocp_emea: Maybe[AwsMarketplaceImages] = _UNSET
    opp_emea: Maybe[AwsMarketplaceImages] = _UNSET
    oke_emea: Maybe[AwsMarketplaceImages] = _UNSET

    def plan(self, plan: PurchasePlan) -> AwsMarketplaceImages | None:
        """The images of ``plan``, or None."""
        found: Maybe[AwsMarketplaceImages] = getattr(self, plan.field, None)
        return given(found)


class GcpMarketplaceImage(Record, frozen=True, kw_only=True, rename="kebab"):
    """A marketplace image in Google Cloud."""

    release: Maybe[str] = _UNSET
    """What the image's name tells of its build, where it tells it."""
    project: str
    name: str

    @property
    def path(self) -> str:
        """``projects/PROJECT/global/images/NAME``."""
        return f"projects/{self.project}/global/images/{self.name}"


class GcpMarketplace(Record, frozen=True, kw_only=True, rename="kebab"):
    """The marketplace images of Google Cloud by plan; proposed, and in no upstream reader."""

    ocp: Maybe[GcpMarketplaceImage] = _UNSET
    opp: Maybe[GcpMarketplaceImage] = _UNSET
    oke: Maybe[GcpMarketplaceImage] = _UNSET

    def plan(self, plan: PurchasePlan) -> GcpMarketplaceImage | None:
        """The image of ``plan``, or None."""
        found: Maybe[GcpMarketplaceImage] = getattr(self, plan.field, None)
        return given(found)


class Marketplace(Record, frozen=True, kw_only=True, rename="kebab"):
    """The marketplace images of one architecture; the standalone marketplace file is a map of these."""

    aws: Maybe[AwsMarketplace] = _UNSET
    azure: Maybe[AzureMarketplace] = _UNSET
    gcp: Maybe[GcpMarketplace] = _UNSET


MarketplaceFile = dict[str, Marketplace]
"""The standalone file (``marketplace/coreos-rhel-9.json`` in the installer): RPM architecture to its marketplace."""
