"""What the ``meta`` of a mapping says of an image's place in a compute gallery of Azure; all faults at once."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from penstock.formats.codec import decode
from penstock.formats.everyfault import DocumentFaults, faults_of
from penstock.formats.text import fault
from penstock.model.push.galleries import CommunityInfo

STORAGE_TYPES = ("Standard_LRS", "Standard_ZRS", "Premium_LRS", "PremiumV2_LRS")
DEFAULT_FEATURES = {"DiskControllerTypes": "SCSI,NVMe"}
"""coreos-assembler: ``mantle/platform/api/azure/gallery.go``."""

_ROOT = ("meta",)
_LOCATION = re.compile(r"[a-z][a-z0-9]{1,49}")
_PREFIX = re.compile(r"[A-Za-z0-9]{5,16}")
_GENERATIONS = ("V1", "V2")
_MOST_REPLICAS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryMeta:
    """What is said of an image at a destination; ``""`` where the credentials, or nobody, say it.

    Attributes:
        subscription: of the gallery.
        resource_group: of the gallery, and of the storage account where ``storage_resource_group`` is not said.
        storage_resource_group: of the storage account.
        location: of gallery, definition and version; the first of ``regions`` where it is not said.
        regions: where versions are replicated to; ``location`` is one of them.
        replicas: in each.
        storage_account_type: of the replicas.
        exclude_from_latest: whether ``latest`` means another one.
        community: of whom the gallery is; None where it is for nobody else.
        features: of the definition.
        publisher: of the definition's identifier.
        offer: of the same.
        sku: of the same.
    """

    subscription: str = ""
    resource_group: str = ""
    storage_resource_group: str = ""
    location: str = ""
    regions: tuple[str, ...] = ()
    replicas: int = 1
    storage_account_type: str = STORAGE_TYPES[0]
    exclude_from_latest: bool = False
    community: CommunityInfo | None = None
    features: tuple[tuple[str, str], ...] = tuple(DEFAULT_FEATURES.items())
    publisher: str = ""
    offer: str = ""
    sku: str = ""


class _Community(msgspec.Struct, frozen=True, kw_only=True):
    publisherUri: str  # noqa: N815  # Azure's word
    publisherContact: str  # noqa: N815
    eula: str
    publicNamePrefix: str  # noqa: N815


class _Meta(msgspec.Struct, frozen=True, kw_only=True):
    subscription: str | None = None
    resource_group: str | None = None
    storage_resource_group: str | None = None
    location: str | None = None
    regions: list[str] | None = None
    replicas: int | None = None
    storage_account_type: str | None = None
    exclude_from_latest: bool | None = None
    community: _Community | None = None
    features: dict[str, str] | None = None
    generation: str | None = None
    publisher: str | None = None
    offer: str | None = None
    sku: str | None = None


def read_gallery_meta(meta: Mapping[str, Any], *, subject: str) -> GalleryMeta:
    """What ``meta`` says; keys of others are passed over.

    Args:
        meta: plain data.
        subject: what it is called in errors.

    Raises:
        DocumentFaults: values of a wrong type or spelling, all at once, with their path in ``$.meta``.
    """
    shape = list(faults_of(dict(meta), _Meta, subject=subject, path=_ROOT))
    if shape:
        raise DocumentFaults(shape, subject=subject)
    said = decode(dict(meta), _Meta, subject=subject)
    wrong = [fault(problem, subject=subject, path=(*_ROOT, *path)) for path, problem in _wrong_in(said)]
    if wrong:
        raise DocumentFaults(wrong, subject=subject)
    regions = tuple(dict.fromkeys(map(plain_location, said.regions or ())))
    location = plain_location(said.location or "") or (regions[0] if regions else "")
    ours = (location,) if location and location not in regions else ()
    return GalleryMeta(
        subscription=said.subscription or "",
        resource_group=said.resource_group or "",
        storage_resource_group=said.storage_resource_group or "",
        location=location,
        regions=(*ours, *regions),
        replicas=said.replicas or 1,
        storage_account_type=said.storage_account_type or STORAGE_TYPES[0],
        exclude_from_latest=bool(said.exclude_from_latest),
        community=_community(said.community) if said.community else None,
        features=tuple((DEFAULT_FEATURES if said.features is None else said.features).items()),
        publisher=said.publisher or "",
        offer=said.offer or "",
        sku=said.sku or "",
    )


def _community(said: _Community) -> CommunityInfo:
    return CommunityInfo(
        publisher_uri=said.publisherUri,
        publisher_contact=said.publisherContact,
        eula=said.eula,
        public_name_prefix=said.publicNamePrefix,
    )


def plain_location(text: str) -> str:
    """``eastus2`` of ``East US 2``: Azure takes both, and tells either."""
    return text.replace(" ", "").lower()


def _wrong_in(said: _Meta) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if said.location and not _LOCATION.fullmatch(plain_location(said.location)):
        yield ("location",), f"{said.location!r} is no region of Azure"
    for index, region in enumerate(said.regions or ()):
        if not _LOCATION.fullmatch(plain_location(region)):
            yield ("regions", index), f"{region!r} is no region of Azure"
    if said.replicas is not None and not 1 <= said.replicas <= _MOST_REPLICAS:
        yield ("replicas",), f"{said.replicas} replicas cannot be; from 1 to {_MOST_REPLICAS} can"
    if said.storage_account_type and said.storage_account_type not in STORAGE_TYPES:
        yield ("storage_account_type",), f"{said.storage_account_type!r} is none of {', '.join(STORAGE_TYPES)}"
    if said.generation and said.generation not in _GENERATIONS:
        yield ("generation",), f"{said.generation!r} is none of {', '.join(_GENERATIONS)}"
    if said.community and not _PREFIX.fullmatch(said.community.publicNamePrefix):
        problem = f"{said.community.publicNamePrefix!r} is no prefix of a public name: 5 to 16 letters and digits"
        yield ("community", "publicNamePrefix"), problem
