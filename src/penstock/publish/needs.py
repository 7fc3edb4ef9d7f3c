"""What a push needs of the outside, as far as its mappings tell: for a rehearsal, which must make all of it first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from penstock.model.errors import InputError
from penstock.model.push.accounts import AccountAlias
from penstock.model.push.items import PushItem
from penstock.model.push.rhsm import RhsmProduct
from penstock.model.record import given
from penstock.model.starmap import StarmapWorkflow
from penstock.publish.mapping import Mapped, MappedDestination, Resolution
from penstock.publish.metadata import filled

_HOURLY = "_HOURLY"
_DEFAULT_PROVIDER = "AWS"


@dataclass(frozen=True, slots=True, order=True)
class NeededPlace:
    """A destination that an image goes to.

    Attributes:
        account: its alias.
        workflow: by which it is reached.
        destination: as the mapping has it: ``us-east-1-hourly``, a product's id, ``offer/plan``, ``gallery/image``.
    """

    account: AccountAlias
    workflow: StarmapWorkflow
    destination: str


@dataclass(frozen=True, slots=True)
class PushNeeds:
    """What must be there for a push to come to its end.

    Attributes:
        places: all destinations.
        products: under which RHSM knows images of AWS; each in both spellings, as the billing type decides late.
    """

    places: frozenset[NeededPlace] = frozenset()
    products: frozenset[RhsmProduct] = frozenset()

    @property
    def accounts(self) -> tuple[AccountAlias, ...]:
        """Of all places, sorted."""
        return tuple(sorted({place.account for place in self.places}))


def needs_of(resolutions: Iterable[tuple[StarmapWorkflow, Resolution]]) -> PushNeeds:
    """The needs of all items that have mappings; what is wrong with one of them the push will tell."""
    places: set[NeededPlace] = set()
    products: set[RhsmProduct] = set()
    for workflow, resolution in resolutions:
        for mapped, where in _destinations(resolution.mapped):
            try:
                alias = AccountAlias.parse(where.account)
            except InputError:
                continue
            places.add(NeededPlace(alias, workflow, where.destination.destination))
            if workflow is StarmapWorkflow.COMMUNITY:
                products |= set(_products(mapped.item, where))
    return PushNeeds(frozenset(places), frozenset(products))


def _destinations(all_mapped: Iterable[Mapped]) -> Iterator[tuple[Mapped, MappedDestination]]:
    for mapped in all_mapped:
        for where in mapped.destinations:
            yield mapped, where


def _products(item: PushItem, where: MappedDestination) -> Iterator[RhsmProduct]:
    try:
        name = filled(item, where.meta, subject=where.account).release.product
    except InputError:
        return
    provider = given(where.mapping.provider) or _DEFAULT_PROVIDER
    yield RhsmProduct(name, provider)
    yield RhsmProduct(name + _HOURLY, provider)
