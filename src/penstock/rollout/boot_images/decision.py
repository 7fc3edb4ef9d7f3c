"""What becomes of one MachineSet, and the checks that are the same on every platform, in the operator's order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.rollout.boot_images.cluster import Cluster, MachineSet, Resource

OS_STREAM_LABEL = "machineconfiguration.openshift.io/osstream"
MANAGED_OS_STREAM = "rhel-9"
"""The one stream whose MachineSets the operator updates: it reads ``data.stream`` alone."""
WINDOWS_LABEL = "machine.openshift.io/os-id"
CAPACITY_ANNOTATION = "capacity.cluster-autoscaler.kubernetes.io/labels"
_ARCH_LABEL = "kubernetes.io/arch"
_ARCHES = {"amd64": Arch.X86_64, "arm64": Arch.AARCH64, "ppc64le": Arch.PPC64LE, "s390x": Arch.S390X}


class Outcome(StrEnum):
    """What the operator would do."""

    PATCHED = "patched"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"
    """An error; the operator becomes Degraded."""
    UNMANAGED = "unmanaged"
    """It does not look at it."""
    UNDECIDED = "undecided"
    """It depends on something that only the cloud knows."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one MachineSet.

    Attributes:
        outcome: see :class:`Outcome`.
        reason: one sentence for people, without a full stop.
        before: the boot image that it has, as the platform names it, or ``""``.
        after: the boot image that it would have; ``""`` where nothing changes.
        counts: whether a skip resets what the operator believes about the age of the boot images.
        release: the build of the image after the decision where that is known, or ``""``.
        sold_apart: whether the image is of a marketplace that lags behind releases (AWS): the operator then records its build, and not the
            release's version, for skew.
        patch: what would be merged into the provider's specification.
        notes: traps that the operator would walk into.
    """

    outcome: Outcome
    reason: str
    before: str = ""
    after: str = ""
    counts: bool = False
    release: str = ""
    sold_apart: bool = False
    patch: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def skipped(reason: str, *, before: str = "", counts: bool = True) -> Decision:
    """A skip."""
    return Decision(Outcome.SKIPPED, reason, before=before, counts=counts)


def failed(reason: str, *, before: str = "") -> Decision:
    """An error."""
    return Decision(Outcome.FAILED, reason, before=before)


def check_common(cluster: Cluster, machine_set: MachineSet) -> Decision | Arch:
    """The checks before any platform's: a decision where one of them ends it, else the architecture of the machines."""
    if machine_set.owned:
        return skipped("another object owns it")
    stream = machine_set.labels.get(OS_STREAM_LABEL)
    if stream is not None and stream != MANAGED_OS_STREAM:
        return skipped(f"it is of the OS stream {stream}; only {MANAGED_OS_STREAM} is updated", counts=False)
    if machine_set.template_labels.get(WINDOWS_LABEL) == "Windows":
        return skipped("its machines run Windows", counts=False)
    if machine_set.resource is Resource.CONTROL_PLANE_MACHINE_SETS:
        return cluster.control_plane_arch  # known without an annotation, which it usually lacks
    annotation = machine_set.annotations.get(CAPACITY_ANNOTATION)
    if annotation is None:
        if cluster.multi_arch:
            return skipped(f"the release has several architectures, and the annotation {CAPACITY_ANNOTATION} is missing")
        return cluster.control_plane_arch
    try:
        return _arch_of(annotation)
    except InputError as error:
        return failed(error.message)


def _arch_of(annotation: str) -> Arch:
    for part in annotation.split(","):
        key, equals, value = part.strip().partition("=")
        if key.strip() == _ARCH_LABEL and equals:
            arch = _ARCHES.get(value.strip())
            if arch is None:
                raise InputError(f"the annotation {CAPACITY_ANNOTATION} names the unknown architecture {value.strip()!r}")
            return arch
    raise InputError(f"the annotation {CAPACITY_ANNOTATION} holds no {_ARCH_LABEL}")
