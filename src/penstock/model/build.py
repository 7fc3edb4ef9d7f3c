"""A build of CoreOS for one architecture, as coreos-assembler's ``meta.json`` says it.

coreos/coreos-assembler: ``src/v1.json``.  Penstock only reads the document, so it declares the keys that lead to boot images, and
the rest is passed over.
"""

from collections.abc import Mapping, Sequence

import msgspec

_field = msgspec.field


class BuildImage(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """A file of the build."""

    path: str
    """Its name, beside ``meta.json``."""
    sha256: str
    """Of the file as it is served."""
    uncompressed_sha256: str | None = None
    """Of its content, where it is compressed."""


class BuildAmi(msgspec.Struct, frozen=True, kw_only=True):
    """An image in a region of AWS."""

    region: str = _field(name="name")
    image: str = _field(name="hvm")


class BuildAliyunImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image in a region of Aliyun."""

    region: str = _field(name="name")
    image: str = _field(name="id")


class BuildObject(msgspec.Struct, frozen=True, kw_only=True):
    """An object in a bucket of IBM Cloud or PowerVS."""

    region: str
    object: str
    bucket: str
    url: str


class BuildGcpImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image in Google Cloud."""

    name: str = _field(name="image")
    project: str | None = None
    family: str | None = None


class BuildAzureDisk(msgspec.Struct, frozen=True, kw_only=True):
    """A VHD in Azure's storage."""

    url: str


class BuildContainer(msgspec.Struct, frozen=True, kw_only=True):
    """A container image that was pushed."""

    image: str
    """The repository."""
    digest: str | None = None
    tags: Sequence[str] = ()


class BuildConfigGit(msgspec.Struct, frozen=True, kw_only=True):
    """The commit of the configuration that it was built from."""

    branch: str | None = None


class Build(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """A build."""

    id: str = _field(name="buildid")
    """For example ``9.6.20250826-1``."""
    arch: str = _field(name="coreos-assembler.basearch")
    """The RPM name."""
    name: str = ""
    """``fedora-coreos``, ``rhcos``, ``scos``."""
    ostree_commit: str | None = None
    imported: bool = _field(name="coreos-assembler.oci-imported", default=False)
    """Whether it was made from a container image; then no one needs its ostree commit."""
    labels: Mapping[str, str] = _field(name="coreos-assembler.oci-imported-labels", default_factory=dict)
    """The labels of that image."""
    config_git: BuildConfigGit | None = _field(name="coreos-assembler.container-config-git", default=None)
    base_oscontainer: BuildContainer | None = None
    images: Mapping[str, BuildImage] = _field(default_factory=dict)
    """The files by kind: platforms (``qemu``), and others (``ostree``, ``live-iso``)."""
    amis: Sequence[BuildAmi] | None = None
    aws_winli: Sequence[BuildAmi] | None = None
    aliyun: Sequence[BuildAliyunImage] | None = None
    ibmcloud: Sequence[BuildObject] | None = None
    powervs: Sequence[BuildObject] | None = None
    gcp: BuildGcpImage | None = None
    kubevirt: BuildContainer | None = None
    azure: BuildAzureDisk | None = None
