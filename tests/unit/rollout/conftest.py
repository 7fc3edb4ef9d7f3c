"""Clusters and streams for the boot-image rules."""

from collections.abc import Callable, Mapping

import pytest

from penstock.formats.codec import decode
from penstock.model.record import Tree
from penstock.model.stream import Stream
from penstock.rollout.boot_images.cluster import Cluster, MachineSet, Resource

MakeSet = Callable[..., MachineSet]

NO_PLAN = {"offer": "aro4", "publisher": "azureopenshift", "version": "419.94.20250101"}
PAID = "4.18.2025031114"


def _paid(publisher: str, offer: str) -> dict[str, Tree]:
    return {
        "hyperVGen1": {"publisher": publisher, "offer": offer, "sku": f"{offer}-gen1", "version": PAID},
        "hyperVGen2": {"publisher": publisher, "offer": offer, "sku": offer, "version": PAID},
    }


def _azure_x86() -> dict[str, Tree]:
    plans: dict[str, Tree] = {"no-purchase-plan": {"hyperVGen1": {**NO_PLAN, "sku": "aro_419"}, "hyperVGen2": {**NO_PLAN, "sku": "419-v2"}}}
    for suffix, publisher in (("", "redhat"), ("-emea", "redhat-limited")):
        for product in ("ocp", "opp", "oke"):
            plans[product + suffix] = _paid(publisher, f"rh-{product}-worker")
    return plans


def stream_tree() -> dict[str, Tree]:
    """A stream of 4.19 with images for every cloud that the operator knows."""
    release = "9.6.20250523-0"
    ova: Tree = {"release": release, "formats": {"ova": {"disk": {"location": "https://rhcos.example/a.ova", "sha256": "0" * 64}}}}
    aws: Tree = {"release": release, "formats": {}}
    return {
        "stream": "rhel-9",
        "metadata": {},
        "architectures": {
            "x86_64": {
                "artifacts": {"vmware": ova, "aws": aws},
                "images": {
                    "aws": {"regions": {"us-east-1": {"release": release, "image": "ami-new"}}},
                    "gcp": {"release": release, "project": "rhcos-cloud", "name": "rhcos-9-6-20250523-0-gcp-x86-64"},
                },
                "rhel-coreos-extensions": {"marketplace": {"azure": _azure_x86()}},
            },
            "aarch64": {
                "artifacts": {},
                "images": {},
                "rhel-coreos-extensions": {"marketplace": {"azure": {"no-purchase-plan": {"hyperVGen2": {**NO_PLAN, "sku": "419-arm"}}}}},
            },
            "ppc64le": {"artifacts": {}, "images": {}},
        },
    }


@pytest.fixture
def stream() -> Stream:
    return decode(stream_tree(), Stream, subject="stream")


@pytest.fixture
def machine_set() -> MakeSet:
    def make(provider: Mapping[str, object] | None = None, **changes: object) -> MachineSet:
        values: dict[str, object] = {
            "resource": Resource.MACHINE_SETS,
            "namespace": "openshift-machine-api",
            "name": "worker-a",
            "provider": provider or {},
            **changes,
        }
        return MachineSet(**values)  # type: ignore[arg-type]

    return make


@pytest.fixture
def azure() -> Cluster:
    return Cluster(platform="Azure", azure_cloud="AzurePublicCloud", install_version="4.14.3")
