"""What a cloud gave for an image; later clouds add theirs to :data:`Receipt`."""

from dataclasses import dataclass

from penstock.model.digest import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiReceipt:
    """An image that stands in a region of AWS.

    Attributes:
        account: the alias.
        owner: the number of the account, or ``""`` where it was not asked for.
        region: where.
        image_id: ``ami-…``.
        snapshot_id: of its root disk.
        name: of the image.
        content: of the raw disk.
        type: the billing type.
        public: whether everybody may use it now.
    """

    account: str
    region: str
    image_id: str
    snapshot_id: str
    name: str
    content: Digest
    owner: str = ""
    type: str = ""
    public: bool = False


Receipt = AmiReceipt
