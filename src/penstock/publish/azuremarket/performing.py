"""The steps of a marketplace push to Azure, done through the ports."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from penstock.formats.codec import to_tree
from penstock.model.errors import OperationError
from penstock.model.push.azuremarket import (
    ResourceTree,
    Submission,
    SubmissionTarget,
    TargetType,
    TechnicalConfiguration,
)
from penstock.model.push.journal import ExternalId, Ids
from penstock.model.record import Tree, given
from penstock.ports import Clock
from penstock.ports.azureblobs import AzureBlobs
from penstock.ports.azuremarket import ProductIngestion
from penstock.publish.azure.actions import DateBlob
from penstock.publish.azure.performing import BlobPerformer
from penstock.publish.azuremarket.actions import AttachDraft, DateRelease, OfferImage, PublishLive, PublishPreview
from penstock.publish.azuremarket.configurations import Attachment, attached, has_others, skus_of
from penstock.publish.azuremarket.drafts import modular_resources
from penstock.publish.azuremarket.images import KnownDisks, WantedImage, clash, has_ended, standing
from penstock.publish.azuremarket.jobs import OfferJobs, Pace
from penstock.publish.azuremarket.judging import PlacedImage
from penstock.publish.azuremarket.observing import ObservedMarket, ObservedOffer, configuration_of, observed_offer
from penstock.publish.azuremarket.rules import MarketRules
from penstock.publish.azuremarket.signatures import signed_address
from penstock.publish.execution import StepNotes, Wait
from penstock.publish.plan import Step, StepId, known_id

_SUBMISSION_SCHEMA = "https://schema.mp.microsoft.com/schema/submission/2022-07-01"
_Key = tuple[str, str, OfferImage]


@dataclass(frozen=True, slots=True)
class _Known:
    """An image as this run knows it at the moment."""

    wanted: WantedImage
    disks: KnownDisks

    def number_in(self, configuration: TechnicalConfiguration | None) -> str:
        """Of the version in which it stands; ``""`` for none."""
        return standing(configuration.all_versions, self.wanted, self.disks) if configuration is not None else ""


class AzureMarketPerformer:
    """:class:`penstock.publish.execution.Performer` of marketplace pushes to Azure.

    What is done to an offer begins with a look at it: the draft is read, changed and written back as a whole, and what stands there
    already, whoever brought it there, is not submitted again.  Signed addresses are made when they are sent.  Steps about blobs are
    :class:`~penstock.publish.azure.performing.BlobPerformer`'s.
    """

    def __init__(
        self,
        publishers: Mapping[str, ProductIngestion],
        stores: Mapping[str, AzureBlobs],
        blobs: BlobPerformer,
        placed: Iterable[PlacedImage],
        market: ObservedMarket,
        *,
        rules: MarketRules,
        clock: Clock,
        wait: Wait,
        pace: Pace,
    ) -> None:
        """Use these; ``publishers`` and ``stores`` by alias."""
        self._publishers = publishers
        self._stores = stores
        self._blobs = blobs
        self._placed: dict[_Key, PlacedImage] = {(each.target.account, each.target.offer, each.image): each for each in placed}
        self._known = {key: _Known(each.wanted, each.disks) for key, each in self._placed.items()}
        self._attached = {key for key, each in self._placed.items() if each.stands is not None}
        self._market = market
        self._rules = rules
        self._clock = clock
        self._wait = wait
        self._pace = pace

    async def perform(self, step: Step, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        """See :meth:`penstock.publish.execution.Performer.perform`."""
        match step.action:
            case AttachDraft() as action:
                return await self._attach(action, step, outcomes, notes)
            case PublishPreview() as action:
                return await self._publish(action, step, notes, TargetType.PREVIEW)
            case PublishLive() as action:
                return await self._publish(action, step, notes, TargetType.LIVE)
            case DateRelease() as action:
                dated = replace(step, action=DateBlob(action.account, action.container, action.blob))
                return await self._blobs.perform(dated, outcomes, notes)
            case _:
                return await self._blobs.perform(step, outcomes, notes)

    # --- drafts

    async def _attach(self, action: AttachDraft, step: Step, outcomes: Mapping[StepId, Ids], notes: StepNotes) -> Ids:
        key = (action.account, action.offer, action.image)
        placed, store = self._placed[key], self._stores[action.account]
        address = known_id(outcomes, step, ExternalId.BLOB)
        content = placed.wanted.content
        image = _Known(replace(placed.wanted, base=address), placed.disks.with_disk(address, content))
        self._known[key] = image
        beside = [self._known[action.account, action.offer, each] for each in action.beside]
        only = (image.wanted, *(each.wanted for each in beside)) if action.overwrite else None
        ingestion, product = self._publishers[action.account], self._product(action)
        stands: tuple[str, tuple[str, ...]] = ("", ())

        async def missing() -> Sequence[Tree] | None:
            nonlocal stands
            configuration = _configuration(await ingestion.tree(product, TargetType.DRAFT), action)
            number = image.number_in(configuration)
            whole = number and not has_ended(configuration.all_versions, number, image.wanted.types, self._now())
            if whole and (only is None or not has_others(configuration.all_versions, only, image.disks)):
                stands = (number, skus_of(configuration, image.wanted.types))
                return None
            if not action.overwrite:
                await self._check_number(action, placed.number, image, configuration)
            attachment = Attachment(wanted=image.wanted, number=placed.number, plan=action.image.plan, only=only)
            return [to_tree(attached(configuration, attachment, store.sas_uri(address), image.disks))]

        jobs = self._jobs(action, notes)
        job = await jobs.carried_out(missing, known=step.known.get(ExternalId.JOB), attempts=1)
        self._attached.add(key)
        made: dict[ExternalId, str] = {ExternalId.VERSION: stands[0], ExternalId.BLOB: address, ExternalId.RESOURCE: " ".join(stands[1])}
        return {**made, ExternalId.JOB: job} if job else made

    async def _check_number(self, action: AttachDraft, number: str, image: _Known, draft: TechnicalConfiguration) -> None:
        """What the plan of the run found out, looked at again: days may have gone by, and others push too.

        An image that gives way is one that was in the draft before this run, and is in the draft alone.
        """
        reason = clash(draft.all_versions, number, image.wanted, image.disks)
        if not reason:
            return
        before = self._observed(action).configuration(TargetType.DRAFT, action.image.plan)
        same = before is not None and _addresses(before, number) == _addresses(draft, number)
        resource = self._observed(action).product
        if same and resource is not None:
            now = await observed_offer(self._publishers[action.account], resource, [action.image.plan])
            shown = [now.configuration(each, action.image.plan) for each in (TargetType.LIVE, TargetType.PREVIEW)]
            if not any(each and clash(each.all_versions, number, image.wanted, image.disks) for each in shown):
                return
        hint = "let one push at a time go to a plan; run again where the version is the hour, else give another disk_version"
        raise OperationError(f"since this push began {reason}", subject=f"{action.offer}/{action.image.plan}", hint=hint)

    # --- submissions

    async def _publish(self, action: PublishPreview | PublishLive, step: Step, notes: StepNotes, target: TargetType) -> Ids:
        ingestion, product = self._publishers[action.account], self._product(action)
        jobs = self._jobs(action, notes)

        async def missing() -> Sequence[Tree] | None:
            await jobs.quiet(product)
            resource = self._observed(action).product
            if resource is None:
                raise OperationError("there is no such offer", subject=action.offer)
            offer = await observed_offer(ingestion, resource, [each.plan for each in action.images])
            if target is TargetType.PREVIEW:
                return self._for_preview(action, offer, product)
            return self._for_live(action, offer, product)

        job = await jobs.carried_out(missing, known=step.known.get(ExternalId.JOB), attempts=self._pace.attempts)
        return {ExternalId.JOB: job} if job else {}

    def _for_preview(self, action: PublishPreview | PublishLive, offer: ObservedOffer, product: str) -> list[Tree] | None:
        drafts = self._standing(action, offer, TargetType.DRAFT)
        shown = [*self._standing(action, offer, TargetType.PREVIEW), *self._standing(action, offer, TargetType.LIVE)]
        if not drafts and not shown:
            raise OperationError("none of the images is in the draft", subject=action.offer)
        self._check_lost(action, (*drafts, *shown), "the draft")
        if all(each in shown for each in drafts):
            return None
        self._check_draft(action, offer)
        plans = tuple(dict.fromkeys(each.plan for each in drafts))
        modular = modular_resources(offer.trees[TargetType.DRAFT], plans) if action.modular else []
        return [*modular, to_tree(_submission(offer, TargetType.DRAFT, product).aimed_at(TargetType.PREVIEW))]

    def _for_live(self, action: PublishPreview | PublishLive, offer: ObservedOffer, product: str) -> list[Tree] | None:
        shown, live = self._standing(action, offer, TargetType.PREVIEW), self._standing(action, offer, TargetType.LIVE)
        if not shown and not live:
            raise OperationError("none of the images is in the preview", subject=action.offer)
        self._check_lost(action, (*shown, *live), "the preview")
        if all(each in live for each in shown):
            return None
        return [to_tree(_submission(offer, TargetType.PREVIEW, product).aimed_at(TargetType.LIVE))]

    def _check_lost(self, action: PublishPreview | PublishLive, there: Sequence[OfferImage], where: str) -> None:
        """Drafts are written back as a whole, so of two writers one may undo what the other did: such an image is not told to be out."""
        lost = [each for each in action.images if (action.account, action.offer, each) in self._attached and each not in there]
        if lost:
            names = ", ".join(f"{each.plan} {each.version}" for each in lost)
            hint = "let one push at a time go to an offer; run again: what is missing is attached again"
            raise OperationError(f"somebody took images of this push out of {where}: {names}", subject=action.offer, hint=hint)

    def _check_draft(self, action: PublishPreview | PublishLive, offer: ObservedOffer) -> None:
        """What the run saw before its first step, it looks at again: days may have gone by."""
        changed = offer.unpublished if not self._rules.allow_draft else ()
        if changed:
            raise OperationError(
                f"somebody changed the draft of the offer since this push began: {', '.join(changed)}",
                subject=action.offer,
                hint="publish or undo that, or give --azure-allow-draft-push",
            )

    def _standing(self, action: PublishPreview | PublishLive, offer: ObservedOffer, target: TargetType) -> list[OfferImage]:
        return [
            each
            for each in action.images
            if self._known[action.account, action.offer, each].number_in(offer.configuration(target, each.plan))
        ]

    # --- what all have in common

    def _jobs(self, action: AttachDraft | PublishPreview | PublishLive, notes: StepNotes) -> OfferJobs:
        return OfferJobs(self._publishers[action.account], notes, subject=action.offer, wait=self._wait, pace=self._pace)

    def _observed(self, action: AttachDraft | PublishPreview | PublishLive) -> ObservedOffer:
        return self._market.offers.get((action.account, action.offer), ObservedOffer())

    def _product(self, action: AttachDraft | PublishPreview | PublishLive) -> str:
        product = self._observed(action).product
        return (given(product.id) or "") if product is not None else ""

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now_s(), UTC)


def _addresses(configuration: TechnicalConfiguration, number: str) -> set[tuple[str, str]]:
    """The disks of a version by type, without signatures."""
    images = (image for version in configuration.all_versions if version.number == number for image in version.images)
    return {(image.image_type, signed_address(image.uri).base) for image in images}


def _configuration(tree: ResourceTree, action: AttachDraft) -> TechnicalConfiguration:
    found = configuration_of(tree, action.image.plan)
    if found is None:
        raise OperationError("the draft has no technical configuration of this plan", subject=f"{action.offer}/{action.image.plan}")
    return found


def _submission(offer: ObservedOffer, target: TargetType, product: str) -> Submission:
    """That of a state; a draft that was never submitted may have none."""
    found = next((each for each in offer.submissions if each.target.target_type is target), None)
    return found or Submission(schema=_SUBMISSION_SCHEMA, product=product, target=SubmissionTarget(target_type=target))
