"""Versions of operating systems and of releases, each with an order inside its family and none across.

:mod:`~penstock.model.versions.coreos` holds the grammars of RHEL CoreOS, CentOS Stream CoreOS and Fedora CoreOS,
:mod:`~penstock.model.versions.semver` those of releases and their components.  ``a < b`` between two families raises TypeError:
whether ``418.94…`` is older than ``9.6…`` is a question about streams, not about texts.
"""

from penstock.model.versions.coreos import (
    FCOS_STREAMS,
    FcosVersion,
    LegacyVersion,
    OsVersion,
    RhelVersion,
    is_boot_image_id,
    parse_version,
)
from penstock.model.versions.parts import MajorMinor, Stamp
from penstock.model.versions.semver import ReleaseVersion, SemVer, parse_component_versions

__all__ = [
    "FCOS_STREAMS",
    "FcosVersion",
    "LegacyVersion",
    "MajorMinor",
    "OsVersion",
    "ReleaseVersion",
    "RhelVersion",
    "SemVer",
    "Stamp",
    "is_boot_image_id",
    "parse_component_versions",
    "parse_version",
]
