"""Rules for any document: keys that nobody knows, or nobody but we; objects that say nothing."""

from collections.abc import Mapping

from penstock.formats.text import Path, show_key
from penstock.model.marketplace import AzureMarketplaceImage, Marketplace
from penstock.model.record import UNKNOWN_KEYS, Record, given
from penstock.model.stream import Images, StreamArch
from penstock.streams.lint.findings import Findings, LintRule, found

_PROPOSED: Mapping[type[Record], frozenset[str]] = {
    AzureMarketplaceImage: frozenset({"thirdParty", "purchasePlan"}),
    Images: frozenset({"azure-community"}),
    Marketplace: frozenset({"aws", "gcp"}),
}
"""Keys that an enhancement or Penstock proposes, and that no upstream library has."""


def lint_structure(value: object, path: Path = ()) -> Findings:
    """Look at every record, map and list in ``value``."""
    if isinstance(value, Record):
        yield from _record(value, path)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _part(part, (*path, key))
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _part(part, (*path, index))


def _record(record: Record, path: Path) -> Findings:
    for key in record.extra:
        yield found(LintRule.UNKNOWN_KEY, (*path, key), f"the key {show_key(key)} is not known; upstream's tools drop it when they write")
    for name, wire_name in zip(record.__struct_fields__, record.__struct_encode_fields__, strict=True):
        if wire_name == UNKNOWN_KEYS:
            continue
        if wire_name in _PROPOSED.get(type(record), ()) and given(getattr(record, name)) is not None:
            yield found(LintRule.PROPOSED_KEY, (*path, wire_name), f"{wire_name} is a proposal; upstream's tools drop it when they write")
        # An architecture without images is written with {} there.
        may_be_empty = isinstance(record, StreamArch) and wire_name == "images"
        yield from _part(given(getattr(record, name)), (*path, wire_name), may_be_empty=may_be_empty)


def _part(value: object, path: Path, *, may_be_empty: bool = False) -> Findings:
    if _is_empty(value):
        if not may_be_empty:
            yield found(LintRule.EMPTY_OBJECT, path, "the object is empty; readers treat it as absent")
    else:
        yield from lint_structure(value, path)


def _is_empty(value: object) -> bool:
    if isinstance(value, Record):
        values = (given(getattr(value, name)) for name in value.__struct_fields__ if name != "extra")
        return not value.extra and all(each is None for each in values)
    return isinstance(value, Mapping) and not value
