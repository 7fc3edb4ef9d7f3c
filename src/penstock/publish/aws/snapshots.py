"""Which snapshots the images of a run are made of: equal content in an equal place is one.

An image that is there has a snapshot already, and what is registered beside it is made of the same one.  Images that another tool made of
equal content may have a snapshot each; those keep theirs.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from penstock.model.digest import Digest
from penstock.model.push.aws import FoundSnapshot, Place, content_of, import_description
from penstock.model.push.content import ImageContent
from penstock.model.push.journal import ExternalId
from penstock.publish.aws.observing import Observed, ObservedRegion
from penstock.publish.aws.reuse import Judged, WantedSnapshot, judge_snapshot
from penstock.publish.aws.tags import BILLING_TAG, BUILD_TAGS, NAME_TAG
from penstock.publish.aws.target import ImageTarget
from penstock.publish.plan import Verdict

_FIRST_COME = frozenset({*BUILD_TAGS, BILLING_TAG, NAME_TAG})
"""Tags of a snapshot that stay as they are: one snapshot may serve several builds, names and types."""


@dataclass(frozen=True, slots=True)
class PlacedTarget:
    """A target that nothing stands in the way of.

    Attributes:
        target: itself.
        content: of its file.
        image: what becomes of its image.
        image_tags: those that the image has, where it is there.
        variant: its billing type where each type has a snapshot of its own, else ``""``.
    """

    target: ImageTarget
    content: ImageContent
    image: Judged
    image_tags: Mapping[str, str] = field(default_factory=dict)
    variant: str = ""

    @property
    def is_there(self) -> bool:
        """Whether its image is."""
        return self.image.verdict is Verdict.REUSE


@dataclass(frozen=True, slots=True)
class SnapshotUnit:
    """A snapshot that is, or is to be, and the targets that it serves.

    Attributes:
        members: in the order of results; equal in place, content and variant.
        judged: what becomes of it.
        found: what was seen of it, None where nothing was.
    """

    members: tuple[PlacedTarget, ...]
    judged: Judged
    found: FoundSnapshot | None = None

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.members[0].target.place

    @property
    def content(self) -> Digest:
        """Of the disk."""
        return self.members[0].content.digest

    @property
    def variant(self) -> str:
        """See :attr:`PlacedTarget.variant`."""
        return self.members[0].variant

    @property
    def name(self) -> str:
        """That of the first image that is made of it."""
        return self.members[0].target.image_name

    @property
    def is_there(self) -> bool:
        """Whether it can be used as it is."""
        return self.judged.verdict is Verdict.REUSE

    def tags(self) -> dict[str, str]:
        """All that it should have: of all targets; where they differ the first one's."""
        shared = len({each.target.type for each in self.members}) > 1
        wanted: dict[str, str] = {}
        for member in reversed(self.members):
            wanted |= member.target.tags.of_snapshot(self.content, self.name, shared=shared)
        return wanted

    def tags_to_set(self) -> dict[str, str]:
        """What is still to be put on it; nothing where nothing of it was seen though it is there.

        Of a snapshot that is there, what it says of build, name and type stays.  One that tells its content and its build was tagged whole
        once, and is given none of these any more: its type may be missing because it serves two.
        """
        wanted = self.tags()
        if not self.is_there:
            return wanted
        if self.found is None:
            return {}
        has = self.found.tags
        whole = content_of(has) == self.content and not has.keys().isdisjoint(BUILD_TAGS)
        left = {key: value for key, value in wanted.items() if key not in _FIRST_COME or not (whole or key in has)}
        return left if any(has.get(key) != value for key, value in left.items()) else {}


def snapshot_units(
    placed: Sequence[PlacedTarget], names: Mapping[tuple[Place, str], Sequence[str]], observed: Observed, *, pending: bool
) -> dict[str, SnapshotUnit]:
    """The snapshot of every target, by label; an image that is there and shows no snapshot has none.

    Args:
        placed: in the order of results.
        names: by place and content, those of all images that would be made of a snapshot, whatever stands in their way.
        observed: what stands there.
        pending: whether a snapshot that is not complete is waited for.  An import shows its snapshot at its end only: what is pending
            then was begun block by block, and may never end.
    """
    groups: dict[tuple[Place, Digest, str], list[PlacedTarget]] = defaultdict(list)
    for each in placed:
        groups[each.target.place, each.content.digest, each.variant].append(each)
    units: dict[str, SnapshotUnit] = {}
    for (place, content, _), members in groups.items():
        for unit in _units_of(members, names[place, str(content)], observed.at(place), pending=pending):
            units.update({member.target.label: unit for member in unit.members})
    return units


def _units_of(members: Sequence[PlacedTarget], names: Sequence[str], region: ObservedRegion, *, pending: bool) -> Iterable[SnapshotUnit]:
    served: dict[str, list[PlacedTarget]] = defaultdict(list)
    reasons: dict[str, Judged] = {}
    for each in members:
        if each.is_there and ExternalId.SNAPSHOT in each.image.known:
            known = each.image.known[ExternalId.SNAPSHOT]
            reason = f"{each.image.known[ExternalId.IMAGE]} is made of it"
            reasons.setdefault(known, Judged(Verdict.REUSE, reason, {ExternalId.SNAPSHOT: known}))
            served[known].append(each)
    made = [each for each in members if not each.is_there]
    if made:
        usable = (known for known in served if known in region.snapshots and region.snapshots[known].state == "completed")
        standing = next(usable, None)
        judged = reasons[standing] if standing else _judged(made, names, region, pending=pending)
        known = judged.known.get(ExternalId.SNAPSHOT, "")
        reasons.setdefault(known, judged)
        served[known] += made
    for known, serving in served.items():
        ordered = tuple(sorted(serving, key=lambda each: (each.target.order, each.target.label)))
        yield SnapshotUnit(ordered, reasons[known], region.snapshots.get(known))


def _judged(made: Sequence[PlacedTarget], names: Sequence[str], region: ObservedRegion, *, pending: bool) -> Judged:
    first = made[0]
    content = first.content.digest
    wanted = WantedSnapshot(content, first.content.size_gib, first.target.tags.build, names, first.variant)
    found = [each for each in region.snapshots.values() if pending or each.state != "pending"]
    descriptions = {import_description(name, content) for name in names}
    return judge_snapshot(wanted, found, [each for each in region.imports if each.description in descriptions])
