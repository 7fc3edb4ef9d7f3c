"""What a bump of the stream made stale: images that were as they should be, and by the new stream are not any more."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from penstock.model.stream import Stream
from penstock.streams.drift.observing import marketplace_of
from penstock.streams.drift.statuses import DriftFinding, DriftStatus, Observation, Verdict
from penstock.streams.merging import merge_marketplace
from penstock.streams.populate.entries import Place


@dataclass(frozen=True, slots=True)
class Stale:
    """An image that a bump left behind.

    Attributes:
        before: the observation against the old stream.
        now: the finding against the new one.
    """

    before: Observation
    now: DriftFinding


def with_marketplace_of(old: Stream, new: Stream) -> Stream:
    """The old stream with the images of today: what they would be judged by, had nothing been bumped."""
    return merge_marketplace(old, marketplace_of(new)).stream


def made_stale(before: Iterable[DriftFinding], now: Iterable[DriftFinding]) -> tuple[Stale, ...]:
    """The marketplace images that were exact and are not now, or did not fail and do now.

    Publishers are told of the first kind at once, also where a threshold gives them time.  Images of the stream itself are left out, they
    are bumped with it; so are holes, which no bump made.
    """
    earlier = {finding.seen.key: finding for finding in before}
    found = []
    for finding in now:
        was = earlier.get(finding.seen.key)
        if was is None or finding.seen.slot.place is not Place.MARKETPLACE or finding.seen.status is DriftStatus.MISSING:
            continue
        left_exact = was.seen.status is DriftStatus.EXACT and finding.seen.status is not DriftStatus.EXACT
        began_to_fail = was.verdict is not Verdict.FAILING and finding.verdict is Verdict.FAILING
        if left_exact or began_to_fail:
            found.append(Stale(was.seen, finding))
    return tuple(found)


def by_publisher(stale: Iterable[Stale]) -> Mapping[str, tuple[Stale, ...]]:
    """Grouped by who is to act, in the order of the report; publishers compare without regard to case, as Azure does."""
    groups: dict[str, list[Stale]] = {}
    for one in stale:
        groups.setdefault(one.now.seen.publisher.casefold(), []).append(one)
    return {members[0].now.seen.publisher: tuple(members) for members in groups.values()}
