"""From targets, contents and what was observed to the plan of images for galleries; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from penstock.model.push.blobs import DEFAULT_CONTAINER
from penstock.model.push.content import ImageContent
from penstock.model.push.galleries import CONTENT_TAG, VersionWish
from penstock.model.push.journal import ExternalId, Ids
from penstock.publish.actions import Phase
from penstock.publish.azure.blobs import BlobConflict, WantedBlob
from penstock.publish.azure.observing import ObservedBlobs
from penstock.publish.azure.planning import BlobPlanner
from penstock.publish.galleries.actions import CreateDefinition, CreateGallery, CreateVersion, ReleaseVersion, ShareGallery
from penstock.publish.galleries.judging import (
    GalleryConflict,
    GalleryJudged,
    covers,
    is_shared,
    judge_definition,
    judge_gallery,
    judge_version,
)
from penstock.publish.galleries.observing import ObservedGalleries
from penstock.publish.galleries.target import GalleryTarget, SettledPlace
from penstock.publish.plan import Plan, PlanBuilder, StepId, Verdict


@dataclass(frozen=True, slots=True)
class GalleryRules:
    """What the arguments of a run say of its plan.

    Attributes:
        pre_push: the version is made, and ``latest`` does not mean it; the gallery is not shared.
        skip: phases that are left out; what needs them and finds nothing there is a conflict.
        container: of the blobs, ``UPLOAD_CONTAINER_NAME``.
    """

    pre_push: bool = False
    skip: frozenset[Phase] = field(default_factory=frozenset)
    container: str = DEFAULT_CONTAINER


def wanted_blob(target: GalleryTarget, content: ImageContent, rules: GalleryRules) -> WantedBlob:
    """The disk of a target, as it shall stand in the storage account."""
    return WantedBlob(
        account=target.account, container=rules.container, name=target.item.object_name, content=content, tags=target.blob_tags
    )


def plan_galleries(
    targets: Sequence[GalleryTarget],
    contents: Mapping[str, ImageContent],
    places: Mapping[str, SettledPlace],
    seen: tuple[ObservedGalleries, ObservedBlobs],
    rules: GalleryRules,
) -> Plan:
    """The plan of images for galleries.

    For one target::

        PrepareFile ─> UploadBlob ─> CreateVersion ─> ReleaseVersion ─> ShareGallery
        CreateGallery ─> CreateDefinition ─┘

    * A version that is there needs nothing before it; gallery and definition are made once, whoever needs them.
    * With ``pre_push``, or where publishing is left out, a new version is excluded from ``latest``: in a gallery that everybody sees
      already, nobody gets it who does not ask for it by its number.  ``ReleaseVersion`` ends that.
    * A conflict is of that target alone.  Steps come in the order of the results; the plan depends on nothing but the arguments.

    Args:
        targets: with the content of each.
        contents: by ``item.src``.
        places: by label.
        seen: what was observed, of galleries and of blobs.
        rules: see there.
    """
    builder, (observed, stored) = PlanBuilder(), seen
    planning = _Planning(builder, contents, places, observed, BlobPlanner(builder, stored, skip=rules.skip), rules)
    for target in sorted(targets, key=lambda each: (each.order, each.label)):
        try:
            last = planning.steps(target)
        except (GalleryConflict, BlobConflict) as error:
            builder.conflict(target.label, str(error))
        else:
            builder.target(target.label, last)
    return builder.plan()


@dataclass(frozen=True, slots=True)
class _Planning:
    """Adds the steps of one target after the other."""

    builder: PlanBuilder
    contents: Mapping[str, ImageContent]
    places: Mapping[str, SettledPlace]
    observed: ObservedGalleries
    blobs: BlobPlanner
    rules: GalleryRules

    def steps(self, target: GalleryTarget) -> list[StepId]:
        """The steps of a target, each with what it needs.

        Raises:
            GalleryConflict, BlobConflict: see there.
        """
        error = self.observed.errors.get(target.label)
        if error:
            raise GalleryConflict(error)
        place = self.places[target.label].place
        gallery = self.observed.galleries.get(place)
        judged_gallery = judge_gallery(target.destination.gallery, gallery, community=target.community is not None)
        version = self._version(target, judged_gallery)
        if self.rules.pre_push:
            return [version]
        return self._released(target, version)

    def _version(self, target: GalleryTarget, judged_gallery: GalleryJudged) -> StepId:
        settled, image = self.places[target.label], target.destination.image
        content = self.contents[target.item.src]
        wish = target.definition(settled.publisher)
        definition = judge_definition(str(target.destination), wish, self.observed.definitions.get((settled.place, image)))
        found = self.observed.versions.get((settled.place, image, target.version))
        judged = judge_version(f"{target.destination} {target.version}", content.digest, found)
        action = CreateVersion(target.account, settled.place, image, target.version, content.digest, self._wish(target, content))
        if judged.verdict is not Verdict.CREATE:
            resource = f"{settled.place.resource_id}/images/{image}/versions/{target.version}"
            known: Ids = {ExternalId.VERSION: target.version, ExternalId.RESOURCE: resource}
            missing = found is not None and not covers(found, target.meta.regions)
            reason = f"{judged.reason}; it is not in all regions" if missing else judged.reason
            return self.builder.add(action, judged.verdict, reason, known=known)
        self._not_skipped(judged.reason)
        blob = self.blobs.blob(wanted_blob(target, content, self.rules))
        create = CreateGallery(target.account, settled.place, target.meta.location, target.community)
        first = self._add(create, judged_gallery, [])
        second = self._add(CreateDefinition(target.account, settled.place, image, wish), definition, [first])
        return self.builder.add(action, judged.verdict, judged.reason, needs=[blob, second])

    def _add(self, action: CreateGallery | CreateDefinition, judged: GalleryJudged, needs: list[StepId]) -> StepId:
        if judged.verdict is Verdict.REUSE:
            return self.builder.add(action, judged.verdict, judged.reason)
        self._not_skipped(judged.reason)
        return self.builder.add(action, judged.verdict, judged.reason, needs=needs)

    def _wish(self, target: GalleryTarget, content: ImageContent) -> VersionWish:
        meta = target.meta
        return VersionWish(
            location=meta.location,
            regions=meta.regions,
            replicas=meta.replicas,
            storage_account_type=meta.storage_account_type,
            exclude_from_latest=meta.exclude_from_latest or self._is_held_back,
            tags={**target.tags, CONTENT_TAG: content.digest.hex},
            storage_account=self.places[target.label].storage_account,
        )

    @property
    def _is_held_back(self) -> bool:
        return self.rules.pre_push or Phase.PUBLISH in self.rules.skip

    def _released(self, target: GalleryTarget, version: StepId) -> list[StepId]:
        place, image, steps = self.places[target.label].place, target.destination.image, [version]
        found = self.observed.versions.get((place, image, target.version))
        if found is not None and found.exclude_from_latest and not target.meta.exclude_from_latest and Phase.PUBLISH not in self.rules.skip:
            action = ReleaseVersion(target.account, place, image, target.version)
            steps.append(self.builder.add(action, Verdict.ENSURE, "it is excluded from latest", needs=[version]))
        if target.community is not None and Phase.PUBLIC not in self.rules.skip:
            share, gallery = ShareGallery(target.account, place), self.observed.galleries.get(place)
            if gallery is not None and is_shared(gallery):
                steps.append(
                    self.builder.add(share, Verdict.REUSE, "everybody sees it", known={ExternalId.RESOURCE: gallery.public_names[0]})
                )
            else:
                steps.append(self.builder.add(share, Verdict.ENSURE, "everybody shall see it", needs=steps))
        return steps

    def _not_skipped(self, reason: str) -> None:
        if Phase.REGISTER in self.rules.skip:
            raise GalleryConflict(f"{Phase.REGISTER.value} is skipped, and it is needed: {reason}")
