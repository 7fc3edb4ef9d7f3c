"""Looking for a stream's images in the Azure marketplace: one search for populate and for explain.

Each series is listed once; of what fits by its name the best are looked at, one after the other, until one fits in every respect.
Nothing is changed here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from penstock.model.arch import Arch
from penstock.model.catalogue import AzureImageDetails, AzureSku, Cloud, ImageDeprecated, Lifecycle
from penstock.model.errors import NotFoundError
from penstock.model.marketplace import AzureMarketplaceImage, Generation, PurchasePlan
from penstock.ports import AzureCatalogue
from penstock.streams.populate.azure_asking import Asking, Listing
from penstock.streams.populate.azure_choice import Candidate, Ranked, Refusal, rank
from penstock.streams.populate.azure_fallback import with_fallback
from penstock.streams.populate.azure_skus import MACHINES, skus_for, upstream_skus_for
from penstock.streams.populate.azure_target import AzureTarget, azure_targets
from penstock.streams.populate.concurrently import all_of
from penstock.streams.populate.entries import Evidence, Finding, Rule, Slot
from penstock.streams.populate.placing import standing
from penstock.streams.populate.request import Choice, PopulateRequest


class Verdict(StrEnum):
    """What became of a candidate."""

    TAKEN = "taken"
    REFUSED = "refused"
    SPARE = "spare"
    """It would do; a better one was taken."""
    NOT_TRIED = "not tried"
    """It might do; enough of its series were looked at."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate and what became of it.

    Attributes:
        ranked: the candidate, with the last word on it: the rule that took or refused it.
        verdict: see :class:`Verdict`.
    """

    ranked: Ranked
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Search:
    """What looking for the image of one slot came to.

    Attributes:
        slot: which.
        target: what was looked for.
        listings: the series that were looked through, the best first.
        judged: the candidates, best first: to the one that was taken, or all of them.
    """

    slot: Slot
    target: AzureTarget
    listings: tuple[Listing, ...]
    judged: tuple[Judged, ...]

    @property
    def taken(self) -> Ranked | None:
        """The candidate that fits, or None."""
        return next((each.ranked for each in self.judged if each.verdict is Verdict.TAKEN), None)


async def find_azure(catalogue: AzureCatalogue, request: PopulateRequest) -> list[Finding]:
    """One finding for each slot of the Azure marketplace that is asked for, in the order of the file.

    Raises:
        InputError: what is to be looked for cannot be told from the stream.
        OperationError: the catalogue refuses.
        TransientError: the catalogue could not be asked; there is no partial answer.
    """
    return with_fallback(request, [finding for _, finding in await _look(catalogue, request, whole=False)])


async def explain_azure(catalogue: AzureCatalogue, request: PopulateRequest) -> list[tuple[Search, Finding]]:
    """What :func:`find_azure` rests upon, before a fallback: each search with every candidate, and what it comes to; raises as it does."""
    return await _look(catalogue, request, whole=True)


async def _look(catalogue: AzureCatalogue, request: PopulateRequest, *, whole: bool) -> list[tuple[Search, Finding]]:
    asking = Asking(catalogue, parallel=request.parallel)
    searches = await _search(asking, request, azure_slots(request), whole=whole)
    findings = await all_of(searches, lambda search: _finding(asking, request, search))
    return list(zip(searches, findings, strict=True))


def azure_slots(request: PopulateRequest) -> list[tuple[Slot, AzureTarget]]:
    """The slots that are asked for, with what they are to hold.

    Raises:
        InputError: that cannot be told from the stream.
    """
    targets = azure_targets(request)
    return [
        (Slot(Cloud.AZURE, arch, plan, generation), targets[arch])
        for arch in targets
        for plan in request.wanted_plans()
        for generation in Generation
        if (arch, generation) in MACHINES and not (plan.paid and arch is Arch.AARCH64 and request.choice is not Choice.UPSTREAM)
    ]


def azure_notes(request: PopulateRequest) -> list[str]:
    """What is worth saying of how the release was found, each once.

    Raises:
        InputError: it was not found.
    """
    return list(dict.fromkeys(target.note for target in azure_targets(request).values() if target.note))


async def _search(asking: Asking, request: PopulateRequest, slots: list[tuple[Slot, AzureTarget]], *, whole: bool) -> list[Search]:
    skus = {slot: _skus(request, slot, target) for slot, target in slots}
    listings = await asking.listings(sku for found in skus.values() for sku in found)

    async def one(entry: tuple[Slot, AzureTarget]) -> Search:
        slot, target = entry
        of_slot = tuple(listings[sku] for sku in skus[slot])
        candidates = [candidate for listing in of_slot for candidate in (*listing.candidates, *_unlisted(request, slot, listing))]
        judged = await _judge(asking, request, slot, rank(candidates, target, request.choice), whole=whole)
        return Search(slot, target, of_slot, judged)

    return await all_of(slots, one)


def _unlisted(request: PopulateRequest, slot: Slot, listing: Listing) -> tuple[Candidate, ...]:
    """The version that stands in the document, where its series does not list it: a list that came short replaces no good image."""
    previous = _previous(request, slot)
    if previous is None or not listing.found or request.choice is Choice.UPSTREAM:
        return ()
    if listing.sku != AzureSku(previous.publisher, previous.offer, previous.sku):
        return ()
    if any(candidate.text == previous.version for candidate in listing.candidates):
        return ()
    return (Candidate.read(listing.sku, previous.version, listed=False),)


def _skus(request: PopulateRequest, slot: Slot, target: AzureTarget) -> tuple[AzureSku, ...]:
    plan, generation = slot.plan or PurchasePlan.NO_PURCHASE_PLAN, slot.generation or Generation.GEN2
    table = upstream_skus_for if request.choice is Choice.UPSTREAM else skus_for
    return tuple(dict.fromkeys(sku for release in target.releases for sku in table(plan, (slot.arch, generation), release)))


async def _judge(asking: Asking, request: PopulateRequest, slot: Slot, ranking: Iterator[Ranked], *, whole: bool) -> tuple[Judged, ...]:
    """Look at the best ones until one fits, so many of each series at most; ``whole`` goes on to the end, and asks no more."""
    tries = 1 if request.choice is Choice.UPSTREAM else request.tries
    asked: dict[AzureSku, int] = {}
    judged: list[Judged] = []
    taken = False
    for ranked in ranking:
        candidate = ranked.candidate
        if not ranked.fits:
            judged.append(Judged(ranked, Verdict.REFUSED))
        elif taken:
            judged.append(Judged(ranked, Verdict.SPARE))
        elif asked.get(candidate.sku, 0) >= tries:
            judged.append(Judged(ranked, Verdict.NOT_TRIED))
        else:
            asked[candidate.sku] = asked.get(candidate.sku, 0) + 1
            details = await asking.describe(candidate.sku, candidate.text)
            refused = _refusal(details, slot, upstream=request.choice is Choice.UPSTREAM)
            if refused is None:
                taken = True
                judged.append(Judged(_taken(ranked, details, judged), Verdict.TAKEN))
                if not whole:
                    break
            else:
                judged.append(Judged(Ranked(candidate, *refused), Verdict.REFUSED))
    return tuple(judged)


def _taken(ranked: Ranked, details: AzureImageDetails | NotFoundError, before: list[Judged]) -> Ranked:
    reason = ranked.reason
    if isinstance(details, AzureImageDetails) and details.lifecycle is Lifecycle.SCHEDULED:
        reason += f", to be deprecated on {details.deprecated_on:%Y-%m-%d}" if details.deprecated_on else ", to be deprecated"
    if not ranked.candidate.listed:
        reason += ", which the list left out"
    better = [each.ranked for each in before if each.verdict is Verdict.REFUSED]
    if better:
        reason += f", because {better[0].candidate.text} {better[0].reason.removeprefix('it ')}"
    return Ranked(ranked.candidate, ranked.rule, reason)


def _refusal(details: AzureImageDetails | NotFoundError, slot: Slot, *, upstream: bool) -> tuple[Refusal, str] | None:
    """Why a version does not fit, now that it was looked at; what an old API does not tell is taken as fitting."""
    if isinstance(details, ImageDeprecated):
        return Refusal.DEPRECATED, "it is deprecated: no machine can be made from it"
    if isinstance(details, NotFoundError):
        return Refusal.NOT_THERE, "it is not found"
    if details.arch not in (None, slot.arch):
        return Refusal.OTHER_ARCH, f"it is for {details.arch}"
    if upstream:
        return None
    if details.generation not in (None, slot.generation):
        return Refusal.OTHER_GENERATION, f"it boots machines of {details.generation}"
    if details.lifecycle is Lifecycle.DEPRECATED:
        return Refusal.DEPRECATED, "it is deprecated"
    if details.plan is not None and slot.plan is PurchasePlan.NO_PURCHASE_PLAN:
        return Refusal.NEEDS_PLAN, f"it needs the purchase plan {':'.join(details.plan)}"
    return None


async def _finding(asking: Asking, request: PopulateRequest, search: Search) -> Finding:
    evidence = _evidence(request, search)
    taken = search.taken
    if taken is not None and isinstance(taken.rule, Rule):
        sku = taken.candidate.sku
        image = AzureMarketplaceImage(publisher=sku.publisher, offer=sku.offer, sku=sku.sku, version=taken.candidate.text)
        return Finding(search.slot, taken.rule, image, reason=taken.reason, evidence=evidence)
    previous = _previous(request, search.slot)
    reason = _why_nothing(search)
    if request.choice is Choice.UPSTREAM:
        # The program writes its file anew: what it does not find is not in it.
        return Finding(search.slot, Rule.ABSENT if previous is None else Rule.PRUNED, reason=reason, evidence=evidence)
    gone = False
    if previous is not None and request.prune:
        series = AzureSku(previous.publisher, previous.offer, previous.sku)
        gone = not search.listings or isinstance(await asking.describe(series, previous.version), NotFoundError)
    published = bool(search.judged)
    return request.without_image(search.slot, previous, reason=reason, gone=gone, published=published, evidence=evidence)


def _previous(request: PopulateRequest, slot: Slot) -> AzureMarketplaceImage | None:
    found = standing(request.previous, request.stream, slot)
    return found if isinstance(found, AzureMarketplaceImage) else None


def _why_nothing(search: Search) -> str:
    if not search.listings:
        releases = " and ".join(str(release) for release in search.target.releases)
        return f"OpenShift {releases} has no such image"
    names = " and ".join(str(listing.sku) for listing in search.listings)
    if not search.judged:
        known = any(listing.found for listing in search.listings)
        return f"{names} has no versions" if known else f"the marketplace has no {names}"
    best, count = search.judged[0].ranked, len(search.judged)
    shown = "its only version does not fit" if count == 1 else f"none of {count} versions fits, nor the best of them"
    left = sum(each.verdict is Verdict.NOT_TRIED for each in search.judged)
    if left:
        shown = f"none that was looked at fits, and {left} that might were not looked at; the best of all"
    return f"{names}: {shown}, {best.candidate.text}: {best.reason}"


def _evidence(request: PopulateRequest, search: Search) -> Evidence:
    taken = search.taken
    asked = taken.candidate.sku if taken else next((listing.sku for listing in search.listings), None)
    source = request.source(Cloud.AZURE)
    if asked is not None:
        source += f"/publishers/{asked.publisher}/artifacttypes/vmimage/offers/{asked.offer}/skus/{asked.sku}/versions"
    names = (candidate.sku.urn(candidate.text) for listing in search.listings for candidate in listing.candidates)
    return Evidence.of(names, source=source, asked_at=request.now)
