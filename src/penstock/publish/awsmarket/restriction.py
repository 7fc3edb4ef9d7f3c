"""Which old versions of a product are restricted (cloudpub: ``cloudpub/aws/{service,utils}.py``); pure."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from penstock.model.push.awsmarket import ProductVersion

_NUMBER = re.compile(
    r"v?(?P<major>[0-9]+)(?:\.(?P<minor>[0-9]+))?(?:\.[0-9]+)*"
    r"(?:[-_.]?(?:alpha|a|beta|b|preview|pre|c|rc)[-_.]?[0-9]*)?(?:-[0-9]+|[-_.]?(?:post|rev|r)[-_.]?[0-9]*)?(?:[-_.]?dev[-_.]?[0-9]*)?"
    r"(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?",
    re.IGNORECASE,
)
"""The versions of Python packages (PEP 440), which upstream takes titles for; without epochs."""


@dataclass(frozen=True, slots=True)
class Restriction:
    """How many versions stay.

    Attributes:
        majors: of major versions, the highest; None for all.
        minors: of minor versions in each major one, the highest; None for all.
    """

    majors: int | None = None
    minors: int | None = None


def version_number(title: str) -> tuple[int, int] | None:
    """Major and minor of a title: of its first word, ``9.4`` in ``9.4 20260511-1``; None where that is no version."""
    words = title.split(" ", 1)
    found = _NUMBER.fullmatch(words[0])
    return (int(found["major"]), int(found["minor"] or 0)) if found else None


def restricted(versions: Sequence[ProductVersion], rule: Restriction, *, keep: Collection[str] = ()) -> tuple[ProductVersion, ...]:
    """The versions that go, in the order of ``versions``.

    Only public ones count, and only those whose title begins with a version and whose date is known.  Of these stay the ``rule.majors``
    highest major versions; in each of them the ``rule.minors`` highest minor ones; and of each minor version the newest.

    Upstream counts a major version of which nothing is public any more among those that stay; here it does not.

    Args:
        versions: of one product.
        rule: how many stay.
        keep: titles that never go: what a run has just brought, it does not take away.
    """
    tree: dict[int, dict[int, list[tuple[datetime, int]]]] = defaultdict(lambda: defaultdict(list))
    for place, each in enumerate(versions):
        number = version_number(each.title)
        if each.is_public and number is not None and each.created_at is not None:
            # Of two of one date the first in the Catalog's order counts as the newer, as it does upstream.
            tree[number[0]][number[1]].append((each.created_at.astimezone(UTC), -place))
    staying = {
        -max(dated)[1]
        for major in _highest(tree, rule.majors)
        for minor in _highest(tree[major], rule.minors)
        if (dated := tree[major][minor])
    }
    counted = {-place for minors in tree.values() for dated in minors.values() for _, place in dated}
    return tuple(each for place, each in enumerate(versions) if place in counted - staying and each.title not in keep)


def _highest(numbers: Iterable[int], count: int | None) -> list[int]:
    return sorted(numbers, reverse=True)[: count or None]
