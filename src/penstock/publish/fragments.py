"""The part of a stream that a push gives, ``--emit-stream``: what it published, in the places where streams have it.

=================================  ==================================================================================================
image                              place, in ``architectures.ARCH``
=================================  ==================================================================================================
AMI                                ``images.aws.regions.REGION``
image of Google Cloud              ``images.gcp``
Azure Marketplace                  ``rhel-coreos-extensions.marketplace.azure.PLAN.hyperVGenN``, for the offers that streams know
community gallery                  ``images.azure-community``, which is proposed and must be asked for
AMI of a product                   nowhere: buyers get copies under other ids, which AWS tells nobody before
gallery of a tenant                nowhere: its id names the subscription
VHD in a storage account           nowhere: ``azure-disk`` is an address for everybody, and this one opens with a signature alone
=================================  ==================================================================================================

What has no place, and what lost its place to another image, is told; nothing is left out in silence.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError
from penstock.model.lineage import Edge, Kind
from penstock.model.marketplace import (
    AzureMarketplace,
    AzureMarketplaceImage,
    AzureMarketplaceImages,
    Generation,
    Marketplace,
    PurchasePlan,
    plan_of_offer,
)
from penstock.model.push.items import PushItem
from penstock.model.push.receipts import AmiReceipt, AzureOfferReceipt, GalleryReceipt, GcpReceipt, Receipt
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.model.starmap import BillingType
from penstock.model.stream import AzureGalleryImage, Extensions, GcpImage, Images, RegionImage, ReplicatedImage, Stream, StreamArch

_COMMUNITY: Final = re.compile(r"/CommunityGalleries/(?P<gallery>[^/]+)/Images/(?P<image>[^/]+)/Versions/(?P<version>[^/]+)", re.IGNORECASE)
_FIRST: Final = re.compile(r"[-_]gen1")
_SECOND: Final = re.compile(r"[-_]gen2|-v2|[-_]arm(64)?([-_]|$)")
_ARM: Final = re.compile(r"[-_]arm(64)?([-_]|$)")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an image stands in a stream.

    Attributes:
        arch: its RPM name.
        cloud: whose image it is.
        words: a region, or a plan and a generation; nothing where there is one image.
    """

    arch: str
    cloud: str
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        """As all edges of the ledger say it: ``aws us-east-1 x86_64``, ``azure ocp hyperVGen2 x86_64``."""
        return " ".join((self.cloud, *self.words, self.arch))


_Entry = RegionImage | GcpImage | AzureMarketplaceImage | AzureGalleryImage


@dataclass(frozen=True, slots=True)
class _Candidate:
    place: Place
    entry: _Entry
    receipt: Receipt
    release: str
    rank: tuple[bool, bool, str, tuple[int, int]]
    """The best first."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of a stream.

    Attributes:
        stream: a stream document that has nothing but images; no ``last-modified``: the one who merges it knows that.
        images: by the place of each the key of its artifact.
        left_out: a line for each published image that is not in it.
        doubles: the same of those whose disk is in it, under another billing type: nobody needs to be told.
    """

    stream: Stream
    images: Mapping[Place, str]
    left_out: tuple[str, ...]
    doubles: tuple[str, ...] = ()

    def edges(self, made: tuple[str, str]) -> list[Edge]:
        """What the ledger is told of the document ``made``."""
        return [Edge((Kind.CLOUD_IMAGE.value, key), made, str(place)) for place, key in self.images.items()]


