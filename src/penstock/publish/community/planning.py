"""From targets, contents and what was observed to the plan; pure."""

from collections.abc import Mapping, Sequence

from penstock.model.push.aws import Sharing
from penstock.model.push.content import ImageContent
from penstock.publish.actions import Phase
from penstock.publish.aws.actions import MakePublic, RhsmRegion, RhsmRegistration
from penstock.publish.aws.copies import CopyPlanner, ObservedSources
from penstock.publish.aws.images import ImagePlanner, ImageSteps
from penstock.publish.aws.material import Barred, PlanRules
from penstock.publish.aws.observing import Observed
from penstock.publish.aws.reuse import Conflict
from penstock.publish.community.target import CommunityTarget
from penstock.publish.plan import Plan, PlanBuilder, StepId, Verdict

__all__ = ["PlanRules", "plan_community"]

NO_SOURCES = ObservedSources()


def plan_community(
    targets: Sequence[CommunityTarget],
    contents: Mapping[str, ImageContent],
    sharing: Mapping[str, Sharing],
    observed: Observed,
    rules: PlanRules,
    *,
    sources: ObservedSources = NO_SOURCES,
) -> Plan:
    """The plan of a community push.

    For one target (:class:`~penstock.publish.aws.images.ImagePlanner` tells of the steps of the image)::

        RegisterImage ─> TagImage ─> ShareImage ─> RhsmRegistration ─> MakePublic
                                     ShareSnapshot ─┤
                                     RhsmRegion ────┘

    Where an image is copied, ``CopyImage`` (:class:`~penstock.publish.aws.copies.CopyPlanner`) stands in the place of ``RegisterImage``.

    * RHSM is planned always, with the verdict *ensure*; public is a reuse where the image is it already.
    * A conflict, or an ``error`` of the region, is ``PlanBuilder.conflict`` of that target alone.
    * Steps come in the order of the results; the plan depends on nothing but the arguments, and not on the order of ``targets``.

    Args:
        targets: with the content and the sharing of each.
        contents: by ``item.src``; of images that are copied there are none.
        sharing: by the label of the target: what mapping and credentials say.
        observed: see there.
        rules: see there.
        sources: what was found of the images that are copied.
    """
    ordered = sorted(targets, key=lambda each: (each.order, each.label))
    builder = PlanBuilder()
    files = [each for each in ordered if not each.source_region]
    images = ImagePlanner(builder, files, contents, sharing, observed=observed, rules=rules)
    copies = CopyPlanner(builder, ordered, sharing, observed=observed, sources=sources, rules=rules)
    for target in ordered:
        judged = copies.judged(target) if target.source_region else images.judged(target.label)
        if isinstance(judged, Conflict):
            builder.conflict(target.label, judged.reason)
            continue
        try:
            image = copies.of(target, judged) if target.source_region else images.of(target.label)
        except Barred as error:
            builder.conflict(target.label, str(error))
        else:
            builder.target(target.label, [image.register, *image.before, *_released(builder, target, image, observed, rules)])
    return builder.plan()


def _released(builder: PlanBuilder, target: CommunityTarget, image: ImageSteps, observed: Observed, rules: PlanRules) -> list[StepId]:
    """What lets others see the image, after everything else."""
    if rules.pre_push:
        return []
    steps: list[StepId] = []
    if Phase.RHSM not in rules.skip:
        region = builder.add(RhsmRegion(target.provider, target.destination.region), Verdict.ENSURE, "images are entered by region")
        action = RhsmRegistration(
            place=target.place,
            provider=target.provider,
            product=target.rhsm_product.name,
            arch=target.registration.arch,
            version=target.item.release.version,
            variant=target.item.release.variant,
            name=target.image_name,
        )
        needs = [image.register, *image.before, region]
        steps.append(builder.add(action, Verdict.ENSURE, "subscriptions shall know it", needs=needs))
    if target.public and Phase.PUBLIC not in rules.skip:
        public, needs = MakePublic(target.place, target.image_name), [image.register, *image.before, *steps]
        if any(each.public and each.name == target.image_name for each in observed.at(target.place).images):
            steps.append(builder.add(public, Verdict.REUSE, "everybody may use it already", needs=needs))
        else:
            steps.append(builder.add(public, Verdict.ENSURE, "everybody may use it", needs=needs))
    return steps
