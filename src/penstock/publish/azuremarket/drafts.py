"""The draft of an offer beside what is published of it: whether somebody else is at work there, and what a modular push carries."""

from collections.abc import Iterable, Mapping, Sequence

from penstock.formats.codec import to_tree
from penstock.model.push.azuremarket import Kind, Resource, ResourceTree, Submission, TargetType
from penstock.model.record import Tree, given

_PASSED_OVER = (Kind.TECHNICAL, Kind.SUBMISSION)
_SIGNED_ANEW = "url"
"""Of pictures and other files: the address has a new signature at every look (cloudpub leaves it out of its comparison too)."""


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

    A preview that was refused shows what it showed before, so it counts as well.
    """
    there = {each.target.target_type for each in submissions}
    return next((each for each in (TargetType.PREVIEW, TargetType.LIVE) if each in there), None)


def modular_resources(draft: ResourceTree, plans: Sequence[str]) -> list[Tree]:
    """What a modular push sends before the submission: product, property, the plans and their technical configurations, in this order."""
    chosen = [each for name in plans if (each := draft.plan(name)) is not None]
    ids = {given(each.id) for each in chosen}
    technical = [each for each in draft.of_kind(Kind.TECHNICAL) if each.extra.get("plan") in ids]
    resources: list[Resource] = [*draft.of_kind(Kind.PRODUCT), *draft.of_kind(Kind.PROPERTY), *chosen, *technical]
    return [to_tree(each) for each in resources]


def _compared(tree: ResourceTree) -> Mapping[str, Tree]:
    resources = (each for each in tree.resources if each.kind not in _PASSED_OVER)
    return {given(each.id) or "": _without_signed(to_tree(each)) for each in resources}


def _without_signed(tree: Tree) -> Tree:
    return {key: value for key, value in tree.items() if key != _SIGNED_ANEW} if isinstance(tree, Mapping) else tree
