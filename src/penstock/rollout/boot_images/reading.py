"""From a dump of a cluster's objects to what the rules look at."""

from penstock.formats.machines import DumpedMachineSet, MachineDump, MachineManager
from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.rollout.boot_images.cluster import Cluster, MachineSet, Manager, Mode, Requirement, Resource, SkewPolicy

_COMPLETED = "Completed"
_MULTI = "Multi"
_SINGLE_NODE = "SingleReplica"
_NO_HISTORY = "0.0.0"
"""What the operator takes for the version of the installation then."""
_PLATFORM_OF_PROVIDER = {
    "AWSMachineProviderConfig": "AWS",
    "AzureMachineProviderSpec": "Azure",
    "GCPMachineProviderSpec": "GCP",
    "VSphereMachineProviderSpec": "VSphere",
}


def cluster_of(dump: MachineDump, *, subject: str, control_plane_arch: Arch = Arch.X86_64, multi_arch: bool = False) -> Cluster:
    """The cluster that a dump tells of.

    A dump of MachineSets alone is enough: the platform is then read from their provider specifications.

    Args:
        dump: the objects.
        subject: what the dump is called in errors.
        control_plane_arch: of the control plane, which no object of the dump tells.
        multi_arch: whether the release is for several architectures, where the ``ClusterVersion`` is missing.

    Raises:
        InputError: there are no MachineSets, or a manager is of an unknown kind.
    """
    if not dump.machine_sets:
        raise InputError("there are no MachineSets in it", subject=subject, hint="make it with: oc get machinesets.machine -A -o yaml")
    infrastructure, version, configuration = dump.infrastructure, dump.cluster_version, dump.machine_configuration
    history = (version.history or []) if version else []
    completed = [entry for entry in history if entry.state == _COMPLETED] or history
    managed = configuration.managed_boot_images if configuration else None
    enforcement = configuration.boot_image_skew_enforcement if configuration else None
    skew = SkewPolicy(enforcement.mode, enforcement.manual.ocpVersion, enforcement.manual.rhcosVersion) if enforcement else None
    platform = infrastructure.platform_status.type if infrastructure else ""
    azure = infrastructure.platform_status.azure if infrastructure else None
    return Cluster(
        platform=platform or _platform_by_provider(dump),
        azure_cloud=azure.cloud_name if azure else "",
        single_node=infrastructure is not None and infrastructure.control_plane_topology == _SINGLE_NODE,
        multi_arch=version.desired.architecture == _MULTI if version else multi_arch,
        control_plane_arch=control_plane_arch,
        install_version=completed[-1].version.partition("-")[0] if completed else _NO_HISTORY if version else "",
        # Absent, or null: no opinion.  The API server writes managedBootImages also where nobody set it; an empty list is an opinion.
        managers=_managers(managed.machine_managers, subject) if managed and managed.machine_managers is not None else None,
        skew=skew,
        machine_sets=tuple(map(_machine_set, dump.machine_sets)),
    )


def _managers(managers: list[MachineManager], subject: str) -> tuple[Manager, ...]:
    made = []
    for manager in managers:
        try:
            resource, mode = Resource(manager.resource), Mode(manager.selection.mode)
        except ValueError:
            raise InputError(
                f"the MachineConfiguration manages {manager.resource!r} in the mode {manager.selection.mode!r}, which is not known",
                subject=subject,
            ) from None
        selector = manager.selector
        expressions = tuple(Requirement(one.key, one.operator, tuple(one.values or ())) for one in selector.match_expressions or ())
        made.append(Manager(resource, mode, selector.match_labels or {}, expressions))
    return tuple(made)


def _machine_set(dumped: DumpedMachineSet) -> MachineSet:
    metadata = dumped.metadata
    return MachineSet(
        resource=Resource.CONTROL_PLANE_MACHINE_SETS if dumped.control_plane else Resource.MACHINE_SETS,
        namespace=metadata.namespace,
        name=metadata.name,
        labels=metadata.labels or {},
        annotations=metadata.annotations or {},
        template_labels=dumped.template.labels,
        owned=bool(metadata.owner_references),
        replicas=dumped.replicas,
        provider=dumped.template.spec.provider_spec.value,
    )


def _platform_by_provider(dump: MachineDump) -> str:
    for machine_set in dump.machine_sets:
        kind = machine_set.template.spec.provider_spec.value.get("kind")
        if kind in _PLATFORM_OF_PROVIDER:
            return _PLATFORM_OF_PROVIDER[str(kind)]
    return ""
