"""The places of a stream that have an image, or should have one, for each architecture, cloud, plan and generation.

Azure's places are known beforehand, so a hole is seen: seven plans of two generations on x86_64; on aarch64 one, without a purchase plan
and of the second generation.  AWS and Google Cloud, galleries and ``images`` are judged where the document has them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError
from penstock.model.marketplace import (
    AzureMarketplaceImage,
    GcpMarketplaceImage,
    Generation,
    Marketplace,
    PurchasePlan,
)
from penstock.model.record import Maybe, given
from penstock.model.stream import AzureGalleryImage, GcpImage, Images, StreamArch
from penstock.model.versions import LegacyVersion, OsVersion, RhelVersion, parse_version
from penstock.streams.drift.holdings import Holding, holding_of_azure, holding_of_gallery, holding_of_gcp_name, holding_of_release
from penstock.streams.populate.aws_products import MARKETPLACE_OWNER
from penstock.streams.populate.azure_skus import PAID_PUBLISHERS, UNPAID_PUBLISHER
from penstock.streams.populate.entries import Place, Slot
from penstock.streams.populate.publishers import RHEL_COREOS, publisher_of
from penstock.streams.targets import release_for

COREOS: Final = "coreos"
"""Publishes what stands in ``images``."""
_FIRST_RHEL_WITHOUT_GEN1 = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands in a place.

    Attributes:
        slot: the place.
        publisher: see :attr:`~penstock.streams.drift.statuses.Observation.publisher`.
        image: what machines are made from.
        version: what the entry says of its build, or ``""``.
        read: reads what it holds; raises InputError where that cannot be told.
        regions: of AWS, sorted.
    """

    slot: Slot
    publisher: str
    image: str
    version: str
    read: Callable[[], Holding]
    regions: tuple[str, ...] = ()


def entries_of(arch: Arch, content: StreamArch) -> Iterator[Entry]:
    """Everything that stands in the places of one architecture, in the order of the documents."""
    extensions = given(content.rhel_coreos_extensions)
    marketplace = given(extensions.marketplace) if extensions else None
    if marketplace is not None:
        yield from _azure_entries(arch, marketplace)
        yield from _aws_entries(arch, marketplace)
        yield from _gcp_entries(arch, marketplace)
    images = given(content.images)
    if images is not None:
        yield from _image_entries(arch, images)


def expected_slots(arch: Arch, content: StreamArch) -> Iterator[tuple[Slot, str]]:
    """The places that RHEL CoreOS should fill for this architecture, each with its publisher.

    None for CentOS Stream and Fedora CoreOS, which no marketplace has, nor where the stream has nothing for Azure.  From OpenShift 5.0 on
    nobody publishes for the first generation: told by RHEL 10, or by the names that the series have since.
    """
    if arch not in (Arch.X86_64, Arch.AARCH64) or not _for_sale(content):
        return
    one_generation = _major_wanted(content) >= _FIRST_RHEL_WITHOUT_GEN1 or _is_named_by_generation(content)
    for plan in PurchasePlan if arch is Arch.X86_64 else (PurchasePlan.NO_PURCHASE_PLAN,):
        for generation in Generation:
            if generation is Generation.GEN1 and (arch is Arch.AARCH64 or one_generation):
                continue
            yield Slot(Cloud.AZURE, arch, plan, generation), PAID_PUBLISHERS.get(plan, UNPAID_PUBLISHER)


def _for_sale(content: StreamArch) -> bool:
    extensions = given(content.rhel_coreos_extensions)
    if (extensions is None or given(extensions.azure_disk) is None) and Cloud.AZURE.value not in (given(content.artifacts) or {}):
        return False
    build = _build_wanted(content)
    return build is None or publisher_of(content, build) is RHEL_COREOS


def _build_wanted(content: StreamArch) -> OsVersion | None:
    try:
        return parse_version(release_for(content, Cloud.AZURE) or "")
    except InputError:
        return None


def _major_wanted(content: StreamArch) -> int:
    build = _build_wanted(content)
    rhel = build.rhel if isinstance(build, LegacyVersion | RhelVersion) else None
    return rhel.major if rhel else 0


