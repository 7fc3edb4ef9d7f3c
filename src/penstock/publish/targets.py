"""Items at their destinations, before any cloud was asked; every workflow has a class of its own for them."""

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from penstock.model.push.items import PushItem


class Target(Protocol):
    """An enriched item at a destination.

    Attributes:
        label: tells it from all others of the run, whatever their workflow; for people, and as a key.
        order: (of the item in the source, of the destination in the mapping): results are listed so.
        item: enriched: what results print, with ``dest`` of one destination.
        source: the item as the source listed it: results of failures print its name.
        account: the alias.
        warnings: what is strange about it, and is passed over.
    """

    @property
    def label(self) -> str: ...  # noqa: D102  # see above
    @property
    def order(self) -> tuple[int, int]: ...  # noqa: D102
    @property
    def item(self) -> PushItem: ...  # noqa: D102
    @property
    def source(self) -> PushItem: ...  # noqa: D102
    @property
    def account(self) -> str: ...  # noqa: D102
    @property
    def warnings(self) -> tuple[str, ...]: ...  # noqa: D102


T = TypeVar("T", bound=Target)
T_co = TypeVar("T_co", bound=Target, covariant=True)


@dataclass(frozen=True, slots=True)
class SkippedTarget:
    """A destination that gets nothing, by rule: told, and fails nothing; ``order`` as of :class:`Target`, where it is known."""

    item: PushItem
    account: str
    destination: str
    reason: str
    order: tuple[int, int] = (-1, 0)


@dataclass(frozen=True, slots=True)
class FailedTarget:
    """A destination of which something is wrong already; the others go on, unless ``fatal``.

    Attributes:
        item: as the source listed it, with as much of the mapping as could be read; ``dest`` is set.
        order: as of :class:`Target`.
        account: the alias.
        destination: as it was written.
        reason: what is wrong.
        fatal: whether upstream's contract is that nothing at all is pushed (no billing codes).
    """

    item: PushItem
    order: tuple[int, int]
    account: str
    destination: str
    reason: str
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Enriched(Generic[T_co]):
    """All destinations of a workflow."""

    targets: tuple[T_co, ...]
    skipped: tuple[SkippedTarget, ...] = ()
    failed: tuple[FailedTarget, ...] = ()

    def document(self) -> dict[str, Any]:
        """Plain data, for ``--dry-run -o json``."""
        return {
            "targets": [each.label for each in self.targets],
            "skipped": [{"account": each.account, "destination": each.destination, "reason": each.reason} for each in self.skipped],
            "failed": [{"account": each.account, "destination": each.destination, "reason": each.reason} for each in self.failed],
        }
