"""A trace: one artifact, the tree of what it came from, and the tree of what was made from it.

The ledger is a graph in which ways meet again (an image is a component of many releases) and in which bad data may even run in
circles.  As a tree it is told like this: an artifact's branches are shown where it is nearest to the start, and at every other place it is
mentioned only.  The tree is therefore never larger than the graph.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from penstock.model.lineage import Artifact, Direction, Edge
from penstock.ports import Ledger

MAX_DEPTH = 100
"""The deepest tree; a road from packages to nodes has some ten steps, and readers of nested JSON have limits too."""

Identity = tuple[str, str]


class Mark(StrEnum):
    """How much of a branch is shown."""

    FULL = "full"
    """All of it."""
    REPEATED = "repeated"
    """Its branches are shown elsewhere in the same tree."""
    CYCLE = "cycle"
    """It leads back to itself: it is the start, or stands above in the same line."""
    CUT = "cut"
    """It has branches, deeper than asked for."""


@dataclass(frozen=True, slots=True)
class Branch:
    """An artifact in the tree, with the edges that lead to it from the one above.

    Attributes:
        artifact: the artifact.
        whys: what the edges say, in the order in which they were recorded; one image may be several components of a release.
        mark: whether ``branches`` is all there is.
        branches: where it goes on; empty unless ``mark`` is ``FULL``.
    """

    artifact: Artifact
    whys: tuple[str, ...]
    mark: Mark = Mark.FULL
    branches: tuple["Branch", ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """What the ledger knows about an artifact.

    Attributes:
        artifact: the artifact.
        came_from: the tree upwards, or None where it was not asked for.
        went_to: the tree downwards, or None where it was not asked for.
    """

    artifact: Artifact
    came_from: tuple[Branch, ...] | None
    went_to: tuple[Branch, ...] | None


async def trace(ledger: Ledger, artifact: Artifact, directions: Iterable[Direction] = Direction, *, depth: int = MAX_DEPTH) -> Trace:
    """Ask the ledger about ``artifact``.

    Args:
        ledger: where to look.
        artifact: the start, as the ledger gave it.
        directions: which of the two trees are wanted.
        depth: how many steps to go, 1 to ``MAX_DEPTH``.

    Raises:
        OperationError: the ledger cannot be read.
    """
    wanted = set(directions)
    trees = {direction: grow(artifact, await _steps(ledger, artifact, direction, depth), direction, depth=depth) for direction in wanted}
    return Trace(artifact, trees.get(Direction.UP), trees.get(Direction.DOWN))


async def _steps(ledger: Ledger, start: Artifact, direction: Direction, depth: int) -> list[tuple[Edge, Artifact]]:
    """The edges of the first ``depth`` levels, and of one more: it tells which branches are cut."""
    steps: list[tuple[Edge, Artifact]] = []
    distance: dict[Identity, int] = {start.id: 0}
    async for edge, far in ledger.walk(start, direction):
        near = edge.made if direction is Direction.UP else edge.source
        if distance[near] > depth:
            break
        distance.setdefault(far.id, distance[near] + 1)
        steps.append((edge, far))
    return steps


def grow(start: Artifact, steps: Iterable[tuple[Edge, Artifact]], direction: Direction, *, depth: int = MAX_DEPTH) -> tuple[Branch, ...]:
    """The branches from ``start`` over these edges; pure, and linear in their number.

    Args:
        start: the root, which is not part of the answer.
        steps: edges with the artifact at their far end, in any order; those that do not hang together with ``start`` are left out.
        direction: which end of an edge is far: ``UP`` its source, ``DOWN`` what was made.
        depth: how many levels to show.

    Returns:
        The first level; each level in the order of ``steps``.
    """
    artifacts: dict[Identity, Artifact] = {start.id: start}
    ahead: dict[Identity, dict[Identity, list[str]]] = {}
    for edge, far in steps:
        near = edge.made if direction is Direction.UP else edge.source
        artifacts.setdefault(far.id, far)
        ahead.setdefault(near, {}).setdefault(far.id, []).append(edge.why)

    home = _homes(start.id, ahead)
    level: dict[Identity, int] = {start.id: 0}
    for identity, near in home.items():
        level[identity] = level[near] + 1
    shown: dict[Identity, tuple[Branch, ...]] = {}
    # From the far end back: the branches of a branch are ready when it is made.
    for near in reversed([start.id, *(identity for identity in home if level[identity] < depth)]):
        branches = []
        for identity, whys in ahead.get(near, {}).items():
            mark = _mark(identity, near, home, ahead, is_deepest=level[identity] >= depth)
            inner = shown.get(identity, ()) if mark is Mark.FULL else ()
            branches.append(Branch(artifacts[identity], tuple(whys), mark, inner))
        shown[near] = tuple(branches)
    return shown[start.id]


def _homes(start: Identity, ahead: dict[Identity, dict[Identity, list[str]]]) -> dict[Identity, Identity]:
    """Under which artifact each one is shown with its branches: the first that leads to it, breadth first; in that order."""
    home: dict[Identity, Identity] = {}
    line = [start]
    for near in line:
        for identity in ahead.get(near, {}):
            if identity != start and identity not in home:
                home[identity] = near
                line.append(identity)
    return home


def _mark(
    identity: Identity,
    near: Identity,
    home: dict[Identity, Identity],
    ahead: dict[Identity, dict[Identity, list[str]]],
    *,
    is_deepest: bool,
) -> Mark:
    if identity not in home or identity in _line_above(near, home):
        return Mark.CYCLE
    if not ahead.get(identity):
        return Mark.FULL  # nothing hangs below: mentioning it is showing it
    if home[identity] != near:
        return Mark.REPEATED
    return Mark.CUT if is_deepest else Mark.FULL


def _line_above(identity: Identity, home: dict[Identity, Identity]) -> Sequence[Identity]:
    """``identity`` and everything between it and the start."""
    line = [identity]
    while line[-1] in home:
        line.append(home[line[-1]])
    return line
