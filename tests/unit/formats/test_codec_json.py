"""JSON text to a plain tree and back: strict reading, exact places, Go's spelling."""

import json
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.jsonscan import ScanFault, walk
from penstock.formats.jsontext import COMPACT, Layout, detect_layout, locate_json, parse_json, write_json
from penstock.model.errors import InputError
from penstock.model.record import Tree

TEXTS = st.text(st.characters(codec="utf-8"))
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e15, 1e15) | TEXTS,  # larger floats are spelled as whole numbers, as in Go
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
LAYOUTS = st.sampled_from([
    Layout(),
    Layout(indent="    "),
    Layout(indent="\t", ends_with_newline=False),
    Layout(newline="\r\n"),
    COMPACT,
    Layout(indent=None, item_separator=", ", key_separator=": "),
])  # fmt: skip
SMALL = b'{"stream": "caf\xc3\xa9 \\u00e9", "n": [1, -2.50, 3e2, true, null], "deep": {"a": {"b": []}}}'


def refused(content: bytes, **limits: int) -> InputError:
    with pytest.raises(InputError) as caught:
        parse_json(content, subject="a.json", **limits)
    return caught.value


@given(TREES, LAYOUTS)
def test_what_is_written_is_read_again(tree: Tree, layout: Layout) -> None:
    assert parse_json(write_json(tree, layout), subject="a.json") == tree


@given(TREES, LAYOUTS)
def test_any_json_reader_reads_what_is_written(tree: Tree, layout: Layout) -> None:
    assert json.loads(write_json(tree, layout)) == tree


@given(st.dictionaries(TEXTS, st.dictionaries(TEXTS, st.integers(), min_size=1) | st.lists(TEXTS, min_size=1), min_size=2), LAYOUTS)
def test_the_layout_of_a_document_is_found_again(tree: Tree, layout: Layout) -> None:
    content = write_json(tree, layout)
    assert write_json(tree, detect_layout(content)) == content


@pytest.mark.parametrize(
    "literal", ["1.0", "1e3", "-0", "-0.0", "0.10", "1E+2", "123456789012345678901234567890", "1.000000000000000000001"]
)
def test_a_number_is_written_as_it_was_read(literal: str) -> None:
    content = f'{{"n": [{literal}]}}'.encode()
    assert write_json(parse_json(content, subject="a.json"), detect_layout(content)) == content


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<a href='x'>&</a>", b"\"\\u003ca href='x'\\u003e\\u0026\\u003c/a\\u003e\""),
        ("\u2028\u2029", b'"\\u2028\\u2029"'),
        ("é…😀\x7f", '"é…😀\x7f"'.encode()),
        ('"\\/\b\f\n\r\t\x01\x1f', b'"\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f"'),
        (1.0, b"1"),
        (-0.0, b"-0"),
        (0.000001, b"0.000001"),
        (0.00000015, b"1.5e-7"),
        (1e20, b"100000000000000000000"),
        (1e21, b"1e+21"),
        (2.5e-300, b"2.5e-300"),
        ([], b"[]"),
        ({}, b"{}"),
    ],
)
def test_values_are_spelled_as_go_spells_them(value: Tree, expected: bytes) -> None:
    """The expected bytes follow from Go's encoding/json, encode.go: ``appendString`` with escapeHTML, and ``floatEncoder``."""
    assert write_json(value, COMPACT) == expected


def test_the_default_layout_is_two_spaces_and_a_newline() -> None:
    assert write_json({"a": {"b": [1, {}]}}) == b'{\n  "a": {\n    "b": [\n      1,\n      {}\n    ]\n  }\n}\n'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_json_cannot_say_is_not_written(value: Tree) -> None:
    with pytest.raises(InputError):
        write_json([value])


