"""What marketplace images are called in Google Cloud: the plan, the version, the architecture and the time of the build are in the name.

The forms are those of the published install configurations; Google's own record of an image tells less.
"""

import re
from dataclasses import dataclass
from typing import Final

from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.marketplace import PurchasePlan
from penstock.model.versions.openshift import RHEL_OF_OPENSHIFT
from penstock.model.versions.parts import MajorMinor, Stamp

MARKETPLACE_PROJECT: Final = "redhat-marketplace-public"
PLANS: Final = (PurchasePlan.OCP, PurchasePlan.OPP, PurchasePlan.OKE)
"""The plans that are sold in Google Cloud."""
PREFIXES: Final = ("redhat-coreos-", "ocp-", "opp-", "oke-")
"""How the names begin: today's, and those of the first releases (``ocp-48-x86-64-202210040145``)."""

_NAME = re.compile(
    r"(?:redhat-coreos-)?(?P<plan>ocp|opp|oke)-(?:(?P<digits>[0-9]{2,4})|(?P<major>[0-9]{1,2})-(?P<minor>[0-9]{1,2}))"
    r"-(?P<arch>x86-64|aarch64|arm64)-(?P<stamp>[0-9]{12}|[0-9]{8})"
)
_ARCHES = {"x86-64": Arch.X86_64, "aarch64": Arch.AARCH64, "arm64": Arch.AARCH64}
_OPENSHIFT_MAJORS = range(4, 8)
_TWO_DIGIT_MAJORS = "123"


@dataclass(frozen=True, slots=True)
class GcpMarketplaceName:
    """What the name of a marketplace image tells.

    Attributes:
        plan: who may use it.
        ocp: the version of OpenShift; None where the name has that of RHEL.
        rhel: the version of RHEL, from the name or by OpenShift's version.
        arch: of the machine.
        stamp: of the build.
    """

    plan: PurchasePlan
    ocp: MajorMinor | None
    rhel: MajorMinor
    arch: Arch
    stamp: Stamp


def read_marketplace_name(name: str) -> GcpMarketplaceName | None:
    """What ``name`` tells; None for the name of something else, or of a release whose RHEL is not known here.

    >>> found = read_marketplace_name("redhat-coreos-ocp-413-x86-64-202305021736")
    >>> str(found.ocp), str(found.rhel), str(found.stamp)
    ('4.13', '9.2', '202305021736')
    >>> str(read_marketplace_name("redhat-coreos-oke-96-x86-64-202602101200").rhel)
    '9.6'
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    version = MajorMinor(int(found["major"]), int(found["minor"])) if found["major"] else _version_of(found["digits"])
    try:
        stamp = Stamp.parse(found["stamp"])
    except InputError:
        return None
    ocp = version if version.major in _OPENSHIFT_MAJORS else None
    bases = (version,) if ocp is None else RHEL_OF_OPENSHIFT.get(ocp, ())
    if not bases:
        return None
    return GcpMarketplaceName(PurchasePlan(found["plan"]), ocp, bases[0], _ARCHES[found["arch"]], stamp)


def _version_of(digits: str) -> MajorMinor:
    """``413`` is 4.13, ``96`` is 9.6, ``102`` is 10.2: a first digit of 1 to 3 begins a major version of two digits."""
    length = 2 if digits[0] in _TWO_DIGIT_MAJORS else 1
    return MajorMinor(int(digits[:length]), int(digits[length:] or 0))
