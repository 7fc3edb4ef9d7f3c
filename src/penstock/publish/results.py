"""``pushitems.jsonl`` and ``clouds.json``, as pushcollector writes them (``_impl/local.py``, ``_impl/proxy.py``)."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from penstock.model.push.items import PushItem
from penstock.model.push.results import PushResult


def pushitems_line(result: PushResult) -> bytes:
    """A line of ``pushitems.jsonl``: JSON, keys sorted as ``json.dumps(sort_keys=True)`` writes them, and a newline.

    Keys: ``build`` (NVR), ``checksums`` (``{"md5": …, "sha256": …}`` with hex, of each only what is known, or null where neither is),
    ``dest`` (text), ``filename``, ``origin``, ``signing_key``, ``src``, ``state``.
    """
    item = result.item
    checksums = {"md5": item.md5, "sha256": item.sha256.hex if item.sha256 else None}
    known = {name: value for name, value in checksums.items() if value}
    tree = {
        "build": item.build.nvr,
        "checksums": known or None,
        "dest": item.dest[0] if item.dest else None,
        "filename": result.filename,
        "origin": item.origin,
        "signing_key": item.signing_key,
        "src": item.src,
        "state": result.state.value,
    }
    return json.dumps(tree, sort_keys=True).encode() + b"\n"


def clouds_document(results: Sequence[PushResult]) -> bytes:
    """``clouds.json``: a list of :func:`item_tree` with ``cloud_info``, indent 2, keys sorted, in the order of results.

    As upstream, an attribute that is not known is left out, and a null inside of one (the ``id`` of a ``build_info``) stays.
    """
    entries = []
    for result in results:
        image = next((receipt.image_id for receipt in result.receipts), "")
        tree = item_tree(result.item, name=result.filename, state=result.state.value, image_id=image)
        tree["cloud_info"] = {"account": result.account, "provider": result.cloud}
        entries.append({key: value for key, value in tree.items() if value is not None})
    return json.dumps(entries, indent=2, sort_keys=True).encode()


def item_tree(item: PushItem, *, name: str, state: str, image_id: str) -> dict[str, Any]:
    """All attributes of an item under pushsource's names; dates are ``YYYYMMDD``, ``boot_mode`` is its word (upstream writes null).

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
    return {
        "name": name,
        "state": state,
        "src": item.src,
        "dest": list(item.dest),
        "md5sum": item.md5,
        "sha256sum": item.sha256.hex if item.sha256 else None,
        "origin": item.origin,
        "build": item.build.nvr,
        "build_info": dataclasses.asdict(item.build),
        "signing_key": item.signing_key,
        "release": {**dataclasses.asdict(item.release), "date": item.release.date.strftime("%Y%m%d")},
        "description": item.description,
        "boot_mode": item.boot_mode.value if item.boot_mode else None,
        "marketplace_name": item.marketplace_name,
        "marketplace_title_template": item.marketplace_title_template,
        **of_cloud,
    }
