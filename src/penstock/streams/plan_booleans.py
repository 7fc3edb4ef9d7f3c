"""The enhancement's boolean of a marketplace image: read, checked against the plan, and written on demand.

The proposal (openshift/enhancements, ``rhcos/marketplace-images.md``) calls it ``purchasePlan`` in its sample documents and ``thirdParty``
in its Go structure; the library that was merged has neither, because the plan above the image says it: ``no-purchase-plan`` means false,
every other plan true.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import overload

from penstock.model.errors import InputError
from penstock.model.marketplace import (
    AzureMarketplace,
    AzureMarketplaceImage,
    AzureMarketplaceImages,
    Generation,
    Marketplace,
    MarketplaceFile,
    PurchasePlan,
)
from penstock.model.record import given
from penstock.model.stream import Stream, StreamArch


class PurchasePlanField(StrEnum):
    """The two names of the boolean, in the spelling of the document."""

    PURCHASE_PLAN = "purchasePlan"
    THIRD_PARTY = "thirdParty"

    @property
    def attribute(self) -> str:
        """Its name in :class:`~penstock.model.marketplace.AzureMarketplaceImage`."""
        return "purchase_plan" if self is PurchasePlanField.PURCHASE_PLAN else "third_party"


@overload
def apply_purchase_plan_field(document: Stream, field: PurchasePlanField | None) -> Stream: ...
@overload
def apply_purchase_plan_field(document: Marketplace, field: PurchasePlanField | None) -> Marketplace: ...
@overload
def apply_purchase_plan_field(document: Mapping[str, Marketplace], field: PurchasePlanField | None) -> MarketplaceFile: ...
def apply_purchase_plan_field(
    document: Stream | Marketplace | Mapping[str, Marketplace], field: PurchasePlanField | None
) -> Stream | Marketplace | MarketplaceFile:
    """The document with this boolean in every Azure marketplace image, behind the version, and without the other one.

    With None both are taken out: four keys an image, as the upstream library writes them.  The value follows from the plan; call
    :func:`check_purchase_plans` first where the document was read.  Nothing else changes.
    """
    if isinstance(document, Marketplace):
        return _in_marketplace(document, field)
    if isinstance(document, Stream):
        architectures = {name: _in_architecture(arch, field) for name, arch in document.architectures.items()}
        return document.with_fields(architectures=architectures)
    return {name: _in_marketplace(entry, field) for name, entry in document.items()}


def check_purchase_plans(document: Stream | Marketplace | Mapping[str, Marketplace], *, subject: str) -> None:
    """Check the booleans that a document has against the plans.

    Args:
        document: a stream, a marketplace file, or the entry of one architecture.
        subject: what the document is called in the error.

    Raises:
        InputError: one disagrees; the message names the architecture, the plan and the generation.
    """
    first = next(disagreements(document), None)
    if first is not None:
        place, message = first
        raise InputError(f"{' '.join(place)}: {message}", subject=subject, hint="correct the boolean, or take it out: the plan says it")


def disagreements(document: Stream | Marketplace | Mapping[str, Marketplace]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every boolean that says other than its plan.

    Yields:
        Where: the architecture (where the document has any), the plan and the generation; then the boolean, as a sentence.
    """
    for arch, entry in marketplaces(document):
        azure = given(entry.azure)
        for plan, generation, image in azure.images() if azure else ():
            for field in PurchasePlanField:
                value: bool | None = given(getattr(image, field.attribute))
                if value is not None and value is not plan.paid:
                    said, wanted = str(value).lower(), str(plan.paid).lower()
                    yield (*((arch,) if arch else ()), plan, generation), f"{field} is {said}, and the plan says {wanted}"


def marketplaces(document: Stream | Marketplace | Mapping[str, Marketplace]) -> Iterator[tuple[str, Marketplace]]:
    """Every architecture's marketplace with the architecture's name; ``""`` where the document is one such entry."""
    if isinstance(document, Marketplace):
        yield "", document
    elif isinstance(document, Stream):
        for name, arch in document.architectures.items():
            extensions = given(arch.rhel_coreos_extensions)
            entry = given(extensions.marketplace) if extensions else None
            if entry is not None:
                yield name, entry
    else:
        yield from document.items()


def _in_architecture(arch: StreamArch, field: PurchasePlanField | None) -> StreamArch:
    extensions = given(arch.rhel_coreos_extensions)
    entry = given(extensions.marketplace) if extensions else None
    if extensions is None or entry is None:
        return arch
    return arch.with_fields(rhel_coreos_extensions=extensions.with_fields(marketplace=_in_marketplace(entry, field)))


def _in_marketplace(entry: Marketplace, field: PurchasePlanField | None) -> Marketplace:
    azure = given(entry.azure)
    return entry if azure is None else entry.with_fields(azure=_in_azure(azure, field))


def _in_azure(azure: AzureMarketplace, field: PurchasePlanField | None) -> AzureMarketplace:
    plans = {plan: azure.plan(plan) for plan in PurchasePlan}
    return azure.with_fields(**{plan.field: _in_plan(images, plan, field) for plan, images in plans.items() if images is not None})


def _in_plan(images: AzureMarketplaceImages, plan: PurchasePlan, field: PurchasePlanField | None) -> AzureMarketplaceImages:
    generations = {Generation.GEN1: "hyper_v_gen1", Generation.GEN2: "hyper_v_gen2"}
    found = {name: images.image(generation) for generation, name in generations.items()}
    return images.with_fields(**{name: _in_image(image, plan, field) for name, image in found.items() if image is not None})


def _in_image(image: AzureMarketplaceImage, plan: PurchasePlan, field: PurchasePlanField | None) -> AzureMarketplaceImage:
    plain = image.without_fields(*(each.attribute for each in PurchasePlanField))
    return plain if field is None else plain.with_fields(**{field.attribute: plan.paid})
