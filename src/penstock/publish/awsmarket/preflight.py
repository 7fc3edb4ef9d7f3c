"""Everything that can be known to fail before the first byte moves; all of it is told at once."""

from collections.abc import Collection, Sequence

from penstock.model.push.awsmarket import AMI_PRODUCT
from penstock.model.push.states import ItemState
from penstock.publish.aws.observing import Observed
from penstock.publish.aws.preflight import place_findings
from penstock.publish.awsmarket.observing import ObservedMarket
from penstock.publish.awsmarket.target import AwsMarketTarget
from penstock.publish.findings import Finding, Stops

MARKET_REGION = "us-east-1"
"""Where the marketplace takes images from."""


def preflight(
    targets: Sequence[AwsMarketTarget], opened: Collection[str], observed: Observed, market: ObservedMarket, *, uses_buckets: bool
) -> tuple[Finding, ...]:
    """What is wrong, in the order of the targets; pure.

    ===================================================  =========  ==============
    what                                                 stops      state
    ===================================================  =========  ==============
    a region that cannot be read, another's bucket       targets    UPLOADFAILED
    there is no such product, or it cannot be read       targets    UPLOADFAILED
    the product is none of AMIs, or of another type      targets    UPLOADFAILED
    than the mapping says
    the image is made in another region than us-east-1   nothing
    another change set of the product has not ended      nothing
    ===================================================  =========  ==============

    What has no credentials is no target.  The Catalog is not asked with ``--pre-push``, and nothing is said of products then.

    Args:
        targets: of the run.
        opened: labels of those whose accounts are open.
        observed: of images.
        market: of products.
        uses_buckets: see :func:`~penstock.publish.aws.preflight.place_findings`.
    """
    findings = place_findings(targets, opened, observed, uses_buckets=uses_buckets)
    told: dict[tuple[str, str, Stops], list[str]] = {}
    for target in targets:
        for problem, hint, stops in _of_product(target, market):
            told.setdefault((problem, hint, stops), []).append(target.label)
        if target.place.region != MARKET_REGION and target.details is not None:
            problem = f"the image is made in {target.place.region}, and AWS Marketplace takes images from {MARKET_REGION}"
            told.setdefault((problem, "see AWS_REGION of the credentials, and region of the meta", Stops.NOTHING), []).append(target.label)
    for (problem, hint, stops), labels in told.items():
        state = ItemState.UPLOADFAILED if stops is Stops.TARGETS else ItemState.PENDING
        findings.append(Finding(problem, hint, stops, state, tuple(labels)))
    return tuple(findings)


def _of_product(target: AwsMarketTarget, market: ObservedMarket) -> list[tuple[str, str, Stops]]:
    found, where = market.of(target.account, target.product), f"{target.account} {target.product}"
    if found.error:
        hint = "see the destination of the mapping, and AWS_MARKETPLACE_ACCESS_KEY of the credentials"
        return [(f"{where}: {found.error}", hint, Stops.TARGETS)]
    if found.product is None:
        return []
    if found.product.type != AMI_PRODUCT:
        return [(f"{where}: it is an {found.product.type}, and no {AMI_PRODUCT}", "see the destination of the mapping", Stops.TARGETS)]
    if target.product_type != AMI_PRODUCT:
        problem = f"{where}: it is an {AMI_PRODUCT}, and the mapping says {target.product_type}"
        return [(problem, "see marketplace_entity_type of the meta", Stops.TARGETS)]
    return [(f"{where}: the change set {each.id} has not ended, and is waited for", "", Stops.NOTHING) for each in found.running[:1]]
