"""Google Cloud: boot disks whose image is one of ``rhcos-cloud`` get the stream's; any other image leaves the whole machine set alone."""

from collections.abc import Mapping

from penstock.model.arch import Arch
from penstock.model.record import given
from penstock.model.stream import StreamArch
from penstock.rollout.boot_images.cluster import MachineSet
from penstock.rollout.boot_images.decision import Decision, Outcome, skipped

_OURS = "projects/rhcos-cloud/global/images"


def decide(machine_set: MachineSet, arch: Arch, stream_arch: StreamArch | None) -> Decision:
    """What becomes of a machine set in Google Cloud."""
    found = machine_set.provider.get("disks")
    disks = [disk for disk in found if isinstance(disk, Mapping)] if isinstance(found, list) else []
    boot_images = [str(disk.get("image") or "") for disk in disks if disk.get("boot") is True]
    before = ", ".join(boot_images)
    images = given(stream_arch.images) if stream_arch else None
    gcp = given(images.gcp) if images else None
    name = given(gcp.name) if gcp else None
    if gcp is None or not name:
        return skipped(f"the stream has no Google Cloud image for {arch}", before=before)
    release = given(gcp.release) or ""
    target = f"projects/{given(gcp.project)}/global/images/{name}"
    if all(image == target for image in boot_images):
        reason = "it has the stream's image already" if boot_images else "it has no boot disk"
        return Decision(Outcome.UNCHANGED, reason, before=before, release=release)
    for image in boot_images:
        if image != target and not image.startswith(_OURS):
            return skipped("its image is none of rhcos-cloud: from the marketplace, or the user's own", before=before)
    patched = [{**disk, "image": target} if disk.get("boot") is True else dict(disk) for disk in disks]
    return Decision(Outcome.PATCHED, "the stream has another image", before=before, after=target, release=release, patch={"disks": patched})
