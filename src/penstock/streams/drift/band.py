"""The one promise for images in the AWS Marketplace: of each product there is one that a machine may boot.

As the check of the machine-config operator has it (openshift/machine-config-operator, ``devex/cmd/check-aws-marketplace-skew``): of a
product at least one image is of a RHEL between a floor, the oldest that skew enforcement still lets upgrade, and a ceiling, that of the
stream.  Releases named after OpenShift (``418.94…``) do not count; one minor behind does.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError
from penstock.model.marketplace import PurchasePlan
from penstock.model.versions import FcosVersion, LegacyVersion, MajorMinor, RhelVersion, parse_version
from penstock.streams.drift.statuses import Observation

DEFAULT_FLOOR: Final = MajorMinor(9, 2)
"""The limit of skew enforcement (openshift/machine-config-operator, ``pkg/controller/common/constants.go``)."""


_RHEL: Final = re.compile(r"(?P<major>[1-9][0-9]?)\.(?P<minor>0|[1-9][0-9]?)")


def parse_rhel(text: str) -> MajorMinor:
    """Read ``9.2``.

    Raises:
        InputError: it is no version of RHEL.
    """
    found = _RHEL.fullmatch(text)
    if found is None:
        raise InputError(f"{text!r} is no version of RHEL", hint="write 9.2")
    return MajorMinor(int(found["major"]), int(found["minor"]))


def outside_the_band(observations: Iterable[Observation], floor: MajorMinor) -> Mapping[tuple[Arch, PurchasePlan], str]:
    """The products of the AWS Marketplace without an image in the band, each with the reason; none where the stream tells no RHEL."""
    products: dict[tuple[Arch, PurchasePlan], list[Observation]] = defaultdict(list)
    for seen in observations:
        if seen.slot.cloud is Cloud.AWS and seen.slot.plan is not None:
            products[seen.slot.arch, seen.slot.plan].append(seen)
    found = {}
    for product, members in products.items():
        ceiling = _rhel_of(members[0].target, older_too=True)
        tokens = {token for seen in members if (token := _rhel_of(seen.version))}
        if ceiling is not None and not any(floor <= token <= ceiling for token in tokens):
            held = ", ".join(str(token) for token in sorted(tokens)) or "none that is named after RHEL"
            found[product] = f"no image of this product is of RHEL {floor} to {ceiling} (there is {held})"
    return found


def _rhel_of(text: str, *, older_too: bool = False) -> MajorMinor | None:
    try:
        build = parse_version(text)
    except InputError:
        return None
    match build:
        case RhelVersion():
            return build.rhel
        case LegacyVersion() if older_too:
            return build.rhel
        case FcosVersion() | LegacyVersion():
            return None
