"""What the series of images are called in the Azure marketplace: tables, by plan and by release of OpenShift.

ARO, who publishes the images without a purchase plan, changed its spelling twice; around the changes both are asked for.  The names of the
paid offers have no release in them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from penstock.model.arch import Arch
from penstock.model.catalogue import AzureSku
from penstock.model.marketplace import Generation, PurchasePlan
from penstock.model.versions.parts import MajorMinor

Machine = tuple[Arch, Generation]

MACHINES: Final[tuple[Machine, ...]] = (
    (Arch.AARCH64, Generation.GEN2),
    (Arch.X86_64, Generation.GEN1),
    (Arch.X86_64, Generation.GEN2),
)
"""What Azure's machines are, as far as images are made for them, in the order of the file: the Arm ones never had a first generation."""


@dataclass(frozen=True, slots=True)
class Naming:
    """How the series of one span of releases are called.

    Attributes:
        since: the first release that is called so.
        until: the last release for which this is tried, or None.
        patterns: for each kind of machine the name, with ``{line}`` (``420``), ``{major}`` and ``{minor}`` in it.
    """

    since: MajorMinor
    until: MajorMinor | None
    patterns: Mapping[Machine, str]

    def covers(self, release: MajorMinor) -> bool:
        """Whether ``release`` may be called so."""
        return self.since <= release and (self.until is None or release <= self.until)


UNPAID_PUBLISHER: Final = "azureopenshift"
UNPAID_OFFER: Final = "aro4"
UNPAID_NAMINGS: Final = (
    Naming(
        MajorMinor(5, 0),
        None,
        {
            (Arch.AARCH64, Generation.GEN2): "aro_{major}-{minor}_arm_gen2",
            (Arch.X86_64, Generation.GEN2): "aro_{major}-{minor}_x64_gen2",
        },
    ),
    Naming(
        MajorMinor(4, 20),
        MajorMinor(4, 99),
        {
            (Arch.AARCH64, Generation.GEN2): "aro_{line}-arm",
            (Arch.X86_64, Generation.GEN1): "aro_{line}",
            (Arch.X86_64, Generation.GEN2): "aro_{line}-v2",
        },
    ),
    Naming(
        MajorMinor(4, 0),
        MajorMinor(4, 22),
        {
            (Arch.AARCH64, Generation.GEN2): "{line}-arm",
            (Arch.X86_64, Generation.GEN1): "aro_{line}",
            (Arch.X86_64, Generation.GEN2): "{line}-v2",
        },
    ),
)
"""Newest first.  The second spelling is that of 4.22 and the third that of 4.21; from 4.20 to 4.22 both are tried."""
_CHANGE_OF_SPELLING: Final = MajorMinor(4, 22)

PAID_PUBLISHERS: Final[Mapping[PurchasePlan, str]] = {
    PurchasePlan.OCP: "redhat",
    PurchasePlan.OPP: "redhat",
    PurchasePlan.OKE: "redhat",
    PurchasePlan.OCP_EMEA: "redhat-limited",
    PurchasePlan.OPP_EMEA: "redhat-limited",
    PurchasePlan.OKE_EMEA: "redhat-limited",
}
PAID_OFFERS: Final[Mapping[PurchasePlan, str]] = {
    PurchasePlan.OCP: "rh-ocp-worker",
    PurchasePlan.OPP: "rh-opp-worker",
    PurchasePlan.OKE: "rh-oke-worker",
    PurchasePlan.OCP_EMEA: "rh-ocp-worker",
    PurchasePlan.OPP_EMEA: "rh-opp-worker",
    PurchasePlan.OKE_EMEA: "rh-oke-worker",
}
_PAID_SUFFIXES: Final[Mapping[Generation, str]] = {Generation.GEN1: "-gen1", Generation.GEN2: ""}


def skus_for(plan: PurchasePlan, machine: Machine, release: MajorMinor) -> tuple[AzureSku, ...]:
    """The series that may hold the image, the newest spelling first; none where there is no such image.

    Paid plans are for x86_64 alone.
    """
    if plan.paid:
        return (paid_sku(plan, machine[1]),) if machine in MACHINES and machine[0] is Arch.X86_64 else ()
    names = dict.fromkeys(_name(naming, machine, release) for naming in UNPAID_NAMINGS if naming.covers(release))
    return tuple(AzureSku(UNPAID_PUBLISHER, UNPAID_OFFER, name) for name in names if name)


def upstream_skus_for(plan: PurchasePlan, machine: Machine, release: MajorMinor) -> tuple[AzureSku, ...]:
    """The one series that the installer's program asks for, at the revision that belongs to ``release``; none where it asks for none.

    It asks for the paid images of the Arm too, and finds out by their architecture that there are none.
    """
    if plan.paid:
        return (paid_sku(plan, machine[1]),)
    spellings = skus_for(plan, machine, release)
    return spellings[:1] if release >= _CHANGE_OF_SPELLING else spellings[-1:]


def paid_sku(plan: PurchasePlan, generation: Generation) -> AzureSku:
    """The series of a paid plan."""
    offer = PAID_OFFERS[plan]
    return AzureSku(PAID_PUBLISHERS[plan], offer, offer + _PAID_SUFFIXES[generation])


def _name(naming: Naming, machine: Machine, release: MajorMinor) -> str:
    pattern = naming.patterns.get(machine, "")
    return pattern.format(line=f"{release.major}{release.minor}", major=release.major, minor=release.minor)
