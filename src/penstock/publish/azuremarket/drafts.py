"""The draft of an offer beside what is published of it: whether somebody else is at work there, and what a modular push carries."""

from collections.abc import Iterable, Mapping, Sequence

from penstock.formats.codec import to_tree
from penstock.model.push.azuremarket import TECHNICAL_KINDS, Kind, Resource, ResourceTree, Submission, TargetType
from penstock.model.record import Tree, given

_PASSED_OVER = (*TECHNICAL_KINDS, Kind.SUBMISSION)
_SIGNED_ANEW = "url"
"""Of pictures and other files: the address has a new signature at every look (cloudpub leaves it out of its comparison too)."""
_FILES = "assets"
"""Of trailers: below it every address is one of a file."""


def unpublished_changes(draft: ResourceTree, published: ResourceTree) -> tuple[str, ...]:
    """The ids of the resources that differ, sorted; technical configurations and submissions are passed over.

    Args:
        draft: of the product.
        published: what is newest of its preview and what is live.
    """
    one, other = _compared(draft), _compared(published)
    return tuple(sorted(key for key in {*one, *other} if one.get(key) != other.get(key)))


def newest_published(submissions: Iterable[Submission]) -> TargetType | None:
    """Which state tells what was published last: the preview where there is one, else what is live; None for an offer that never was.

    A preview that was refused, or is not through yet, was never published and does not count (upstream: ``ensure_offer_is_writable``).
    """
    there = {each.target.target_type for each in submissions if each.shows}
    return next((each for each in (TargetType.PREVIEW, TargetType.LIVE) if each in there), None)


def modular_resources(draft: ResourceTree, plans: Sequence[str]) -> list[Tree]:
    """What a modular push sends before the submission: product, property, the plans and their technical configurations, in this order."""
    chosen = [each for name in plans if (each := draft.plan(name)) is not None]
    ids = {given(each.id) for each in chosen}
    technical = [each for kind in TECHNICAL_KINDS for each in draft.of_kind(kind) if each.extra.get("plan") in ids]
    resources: list[Resource] = [*draft.of_kind(Kind.PRODUCT), *draft.of_kind(Kind.PROPERTY), *chosen, *technical]
    return [to_tree(each) for each in resources]


def _compared(tree: ResourceTree) -> Mapping[str, Tree]:
    resources = (each for each in tree.resources if each.kind not in _PASSED_OVER)
    return {given(each.id) or "": _without_signed(to_tree(each)) for each in resources}


def _without_signed(tree: Tree) -> Tree:
    if not isinstance(tree, Mapping):
        return tree
    return {key: _without_addresses(value) if key == _FILES else value for key, value in tree.items() if key != _SIGNED_ANEW}


def _without_addresses(tree: Tree) -> Tree:
    if isinstance(tree, Mapping):
        return {key: _without_addresses(value) for key, value in tree.items() if key != _SIGNED_ANEW}
    return [_without_addresses(each) for each in tree] if isinstance(tree, list | tuple) else tree
