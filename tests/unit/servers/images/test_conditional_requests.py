"""Conditions and ranges, as RFC 9110 and OpenShift's image service decide them."""

from collections.abc import Mapping
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.servers.images.conditions import Decision, begins, decide

TAG = '"abc"'
DATE_S = 1_750_000_000
SIZE = 1000


def decided(method: str = "GET", *, size: int = SIZE, headers: Mapping[str, str] | None = None, **more: str) -> Decision:
    named = {name.replace("_", "-"): value for name, value in {**(headers or {}), **more}.items()}
    return decide(method, named, etag=TAG, last_modified_s=DATE_S, size_bytes=size)


def date(offset_s: int = 0) -> str:
    return formatdate(DATE_S + offset_s, usegmt=True)


@given(size=st.integers(1, 2000), first=st.integers(0, 2100), length=st.integers(1, 2100))
def test_a_range_is_the_slice(size: int, first: int, length: int) -> None:
    content = bytes(index % 251 for index in range(size))
    found = decided(size=size, Range=f"bytes={first}-{first + length - 1}")
    wanted = content[first : first + length]
    if wanted:
        assert (found.status, content[found.start : found.end]) == (206, wanted)
        assert found.content_range == f"bytes {first}-{first + len(wanted) - 1}/{size}"
    else:
        assert (found.status, found.content_range) == (416, f"bytes */{size}")


@given(size=st.integers(1, 2000), count=st.integers(1, 2100))
def test_a_suffix_is_the_end(size: int, count: int) -> None:
    found = decided(size=size, Range=f"bytes=-{count}")
    assert (found.status, found.start, found.end) == (206, max(size - count, 0), size)


def test_an_open_range_goes_to_the_end() -> None:
    assert decided(Range="bytes=10-") == Decision(decided(Range="bytes=0-0").status, 10, SIZE, content_range="bytes 10-999/1000")


@given(st.text(max_size=30))
def test_any_text_is_a_range_that_lies_inside_or_is_refused(text: str) -> None:
    for header in (text, f"bytes={text}"):
        found = decided(Range=header)
        assert found.status in {200, 206, 416}
        assert 0 <= found.start <= found.end <= SIZE


@pytest.mark.parametrize(
    "text", ["bytes", "bytes=x", "bytes=1", "bytes=5-3", "bytes=--3", "bytes=-", "items=0-1", "bytes=1-x", "bytes=9" * 99]
)
def test_a_range_that_cannot_be_read_is_refused(text: str) -> None:
    assert decided(Range=text) == Decision(decided(Range="bytes=2000-").status, body="invalid range\n")


def test_a_range_behind_the_end_is_refused_with_the_size() -> None:
    found = decided(Range="bytes=1000-")
    assert (found.status, found.body, found.content_range) == (416, "invalid range: failed to overlap\n", "bytes */1000")


def test_no_byte_at_the_end_is_refused() -> None:
    assert decided(Range="bytes=-0").status == 416


@pytest.mark.parametrize("text", ["bytes=0-0,5-6", "bytes=0-,0-", "bytes=", "bytes= , "])
def test_several_ranges_and_none_get_the_whole_file(text: str) -> None:
    found = decided(Range=text)
    assert (found.status, found.start, found.end) == (200, 0, SIZE)


def test_of_several_ranges_those_behind_the_end_do_not_count() -> None:
    assert decided(Range="bytes=2000-,3-4, 5000-6000").content_range == "bytes 3-4/1000"


def test_an_empty_file_is_whole_whatever_range_is_asked_for() -> None:
    assert (decided(size=0, Range="bytes=0-5").status, decided(size=0, Range="bytes=-5").status) == (200, 200)


@pytest.mark.parametrize("sent", [TAG, f'"x", {TAG}', f"W/{TAG}", "*"])
def test_who_has_it_gets_it_not_again(sent: str) -> None:
    assert (decided(If_None_Match=sent).status, decided("HEAD", If_None_Match=sent).status) == (304, 304)
    assert decided("POST", If_None_Match=sent).status == 412


def test_who_has_another_one_gets_it_whatever_its_date() -> None:
    assert decided(If_None_Match='"x"', If_Modified_Since=date()).status == 200


@pytest.mark.parametrize(("offset_s", "status"), [(-1, 200), (0, 304), (1, 304)])
def test_what_has_not_changed_since_is_not_sent(offset_s: int, status: int) -> None:
    assert decided(If_Modified_Since=date(offset_s)).status == status


@pytest.mark.parametrize(
    "text",
    ["yesterday", "Mon, 99 Jan 2094 99:99:99 GMT", "", "0", "2094-01-01", "Fri, 01 Jan 2094 00:00:00 +0000"],
)
def test_a_date_that_is_none_does_not_count(text: str) -> None:
    assert decided(If_Modified_Since=text).status == 200


@pytest.mark.parametrize("text", ["Fri, 01 Jan 2094 00:00:00 GMT", "Friday, 01-Jan-38 00:00:00 GMT", "Fri Jan  1 00:00:00 2094"])
def test_a_date_counts_in_each_of_its_forms(text: str) -> None:
    assert decided(If_Modified_Since=text).status == 304


def test_dates_do_not_count_for_other_methods() -> None:
    assert decided("POST", If_Modified_Since=date()).status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If_Match": TAG}, 200),
        ({"If_Match": "*"}, 200),
        ({"If_Match": '"x"'}, 412),
        ({"If_Match": f"W/{TAG}"}, 412),
        ({"If_Unmodified_Since": date(-1)}, 412),
        ({"If_Unmodified_Since": date()}, 200),
        ({"If_Match": TAG, "If_Unmodified_Since": date(-1)}, 200),
    ],
)
def test_a_precondition_must_hold(headers: dict[str, str], status: int) -> None:
    assert decided(headers=headers).status == status


@pytest.mark.parametrize(
    ("sent", "status"), [(TAG, 206), ('"x"', 200), (f"W/{TAG}", 200), (date(), 206), (date(1), 200), (date(-1), 200), ("nonsense", 200)]
)
def test_if_range_gets_the_range_of_the_same_file_alone(sent: str, status: int) -> None:
    assert decided(Range="bytes=5-6", If_Range=sent).status == status


def test_if_range_makes_no_error_of_a_range() -> None:
    assert decided(Range="bytes=5000-", If_Range='"x"').status == 200


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("", True),
        ("bytes=0-", True),
        ("bytes=00-5", True),
        ("nonsense", True),
        ("bytes=1-", False),
        ("bytes=01-", False),
        ("bytes=-5", False),
    ],
)
def test_a_client_begins_without_a_range_or_at_the_first_byte(asked: str, answer: bool) -> None:
    assert begins(asked) is answer
