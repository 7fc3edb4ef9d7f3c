"""What the ``meta`` of a mapping says of attributes of images: tried against the attributes' types, all faults at once.

pubtools-marketplacesvm: ``tasks/push/items/{starmap,ami}.py``; the attributes are those of pushsource: ``_impl/model/{vms,ami,vhd}.py``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

import msgspec
import msgspec.structs

from penstock.formats.amikeys import AmiKeys
from penstock.formats.codec import decode
from penstock.formats.everyfault import DocumentFaults, faults_of
from penstock.formats.text import DocumentFault, fault
from penstock.model.push.items import AmiAttributes, BillingCodes, BootMode, GceAttributes, ItemKind, VhdAttributes

_ROOT = ("meta",)
_DATE = re.compile(r"([0-9]{4})(-?)([0-9]{2})\2([0-9]{2})")


@dataclass(frozen=True, slots=True)
class SaidOfItem:
    """What a meta says, by the names of the fields, as the fields have it; null and what is no field is left out.

    Attributes:
        general: fields of ``PushItem``.
        release: fields of ``ReleaseInfo``.
        attributes: fields of ``AmiAttributes``, ``VhdAttributes`` or ``GceAttributes``.
    """

    general: Mapping[str, Any] = field(default_factory=dict)
    release: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)


class _Release(msgspec.Struct):
    product: str | None = None
    date: str | int | None = None
    arch: str | None = None
    respin: int | None = None
    version: str | None = None
    base_product: str | None = None
    base_version: str | None = None
    variant: str | None = None
    type: str | None = None


class _Ami(AmiKeys, frozen=True, kw_only=True):
    billing_codes: BillingCodes | None = None
    description: str | None = None
    boot_mode: BootMode | None = None
    origin: str | None = None
    signing_key: str | None = None
    marketplace_name: str | None = None
    marketplace_title_template: str | None = None
    release: _Release | None = None


class _Vhd(msgspec.Struct, frozen=True, kw_only=True):
    description: str | None = None
    boot_mode: BootMode | None = None
    origin: str | None = None
    signing_key: str | None = None
    marketplace_name: str | None = None
    marketplace_title_template: str | None = None
    release: _Release | None = None
    generation: str | None = None
    sku_id: str | None = None
    support_legacy: bool | None = None
    legacy_sku_id: str | None = None
    disk_version: str | None = None
    recommended_sizes: list[str] | None = None
    sas_uri: str | None = None


class _Gce(msgspec.Struct, frozen=True, kw_only=True):
    description: str | None = None
    boot_mode: BootMode | None = None
    origin: str | None = None
    signing_key: str | None = None
    release: _Release | None = None
    family: str | None = None
    licenses: list[str] | None = None
    guest_os_features: list[str] | None = None


_FORMS: Mapping[ItemKind, type[_Ami | _Vhd | _Gce]] = {ItemKind.AMI: _Ami, ItemKind.VHD: _Vhd, ItemKind.GCE: _Gce}
_ATTRIBUTES = {ItemKind.AMI: AmiAttributes, ItemKind.VHD: VhdAttributes, ItemKind.GCE: GceAttributes}


def read_item_meta(meta: Mapping[str, Any], kind: ItemKind, *, subject: str) -> SaidOfItem:
    """What ``meta`` says of an image of this kind.

    Keys that are no attribute (``accounts``, ``modular_push`` …) are passed over, and so are those that only a source can say (``name``,
    ``src``, checksums); an unknown key of ``release`` is a fault, as upstream's class refuses it.

    Args:
        meta: plain data.
        kind: which attributes there are.
        subject: what the meta is called in errors.

    Raises:
        DocumentFaults: values of a wrong type or spelling, all at once, with their path in ``$.meta``.
    """
    form = _FORMS[kind]
    wrong = [*_wrong_in_release(meta.get("release"), subject)]
    try:
        made = decode(dict(meta), form, subject=subject)
    except DocumentFault:
        raise DocumentFaults([*faults_of(dict(meta), form, subject=subject, path=_ROOT), *wrong], subject=subject) from None
    if wrong:
        raise DocumentFaults(wrong, subject=subject)
    said = {name: value for name, value in msgspec.structs.asdict(made).items() if value is not None}
    release = said.pop("release", None)
    names = {each.name for each in fields(_ATTRIBUTES[kind])}
    return SaidOfItem(
        general={name: value for name, value in said.items() if name not in names},
        release=_release(release) if release is not None else {},
        attributes={name: _of_attribute(value) for name, value in said.items() if name in names},
    )


def read_release_date(value: str | int) -> date:
    """``20260511``, as text or number, or ``2026-05-11``.

    Raises:
        ValueError: it is no such date.
    """
    found = _DATE.fullmatch(str(value))
    if found is None:
        raise ValueError(str(value))
    return date(int(found[1]), int(found[3]), int(found[4]))


def _release(said: _Release) -> dict[str, Any]:
    found = {name: value for name, value in msgspec.structs.asdict(said).items() if value is not None}
    if said.date is not None:
        found["date"] = read_release_date(said.date)
    return found


def _wrong_in_release(tree: object, subject: str) -> Iterator[DocumentFault]:
    """What the types do not tell."""
    if not isinstance(tree, Mapping):
        return
    for key in tree:
        if key not in _Release.__struct_fields__:
            known = ", ".join(_Release.__struct_fields__)
            yield fault(f"a release has no {key!r}; it has {known}", subject=subject, path=(*_ROOT, "release", key))
    value = tree.get("date")
    if isinstance(value, str | int) and not isinstance(value, bool):
        try:
            read_release_date(value)
        except ValueError:
            problem = f"{value!r} is no date; write YYYYMMDD or YYYY-MM-DD"
            yield fault(problem, subject=subject, path=(*_ROOT, "release", "date"))


def _of_attribute(value: object) -> object:
    """The value as the model has it."""
    return tuple(value) if isinstance(value, list) else value
