"""What stands in offers before anything is done: reading calls only, each offer once, all at the same time."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from penstock.formats.azureproduct import technical_configuration
from penstock.model.digest import Digest
from penstock.model.errors import InputError, NotFoundError, PenstockError, TransientError
from penstock.model.push.azuremarket import (
    Resource,
    ResourceTree,
    Submission,
    TargetType,
    TechnicalConfiguration,
)
from penstock.model.record import given
from penstock.ports.azureblobs import AzureBlobs
from penstock.ports.azuremarket import ProductIngestion
from penstock.publish.azuremarket.drafts import newest_published, unpublished_changes
from penstock.publish.azuremarket.images import KnownDisks
from penstock.publish.azuremarket.signatures import signed_address
from penstock.publish.azuremarket.target import AzureMarketTarget

NEWEST_FIRST = (TargetType.LIVE, TargetType.PREVIEW, TargetType.DRAFT)
"""The order in which images are looked for: what is live needs nothing more."""
_LOOKED_AT = 6
"""How many disks of a plan are looked at in our own storage account, the newest ones: those that a push may meet again."""


@dataclass(frozen=True, slots=True)
class ObservedOffer:
    """What was found of one offer.

    Attributes:
        product: itself; None where the publisher has none of this name, or nobody looked.
        submissions: of it.
        trees: its states, those that there are; a preview that was refused, or is not through yet, is none.
        configurations: of the plans that were asked for, by state and name, those that there are.
        error: why nothing could be found out; its targets fail with it.
        transient: whether that may pass by itself: nobody answered.
    """

    product: Resource | None = None
    submissions: tuple[Submission, ...] = ()
    trees: Mapping[TargetType, ResourceTree] = field(default_factory=dict)
    configurations: Mapping[tuple[TargetType, str], TechnicalConfiguration] = field(default_factory=dict)
    error: str = ""
    transient: bool = False

    def configuration(self, target: TargetType, plan: str) -> TechnicalConfiguration | None:
        """Of a plan in one of the states; None where there is none."""
        return self.configurations.get((target, plan))

    @property
    def publisher(self) -> str:
        """What the product says of its publisher, mostly ``""``."""
        return self.product.publisher if self.product is not None else ""

    @property
    def unpublished(self) -> tuple[str, ...]:
        """The ids of resources of the draft that somebody changed and did not publish; an offer that never was published has none."""
        published = newest_published(self.submissions)
        draft, tree = self.trees.get(TargetType.DRAFT), self.trees.get(published) if published is not None else None
        return unpublished_changes(draft, tree) if draft is not None and tree is not None else ()


def configuration_of(tree: ResourceTree, plan: str) -> TechnicalConfiguration | None:
    """Of a plan by its name; None where the tree has no such plan, or this no configuration.

    Raises:
        InputError: it is of another shape.
    """
    found = tree.plan(plan)
    return technical_configuration(tree, found) if found is not None else None


@dataclass(frozen=True, slots=True)
class ObservedMarket:
    """What was found in all offers.

    Attributes:
        offers: by account and name.
        disks: by account: what is in the disks of our storage account that the plans of the run have already.
        unread: by account why that could not be found out for the moment: an image that is there already could be taken for a new one.
    """

    offers: Mapping[tuple[str, str], ObservedOffer] = field(default_factory=dict)
    disks: Mapping[str, KnownDisks] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)


async def observe_market(
    targets: Sequence[AzureMarketTarget], publishers: Mapping[str, ProductIngestion], stores: Mapping[str, AzureBlobs]
) -> ObservedMarket:
    """Look at every offer that an image of the run goes to.

    Args:
        targets: of the run.
        publishers: by alias; one without credentials is not in it.
        stores: by alias, the same.
    """
    plans: dict[tuple[str, str], list[str]] = {}
    for each in targets:
        plans.setdefault(each.place, []).append(each.plan)
    places = [place for place in plans if place[0] in publishers]
    found = await asyncio.gather(*(_offer(publishers[account], offer, plans[account, offer]) for account, offer in places))
    offers = dict(zip(places, found, strict=True))
    bases: dict[str, list[str]] = {account: [] for account, _ in places if account in stores}
    for place in places:
        if place[0] in bases:
            bases[place[0]] += _bases(offers[place])
    looked = dict(zip(bases, await asyncio.gather(*(_disks(stores[account], wanted) for account, wanted in bases.items())), strict=True))
    disks = {account: each for account, each in looked.items() if isinstance(each, KnownDisks)}
    return ObservedMarket(offers, disks, {account: str(each) for account, each in looked.items() if isinstance(each, TransientError)})


async def _disks(store: AzureBlobs, bases: Iterable[str]) -> KnownDisks | TransientError:
    try:
        return await known_disks(store, bases)
    except TransientError as error:
        return error


async def _offer(ingestion: ProductIngestion, name: str, plans: Iterable[str]) -> ObservedOffer:
    try:
        product = next((each for each in await ingestion.products() if each.name == name), None)
        if product is None:
            return ObservedOffer(error=f"the publisher has no offer {name}")
        return await observed_offer(ingestion, product, plans)
    except PenstockError as error:
        return ObservedOffer(error=str(error), transient=isinstance(error, TransientError))


async def observed_offer(ingestion: ProductIngestion, product: Resource, plans: Iterable[str]) -> ObservedOffer:
    """An offer as it is now, with the configurations of these plans.

    Raises:
        PenstockError: it could not be asked for.
    """
    key = given(product.id) or ""
    submissions = await ingestion.submissions(key)
    there = {each.target.target_type for each in submissions if each.shows} | {TargetType.DRAFT}
    looked = await asyncio.gather(*(_tree(ingestion, key, each) for each in NEWEST_FIRST if each in there))
    trees = {target: tree for target, tree in looked if tree is not None}
    wanted = ((target, plan, configuration_of(tree, plan)) for target, tree in trees.items() for plan in dict.fromkeys(plans))
    configurations = {(target, plan): each for target, plan, each in wanted if each is not None}
    return ObservedOffer(product, submissions, trees, configurations)


async def _tree(ingestion: ProductIngestion, product: str, target: TargetType) -> tuple[TargetType, ResourceTree | None]:
    try:
        return target, await ingestion.tree(product, target)
    except NotFoundError:
        return target, None


def _bases(offer: ObservedOffer) -> list[str]:
    """The addresses of the newest disks of the plans that were asked for, without signatures."""
    found: dict[str, None] = {}
    for configuration in offer.configurations.values():
        uris = [image.uri for version in reversed(configuration.all_versions) for image in version.images if image.uri]
        found.update(dict.fromkeys(signed_address(uri).base for uri in uris[:_LOOKED_AT]))
    return list(found)


async def known_disks(store: AzureBlobs, bases: Iterable[str]) -> KnownDisks:
    """What our own account tells of disks at these addresses; those of other accounts, and what may not be asked for, are left out.

    Raises:
        TransientError: the account did not answer.
    """
    names = {}
    for base in dict.fromkeys(bases):
        try:
            names[base] = store.name_of(base)
        except InputError:
            continue
    found = await asyncio.gather(*(store.blob(each) for each in names.values()), return_exceptions=True)
    contents: dict[str, Digest] = {}
    gone: set[str] = set()
    for base, blob in zip(names, found, strict=True):
        if isinstance(blob, TransientError) or (isinstance(blob, BaseException) and not isinstance(blob, PenstockError)):
            raise blob
        if blob is None:
            gone.add(base)
        elif not isinstance(blob, BaseException) and blob.content is not None:
            contents[base] = blob.content
    return KnownDisks(contents, frozenset(gone))
