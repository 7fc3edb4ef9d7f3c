"""Where an image stands in the documents: reading a slot, and a document with one slot changed."""

from collections.abc import Mapping
from typing import TypeVar

from penstock.model.catalogue import Cloud
from penstock.model.marketplace import (
    AwsMarketplace,
    AwsMarketplaceImages,
    AwsMarketplaceRegion,
    AzureMarketplace,
    AzureMarketplaceImage,
    AzureMarketplaceImages,
    GcpMarketplace,
    GcpMarketplaceImage,
    Generation,
    Marketplace,
    MarketplaceFile,
    PurchasePlan,
)
from penstock.model.record import Record, given
from penstock.model.stream import AzureGalleryImage, GcpImage, Images, RegionImage, ReplicatedImage, Stream
from penstock.streams.populate.entries import Finding, FoundImage, Place, Slot

R = TypeVar("R", bound=Record)

_GENERATIONS = {Generation.GEN1: "hyper_v_gen1", Generation.GEN2: "hyper_v_gen2"}


def standing(marketplace: Mapping[str, Marketplace], stream: Stream, slot: Slot) -> FoundImage | None:
    """What the documents have in a slot, or None."""
    if slot.place is Place.IMAGES:
        return _standing_in_images(stream, slot)
    entry = marketplace.get(slot.arch.value)
    if entry is None or slot.plan is None:
        return None
    match slot.cloud:
        case Cloud.AZURE:
            azure = given(entry.azure)
            images = azure.plan(slot.plan) if azure else None
            return images.image(slot.generation) if images and slot.generation else None
        case Cloud.AWS:
            aws = given(entry.aws)
            sold = aws.plan(slot.plan) if aws else None
            region = ((given(sold.regions) if sold else None) or {}).get(slot.region or "")
            return region.image if region else None
        case Cloud.GCP:
            gcp = given(entry.gcp)
            return gcp.plan(slot.plan) if gcp else None


def _standing_in_images(stream: Stream, slot: Slot) -> FoundImage | None:
    arch = stream.architectures.get(slot.arch.value)
    images = given(arch.images) if arch else None
    if images is None:
        return None
    match slot.cloud:
        case Cloud.AZURE:
            community = images.azure_community
            return community if community and isinstance(community, AzureGalleryImage | str) else None
        case Cloud.AWS:
            aws = given(images.aws)
            region = ((given(aws.regions) if aws else None) or {}).get(slot.region or "")
            return given(region.image) if region else None
        case Cloud.GCP:
            return given(images.gcp)


def put_into_marketplace(marketplace: MarketplaceFile, finding: Finding) -> MarketplaceFile:
    """The file with the image of one finding in its slot, or with the slot empty where it has none; emptied parents go too."""
    slot = finding.slot
    assert slot.plan is not None, "a slot of the marketplace has a plan"
    entry = marketplace.get(slot.arch.value, Marketplace())
    match slot.cloud:
        case Cloud.AZURE:
            entry = _set(entry, "azure", _with_azure(given(entry.azure) or AzureMarketplace(), slot, slot.plan, finding))
        case Cloud.AWS:
            entry = _set(entry, "aws", _with_aws(given(entry.aws) or AwsMarketplace(), slot, slot.plan, finding))
        case Cloud.GCP:
            entry = _set(entry, "gcp", _with_gcp(given(entry.gcp) or GcpMarketplace(), slot.plan, finding))
    others = {name: other for name, other in marketplace.items() if name != slot.arch.value}
    return dict(sorted({**others, slot.arch.value: entry}.items())) if not _is_empty(entry) else others


def _with_azure(azure: AzureMarketplace, slot: Slot, plan: PurchasePlan, finding: Finding) -> AzureMarketplace:
    assert slot.generation is not None, "a slot of Azure has a generation"
    assert finding.image is None or isinstance(finding.image, AzureMarketplaceImage)
    images = azure.plan(plan) or AzureMarketplaceImages()
    return _set(azure, plan.field, _set(images, _GENERATIONS[slot.generation], finding.image))


def _with_aws(aws: AwsMarketplace, slot: Slot, plan: PurchasePlan, finding: Finding) -> AwsMarketplace:
    assert slot.region is not None, "a slot of AWS has a region"
    sold = aws.plan(plan) or AwsMarketplaceImages(product=finding.product)
    before = given(sold.regions) or {}
    regions = {name: region for name, region in before.items() if name != slot.region}
    if isinstance(finding.image, str):
        known = before.get(slot.region, AwsMarketplaceRegion(image=finding.image))
        regions[slot.region] = _set(known.with_fields(image=finding.image), "release", finding.release)
    if not regions:
        return aws.without_fields(plan.field)
    made = sold.with_fields(product=finding.product or sold.product, regions=dict(sorted(regions.items())))
    return aws.with_fields(**{plan.field: made})


def _with_gcp(gcp: GcpMarketplace, plan: PurchasePlan, finding: Finding) -> GcpMarketplace:
    assert finding.image is None or isinstance(finding.image, GcpMarketplaceImage)
    return _set(gcp, plan.field, finding.image)


def put_into_images(stream: Stream, finding: Finding) -> Stream:
    """The stream with the image of one finding in its slot, or with the slot empty where it has none."""
    slot = finding.slot
    arch = stream.architectures[slot.arch.value]
    images = given(arch.images) or Images()
    match slot.cloud:
        case Cloud.AZURE:
            assert finding.image is None or isinstance(finding.image, AzureGalleryImage | str)
            images = _set(images, "azure_community", finding.image)
        case Cloud.AWS:
            images = _set(images, "aws", _with_region(given(images.aws) or ReplicatedImage(), slot, finding))
        case Cloud.GCP:
            assert finding.image is None or isinstance(finding.image, GcpImage)
            images = _set(images, "gcp", finding.image)
    return stream.with_fields(architectures={**stream.architectures, slot.arch.value: arch.with_fields(images=images)})


def _with_region(aws: ReplicatedImage, slot: Slot, finding: Finding) -> ReplicatedImage:
    assert slot.region is not None, "a slot of AWS has a region"
    before = given(aws.regions) or {}
    regions = {name: region for name, region in before.items() if name != slot.region}
    if isinstance(finding.image, str):
        known = before.get(slot.region, RegionImage())
        regions[slot.region] = _set(known.with_fields(image=finding.image), "release", finding.release)
    return _set(aws, "regions", dict(sorted(regions.items())))


def _set(record: R, name: str, value: object) -> R:
    """The record with this field, or without it where the value says nothing: no empty objects are left behind."""
    if not value or (isinstance(value, Record) and _is_empty(value)):
        return record.without_fields(name)
    return record.with_fields(**{name: value})


def _is_empty(record: Record) -> bool:
    """Whether a record says nothing at all, in known keys or in others."""
    return not any(given(getattr(record, name)) for name in record.__struct_fields__)
