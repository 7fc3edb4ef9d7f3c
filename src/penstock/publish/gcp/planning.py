"""From targets, contents and what was observed to the plan of images for Google Cloud; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from penstock.model.digest import Digest
from penstock.model.push.content import ImageContent
from penstock.model.push.gcp import (
    CONTENT_LABEL,
    EVERYBODY,
    DeprecationState,
    FoundGceImage,
    GceInsertion,
    described,
    label_of,
)
from penstock.model.push.journal import ExternalId
from penstock.publish.actions import Phase, PrepareFile
from penstock.publish.gcp.actions import DeprecatePrevious, GrantUse, InsertImage, MakeGcePublic, SetFamily, UploadArchive
from penstock.publish.gcp.names import sends_as_it_is
from penstock.publish.gcp.observing import ObservedGcp, archive_keys
from penstock.publish.gcp.reuse import GceConflict, GceJudged, judge_archive, judge_gce_image
from penstock.publish.gcp.target import GcpTarget
from penstock.publish.plan import Plan, PlanBuilder, StepId, Verdict


@dataclass(frozen=True, slots=True)
class GcpRules:
    """What the arguments of a run say of its plan.

    Attributes:
        pre_push: the image is made and shared; it is not public, in no family, and nothing is deprecated.
        skip: phases that are left out; what needs them and finds nothing there is a conflict.
    """

    pre_push: bool = False
    skip: frozenset[Phase] = field(default_factory=frozenset)


def plan_gcp(
    targets: Sequence[GcpTarget],
    contents: Mapping[str, ImageContent],
    buckets: Mapping[str, str],
    observed: ObservedGcp,
    rules: GcpRules,
) -> Plan:
    """The plan of images for Google Cloud.

    For one target::

        PrepareFile ─> UploadArchive ─> InsertImage ─> GrantUse ─> MakeGcePublic ─> SetFamily ─> DeprecatePrevious

    * An image that is there needs no step before it; an object that is there needs no file.  ``PrepareFile`` is for ``.raw.xz`` alone.
    * One object for each content and account, whatever the number of images.
    * What an image has already (its family, who may use it) is a reuse, and needs no call.
    * The family comes after everything that lets people use the image, and older images go last.  Only images that are older than this one,
      of its architecture and still in use are put out of use: pushing an old build again takes nothing away from a newer one.
    * Steps come in the order of the results; the plan depends on nothing but the arguments, and not on the order of ``targets``.

    Args:
        targets: with the content of each.
        contents: by ``item.src``.
        buckets: by account.
        observed: see there.
        rules: see there.
    """
    builder = PlanBuilder()
    planning = _Planning(builder, _Given(contents, buckets, observed, archive_keys(targets, contents)), rules)
    for target in sorted(targets, key=lambda each: (each.order, each.label)):
        try:
            last = planning.steps(target)
        except _Barred as barred:
            builder.conflict(target.label, str(barred))
        else:
            builder.target(target.label, last)
    return builder.plan()


def insertion_of(target: GcpTarget, content: Digest) -> GceInsertion:
    """What Google is told of an image."""
    return GceInsertion(
        name=target.image_name,
        description=described(target.description, content),
        architecture=target.architecture,
        licenses=target.licenses,
        guest_os_features=target.guest_os_features,
        labels={**dict(target.labels), CONTENT_LABEL: label_of(content)},
        storage_locations=target.storage_locations,
    )


def previous_images(family: Sequence[FoundGceImage], image: FoundGceImage | None, *, name: str, architecture: str) -> list[FoundGceImage]:
    """The images of a family that an image makes superfluous: those in use, of its architecture, that are older than it.

    Args:
        family: all of it.
        image: None where it is still to be made, and then all are older.
        name: of the image.
        architecture: of the image.
    """
    return [
        each
        for each in family
        if each.state is DeprecationState.ACTIVE
        and each.name != name
        and each.architecture in ("", architecture)
        and (image is None or each.created < image.created)
    ]


class _Barred(Exception):
    """What a target needs is not there, and may not be made; the text says why."""


@dataclass(frozen=True, slots=True)
class _Given:
    """What a plan is made of; see :func:`plan_gcp`.  ``keys`` are those of :func:`archive_keys`."""

    contents: Mapping[str, ImageContent]
    buckets: Mapping[str, str]
    observed: ObservedGcp
    keys: Mapping[tuple[str, Digest], str]


class _Planning:
    """Adds the steps of one target after the other."""

    def __init__(self, builder: PlanBuilder, given: _Given, rules: GcpRules) -> None:
        self._builder = builder
        self._contents = given.contents
        self._buckets = given.buckets
        self._observed = given.observed
        self._keys = given.keys
        self._rules = rules

    def steps(self, target: GcpTarget) -> list[StepId]:
        """The steps of a target, each with what it needs.

        Raises:
            _Barred: see there.
        """
        error = self._observed.errors.get(target.label)
        if error:
            raise _Barred(error)
        image = self._image(target)
        steps = [self._insert(target, image)]
        found = self._found(target) if image.verdict is Verdict.REUSE else None
        steps += self._shared(target, found, steps)
        if not self._rules.pre_push:
            steps += self._public(target, found, steps)
            steps += self._family(target, found, steps)
            steps += self._deprecated(target, found, steps)
        return steps

    def _image(self, target: GcpTarget) -> GceJudged:
        content = self._contents[target.item.src].digest
        judged = judge_gce_image(insertion_of(target, content), content, self._found(target))
        if isinstance(judged, GceConflict):
            raise _Barred(judged.reason)
        return judged

    def _found(self, target: GcpTarget) -> FoundGceImage | None:
        return self._observed.images.get((target.account, target.project, target.image_name))

    def _insert(self, target: GcpTarget, image: GceJudged) -> StepId:
        content = self._contents[target.item.src].digest
        insertion = insertion_of(target, content)
        action = InsertImage(target.account, target.project, self._buckets[target.account], content, insertion)
        needs: list[StepId] = []
        if image.verdict is Verdict.CREATE:
            self._not_skipped(Phase.REGISTER, image.reason)
            needs = [self._upload(target)]
        return self._builder.add(action, image.verdict, image.reason, needs=needs, known=image.known)

    def _upload(self, target: GcpTarget) -> StepId:
        content = self._contents[target.item.src]
        key = self._keys[target.account, content.digest]
        judged = judge_archive(content.digest, self._observed.objects.get((target.account, key)), key)
        if isinstance(judged, GceConflict):
            raise _Barred(judged.reason)
        action = UploadArchive(target.account, self._buckets[target.account], key, content.digest)
        if judged.verdict is Verdict.REUSE:
            return self._builder.add(action, judged.verdict, judged.reason, known=judged.known)
        self._not_skipped(Phase.UPLOAD, judged.reason)
        needs: list[StepId] = []
        if content.compressed and not sends_as_it_is(content.src):
            self._not_skipped(Phase.PREPARE, "the file is compressed")
            needs.append(self._builder.add(PrepareFile(content), Verdict.CREATE, "the file is compressed"))
        return self._builder.add(action, Verdict.CREATE, judged.reason, needs=needs)

    def _shared(self, target: GcpTarget, found: FoundGceImage | None, before: Sequence[StepId]) -> list[StepId]:
        if not target.members or Phase.SHARE in self._rules.skip:
            return []
        action = GrantUse(target.account, target.project, target.image_name, target.members)
        if found is not None and self._users(target) >= set(target.members):
            return [self._builder.add(action, Verdict.REUSE, "they may already", known={ExternalId.IMAGE: found.number})]
        count = len(target.members)
        reason = f"for {count} member{'' if count == 1 else 's'}"
        return [self._builder.add(action, Verdict.ENSURE, reason, needs=before)]

    def _public(self, target: GcpTarget, found: FoundGceImage | None, before: Sequence[StepId]) -> list[StepId]:
        if not target.public or Phase.PUBLIC in self._rules.skip:
            return []
        action = MakeGcePublic(target.account, target.project, target.image_name)
        if found is not None and EVERYBODY in self._users(target):
            return [self._builder.add(action, Verdict.REUSE, "it is public", known={ExternalId.IMAGE: found.number})]
        return [self._builder.add(action, Verdict.ENSURE, "everybody may use it", needs=before)]

    def _family(self, target: GcpTarget, found: FoundGceImage | None, before: Sequence[StepId]) -> list[StepId]:
        if not target.family or Phase.PUBLISH in self._rules.skip:
            return []
        action = SetFamily(target.account, target.project, target.image_name, target.family)
        if found is not None and found.family == target.family:
            return [self._builder.add(action, Verdict.REUSE, "it is in it", known={ExternalId.IMAGE: found.number})]
        reason = f"it is in the family {found.family}" if found is not None and found.family else "it is in no family"
        return [self._builder.add(action, Verdict.ENSURE, reason, needs=before)]

    def _deprecated(self, target: GcpTarget, found: FoundGceImage | None, before: Sequence[StepId]) -> list[StepId]:
        if target.deprecates is None or Phase.RESTRICT in self._rules.skip or Phase.PUBLISH in self._rules.skip:
            return []
        family = self._observed.families.get((target.account, target.project, target.family), ())
        older = previous_images(family, found, name=target.image_name, architecture=target.architecture)
        if not older:
            return []
        action = DeprecatePrevious(target.account, target.project, target.image_name, target.family, target.architecture, target.deprecates)
        return [self._builder.add(action, Verdict.ENSURE, f"older: {', '.join(sorted(each.name for each in older))}", needs=before)]

    def _users(self, target: GcpTarget) -> frozenset[str]:
        return self._observed.users.get((target.account, target.project, target.image_name), frozenset())

    def _not_skipped(self, phase: Phase, reason: str) -> None:
        if phase in self._rules.skip:
            raise _Barred(f"{phase.value} is skipped, and it is needed: {reason}")
