"""YAML text to the same plain tree, without what makes YAML dangerous; and back as Kubernetes tools write it."""

import json
from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.yamltext import locate_yaml, parse_yaml, parse_yaml_all, render_yaml, span_in_yaml, write_yaml
from penstock.model.errors import InputError
from penstock.model.record import Tree

TEXTS = st.text(st.characters(codec="utf-8"))
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
LOOKALIKES = [
    *("yes", "No", "on", "y", "~", "null", "", "1", "0x1f", "010", "0o7", "1e3", ".5", "9.10", ".inf", "<<", "=", "2021-01-02", "1:30"),
    *("- a", "a: b", "#x", "a #b", "@x", "*a", "&a", "!a", "%a", " a", "a ", "a\n", "\na", "a\n\n", " a\nb", "a \nb"),
    *("\t", "\u2028", "a\x85b", "\ufeff"),
]


def refused(content: bytes, **limits: int) -> InputError:
    with pytest.raises(InputError) as caught:
        parse_yaml(content, subject="a.yaml", **limits)
    return caught.value


@given(TREES)
def test_what_is_written_is_read_again(tree: Tree) -> None:
    assert parse_yaml(write_yaml([tree]), subject="a.yaml") == [tree]


@given(TREES)
def test_another_yaml_reader_reads_what_is_written(tree: Tree) -> None:
    assert yaml.safe_load(render_yaml([tree])) == [tree]


@pytest.mark.parametrize("text", LOOKALIKES)
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    assert parse_yaml(write_yaml({"a": text, text: "b"}), subject="a.yaml") == {"a": text} | {text: "b"}
    assert yaml.safe_load(write_yaml({"a": text})) == {"a": text}


def test_ordinary_json_is_yaml() -> None:
    """Not all of it is: libyaml refuses a raw DEL, and escapes in surrogate pairs; what may be JSON is read as JSON."""
    tree: Tree = {"a": [1, "é", None, {"b": "c: d"}], "#": 2.5}
    assert parse_yaml(json.dumps(tree, indent=2).encode(), subject="a.yaml") == tree


@pytest.mark.parametrize(
    ("scalar", "expected"),
    [
        ("yes", True),
        ("Off", False),
        ("~", None),
        ("", None),
        ("12", 12),
        ("+12", 12),
        ("-0x1f", -31),
        ("010", 8),
        ("0o10", 8),
        ("0b11", 3),
        ("1e3", 1000.0),
        ("9.10", 9.1),
        ("4.20.1", "4.20.1"),
        ("089", "089"),
        ("2021-01-02", "2021-01-02"),
        ("1:30", "1:30"),
        ("'12'", "12"),
        ('"no"', "no"),
        ("!!str 12", "12"),
        ("|-\n  a\n  b", "a\nb"),
    ],
)
def test_a_scalar_means_what_it_means_to_kubernetes(scalar: str, expected: Tree) -> None:
    assert parse_yaml(f"a: {scalar}\n".encode(), subject="a.yaml") == {"a": expected}


def test_keys_are_text_as_they_stand() -> None:
    assert parse_yaml(b"on: 1\n1: 2\nnull: 3\n", subject="a.yaml") == {"on": 1, "1": 2, "null": 3}


@pytest.mark.parametrize(
    ("content", "place", "problem"),
    [
        (b"a: 1\nb: 2\na: 3\n", "line 3, column 1", 'the key "a" is repeated; it stands on line 1'),
        (b"x:\n- {c: 1, c: 2}\n", "line 2, column 10, at $.x[0]", "repeated"),
        (b"a: &x [1]\nb: *x\n", "line 2, column 4, at $.b", "an alias (*)"),
        (b"b:\n  <<: {a: 1}\n", "line 2, column 3, at $.b", "merge key"),
        (b"a: !!python/object/apply:os.system [ls]\n", "line 1, column 4, at $.a", "tag"),
        (b"a: !!binary aGk=\n", "line 1, column 4, at $.a", "tag"),
        (b"a: .nan\n", "at $.a", "JSON cannot say"),
        (b"a: 1e999\n", "at $.a", "too large"),
        (b"? [a]\n: 1\n", "line 1, column 3", "a key must be text"),
        (b"a: b: c\n", "line 1, column 5", ""),
        (b"a: [1,\n", "line 2, column 1", ""),
        (b'a: "\x01"\n', "line 1, column 5", "control characters"),
        (b"a: \xff\n", "line 1, column 4", "not UTF-8"),
    ],
)
def test_a_fault_is_named_with_its_place(content: bytes, place: str, problem: str) -> None:
    error = refused(content)
    assert error.subject == "a.yaml"
    assert place in error.message
    assert problem in error.message


@pytest.mark.parametrize("value", ["*hunter2", "!hunter2", "!hunter2 x", "!!hunter2 [1]", "&a b\nc: *hunter2", "77" * 2001 + ".5"])
def test_a_fault_never_shows_what_stands_there(value: str) -> None:
    """It may be a password that nobody put into quotes."""
    error = refused(f"password: {value}\n".encode())
    assert "hunter2" not in f"{error} {error.hint}"
    assert "7777" not in f"{error} {error.hint}"


@pytest.mark.parametrize(
    "content", [b"[" * 200_000, b"- " * 5_000 + b"a", b"{a: " * 5_000, b"".join(b" " * i + b"a:\n" for i in range(200))]
)
def test_endless_nesting_is_refused(content: bytes) -> None:
    assert "more than 64 deep" in refused(content).message


def test_a_file_of_several_documents_is_a_list_without_the_empty_ones() -> None:
    content = b"---\na: 1\n---\n# nothing\n---\nb: 2\n...\n"
    assert parse_yaml_all(content, subject="a.yaml") == [{"a": 1}, {"b": 2}]
    assert "2 documents" in refused(content).message


@given(st.binary(max_size=40) | st.text("abc:-[]{}?&*!|>'\"%@` \n\t#,01.", max_size=40).map(str.encode))
def test_no_input_causes_another_error(content: bytes) -> None:
    with suppress(InputError):
        parse_yaml_all(content, subject="a.yaml")


def test_a_path_is_found_in_the_text() -> None:
    text = "a:\n- b: 1\n  c: {d: [x, 'y z']}\n- e\n"
    assert str(locate_yaml(text, ("a", 0, "c", "d", 1))) == "line 3, column 14"
    assert str(locate_yaml(text, ("a", 1))) == "line 4, column 3"
    span = span_in_yaml(text, ("a", 0, "c", "d", 1))
    assert span is not None
    assert text[span.start : span.end] == "'y z'"
    assert locate_yaml(text, ("z",)) is None


def test_a_manifest_looks_as_kubernetes_tools_write_it() -> None:
    tree: Tree = {
        "kind": "ConfigMap",
        "data": {"b": "1\n2\n", "a": "x\ny"},
        "metadata": {"annotations": {"x": "true"}, "labels": {}},
        "l": [{"name": "a"}],
    }
    assert write_yaml(tree).decode() == (
        "data:\n  a: |-\n    x\n    y\n  b: |\n    1\n    2\nkind: ConfigMap\n"
        'l:\n- name: a\nmetadata:\n  annotations:\n    x: "true"\n  labels: {}\n'
    )


def test_half_a_surrogate_pair_is_not_written() -> None:
    with pytest.raises(InputError, match="surrogate"):
        render_yaml({"a": "\ud800"})
