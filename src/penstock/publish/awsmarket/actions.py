"""What is done for AWS Marketplace, beside the making of images."""

from dataclasses import dataclass
from typing import ClassVar

from penstock.model.digest import Digest
from penstock.model.push.aws import Place
from penstock.publish.actions import Phase
from penstock.publish.awsmarket.restriction import Restriction
from penstock.publish.awsmarket.versions import VersionDetails

RESTRICTED_TAG = "penstock:restricted"
"""The tag of images and snapshots that says of which product's restriction they are to vanish with; a later run goes on by it."""
IMAGE_TAG = "penstock:image"
"""The tag of such a snapshot that says whose disk it was."""
RELEASE_DATE_TAG = "release_date"
"""The tag of an image that says when it was published."""


@dataclass(frozen=True, slots=True)
class PublishVersion:
    """Have a version of a product, of the image of the first dependency; makes ``CHANGE_SET`` and ``VERSION``."""

    phase: ClassVar[Phase] = Phase.PUBLISH
    verb: ClassVar[str] = "publish version"
    account: str
    product: str
    product_type: str
    details: VersionDetails
    content: Digest | None
    """Of the image, None for a copy."""
    source_image: str
    """Of a copy, ``""`` for a file."""
    overwrite: bool
    validate_only: bool

    @property
    def where(self) -> str:
        """Account and product."""
        return f"{self.account} {self.product}"


@dataclass(frozen=True, slots=True)
class DateRelease:
    """Have the image of the first dependency tell when it was published: UTC, ``%Y%m%d%H::%M::%S`` (upstream: local time)."""

    phase: ClassVar[Phase] = Phase.PUBLISH
    verb: ClassVar[str] = "date release"
    place: Place
    product: str
    name: str


@dataclass(frozen=True, slots=True)
class MarkImage:
    """Have an old image, and its disks, say that they are to vanish once their version is restricted."""

    phase: ClassVar[Phase] = Phase.RESTRICT
    verb: ClassVar[str] = "mark image"
    place: Place
    product: str
    image: str


@dataclass(frozen=True, slots=True)
class RestrictVersions:
    """Have old versions given to nobody new, as far as ``rule`` still takes them away; makes ``CHANGE_SET``."""

    phase: ClassVar[Phase] = Phase.RESTRICT
    verb: ClassVar[str] = "restrict versions"
    account: str
    product: str
    product_type: str
    titles: tuple[str, ...]
    options: tuple[str, ...]
    rule: Restriction
    keep: tuple[str, ...]
    """Titles that never go."""

    @property
    def where(self) -> str:
        """Account and product."""
        return f"{self.account} {self.product}"


@dataclass(frozen=True, slots=True)
class RemoveImage:
    """Have a marked image, and its snapshots, no more, unless a version of one of ``products`` that is not restricted is made of it."""

    phase: ClassVar[Phase] = Phase.RESTRICT
    verb: ClassVar[str] = "remove image"
    place: Place
    product: str
    image: str
    products: tuple[str, ...]


MarketAction = PublishVersion | DateRelease | MarkImage | RestrictVersions | RemoveImage
