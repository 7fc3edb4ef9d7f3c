"""Images that are no files: they stand in AWS already, as those of CoreOS builds do, and are copied.

Nothing here has read their bytes, so it is the id of the other image that tells what a copy is; the copy keeps it in a tag.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from penstock.model.errors import NotFoundError, PenstockError
from penstock.model.push.accounts import AccountAlias
from penstock.model.push.aws import CONTENT_TAG, FoundImage, Place, Sharing
from penstock.model.push.journal import ExternalId
from penstock.ports.publish import AwsPublisher
from penstock.publish.actions import Phase
from penstock.publish.aws.actions import CopyImage, ShareImage, ShareSnapshot, TagImage
from penstock.publish.aws.images import ImageSteps
from penstock.publish.aws.material import PlanRules, not_skipped
from penstock.publish.aws.observing import Observed
from penstock.publish.aws.reuse import Conflict, Judged, tags_agree
from penstock.publish.aws.target import ImageTarget
from penstock.publish.plan import PlanBuilder, StepId, Verdict

SOURCE_TAG = "penstock:source"
"""The tag of a copy that says of which image."""

LOST = frozenset({"failed", "error", "invalid", "deregistered", "transient"})
"""States out of which an image does not come back."""

_LONGEST_NAMES = 3


class CopyTarget(ImageTarget, Protocol):
    """A target whose ``source.source_image`` is an image of AWS.

    Attributes:
        source_region: where that stands.
    """

    @property
    def source_region(self) -> str: ...  # noqa: D102  # see above


@dataclass(frozen=True, slots=True)
class ObservedSources:
    """What was found of the images that are to be copied, by the label of the target.

    Attributes:
        images: those that the account may use.
        errors: why nothing could be found out of the others.
    """

    images: Mapping[str, FoundImage] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


async def observe_sources(targets: Sequence[CopyTarget], publishers: Mapping[AccountAlias, AwsPublisher]) -> ObservedSources:
    """Look at the images that ``targets`` are to be copies of, each once for an account; never raises for one of them.

    Args:
        targets: that are copies; those of accounts without credentials are passed over.
        publishers: by alias.
    """
    by_text = {alias.text: publisher for alias, publisher in publishers.items()}
    wanted = {target.label: _source(target) for target in targets if target.account in by_text}
    asked = list(dict.fromkeys(wanted.values()))
    answers = await asyncio.gather(*(_seen(by_text[account], region, image) for account, region, image in asked))
    found = dict(zip(asked, answers, strict=True))
    images = {label: answer for label, source in wanted.items() if isinstance(answer := found[source], FoundImage)}
    errors = {label: str(answer) for label, source in wanted.items() if isinstance(answer := found[source], PenstockError)}
    return ObservedSources(images, errors)


def _source(target: CopyTarget) -> tuple[str, str, str]:
    return target.account, target.source_region, target.source.source_image or ""


async def _seen(publisher: AwsPublisher, region: str, image: str) -> FoundImage | PenstockError | None:
    try:
        return await publisher.image(region, image)
    except NotFoundError:
        return None
    except PenstockError as error:
        return error


def judge_copy(target: CopyTarget, observed: Observed, sources: ObservedSources, names: Collection[str]) -> Judged | Conflict:
    """What becomes of a copy; pure.

    * An image of its name is reused where its tag says that it is of this source, or where it has no such tag and none of its content,
      and is of the same build and billing type: then the peer tool made it.  Any other is a conflict.
    * A copy of this source, or an image of the peer's, with the tags of this build and billing type under another name is a conflict.
    * The other image must be there and ready, and of the architecture that the source says.

    Args:
        target: see there.
        observed: images of the target's name.
        sources: the images that are copied.
        names: of all images that the run wants at that place.
    """
    source, region = target.source.source_image or "", observed.at(target.place)
    if region.error:
        return Conflict(region.error)
    named = next((each for each in region.images if each.name == target.image_name), None)
    if named is not None:
        return _of_named(target, named, source)
    search = target.tags.for_search
    for each in (image for image in region.images if image.name not in names and image.state not in LOST):
        same = CONTENT_TAG not in each.tags and each.tags.get(SOURCE_TAG, source) == source
        if same and tags_agree(search, each.tags, tuple(search)):
            what = "is an image of this build and billing type under the name"
            return Conflict(f"{each.id} {what} {each.name}; deregister it, or push it under that name")
    if target.label in sources.errors:
        return Conflict(sources.errors[target.label])
    found = sources.images.get(target.label)
    if found is None:
        return Conflict(f"{target.source_region} has no image {source} that this account may use")
    if found.state != "available":
        return Conflict(f"{source} is {found.state}")
    if target.registration.arch and found.arch and found.arch != target.registration.arch:
        return Conflict(f"{source} is of {found.arch}, not {target.registration.arch}")
    return Judged(Verdict.CREATE, "no image has this name")


def _of_named(target: CopyTarget, named: FoundImage, source: str) -> Judged | Conflict:
    known = {ExternalId.IMAGE: named.id, **({ExternalId.SNAPSHOT: named.snapshots[0]} if named.snapshots else {})}
    search = target.tags.for_search
    if named.state in LOST:
        return Conflict(f"{named.id} has this name and is {named.state}; deregister it")
    if named.tags.get(SOURCE_TAG) == source:
        if named.state == "available":
            return Judged(Verdict.REUSE, f"it is a copy of {source}", known)
        return Judged(Verdict.RESUME, f"a copy of {source} is {named.state}", known)
    untold = SOURCE_TAG not in named.tags and CONTENT_TAG not in named.tags
    if untold and tags_agree(search, named.tags, tuple(search)):
        return Judged(Verdict.REUSE, "same name, build and billing type; nothing tells what it is a copy of", known)
    return Conflict(f"{named.id} has this name, and is no copy of {source}; deregister it")


class CopyPlanner:
    """Adds the steps of copies to a plan; for one plan, in one thread.

    For one target::

        CopyImage ─> TagImage ─> ShareImage
                              └> ShareSnapshot
    """

    def __init__(
        self,
        builder: PlanBuilder,
        targets: Sequence[ImageTarget],
        sharing: Mapping[str, Sharing],
        *,
        observed: Observed,
        sources: ObservedSources,
        rules: PlanRules,
    ) -> None:
        """Nothing is added yet; the arguments are those of the other planner, and what was found of the sources.

        Args:
            builder: of the plan.
            targets: all of the run, also those that are no copies.
            sharing: by the label of the target.
            observed: see there.
            sources: see there.
            rules: see there.
        """
        self._names: dict[Place, set[str]] = defaultdict(set)
        for target in targets:
            self._names[target.place].add(target.image_name)
        self._builder = builder
        self._observed = observed
        self._sources = sources
        self._sharing = sharing
        self._rules = rules

    def judged(self, target: CopyTarget) -> Judged | Conflict:
        """What becomes of it."""
        return judge_copy(target, self._observed, self._sources, self._names[target.place])

    def of(self, target: CopyTarget, judged: Judged) -> ImageSteps:
        """Its steps; they are added.  Upstream shares no copy, whatever the mapping says.

        Raises:
            Barred: it would have to be made, and may not.
        """
        source = target.source.source_image or ""
        tags = {**target.tags.destination, **target.tags.for_search, SOURCE_TAG: source}
        if judged.verdict is Verdict.CREATE:
            not_skipped(Phase.REGISTER, self._rules, judged.reason)
        registration = target.registration
        action = CopyImage(target.place, target.source_region, source, registration.name, registration.description, tags)
        copy = self._builder.add(action, judged.verdict, judged.reason, known=judged.known)
        before: list[StepId] = []
        missing = self._missing(target, judged, tags)
        if missing and Phase.REGISTER not in self._rules.skip:
            before.append(self._builder.add(TagImage(target.place, target.image_name, tags), Verdict.ENSURE, missing, needs=[copy]))
        who = self._sharing[target.label]
        if Phase.SHARE in self._rules.skip:
            return ImageSteps(copy, tuple(before))
        needs, shares = [copy, *before], list[StepId]()
        if who.accounts or who.groups:
            share = ShareImage(target.place, target.image_name, who.accounts, who.groups)
            shares.append(self._builder.add(share, Verdict.ENSURE, "the other image's sharing is not copied", needs=needs))
        if who.snapshot_accounts:
            volumes = ShareSnapshot(target.place, None, target.image_name, who.snapshot_accounts)
            shares.append(self._builder.add(volumes, Verdict.ENSURE, "the other image's sharing is not copied", needs=needs))
        return ImageSteps(copy, (*before, *shares))

    def _missing(self, target: CopyTarget, judged: Judged, tags: Mapping[str, str]) -> str:
        """Why it is to be tagged, or ``""``."""
        if judged.verdict is Verdict.CREATE:
            return "a copy may lose its tags"
        image = judged.known[ExternalId.IMAGE]
        standing = next((each.tags for each in self._observed.at(target.place).images if each.id == image), {})
        keys = [key for key, value in tags.items() if standing.get(key) != value]
        more = " …" if len(keys) > _LONGEST_NAMES else ""
        return f"{', '.join(keys[:_LONGEST_NAMES])}{more} missing or different" if keys else ""
