"""The steps of a push to AWS Marketplace, done through the ports."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from penstock.model.errors import OperationError
from penstock.model.push.aws import Place, SnapshotInUse
from penstock.model.push.awsmarket import ChangeRequest, ChangeType, ProductVersion
from penstock.model.push.journal import ExternalId, Ids
from penstock.ports import Clock
from penstock.ports.awsmarket import AwsMarket, SellerImages
from penstock.publish.aws.performing import ImagePerformer
from penstock.publish.awsmarket.actions import (
    IMAGE_TAG,
    RELEASE_DATE_TAG,
    RESTRICTED_TAG,
    DateRelease,
    MarkImage,
    PublishVersion,
    RemoveImage,
    RestrictVersions,
)
from penstock.publish.awsmarket.changes import ProductChange
from penstock.publish.awsmarket.courses import images_in_use
from penstock.publish.awsmarket.judging import titled_version
from penstock.publish.awsmarket.restriction import restricted
from penstock.publish.awsmarket.rules import MarketPace
from penstock.publish.execution import StepNotes, Wait
from penstock.publish.plan import Step, StepId, known_id

_MISSING, _KEPT, _DELETED = "missing", "kept", "deleted"


@dataclass(frozen=True, slots=True)
class Seller:
    """An account as a seller has it.

    Attributes:
        images: in which they are made.
        market: its Catalog.
        role: by which the marketplace reads images; in no plan and no journal.
    """

    images: SellerImages
    market: AwsMarket
    role: str


class MarketPerformer:
    """:class:`penstock.publish.execution.Performer` of the marketplace workflow; the making of images is another's.

    * ``PublishVersion``: see :class:`~penstock.publish.awsmarket.changes.ProductChange`; the product is looked at again right before.
    * ``RestrictVersions``: what the plan names and the rule still takes away of what is there now.
    * ``RemoveImage``: only an image with our mark that nothing is made of; its snapshots are found by theirs, so a run that was killed
      between the two is gone on with.
    """

    def __init__(self, images: ImagePerformer, sellers: Mapping[str, Seller], clock: Clock, *, wait: Wait, pace: MarketPace) -> None:
        """Use these; ``sellers`` by the text of the alias."""
        self._images = images
        self._sellers = sellers
        self._clock = clock
        self._wait = wait
        self._pace = pace

    async def perform(self, step: Step, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        """See :meth:`penstock.publish.execution.Performer.perform`."""
        match step.action:
            case PublishVersion() as action:
                return await self._publish(action, step, known_id(outcomes, step, ExternalId.IMAGE), notes)
            case DateRelease() as action:
                return await self._date(action, known_id(outcomes, step, ExternalId.IMAGE))
            case MarkImage() as action:
                return await self._mark(action)
            case RestrictVersions() as action:
                return await self._restrict(action, step, notes)
            case RemoveImage() as action:
                return await self._remove(action)
            case _:
                return await self._images.perform(step, outcomes, notes)

    async def _publish(self, action: PublishVersion, step: Step, image: str, notes: StepNotes) -> Ids:
        seller = self._sellers[action.account]

        async def request(name: str) -> ChangeRequest | None:
            version = self._standing(action, (await seller.market.product(action.product)).versions, image)
            if version is not None and image in version.images and not (action.overwrite and action.details.differences(version)):
                return None
            return ChangeRequest(
                type=ChangeType.ADD if version is None else ChangeType.UPDATE,
                product=action.product,
                product_type=action.product_type,
                details=action.details.document(image, seller.role, version.options[0].id if version else ""),
                name=name,
                validate_only=action.validate_only,
            )

        made = await self._change(seller, action.product, step, notes).made(request)
        known = {ExternalId.CHANGE_SET: made} if made else {}
        return {**known, ExternalId.IMAGE: image, **({} if action.validate_only else {ExternalId.VERSION: action.details.title})}

    @staticmethod
    def _standing(action: PublishVersion, versions: tuple[ProductVersion, ...], image: str) -> ProductVersion | None:
        """The version of the title that is there now.

        Raises:
            OperationError: it is made of another image, and may not be changed.
        """
        title = action.details.title
        version = titled_version(versions, title, image)
        if version is None:
            return None
        if version.is_restricted or not version.options or (image not in version.images and not action.overwrite):
            hint = "it came since the plan was made; run again"
            raise OperationError(f"the version {title!r} is there, and not to be had of {image}", subject=action.product, hint=hint)
        return version

    async def _date(self, action: DateRelease, image: str) -> Ids:
        publisher, region = self._sellers[action.place.account].images, action.place.region
        found = await publisher.image(region, image)
        if RELEASE_DATE_TAG not in found.tags:
            now = datetime.fromtimestamp(self._clock.now_s(), UTC)
            await publisher.tag(region, image, {RELEASE_DATE_TAG: now.strftime("%Y%m%d%H::%M::%S")})
        return {ExternalId.IMAGE: image}

    async def _mark(self, action: MarkImage) -> Ids:
        publisher, region = self._sellers[action.place.account].images, action.place.region
        own = next(iter(await publisher.images_by_id(region, (action.image,))), None)
        if own is None:
            return {ExternalId.DELETED: _MISSING}
        for snapshot in own.snapshots:
            await publisher.tag(region, snapshot, {RESTRICTED_TAG: action.product, IMAGE_TAG: action.image})
        await publisher.tag(region, action.image, {RESTRICTED_TAG: action.product})
        return {ExternalId.RESOURCE: action.image}

    async def _restrict(self, action: RestrictVersions, step: Step, notes: StepNotes) -> Ids:
        seller = self._sellers[action.account]

        async def request(name: str) -> ChangeRequest | None:
            product = await seller.market.product(action.product)
            gone = restricted(product.versions, action.rule, keep=action.keep)
            options = [each.id for version in gone for each in version.options if each.id in action.options]
            if not options:
                return None
            return ChangeRequest(
                type=ChangeType.RESTRICT,
                product=action.product,
                product_type=action.product_type,
                details={"DeliveryOptionIds": options},
                name=name,
            )

        made = await self._change(seller, action.product, step, notes).made(request)
        return {ExternalId.CHANGE_SET: made} if made else {}

    async def _remove(self, action: RemoveImage) -> Ids:
        seller, region = self._sellers[action.place.account], action.place.region
        products = [await seller.market.product(each) for each in action.products]
        if action.image in images_in_use(each.versions for each in products):
            return {ExternalId.DELETED: _KEPT}
        own = next(iter(await seller.images.images_by_id(region, (action.image,))), None)
        if own is not None and own.tags.get(RESTRICTED_TAG) != action.product:
            return {ExternalId.DELETED: _KEPT}
        marked = await seller.images.snapshots(region, RESTRICTED_TAG, (action.product,))
        gone = _MISSING if own is None else _DELETED
        if own is not None:
            await seller.images.deregister_image(region, action.image)
        for snapshot in marked:
            if snapshot.tags.get(IMAGE_TAG) == action.image:
                gone = await self._deleted(seller.images, action.place, snapshot.id) or gone
        return {ExternalId.DELETED: gone, ExternalId.RESOURCE: action.image}

    @staticmethod
    async def _deleted(publisher: SellerImages, place: Place, snapshot: str) -> str:
        """Delete a snapshot, unless another image is made of it."""
        try:
            await publisher.delete_snapshot(place.region, snapshot)
        except SnapshotInUse:
            return ""
        return _DELETED

    def _change(self, seller: Seller, product: str, step: Step, notes: StepNotes) -> ProductChange:
        return ProductChange(seller.market, product, step, notes, wait=self._wait, pace=self._pace)
