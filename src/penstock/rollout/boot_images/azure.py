"""Azure: legacy uploads and marketplace images become the stream's marketplace image of the same plan and generation.

``pkg/controller/bootimage/platform_helpers.go`` as of release 5.0: ``gen2`` in a SKU is understood, a missing Gen1 entry is a skip, and
machine sets with a security type count as skipped.
"""

from collections.abc import Mapping
from typing import Final

from penstock.model.arch import Arch
from penstock.model.marketplace import AzureMarketplace, AzureMarketplaceImage, Generation, PurchasePlan, plan_of_offer
from penstock.model.record import given
from penstock.model.stream import StreamArch
from penstock.rollout.boot_images.cluster import MachineSet
from penstock.rollout.boot_images.decision import Decision, Outcome, failed, skipped

_FIELDS: Final = ("publisher", "offer", "sku", "version", "resourceID", "type")
_UNPAID_PUBLISHER: Final = "azureopenshift"
_NO_PLAN: Final = "MarketplaceNoPlan"
_WITH_PLAN: Final = "MarketplaceWithPlan"
_NO_MARKETPLACE_ARCHES: Final = frozenset({Arch.PPC64LE, Arch.S390X})


def decide(machine_set: MachineSet, arch: Arch, stream_arch: StreamArch | None) -> Decision:
    """What becomes of a machine set on Azure."""
    image = _image_of(machine_set)
    before = _name_of(image)
    if arch in _NO_MARKETPLACE_ARCHES:
        return Decision(Outcome.UNCHANGED, f"{arch} has no images in Azure", before=before)
    security_type = _security_type(machine_set)
    if security_type:
        return skipped(f"its machines have the security type {security_type}, which marketplace images do not support", before=before)
    plan = _plan_of(image)
    if plan is None:
        return failed("could not determine azure marketplace variant, cannot update boot images", before=before)
    if stream_arch is None:
        return failed(f"the stream does not have the architecture {arch}", before=before)
    marketplace = _marketplace(stream_arch)
    if marketplace is None:
        return skipped(f"the stream has no Azure marketplace images for {arch}", before=before)
    generation, notes = _generation_of(image, arch, plan)
    images = marketplace.plan(plan)
    target = images.image(generation) if images else None
    if target is None:
        missing = f"the stream has no {generation} image of the plan {plan} for {arch}"
        if images is not None and generation is Generation.GEN1:
            return skipped(missing, before=before)
        return failed(missing, before=before)
    wanted = _fields_of(target, plan)
    if image == wanted:
        return Decision(Outcome.UNCHANGED, "it has the stream's image already", before=before, release=target.version, notes=notes)
    return Decision(
        Outcome.PATCHED,
        _why(image, wanted),
        before=before,
        after=target.urn,
        release=target.version,
        patch={"image": wanted},
        notes=notes,
    )


def _image_of(machine_set: MachineSet) -> dict[str, str]:
    found = machine_set.provider.get("image")
    image = found if isinstance(found, Mapping) else {}
    return {name: str(image.get(name) or "") for name in _FIELDS}


def _name_of(image: Mapping[str, str]) -> str:
    if image["resourceID"]:
        return image["resourceID"]
    return ":".join(image[name] for name in _FIELDS[:4]) if image["publisher"] else ""


def _security_type(machine_set: MachineSet) -> str:
    profile = machine_set.provider.get("securityProfile")
    settings = profile.get("settings") if isinstance(profile, Mapping) else None
    found = settings.get("securityType") if isinstance(settings, Mapping) else None
    return str(found or "")


def _plan_of(image: Mapping[str, str]) -> PurchasePlan | None:
    if image["resourceID"] or image["publisher"].casefold() == _UNPAID_PUBLISHER:
        return PurchasePlan.NO_PURCHASE_PLAN
    return plan_of_offer(image["publisher"], image["offer"])


def _marketplace(stream_arch: StreamArch) -> AzureMarketplace | None:
    extensions = given(stream_arch.rhel_coreos_extensions)
    marketplace = given(extensions.marketplace) if extensions else None
    return given(marketplace.azure) if marketplace else None


def _generation_of(image: Mapping[str, str], arch: Arch, plan: PurchasePlan) -> tuple[Generation, tuple[str, ...]]:
    """The generation that the operator reads from an image, and a note where the image is of the other one."""
    sku = image["sku"]
    names_gen2 = "v2" in sku or "gen2" in sku
    if image["resourceID"]:
        return (Generation.GEN2 if "gen2" in image["resourceID"] else Generation.GEN1), ()
    if image["type"] == _NO_PLAN:
        return (Generation.GEN2 if names_gen2 or arch is Arch.AARCH64 else Generation.GEN1), ()
    if "gen1" in sku:
        return Generation.GEN1, ()
    if not plan.paid and not names_gen2 and arch is not Arch.AARCH64:
        return Generation.GEN2, (f"the type of the image is not {_NO_PLAN}, so its SKU {sku} is taken for one of Gen2, and it is of Gen1",)
    return Generation.GEN2, ()


def _fields_of(image: AzureMarketplaceImage, plan: PurchasePlan) -> dict[str, str]:
    return {
        "publisher": image.publisher,
        "offer": image.offer,
        "sku": image.sku,
        "version": image.version,
        "resourceID": "",
        "type": _WITH_PLAN if plan.paid else _NO_PLAN,
    }


def _why(image: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    if image["resourceID"]:
        return "its image was uploaded at installation; the marketplace image of the same generation takes its place"
    changed = [name for name in _FIELDS if image[name] != wanted[name]]
    if changed == ["type"]:
        return "the image is the stream's, and its type is not said"
    return "the stream has another image: " + ", ".join(f"{name} {image[name] or 'unset'}" for name in changed)
