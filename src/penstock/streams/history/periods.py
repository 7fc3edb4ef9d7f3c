"""From states, one after the other, to periods: from when until when a slot carried an image.

Releases go backwards sometimes, by reverts; nothing here compares versions, and an image that comes back begins a new period.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from penstock.streams.history.slots import Carried, HistorySlot, Slots


@dataclass(frozen=True, slots=True)
class Moment:
    """A state of the document.

    Attributes:
        id: the commit, or in the ledger the digest of the document.
        at_s: when, in seconds since the epoch; None where that is not known.
    """

    id: str
    at_s: int | None


@dataclass(frozen=True, slots=True)
class Period:
    """A slot carried an image.

    Attributes:
        slot: which.
        carried: what.
        since: the first state that has it.
        until: the first state that no longer has it, or None where the last one does.
    """

    slot: HistorySlot
    carried: Carried
    since: Moment
    until: Moment | None = None


@dataclass(slots=True)
class PeriodBuilder:
    """Takes the states, oldest first."""

    _open: dict[HistorySlot, tuple[Carried, Moment]] = field(default_factory=dict)
    _closed: list[Period] = field(default_factory=list)

    def add(self, moment: Moment, slots: Slots) -> None:
        """A state; ``slots`` is empty where the document was taken away."""
        for slot, (carried, since) in list(self._open.items()):
            now = slots.get(slot)
            if now is None or now.identity != carried.identity:
                self._closed.append(Period(slot, carried, since, moment))
                del self._open[slot]
        for slot, carried in slots.items():
            self._open.setdefault(slot, (carried, moment))

    def periods(self) -> tuple[Period, ...]:
        """All periods: by slot, oldest first."""
        running = [Period(slot, carried, since) for slot, (carried, since) in self._open.items()]
        # Sorting is stable: those of one slot stay in the order in which they ended.
        return tuple(sorted([*self._closed, *running], key=lambda period: period.slot))


@dataclass(frozen=True, slots=True)
class Question:
    """Which periods are asked for; an empty part of it means all.

    Attributes:
        image: a name, digest or release; see :meth:`~penstock.streams.history.slots.Carried.answers_to`.
        arches: for example ``x86_64``.
        platforms: platforms and clouds.
        plans: of marketplaces.
    """

    image: str = ""
    arches: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()

    def matching(self, periods: Iterable[Period]) -> tuple[Period, ...]:
        """Those that are asked for, in their order."""
        return tuple(period for period in periods if self._asks_for(period))

    def _asks_for(self, period: Period) -> bool:
        slot = period.slot
        return (
            (not self.arches or slot.arch in self.arches)
            and (not self.platforms or slot.platform in self.platforms)
            and (not self.plans or slot.plan in self.plans)
            and (not self.image or period.carried.answers_to(self.image))
        )
