from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.codec import decode
from penstock.formats.everyfault import faults_of
from penstock.model.errors import InputError
from penstock.model.record import Maybe, Record, Tree


class Leaf(Record, frozen=True, kw_only=True):
    """A record for these tests."""

    size: int
    name: Maybe[str] = msgspec.UNSET


class Branch(Record, frozen=True, kw_only=True):
    """A record of records."""

    leaves: list[Leaf]
    named: Maybe[dict[str, Leaf]] = msgspec.UNSET


VALUES = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.text(max_size=2))
LEAVES = st.dictionaries(st.sampled_from(["size", "name", "other"]), VALUES)
PARTS: st.SearchStrategy[Any] = st.one_of(VALUES, st.lists(LEAVES, max_size=3), st.dictionaries(st.text(max_size=2), LEAVES))
TREES: st.SearchStrategy[Tree] = st.dictionaries(st.sampled_from(["leaves", "named", "more"]), PARTS)


@given(TREES)
def test_there_are_faults_exactly_where_decoding_fails(tree: Tree) -> None:
    try:
        decode(tree, Branch, subject="t")
        fine = True
    except InputError:
        fine = False
    assert fine == (not list(faults_of(tree, Branch, subject="t")))


@given(st.lists(st.booleans(), max_size=5))
def test_every_wrong_leaf_is_told(wrong: list[bool]) -> None:
    tree: Tree = {"leaves": [{"size": "no" if each else 1} for each in wrong]}
    found = [each.path for each in faults_of(tree, Branch, subject="t")]
    assert found == [("leaves", index, "size") for index, each in enumerate(wrong) if each]
