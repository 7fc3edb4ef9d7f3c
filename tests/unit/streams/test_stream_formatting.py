"""The canonical form of a file, as a plan."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.streams.formatting import plan_format

CANONICAL = b'{\n\t"stream": "a",\n\t"architectures": {\n\t\t"x86_64": {\n\t\t\t"images": {}\n\t\t}\n\t}\n}'
MIXED = b'{\n\t"architectures": {\n   "x86_64": {"images": {}}},\n "stream": "a"}'


def test_a_canonical_file_changes_in_nothing() -> None:
    plan = plan_format(CANONICAL, subject="a.json")
    assert not plan.changes
    assert plan.diff(max_lines=10) == ""


def test_a_file_keeps_its_indentation_and_its_missing_newline() -> None:
    plan = plan_format(MIXED, subject="a.json")
    assert plan.changes
    assert plan.after == CANONICAL


@given(st.permutations(['"stream": "<a>"', '"x": {"b": 1, "a": 2}', '"architectures": {"s390x": {}, "aarch64": {"z": 1}}']), st.booleans())
def test_formatting_twice_is_formatting_once(members: list[str], newline: bool) -> None:
    content = ("{\n   " + ", ".join(members) + "}" + "\n" * newline).encode()
    once = plan_format(content, subject="a").after
    assert plan_format(once, subject="a").after == once
    assert once.startswith(b'{\n   "stream": "\\u003ca\\u003e",\n   "architectures": {\n      "aarch64"')
    assert once.endswith(b"\n") is newline


def test_a_diff_names_the_file_and_is_cut() -> None:
    diff = plan_format(MIXED, subject="a.json").diff(max_lines=6).split("\n")
    assert diff[0] == "--- a.json"
    assert len(diff) == 7
    assert diff[-1].endswith("more lines")
