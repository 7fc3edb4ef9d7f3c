"""Everything that can be known to fail before the first byte moves; all of it is told at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from penstock.model.push.aws import BucketState, Sharing
from penstock.model.push.rhsm import RhsmProduct
from penstock.model.push.states import ItemState
from penstock.publish.community.observing import Observed
from penstock.publish.community.target import CommunityTarget, FailedTarget


class Stops(StrEnum):
    """What a finding stops."""

    NOTHING = "nothing"
    """A warning."""
    TARGETS = "its destinations"
    RUN = "the run"
    """Upstream's contract: nothing is uploaded at all."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong.

    Attributes:
        problem: a sentence without a full stop, with its subject in it; no secret.
        hint: the next step.
        stops: what.
        state: of the results of ``labels``.
        labels: of the targets that it is about.
    """

    problem: str
    hint: str
    stops: Stops
    state: ItemState
    labels: tuple[str, ...] = ()


def preflight(
    targets: Sequence[CommunityTarget],
    failed: Sequence[FailedTarget],
    sharing: Mapping[str, Sharing],
    observed: Observed,
    *,
    rhsm_configured: bool,
    pre_push: bool,
    uses_buckets: bool = True,
) -> tuple[Finding, ...]:
    """What is wrong, in the order of the targets; pure.

    ===============================================  =========  ==============
    what                                             stops      state
    ===============================================  =========  ==============
    RHSM has no such product (upstream: also with    the run    INVALIDFILE
    ``--pre-push``)
    no ``--rhsm-url``, needed (full push; with       the run    PENDING
    ``--pre-push`` a warning)
    no billing codes (``FailedTarget.fatal``)        the run    UPLOADFAILED
    no credentials for the account, or refused       targets    UPLOADFAILED
    a region that cannot be read                     targets    UPLOADFAILED
    the bucket is another account's (and bytes go    targets    UPLOADFAILED
    through buckets: not with ``--ebs-direct``)
    nobody may use the image in the end (not         nothing
    public, shared with none)
    ===============================================  =========  ==============
    """
    findings = _rhsm_findings(targets, observed, configured=rhsm_configured, pre_push=pre_push)
    for each in failed:
        if each.fatal:
            problem = f"{each.item.name} cannot go to {each.account} {each.destination}: {each.reason}"
            findings.append(Finding(problem, "mend the mapping; nothing at all is pushed before", Stops.RUN, ItemState.UPLOADFAILED))
    closed: dict[tuple[str, str], list[str]] = {}
    foreign: dict[tuple[str, str], list[str]] = {}
    unshared: dict[str, list[str]] = {}
    for target in targets:
        region, shared = observed.at(target.place), sharing.get(target.label)
        if shared is None:
            closed.setdefault((target.account, _NO_CREDENTIALS), []).append(target.label)
        elif region.error:
            closed.setdefault((str(target.place), region.error), []).append(target.label)
        elif uses_buckets and region.buckets.get(target.bucket) is BucketState.FOREIGN:
            foreign.setdefault((str(target.place), target.bucket), []).append(target.label)
        if shared is not None and not target.public and not shared.accounts and not shared.groups:
            unshared.setdefault(target.image_name, []).append(target.label)
    for (where, reason), labels in closed.items():
        hint = "see --credentials" if reason == _NO_CREDENTIALS else "see that the account's keys may read there"
        findings.append(Finding(f"{where}: {reason}", hint, Stops.TARGETS, ItemState.UPLOADFAILED, tuple(labels)))
    for (where, bucket), labels in foreign.items():
        problem = f"{where}: the bucket {bucket} is another account's"
        findings.append(Finding(problem, "give another --container-prefix", Stops.TARGETS, ItemState.UPLOADFAILED, tuple(labels)))
    for name, labels in unshared.items():
        problem = f"nobody else may use {name} in the end: it is not public, and shared with no one"
        hint = "name accounts in the mapping or in the credentials"
        findings.append(Finding(problem, hint, Stops.NOTHING, ItemState.PENDING, tuple(labels)))
    return tuple(findings)


_NO_CREDENTIALS = "there are no credentials for this account"


def _rhsm_findings(targets: Sequence[CommunityTarget], observed: Observed, *, configured: bool, pre_push: bool) -> list[Finding]:
    labels = tuple(each.label for each in targets)
    if not configured:
        stops = Stops.NOTHING if pre_push else Stops.RUN
        problem = "RHSM cannot be told of the images" if not pre_push else "RHSM is not asked whether it has the products"
        return [Finding(problem, "give --rhsm-url", stops, ItemState.PENDING, labels)] if targets else []
    if observed.products is None:
        return []
    missing: dict[RhsmProduct, list[str]] = {}
    for target in targets:
        if target.rhsm_product not in observed.products:
            missing.setdefault(target.rhsm_product, []).append(target.label)
    return [
        Finding(
            f"RHSM has no product {product.name} of {product.provider}",
            "have it entered there, or mend the release or the provider of the mapping",
            Stops.RUN,
            ItemState.INVALIDFILE,
            tuple(named),
        )
        for product, named in missing.items()
    ]
