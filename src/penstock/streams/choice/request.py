"""What an installer knows of the machines that it asks an image for."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from penstock.model.arch import Arch
from penstock.model.marketplace import Generation, PurchasePlan

IMAGE_OVERRIDE: Final = "OPENSHIFT_INSTALL_OS_IMAGE_OVERRIDE"
"""The environment variable that wins over everything."""

ALIASES: Final = {"vmware": "vsphere", "powervc": "openstack", "ovirt": "openstack", "libvirt": "qemu"}
"""Names of platforms that mean another one here."""


class OwnImage(StrEnum):
    """Where an image of the user's own was named."""

    OVERRIDE = "override"
    """In the environment."""
    MACHINE_POOL = "machine pool"
    """In the install-config: ``osImage``, ``amiID``."""
    CLUSTER = "cluster"
    """In the install-config: ``clusterOSImage``."""


@dataclass(frozen=True, slots=True)
class NamedImage:
    """An image that the user names, in the words of the platform.

    Attributes:
        image: an AMI, a URN, a path, a URL.
        where: who named it.
        warnings: what is to be said about it.
    """

    image: str
    where: OwnImage
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """The question.

    Attributes:
        platform: as in an install-config (``azure``, ``vsphere``, ``baremetal``), or as in the stream's artifacts (``metal``, ``qemu``).
        arch: of the machines.
        region: of the cloud, or ``""``.
        plan: an image of the marketplace with this plan is wanted; None leaves it to the platform's rules.
        generation: of Azure's machines; None for what their type supports.
        instance_generations: the capability ``HyperVGenerations`` of the machines' type (``V1``, ``V2``); None where that is not known.
        confidential: confidential machines of Azure.
        stack_hub: the cloud is an Azure Stack Hub.
        own: an image that the user names, or None.
        format_name: of a platform with files in several formats; ``""`` for the platform's usual one.
    """

    platform: str
    arch: Arch
    region: str = ""
    plan: PurchasePlan | None = None
    generation: Generation | None = None
    instance_generations: tuple[str, ...] | None = None
    confidential: bool = False
    stack_hub: bool = False
    own: NamedImage | None = None
    format_name: str = ""
