"""The part of an ``install-config.yaml`` that the choice of a boot image depends on.

openshift/installer, ``pkg/types``.  Nothing else is read: the file holds secrets.  ``marketplace`` is proposed, and in no upstream
reader yet: ``true``, or the name of a plan.
"""

from collections.abc import Mapping

import msgspec

from penstock.formats.codec import decode_yaml


class OsImage(msgspec.Struct, frozen=True):
    """An image of the user's own: ``publisher`` to ``version`` on Azure, ``project`` and ``name`` on Google Cloud."""

    plan: str | None = None
    publisher: str | None = None
    offer: str | None = None
    sku: str | None = None
    version: str | None = None
    project: str | None = None
    name: str | None = None


class VmSettings(msgspec.Struct, frozen=True, rename="camel"):
    """Security settings of Azure's machines."""

    security_type: str | None = None
    """``ConfidentialVM`` or ``TrustedLaunch``."""


class PoolPlatform(msgspec.Struct, frozen=True, rename="camel"):
    """What a pool of machines says of one platform; the names are those of all platforms together."""

    type: str | None = None
    os_image: OsImage | None = None
    settings: VmSettings | None = None
    ami_id: str | None = msgspec.field(default=None, name="amiID")
    marketplace: bool | str | None = None


class Platform(msgspec.Struct, frozen=True, rename="camel"):
    """What the cluster says of its platform; the names are those of all platforms together."""

    region: str | None = None
    vpc_region: str | None = None
    cloud_name: str | None = None
    ami_id: str | None = msgspec.field(default=None, name="amiID")
    cluster_os_image: str | None = msgspec.field(default=None, name="clusterOSImage")
    default_machine_platform: PoolPlatform | None = None
    marketplace: bool | str | None = None


class MachinePool(msgspec.Struct, frozen=True, rename="camel"):
    """The control plane, or a pool of workers."""

    name: str | None = None
    architecture: str | None = None
    platform: Mapping[str, PoolPlatform | None] | None = None


class InstallConfig(msgspec.Struct, frozen=True, rename="camel"):
    """An install-config, as far as it is read."""

    platform: Mapping[str, Platform | None]
    """One platform by its name, ``azure``."""
    control_plane: MachinePool | None = None
    compute: list[MachinePool] | None = None
    os_image_stream: str | None = msgspec.field(default=None, name="osImageStream")
    """The stream of the cluster's machines, ``rhel-10``; None for the release's default."""


def parse_install_config(content: bytes, *, subject: str) -> InstallConfig:
    """Read an install-config.

    Raises:
        InputError: it is none; the message holds the line and the path, and no value.
    """
    return decode_yaml(content, InstallConfig, subject=subject)
