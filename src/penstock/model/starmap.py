"""Mappings of StArMap, API v2: which build goes to which destinations, and what is said of it there.

release-engineering/starmap-client: ``starmap_client/models.py``.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from penstock.model.record import Maybe, Record, given

_UNSET = msgspec.UNSET

STARMAP_URL = "https://starmap.engineering.redhat.com"
"""Red Hat's server."""

Meta = Mapping[str, Any]
"""Plain data; nested maps are merged, see :func:`penstock.publish.metadata.merged`."""


class StarmapCloud(StrEnum):
    """Where a mapping leads; ``gcp`` is ours."""

    AWS = "aws"
    AZURE = "azure"
    GCP = "gcp"


class StarmapWorkflow(StrEnum):
    """What a mapping is for; ``stratosphere`` is the marketplaces."""

    COMMUNITY = "community"
    STRATOSPHERE = "stratosphere"


class BillingType(StrEnum):
    """How machines of a community image are paid for: the ``image_types`` of billing rules and the end of a destination."""

    ACCESS = "access"
    HOURLY = "hourly"
    MARKETPLACE = "marketplace"


class BillingRule(Record, frozen=True, kw_only=True):
    """Codes for the images whose file name begins with ``image_name``."""

    codes: Sequence[str]
    image_name: str
    image_types: Sequence[BillingType]
    name: Maybe[str] = _UNSET
    """The end of image names: ``Hourly2``; where it is null the type tells it."""


class StarmapDestination(Record, frozen=True, kw_only=True):
    """A place where an image goes."""

    destination: str
    """``us-east-1-hourly`` (community), a product's id (AWS Marketplace), ``offer/plan`` (Azure)."""
    overwrite: bool
    restrict_version: bool
    architecture: Maybe[str] = _UNSET
    """Only images of this architecture; of any one where it is null."""
    restrict_major: Maybe[int | bool] = _UNSET
    """How many major versions stay; true is 1, false is none restricted."""
    restrict_minor: Maybe[int | bool] = _UNSET
    ami_version_template: Maybe[str] = _UNSET
    tags: Maybe[Mapping[str, str]] = _UNSET
    provider: Maybe[str] = _UNSET
    """Never read: that of the mapping counts."""
    vhd_check_base_sas_only: Maybe[bool] = _UNSET
    meta: Maybe[Mapping[str, Any]] = _UNSET


class StarmapMapping(Record, frozen=True, kw_only=True):
    """The destinations of one account."""

    destinations: Sequence[StarmapDestination]
    provider: Maybe[str] = _UNSET
    """``AWS``, ``AGOV`` or ``ACN``: the part of RHSM's catalogue."""
    meta: Maybe[Mapping[str, Any]] = _UNSET
    version_fnmatch: Maybe[str] = _UNSET
    """The server's business: it gives no mapping whose pattern does not match.  A local mapping serves every version."""
    version_regexmatch: Maybe[str] = _UNSET


class StarmapEntity(Record, frozen=True, kw_only=True):
    """All mappings of one build name in one workflow and cloud."""

    name: str
    cloud: StarmapCloud
    workflow: StarmapWorkflow
    mappings: Mapping[str, StarmapMapping]
    """By the alias of an account, in the order of the document."""
    meta: Maybe[Mapping[str, Any]] = _UNSET
    billing_code_config: Maybe[Mapping[str, BillingRule]] = msgspec.field(default=_UNSET, name="billing-code-config")

    @property
    def billing_rules(self) -> tuple[BillingRule, ...]:
        """In the order of the document."""
        return tuple((given(self.billing_code_config) or {}).values())


def how_many_stay(limit: Maybe[int | bool]) -> int | None:
    """What ``restrict_major`` or ``restrict_minor`` asks for: how many versions stay, or None where it is off."""
    value = given(limit)
    if isinstance(value, bool):
        return 1 if value else None
    return value