def _is_named_by_generation(content: StreamArch) -> bool:
    """Whether the unpaid image is of a series of OpenShift 5.0: ``aro_5-0_x64_gen2``."""
    extensions = given(content.rhel_coreos_extensions)
    marketplace = given(extensions.marketplace) if extensions else None
    azure = given(marketplace.azure) if marketplace else None
    plan = azure.plan(PurchasePlan.NO_PURCHASE_PLAN) if azure else None
    image = plan.image(Generation.GEN2) if plan else None
    return image is not None and image.sku.endswith("_gen2")


def _azure_entries(arch: Arch, marketplace: Marketplace) -> Iterator[Entry]:
    azure = given(marketplace.azure)
    for plan, generation, image in azure.images() if azure else ():
        if not is_empty(image):
            slot, version = Slot(Cloud.AZURE, arch, plan, generation), image.version
            yield Entry(slot, image.publisher, image.urn, version, partial(holding_of_azure, version))


def is_empty(image: AzureMarketplaceImage) -> bool:
    """Whether nothing stands in any of the four fields; real ConfigMaps hold empty objects that mean nothing."""
    return not (image.publisher or image.offer or image.sku or image.version)


def _aws_entries(arch: Arch, marketplace: Marketplace) -> Iterator[Entry]:
    aws = given(marketplace.aws)
    for plan in PurchasePlan if aws else ():
        product = aws.plan(plan) if aws else None
        if product is not None:
            sold = {name: (region.release, region.image) for name, region in (given(product.regions) or {}).items()}
            yield from _by_release(Slot(Cloud.AWS, arch, plan), MARKETPLACE_OWNER, sold)


def _gcp_entries(arch: Arch, marketplace: Marketplace) -> Iterator[Entry]:
    gcp = given(marketplace.gcp)
    for plan in PurchasePlan if gcp else ():
        image = gcp.plan(plan) if gcp else None
        if image is not None:
            yield _gcp_entry(Slot(Cloud.GCP, arch, plan), image, image.project)


def _image_entries(arch: Arch, images: Images) -> Iterator[Entry]:
    aws = given(images.aws)
    if aws is not None:
        held = {name: (region.release, region.image) for name, region in (given(aws.regions) or {}).items()}
        yield from _by_release(Slot(Cloud.AWS, arch, place=Place.IMAGES), COREOS, held)
    gallery = images.azure_community
    if isinstance(gallery, str | AzureGalleryImage):
        yield _gallery_entry(Slot(Cloud.AZURE, arch, place=Place.IMAGES), gallery)
    gcp = given(images.gcp)
    if gcp is not None and _text(gcp.name):
        yield _gcp_entry(Slot(Cloud.GCP, arch, place=Place.IMAGES), gcp, COREOS)


def _by_release(slot: Slot, publisher: str, regions: Mapping[str, tuple[Maybe[str], Maybe[str]]]) -> Iterator[Entry]:
    """One entry for all regions that hold the same release: they say one thing."""
    held: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name in sorted(regions):
        release, ami = map(_text, regions[name])
        held[release].append((name, ami))
    for build, found in held.items():
        names = tuple(name for name, _ in found)
        yield Entry(slot, publisher, found[0][1], build, partial(_of_release, build), names)


def _text(value: Maybe[str]) -> str:
    return value if isinstance(value, str) else ""


def _gcp_entry(slot: Slot, image: GcpImage | GcpMarketplaceImage, publisher: str) -> Entry:
    name, release = given(image.name) or "", given(image.release) or ""
    path = f"projects/{given(image.project) or ''}/global/images/{name}"
    read = partial(holding_of_release, release) if release else partial(holding_of_gcp_name, name, slot.arch)
    return Entry(slot, publisher, path, release or name, read)


def _gallery_entry(slot: Slot, gallery: str | AzureGalleryImage) -> Entry:
    if isinstance(gallery, str):
        version = gallery.rpartition("/")[2]
        return Entry(slot, COREOS, gallery, version, partial(_of_gallery, version))
    release, version = given(gallery.release) or "", gallery.version
    read = partial(holding_of_release, release) if release else partial(_of_gallery, version)
    return Entry(slot, COREOS, gallery.id, release or version, read)


def _of_release(release: str) -> Holding:
    if not release:
        raise InputError("the entry does not tell its release")
    return holding_of_release(release)


def _of_gallery(version: str) -> Holding:
    if version == "latest":
        raise InputError("'latest' names no version", hint="let populate write the version in parts")
    return holding_of_gallery(version)