def fragment_of_push(results: Sequence[PushResult], *, stream: str, proposed: bool = False) -> Fragment:
    """The images of all PUSHED results, each in its place.

    ``release`` is the build's ``version-release`` (``9.6.20250826-1``, the form of CoreOS builds).  Of several images for one place the
    public one goes in, and else the hourly one, then the first by type and by order.  All images that an architecture has in one cloud are
    of one build: of a push of several builds it is that of the best image, because a stream that mixes builds boots now this and now that.

    Args:
        results: in any order.
        stream: the name of the document.
        proposed: whether places go in that no upstream reader knows yet.
    """
    left: list[str] = []
    doubles: list[str] = []
    candidates: list[_Candidate] = []
    for result in sorted(results, key=lambda each: each.order):
        if result.state is ItemState.PUSHED:
            for receipt in result.receipts:
                found = _candidates(result, receipt, proposed=proposed)
                if isinstance(found, str):
                    left.append(f"{receipt.key}: {found}")
                else:
                    candidates += found
    chosen = _chosen(sorted(candidates, key=lambda each: each.rank), left, doubles)
    arches = dict.fromkeys(sorted({place.arch for place in chosen}))
    document = Stream(stream=stream, architectures={arch: _arch_of(arch, chosen) for arch in arches})
    return Fragment(
        document, {place: chosen[place].receipt.key for place in sorted(chosen)}, tuple(dict.fromkeys(left)), tuple(dict.fromkeys(doubles))
    )


def release_of(item: PushItem) -> str:
    """The build as streams name it: ``version-release``."""
    return f"{item.build.version}-{item.build.release}"


def _chosen(candidates: Sequence[_Candidate], left: list[str], doubles: list[str]) -> dict[Place, _Candidate]:
    """One for each place, and one build for each architecture in each cloud."""
    builds: dict[tuple[str, str], str] = {}
    chosen: dict[Place, _Candidate] = {}
    for each in candidates:
        release = builds.setdefault((each.place.arch, each.place.cloud), each.release)
        if each.release != release:
            left.append(f"{each.receipt.key}: it is of build {each.release}, and {each.place.cloud} {each.place.arch} is of {release} here")
        elif each.place in chosen and chosen[each.place].receipt.key != each.receipt.key:
            same = each.receipt.content is not None and chosen[each.place].receipt.content == each.receipt.content
            (doubles if same else left).append(f"{each.receipt.key}: {chosen[each.place].receipt.key} has its place, {each.place}")
        else:
            chosen.setdefault(each.place, each)
    return chosen


def _candidates(result: PushResult, receipt: Receipt, *, proposed: bool) -> list[_Candidate] | str:
    """The places of an image, or why it has none."""
    arch, release = _rpm_arch(result.item.release.arch), release_of(result.item)
    match receipt:
        case AmiReceipt():
            if receipt.product:
                return "an image of a product of AWS Marketplace has no place in a stream: buyers get another id"
            entry: _Entry = RegionImage(release=release, image=receipt.image_id)
            rank = (not receipt.public, receipt.type != BillingType.HOURLY, receipt.type, result.order)
            return [_Candidate(Place(arch, Cloud.AWS.value, (receipt.region,)), entry, receipt, release, rank)]
        case GcpReceipt():
            found = GcpImage(release=release, project=receipt.project, name=receipt.name)
            entry = found.with_fields(family=receipt.family) if receipt.family else found
            return [_Candidate(Place(arch, Cloud.GCP.value), entry, receipt, release, (not receipt.public, False, "", result.order))]
        case AzureOfferReceipt():
            return _sold(receipt, arch, release, result.order)
        case GalleryReceipt():
            return _in_gallery(receipt, arch, release, result.order, proposed=proposed)


def _sold(receipt: AzureOfferReceipt, arch: str, release: str, order: tuple[int, int]) -> list[_Candidate] | str:
    if not receipt.publisher:
        return "its publisher is not known, so it has no URN; the credentials of the account may name it"
    plan = plan_of_offer(receipt.publisher, receipt.offer)
    if plan is None:
        return f"streams have no place for the offer {receipt.publisher}:{receipt.offer}"
    if not receipt.live:
        return "it is not live yet: nobody can deploy it"
    found = []
    for sku in receipt.skus:
        if _fits(sku, receipt.skus, arch):
            image = AzureMarketplaceImage(publisher=receipt.publisher, offer=receipt.offer, sku=sku, version=receipt.version)
            place = Place(arch, Cloud.AZURE.value, (plan.value, _generation(sku, receipt.skus, plan, arch).value))
            found.append(_Candidate(place, image, receipt, release, (False, False, sku, order)))
    return found or f"none of its SKUs is for {arch}"


