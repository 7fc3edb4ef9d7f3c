"""The steps of an image on AWS, from the file to who may use it; pure, and the same for every workflow that makes AMIs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.model.push.aws import Place, Sharing
from penstock.model.push.content import ImageContent
from penstock.model.push.journal import ExternalId
from penstock.publish.actions import Phase
from penstock.publish.aws.actions import RegisterImage, ShareImage, ShareSnapshot, TagImage, TagSnapshot
from penstock.publish.aws.material import Material, PlanRules, not_skipped
from penstock.publish.aws.observing import Observed
from penstock.publish.aws.reuse import Conflict, Judged, WantedImage, judge_image, tags_agree
from penstock.publish.aws.snapshots import PlacedTarget, SnapshotUnit, snapshot_units
from penstock.publish.aws.tags import BILLING_TAG
from penstock.publish.aws.target import ImageTarget
from penstock.publish.plan import PlanBuilder, StepId, Verdict


@dataclass(frozen=True, slots=True)
class ImageSteps:
    """The steps of one image.

    Attributes:
        register: that has or makes it.
        before: those that must have ended well before anybody else is told of it.
    """

    register: StepId
    before: tuple[StepId, ...]


class ImagePlanner:
    """Adds the steps of images to a plan; for one plan, in one thread.

    For one target (verdicts of :mod:`penstock.publish.aws.reuse`)::

        PrepareFile ─> UploadObject ─> ImportSnapshot ─> TagSnapshot ─> RegisterImage ─> TagImage ─> ShareImage
        CreateBucket ─┘                                └─> ShareSnapshot

    * An image that is there needs no step before it: its ``RegisterImage`` is a reuse with ``IMAGE`` and ``SNAPSHOT`` known; tagging is
      planned only where a tag is missing, or else; sharing always (verdict *ensure*), the snapshot too.
    * A snapshot that is there needs no object; an object that is there needs no bucket and no file.
    * ``name`` of a snapshot is the image name of the first target (in the order of results) that is made of it; equal content in equal
      place is one snapshot unless ``snapshot_per_type``.  ``ShareSnapshot`` unites the accounts of all targets that it serves.
    * ``PrepareFile`` once for each content, whatever the number of regions.  Two files of equal content are one content.
    * Two contents that would have one key in one bucket: the first gets it, the other its own.
    * The id of an upload of earlier runs (``observed.journal``) is given to a step of the same id as *resume*, if the cloud still knows it;
      imports are found by what the cloud says alone.
    """

    def __init__(
        self,
        builder: PlanBuilder,
        targets: Sequence[ImageTarget],
        contents: Mapping[str, ImageContent],
        sharing: Mapping[str, Sharing],
        *,
        observed: Observed,
        rules: PlanRules,
    ) -> None:
        """Judge everything; nothing is added yet.

        Args:
            builder: of the plan.
            targets: in the order of the results.
            contents: by ``item.src``.
            sharing: by the label of the target: what mapping and credentials say.
            observed: see there.
            rules: see there.
        """
        self._builder = builder
        self._sharing = sharing
        self._rules = rules
        self._images = _judged_images(targets, contents, observed)
        placed = [
            _placed(each, contents[each.item.src], image, observed, rules)
            for each in targets
            if isinstance(image := self._images[each.label], Judged)
        ]
        names: dict[tuple[Place, str], dict[str, None]] = defaultdict(dict)
        for target in targets:
            names[target.place, str(contents[target.item.src].digest)][target.image_name] = None
        pending = rules.ebs_direct or rules.replicate_copy
        self._units = snapshot_units(placed, {key: tuple(found) for key, found in names.items()}, observed, pending=pending)
        self._material = Material(builder, placed, self._units, observed, rules)
        self._placed = {each.target.label: each for each in placed}

    def judged(self, label: str) -> Judged | Conflict:
        """What becomes of the image of a target."""
        return self._images[label]

    def of(self, label: str) -> ImageSteps:
        """The steps of the image of a target that is no conflict; they are added.

        Raises:
            Barred: what it needs is not there, and may not be made.
        """
        placed = self._placed[label]
        unit = self._units.get(label)
        tagged, shared = self._of_snapshot(unit) if unit else ([], [])
        register = self._register(placed, unit, tagged)
        image = self._tagged_and_shared(placed, register)
        return ImageSteps(register, (*(tagged if placed.is_there else ()), *shared, *image))

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


def _judged_images(
    ordered: Sequence[ImageTarget], contents: Mapping[str, ImageContent], observed: Observed
) -> dict[str, Judged | Conflict]:
    """What becomes of every image, by label.

    An image of the same build under another name is no conflict where this run wants that one as well, nor where it has a billing type and
    images are not told apart so: a seller's account may have community images of the same build.
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
        tagged = [
            each
            for each in others
            if tags_agree(search, each.tags, tuple(search)) and (BILLING_TAG in search or BILLING_TAG not in each.tags)
        ]
        wanted = WantedImage(target.registration, contents[target.item.src].digest, search)
        judged[target.label] = judge_image(wanted, named, tagged, region.snapshots)
    return judged


def _placed(target: ImageTarget, content: ImageContent, image: Judged, observed: Observed, rules: PlanRules) -> PlacedTarget:
    known = image.known.get(ExternalId.IMAGE)
    tags = next((each.tags for each in observed.at(target.place).images if each.id == known), {})
    variant = target.type.value if rules.snapshot_per_type and target.type else ""
    return PlacedTarget(target, content, image, tags, variant)


def _count(things: Sequence[str], noun: str) -> str:
    return f"{len(things)} {noun}" + ("" if len(things) == 1 else "s")
