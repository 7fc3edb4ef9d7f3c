"""The tags of objects, snapshots and images.

``nvra``, ``name``, ``version``, ``release``, ``arch`` and ``buildid`` as upstream; what a destination's ``tags`` say, which upstream
forgets in the community workflow; and :data:`~penstock.model.push.aws.CONTENT_TAG`, by which content is recognised.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.push.aws import CONTENT_TAG
from penstock.model.push.items import PushItem
from penstock.model.starmap import BillingType

BUILD_TAGS = ("nvra", "name", "version", "release", "arch", "buildid")
BILLING_TAG = "billing_type"
NAME_TAG = "Name"

_OURS = frozenset({*BUILD_TAGS, BILLING_TAG, NAME_TAG})
_RESERVED_PREFIXES = ("aws:", "penstock:")
_EC2_TAGS, _S3_TAGS = 50, 10
_LONGEST_KEY, _LONGEST_VALUE = 128, 256
_S3_SIGNS = frozenset(" +-=._:/@")


@dataclass(frozen=True, slots=True)
class ImageTags:
    """All tags of a target.

    Attributes:
        build: :data:`BUILD_TAGS`; ``buildid`` is ``None`` as text where there is no id.
        destination: what the mapping adds; it may not replace one of the others.
        type: for images, and for snapshots that serve one type only; None where images are not told apart so.
    """

    build: Mapping[str, str]
    destination: Mapping[str, str]
    type: BillingType | None = None

    def of_object(self, content: Digest) -> dict[str, str]:
        """S3 takes ten, of letters, digits and few signs; what it does not take is left out, that of the mapping first."""
        wanted = {CONTENT_TAG: content.hex, **self.build, **self.destination}
        taken = [(key, value) for key, value in wanted.items() if _s3_takes(key) and _s3_takes(value)]
        return dict(taken[:_S3_TAGS])

    def of_snapshot(self, content: Digest, name: str, *, shared: bool) -> dict[str, str]:
        """With ``Name``; ``billing_type`` unless it is ``shared`` by types."""
        own = {} if shared else self._billing
        return {**self.destination, **self.build, **own, NAME_TAG: name, CONTENT_TAG: content.hex}

    def of_image(self, content: Digest) -> dict[str, str]:
        """With ``billing_type``."""
        return {**self.destination, **self.for_search, CONTENT_TAG: content.hex}

    @property
    def for_search(self) -> dict[str, str]:
        """By which the peer finds an image of whatever name: the build's tags and ``billing_type``."""
        return {**self.build, **self._billing}

    @property
    def _billing(self) -> dict[str, str]:
        return {BILLING_TAG: self.type.value} if self.type else {}


def image_tags(item: PushItem, destination: Mapping[str, str], type: BillingType | None = None) -> ImageTags:  # noqa: A002  (upstream's word)
    """The tags of an enriched item at a destination.

    Raises:
        InputError: a tag of the mapping has a reserved name (``aws:``, one of ours), or there are too many, or one is too long.
    """
    for key, value in destination.items():
        if key in _OURS or key.lower().startswith(_RESERVED_PREFIXES):
            raise InputError(f"the tag {key!r} of the mapping is reserved", hint="give it another name")
        if not 0 < len(key) <= _LONGEST_KEY or len(value) > _LONGEST_VALUE:
            raise InputError(f"the tag {key[:_LONGEST_KEY]!r} of the mapping is too long, or has no name", hint="128 and 256 characters")
    room = _EC2_TAGS - len(_OURS) - 1  # the content's
    if len(destination) > room:
        raise InputError(f"the mapping says {len(destination)} tags, and there is room for {room}")
    build, arch = item.build, item.release.arch
    values = (f"{build.nvr}.{arch}", build.name, build.version, build.release, arch, str(build.id))
    return ImageTags(dict(zip(BUILD_TAGS, values, strict=True)), dict(destination), type)


def _s3_takes(text: str) -> bool:
    return all(sign.isalnum() or sign in _S3_SIGNS for sign in text)
