"""What the making of an image on AWS needs to know of a target, whichever workflow it is of."""

from typing import Protocol

from penstock.model.push.aws import ImageRegistration, Place
from penstock.model.starmap import BillingType
from penstock.publish.aws.tags import ImageTags
from penstock.publish.targets import Target


class ImageTarget(Target, Protocol):
    """An item at a destination for which an image is registered.

    Attributes:
        place: the account and the region.
        registration: what EC2 is told; its name is the image's.
        image_name: of the image to be.
        tags: of all that is made.
        type: how its machines are paid for; None where images are not told apart so (AWS Marketplace).
        bucket: that the disk goes through.
        object_key: in it.
    """

    @property
    def place(self) -> Place: ...  # noqa: D102  # see above
    @property
    def registration(self) -> ImageRegistration: ...  # noqa: D102
    @property
    def image_name(self) -> str: ...  # noqa: D102
    @property
    def tags(self) -> ImageTags: ...  # noqa: D102
    @property
    def type(self) -> BillingType | None: ...  # noqa: D102
    @property
    def bucket(self) -> str: ...  # noqa: D102
    @property
    def object_key(self) -> str: ...  # noqa: D102
