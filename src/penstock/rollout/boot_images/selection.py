"""Which MachineSets the operator manages on a platform (``MachineConfiguration`` named ``cluster``, ``spec.managedBootImages``)."""

from penstock.rollout.boot_images.cluster import Cluster, MachineSet, Mode, Requirement, Resource

DEFAULT_ON = frozenset({"AWS", "GCP", "VSphere", "Azure"})
"""Platforms whose MachineSets are managed unless somebody says otherwise (4.22)."""
OPT_IN_CONTROL_PLANE = frozenset({"AWS", "GCP", "Azure"})
"""Platforms whose ControlPlaneMachineSet can be managed."""
AZURE_STACK = "AzureStackCloud"


def is_supported(cluster: Cluster, resource: Resource) -> bool:
    """Whether the operator can manage this resource there; Azure Stack Hub has no marketplace, and is left alone."""
    platforms = DEFAULT_ON if resource is Resource.MACHINE_SETS else OPT_IN_CONTROL_PLANE
    return cluster.platform in platforms and not (cluster.platform == "Azure" and cluster.azure_cloud == AZURE_STACK)


def mode_of(cluster: Cluster, resource: Resource) -> Mode:
    """How many of a resource are managed; an empty list of managers is the old way to say none at all."""
    if not is_supported(cluster, resource):
        return Mode.NONE
    for manager in cluster.managers or ():
        if manager.resource is resource:
            return manager.mode
    if cluster.managers is None or len(cluster.managers) > 0:
        return Mode.ALL if resource is Resource.MACHINE_SETS else Mode.NONE
    return Mode.NONE


def unmanaged_reason(cluster: Cluster, machine_set: MachineSet) -> str:
    """Why the operator does not look at a MachineSet, or ``""`` where it does."""
    resource = machine_set.resource
    if not is_supported(cluster, resource):
        place = cluster.azure_cloud if cluster.azure_cloud == AZURE_STACK else cluster.platform or "an unknown platform"
        return f"boot images of {resource} are not managed on {place}"
    mode = mode_of(cluster, resource)
    if mode is Mode.NONE:
        said = "opted out of" if cluster.managers is not None or resource is Resource.MACHINE_SETS else "not opted in to"
        return f"the cluster has {said} managed boot images for {resource}"
    if mode is Mode.PARTIAL and not _is_selected(cluster, machine_set):
        return "its labels are not among those that the cluster has opted in"
    return ""


def _is_selected(cluster: Cluster, machine_set: MachineSet) -> bool:
    labels = machine_set.labels
    for manager in cluster.managers or ():
        if manager.resource is machine_set.resource:
            named = all(labels.get(key) == value for key, value in manager.match_labels.items())
            return named and all(_holds(requirement, labels.get(requirement.key)) for requirement in manager.match_expressions)
    return False


def _holds(requirement: Requirement, value: str | None) -> bool:
    match requirement.operator:
        case "In":
            return value is not None and value in requirement.values
        case "NotIn":
            return value is None or value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            return False
