"""The keys of an AMI's attributes, which are the same in the documents of a staging area and in the meta of a mapping.

pushsource: ``_impl/model/ami.py``.
"""

import msgspec

from penstock.model.push.items import AccessEndpointUrl, AmiAttributes, BillingCodes, SecurityGroup


class AmiKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What a document may say of an AMI; the names are those of :class:`AmiAttributes`."""

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
