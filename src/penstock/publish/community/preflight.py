"""Everything that can be known to fail before the first byte moves; all of it is told at once."""

from collections.abc import Mapping, Sequence

from penstock.model.push.aws import Sharing
from penstock.model.push.rhsm import RhsmProduct
from penstock.model.push.states import ItemState
from penstock.publish.aws.observing import Observed
from penstock.publish.aws.preflight import place_findings
from penstock.publish.community.target import CommunityTarget
from penstock.publish.findings import Finding, Stops
from penstock.publish.targets import FailedTarget


def preflight(
    targets: Sequence[CommunityTarget],
    failed: Sequence[FailedTarget],
    sharing: Mapping[str, Sharing],
    observed: Observed,
    products: frozenset[RhsmProduct] | None,
    *,
    rhsm_configured: bool,
    pre_push: bool,
    uses_buckets: bool = True,
) -> tuple[Finding, ...]:
    """What is wrong, in the order of the targets; pure.

    ``products`` are those of RHSM; None where it was not asked (``--pre-push`` does not need it, and asks all the same where it can).

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
    findings = _rhsm_findings(targets, products, configured=rhsm_configured, pre_push=pre_push)
    for each in failed:
        if each.fatal:
            problem = f"{each.item.name} cannot go to {each.account} {each.destination}: {each.reason}"
            findings.append(Finding(problem, "mend the mapping; nothing at all is pushed before", Stops.RUN, ItemState.UPLOADFAILED))
    for copied in (False, True):  # what is copied goes through no bucket
        some = [each for each in targets if bool(each.source_region) is copied]
        findings += place_findings(some, sharing, observed, uses_buckets=uses_buckets and not copied)
    unshared: dict[str, list[str]] = {}
    for target in targets:
        shared = sharing.get(target.label)
        if shared is not None and not target.public and not shared.accounts and not shared.groups:
            unshared.setdefault(target.image_name, []).append(target.label)
    for name, labels in unshared.items():
        problem = f"nobody else may use {name} in the end: it is not public, and shared with no one"
        hint = "name accounts in the mapping or in the credentials"
        findings.append(Finding(problem, hint, Stops.NOTHING, ItemState.PENDING, tuple(labels)))
    return tuple(findings)


def _rhsm_findings(
    targets: Sequence[CommunityTarget], products: frozenset[RhsmProduct] | None, *, configured: bool, pre_push: bool
) -> list[Finding]:
    labels = tuple(each.label for each in targets)
    if not configured:
        stops = Stops.NOTHING if pre_push else Stops.RUN
        problem = "RHSM cannot be told of the images" if not pre_push else "RHSM is not asked whether it has the products"
        return [Finding(problem, "give --rhsm-url", stops, ItemState.PENDING, labels)] if targets else []
    if products is None:
        return []
    missing: dict[RhsmProduct, list[str]] = {}
    for target in targets:
        if target.rhsm_product not in products:
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