def _fits(sku: str, skus: Sequence[str], arch: str) -> bool:
    """Whether a SKU is for this architecture: those of Arm say so, unless there is but one."""
    arm = arch == Arch.AARCH64.value
    return (_ARM.search(sku) is not None) is arm or (arm and len(skus) == 1)


def _generation(sku: str, skus: Sequence[str], plan: PurchasePlan, arch: str) -> Generation:
    """Which machines a SKU is for.

    Its name says it, or that of its sister does: ``x`` beside ``x-gen1`` is the second one.  Alone and without a word of it, that of a paid
    plan is the second generation and that of ARO the first one: so both name them.
    """
    if _FIRST.search(sku):
        return Generation.GEN1
    if _SECOND.search(sku) or arch == Arch.AARCH64.value:
        return Generation.GEN2
    others = [each for each in skus if each != sku and each.startswith(sku)]
    if any(_FIRST.search(each) for each in others):
        return Generation.GEN2
    if any(_SECOND.search(each) and not _ARM.search(each) for each in others):
        return Generation.GEN1
    return Generation.GEN2 if plan.paid else Generation.GEN1


def _in_gallery(receipt: GalleryReceipt, arch: str, release: str, order: tuple[int, int], *, proposed: bool) -> list[_Candidate] | str:
    found = _COMMUNITY.fullmatch(receipt.community_name)
    if found is None:
        return "a gallery that is not shared with the community has no place in a stream"
    if not proposed:
        return "streams have no place for galleries yet; --proposed takes the one that is proposed, images.azure-community"
    entry = AzureGalleryImage(release=release, gallery=found["gallery"], image=found["image"], version=found["version"])
    return [_Candidate(Place(arch, "azure-community"), entry, receipt, release, (False, False, "", order))]


def _arch_of(arch: str, chosen: Mapping[Place, _Candidate]) -> StreamArch:
    entries = {place: each.entry for place, each in chosen.items() if place.arch == arch}
    images = dict(_images(entries))
    azure = {(place.words[0], place.words[1]): entry for place, entry in entries.items() if isinstance(entry, AzureMarketplaceImage)}
    made = StreamArch()
    if images:
        made = made.with_fields(images=Images().with_fields(**images))
    if azure:
        sold = AzureMarketplace().with_fields(**{plan.field: _plan_of(plan, azure) for plan in PurchasePlan if _plan_of(plan, azure)})
        made = made.with_fields(rhel_coreos_extensions=Extensions(marketplace=Marketplace(azure=sold)))
    return made


def _images(entries: Mapping[Place, _Entry]) -> Iterator[tuple[str, object]]:
    regions = {place.words[0]: entry for place, entry in sorted(entries.items()) if isinstance(entry, RegionImage)}
    if regions:
        yield "aws", ReplicatedImage(regions=regions)
    for entry in entries.values():
        if isinstance(entry, GcpImage):
            yield "gcp", entry
        elif isinstance(entry, AzureGalleryImage):
            yield "azure_community", entry


def _plan_of(plan: PurchasePlan, azure: Mapping[tuple[str, str], AzureMarketplaceImage]) -> AzureMarketplaceImages | None:
    fields = {Generation.GEN1: "hyper_v_gen1", Generation.GEN2: "hyper_v_gen2"}
    found = {field: azure[plan.value, each.value] for each, field in fields.items() if (plan.value, each.value) in azure}
    return AzureMarketplaceImages().with_fields(**found) if found else None


def _rpm_arch(text: str) -> str:
    try:
        return Arch.parse(text).value
    except InputError:  # one that OpenShift does not know; a stream may have it
        return text
