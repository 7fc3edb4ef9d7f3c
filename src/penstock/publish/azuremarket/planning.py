"""From placed images and what was observed to the plan; pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from penstock.model.push.azuremarket import TargetType
from penstock.model.push.blobs import RELEASE_DATE_TAG
from penstock.model.push.journal import ExternalId, Ids, JournalEvent
from penstock.publish.actions import Phase
from penstock.publish.azure.blobs import BlobConflict
from penstock.publish.azure.observing import ObservedBlobs
from penstock.publish.azure.planning import BlobPlanner
from penstock.publish.azuremarket.actions import AttachDraft, DateRelease, PublishLive, PublishPreview
from penstock.publish.azuremarket.judging import PlacedImage, plan_mates
from penstock.publish.azuremarket.rules import MarketRules
from penstock.publish.journal import StepState, step_states
from penstock.publish.plan import Plan, PlanBuilder, StepId, Verdict, step_id

_STANDS = {TargetType.LIVE: "live", TargetType.PREVIEW: "the preview", TargetType.DRAFT: "the draft"}
_Part = tuple[tuple[str, str], bool]
"""What is published as one: account and offer, and whether plan by plan (a modular push)."""


def plan_market(placed: Sequence[PlacedImage], blobs: ObservedBlobs, earlier: Iterable[JournalEvent], rules: MarketRules) -> Plan:
    """The plan of a marketplace push to Azure.

    For one target::

        PrepareFile ─> UploadBlob ─> TagBlob ─> AttachDraft ┄> PublishPreview ─> PublishLive ─> DateRelease
        CreateContainer ─┘

    * One blob for each account and file, whatever the number of plans.
    * Drafts of an offer are attached one after the other (``after``), because each is read, changed and written back as a whole.
    * One submission of an offer carries all drafts of this run, and comes after all of them: those that were attached go on where others
      failed.  Modular and other images of one offer are two submissions, the modular first.
    * An image that stands in the draft is not attached again, one in the preview needs no preview, one that is live nothing: these steps
      are reuses with ``VERSION`` known.
    * The job that an earlier run noted for a step that it never saw the end of is a *resume*.
    * ``pre_push`` ends with the blob, ``keep_draft`` with the draft.

    Args:
        placed: in any order; with a conflict or without.
        blobs: see there.
        earlier: what earlier runs noted.
        rules: see there.
    """
    ordered = sorted(placed, key=lambda each: (each.target.order, each.target.label))
    builder = PlanBuilder()
    market = _Market(builder, blobs, step_states(earlier), rules)
    uploads: dict[str, StepId | None] = {}
    conflicts: dict[str, str] = {each.target.label: each.conflict for each in ordered if each.conflict}
    for one in ordered:
        if not one.conflict:
            try:
                uploads[one.target.label] = market.blob(one)
                market.check_skipped(one)
            except BlobConflict as error:
                conflicts[one.target.label] = str(error)
    good = [each for each in ordered if each.target.label not in conflicts]
    ends = market.releases(good, uploads)
    for one in ordered:
        label = one.target.label
        if label in conflicts:
            builder.conflict(label, conflicts[label])
        else:
            builder.target(label, ends[label])
    return builder.plan()


class _Market:
    """Adds steps to one plan."""

    def __init__(self, builder: PlanBuilder, blobs: ObservedBlobs, journal: Mapping[StepId, StepState], rules: MarketRules) -> None:
        self._builder = builder
        self._observed = blobs
        self._blobs = BlobPlanner(builder, blobs, skip=rules.skip)
        self._journal = journal
        self._rules = rules

    def blob(self, one: PlacedImage) -> StepId | None:
        """The step that gives the blob; None where the image stands in the offer, and its disk is not there any more.

        Raises:
            BlobConflict: see :meth:`BlobPlanner.blob`.
        """
        if one.stands is not None and not self._is_stored(one):
            return None
        return self._blobs.blob(one.blob)

    def check_skipped(self, one: PlacedImage) -> None:
        """See that nothing that is needed is skipped.

        Raises:
            BlobConflict: something is.
        """
        if Phase.PRE_PUBLISH in self._rules.skip and one.stands is None and not self._rules.pre_push:
            raise BlobConflict(f"{Phase.PRE_PUBLISH.value} is skipped, and the image is in no draft of the offer")

    def releases(self, ordered: Sequence[PlacedImage], uploads: Mapping[str, StepId | None]) -> dict[str, list[StepId]]:
        """The last steps of each target, by its label."""
        ends: dict[str, list[StepId]] = {each.target.label: [] for each in ordered}
        for one in ordered:
            upload = uploads[one.target.label]
            ends[one.target.label] += [upload] if upload is not None else []
        if self._rules.pre_push:
            return ends
        attached = self._attached(ordered, uploads, ends)
        if not self._rules.keep_draft and Phase.PUBLISH not in self._rules.skip:
            parts: dict[tuple[str, str], list[_Part]] = defaultdict(list)
            groups: dict[_Part, list[PlacedImage]] = defaultdict(list)
            for one in ordered:
                groups[one.target.place, one.target.modular].append(one)
            for part in groups:
                parts[part[0]].append(part)
            for place, own in parts.items():
                before = attached[place]
                for part in sorted(own, key=lambda each: not each[1]):
                    before = [*before, self._published(groups[part], before, uploads, ends)]
        return ends

    def _attached(
        self, ordered: Sequence[PlacedImage], uploads: Mapping[str, StepId | None], ends: Mapping[str, list[StepId]]
    ) -> dict[tuple[str, str], list[StepId]]:
        """The drafts of all offers, each after those of the same offer before it."""
        attached: dict[tuple[str, str], list[StepId]] = defaultdict(list)
        for one in ordered:
            action = attach_action(one, ordered)
            before, upload = attached[one.target.place], uploads[one.target.label]
            known: Ids = {ExternalId.VERSION: one.number}
            if one.stands is not None:
                reason = f"{_STANDS[one.stands]} has it as {one.number}"
                known = {**known, ExternalId.BLOB: one.wanted.base, ExternalId.RESOURCE: " ".join(one.skus)}
                step = self._builder.add(action, Verdict.REUSE, reason, known=known, after=before)
            else:
                job = self._unfinished(action)
                verdict = Verdict.RESUME if job else Verdict.CREATE
                reason = "a job was begun" if job else _missing(one)
                step = self._builder.add(action, verdict, reason, known={**known, **job}, needs=[upload] if upload else (), after=before)
            before.append(step)
            ends[one.target.label].append(step)
        return attached

    def _published(
        self,
        group: Sequence[PlacedImage],
        before: Sequence[StepId],
        uploads: Mapping[str, StepId | None],
        ends: Mapping[str, list[StepId]],
    ) -> StepId:
        """Preview and live of what is published as one; the last of the two."""
        first, images = group[0].target, tuple(dict.fromkeys(each.image for each in group))
        drafts = [each for each in group if each.stands in (None, TargetType.DRAFT)]
        hidden = [each for each in group if each.stands is not TargetType.LIVE]
        preview = PublishPreview(account=first.account, offer=first.offer, images=images, modular=first.modular)
        live = PublishLive(account=first.account, offer=first.offer, images=images, modular=first.modular)
        shown = self._submitted(preview, _not_yet(drafts, "the preview", "seen by testers"), after=before)
        released = self._submitted(live, _not_yet(hidden, "live", "open to everybody"), needs=[shown])
        for one in group:
            upload = uploads[one.target.label]
            # What is live already does not fail with what is published beside it.
            own = [released] if one.stands is not TargetType.LIVE or not hidden else []
            ends[one.target.label] += own
            if upload is not None:
                ends[one.target.label].append(self._dated(one, [upload, *own]))
        return released

    def _submitted(
        self, action: PublishPreview | PublishLive, why: tuple[bool, str], *, needs: Sequence[StepId] = (), after: Sequence[StepId] = ()
    ) -> StepId:
        work, reason = why
        if not work:
            return self._builder.add(action, Verdict.REUSE, reason, needs=needs, after=after)
        job = self._unfinished(action)
        if job:
            return self._builder.add(action, Verdict.RESUME, "a job was begun", known=job, needs=needs, after=after)
        return self._builder.add(action, Verdict.CREATE, reason, needs=needs, after=after)

    def _dated(self, one: PlacedImage, needs: Sequence[StepId]) -> StepId:
        target = one.target
        action = DateRelease(
            account=target.account, offer=target.offer, modular=target.modular, container=one.blob.container, blob=one.blob.name
        )
        found = self._observed.at(target.account).blobs.get(one.blob.at)
        if found is not None and RELEASE_DATE_TAG in found.tags:
            known: Ids = {ExternalId.BLOB: one.wanted.base}
            return self._builder.add(action, Verdict.REUSE, "it has the date of its first release", known=known)
        return self._builder.add(action, Verdict.ENSURE, "it says when it was released", needs=needs)

    def _unfinished(self, action: AttachDraft | PublishPreview | PublishLive) -> dict[ExternalId, str]:
        """The job that a run noted for this step before it died; one that was seen to its end is none, however it ended."""
        state = self._journal.get(step_id(action), StepState())
        job = state.ids.get(ExternalId.JOB)
        return {ExternalId.JOB: job} if job and not state.done and not state.failed else {}

    def _is_stored(self, one: PlacedImage) -> bool:
        account = self._observed.at(one.target.account)
        return one.blob.at in account.blobs or bool(account.tagged.get(one.blob.at))


def attach_action(one: PlacedImage, placed: Iterable[PlacedImage]) -> AttachDraft:
    """The action of an image, and with ``overwrite`` what stays beside it."""
    beside = tuple(dict.fromkeys(each.image for each in plan_mates(one, placed))) if one.target.overwrite else ()
    return AttachDraft(account=one.target.account, offer=one.target.offer, image=one.image, overwrite=one.target.overwrite, beside=beside)


def _missing(one: PlacedImage) -> str:
    if one.target.overwrite:
        return f"the plan is to have nothing else than {one.number}"
    return f"the offer has no such image; it becomes {one.number}"


def _not_yet(images: Sequence[PlacedImage], where: str, what: str) -> tuple[bool, str]:
    """Whether there is something to be done for these, and why."""
    if not images:
        return False, f"all images of it are in {where}" if where != "live" else "all images of it are live"
    return True, f"{len(images)} image{'' if len(images) == 1 else 's'} of it not {what} yet"
