"""From targets, contents and what was observed to the plan; pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from penstock.model.push.aws import Place, Sharing
from penstock.model.push.content import ImageContent
from penstock.model.push.journal import ExternalId
from penstock.publish.actions import (
    MakePublic,
    Phase,
    RegisterImage,
    RhsmRegion,
    RhsmRegistration,
    ShareImage,
    ShareSnapshot,
    TagImage,
    TagSnapshot,
)
from penstock.publish.community.material import Barred, Material, PlanRules, not_skipped
from penstock.publish.community.observing import Observed
from penstock.publish.community.reuse import Conflict, Judged, WantedImage, judge_image, tags_agree
from penstock.publish.community.snapshots import PlacedTarget, SnapshotUnit, snapshot_units
from penstock.publish.community.tags import BILLING_TAG, BUILD_TAGS
from penstock.publish.community.target import CommunityTarget
from penstock.publish.plan import Plan, PlanBuilder, StepId, Verdict

__all__ = ["PlanRules", "plan_community"]


def plan_community(
    targets: Sequence[CommunityTarget],
    contents: Mapping[str, ImageContent],
    sharing: Mapping[str, Sharing],
    observed: Observed,
    rules: PlanRules,
) -> Plan:
    """The plan of a community push.

    For one target (verdicts of :mod:`penstock.publish.community.reuse`)::

        PrepareFile ─> UploadObject ─> ImportSnapshot ─> TagSnapshot ─> RegisterImage ─> TagImage ─> ShareImage ─> Rhsm… ─> MakePublic
        CreateBucket ─┘                                └─> ShareSnapshot ────────────────────────────┘             RhsmRegion ─┘

    * An image that is there needs no step before it: its ``RegisterImage`` is a reuse with ``IMAGE`` and ``SNAPSHOT`` known; tagging is
      planned only where a tag is missing, or else; sharing, RHSM and public always (verdict *ensure*), the snapshot too.
    * A snapshot that is there needs no object; an object that is there needs no bucket and no file.
    * ``name`` of a snapshot is the image name of the first target (in the order of results) that is made of it; equal content in equal
      place is one snapshot unless ``snapshot_per_type``.  ``ShareSnapshot`` unites the accounts of all targets that it serves.
    * ``PrepareFile`` once for each content, whatever the number of regions.  Two files of equal content are one content.
    * Two contents that would have one key in one bucket: the first gets it, the other its own.
    * The id of an upload of earlier runs (``observed.journal``) is given to a step of the same id as *resume*, if the cloud still knows it;
      imports are found by what the cloud says alone.
    * A conflict, or an ``error`` of the region, is ``PlanBuilder.conflict`` of that target alone.
    * Steps come in the order of the results; the plan depends on nothing but the arguments, and not on the order of ``targets``.

    Args:
        targets: with the content and the sharing of each.
        contents: by ``item.src``.
        sharing: by the label of the target: what mapping and credentials say.
        observed: see there.
        rules: see there.
    """
    ordered = sorted(targets, key=lambda each: (each.order, each.label))
    images = _judged_images(ordered, contents, observed)
    placed = [
        _placed(each, contents[each.item.src], image, observed, rules)
        for each in ordered
        if isinstance(image := images[each.label], Judged)
    ]
    names: dict[tuple[Place, str], dict[str, None]] = defaultdict(dict)
    for target in ordered:
        names[target.place, str(contents[target.item.src].digest)][target.image_name] = None
    units = snapshot_units(
        placed, {key: tuple(found) for key, found in names.items()}, observed, pending=rules.ebs_direct or rules.replicate_copy
    )
    builder = PlanBuilder()
    material = Material(builder, placed, units, observed, rules)
    releases = _Releases(builder, material, units, sharing, rules)
    by_label = {each.target.label: each for each in placed}
    for target in ordered:
        judged = images[target.label]
        if isinstance(judged, Conflict):
            builder.conflict(target.label, judged.reason)
            continue
        try:
            last = releases.of(by_label[target.label])
        except Barred as error:
            builder.conflict(target.label, str(error))
        else:
            builder.target(target.label, last)
    return builder.plan()


def _judged_images(
    ordered: Sequence[CommunityTarget], contents: Mapping[str, ImageContent], observed: Observed
) -> dict[str, Judged | Conflict]:
    """What becomes of every image, by label.

    An image of the same build under another name is no conflict where this run wants that one as well.
    """
    wanted_names: dict[Place, set[str]] = defaultdict(set)
    for target in ordered:
        wanted_names[target.place].add(target.image_name)
    judged: dict[str, Judged | Conflict] = {}
    for target in ordered:
        region, search = observed.at(target.place), target.tags.for_search
        if region.error:
            judged[target.label] = Conflict(region.error)
            continue
        named = [each for each in region.images if each.name == target.image_name]
        others = (each for each in region.images if each.name not in wanted_names[target.place])
        tagged = [each for each in others if tags_agree(search, each.tags, (*BUILD_TAGS, BILLING_TAG))]
        wanted = WantedImage(target.registration, contents[target.item.src].digest, search)
        judged[target.label] = judge_image(wanted, named, tagged, region.snapshots)
    return judged


def _placed(target: CommunityTarget, content: ImageContent, image: Judged, observed: Observed, rules: PlanRules) -> PlacedTarget:
    known = image.known.get(ExternalId.IMAGE)
    tags = next((each.tags for each in observed.at(target.place).images if each.id == known), {})
    return PlacedTarget(target, content, image, tags, target.type.value if rules.snapshot_per_type else "")


class _Releases:
    """The steps from a snapshot on, of one target after the other."""

    def __init__(
        self,
        builder: PlanBuilder,
        material: Material,
        units: Mapping[str, SnapshotUnit],
        sharing: Mapping[str, Sharing],
        rules: PlanRules,
    ) -> None:
        self._builder = builder
        self._material = material
        self._units = units
        self._sharing = sharing
        self._rules = rules

    def of(self, placed: PlacedTarget) -> list[StepId]:
        """The steps of a target that nothing of it comes after.

        Raises:
            Barred: see there.
        """
        unit = self._units.get(placed.target.label)
        tagged, shared = self._of_snapshot(unit) if unit else ([], [])
        register = self._register(placed, unit, tagged)
        image = self._tagged_and_shared(placed, register)
        before = [*(tagged if placed.is_there else ()), *shared, *image]
        return [register, *before, *self._released(placed, register, before)]

    def _of_snapshot(self, unit: SnapshotUnit) -> tuple[list[StepId], list[StepId]]:
        """Its tagging and its sharing, as far as there is any."""
        tags = unit.tags_to_set() if Phase.IMPORT not in self._rules.skip else {}
        tagged: list[StepId] = []
        if tags:
            action = TagSnapshot(unit.place, unit.content, unit.name, tags)
            reason = "its tags are missing or different" if unit.is_there else "a new snapshot has no tags"
            tagged.append(self._builder.add(action, Verdict.ENSURE, reason, needs=[self._material.snapshot(unit)]))
        accounts = tuple(dict.fromkeys(each for one in unit.members for each in self._sharing[one.target.label].snapshot_accounts))
        if not accounts or Phase.SHARE in self._rules.skip:
            return tagged, []
        share = ShareSnapshot(unit.place, unit.content, unit.name, accounts)
        needs = [self._material.snapshot(unit), *tagged]
        return tagged, [self._builder.add(share, Verdict.ENSURE, f"for {_count(accounts, 'account')}", needs=needs)]

    def _register(self, placed: PlacedTarget, unit: SnapshotUnit | None, tagged: Sequence[StepId]) -> StepId:
        target, judged = placed.target, placed.image
        tags = target.tags.of_image(placed.content.digest)
        action = RegisterImage(target.place, placed.content.digest, target.registration, tags)
        if placed.is_there or unit is None:
            return self._builder.add(action, judged.verdict, judged.reason, known=judged.known)
        not_skipped(Phase.REGISTER, self._rules, judged.reason)
        return self._builder.add(action, judged.verdict, judged.reason, needs=[self._material.snapshot(unit), *tagged])

    def _tagged_and_shared(self, placed: PlacedTarget, register: StepId) -> list[StepId]:
        target, steps = placed.target, list[StepId]()
        wanted = target.tags.of_image(placed.content.digest)
        missing = [key for key, value in wanted.items() if placed.image_tags.get(key) != value]
        if missing and Phase.REGISTER not in self._rules.skip:
            reason = f"{', '.join(missing)} missing or different" if placed.is_there else "a registration may lose its tags"
            steps.append(self._builder.add(TagImage(target.place, target.image_name, wanted), Verdict.ENSURE, reason, needs=[register]))
        who = self._sharing[target.label]
        if (who.accounts or who.groups) and Phase.SHARE not in self._rules.skip:
            share = ShareImage(target.place, target.image_name, who.accounts, who.groups)
            reason = f"for {_count(who.accounts, 'account')} and {_count(who.groups, 'group')}"
            steps.append(self._builder.add(share, Verdict.ENSURE, reason, needs=[register, *steps]))
        return steps

    def _released(self, placed: PlacedTarget, register: StepId, before: Sequence[StepId]) -> list[StepId]:
        """What lets others see the image, after everything else."""
        if self._rules.pre_push:
            return []
        target, steps = placed.target, list[StepId]()
        if Phase.RHSM not in self._rules.skip:
            region = self._builder.add(
                RhsmRegion(target.provider, target.destination.region), Verdict.ENSURE, "images are entered by region"
            )
            action = RhsmRegistration(
                place=target.place,
                provider=target.provider,
                product=target.rhsm_product.name,
                arch=target.registration.arch,
                version=target.item.release.version,
                variant=target.item.release.variant,
                name=target.image_name,
            )
            steps.append(self._builder.add(action, Verdict.ENSURE, "subscriptions shall know it", needs=[register, *before, region]))
        if target.public and Phase.PUBLIC not in self._rules.skip:
            public = MakePublic(target.place, target.image_name)
            steps.append(self._builder.add(public, Verdict.ENSURE, "everybody may use it", needs=[register, *before, *steps]))
        return steps


def _count(things: Sequence[str], noun: str) -> str:
    return f"{len(things)} {noun}" + ("" if len(things) == 1 else "s")
