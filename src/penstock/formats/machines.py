"""Dumps of a cluster's machine API: what ``oc get machinesets,… -A -o yaml`` prints, as YAML or JSON.

A dump is a ``List``, or several documents, of MachineSets and whatever else tells of the cluster: the ControlPlaneMachineSet
(openshift/api ``machine/v1``), ``Infrastructure`` and ``ClusterVersion`` (``config/v1``), ``MachineConfiguration`` (``operator/v1``).
Objects of other kinds are passed over.  What comes out are plain trees by kind, checked for the fields that are read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from penstock.formats.codec import decode, looks_like_json
from penstock.formats.jsontext import parse_json
from penstock.formats.text import DEFAULT_LIMIT_BYTES
from penstock.formats.yamltext import parse_yaml_all
from penstock.model.errors import InputError
from penstock.model.record import Tree

_MACHINE_GROUP = "machine.openshift.io/"


class Metadata(msgspec.Struct, frozen=True, rename="camel"):
    """Of any object."""

    name: str
    namespace: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[Any] | None = None


class _ProviderSpec(msgspec.Struct, frozen=True):
    value: dict[str, Any] = {}


class _MachineSpec(msgspec.Struct, frozen=True, rename="camel"):
    provider_spec: _ProviderSpec = _ProviderSpec()


class MachineTemplate(msgspec.Struct, frozen=True):
    """What machines are made from."""

    metadata: dict[str, Any] | None = None
    spec: _MachineSpec = _MachineSpec()

    @property
    def labels(self) -> Mapping[str, str]:
        """Those of the machines."""
        found = (self.metadata or {}).get("labels")
        return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


class _FamilyTemplate(msgspec.Struct, frozen=True):
    machines_v1beta1_machine_openshift_io: MachineTemplate = MachineTemplate()


class _MachineSetSpec(msgspec.Struct, frozen=True):
    template: MachineTemplate = MachineTemplate()
    replicas: int | None = None


class _ControlPlaneSpec(msgspec.Struct, frozen=True):
    template: _FamilyTemplate = _FamilyTemplate()
    replicas: int | None = None


class _MachineSet(msgspec.Struct, frozen=True):
    metadata: Metadata
    spec: _MachineSetSpec


class _ControlPlaneMachineSet(msgspec.Struct, frozen=True):
    metadata: Metadata
    spec: _ControlPlaneSpec


class _LabelRequirement(msgspec.Struct, frozen=True):
    key: str
    operator: str
    values: list[str] | None = None


class LabelSelector(msgspec.Struct, frozen=True, rename="camel"):
    """Kubernetes' own."""

    match_labels: dict[str, str] | None = None
    match_expressions: list[_LabelRequirement] | None = None


class _Partial(msgspec.Struct, frozen=True, rename="camel"):
    machine_resource_selector: LabelSelector | None = None


class _Selection(msgspec.Struct, frozen=True):
    mode: str
    partial: _Partial | None = None


class MachineManager(msgspec.Struct, frozen=True):
    """An entry of ``spec.managedBootImages.machineManagers``."""

    resource: str
    selection: _Selection

    @property
    def selector(self) -> LabelSelector:
        """Of a partial selection; empty elsewhere."""
        partial = self.selection.partial
        return (partial.machine_resource_selector if partial else None) or LabelSelector()


class _ManagedBootImages(msgspec.Struct, frozen=True, rename="camel"):
    machine_managers: list[MachineManager] | None = None


class _ManualSkew(msgspec.Struct, frozen=True):
    ocpVersion: str = ""  # noqa: N815  (the API's own spelling, beside rhcosVersion)
    rhcosVersion: str = ""  # noqa: N815


class SkewEnforcement(msgspec.Struct, frozen=True):
    """``spec.bootImageSkewEnforcement``."""

    mode: str = ""
    manual: _ManualSkew = _ManualSkew()


class MachineConfigurationSpec(msgspec.Struct, frozen=True, rename="camel"):
    """Of the ``MachineConfiguration`` named ``cluster``."""

    managed_boot_images: _ManagedBootImages | None = None
    boot_image_skew_enforcement: SkewEnforcement | None = None


class _MachineConfiguration(msgspec.Struct, frozen=True):
    spec: MachineConfigurationSpec = MachineConfigurationSpec()


class _AzurePlatform(msgspec.Struct, frozen=True, rename="camel"):
    cloud_name: str = ""


class _PlatformStatus(msgspec.Struct, frozen=True):
    type: str = ""
    azure: _AzurePlatform | None = None


class InfrastructureStatus(msgspec.Struct, frozen=True, rename="camel"):
    """Of the ``Infrastructure`` named ``cluster``."""

    platform_status: _PlatformStatus = _PlatformStatus()
    control_plane_topology: str = ""


