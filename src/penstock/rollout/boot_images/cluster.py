"""What of a cluster the boot-image rules look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from penstock.model.arch import Arch


class Resource(StrEnum):
    """What is managed, in the spelling of ``MachineConfiguration``."""

    MACHINE_SETS = "machinesets"
    CONTROL_PLANE_MACHINE_SETS = "controlplanemachinesets"


class Mode(StrEnum):
    """How many of a resource are managed."""

    ALL = "All"
    PARTIAL = "Partial"
    NONE = "None"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One expression of a label selector.

    Attributes:
        key: of the label.
        operator: ``In``, ``NotIn``, ``Exists`` or ``DoesNotExist``.
        values: for the first two.
    """

    key: str
    operator: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manager:
    """One entry of ``spec.managedBootImages.machineManagers``.

    Attributes:
        resource: which.
        mode: how many.
        match_labels: with ``Partial``, labels that must be there.
        match_expressions: with ``Partial``, expressions that must hold too.
    """

    resource: Resource
    mode: Mode
    match_labels: Mapping[str, str] = field(default_factory=dict)
    match_expressions: Sequence[Requirement] = ()


@dataclass(frozen=True, slots=True)
class MachineSet:
    """A MachineSet, or the ControlPlaneMachineSet.

    Attributes:
        resource: which of the two.
        namespace: usually ``openshift-machine-api``.
        name: of the object.
        labels: its own.
        annotations: its own.
        template_labels: of the machines that it makes.
        owned: whether it has an owner reference.
        replicas: how many machines, or None where it does not say.
        provider: the provider's specification, as it stands.
    """

    resource: Resource
    namespace: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    template_labels: Mapping[str, str] = field(default_factory=dict)
    owned: bool = False
    replicas: int | None = None
    provider: Mapping[str, object] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        """``namespace/name``."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class SkewPolicy:
    """``spec.bootImageSkewEnforcement`` of ``MachineConfiguration``.

    Attributes:
        mode: ``Manual`` or ``None``.
        ocp_version: with ``Manual``, the OpenShift version of the boot images, or ``""``.
        rhcos_version: with ``Manual``, the build of the boot images, or ``""``.
    """

    mode: str
    ocp_version: str = ""
    rhcos_version: str = ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster, as far as boot images go.

    Attributes:
        platform: ``AWS``, ``Azure``, ``GCP``, ``VSphere``, ``BareMetal`` …, as the ``Infrastructure`` says; ``""`` where nobody tells.
        azure_cloud: ``AzurePublicCloud``, ``AzureStackCloud`` …, or ``""``.
        single_node: whether the control plane is one node.
        multi_arch: whether the release is for several architectures.
        control_plane_arch: of the control plane.
        install_version: of the oldest completed installation or update; ``0.0.0`` where the ClusterVersion has no history, ``""`` where
            there is no ClusterVersion.
        managers: the opt-in API's entries; None where it says nothing, which is not the same as none.
        skew: the policy, or None where nothing is said.
        machine_sets: MachineSets and the ControlPlaneMachineSet, in the order of the document.
    """

    platform: str = ""
    azure_cloud: str = ""
    single_node: bool = False
    multi_arch: bool = False
    control_plane_arch: Arch = Arch.X86_64
    install_version: str = ""
    managers: tuple[Manager, ...] | None = None
    skew: SkewPolicy | None = None
    machine_sets: tuple[MachineSet, ...] = ()
