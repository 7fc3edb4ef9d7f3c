"""``clouds.json`` and ``images.json``: the lists in which pushes say which images they made.

What they hold is what :func:`penstock.publish.results.clouds_document` writes, and pushcollector with pubtools-marketplacesvm before it: a
list of items with all their attributes, ``cloud_info`` and ``state``.  Each entry is read by itself: one list has images of several clouds.
release-engineering/pushsource: ``_impl/backend/pub_source/pub_source.py``, ``_impl/model/{ami,azure,vms}.py`` (``_from_data``).
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import msgspec

from penstock.formats.amikeys import AmiKeys
from penstock.formats.jsontext import locate_json, parse_json
from penstock.formats.staged.builds import derive_build
from penstock.formats.staged.reading import Reading
from penstock.formats.text import Path
from penstock.model.errors import InputError
from penstock.model.push.items import (
    AmiAttributes,
    BillingCodes,
    BootMode,
    BuildInfo,
    CloudInfo,
    GceAttributes,
    ItemKind,
    PushItem,
    ReleaseInfo,
    VhdAttributes,
)
from penstock.model.push.states import ItemState

_NVR: Final = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)-(?P<release>[^-]+)")
_STATES: Final[Mapping[str, ItemState]] = {each.value: each for each in ItemState}
_KINDS: Final[Mapping[str, ItemKind]] = {each.cloud.value: each for each in ItemKind}
_DISKS: Final[Mapping[tuple[str, ...], ItemKind]] = {(".vhd", ".vhd.xz"): ItemKind.VHD, (".tar.gz",): ItemKind.GCE}
_OF_VHD: Final = ("generation", "sku_id", "support_legacy", "legacy_sku_id", "disk_version", "recommended_sizes", "sas_uri")
_OF_GCE: Final = ("family", "licenses", "guest_os_features")


class _Release(msgspec.Struct, frozen=True, kw_only=True):
    product: str
    date: str | int
    arch: str
    respin: str | int = 0
    version: str | None = None
    base_product: str | None = None
    base_version: str | None = None
    variant: str | None = None
    type: str | None = None


class _Pushed(AmiKeys, frozen=True, kw_only=True):
    """An entry; the attributes of all kinds stand beside each other, and what does not belong to its kind is passed over."""

    name: str
    release: _Release
    src: str | None = None
    dest: list[str] | str | None = None
    state: str | None = None
    build: str | None = None
    build_info: BuildInfo | None = None
    cloud_info: CloudInfo | None = None
    description: str | None = None
    boot_mode: BootMode | None = None
    origin: str | None = None
    signing_key: str | None = None
    md5sum: str | None = None
    sha256sum: str | None = None
    marketplace_name: str | None = None
    marketplace_title_template: str | None = None
    billing_codes: BillingCodes | None = None
    ami: str | None = None
    generation: str | None = None
    sku_id: str | None = None
    support_legacy: bool | None = None
    legacy_sku_id: str | None = None
    disk_version: str | None = None
    recommended_sizes: list[str] | None = None
    sas_uri: str | None = None
    family: str | None = None
    licenses: list[str] | None = None
    guest_os_features: list[str] | None = None


def parse_pushed_images(content: bytes, *, subject: str) -> tuple[PushItem, ...]:
    """The images that a push listed, in order.

    An entry's kind is told, in this order, by the cloud of its ``cloud_info``, by the id of an AMI, by the name of its file, by the keys
    that only images of one cloud have; where nothing tells it, it is for AWS, as upstream has it.  Unknown keys are passed over, and so
    is a ``state`` that is none: the item is PENDING then.

    Args:
        content: a JSON document, ``[{"name": …, "release": {"product", "date", "arch", …}, …}, …]``.
        subject: what it is called in errors.

    Raises:
        InputError: it is no JSON.
        DocumentFaults: all that is wrong with it; a list is read as a whole or not at all.
    """
    tree = parse_json(content, subject=subject)
    reading = Reading(content, subject=subject, locate_in=locate_json)
    entries = reading.whole(tree, list[_Pushed])
    items = [_item(reading, each, (index,)) for index, each in enumerate(entries)]
    reading.end()
    return tuple(each for each in items if each is not None)


def _item(reading: Reading, entry: _Pushed, path: Path) -> PushItem | None:
    """The item; None where something is wrong with it, which is noted."""
    release = _release(reading, entry.release, (*path, "release"))
    sha256 = reading.sha256(entry.sha256sum or None, (*path, "sha256sum"))
    build = _build(reading, entry, path)
    if release is None or build is None:
        return None
    dest = entry.dest.split(",") if isinstance(entry.dest, str) else entry.dest or ()
    return PushItem(
        name=entry.name,
        src=entry.src or "",
        build=build,
        release=release,
        attributes=_attributes(entry),
        description=entry.description or "",
        boot_mode=entry.boot_mode,
        sha256=sha256,
        md5=entry.md5sum or None,
        origin=entry.origin or None,
        signing_key=entry.signing_key or None,
        marketplace_name=entry.marketplace_name or None,
        marketplace_title_template=entry.marketplace_title_template or None,
        dest=tuple(filter(None, (each.strip() for each in dest))),
        cloud_info=entry.cloud_info,
        state=_STATES.get(entry.state or "", ItemState.PENDING),
        nvr=entry.build if entry.build and entry.build != build.nvr else "",
    )


def _release(reading: Reading, said: _Release, path: Path) -> ReleaseInfo | None:
    day = reading.day(said.date, (*path, "date"))
    respin = reading.whole_number(said.respin, (*path, "respin"))
    if day is None or respin is None:
        return None
    return ReleaseInfo(
        product=said.product,
        date=day,
        arch=said.arch,
        respin=respin,
        version=said.version or None,
        base_product=said.base_product or None,
        base_version=said.base_version or None,
        variant=said.variant or None,
        type=said.type or None,
    )


def _build(reading: Reading, entry: _Pushed, path: Path) -> BuildInfo | None:
    if entry.build_info is not None:
        return entry.build_info
    if entry.build:
        found = _NVR.fullmatch(entry.build)
        if found is None:
            reading.note("is no NAME-VERSION-RELEASE of a build", (*path, "build"))
            return None
        return BuildInfo(found["name"], found["version"], found["release"])
    try:
        return derive_build(_file_name(entry), entry.release.version or None, int(entry.release.respin))
    except ValueError:
        return None  # the respin is noted
    except InputError as error:
        reading.note(f"the entry names no build, and {error.message}", path)
        return None


def _file_name(entry: _Pushed) -> str:
    return (entry.src or entry.name).partition("?")[0].rpartition("/")[2]


def _kind(entry: _Pushed) -> ItemKind:
    """Of which cloud the image is."""
    if entry.cloud_info is not None:
        # The provider may be RHSM's word for a part of Amazon's cloud; an alias of an account begins with the name of its cloud.
        for word in (entry.cloud_info.provider, entry.cloud_info.account.partition("-")[0]):
            if word.lower() in _KINDS:
                return _KINDS[word.lower()]
    if entry.ami or entry.image_id or (entry.src or "").startswith("ami-"):
        return ItemKind.AMI
    name = _file_name(entry)
    by_file = next((kind for suffixes, kind in _DISKS.items() if name.endswith(suffixes)), None)
    if by_file is not None:
        return by_file
    for keys, kind in ((_OF_VHD, ItemKind.VHD), (_OF_GCE, ItemKind.GCE)):
        if any(getattr(entry, key) is not None for key in keys):
            return kind
    return ItemKind.AMI


def _attributes(entry: _Pushed) -> AmiAttributes | VhdAttributes | GceAttributes:
    match _kind(entry):
        case ItemKind.VHD:
            return VhdAttributes(
                generation=entry.generation or None,
                sku_id=entry.sku_id or None,
                support_legacy=entry.support_legacy,
                legacy_sku_id=entry.legacy_sku_id or None,
                disk_version=entry.disk_version or None,
                recommended_sizes=tuple(entry.recommended_sizes or ()),
                sas_uri=entry.sas_uri or None,
            )
        case ItemKind.GCE:
            features = tuple(entry.guest_os_features or ())
            return GceAttributes(family=entry.family or None, licenses=tuple(entry.licenses or ()), guest_os_features=features)
        case ItemKind.AMI:
            # Lists of pubtools-ami call the id by its shorter name.
            return replace(entry.attributes(entry.billing_codes), image_id=entry.ami or entry.image_id or None)
