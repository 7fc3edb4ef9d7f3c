"""Images in AWS: what Red Hat sells in the AWS Marketplace, and the public AMIs of the regions that a stream lacks.

The choice in the marketplace is the machine-config operator's (``docs/design/aws-marketplace.md`` there) made stricter: an image of
another major version of RHEL is never taken, and by default none of another minor one either.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from penstock.model.arch import Arch
from penstock.model.catalogue import AwsImage, Cloud
from penstock.model.errors import InputError, OperationError, PenstockError
from penstock.model.marketplace import AwsMarketplaceRegion, PurchasePlan
from penstock.model.record import given
from penstock.model.stream import RegionImage
from penstock.model.versions.coreos import OsVersion, RhelVersion
from penstock.ports import AwsCatalogue
from penstock.streams.populate.aws_products import MARKETPLACE_OWNER, PRODUCTS, build_in, pattern_of
from penstock.streams.populate.concurrently import all_of, worst_of
from penstock.streams.populate.entries import Evidence, Finding, Place, Rule, Slot
from penstock.streams.populate.nearest import Candidate, LineBuild, choose, line_build, told
from penstock.streams.populate.publishers import publisher_of
from penstock.streams.populate.request import Choice, PopulateRequest

_AVAILABLE = "available"


async def find_aws_marketplace(catalogue: AwsCatalogue, request: PopulateRequest, *, regions: Iterable[str] = ()) -> list[Finding]:
    """The images of the AWS Marketplace, one finding for each architecture, plan and region.

    Args:
        catalogue: to ask.
        request: what to look for.
        regions: where; without any, where the stream has AMIs and where the marketplace file has images, as far as the credentials
            reach (the government's regions and China's need others), or all that they reach where both name none.

    Returns:
        The findings in the order of the file.  A region that could not be asked is FAILED, and hinders no other.

    Raises:
        InputError: what the stream says is no build; no region is known.
        PenstockError: no region could be asked.
    """
    named = frozenset(regions)
    products = _products(request)
    try:
        reach = named or (frozenset(await catalogue.list_regions()) if products else named)
    except OperationError:
        reach = None  # no leave to ask for regions; then each tells by itself
    search = _Search(catalogue, request, named, reach)
    places = [(region, product) for product in products for region in search.regions_of_product(product)]
    if products and not places:
        raise InputError("no region to look in is known", subject=request.stream.stream, hint="name one with --region")
    return _unless_all_failed(await all_of(places, lambda place: search.sold(*place)))


async def find_aws_public(catalogue: AwsCatalogue, request: PopulateRequest, *, regions: Iterable[str] = ()) -> list[Finding]:
    """The public AMIs of the regions in which the stream lacks that of its build; what it has is not looked at.

    Args:
        catalogue: to ask.
        request: what to look for.
        regions: where; without any, all that the credentials reach.

    Returns:
        A finding for each architecture and region that lacks the image, in order.

    Raises:
        InputError: what the stream says is no build.
        PenstockError: no region could be asked.
    """
    wanted = [(arch, build) for arch in request.wanted_arches() if (build := request.build_for(arch, Cloud.AWS)) is not None]
    named = frozenset(regions)
    reach = named or (frozenset(await catalogue.list_regions()) if wanted else named)
    search = _Search(catalogue, request, named, reach)
    places = [(region, arch, build) for arch, build in wanted for region in sorted(reach - search.regions_with_image(arch, build))]
    return _unless_all_failed(await all_of(places, lambda place: search.published(*place)))


def _unless_all_failed(findings: list[Finding]) -> list[Finding]:
    """The findings, unless nothing at all could be asked: then that is the answer, once and not for each slot."""
    errors = [finding.error for finding in findings if finding.error is not None]
    if errors and len(errors) == len(findings):
        raise worst_of(errors)
    return findings


@dataclass(frozen=True, slots=True)
class _Product:
    """A product of the marketplace, and the build that its image shall hold."""

    arch: Arch
    plan: PurchasePlan
    id: str
    build: LineBuild


def _products(request: PopulateRequest) -> list[_Product]:
    builds = [(arch, build) for arch in request.wanted_arches() if (build := line_build(request.build_for(arch, Cloud.AWS))) is not None]
    plans = request.wanted_plans()
    return [_Product(arch, plan, PRODUCTS[arch, plan], build) for arch, build in builds for plan in plans if (arch, plan) in PRODUCTS]


@dataclass(frozen=True, slots=True)
class _Search:
    """One search.

    Attributes:
        catalogue: to ask.
        request: what to look for.
        named: the regions that the user named, if any.
        reach: the regions that the credentials reach; None where that is not known.
        limit: the questions that may be under way.
    """

    catalogue: AwsCatalogue
    request: PopulateRequest
    named: frozenset[str]
    reach: frozenset[str] | None
    limit: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit", asyncio.Semaphore(self.request.parallel))

    def regions_of_product(self, product: _Product) -> list[str]:
        """Where the images of a product are looked for, sorted."""
        return sorted(self.named or self._amis(product.arch).keys() | self._sold_before(product).keys() or self.reach or ())

    def regions_with_image(self, arch: Arch, build: OsVersion) -> frozenset[str]:
        """Where the AMI of ``build`` is in the stream."""
        amis = self._amis(arch).items()
        return frozenset(region for region, ami in amis if given(ami.image) and given(ami.release) in (None, build.text))

    async def sold(self, region: str, product: _Product) -> Finding:
        """What one region has of one product."""
        slot = Slot(Cloud.AWS, product.arch, product.plan, region=region)
        before = self._sold_before(product).get(region)
        previous = before.image if before else None
        if self.reach is not None and region not in self.reach:
            reason = "these credentials do not reach the region"
            left = self.request.without_image(slot, previous, reason=reason, gone=False, published=False)
            return _of_product(left, product, before)
        try:
            images = await self._list(region, MARKETPLACE_OWNER, pattern_of(product.id))
            chosen = self._choose(images, product)
            gone = chosen is None and previous is not None and await self._is_gone(region, previous)
        except PenstockError as error:
            return Finding(slot, Rule.FAILED, previous, product=product.id, reason=error.message, error=error)
        evidence = self._evidence(images)
        if chosen is None:
            reason = _why_none(images, product.build)
            left = self.request.without_image(slot, previous, reason=reason, gone=gone, published=bool(images), evidence=evidence)
            return _of_product(left, product, before)
        rule, best = chosen
        holds = str(build_in(best.image.description))
        reason = told(rule, holds, product.build.text, best.at[0] - product.build.target.at[0])
        return Finding(slot, rule, best.image.id, release=holds, reason=reason, evidence=evidence, product=product.id)

    async def published(self, region: str, arch: Arch, build: OsVersion) -> Finding:
        """The public AMI of ``build`` in one region."""
        slot = Slot(Cloud.AWS, arch, region=region, place=Place.IMAGES)
        before = self._amis(arch).get(region)
        previous = given(before.image) if before else None
        publisher = publisher_of(self.request.stream.architectures[arch.value], build)
        name = publisher.ami_name(build, arch)
        try:
            images = await self._list(region, publisher.aws_owner, name)
        except PenstockError as error:
            return Finding(slot, Rule.FAILED, previous, reason=error.message, error=error)
        evidence = self._evidence(images)
        usable = [image for image in images if image.name == name and image.public and self._is_usable(image, arch)]
        if usable:
            newest = max(usable, key=lambda image: (image.created, image.id))
            return Finding(slot, Rule.EXACT, newest.id, release=build.text, reason=f"is {name}", evidence=evidence)
        # Not UNFIT: the public AMIs of a new build reach the regions one after the other.
        reason = f"{name} is there and deprecated or not public" if images else f"{publisher.aws_owner} has no {name} here"
        return self.request.without_image(slot, previous, reason=reason, gone=False, published=False, evidence=evidence)

    def _choose(self, images: Iterable[AwsImage], product: _Product) -> tuple[Rule, Candidate[AwsImage]] | None:
        usable = (image for image in images if self._is_usable(image, product.arch))
        candidates = [candidate for image in usable if (candidate := _candidate(image, product.build)) is not None]
        if self.request.choice is Choice.UPSTREAM:
            # The operator cannot order 418.94 with 9.4 and leaves such images out.
            candidates = [one for one in candidates if isinstance(build_in(one.image.description), RhelVersion)]
        return choose(candidates, product.build.target, self.request.choice)

    def _is_usable(self, image: AwsImage, arch: Arch) -> bool:
        ended = image.deprecated_on is not None and image.deprecated_on <= self.request.now
        return image.arch is arch and image.state == _AVAILABLE and not ended

    async def _is_gone(self, region: str, image_id: str) -> bool:
        """Whether AWS says that the image is deprecated, or knows nothing of it; asked only where it matters."""
        if not self.request.prune:
            return False
        async with self.limit:
            found = await self.catalogue.describe(region, [image_id])
        return not any(image.arch is not None and self._is_usable(image, image.arch) for image in found)

    async def _list(self, region: str, owner: str, name: str) -> tuple[AwsImage, ...]:
        async with self.limit:
            return await self.catalogue.list_images(region, owner=owner, name=name)

    def _evidence(self, images: Iterable[AwsImage]) -> Evidence:
        return Evidence.of((image.id for image in images), source=self.request.source(Cloud.AWS), asked_at=self.request.now)

    def _sold_before(self, product: _Product) -> Mapping[str, AwsMarketplaceRegion]:
        """What the marketplace file has of a product, by region."""
        marketplace = self.request.previous.get(product.arch.value)
        aws = given(marketplace.aws) if marketplace else None
        images = aws.plan(product.plan) if aws else None
        return (given(images.regions) if images else None) or {}

    def _amis(self, arch: Arch) -> Mapping[str, RegionImage]:
        """The AMIs of the stream by region; empty where it has none, which is the case of whole architectures."""
        images = given(self.request.stream.architectures[arch.value].images)
        aws = given(images.aws) if images else None
        return (given(aws.regions) if aws else None) or {}


def _candidate(image: AwsImage, wanted: LineBuild) -> Candidate[AwsImage] | None:
    """The image by the build that its description tells of; None where it tells of none."""
    build = build_in(image.description)
    if build is None or build.rhel is None:
        return None
    return Candidate(
        image=image,
        name=image.id,
        line=build.rhel,
        at=(build.stamp.day.toordinal(),),
        same=build == wanted.build,
        order=(*build.stamp.key, build.iteration),
        published=image.created,
    )


def _why_none(images: tuple[AwsImage, ...], build: LineBuild) -> str:
    if not images:
        return "the marketplace has no image of the product here"
    lines = sorted({found.rhel for image in images if (found := build_in(image.description)) is not None and found.rhel is not None})
    if not lines:
        return f"none of {len(images)} images tells its build"
    return f"no usable image is of RHEL {build.line}; there is {', '.join(str(line) for line in lines)}"


def _of_product(left: Finding, product: _Product, before: AwsMarketplaceRegion | None) -> Finding:
    """The finding of a slot without an image, with what is known of the entry that stays."""
    release = (given(before.release) or "") if before is not None and left.image is not None else ""
    return replace(left, product=product.id, release=release)
