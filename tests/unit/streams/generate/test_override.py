"""The laws of the deep merge."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.codec import to_tree
from penstock.formats.stream import parse_stream
from penstock.model.errors import InputError
from penstock.model.record import Tree
from penstock.streams.generate.override import merged_deep, overridden

LEAVES: st.SearchStrategy[Any] = st.integers(0, 3) | st.text("ab", max_size=2) | st.booleans() | st.lists(st.integers(0, 1), max_size=2)
KEYS = st.sampled_from("abcd")


def maps(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(KEYS, st.recursive(leaves, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=6), max_size=4)


PLAIN, WITH_NULLS = maps(LEAVES), maps(LEAVES | st.none())


def paths(tree: Tree, above: tuple[str, ...] = ()) -> dict[tuple[str, ...], Tree]:
    """Every value that is no map, by its path."""
    if not isinstance(tree, dict):
        return {above: tree}
    return {path: leaf for key, part in tree.items() for path, leaf in paths(part, (*above, key)).items()}


def spoken_of(tree: Tree, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The paths of leaves and of empty maps."""
    if not isinstance(tree, dict) or not tree:
        return [above]
    return [path for key, part in tree.items() for path in spoken_of(part, (*above, key))]


@given(PLAIN)
def test_an_empty_override_and_the_document_itself_change_nothing(tree: dict[str, Any]) -> None:
    assert merged_deep(tree, {}) == tree
    assert merged_deep(tree, tree) == tree


@given(PLAIN, WITH_NULLS)
def test_merging_twice_is_merging_once(tree: dict[str, Any], override: dict[str, Any]) -> None:
    once = merged_deep(tree, override)
    assert merged_deep(once, override) == once


@given(PLAIN, PLAIN)
def test_the_override_wins_wherever_it_says_something(tree: dict[str, Any], override: dict[str, Any]) -> None:
    merged = paths(merged_deep(tree, override))
    assert {path: merged[path] for path in paths(override) if path in merged} == {p: v for p, v in paths(override).items() if p in merged}
    assert all(path in merged for path in paths(override))


@given(PLAIN, PLAIN)
def test_what_the_override_does_not_speak_of_stays(tree: dict[str, Any], override: dict[str, Any]) -> None:
    merged, said = paths(merged_deep(tree, override)), spoken_of(override)
    for path, value in paths(tree).items():
        if not any(path[: len(one)] == one or one[: len(path)] == path for one in said if one):
            assert merged[path] == value


@given(WITH_NULLS)
def test_null_keeps_maps_and_takes_the_rest_away(override: dict[str, Any]) -> None:
    assert None not in paths(merged_deep({}, override)).values()
    assert merged_deep({"a": {"b": 1}, "c": 2}, {"a": None, "c": None, "d": None}) == {"a": {"b": 1}}


@given(PLAIN, WITH_NULLS)
def test_neither_document_is_changed(tree: dict[str, Any], override: dict[str, Any]) -> None:
    before = repr((tree, override))
    merged_deep(tree, override)
    assert repr((tree, override)) == before


STREAM = parse_stream(b'{"stream": "a", "architectures": {"x86_64": {"artifacts": {"qemu": {"release": "1"}}}}}', subject="s")


def test_a_stream_takes_an_override_and_is_a_stream_again() -> None:
    made: Any = to_tree(
        overridden(STREAM, b'{"architectures": {"x86_64": {"artifacts": {"qemu": {"release": "2"}}}}, "x": 1}', subject="o")
    )
    assert made == {"stream": "a", "architectures": {"x86_64": {"artifacts": {"qemu": {"release": "2"}}}}, "x": 1}


@pytest.mark.parametrize(
    ("override", "message"), [(b"[]", "an override is an object"), (b'{"architectures": 1}', "an object is wanted"), (b"{", "o: ")]
)
def test_an_override_that_makes_no_stream_is_refused(override: bytes, message: str) -> None:
    with pytest.raises(InputError) as found:
        overridden(STREAM, override, subject="o")
    assert message in str(found.value)
