"""Which entity of StArMap an item goes by: online, hybrid or offline.

Asked for is (build name, workflow, cloud); local entities come before the server, and the server is asked for exactly those that are not
there: upstream's cache hides the server's community mapping behind a local marketplace one, ours does not.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from penstock.model.catalogue import Cloud
from penstock.model.errors import PenstockError, TransientError
from penstock.model.push.items import PushItem
from penstock.model.starmap import StarmapDestination, StarmapEntity, StarmapMapping, StarmapWorkflow
from penstock.ports.publish import StarmapService
from penstock.publish.metadata import effective_meta


class ResolutionMode(StrEnum):
    """Where mappings come from."""

    ONLINE = "online"
    HYBRID = "hybrid"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for.

    Attributes:
        name: of the build; in the marketplace workflow with the item's marketplace behind it, ``rhcos-aws``.
        version: of the build; the server's patterns want it.
        workflow: which.
        cloud: which.
    """

    name: str
    version: str
    workflow: StarmapWorkflow
    cloud: Cloud

    @classmethod
    def of(cls, item: PushItem, workflow: StarmapWorkflow) -> "Wish":
        """What ``item`` asks for in ``workflow``."""
        suffix = item.marketplace_name if workflow is StarmapWorkflow.STRATOSPHERE else None
        name = f"{item.build.name}-{suffix}" if suffix else item.build.name
        return cls(name, item.build.version, workflow, item.kind.cloud)

    def choose(self, entities: Iterable[StarmapEntity]) -> StarmapEntity | None:
        """The first of these that it is for."""
        fitting = (each for each in entities if each.name == self.name and each.workflow.value == self.workflow.value)
        return next((each for each in fitting if each.cloud.value == self.cloud.value), None)

    def __str__(self) -> str:
        """``rhel-ec2 (community, aws)``."""
        return f"{self.name} ({self.workflow.value}, {self.cloud.value})"


@dataclass(frozen=True, slots=True)
class MappedDestination:
    """A destination with all that is said of it.

    Attributes:
        account: the alias.
        index: where it stands among all of the item, from 0; it orders the results.
        mapping: of the account.
        destination: itself.
        meta: what counts: that of the entity, then of the mapping, then of the destination.
    """

    account: str
    index: int
    mapping: StarmapMapping
    destination: StarmapDestination
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Mapped:
    """An item and where it goes; ``order`` is its place among all items of the run, from 0."""

    item: PushItem
    entity: StarmapEntity
    destinations: tuple[MappedDestination, ...]
    order: int = 0


@dataclass(frozen=True, slots=True)
class Unmapped:
    """An item that goes nowhere; the others go on, and the run fails at its end.

    Attributes:
        item: which.
        reason: why.
        order: its number in the run.
        unanswered: whether a mapping could not even be asked for.
        transient: whether that may pass by itself.
    """

    item: PushItem
    reason: str
    order: int = 0
    unanswered: bool = False
    transient: bool = False


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of all items, each kind in the order of the source."""

    mapped: tuple[Mapped, ...]
    unmapped: tuple[Unmapped, ...]


class Mappings:
    """The mappings of a run; safe for concurrent use in one event loop, and every wish is asked of the server once."""

    def __init__(self, local: Sequence[StarmapEntity] = (), server: StarmapService | None = None) -> None:
        """Look in ``local`` first, then ask ``server``; without a server nothing is ever asked (offline)."""
        self._local = tuple(local)
        self._server = server
        self._answers: dict[Wish, asyncio.Task[tuple[StarmapEntity, ...]]] = {}

    @property
    def mode(self) -> ResolutionMode:
        """As the arguments imply it."""
        if self._server is None:
            return ResolutionMode.OFFLINE
        return ResolutionMode.HYBRID if self._local else ResolutionMode.ONLINE

    async def resolve(self, items: Mapping[int, PushItem], workflow: StarmapWorkflow) -> Resolution:
        """Map the items, by their number; one without a mapping, or whose question failed, is :class:`Unmapped` with the reason."""
        found = await asyncio.gather(*(self._of_item(order, item, workflow) for order, item in items.items()))
        mapped = tuple(each for each in found if isinstance(each, Mapped))
        return Resolution(mapped, tuple(each for each in found if isinstance(each, Unmapped)))

    async def _of_item(self, order: int, item: PushItem, workflow: StarmapWorkflow) -> Mapped | Unmapped:
        wish = Wish.of(item, workflow)
        try:
            entity = wish.choose(self._local) or wish.choose(await self._asked(wish))
        except PenstockError as error:
            transient = isinstance(error, TransientError)
            return Unmapped(item, f"the mapping of {wish} could not be asked for: {error}", order, unanswered=True, transient=transient)
        if entity is None:
            where = " in --repo or --repo-file" if self._server is None else ""
            return Unmapped(item, f"there is no mapping of {wish}{where}", order)
        destinations = tuple(all_destinations(entity))
        if not destinations:
            return Unmapped(item, f"the mapping of {wish} has no destination", order)
        return Mapped(item, entity, destinations, order)

    async def _asked(self, wish: Wish) -> tuple[StarmapEntity, ...]:
        if self._server is None:
            return ()
        if wish not in self._answers:
            question = self._server.query(wish.name, version=wish.version, workflow=wish.workflow, cloud=wish.cloud)
            self._answers[wish] = asyncio.ensure_future(question)
        return await asyncio.shield(self._answers[wish])


def all_destinations(entity: StarmapEntity) -> Iterable[MappedDestination]:
    """The destinations of an entity, in the order of the document, with what is said of them."""
    index = 0
    for account, mapping in entity.mappings.items():
        for destination in mapping.destinations:
            yield MappedDestination(account, index, mapping, destination, effective_meta(entity, mapping, destination))
            index += 1
