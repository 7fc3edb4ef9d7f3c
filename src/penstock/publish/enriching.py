"""What becomes of mapped items at their destinations, as far as it is the same in every workflow."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from penstock.formats.everyfault import DocumentFaults
from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.push.items import PushItem
from penstock.model.record import given
from penstock.publish.mapping import Mapped, MappedDestination
from penstock.publish.metadata import filled
from penstock.publish.targets import Enriched, FailedTarget, SkippedTarget, Target

T = TypeVar("T", bound=Target)
Order = tuple[int, int]
Make = Callable[[Mapped, MappedDestination, PushItem], T]
"""The target of an item, filled with the meta, at a destination; raises ``InputError`` where it cannot be one."""


def enrich_each(
    mapped: Sequence[Mapped], make: Make[T], clashes: Callable[[Sequence[T]], Mapping[Order, str]], called: Callable[[T], str]
) -> Enriched[T]:
    """The targets of all mapped items, each destination by itself, in the order of the source and the mapping.

    A destination for another architecture is skipped; the meta is filled in (:func:`penstock.publish.metadata.filled`); what is wrong with
    one destination is a ``FailedTarget``.

    Args:
        mapped: of one workflow.
        make: the rest of it.
        clashes: why targets cannot be beside each other, by their order.
        called: the destination of a target, as results name it.
    """
    targets: list[T] = []
    skipped: list[SkippedTarget] = []
    failed: list[FailedTarget] = []
    for one in mapped:
        for where in one.destinations:
            text, order = where.destination.destination, (one.order, where.index)
            item = replace(one.item, dest=(text,))
            reason = meant_for_others(item, where)
            if reason:
                skipped.append(SkippedTarget(item, where.account, text, reason, order))
                continue
            try:
                item = filled(item, where.meta, subject=f"the meta of {where.account} {text}")
                targets.append(make(one, where, item))
            except InputError as error:
                failed.append(FailedTarget(item, order, where.account, text, told(error)))
    return settled(targets, skipped, failed, clashes=clashes(targets), called=called)


def settled(
    targets: Sequence[T],
    skipped: Iterable[SkippedTarget],
    failed: Iterable[FailedTarget],
    *,
    clashes: Mapping[Order, str],
    called: Callable[[T], str],
) -> Enriched[T]:
    """All of them in their order: targets with unique labels, those that clash among the failed ones; for ``called`` see above."""
    late = (FailedTarget(one.item, one.order, one.account, called(one), clashes[one.order]) for one in targets if one.order in clashes)
    good = _labelled(each for each in targets if each.order not in clashes)
    return Enriched(tuple(good), tuple(skipped), tuple(sorted([*failed, *late], key=lambda each: each.order)))


def meant_for_others(item: PushItem, where: MappedDestination) -> str:
    """Why a destination is not for the architecture of an item, or ``""``."""
    wanted, arch = given(where.destination.architecture), item.release.arch
    return f"it is for {wanted}, and the image is of {arch}" if wanted and not _same_arch(wanted, arch) else ""


def told(error: BaseException | None) -> str:
    """An error in one line; of a document all that is wrong in it."""
    return "; ".join(each.message for each in error.faults) if isinstance(error, DocumentFaults) else str(error)


def _same_arch(one: str, other: str) -> bool:
    try:
        return Arch.parse(one) is Arch.parse(other)
    except InputError:
        return one == other


def _labelled(targets: Iterable[T]) -> Iterable[T]:
    """With a number behind the second and every further label of the same text."""
    seen: dict[str, int] = defaultdict(int)
    for target in targets:
        seen[target.label] += 1
        number = seen[target.label]
        yield target if number == 1 else replace(cast("Any", target), label=f"{target.label} #{number}")
