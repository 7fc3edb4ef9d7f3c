"""Images on their way into clouds, as a source lists them.

The names are those of pushsource (``AmiPushItem``, ``VHDPushItem``), because mappings fill these attributes by name and results print them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from penstock.model.catalogue import Cloud
from penstock.model.digest import Digest
from penstock.model.push.states import ItemState


class ItemKind(StrEnum):
    """Which cloud's images an item becomes; the value is the ``type`` of ``resources.yaml``."""

    AMI = "AMI"
    VHD = "VHD"
    GCE = "GCE"
    """Ours: upstream's sources have no images for Google Cloud."""

    @property
    def cloud(self) -> Cloud:
        """The cloud by which a mapping of it is chosen."""
        return {ItemKind.AMI: Cloud.AWS, ItemKind.VHD: Cloud.AZURE, ItemKind.GCE: Cloud.GCP}[self]


class BootMode(StrEnum):
    """How an image can be booted."""

    HYBRID = "hybrid"
    UEFI = "uefi"
    LEGACY = "legacy"

    @property
    def ec2(self) -> str:
        """The ``BootMode`` of EC2's RegisterImage."""
        return {"hybrid": "uefi-preferred", "uefi": "uefi", "legacy": "legacy-bios"}[self.value]


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """The build that an image came out of.

    Attributes:
        name: without version and release; a mapping is found by it.
        version: ``9.4``.
        release: ``1``, as text.
        id: of the build system, or None where there is none (a staged folder).
    """

    name: str
    version: str
    release: str
    id: int | None = None

    @property
    def nvr(self) -> str:
        """``name-version-release``."""
        return f"{self.name}-{self.version}-{self.release}"


@dataclass(frozen=True, slots=True)
class ReleaseInfo:
    """Of which release an image is; a mapping's ``meta.release`` replaces field by field.

    Attributes:
        product: ``RHEL``, ``rhcos``.
        date: when the image was made.
        arch: the RPM name, or what the source says.
        respin: 0 for the first.
        version: ``9.4``.
        base_product: for what it is an addition to.
        base_version: of that.
        variant: ``BaseOS``, ``Server``.
        type: ``ga``, ``beta``, or what the source says; case as found.
    """

    product: str
    date: date
    arch: str
    respin: int = 0
    version: str | None = None
    base_product: str | None = None
    base_version: str | None = None
    variant: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """A rule for the machines of a marketplace image."""

    from_port: int
    ip_protocol: str
    ip_ranges: tuple[str, ...]
    to_port: int


@dataclass(frozen=True, slots=True)
class AccessEndpointUrl:
    """Where a machine of a marketplace image is reached."""

    port: int
    protocol: str


@dataclass(frozen=True, slots=True)
class BillingCodes:
    """What Amazon bills for an image: the name of the way, and the product codes in the order of the mapping."""

    name: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiAttributes:
    """What AWS alone knows; None where neither source nor mapping says it."""

    type: str | None = None
    """The billing type: ``hourly``, ``access``.  A staged folder says ``AMI`` here, which no one reads."""
    region: str | None = None
    virtualization: str | None = None
    volume: str | None = None
    root_device: str | None = None
    sriov_net_support: str | None = None
    ena_support: bool | None = None
    uefi_support: bool | None = None
    billing_codes: BillingCodes | None = None
    release_notes: str | None = None
    usage_instructions: str | None = None
    recommended_instance_type: str | None = None
    marketplace_entity_type: str | None = None
    image_id: str | None = None
    public_image: bool | None = None
    scanning_port: int | None = None
    user_name: str | None = None
    version_title: str | None = None
    security_groups: tuple[SecurityGroup, ...] = ()
    access_endpoint_url: AccessEndpointUrl | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VhdAttributes:
    """What Azure alone knows; None where neither source nor mapping says it."""

    generation: str | None = None
    """``V1`` or ``V2``; ``V2`` where nobody says it."""
    sku_id: str | None = None
    support_legacy: bool | None = None
    legacy_sku_id: str | None = None
    disk_version: str | None = None
    recommended_sizes: tuple[str, ...] = ()
    sas_uri: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GceAttributes:
    """What Google Cloud alone knows; nothing where neither source nor mapping says it."""

    family: str | None = None
    licenses: tuple[str, ...] = ()
    """Addresses of licenses; none is the usual one of nested virtualisation."""
    guest_os_features: tuple[str, ...] = ()
    """``UEFI_COMPATIBLE`` and others; none are the usual ones of the architecture."""


