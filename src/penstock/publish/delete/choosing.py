"""Which items are deleted, and in which accounts they are looked for; nothing is asked here."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress

from penstock.model.errors import InputError
from penstock.model.push.items import AmiAttributes, ItemKind, PushItem
from penstock.publish.delete.target import DeleteRules, DeleteTarget
from penstock.publish.gcp.destination import GcpDestination

_BY_ENTITY_TYPE: Mapping[str, tuple[str, ...]] = {
    "AWS": ("aws-us-storage",),
    "AGOV": ("aws-us-gov-storage",),
    "ACN": ("aws-china-storage",),
    "AmiProduct": ("aws-na", "aws-emea"),
}
"""Where an AMI without ``cloud_info`` may be: a community push leaves RHSM's provider in this attribute, the marketplace its own word."""
_AZURE = ("azure-na", "azure-emea")
"""Where a VHD without ``cloud_info`` may be.  Accounts of galleries are not guessed: the name of a blob is no id, and may be another's."""
_RHSM_PROVIDERS: Mapping[str, str] = {"aws-us-storage": "AWS", "aws-us-gov-storage": "AGOV", "aws-china-storage": "ACN"}


def chosen(items: Mapping[int, PushItem], kind: ItemKind, rules: DeleteRules, *, others: Sequence[str] = ()) -> tuple[DeleteTarget, ...]:
    """The items of this kind inside of ``--limit``, in order; those of other builds too, with ``listed`` false.

    Args:
        items: by their number.
        kind: of the items that count.
        rules: see there.
        others: the accounts in which items are looked for of which nothing says where they are.
    """
    seen: Counter[str] = Counter()
    targets = []
    for order, item in items.items():
        if item.kind is not kind or (rules.limit is not None and not rules.limit & _limit_names(item)):
            continue
        accounts, subject, region = accounts_of(item) or tuple(others), subject_of(item), region_of(item)
        label = " ".join(filter(None, ("delete", " or ".join(accounts), region, subject or item.name)))
        seen[label] += 1
        targets.append(
            DeleteTarget(
                label=label if seen[label] == 1 else f"{label} #{seen[label]}",
                order=(order, 0),
                item=item,
                listed=item.build_nvr in rules.builds,
                accounts=accounts,
                subject=subject,
                region=region,
            )
        )
    return tuple(targets)


def _limit_names(item: PushItem) -> frozenset[str]:
    """By which ``--limit`` names an item: the id of an AMI, and else its name, for a VHD also that of its file or blob."""
    image = subject_of(item) if item.kind is ItemKind.AMI else ""
    if item.kind is ItemKind.VHD:
        return frozenset({item.name, item.file_name, item.object_name})
    return frozenset({image or item.name})


def accounts_of(item: PushItem) -> tuple[str, ...]:
    """Where it may be: as ``cloud_info`` says, or else by what it is; nothing where nothing tells it."""
    if item.cloud_info is not None:
        return (item.cloud_info.account,)
    if isinstance(item.attributes, AmiAttributes):
        return _BY_ENTITY_TYPE.get(item.attributes.marketplace_entity_type or "", ())
    return _AZURE if item.kind is ItemKind.VHD else ()


def subject_of(item: PushItem) -> str:
    """The id of the AMI, the name of the blob, or the name of the image of Google Cloud; ``""`` where the item does not say it.

    An image of Google Cloud is named in results alone: there ``cloud_info`` stands with it, and where nothing was made the name is that
    of the file.
    """
    if isinstance(item.attributes, AmiAttributes):
        return item.attributes.image_id or item.source_image or ""
    if item.kind is ItemKind.VHD:
        return item.object_name
    return item.name if item.cloud_info is not None and item.name != item.file_name else ""


def projects_of(item: PushItem) -> tuple[str, ...]:
    """The projects that an image of Google Cloud was made in, as its destinations say; none where they say nothing."""
    found: dict[str, None] = {}
    for text in item.dest:
        with suppress(InputError):
            found[GcpDestination.parse(text).project] = None
    return tuple(found)


def region_of(item: PushItem) -> str:
    """The region of an AMI; ``""`` where the item names none."""
    return (item.attributes.region or "") if isinstance(item.attributes, AmiAttributes) else ""


def rhsm_provider(item: PushItem, account: str) -> str:
    """The part of RHSM's catalogue that an AMI is in: ``AWS``, ``AGOV``, ``ACN``; ``""`` for those of marketplaces, which are in none.

    Upstream takes the name of the cloud, ``aws``, where ``cloud_info`` is there, which is no part of the catalogue, and hides nothing.
    """
    said = item.attributes.marketplace_entity_type if isinstance(item.attributes, AmiAttributes) else None
    if said in _RHSM_PROVIDERS.values():
        return said or ""
    return _RHSM_PROVIDERS.get(account, "")