class _Infrastructure(msgspec.Struct, frozen=True):
    status: InfrastructureStatus = InfrastructureStatus()


class HistoryEntry(msgspec.Struct, frozen=True):
    """One installation or update; the newest comes first."""

    state: str = ""
    version: str = ""


class _Desired(msgspec.Struct, frozen=True):
    architecture: str = ""


class ClusterVersionStatus(msgspec.Struct, frozen=True):
    """Of the ``ClusterVersion`` named ``version``."""

    history: list[HistoryEntry] | None = None
    desired: _Desired = _Desired()


class _ClusterVersion(msgspec.Struct, frozen=True):
    status: ClusterVersionStatus = ClusterVersionStatus()


@dataclass(frozen=True, slots=True)
class DumpedMachineSet:
    """A MachineSet or ControlPlaneMachineSet of a dump.

    Attributes:
        control_plane: whether it is the ControlPlaneMachineSet.
        metadata: of the object.
        template: of its machines.
        replicas: or None.
    """

    control_plane: bool
    metadata: Metadata
    template: MachineTemplate
    replicas: int | None


@dataclass(frozen=True, slots=True)
class MachineDump:
    """What a dump holds.

    Attributes:
        machine_sets: in the order of the document.
        infrastructure: or None.
        cluster_version: or None.
        machine_configuration: or None.
    """

    machine_sets: tuple[DumpedMachineSet, ...]
    infrastructure: InfrastructureStatus | None = None
    cluster_version: ClusterVersionStatus | None = None
    machine_configuration: MachineConfigurationSpec | None = None


def parse_machine_dump(content: bytes, *, subject: str, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> MachineDump:
    """Read a dump.

    Raises:
        InputError: it is no dump, or an object in it is broken; the message names the object.
    """
    if looks_like_json(content):
        documents: Sequence[Tree] = [parse_json(content, subject=subject, limit_bytes=limit_bytes)]
    else:
        documents = parse_yaml_all(content, subject=subject, limit_bytes=limit_bytes)
    return read_machine_objects(_objects(documents), subject=subject)


def read_machine_objects(objects: Iterable[Mapping[str, Tree]], *, subject: str) -> MachineDump:
    """Read single objects, as a dump or an API server gives them.

    Raises:
        InputError: an object is broken; the message names it.
    """
    machine_sets: list[DumpedMachineSet] = []
    infrastructure = cluster_version = machine_configuration = None
    seen = 0
    for tree in objects:
        seen += 1
        kind, group = tree.get("kind"), str(tree.get("apiVersion") or "")
        what = f"{subject}: {kind} {_name_of(tree)}"
        if kind == "MachineSet" and group.startswith(_MACHINE_GROUP):
            one = decode(tree, _MachineSet, subject=what)
            machine_sets.append(
                DumpedMachineSet(control_plane=False, metadata=one.metadata, template=one.spec.template, replicas=one.spec.replicas)
            )
        elif kind == "ControlPlaneMachineSet":
            plane = decode(tree, _ControlPlaneMachineSet, subject=what)
            template = plane.spec.template.machines_v1beta1_machine_openshift_io
            machine_sets.append(
                DumpedMachineSet(control_plane=True, metadata=plane.metadata, template=template, replicas=plane.spec.replicas)
            )
        elif kind == "Infrastructure":
            infrastructure = decode(tree, _Infrastructure, subject=what).status
        elif kind == "ClusterVersion":
            cluster_version = decode(tree, _ClusterVersion, subject=what).status
        elif kind == "MachineConfiguration":
            machine_configuration = decode(tree, _MachineConfiguration, subject=what).spec
    if seen == 0:
        raise InputError("this holds no Kubernetes objects", subject=subject, hint="make it with: oc get machinesets.machine -A -o yaml")
    return MachineDump(tuple(machine_sets), infrastructure, cluster_version, machine_configuration)


def _objects(documents: Sequence[Tree]) -> Iterable[Mapping[str, Tree]]:
    for document in documents:
        if not isinstance(document, Mapping) or "kind" not in document:
            continue
        items = document.get("items")
        if isinstance(items, list):
            item_kind = str(document["kind"]).removesuffix("List")
            for item in items:
                if isinstance(item, Mapping):
                    # Lists of one kind, as an API server gives them, do not repeat it in each item.
                    yield item if item.get("kind") else {**item, "kind": item_kind, "apiVersion": document.get("apiVersion")}
        else:
            yield document


def _name_of(tree: Mapping[str, Tree]) -> str:
    metadata = tree.get("metadata")
    return str(metadata.get("name") or "") if isinstance(metadata, Mapping) else ""
