"""Another stream's images, where this one has none and somebody asked for them.

As the installer does for RHEL 10: each plan that came out empty is copied whole from the other stream's file, and a plan that has the
second generation alone does not get the first one.  Here it is written down which images came so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError
from penstock.model.marketplace import AzureMarketplaceImage, Generation, PurchasePlan
from penstock.model.record import given
from penstock.model.versions.azure import AzureImageVersion
from penstock.model.versions.parts import MajorMinor
from penstock.streams.populate.azure_target import azure_targets
from penstock.streams.populate.entries import Finding, Rule, Slot
from penstock.streams.populate.request import PopulateRequest

_NOTHING = frozenset({Rule.KEPT, Rule.PRUNED, Rule.ABSENT, Rule.UNFIT})


def with_fallback(request: PopulateRequest, findings: Sequence[Finding]) -> list[Finding]:
    """The findings, and for plans that came out empty those of the fallback.

    A plan that keeps an entry of the stream's own RHEL major is not empty.
    """
    if request.fallback is None:
        return list(findings)
    groups: dict[tuple[Arch, PurchasePlan | None], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.slot.arch, finding.slot.plan), []).append(finding)
    rhel = {arch: target.rhel for arch, target in azure_targets(request).items()}
    filled: list[Finding] = []
    for (arch, plan), group in groups.items():
        copied = _copies(request, arch, plan) if plan is not None and all(_is_nothing(finding, rhel[arch]) for finding in group) else {}
        found = {finding.slot: finding for finding in group}
        filled += [_replaced(request, slot, found.get(slot), copied.get(slot)) for slot in _slots(arch, plan, group, copied)]
    return filled


def _is_nothing(finding: Finding, rhel: MajorMinor) -> bool:
    if finding.rule not in _NOTHING:
        return False
    if finding.rule is not Rule.KEPT or not isinstance(finding.image, AzureMarketplaceImage):
        return True
    try:
        return AzureImageVersion(finding.image.version).rhel.major != rhel.major
    except InputError:
        return False


def _copies(request: PopulateRequest, arch: Arch, plan: PurchasePlan) -> dict[Slot, AzureMarketplaceImage]:
    entry = (request.fallback or {}).get(arch.value)
    azure = given(entry.azure) if entry else None
    images = azure.plan(plan) if azure else None
    found = {Slot(Cloud.AZURE, arch, plan, generation): images.image(generation) for generation in Generation} if images else {}
    return {slot: image for slot, image in found.items() if image is not None}


def _slots(arch: Arch, plan: PurchasePlan | None, group: Sequence[Finding], copied: Iterable[Slot]) -> list[Slot]:
    wanted = {finding.slot for finding in group} | set(copied)
    return [slot for generation in Generation if (slot := Slot(Cloud.AZURE, arch, plan, generation)) in wanted]


def _replaced(request: PopulateRequest, slot: Slot, finding: Finding | None, image: AzureMarketplaceImage | None) -> Finding:
    if image is None:
        assert finding is not None
        return finding
    why = f"; {finding.reason}" if finding is not None and finding.reason else ""
    made = finding or Finding(slot, Rule.FALLBACK)
    reason = f"copied from {request.fallback_name}{why}"
    return replace(made, rule=Rule.FALLBACK, image=image, reason=reason, fallback_of=request.fallback_name, error=None)
