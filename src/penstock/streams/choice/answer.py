"""What an installer uses, and why."""

from dataclasses import dataclass, field
from enum import StrEnum

from penstock.model.marketplace import AzureMarketplaceImage, Generation, PurchasePlan


class ImageForm(StrEnum):
    """What kind of name the image has."""

    URN = "urn"
    """``publisher:offer:sku:version``."""
    AMI = "ami"
    """An image of AWS; behind a comma the region that it is to be copied from."""
    PATH = "path"
    """``projects/PROJECT/global/images/NAME``."""
    OBJECT = "object"
    """``BUCKET/OBJECT``."""
    GALLERY = "gallery"
    """The id of an image in an Azure compute gallery."""
    URL = "url"
    PULLSPEC = "pullspec"
    NAMED = "named"
    """As the user named it."""
    NONE = "none"
    """The installer needs none."""


class ChoiceRule(StrEnum):
    """The rule that decided."""

    OWN_IMAGE = "own image"
    """The user's own image wins."""
    REGION = "region"
    """The image of the region."""
    COPIED = "copied from us-east-1"
    """The region has none; the one of us-east-1 is copied."""
    GLOBAL = "global image"
    """The image is the same in every region."""
    MARKETPLACE = "marketplace"
    """The marketplace's image of the plan that was asked for."""
    DEFAULT_MARKETPLACE = "default marketplace"
    """Azure's unpaid marketplace image, which is the default."""
    COMMUNITY_GALLERY = "community gallery"
    """The image of the community gallery, for a stream that has no marketplace images."""
    VHD = "vhd"
    """The stream has no unpaid marketplace image: the disk is uploaded."""
    CONFIDENTIAL = "confidential"
    """Marketplace images do not support confidential machines: the disk is uploaded."""
    DISK = "disk"
    """The platform's disk."""
    PAYLOAD = "payload"
    """The release payload holds the image."""


@dataclass(frozen=True, slots=True)
class ImageAnswer:
    """The answer.

    Attributes:
        image: what the machines are made from; ``""`` where nothing is.
        form: what kind of name that is.
        rule: the rule that decided.
        reason: for people, one sentence without a full stop.
        release: the build, where the stream says it, or ``""``.
        plan: of a marketplace image, or None.
        generation: of an Azure image, or None.
        azure: the parts of a URN, or None.
        warnings: what an installer would log.
    """

    image: str
    form: ImageForm
    rule: ChoiceRule
    reason: str
    release: str = ""
    plan: PurchasePlan | None = None
    generation: Generation | None = None
    azure: AzureMarketplaceImage | None = None
    warnings: tuple[str, ...] = field(default=())
