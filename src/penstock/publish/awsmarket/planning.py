"""From targets, contents and what was observed to the plan; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from penstock.model.digest import Digest
from penstock.model.push.aws import Sharing
from penstock.model.push.awsmarket import PUBLIC
from penstock.model.push.content import ImageContent
from penstock.model.push.journal import ExternalId
from penstock.publish.actions import Phase
from penstock.publish.aws.actions import CopyImage, ShareImage
from penstock.publish.aws.copies import CopyPlanner
from penstock.publish.aws.images import ImagePlanner, ImageSteps
from penstock.publish.aws.material import Barred, PlanRules
from penstock.publish.aws.observing import Observed
from penstock.publish.aws.reuse import Conflict, Judged
from penstock.publish.awsmarket.actions import (
    RELEASE_DATE_TAG,
    DateRelease,
    MarkImage,
    PublishVersion,
    RemoveImage,
    RestrictVersions,
)
from penstock.publish.awsmarket.courses import Courses, courses_of, images_in_use
from penstock.publish.awsmarket.judging import judge_version
from penstock.publish.awsmarket.observing import ObservedMarket
from penstock.publish.awsmarket.target import AwsMarketTarget
from penstock.publish.plan import Plan, PlanBuilder, StepId, Verdict, step_id


def plan_market(
    targets: Sequence[AwsMarketTarget],
    contents: Mapping[str, ImageContent],
    sharing: Mapping[str, Sharing],
    *,
    observed: Observed,
    market: ObservedMarket,
    rules: PlanRules,
) -> Plan:
    """The plan of a push to AWS Marketplace.

    For one target (:class:`~penstock.publish.aws.images.ImagePlanner` tells of the steps of an image that is made of a file)::

        RegisterImage | CopyImage ─> TagImage ─> ShareImage ─> PublishVersion ─> DateRelease
                                                                     └─> MarkImage … ─> RestrictVersions ─> RemoveImage …

    * A product has one change set at a time: its steps come one ``after`` the other, and one that fails bars no other target.
    * What is restricted is decided here, with the versions that this run brings, and no version that it brings is among it; who added
      a version meanwhile keeps it.  An old image is removed unless a version of a product of this run is still made of it.
    * A version that is there with this image is a reuse, and with another one a conflict, before anything is uploaded.
    * Marked images of earlier runs whose version is restricted are removed too.

    Args:
        targets: without those that something is wrong with.
        contents: by ``item.src``.
        sharing: by the label of the target.
        observed: of images and what they are made of.
        market: of the rest.
        rules: see there; ``pre_push`` ends with the sharing.
    """
    ordered = sorted(targets, key=lambda each: (each.order, each.label))
    builder = PlanBuilder()
    files = [each for each in ordered if not each.source.source_image]
    images = ImagePlanner(builder, files, contents, sharing, observed=observed, rules=rules)
    copies = CopyPlanner(builder, ordered, sharing, observed=observed, sources=market.sources, rules=rules)
    judging = _Judging(images, copies, contents, observed, market, rules)
    for target in ordered:
        judging.judge(target)
    products = {key: found.product for key, found in market.products.items() if found.product is not None}
    courses = courses_of(ordered, judging.versions, products, restrict=Phase.RESTRICT not in rules.skip)
    steps = _Steps(builder, images, sharing, judging=judging, courses=courses)
    for target in ordered:
        steps.add(target)
    steps.clean_up()
    for target in ordered:
        if target.label in judging.conflicts:
            builder.conflict(target.label, judging.conflicts[target.label])
        else:
            builder.target(target.label, steps.ends[target.label])
    return builder.plan()


def publishing(target: AwsMarketTarget, content: Digest | None) -> PublishVersion:
    """What is done to have the version of a target; not of one of a ``--pre-push``, which has no details.

    Args:
        target: see there.
        content: of its file, None where an image is copied.
    """
    if target.details is None:
        raise ValueError(f"{target.label} is not published")
    return PublishVersion(
        account=target.account,
        product=target.product,
        product_type=target.product_type,
        details=target.details,
        content=content,
        source_image=target.source.source_image or "",
        overwrite=target.overwrite,
        validate_only=target.keep_draft,
    )


@dataclass(slots=True)
class _Judging:
    """What becomes of images and versions, by the labels of the targets."""

    planner: ImagePlanner
    copies: CopyPlanner
    contents: Mapping[str, ImageContent]
    observed: Observed
    market: ObservedMarket
    rules: PlanRules
    images: dict[str, Judged] = field(default_factory=dict)
    versions: dict[str, Judged] = field(default_factory=dict)
    conflicts: dict[str, str] = field(default_factory=dict)

    def judge(self, target: AwsMarketTarget) -> None:
        """Both; the version only where something is published."""
        image = self._image(target)
        if isinstance(image, Conflict):
            self.conflicts[target.label] = image.reason
            return
        self.images[target.label] = image
        if target.details is None or Phase.PUBLISH in self.rules.skip:
            return
        action = self.publishing(target)
        found = self.market.of(target.account, target.product)
        version = judge_version(action, step_id(action), image.known.get(ExternalId.IMAGE, ""), found)
        if isinstance(version, Conflict):
            self.conflicts[target.label] = version.reason
        else:
            self.versions[target.label] = version

    def _image(self, target: AwsMarketTarget) -> Judged | Conflict:
        if not target.source.source_image:
            return self.planner.judged(target.label)
        if target.label not in self.market.own:
            return self.copies.judged(target)
        source = self.market.sources.images.get(target.label)
        if source is None or source.state != "available":
            return Conflict(f"{target.source.source_image} is {source.state if source else 'not to be seen'}")
        known = {ExternalId.IMAGE: source.id, **({ExternalId.SNAPSHOT: source.snapshots[0]} if source.snapshots else {})}
        return Judged(Verdict.REUSE, "it is the account's own image", known)

    def tags(self, target: AwsMarketTarget) -> Mapping[str, str]:
        """Those that the image has, where it is there."""
        source = self.market.sources.images.get(target.label) if target.label in self.market.own else None
        known = self.images[target.label].known.get(ExternalId.IMAGE)
        standing = [source] if source else self.observed.at(target.place).images
        return next((each.tags for each in standing if each.id == known), {})

    def publishing(self, target: AwsMarketTarget) -> PublishVersion:
        """See :func:`publishing`."""
        return publishing(target, None if target.source.source_image else self.contents[target.item.src].digest)


class _Steps:
    """Adds the steps of target after target."""

    def __init__(
        self,
        builder: PlanBuilder,
        images: ImagePlanner,
        sharing: Mapping[str, Sharing],
        *,
        judging: _Judging,
        courses: Courses,
    ) -> None:
        self._builder = builder
        self._images = images
        self._sharing = sharing
        self._market = judging.market
        self._rules = judging.rules
        self._judging = judging
        self._courses = courses
        self._work: dict[tuple[str, str], list[StepId]] = {}
        self._removals: dict[tuple[str, str], dict[str, tuple[AwsMarketTarget, StepId]]] = {}
        self._own = {each.known[ExternalId.IMAGE] for each in judging.images.values() if ExternalId.IMAGE in each.known}
        self.ends: dict[str, list[StepId]] = {}

    def add(self, target: AwsMarketTarget) -> None:
        """The steps of a target, but for removals; one that is barred becomes a conflict."""
        if target.label in self._judging.conflicts:
            return
        try:
            image = self._image_steps(target)
        except Barred as error:
            self._judging.conflicts[target.label] = str(error)
            return
        version = self._judging.versions.get(target.label)
        ends = [image.register, *image.before]
        self.ends[target.label] = [*ends, *(self._published(target, image, version) if version else ())]

    def clean_up(self) -> None:
        """The removals, each after everything that changes another product of the account."""
        for (account, product), removals in self._removals.items():
            after = [step for (owner, other), work in self._work.items() if owner == account and other != product for step in work]
            for image, (target, need) in removals.items():
                action = RemoveImage(target.place, product, image, self._courses.products[account])
                reason = f"no version that can be had is made of {image}"
                self.ends[target.label].append(self._builder.add(action, Verdict.ENSURE, reason, needs=[need], after=after))

    def _image_steps(self, target: AwsMarketTarget) -> ImageSteps:
        judged, source = self._judging.images[target.label], target.source.source_image
        if not source:
            return self._images.of(target.label)
        if target.label not in self._market.own:
            return self._judging.copies.of(target, judged)
        action = CopyImage(target.place, target.source_region, source, source, "", {})
        own, who = self._builder.add(action, judged.verdict, judged.reason, known=judged.known), self._sharing[target.label]
        if not (who.accounts or who.groups) or Phase.SHARE in self._rules.skip:
            return ImageSteps(own, ())
        share = ShareImage(target.place, source, who.accounts, who.groups)
        return ImageSteps(own, (self._builder.add(share, Verdict.ENSURE, "the marketplace may look at it", needs=[own]),))

    def _published(self, target: AwsMarketTarget, image: ImageSteps, version: Judged) -> list[StepId]:
        work = self._work.setdefault((target.account, target.product), [])
        action, needs = self._judging.publishing(target), [image.register, *image.before]
        publish = self._builder.add(action, version.verdict, version.reason, needs=needs, known=version.known, after=work)
        if version.verdict is not Verdict.REUSE and publish not in work:
            work.append(publish)
        if target.keep_draft:
            return [publish]
        steps = [publish]
        if version.verdict is not Verdict.REUSE or not self._has_date(target):
            date, reason = DateRelease(target.place, target.product, target.image_name), "the image does not tell when it was published"
            steps.append(self._builder.add(date, Verdict.ENSURE, reason, needs=[image.register, publish]))
        if target.restriction is not None and Phase.RESTRICT not in self._rules.skip:
            steps += self._restricted(target, publish, work)
        return steps

    def _has_date(self, target: AwsMarketTarget) -> bool:
        """The date of the first publication stays; upstream's is that of the last push."""
        return RELEASE_DATE_TAG in self._judging.tags(target)

    def _restricted(self, target: AwsMarketTarget, publish: StepId, work: list[StepId]) -> list[StepId]:
        place, key = target.place, (target.account, target.product)
        removals = self._removals.setdefault(key, {})
        product = self._market.of(*key).product
        standing = images_in_use([product.versions]) if product else set()
        for image in self._market.left.get((place, target.product), ()):
            if image not in standing and self._may_go(target.account, image):
                removals.setdefault(image, (target, publish))
        gone = self._courses.gone[target.label]
        if not gone or target.restriction is None:
            return []
        images = [each for each in dict.fromkeys(image for one in gone for image in one.images) if self._may_go(target.account, each)]
        marks = [
            self._builder.add(
                MarkImage(place, target.product, each), Verdict.ENSURE, f"{each} is to go, as a later run shall know", needs=[publish]
            )
            for each in images
        ]
        action = RestrictVersions(
            account=target.account,
            product=target.product,
            product_type=target.product_type,
            titles=tuple(each.title for each in gone),
            options=tuple(option.id for each in gone for option in each.options if option.visibility == PUBLIC),
            rule=target.restriction,
            keep=tuple(sorted(self._courses.keep[key])),
        )
        reason = f"newer versions take the place of {', '.join(action.titles)}"
        restrict = self._builder.add(action, Verdict.CREATE, reason, needs=[publish, *marks], after=work)
        work.append(restrict)
        removals |= dict.fromkeys(images, (target, restrict))
        return [restrict]

    def _may_go(self, account: str, image: str) -> bool:
        return image not in self._own and image not in self._courses.used.get(account, ())
