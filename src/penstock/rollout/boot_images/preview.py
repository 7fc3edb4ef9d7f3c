"""What a new stream would do to a whole cluster, before it is merged."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.model.stream import Stream
from penstock.rollout.boot_images import aws, azure, gcp, vsphere
from penstock.rollout.boot_images.aws import KnownImages
from penstock.rollout.boot_images.cluster import Cluster, MachineSet
from penstock.rollout.boot_images.decision import Decision, Outcome, check_common
from penstock.rollout.boot_images.selection import unmanaged_reason
from penstock.rollout.boot_images.skew import SkewVerdict, judge


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen.

    Attributes:
        decisions: each machine set with what becomes of it, in the order of the cluster's document.
        skew: whether upgrades would be blocked afterwards.
    """

    decisions: Sequence[tuple[MachineSet, Decision]]
    skew: SkewVerdict

    @property
    def counts(self) -> Mapping[Outcome, int]:
        """How many of each outcome."""
        found = Counter(decision.outcome for _, decision in self.decisions)
        return {outcome: found[outcome] for outcome in Outcome}

    @property
    def fails(self) -> bool:
        """Whether something fails, or upgrades would be blocked."""
        return self.skew.blocked is True or self.counts[Outcome.FAILED] > 0


def preview(cluster: Cluster, stream: Stream, *, known: KnownImages, release_version: str = "") -> Preview:
    """What the machine-config operator would do with the default stream ``stream``.

    Args:
        cluster: the cluster.
        stream: what ``data.stream`` of the boot images would be, marketplace images included.
        known: what the catalogue of AWS said; empty for other clouds.
        release_version: of the release that brings the stream, or ``""``.
    """
    decisions = [(machine_set, decide(cluster, machine_set, stream, known)) for machine_set in cluster.machine_sets]
    managed = [decision for _, decision in decisions if decision.outcome is not Outcome.UNMANAGED]
    return Preview(decisions, judge(cluster, managed, release_version=release_version))


def decide(cluster: Cluster, machine_set: MachineSet, stream: Stream, known: KnownImages) -> Decision:
    """What becomes of one machine set."""
    reason = unmanaged_reason(cluster, machine_set)
    if reason:
        return Decision(Outcome.UNMANAGED, reason)
    arch = check_common(cluster, machine_set)
    if isinstance(arch, Decision):
        return arch
    stream_arch = stream.architectures.get(arch.value)
    match cluster.platform:
        case "AWS":
            return aws.decide(machine_set, arch, stream_arch, known)
        case "Azure":
            return azure.decide(machine_set, arch, stream_arch)
        case "GCP":
            return gcp.decide(machine_set, arch, stream_arch)
        case _:
            return vsphere.decide(machine_set, arch, stream_arch)
