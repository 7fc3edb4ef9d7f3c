"""What stands in the Catalog, and of images that are copied or left over, before anything is done: reading calls only."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from penstock.model.errors import NotFoundError, PenstockError
from penstock.model.push.accounts import AccountAlias
from penstock.model.push.aws import Place
from penstock.model.push.awsmarket import ChangeSet, Product
from penstock.ports.awsmarket import AwsMarket, SellerImages
from penstock.publish.aws.copies import ObservedSources, observe_sources
from penstock.publish.awsmarket.actions import IMAGE_TAG, RESTRICTED_TAG
from penstock.publish.awsmarket.target import AwsMarketTarget


@dataclass(frozen=True, slots=True)
class ObservedProduct:
    """What was found of one product.

    Attributes:
        product: None where it could not be read.
        running: its change sets that have not ended.
        tried: change sets of drafts, by their names, newest first.
        error: why it could not be read.
    """

    product: Product | None = None
    running: tuple[ChangeSet, ...] = ()
    tried: Mapping[str, tuple[ChangeSet, ...]] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, slots=True)
class ObservedMarket:
    """What was found everywhere.

    Attributes:
        products: by account and product.
        sources: the images that are copied.
        own: the labels of targets whose image is the account's own, and needs no copy.
        left: images by place and product that an earlier run marked for removal and did not remove; some are only snapshots any more.
    """

    products: Mapping[tuple[str, str], ObservedProduct] = field(default_factory=dict)
    sources: ObservedSources = field(default_factory=ObservedSources)
    own: frozenset[str] = frozenset()
    left: Mapping[tuple[Place, str], tuple[str, ...]] = field(default_factory=dict)

    def of(self, account: str, product: str) -> ObservedProduct:
        """What was found of a product; nothing where nobody looked."""
        return self.products.get((account, product), ObservedProduct())


async def observe_market(
    targets: Sequence[AwsMarketTarget],
    drafts: Mapping[tuple[str, str], Iterable[str]],
    markets: Mapping[str, AwsMarket],
    publishers: Mapping[AccountAlias, SellerImages],
    *,
    pre_push: bool,
) -> ObservedMarket:
    """Look at every product of ``targets``, at the images that are copied, and at what earlier runs left; never raises for one of them.

    Args:
        targets: of the run.
        drafts: names of the change sets by which versions are only tried, by account and product.
        markets: by the text of the alias.
        publishers: by alias.
        pre_push: the Catalog is not asked at all then.
    """
    by_text = {alias.text: publisher for alias, publisher in publishers.items()}
    wanted = [] if pre_push else list(dict.fromkeys((each.account, each.product) for each in targets))
    places = [] if pre_push else list(dict.fromkeys((each.place, each.product) for each in targets if each.restriction))
    copied = [each for each in targets if each.source.source_image]
    products, sources, own, left = await asyncio.gather(
        asyncio.gather(*(_product(markets[account], product, drafts.get((account, product), ())) for account, product in wanted)),
        observe_sources(copied, publishers),
        asyncio.gather(*(_is_own(by_text[each.account], each) for each in copied)),
        asyncio.gather(*(_left(by_text[place.account], place.region, product) for place, product in places)),
    )
    return ObservedMarket(
        dict(zip(wanted, products, strict=True)),
        sources,
        frozenset(target.label for target, is_own in zip(copied, own, strict=True) if is_own),
        dict(zip(places, left, strict=True)),
    )


async def _product(market: AwsMarket, product_id: str, drafts: Iterable[str]) -> ObservedProduct:
    try:
        product = await market.product(product_id)
        running = await market.running_changes(product_id)
        tried = {name: await market.changes_named(product_id, name) for name in drafts}
    except NotFoundError:
        return ObservedProduct(error="AWS Marketplace has no such product of this account")
    except PenstockError as error:
        return ObservedProduct(error=str(error))
    return ObservedProduct(product, running, tried)


async def _is_own(publisher: SellerImages, target: AwsMarketTarget) -> bool:
    """Where it cannot be asked the image is another account's, as far as anybody knows."""
    if target.source_region != target.place.region:
        return False
    try:
        return bool(await publisher.images_by_id(target.place.region, (target.source.source_image or "",)))
    except PenstockError:
        return False


async def _left(publisher: SellerImages, region: str, product: str) -> tuple[str, ...]:
    """Nothing where it cannot be asked: the region's own error is told elsewhere, and what is left stays for another run."""
    try:
        images = await publisher.images_by_tags(region, {RESTRICTED_TAG: product})
        snapshots = await publisher.snapshots(region, RESTRICTED_TAG, (product,))
    except PenstockError:
        return ()
    return tuple(dict.fromkeys([*(each.id for each in images), *(each.tags[IMAGE_TAG] for each in snapshots if IMAGE_TAG in each.tags)]))
