"""Products of AWS Marketplace, their versions, and the change sets that change them (Marketplace Catalog API, 2018-09-17)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from penstock.model.errors import OperationError
from penstock.model.push.items import AccessEndpointUrl, SecurityGroup

AMI_PRODUCT = "AmiProduct"
"""The type of entities whose versions are AMIs."""

PUBLIC, RESTRICTED = "Public", "Restricted"
"""Visibilities of delivery options; there are others (``Limited``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOption:
    """A way in which a version is delivered.

    Attributes:
        id: of it.
        visibility: ``Public``, ``Limited``, ``Restricted``.
        usage_instructions: for whoever starts a machine.
        instance_type: that is recommended.
        security_groups: that are recommended.
        access_endpoint: where a machine is reached.
    """

    id: str
    visibility: str = PUBLIC
    usage_instructions: str = ""
    instance_type: str = ""
    security_groups: tuple[SecurityGroup, ...] = ()
    access_endpoint: AccessEndpointUrl | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductVersion:
    """A version of a product.

    Attributes:
        id: of it.
        title: what buyers read; the Catalog does not keep titles unique.
        created_at: with its time zone; None where the Catalog does not say it.
        release_notes: of it.
        images: the AMIs that it is made of.
        options: its delivery options; a version of ours has one.
    """

    id: str
    title: str
    created_at: datetime | None = None
    release_notes: str = ""
    images: tuple[str, ...] = ()
    options: tuple[DeliveryOption, ...] = ()

    @property
    def is_public(self) -> bool:
        """Whether buyers find it."""
        return any(each.visibility == PUBLIC for each in self.options)

    @property
    def is_restricted(self) -> bool:
        """Whether nobody new gets it."""
        return bool(self.options) and all(each.visibility == RESTRICTED for each in self.options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """An entity of the Catalog.

    Attributes:
        id: ``prod-…``, or what it had before there were such ids.
        type: ``AmiProduct``, without the version behind it.
        title: for people.
        versions: in the order of the Catalog.
    """

    id: str
    type: str
    title: str = ""
    versions: tuple[ProductVersion, ...] = ()


class ChangeStatus(StrEnum):
    """How far a change set is."""

    PREPARING = "PREPARING"
    APPLYING = "APPLYING"
    SUCCEEDED = "SUCCEEDED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"

    @property
    def running(self) -> bool:
        """Whether it has not ended: the product is locked."""
        return self in (ChangeStatus.PREPARING, ChangeStatus.APPLYING)


@dataclass(frozen=True, slots=True)
class ChangeError:
    """Why a change failed: a code for programs, a message for people."""

    code: str
    message: str

    def __str__(self) -> str:
        """``INVALID_AMI: the image has …``."""
        return ": ".join(filter(None, (self.code, self.message)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """What is changed together.

    Attributes:
        id: of it.
        status: how far it is.
        name: that it was given, ``""`` for none.
        failure_code: ``CLIENT_ERROR`` or ``SERVER_FAULT`` of one that failed.
        errors: why it failed.
    """

    id: str
    status: ChangeStatus
    name: str = ""
    failure_code: str = ""
    errors: tuple[ChangeError, ...] = ()


class ChangeType(StrEnum):
    """What is done to a product."""

    ADD = "AddDeliveryOptions"
    UPDATE = "UpdateDeliveryOptions"
    RESTRICT = "RestrictDeliveryOptions"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """One change of one product, as a change set of its own.

    Attributes:
        type: see there.
        product: its id.
        product_type: ``AmiProduct``.
        details: plain data; the role in it is not shown.
        name: of the change set, by which it is found again.
        validate_only: it is tried, and changes nothing.
    """

    type: ChangeType
    product: str
    product_type: str
    details: Mapping[str, Any] = field(repr=False)
    name: str
    validate_only: bool = False


class ProductLocked(OperationError):
    """Another change set of the product has not ended (``ResourceInUseException``)."""
