import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.lineage.trace import Branch, Mark, grow, trace
from penstock.model.lineage import Artifact, Direction, Edge, Kind
from penstock.simulators.ledger import MemoryLedger

Steps = list[tuple[Edge, Artifact]]


def node(number: int) -> Artifact:
    return Artifact(Kind.IMAGE, f"node {number}")


def up(*links: tuple[int, int]) -> Steps:
    """Edges, each from a made thing to its source, as a walk up gives them; each says which one of the list it is."""
    return [(Edge(node(source).id, node(made).id, f"edge {number}"), node(source)) for number, (made, source) in enumerate(links)]


def everything(branches: tuple[Branch, ...]) -> Iterator[Branch]:
    for branch in branches:
        yield branch
        yield from everything(branch.branches)


def drawn(branches: tuple[Branch, ...]) -> list[object]:
    """The tree as nested lists of numbers, a mark where it is not FULL."""
    return [
        (int(branch.artifact.key.split()[1]), drawn(branch.branches) if branch.mark is Mark.FULL else branch.mark.value)
        for branch in branches
    ]


def test_a_line_is_a_line() -> None:
    assert drawn(grow(node(0), up((0, 1), (1, 2)), Direction.UP)) == [(1, [(2, [])])]


def test_the_way_down_leads_from_sources_to_what_was_made() -> None:
    steps = [(Edge(node(0).id, node(1).id, "used"), node(1))]
    assert grow(node(0), steps, Direction.DOWN) == (Branch(node(1), ("used",)),)


def test_a_shared_branch_is_shown_where_it_is_nearest_and_mentioned_elsewhere() -> None:
    tree = grow(node(0), up((0, 1), (0, 2), (1, 3), (2, 4), (3, 4), (4, 5)), Direction.UP)
    assert drawn(tree) == [(1, [(3, [(4, "repeated")])]), (2, [(4, [(5, [])])])]


def test_a_shared_end_is_simply_shown_again() -> None:
    assert drawn(grow(node(0), up((0, 1), (0, 2), (1, 3), (2, 3)), Direction.UP)) == [(1, [(3, [])]), (2, [(3, [])])]


def test_a_circle_is_marked_where_it_closes() -> None:
    assert drawn(grow(node(0), up((0, 1), (1, 2), (2, 1), (2, 0)), Direction.UP)) == [(1, [(2, [(1, "cycle"), (0, "cycle")])])]


def test_a_thing_made_from_itself_is_a_circle() -> None:
    assert drawn(grow(node(0), up((0, 0)), Direction.UP)) == [(0, "cycle")]


def test_several_edges_between_two_things_are_one_branch_with_all_reasons() -> None:
    (branch,) = grow(node(0), up((0, 1), (0, 1)), Direction.UP)
    assert branch.whys == ("edge 0", "edge 1")


def test_a_branch_that_goes_deeper_than_asked_for_is_cut_and_an_end_at_that_depth_is_not() -> None:
    assert drawn(grow(node(0), up((0, 1), (0, 2), (1, 3)), Direction.UP, depth=1)) == [(1, "cut"), (2, [])]


def test_edges_that_do_not_hang_together_with_the_start_are_left_out() -> None:
    assert grow(node(0), up((1, 2), (3, 4)), Direction.UP) == ()


