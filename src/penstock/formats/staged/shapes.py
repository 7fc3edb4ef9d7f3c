"""The shapes of the documents of a staging area; what has the right shape may still mean nothing."""

import msgspec

from penstock.model.push.items import AccessEndpointUrl, AmiAttributes, BillingCodes, BootMode, SecurityGroup


class AmiKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What either document may say of an AMI; the names are those of :class:`AmiAttributes`."""

    type: str | None = None
    region: str | None = None
    virtualization: str | None = None
    volume: str | None = None
    root_device: str | None = None
    sriov_net_support: str | None = None
    ena_support: bool | None = None
    uefi_support: bool | None = None
    release_notes: str | None = None
    usage_instructions: str | None = None
    recommended_instance_type: str | None = None
    marketplace_entity_type: str | None = None
    image_id: str | None = None
    public_image: bool | None = None
    scanning_port: int | None = None
    user_name: str | None = None
    version_title: str | None = None
    security_groups: list[SecurityGroup] | None = None
    access_endpoint_url: AccessEndpointUrl | None = None

    def attributes(self, billing_codes: BillingCodes | None = None) -> AmiAttributes:
        """The same as a part of an item."""
        known = {name: getattr(self, name) for name in AmiKeys.__struct_fields__}
        return AmiAttributes(**{**known, "security_groups": tuple(self.security_groups or ()), "billing_codes": billing_codes})


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
    """``resources.yaml``."""

    build: Build
    release: CloudRelease
    images: list[Image] | None = None
    description: str | None = None
    boot_mode: BootMode | None = None


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
