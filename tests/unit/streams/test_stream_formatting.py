"""The canonical form of a file, as a plan."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.streams.formatting import plan_format

CANONICAL = b'{\n\t"stream": "a",\n\t"architectures": {\n\t\t"x86_64": {\n\t\t\t"images": {}\n\t\t}\n\t}\n}'
MIXED = b'{\n\t"architectures": {\n   "x86_64": {"images": {}}},\n "stream": "a"}'


def test_a_canonical_file_changes_in_nothing() -> None:
    plan = plan_format(CANONICAL, subject="a.json")
    assert not plan.changes


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


# Update metadata as the project published it in September 2025: written by hand, the rollout before the barrier.
UPDATES = b"""{
  "stream": "testing",
  "metadata": {
    "last-modified": "2025-09-02T12:00:00Z"
  },
  "releases": [
    {
      "version": "42.20250901.2.0",
      "metadata": {
        "rollout": {
          "start_percentage": 1.0
        },
        "barrier": {
          "reason": "https://docs.example/signing-keys"
        }
      }
    }
  ]
}
"""


def test_update_metadata_keeps_the_order_of_its_keys() -> None:
    assert plan_format(UPDATES, subject="testing.json").after == UPDATES