def test_the_iso_of_a_payload_shows_its_layer_image_release_and_components() -> None:
    """The edges that ``penstock.lineage`` documents, and both trees over them."""
    iso, layer, image, release, other, index = (
        Artifact(Kind.IMAGE, name) for name in ("iso", "layer", "image", "release", "other", "index")
    )
    edges = [
        Edge(image.id, release.id, "component machine-os-images"),
        Edge(other.id, release.id, "component rhel-coreos"),
        Edge(release.id, index.id, "linux/amd64"),
        Edge(image.id, layer.id, "layer 2 of 3"),
        Edge(layer.id, iso.id, "extracted /coreos.iso"),
        Edge(release.id, iso.id, "extracted /coreos.iso from machine-os-images"),
    ]
    ledger = MemoryLedger()
    asyncio.run(ledger.record([], edges))

    def names(branches: tuple[Branch, ...] | None) -> list[object]:
        return [(branch.artifact.key, names(branch.branches)) for branch in branches or ()]

    told = asyncio.run(trace(ledger, iso))
    assert names(told.came_from) == [("layer", [("image", [])]), ("release", [("image", []), ("other", [])])]
    assert told.went_to == ()
    down = asyncio.run(trace(ledger, image, [Direction.DOWN]))
    assert names(down.went_to) == [("release", [("index", []), ("iso", [])]), ("layer", [("iso", [])])]
    assert down.came_from is None


# --- any graph: circles, several edges between two nodes, edges to oneself, parts that do not hang together

GRAPHS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30).map(lambda links: up(*links))


def reached(steps: Steps) -> dict[tuple[str, str], int]:
    """Every artifact above node 0, with its distance."""
    distance = {node(0).id: 0}
    for _ in steps:
        for edge, far in steps:
            if edge.made in distance:
                distance[far.id] = min(distance.get(far.id, 99), distance[edge.made] + 1)
    return distance


@given(GRAPHS)
def test_every_edge_above_the_start_is_told_once(steps: Steps) -> None:
    met = reached(steps)
    told = Counter(why for branch in everything(grow(node(0), steps, Direction.UP)) for why in branch.whys)
    assert told == Counter(edge.why for edge, _ in steps if edge.made in met)


@given(GRAPHS)
def test_no_branch_is_shown_twice_and_none_hangs_below_itself(steps: Steps) -> None:
    tree = grow(node(0), steps, Direction.UP)
    shown = Counter(branch.artifact.id for branch in everything(tree) if branch.branches)
    assert all(count == 1 for count in shown.values())
    assert node(0).id not in shown


@given(GRAPHS, st.integers(1, 4))
def test_no_branch_is_deeper_than_asked_for_and_cuts_are_where_more_would_follow(steps: Steps, depth: int) -> None:
    distance, sources = reached(steps), Counter(edge.made for edge, _ in steps)

    def check(branches: tuple[Branch, ...], level: int) -> None:
        assert level <= depth or not branches
        for branch in branches:
            check(branch.branches, level + 1)
            if branch.mark is Mark.CUT:
                assert level == depth == distance[branch.artifact.id]
                assert sources[branch.artifact.id]
            elif branch.mark is Mark.FULL:
                assert bool(branch.branches) == bool(sources[branch.artifact.id])

    check(grow(node(0), steps, Direction.UP, depth=depth), 1)


@given(GRAPHS, st.integers(1, 4))
def test_a_trace_reads_no_more_than_it_needs_and_tells_the_same(steps: Steps, depth: int) -> None:
    """Over a ledger, which stops reading below the depth, and over all edges at once."""
    ledger = MemoryLedger()
    asyncio.run(ledger.record([node(0)], [edge for edge, _ in steps]))
    told = asyncio.run(trace(ledger, node(0), [Direction.UP], depth=depth))
    assert told.came_from == grow(node(0), steps, Direction.UP, depth=depth)


@given(GRAPHS)
def test_down_is_up_with_all_edges_turned_around(steps: Steps) -> None:
    turned = [(Edge(edge.made, edge.source, edge.why), far) for edge, far in steps]
    assert grow(node(0), turned, Direction.DOWN) == grow(node(0), steps, Direction.UP)


@pytest.mark.parametrize("width", [10_000])
def test_ten_thousand_edges_are_quick(width: int) -> None:
    steps = up(*((0, number) for number in range(1, width // 2)), *((number, width) for number in range(1, width // 2)))
    assert sum(1 for _ in everything(grow(node(0), steps, Direction.UP))) == len(steps)
