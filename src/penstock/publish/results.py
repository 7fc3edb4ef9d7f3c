"""``pushitems.jsonl`` and ``clouds.json``, as pushcollector writes them (``_impl/local.py``, ``_impl/proxy.py``)."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from penstock.model.push.blobs import without_query
from penstock.model.push.items import PushItem
from penstock.model.push.receipts import AmiReceipt
from penstock.model.push.results import PushResult
from penstock.model.record import given
from penstock.model.starmap import StarmapDestination, StarmapEntity, StarmapMapping
from penstock.publish.metadata import effective_meta


def pushitems_line(result: PushResult) -> bytes:
    """A line of ``pushitems.jsonl``: JSON, keys sorted as ``json.dumps(sort_keys=True)`` writes them, and a newline.

    Keys: ``build`` (NVR), ``checksums`` (``{"md5": …, "sha256": …}`` with hex, of each only what is known, or null where neither is),
    ``dest`` (text), ``filename``, ``origin``, ``signing_key``, ``src``, ``state``.
    """
    item = result.item
    checksums = {"md5": item.md5, "sha256": item.sha256.hex if item.sha256 else None}
    known = {name: value for name, value in checksums.items() if value}
    tree = {
        "build": item.build_nvr,
        "checksums": known or None,
        "dest": item.dest[0] if item.dest else None,
        "filename": result.filename,
        "origin": item.origin,
        "signing_key": item.signing_key,
        "src": _source(item),
        "state": result.state.value,
    }
    return json.dumps(tree, sort_keys=True).encode() + b"\n"


def clouds_document(results: Sequence[PushResult]) -> bytes:
    """``clouds.json``: a list of :func:`item_tree` with ``cloud_info``, indent 2, keys sorted, in the order of results.

    ``cloud_info`` is ``{"account": alias, "provider": cloud}``; results of marketplaces have ``starmap_query`` besides, see
    :func:`starmap_tree`.
    As upstream, an attribute that is not known is left out, and a null inside of one (the ``id`` of a ``build_info``) stays.
    """
    entries = []
    for result in results:
        image = next((receipt.image_id for receipt in result.receipts if isinstance(receipt, AmiReceipt)), "")
        tree = item_tree(result.item, name=result.filename, state=result.state.value, image_id=image)
        if result.cloud:
            tree["cloud_info"] = {"account": result.account, "provider": result.cloud}
        if result.starmap_query is not None:
            tree["starmap_query"] = starmap_tree(result.starmap_query)
        entries.append({key: value for key, value in tree.items() if value is not None})
    return json.dumps(entries, indent=2, sort_keys=True).encode()


def item_tree(item: PushItem, *, name: str, state: str, image_id: str) -> dict[str, Any]:
    """All attributes of an item under pushsource's names; dates are ``YYYYMMDD``, ``boot_mode`` is its word (upstream writes null).

    ``sas_uri`` is the address of a blob alone: its signature lets everybody read the disk for years, and belongs in no file.  Neither does
    that of an address in ``src``.

    ``build_info`` is ``{"name", "version", "release", "id"}``, ``release`` an object, ``dest`` a list, ``md5sum`` and ``sha256sum`` hex;
    those of an AMI are at the top, as ``billing_codes`` ``{"name", "codes"}``.

    Args:
        item: of the result.
        name: of the image, or of the file where there is none.
        state: the word of pushcollector.
        image_id: ``ami-…``; ``""`` for what the item says itself.
    """
    of_cloud = dataclasses.asdict(item.attributes)
    if image_id:
        of_cloud["image_id"] = image_id
    if of_cloud.get("sas_uri"):
        of_cloud["sas_uri"] = without_query(of_cloud["sas_uri"])
    return {
        "name": name,
        "state": state,
        "src": _source(item),
        "dest": list(item.dest),
        "md5sum": item.md5,
        "sha256sum": item.sha256.hex if item.sha256 else None,
        "origin": item.origin,
        "build": item.build_nvr,
        "build_info": dataclasses.asdict(item.build),
        "signing_key": item.signing_key,
        "release": {**dataclasses.asdict(item.release), "date": item.release.date.strftime("%Y%m%d")},
        "description": item.description,
        "boot_mode": item.boot_mode.value if item.boot_mode else None,
        "marketplace_name": item.marketplace_name,
        "marketplace_title_template": item.marketplace_title_template,
        **of_cloud,
    }


def _source(item: PushItem) -> str:
    return without_query(item.src) if item.src.startswith(("https://", "http://")) else item.src


def starmap_tree(entity: StarmapEntity) -> dict[str, Any]:
    """An entity as starmap-client's models are written: every attribute, ``meta`` of a destination with what is said above it."""
    rules = {
        key: {"codes": list(rule.codes), "image_name": rule.image_name, "image_types": list(rule.image_types), "name": given(rule.name)}
        for key, rule in (given(entity.billing_code_config) or {}).items()
    }
    mappings = {
        account: {
            "destinations": [_destination_tree(entity, mapping, each) for each in mapping.destinations],
            "meta": _unsigned(given(mapping.meta) or {}),
            "provider": given(mapping.provider),
        }
        for account, mapping in entity.mappings.items()
    }
    return {
        "name": entity.name,
        "cloud": entity.cloud.value,
        "workflow": entity.workflow.value,
        "meta": _unsigned(given(entity.meta) or {}),
        "billing_code_config": rules,
        "mappings": mappings,
    }


def _unsigned(meta: Mapping[str, Any]) -> dict[str, Any]:
    """The meta, with the address of a disk without its signature."""
    return {key: without_query(value) if key == "sas_uri" and isinstance(value, str) else value for key, value in meta.items()}


def _destination_tree(entity: StarmapEntity, mapping: StarmapMapping, destination: StarmapDestination) -> dict[str, Any]:
    return {
        "ami_version_template": given(destination.ami_version_template),
        "architecture": given(destination.architecture),
        "destination": destination.destination,
        "id": None,  # of the server's database; no mapping of its queries says it
        "meta": _unsigned(effective_meta(entity, mapping, destination)),
        "overwrite": destination.overwrite,
        "provider": given(mapping.provider),  # the client overwrites the destination's own
        "restrict_major": given(destination.restrict_major),
        "restrict_minor": given(destination.restrict_minor),
        "restrict_version": destination.restrict_version,
        "tags": given(destination.tags),
        "vhd_check_base_sas_only": bool(given(destination.vhd_check_base_sas_only)),
    }
