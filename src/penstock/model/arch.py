"""Processor architectures under their three names.

Inside Penstock an architecture has its RPM name (``x86_64``).  OCI, Go and Kubernetes say ``amd64`` and
``arm64``; the other names are the same everywhere (stream-metadata-go: ``arch/arch.go``).
"""

from enum import StrEnum
from typing import Self

from penstock.model.errors import InputError


class Arch(StrEnum):
    """An architecture that OpenShift and CoreOS are built for; the value is the RPM name."""

    X86_64 = "x86_64"
    AARCH64 = "aarch64"
    PPC64LE = "ppc64le"
    S390X = "s390x"

    @property
    def oci(self) -> str:
        """The name in OCI image configs, Go and Kubernetes: ``amd64``, ``arm64``, ``ppc64le``, ``s390x``."""
        return _OCI_NAMES.get(self, self.value)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The architecture with this RPM, OCI or Kubernetes name; case does not matter.

        Raises:
            InputError: no architecture has this name.
        """
        name = text.strip().lower()
        try:
            return cls(_RPM_NAMES.get(name, name))
        except ValueError:
            known = ", ".join(member.value for member in cls)
            raise InputError(f"unknown architecture {text!r}", hint=f"use one of {known} (amd64 and arm64 work too)") from None


_OCI_NAMES = {Arch.X86_64: "amd64", Arch.AARCH64: "arm64"}
_RPM_NAMES = {"amd64": "x86_64", "arm64": "aarch64"}
