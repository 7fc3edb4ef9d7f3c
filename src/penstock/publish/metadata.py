"""What a mapping says of an image, and how it is put on the item (pubtools-marketplacesvm: ``tasks/push/items/starmap.py``)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from penstock.formats.itemmeta import read_item_meta
from penstock.model.push.items import PushItem
from penstock.model.record import given
from penstock.model.starmap import StarmapDestination, StarmapEntity, StarmapMapping


def merged(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Both, ``upper`` before ``lower``: maps are merged key by key to any depth, everything else is replaced; neither is changed."""
    result = dict(lower)
    for key, value in upper.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def effective_meta(entity: StarmapEntity, mapping: StarmapMapping, destination: StarmapDestination) -> dict[str, Any]:
    """What counts at a destination: that of the entity < of the mapping < of the destination."""
    return merged(merged(given(entity.meta) or {}, given(mapping.meta) or {}), given(destination.meta) or {})


def filled(item: PushItem, meta: Mapping[str, Any], *, subject: str) -> PushItem:
    """The item with what ``meta`` says of attributes that it does not have.

    An attribute that the source says (anything but None, ``""``, ``False``, 0 and nothing in a list) stays.  ``release`` is different:
    there what the meta says replaces the source field by field, and null replaces nothing.  ``security_groups`` and
    ``access_endpoint_url`` become their values; ``date`` of a release is ``YYYYMMDD`` or ``YYYY-MM-DD``, as text or number.  Keys that
    are no attribute of the item (``accounts``, ``modular_push`` …) are passed over, and so are those that only a source can know: what the
    file is called, where it lies, its checksums and its build.

    Args:
        item: as the source lists it.
        meta: of one destination.
        subject: what the destination is called in errors.

    Raises:
        DocumentFaults: values of a wrong type or spelling, all at once, with their path in ``$.meta``.
    """
    said = read_item_meta(meta, item.kind, subject=subject)
    general = {name: value for name, value in said.general.items() if not getattr(item, name)}
    own = {name: value for name, value in said.attributes.items() if not getattr(item.attributes, name)}
    return replace(item, **general, release=replace(item.release, **said.release), attributes=replace(item.attributes, **own))
