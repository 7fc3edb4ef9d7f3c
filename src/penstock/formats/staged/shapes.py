"""The shapes of the documents of a staging area; what has the right shape may still mean nothing."""

import msgspec

from penstock.formats.amikeys import AmiKeys
from penstock.model.push.items import BillingCodes, BootMode


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """Of which build all images of a folder are."""

    name: str
    version: str
    respin: str | int


class CloudRelease(msgspec.Struct, frozen=True, kw_only=True):
    """A release in ``resources.yaml``; upstream's schema has ``product``, ``arch`` and ``respin`` too, and its code never reads them."""

    date: str | int
    version: str | None = None
    base_product: str | None = None
    base_version: str | None = None
    variant: str | None = None
    type: str | None = None


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a folder."""

    path: str
    architecture: str
    sha256sum: str | None = None


class Resources(AmiKeys, frozen=True, kw_only=True):
    """``resources.yaml``; the last three keys are of images for Google Cloud."""

    build: Build
    release: CloudRelease
    images: list[Image] | None = None
    description: str | None = None
    boot_mode: BootMode | None = None
    family: str | None = None
    licenses: list[str] | None = None
    guest_os_features: list[str] | None = None


class FileRelease(CloudRelease, frozen=True, kw_only=True):
    """A release in ``staged.yaml``."""

    product: str
    arch: str
    respin: int


class FileAttributes(AmiKeys, frozen=True, kw_only=True):
    """What ``staged.yaml`` says of a file below ``AWS_IMAGES``; a mapping says what is missing."""

    release: FileRelease
    description: str | None = None
    boot_mode: BootMode | None = None
    billing_codes: BillingCodes | None = None
    marketplace_title_template: str | None = None
    marketplace_name: str | None = None


class StagedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of any kind; ``attributes`` are those of its kind."""

    relative_path: str
    sha256sum: str | None = None
    attributes: dict[str, object] | None = None


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """What a staging area holds."""

    files: list[StagedFile] | None = None


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """Of ``staged.yaml``."""

    version: str


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """``staged.yaml``."""

    header: Header
    payload: Payload | None = None
