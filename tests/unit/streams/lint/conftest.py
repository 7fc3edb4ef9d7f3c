"""A stream and a marketplace file about which the lint has nothing to say; tests break them in one place each."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from penstock.streams.lint.checking import check_document
from penstock.streams.lint.findings import LintFinding, LintRule

Tree = dict[str, Any]
RELEASE = "9.6.20250826-1"
FORMATS = {
    "aws": "vmdk.gz",
    "azure": "vhd.gz",
    "gcp": "tar.gz",
    "openstack": "qcow2.gz",
    "powervs": "ova.gz",
    "qemu": "qcow2.gz",
    "vmware": "ova",
}
PLATFORMS = {
    "aarch64": ("aws", "azure", "gcp", "openstack", "qemu"),
    "ppc64le": ("openstack", "powervs", "qemu"),
    "x86_64": ("aws", "azure", "gcp", "openstack", "qemu", "vmware"),
}


def _file(arch: str, middle: str, ending: str) -> Tree:
    name = f"rhcos-{RELEASE}-{middle}.{arch}{ending}"
    made = {"location": f"https://example.com/{RELEASE}/{arch}/{name}", "sha256": hashlib.sha256(name.encode()).hexdigest()}
    if ending.endswith(".gz") and not ending.endswith(".tar.gz"):
        made["uncompressed-sha256"] = hashlib.sha256(name.removesuffix(".gz").encode()).hexdigest()
    return made


def _metal(arch: str) -> Tree:
    pxe = {"kernel": _file(arch, "live-kernel", ""), **{part: _file(arch, f"live-{part}", ".img") for part in ("initramfs", "rootfs")}}
    return {
        "release": RELEASE,
        "formats": {
            "4k.raw.gz": {"disk": _file(arch, "metal4k", ".raw.gz")},
            "iso": {"disk": _file(arch, "live-iso", ".iso")},
            "pxe": pxe,
            "raw.gz": {"disk": _file(arch, "metal", ".raw.gz")},
        },
    }


def _architecture(arch: str, number: str) -> Tree:
    artifacts: Tree = {
        name: {"release": RELEASE, "formats": {FORMATS[name]: {"disk": _file(arch, name, f".{FORMATS[name]}")}}} for name in PLATFORMS[arch]
    }
    artifacts["metal"] = _metal(arch)
    if arch == "ppc64le":
        bucket, name = "images-eu-de", "rhcos-9-6-20250826-1-ppc64le-powervs.ova.gz"
        place = {"release": RELEASE, "object": name, "bucket": bucket, "url": f"https://s3.example.com/{bucket}/{name}"}
        return {"artifacts": artifacts, "images": {"powervs": {"regions": {"eu-de": place}}}}
    amis = {"eu-west-1": f"ami-{number * 17}", "us-east-1": f"ami-{number * 16}f"}
    gcp = {"release": RELEASE, "project": "rhcos-cloud", "name": f"rhcos-9-6-20250826-1-gcp-{arch.replace('_', '-')}"}
    images: Tree = {"aws": {"regions": {region: {"release": RELEASE, "image": ami} for region, ami in amis.items()}}, "gcp": gcp}
    disk = {"release": RELEASE, "url": f"https://example.com/rhcos-{RELEASE}-azure.{arch}.vhd"}
    return {"artifacts": artifacts, "images": images, "rhel-coreos-extensions": {"azure-disk": disk, "marketplace": _marketplace(arch)}}


def _image(publisher: str, offer: str, sku: str, version: str) -> Tree:
    return {"publisher": publisher, "offer": offer, "sku": sku, "version": version}


def _marketplace(arch: str) -> Tree:
    aro = ("azureopenshift", "aro4")
    if arch == "aarch64":
        return {"azure": {"no-purchase-plan": {"hyperVGen2": _image(*aro, "420-arm", "9.6.20250826")}}}
    plans: Tree = {
        "no-purchase-plan": {
            "hyperVGen1": _image(*aro, "aro_420", "9.6.20250826"),
            "hyperVGen2": _image(*aro, "aro_420-v2", "9.6.20250826"),
        }
    }
    for plan in ("ocp", "opp", "oke"):
        for name, publisher in ((plan, "RedHat"), (f"{plan}-emea", "redhat-limited")):
            offer = f"rh-{plan}-worker"
            plans[name] = {
                "hyperVGen1": _image(publisher, offer, f"{offer}-gen1", "4.18.2025031114"),
                "hyperVGen2": _image(publisher, offer, offer, "413.92.2023101700"),
            }
    return {"azure": plans}


@pytest.fixture
def stream() -> Tree:
    """A stream without findings; the test's own copy."""
    return {
        "stream": "rhcos-4.20",
        "metadata": {"last-modified": "2025-08-27T14:08:04Z", "generator": "plume cosa2stream 661d6d6"},
        "architectures": {arch: _architecture(arch, number) for number, arch in zip("234", PLATFORMS, strict=True)},
    }


@pytest.fixture
def marketplace() -> Tree:
    """A marketplace file without findings; the test's own copy."""
    return {arch: _marketplace(arch) for arch in ("aarch64", "x86_64")}


Lint = Callable[..., list[LintFinding]]


@pytest.fixture
def lint() -> Lint:
    """``lint(tree, previous=None)``: the findings of a document, without the notes that a key is a proposal."""

    def go(tree: Tree, previous: Tree | None = None) -> list[LintFinding]:
        before = json.dumps(previous).encode() if previous is not None else None
        report = check_document(json.dumps(tree).encode(), subject="document", previous=before, previous_subject="previous")
        findings = [placed.finding for placed in report.findings]
        return [finding for finding in findings if finding.rule is not LintRule.PROPOSED_KEY]

    return go


Said = Callable[..., list[str]]


@pytest.fixture
def said(lint: Lint) -> Said:
    """``said(tree, previous=None)``: the findings as ``level rule place: message``."""

    def go(tree: Tree, previous: Tree | None = None) -> list[str]:
        return [f"{each.level} {each.rule} {each.place}: {each.message}" for each in lint(tree, previous)]

    return go
