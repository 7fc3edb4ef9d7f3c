"""What is known to fail in Azure's marketplace before the first byte moves; all of it is told at once."""

from collections.abc import Callable, Sequence

from penstock.model.push.azuremarket import TargetType
from penstock.model.push.states import ItemState
from penstock.publish.azure.observing import ObservedBlobs
from penstock.publish.azuremarket.observing import ObservedMarket, ObservedOffer
from penstock.publish.azuremarket.rules import MarketRules
from penstock.publish.azuremarket.target import AzureMarketTarget
from penstock.publish.findings import Finding, Stops

_LATER = "nobody answered: see the network, or try again later"
_Problem = tuple[str, str, bool]
"""What is wrong, with its subject, the next step, and whether it may pass by itself."""


def offer_findings(targets: Sequence[AzureMarketTarget], market: ObservedMarket, rules: MarketRules) -> tuple[Finding, ...]:
    """What keeps images out of their offers, in the order of the targets, which are NOTPUSHED then; pure.

    An offer that is not there or cannot be read, a plan that is not there, and somebody's unpublished changes in the draft (unless drafts
    are allowed).  Upstream finds these when it has uploaded the disks, and the first of them ends its whole run.  With ``pre_push`` nobody
    asks.
    """
    if rules.pre_push:
        return ()
    changed = {} if rules.allow_draft else {place: offer.unpublished for place, offer in market.offers.items()}

    def problem(target: AzureMarketTarget) -> _Problem | None:
        offer, where = market.offers.get(target.place, ObservedOffer(error="nobody looked there")), f"{target.account} {target.offer}"
        if offer.error:
            hint = _LATER if offer.transient else "see that the offer is there, and that the credentials may read it"
            return f"{where}: {offer.error}", hint, offer.transient
        wrong = _plan_problem(offer, target.plan)
        if wrong:
            return f"{where}/{target.plan}: {wrong}", "make the plan in Partner Center, or mend the mapping", False
        foreign = changed.get(target.place, ())
        if foreign:
            what = f"{where}: somebody's changes of the offer are not published yet: {', '.join(foreign)}"
            return what, "publish or undo them, or give --azure-allow-draft-push, which publishes them too", False
        return None

    return _findings(targets, problem, ItemState.NOTPUSHED)


def storage_findings(targets: Sequence[AzureMarketTarget], blobs: ObservedBlobs) -> tuple[Finding, ...]:
    """Storage accounts that cannot be read; their targets are UPLOADFAILED."""

    def problem(target: AzureMarketTarget) -> _Problem | None:
        found = blobs.at(target.account)
        hint = _LATER if found.transient else "see AZURE_STORAGE_CONNECTION_STRING of the credentials"
        return (f"{target.account}: {found.error}", hint, found.transient) if found.error else None

    return _findings(targets, problem, ItemState.UPLOADFAILED)


def _findings(
    targets: Sequence[AzureMarketTarget], problem_of: Callable[[AzureMarketTarget], _Problem | None], state: ItemState
) -> tuple[Finding, ...]:
    found: dict[_Problem, list[str]] = {}
    for target in targets:
        problem = problem_of(target)
        if problem is not None:
            found.setdefault(problem, []).append(target.label)
    return tuple(
        Finding(what, hint, Stops.TARGETS, state, tuple(labels), transient=transient) for (what, hint, transient), labels in found.items()
    )


def _plan_problem(offer: ObservedOffer, plan: str) -> str:
    draft = offer.trees.get(TargetType.DRAFT)
    if draft is None:
        return "the offer has no draft"
    if draft.plan(plan) is None:
        return "the offer has no such plan"
    return "" if offer.configuration(TargetType.DRAFT, plan) is not None else "the plan has no technical configuration"
