"""Which build of an architecture a cloud's image should hold.

A stream may mix releases across architectures and artifacts, and its name lags behind its content, so the build is read from the entry of
the cloud itself.
"""

from penstock.model.catalogue import Cloud
from penstock.model.record import given
from penstock.model.stream import StreamArch

_FIRST_ARTIFACTS = ("metal", "qemu", "openstack")


def release_for(arch: StreamArch, cloud: Cloud) -> str | None:
    """The build that ``arch`` has for ``cloud``, or None where it has none at all.

    For Azure that of ``azure-disk``, as the enhancement says; then that of the cloud's artifact; then that of bare metal or any artifact.
    """
    extensions = given(arch.rhel_coreos_extensions)
    disk = given(extensions.azure_disk) if extensions else None
    told = given(disk.release) if disk else None
    if cloud is Cloud.AZURE and told:
        return told
    artifacts = given(arch.artifacts) or {}
    for platform in (cloud.value, *_FIRST_ARTIFACTS, *artifacts):
        found = artifacts.get(platform)
        told = given(found.release) if found else None
        if told:
            return told
    return None
