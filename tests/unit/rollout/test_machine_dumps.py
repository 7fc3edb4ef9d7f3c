"""Dumps of the machine API: lists and single documents, YAML and JSON, whole or MachineSets alone."""

import json

import pytest

from penstock.formats.machines import parse_machine_dump
from penstock.model.errors import InputError
from penstock.rollout.boot_images.cluster import Cluster, Mode, Resource
from penstock.rollout.boot_images.reading import cluster_of

WORKER = """
- apiVersion: machine.openshift.io/v1beta1
  kind: MachineSet
  metadata:
    name: worker-a
    namespace: openshift-machine-api
    labels: {machine.openshift.io/cluster-api-cluster: demo}
    annotations: {"capacity.cluster-autoscaler.kubernetes.io/labels": "kubernetes.io/arch=amd64"}
  spec:
    replicas: 3
    template:
      metadata:
        labels: {machine.openshift.io/os-id: Windows}
      spec:
        providerSpec:
          value:
            kind: AzureMachineProviderSpec
            image: {publisher: azureopenshift, offer: aro4, sku: 418-v2, version: 418.94.20250122}
"""
AROUND = """
- apiVersion: machine.openshift.io/v1
  kind: ControlPlaneMachineSet
  metadata: {name: cluster, namespace: openshift-machine-api}
  spec:
    replicas: 3
    template:
      machineType: machines_v1beta1_machine_openshift_io
      machines_v1beta1_machine_openshift_io:
        spec: {providerSpec: {value: {vmSize: Standard_D8s_v3}}}
- apiVersion: config.openshift.io/v1
  kind: Infrastructure
  metadata: {name: cluster}
  status:
    controlPlaneTopology: SingleReplica
    platformStatus: {type: Azure, azure: {cloudName: AzureUSGovernmentCloud}}
- apiVersion: config.openshift.io/v1
  kind: ClusterVersion
  metadata: {name: version}
  status:
    desired: {architecture: Multi}
    history:
    - {state: Completed, version: 4.19.1}
    - {state: Completed, version: 4.14.0-rc.2}
    - {state: Partial, version: 4.13.9}
- apiVersion: operator.openshift.io/v1
  kind: MachineConfiguration
  metadata: {name: cluster}
  spec:
    bootImageSkewEnforcement: {mode: Manual, manual: {mode: OCPVersion, ocpVersion: 4.14.0}}
    managedBootImages:
      machineManagers:
      - resource: machinesets
        apiGroup: machine.openshift.io
        selection:
          mode: Partial
          partial: {machineResourceSelector: {matchLabels: {a: b}, matchExpressions: [{key: c, operator: Exists}]}}
- apiVersion: v1
  kind: Secret
  metadata: {name: other}
"""


def read(text: str) -> Cluster:
    return cluster_of(parse_machine_dump(text.encode(), subject="dump"), subject="dump")


def test_a_list_of_everything_tells_the_cluster() -> None:
    cluster = read("apiVersion: v1\nkind: List\nitems:" + WORKER + AROUND)
    assert (cluster.platform, cluster.azure_cloud, cluster.single_node, cluster.multi_arch) == (
        "Azure",
        "AzureUSGovernmentCloud",
        True,
        True,
    )
    assert cluster.install_version == "4.14.0"
    assert cluster.skew is not None
    assert (cluster.skew.mode, cluster.skew.ocp_version) == ("Manual", "4.14.0")
    assert cluster.managers is not None
    (manager,) = cluster.managers
    assert (manager.mode, manager.match_labels, manager.match_expressions[0].operator) == (Mode.PARTIAL, {"a": "b"}, "Exists")
    worker, control_plane = cluster.machine_sets
    assert (str(worker), worker.replicas, worker.template_labels) == (
        "openshift-machine-api/worker-a",
        3,
        {"machine.openshift.io/os-id": "Windows"},
    )
    assert control_plane.resource is Resource.CONTROL_PLANE_MACHINE_SETS
    assert control_plane.provider == {"vmSize": "Standard_D8s_v3"}


def test_machine_sets_alone_tell_their_platform() -> None:
    cluster = read("kind: List\napiVersion: v1\nitems:" + WORKER)
    assert (cluster.platform, cluster.managers, cluster.install_version) == ("Azure", None, "")


@pytest.mark.parametrize(
    ("said", "managers"),
    [
        ("{}", None),
        ("{managedBootImages: {}}", None),
        ("{managedBootImages: {machineManagers: null}}", None),
        ("{managedBootImages: {machineManagers: []}}", ()),
    ],
)
def test_only_a_list_of_managers_is_an_opinion(said: str, managers: tuple[()] | None) -> None:
    """An API server writes ``managedBootImages: {}`` into a MachineConfiguration that nobody touched."""
    configuration = f"\n- kind: MachineConfiguration\n  metadata: {{name: cluster}}\n  spec: {said}\n"
    assert read("kind: List\nitems:" + WORKER + configuration).managers == managers


@pytest.mark.parametrize("status", ["{}", "{history: []}", "{history: null}"])
def test_a_cluster_version_without_a_history_counts_as_the_oldest(status: str) -> None:
    text = f"kind: List\nitems:{WORKER}\n- kind: ClusterVersion\n  metadata: {{name: version}}\n  status: {status}\n"
    assert read(text).install_version == "0.0.0"


def test_a_list_of_one_kind_in_json_does_not_repeat_the_kind() -> None:
    item = {"metadata": {"name": "a"}, "spec": {"template": {"spec": {"providerSpec": {"value": {"kind": "GCPMachineProviderSpec"}}}}}}
    text = json.dumps({"kind": "MachineSetList", "apiVersion": "machine.openshift.io/v1beta1", "items": [item]})
    assert read(text).platform == "GCP"


def test_several_documents_are_read_like_a_list() -> None:
    first, second = WORKER.strip().removeprefix("- ").replace("\n  ", "\n"), "kind: Infrastructure\nmetadata: {name: cluster}\n"
    assert len(read(f"{first}\n---\n{second}").machine_sets) == 1


def test_machine_sets_of_the_cluster_api_are_no_machine_sets_here() -> None:
    with pytest.raises(InputError, match="no MachineSets"):
        read("kind: MachineSet\napiVersion: cluster.x-k8s.io/v1beta1\nmetadata: {name: a}\nspec: {}\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("just: text\n", "no Kubernetes objects"),
        ("kind: List\nitems: []\n", "no Kubernetes objects"),
        ("kind: List\nitems:" + WORKER.replace("replicas: 3", "replicas: three"), "MachineSet worker-a.*whole number"),
        ("kind: List\nitems:" + WORKER + AROUND.replace("mode: Partial\n", "mode: Some\n"), "'Some', which is not known"),
    ],
    ids=["text", "empty", "type", "mode"],
)
def test_what_is_wrong_is_told_with_its_object(text: str, said: str) -> None:
    with pytest.raises(InputError, match="(?s)" + said) as caught:
        read(text)
    assert "dump" in str(caught.value)
