"""Who publishes the images of CoreOS for everybody, and what they are called: the accounts, projects, names and families.

From coreos/coreos-assembler (the names that ``ore`` gives) and the streams that are published with it.
"""

import re
from dataclasses import dataclass
from typing import Final

from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.record import given
from penstock.model.stream import StreamArch
from penstock.model.versions.coreos import FcosVersion, OsVersion, parse_version

_GCP_ARCHES = {Arch.X86_64: "x86-64", Arch.AARCH64: "aarch64"}
_FAMILY_ENDINGS = {Arch.X86_64: "", Arch.AARCH64: "-arm64"}


@dataclass(frozen=True, slots=True)
class Publisher:
    """One distribution of CoreOS.

    Attributes:
        name: how the names of its files and images begin.
        aws_owner: the number of the AWS account.
        gcp_project: the project in Google Cloud.
        has_families: whether its images in Google Cloud belong to families.
    """

    name: str
    aws_owner: str
    gcp_project: str
    has_families: bool = False

    def ami_name(self, build: OsVersion, arch: Arch) -> str:
        """The name of an AMI: ``rhcos-9.8.20260428-0-x86_64``."""
        return f"{self.name}-{build}-{arch}"

    def gcp_name(self, build: OsVersion, arch: Arch) -> str:
        """The name of an image in Google Cloud: ``rhcos-9-8-20260428-0-gcp-x86-64``."""
        return f"{self.name}-{str(build).replace('.', '-')}-gcp-{_GCP_ARCHES[arch]}"

    def gcp_build(self, name: str, arch: Arch) -> str | None:
        """The build that the name of an image in Google Cloud tells, as :meth:`gcp_name` wrote it; None for another name."""
        found = re.fullmatch(rf"{self.name}-(?P<build>[0-9-]+)-gcp-{_GCP_ARCHES[arch]}", name)
        if found is None:
            return None
        text = found["build"].replace("-", ".")
        # With the dash first: until 2020 a dot stood there, and a legacy build may have either; Fedora's never have the dash.
        for build in ("-".join(text.rsplit(".", 1)), text):
            try:
                return parse_version(build).text
            except InputError:
                continue
        return None

    def gcp_family(self, stream: str, arch: Arch) -> str | None:
        """The family of a stream's images in Google Cloud, ``fedora-coreos-stable-arm64``; None where there are none."""
        return f"{self.name}-{stream}{_FAMILY_ENDINGS[arch]}" if self.has_families else None


RHEL_COREOS: Final = Publisher("rhcos", "531415883065", "rhcos-cloud")
CENTOS_STREAM_COREOS: Final = Publisher("scos", "531415883065", "rhcos-cloud")
FEDORA_COREOS: Final = Publisher("fedora-coreos", "125523088429", "fedora-coreos-cloud", has_families=True)


def publisher_of(arch: StreamArch, build: OsVersion) -> Publisher:
    """Whose build it is: a version does not tell RHEL from CentOS Stream, the names of the stream's files do."""
    if isinstance(build, FcosVersion):
        return FEDORA_COREOS
    for platform in (given(arch.artifacts) or {}).values():
        for file in (given(platform.formats) or {}).values():
            disk = given(file.disk)
            if disk is not None and disk.file_name.startswith(f"{CENTOS_STREAM_COREOS.name}-"):
                return CENTOS_STREAM_COREOS
    return RHEL_COREOS
