"""Of which build a file is that nothing but its name tells of."""

import re

from penstock.model.errors import InputError
from penstock.model.push.items import BuildInfo

_SUFFIX = re.compile(r"\.(?:raw|vhd|vhdx|vmdk|qcow2|img|ami)$")
_ARCH = re.compile(r"[.-](?:x86_64|amd64|aarch64|arm64|ppc64le|s390x)$")
_NVR = re.compile(r"(?P<name>.+)-(?P<version>[0-9][^-]*)-(?P<release>[^-]+)")


def derive_build(file_name: str, version: str | None, respin: int) -> BuildInfo:
    """The build that a staged file belongs to, by its name and its release; it has no id.

    The name is taken without ``.xz``, the suffix of the disk (``.raw``) and an architecture.  What is left may end with the version of the
    release, or with the version and the respin: ``rhel-ec2-9.4`` and ``rhel-ec2-9.4-1`` are both build ``rhel-ec2``, version ``9.4``,
    release ``1`` where the release is of version ``9.4`` and respin 1.  Anything else must be ``NAME-VERSION-RELEASE`` itself.

    Args:
        file_name: ``rhel-ec2-9.4-1.x86_64.raw.xz``.
        version: of the release, where it is known.
        respin: of the release.

    Raises:
        InputError: the name tells no build.
    """
    stem = _ARCH.sub("", _SUFFIX.sub("", file_name.removesuffix(".xz")))
    for ending in (f"-{version}-{respin}", f"-{version}") if version else ():
        name = stem.removesuffix(ending)
        if name and name != stem:
            return BuildInfo(name, version or "", str(respin))
    found = _NVR.fullmatch(stem)
    if found is None:
        raise InputError(
            "no build can be told from this name of a file, and a mapping is found by the build's name",
            subject=file_name,
            hint="name it NAME-VERSION-RELEASE.ARCH.raw, as in rhel-ec2-9.4-1.x86_64.raw",
        )
    return BuildInfo(found["name"], found["version"], found["release"])