@dataclass(frozen=True, slots=True)
class CloudInfo:
    """Where an image stands that was pushed before: the ``cloud_info`` of ``clouds.json``.

    Attributes:
        provider: ``aws``, ``azure``: the cloud, not RHSM's name of a part of it.
        account: the alias.
    """

    provider: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PushItem:
    """An image that a source lists.

    Attributes:
        name: the file's, as results show it until the image has a name of its own.
        src: a path, an ``http(s)`` address, or the id of an AMI.
        build: never None: a source that knows no build derives one, or refuses the file.
        release: see :class:`ReleaseInfo`.
        attributes: by their class also the kind of the item.
        description: for people, ``""`` where nobody says it.
        boot_mode: or None where nobody knows.
        sha256: of the file as it lies there, where the source declares it.
        md5: of the same, in hexadecimal.
        origin: the folder of a staged build, an advisory; None where there is none.
        signing_key: results print it.
        marketplace_name: ``aws``, ``azure``: the suffix under which a marketplace mapping is looked for.
        marketplace_title_template: a ``str.format`` template over the release.
        dest: the destinations that the source names; results show those of the mapping.
        cloud_info: where it stands, in lists of what was pushed; None in all others.
        state: what became of it then; PENDING in all others.
        nvr: how the build system names the build, where ``build`` says it otherwise: that of RHCOS has the version of its stream.
    """

    name: str
    src: str = field(repr=False)  # an address may hold a signature
    build: BuildInfo
    release: ReleaseInfo
    attributes: AmiAttributes | VhdAttributes | GceAttributes
    description: str = ""
    boot_mode: BootMode | None = None
    sha256: Digest | None = None
    md5: str | None = None
    origin: str | None = None
    signing_key: str | None = None
    marketplace_name: str | None = None
    marketplace_title_template: str | None = None
    dest: tuple[str, ...] = ()
    cloud_info: CloudInfo | None = None
    state: ItemState = ItemState.PENDING
    nvr: str = ""

    @property
    def build_nvr(self) -> str:
        """``name-version-release`` of the build, as the build system names it."""
        return self.nvr or self.build.nvr

    @property
    def kind(self) -> ItemKind:
        """By the class of its attributes."""
        if isinstance(self.attributes, AmiAttributes):
            return ItemKind.AMI
        return ItemKind.VHD if isinstance(self.attributes, VhdAttributes) else ItemKind.GCE

    @property
    def source_image(self) -> str | None:
        """The id of the AMI that ``src`` names, or None for a file."""
        return self.src if self.src.startswith("ami-") else None

    @property
    def file_name(self) -> str:
        """The last element of ``src``, which a query does not belong to."""
        return self.src.partition("?")[0].rpartition("/")[2]

    @property
    def object_name(self) -> str:
        """Under which its content stands in a bucket: the file's name without ``.xz``."""
        return self.file_name.removesuffix(".xz")

    @property
    def label(self) -> str:
        """For people: ``rhel-ec2-9.4-1 x86_64``."""
        return f"{self.build_nvr} {self.release.arch}"


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something in a source that is not pushed; it is told, and fails nothing.

    Attributes:
        subject: a path, or a name.
        reason: in a few words.
    """

    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class SourceListing:
    """What a source holds.

    Attributes:
        items: in the order of the source.
        dropped: what is no image, and folders that say nothing.
        facts: of the source as a whole, for the ledger.
    """

    items: tuple[PushItem, ...]
    dropped: tuple[Dropped, ...] = ()
    facts: Mapping[str, Any] | None = None
