"""AMIs as EC2 tells of them, whether they came with the catalogue or were registered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from penstock.model.arch import Arch
from penstock.simulators.aws.query import Xml, tag_set
from penstock.simulators.cloud.catalogue import Ami

_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_ARCHITECTURES: Final = {Arch.X86_64: "x86_64", Arch.AARCH64: "arm64"}
_RED_HAT_CODE = "bp-6fa54006"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownImage:
    """An AMI in one region.

    Attributes:
        id: ``ami-…``.
        name: unique for an owner in a region.
        description: ``""`` for none.
        owner: the number of the account.
        owner_alias: ``aws-marketplace``, ``amazon`` or ``""``.
        arch: in EC2's words.
        created: when.
        state: ``available``, ``pending``.
        public: whether everybody may use it.
        shared_with: the numbers of other accounts that may.
        deprecated_at: from when on it is listed only for whoever asks for such.
        product_code: of the AWS Marketplace, or ``""``.
        boot_mode: ``""`` where it was not set.
        virtualization: ``hvm``.
        root_device: its name.
        ena: whether it was said to support ENA.
        sriov: ``simple`` or ``""``.
        snapshot: of the root device, ``""`` for those of the catalogue.
        volume: the type of the root device.
        volume_gib: its size.
        keep_volume: whether the volume outlives the machine.
        billing_codes: that it was registered with.
        tags: of it.
        known_from_s: of the monotonic clock: before, nobody knows it.
        ready_from_s: the same: before, it is pending.
    """

    id: str
    name: str
    owner: str
    arch: str
    created: datetime
    description: str = ""
    owner_alias: str = ""
    state: str = "available"
    public: bool = False
    shared_with: frozenset[str] = frozenset()
    deprecated_at: datetime | None = None
    product_code: str = ""
    boot_mode: str = ""
    virtualization: str = "hvm"
    root_device: str = "/dev/xvda"
    ena: bool = False
    sriov: str = ""
    snapshot: str = ""
    volume: str = "gp3"
    volume_gib: int = 16
    keep_volume: bool = False
    billing_codes: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    known_from_s: float = 0.0
    ready_from_s: float = 0.0

    def may_be_used_by(self, account: str) -> bool:
        """Whether it is to be seen by this account."""
        return self.public or account == self.owner or account in self.shared_with


def shown_ami(ami: Ami) -> ShownImage:
    """What is told of an AMI of the catalogue."""
    return ShownImage(
        id=ami.id,
        name=ami.name,
        owner=ami.owner,
        owner_alias=ami.owner_alias,
        description=ami.description,
        arch=_ARCHITECTURES.get(ami.arch, ami.arch.value),
        created=ami.published_at or _LONG_AGO,
        state=ami.state,
        public=ami.public,
        deprecated_at=ami.deprecated_at,
        product_code=ami.product_code,
        boot_mode="uefi" if ami.arch is Arch.AARCH64 else "uefi-preferred",
        ena=True,
    )


IMAGE_FILTERS: Final[Mapping[str, Callable[[ShownImage], str]]] = {
    "architecture": lambda image: image.arch,
    "block-device-mapping.snapshot-id": lambda image: image.snapshot,
    "creation-date": lambda image: time_text(image.created),
    "description": lambda image: image.description,
    "image-id": lambda image: image.id,
    "image-type": lambda _: "machine",
    "is-public": lambda image: str(image.public).lower(),
    "name": lambda image: image.name,
    "owner-alias": lambda image: image.owner_alias,
    "owner-id": lambda image: image.owner,
    "product-code": lambda image: image.product_code,
    "product-code.type": lambda image: "marketplace" if image.product_code else "",
    "root-device-type": lambda _: "ebs",
    "state": lambda image: image.state,
    "virtualization-type": lambda image: image.virtualization,
}


def time_text(moment: datetime) -> str:
    """As EC2 writes times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def image_item(image: ShownImage) -> Xml:
    """The item of an answer."""
    codes: list[Xml] = [{"productCode": image.product_code, "type": "marketplace"}] if image.product_code else []
    disk: dict[str, Xml] = {
        "snapshotId": image.snapshot or None,
        "volumeSize": str(image.volume_gib),
        "volumeType": image.volume,
        "deleteOnTermination": not image.keep_volume,
        "encrypted": False,
    }
    red_hat = _RED_HAT_CODE in image.billing_codes
    return {
        "imageId": image.id,
        "imageLocation": f"{image.owner_alias or image.owner}/{image.name}",
        "imageState": image.state,
        "imageOwnerId": image.owner,
        "imageOwnerAlias": image.owner_alias or None,
        "isPublic": image.public,
        "productCodes": codes or None,
        "architecture": image.arch,
        "imageType": "machine",
        "name": image.name,
        "description": image.description or None,
        "rootDeviceType": "ebs",
        "rootDeviceName": image.root_device,
        "blockDeviceMapping": [{"deviceName": image.root_device, "ebs": disk}],
        "virtualizationType": image.virtualization,
        "hypervisor": "xen",
        "enaSupport": True if image.ena else None,
        "sriovNetSupport": image.sriov or None,
        "bootMode": image.boot_mode or None,
        "platformDetails": "Red Hat Enterprise Linux" if red_hat else "Linux/UNIX",
        "usageOperation": "RunInstances:0010" if red_hat else "RunInstances",
        "creationDate": time_text(image.created),
        "deprecationTime": time_text(image.deprecated_at) if image.deprecated_at else None,
        "tagSet": tag_set(image.tags),
    }
