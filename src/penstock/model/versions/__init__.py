"""Versions of operating systems and of releases, each with an order inside its family and none across.

:mod:`~penstock.model.versions.coreos` holds the grammars of RHEL CoreOS, CentOS Stream CoreOS and Fedora CoreOS,
:mod:`~penstock.model.versions.semver` those of releases and their components, :mod:`~penstock.model.versions.azure` those of images in
Azure.  ``a < b`` between two families raises TypeError:
whether ``418.94…`` is older than ``9.6…`` is a question about streams, not about texts.
"""

from penstock.model.versions.azure import AzureImageVersion, azure_version_of, upstream_key
from penstock.model.versions.coreos import (
    FCOS_STREAMS,
    FcosVersion,
    LegacyVersion,
    OsVersion,
    RhelVersion,
    is_boot_image_id,
    parse_version,
)
from penstock.model.versions.openshift import RHEL_OF_OPENSHIFT, parse_openshift, releases_on
from penstock.model.versions.parts import MajorMinor, Stamp
from penstock.model.versions.semver import ReleaseVersion, SemVer, parse_component_versions

__all__ = [
    "FCOS_STREAMS",
    "RHEL_OF_OPENSHIFT",
    "AzureImageVersion",
    "FcosVersion",
    "LegacyVersion",
    "MajorMinor",
    "OsVersion",
    "ReleaseVersion",
    "RhelVersion",
    "SemVer",
    "Stamp",
    "azure_version_of",
    "is_boot_image_id",
    "parse_component_versions",
    "parse_openshift",
    "parse_version",
    "releases_on",
    "upstream_key",
]
