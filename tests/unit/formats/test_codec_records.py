"""Trees to records and back: strict types, exact paths, nothing lost."""

from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given as given_by
from hypothesis import strategies as st

from penstock.formats.codec import decode, decode_json, decode_yaml, encode_json, to_tree
from penstock.formats.jsontext import COMPACT
from penstock.model.errors import InputError
from penstock.model.record import Maybe, Record, Tree, given


class Inner(Record, frozen=True, kw_only=True, rename="kebab"):
    size_bytes: int
    note: Maybe[str] = msgspec.UNSET


class Outer(Record, frozen=True, kw_only=True, rename="kebab"):
    name: str
    ratio: float = 0.0
    inner: Maybe[Inner] = msgspec.UNSET
    by_name: Mapping[str, Inner] = {}
    several: tuple[Inner, ...] = ()


class Plain(msgspec.Struct, frozen=True):
    name: str


def decoded(text: str) -> Outer:
    return decode_json(text.encode(), Outer, subject="a.json")


def refused(text: str) -> str:
    with pytest.raises(InputError) as caught:
        decoded(text)
    assert caught.value.subject == "a.json"
    return caught.value.message


def again(text: str) -> str:
    return encode_json(decoded(text), COMPACT).decode()


@pytest.mark.parametrize(
    "text",
    [
        '{"name":"a","ratio":1,"by-name":{},"several":[]}',
        '{"name":"a","ratio":1,"inner":null,"by-name":{},"several":[]}',
        '{"name":"a","ratio":1,"inner":{"size-bytes":1},"by-name":{},"several":[]}',
        '{"name":"a","ratio":1,"inner":{"size-bytes":1,"note":null},"by-name":{},"several":[]}',
        '{"name":"a","ratio":1,"inner":{"size-bytes":1,"note":""},"by-name":{},"several":[]}',
        '{"name":"a","ratio":1,"by-name":{"4k":{"size-bytes":1,"z":1.0,"a":{"y":1e2,"b":[null]}}},"several":[{"size-bytes":2,"x":[]}],"zz":{},"aa":null}',
    ],
)
def test_absent_null_and_empty_are_three_things_and_unknown_keys_stay(text: str) -> None:
    assert again(text) == text


def test_known_keys_come_first_in_the_order_of_the_record_then_unknown_ones_as_found() -> None:
    text = (
        '{"zz":1,"ratio":0.5,"aa":{"z":1,"a":2},"several":[],'
        '"by-name":{"é":{"size-bytes":1},"b":{"u":0,"size-bytes":1},"Z":{"size-bytes":1}},"name":"a"}'
    )
    assert again(text) == (
        '{"name":"a","ratio":0.5,"by-name":{"Z":{"size-bytes":1},"b":{"size-bytes":1,"u":0},"é":{"size-bytes":1}},'
        '"several":[],"zz":1,"aa":{"z":1,"a":2}}'
    )


@given_by(st.dictionaries(st.text(st.characters(codec="utf-8")), st.integers(), min_size=1))
def test_maps_are_sorted_by_their_utf8_bytes(numbers: dict[str, int]) -> None:
    made = to_tree({"m": numbers})
    assert isinstance(made, dict)
    assert list(made["m"]) == sorted(numbers, key=str.encode)


@given_by(st.dictionaries(st.sampled_from(["name", "extra", "x", "size-bytes", "(unknown)"]), st.text(max_size=3)))
def test_writing_what_was_read_changes_nothing_the_second_time(keys: dict[str, str]) -> None:
    once = encode_json(decode({**keys, "name": "n"}, Outer, subject="a"))
    assert encode_json(decode_json(once, Outer, subject="a")) == once


def test_a_key_named_like_the_place_of_unknown_keys_is_an_unknown_key() -> None:
    assert decoded('{"name": "a", "extra": {"b": 1}}').extra == {"extra": {"b": 1}}


def test_a_changed_field_leaves_the_unknown_keys() -> None:
    changed = decoded('{"name": "a", "x": 1}').with_fields(name="b")
    assert (changed.name, changed.extra) == ("b", {"x": 1})


def test_a_plain_struct_drops_unknown_keys() -> None:
    assert decode_json(b'{"name": "a", "x": 1}', Plain, subject="a") == Plain("a")


def test_given_makes_absent_and_null_none() -> None:
    assert [given(value) for value in (msgspec.UNSET, None, "", "a")] == [None, None, "", "a"]


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ('{\n "name": 1}', "line 2, column 10, at $.name", "text is wanted, and a whole number stands here"),
        ('{"name": "a", "ratio": "1"}', "at $.ratio", "a number is wanted, and text stands here"),
        ('{"name": "a",\n"inner": {\n"note": "x"}}', "line 2, column 10, at $.inner", "the key 'size-bytes' is missing"),
        (
            '{"name": "a", "by-name": {"ok": {"size-bytes": 1},\n"not.ok": {"size-bytes": "1"}}}',
            'line 2, column 26, at $.by-name["not.ok"].size-bytes',
            "a whole number is wanted, and text stands here",
        ),
        (
            '{"name": "a", "several": [{"size-bytes": 1},\n{"size-bytes": 1.5}]}',
            "line 2, column 16, at $.several[1].size-bytes",
            "a number stands",
        ),
        ("[]", "line 1, column 1", "an object is wanted, and a list stands here"),
    ],
)
def test_a_wrong_type_is_named_with_its_line_and_path(text: str, place: str, problem: str) -> None:
    message = refused(text)
    assert place in message
    assert problem in message


def test_the_wrong_entry_of_nested_maps_is_found() -> None:
    tree: Tree = {"a": {"x": {"size-bytes": 1}, "y": {"size-bytes": 2}}, "b": {"x": {"size-bytes": 3}, "z": {"size-bytes": True}}}
    with pytest.raises(InputError, match=r"^a: at \$\.b\.z\.size-bytes: a whole number is wanted, and true or false stands here$"):
        decode(tree, dict[str, dict[str, Inner]], subject="a")


def test_a_number_with_a_point_is_a_number_and_not_text() -> None:
    assert decode_json(b'{"name": "a", "ratio": 1.50}', Outer, subject="a").ratio == 1.5
    with pytest.raises(InputError, match=r"line 1, column 7, at \$\.name: text is wanted, and a number stands here"):
        decode_yaml(b"name: 9.10\n", Plain, subject="a")


def test_yaml_decodes_to_the_same_records() -> None:
    assert decode_yaml(b"several:\n- size-bytes: 1\n  x: y\nname: a\n", Outer, subject="a") == decoded(
        '{"name": "a", "several": [{"size-bytes": 1, "x": "y"}]}'
    )