@pytest.mark.parametrize(
    ("content", "place", "problem"),
    [
        (b'{"a": 1,\n "b": 2,\n "a": 3}', "line 3, column 2, at $.a", 'the key "a" is repeated; it stands on line 1'),
        (b'{"a": {"b": [1, {"c": 1, "c": 2}]}}', "line 1, column 26, at $.a.b[1].c", "repeated"),
        (b'{"a": NaN}', "line 1, column 7, at $.a", "'NaN' is no JSON value"),
        (b"[1, -Infinity]", "line 1, column 5, at $[1]", "no JSON value"),
        (b"[1e999]", "line 1, column 2, at $[0]", "too large"),
        (b"[" + b"9" * 5000 + b"]", "line 1, column 2, at $[0]", "too large"),
        (b'{"4k.raw": ["\\ud800"]}', 'at $["4k.raw"][0]', "surrogate"),
        (b"[1,\n2,]", "line 2, column 3, at $[2]", "']' stands where a value should come"),
        (b'{"a": 1,}', "line 1, column 9", "a key in double quotes"),
        (b'{"a": 1} {"b": 2}', "line 1, column 10", "something follows the end"),
        (b'{"a" 1}', "line 1, column 6, at $.a", "':'"),
        (b"{'a': 1}", "line 1, column 2", "a key in double quotes"),
        (b"[01]", "at $[0]", "'01' is no JSON value"),
        (b'["a\nb"]', "line 1, column 2", "not closed on its line"),
        (b'["a\tb"]', "line 1, column 4", "control character U+0009"),
        (b'["\\x41"]', "line 1, column 3", "bad escape"),
        (b'{"a": "\xc3\xa9\xff"}', "line 1, column 9", "byte 0xff is not UTF-8"),
        (b'\n\n{"a": "\xe9"}', "line 3, column 8", "byte 0xe9 is not UTF-8"),
        (b"\xef\xbb\xbf{}", "line 1, column 1", "byte-order mark"),
        ('{"a": 1}'.encode("utf-16"), "line 1, column 1", "not UTF-8"),
    ],
)
def test_a_fault_is_named_with_its_place(content: bytes, place: str, problem: str) -> None:
    error = refused(content)
    assert error.subject == "a.json"
    assert place in error.message
    assert problem in error.message
    assert error.hint


@pytest.mark.parametrize("content", [b"", b" \n\t\n"])
def test_an_empty_document_is_refused(content: bytes) -> None:
    assert "is empty" in refused(content).message


def test_a_pair_of_surrogate_escapes_is_one_character() -> None:
    assert parse_json(b'"\\ud83d\\ude00"', subject="a.json") == "\U0001f600"


def test_nesting_is_allowed_up_to_the_limit() -> None:
    assert parse_json(b"[" * 64 + b"]" * 64, subject="a.json")
    assert "more than 64 deep" in refused(b"[" * 65 + b"]" * 65).message
    assert parse_json(b'{"a":' * 90 + b"1" + b"}" * 90, subject="a.json", max_depth=90)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"":'])
def test_endless_nesting_is_refused_without_memory_of_its_own(opening: bytes) -> None:
    content = opening * (15_000_000 // len(opening))
    tracemalloc.start()
    error = refused(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "more than 64 deep" in error.message
    assert peak < 3 * len(content)
    assert len(error.message) < 500


def test_a_document_beyond_the_size_limit_is_refused_unread() -> None:
    assert "50000000 bytes" in refused(b"[" * 50_000_000).message
    assert "no more than 10" in refused(b"[1, 2, 3, 4]", limit_bytes=10).message


def test_every_beginning_of_a_document_is_refused_with_its_line() -> None:
    parse_json(SMALL, subject="a.json")
    for length in range(1, len(SMALL)):
        assert "line 1, column" in refused(SMALL[:length]).message


@given(st.binary(max_size=40) | TEXTS.map(str.encode) | st.text('{}[]",:\\u0d8019e.+- tnaf', max_size=30).map(str.encode))
def test_no_input_causes_another_error(content: bytes) -> None:
    with suppress(InputError):
        parse_json(content, subject="a.json")


@given(st.text('{}[]",:\\u0d8019e.+- tnaf\n', max_size=30))
def test_the_slow_walk_refuses_exactly_what_the_parser_refuses(text: str) -> None:
    try:
        for _ in walk(text, 64):
            pass
        accepted = True
    except ScanFault:
        accepted = False
    try:
        parse_json(text.encode(), subject="a.json")
    except InputError:
        assert not accepted
    else:
        assert accepted


def test_a_path_is_found_in_the_text() -> None:
    content = '{\n  "a": [\n    1,\n    {"b": 2}\n  ]\n}'
    position = locate_json(content, ("a", 1, "b"))
    assert str(position) == "line 4, column 11"
    assert locate_json(content, ("a", 7)) is None
