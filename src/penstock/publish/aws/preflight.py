"""What of accounts, regions and buckets can be known to fail before the first byte moves."""

from collections.abc import Collection, Sequence

from penstock.model.push.aws import BucketState
from penstock.model.push.states import ItemState
from penstock.publish.aws.observing import Observed
from penstock.publish.aws.target import ImageTarget
from penstock.publish.findings import Finding, Stops

_NO_CREDENTIALS = "there are no credentials for this account"


def place_findings(targets: Sequence[ImageTarget], open_: Collection[str], observed: Observed, *, uses_buckets: bool) -> list[Finding]:
    """What is wrong with the places of ``targets``, each place once, in their order; pure.

    Args:
        targets: of the run.
        open_: the labels of those whose accounts there are credentials for.
        observed: see there.
        uses_buckets: whether bytes go through buckets.
    """
    closed: dict[tuple[str, str, bool], list[str]] = {}
    foreign: dict[tuple[str, str], list[str]] = {}
    for target in targets:
        region = observed.at(target.place)
        if target.label not in open_:
            closed.setdefault((target.account, _NO_CREDENTIALS, False), []).append(target.label)
        elif region.error:
            closed.setdefault((str(target.place), region.error, region.transient), []).append(target.label)
        elif uses_buckets and region.buckets.get(target.bucket) is BucketState.FOREIGN:
            foreign.setdefault((str(target.place), target.bucket), []).append(target.label)
    findings = []
    for (where, reason, transient), labels in closed.items():
        hint = "see --credentials" if reason == _NO_CREDENTIALS else "see that the account's keys may read there"
        hint = "nobody answered there: see the network and AWS_ENDPOINT_URL, or try again later" if transient else hint
        findings.append(Finding(f"{where}: {reason}", hint, Stops.TARGETS, ItemState.UPLOADFAILED, tuple(labels), transient=transient))
    for (where, bucket), labels in foreign.items():
        problem, hint = f"{where}: the bucket {bucket} is another account's", "give another --container-prefix, or AWS_S3_BUCKET"
        findings.append(Finding(problem, hint, Stops.TARGETS, ItemState.UPLOADFAILED, tuple(labels)))
    return findings
