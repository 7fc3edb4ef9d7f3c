"""vSphere: the operator uploads the stream's OVA as a new template, unless the present template is of that release."""

from penstock.model.arch import Arch
from penstock.model.record import given
from penstock.model.stream import StreamArch
from penstock.rollout.boot_images.cluster import MachineSet
from penstock.rollout.boot_images.decision import Decision, Outcome, failed


def decide(machine_set: MachineSet, arch: Arch, stream_arch: StreamArch | None) -> Decision:
    """What becomes of a machine set on vSphere; the release of a template is known to vCenter alone."""
    before = str(machine_set.provider.get("template") or "")
    artifacts = (given(stream_arch.artifacts) or {}) if stream_arch else {}
    vmware = artifacts.get("vmware")
    release = given(vmware.release) if vmware else None
    if stream_arch is None or vmware is None or not release or stream_arch.disk("vmware", "ova") is None:
        return failed(f"the stream has no OVA for {arch}", before=before)
    if release in before:
        return Decision(Outcome.UNCHANGED, "its template is of the stream's release, by its name", before=before, release=release)
    reason = f"a new template of {release} takes its place unless it is of that release; vCenter alone knows"
    return Decision(Outcome.UNDECIDED, reason, before=before, after=f"template of {release}", release=release)
