"""What the catalogues of the clouds say of an image, as far as anybody here asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from penstock.model.arch import Arch
from penstock.model.errors import NotFoundError
from penstock.model.marketplace import Generation


class Cloud(StrEnum):
    """The clouds whose catalogues are read."""

    AWS = "aws"
    AZURE = "azure"
    GCP = "gcp"


class Lifecycle(StrEnum):
    """How long an image may still be used."""

    ACTIVE = "active"
    SCHEDULED = "scheduled for deprecation"
    DEPRECATED = "deprecated"


class ImageDeprecated(NotFoundError):
    """The catalogue lists the version, and machines can no longer be made from it (Azure: 404 ``ImageVersionDeprecated``)."""


@dataclass(frozen=True, slots=True, order=True)
class AzureSku:
    """A series of versions in the Azure marketplace."""

    publisher: str
    offer: str
    sku: str

    def urn(self, version: str) -> str:
        """``publisher:offer:sku:version``."""
        return f"{self.publisher}:{self.offer}:{self.sku}:{version}"

    def __str__(self) -> str:
        """``publisher:offer:sku``."""
        return f"{self.publisher}:{self.offer}:{self.sku}"


@dataclass(frozen=True, slots=True)
class AzureImageDetails:
    """One version in the Azure marketplace.

    Attributes:
        sku: the series.
        version: in it.
        arch: None where an old API version does not tell.
        generation: of the machines that it boots; None where it is not told.
        plan: the plan's (publisher, product, name), or None for an image without one.
        lifecycle: see :class:`Lifecycle`.
        deprecated_on: when it is to end, or None.
    """

    sku: AzureSku
    version: str
    arch: Arch | None = None
    generation: Generation | None = None
    plan: tuple[str, str, str] | None = None
    lifecycle: Lifecycle = Lifecycle.ACTIVE
    deprecated_on: datetime | None = None


@dataclass(frozen=True, slots=True)
class GalleryVersion:
    """A version of an image definition in an Azure community gallery.

    Attributes:
        gallery: the public name.
        image: the definition.
        version: three dotted numbers.
        published: when, or None.
        end_of_life: when it ends, or None.
        excluded_from_latest: ``latest`` never means this one.
        tags: of the artifact; Fedora CoreOS keeps the full version in ``real_version``.
    """

    gallery: str
    image: str
    version: str
    published: datetime | None = None
    end_of_life: datetime | None = None
    excluded_from_latest: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AwsImage:
    """An AMI in one region.

    Attributes:
        region: for example ``us-east-1``.
        id: ``ami-…``.
        name: for example ``RHEL-9.4-RHCOS-9.6_HVM_GA-20260210-x86_64-0-59ead7de-…``.
        description: free text; holds the build for what Red Hat publishes.
        owner: the number of the account.
        owner_alias: ``aws-marketplace``, ``amazon`` or ``""``.
        arch: None for one that CoreOS does not have.
        created: when.
        state: ``available`` for one that can be used.
        deprecated_on: when it is or was deprecated, or None.
        public: whether everybody may use it.
    """

    region: str
    id: str
    name: str
    description: str
    owner: str
    owner_alias: str
    arch: Arch | None
    created: datetime
    state: str = "available"
    deprecated_on: datetime | None = None
    public: bool = True


@dataclass(frozen=True, slots=True)
class GcpCloudImage:
    """An image in Google Cloud.

    Attributes:
        project: who has it.
        name: in that project.
        family: or ``""``.
        arch: None where it is not told.
        created: when.
        lifecycle: of ``deprecated.state``: DEPRECATED, OBSOLETE and DELETED are all deprecated here.
        status: ``READY`` for one that can be used.
        description: free text.
    """

    project: str
    name: str
    family: str
    arch: Arch | None
    created: datetime
    lifecycle: Lifecycle = Lifecycle.ACTIVE
    status: str = "READY"
    description: str = ""
