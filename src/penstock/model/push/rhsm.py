"""What Red Hat Subscription Management knows of images in Amazon's cloud (``/v1/internal/cloud_access_providers/amazon``)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class RhsmProduct:
    """A group of images: ``RHEL_HOURLY`` of ``AWS``, ``AGOV`` or ``ACN``."""

    name: str
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RhsmImage:
    """An image that subscriptions shall know.

    Attributes:
        image_id: ``ami-…``.
        region: where it is.
        arch: in EC2's words, lower case.
        product: the name of an :class:`RhsmProduct`.
        version: of the release; None is sent as ``none``.
        variant: the same.
        image_name: for the description.
        status: ``VISIBLE`` or ``invisible``.
    """

    image_id: str
    region: str
    arch: str
    product: str
    version: str | None
    variant: str | None
    image_name: str
    status: str = "VISIBLE"
