from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.push.awsmarket import DeliveryOption, ProductVersion
from penstock.publish.awsmarket.restriction import Restriction, restricted, version_number

_START = datetime(2026, 1, 1, tzinfo=UTC)


def version(title: str, day: int | None = 0, visibility: str = "Public") -> ProductVersion:
    created = None if day is None else _START + timedelta(days=day)
    return ProductVersion(id=title, title=title, created_at=created, options=(DeliveryOption(id=f"do {title}", visibility=visibility),))


def gone(versions: Sequence[ProductVersion], majors: int | None = None, minors: int | None = None, keep: Sequence[str] = ()) -> list[str]:
    return [each.title for each in restricted(versions, Restriction(majors, minors), keep=keep)]


MANY = [version("8.9 a", 1), version("8.10 a", 2), version("9.3 a", 3), version("9.4 a", 4), version("9.4 b", 5), version("10.0 a", 6)]


@pytest.mark.parametrize(
    ("title", "number"),
    [
        ("9.4 20260511-1", (9, 4)),
        ("9", (9, 0)),
        ("4.16.20250523-0 x", (4, 16)),
        ("v9.4rc1 b", (9, 4)),
        ("9.4.post1", (9, 4)),
        ("RHEL 9.4", None),
        ("9.4-foo", None),
        ("1!9.4", None),
        ("", None),
        ("9. 4", None),
    ],
)
def test_the_first_word_of_a_title_is_its_version_or_it_has_none(title: str, number: tuple[int, int] | None) -> None:
    assert version_number(title) == number


def test_without_limits_only_the_newest_of_each_minor_version_stays() -> None:
    assert gone(MANY) == ["9.4 a"]


def test_the_highest_major_versions_stay_by_number_and_not_by_text() -> None:
    assert gone(MANY, majors=1) == ["8.9 a", "8.10 a", "9.3 a", "9.4 a", "9.4 b"]
    assert gone(MANY, majors=2) == ["8.9 a", "8.10 a", "9.4 a"]


def test_in_each_major_version_the_highest_minor_ones_stay() -> None:
    assert gone(MANY, minors=1) == ["8.9 a", "9.3 a", "9.4 a"]


def test_what_is_not_public_is_not_counted_though_upstream_counts_its_major_version() -> None:
    hidden = [version("11.0 x", 9, "Restricted"), version("12.0 x", 9, "Limited"), *MANY]
    assert gone(hidden, majors=3, minors=9) == ["9.4 a"]


def test_a_title_without_a_version_and_a_version_without_a_date_stay() -> None:
    assert gone([version("RHEL"), version("9.4 a", None), *MANY], majors=1) == ["8.9 a", "8.10 a", "9.3 a", "9.4 a", "9.4 b"]


def test_what_a_run_brings_stays_whatever_the_limits() -> None:
    assert gone(MANY, majors=1, minors=1, keep=["9.4 a", "8.9 a"]) == ["8.10 a", "9.3 a", "9.4 b"]


VERSIONS = st.lists(
    st.builds(
        lambda major, minor, word, day, visibility: version(f"{major}.{minor} {word}", day, visibility),
        st.integers(7, 10),
        st.integers(0, 3),
        st.sampled_from("abcdefgh"),
        st.one_of(st.none(), st.integers(0, 20)),
        st.sampled_from(["Public", "Public", "Public", "Restricted", "Limited"]),
    ),
    max_size=14,
    unique_by=lambda each: each.title,
)
LIMITS = st.one_of(st.none(), st.integers(1, 4))


def countable(versions: Sequence[ProductVersion]) -> list[ProductVersion]:
    return [each for each in versions if each.is_public and each.created_at is not None]


@given(VERSIONS, LIMITS, LIMITS)
def test_the_limits_are_kept_and_the_newest_of_what_stays_is_never_taken(
    versions: list[ProductVersion], majors: int | None, minors: int | None
) -> None:
    taken = restricted(versions, Restriction(majors, minors))
    assert all(each in countable(versions) for each in taken)
    left = [each for each in countable(versions) if each not in taken]
    numbers = [number for each in left if (number := version_number(each.title))]
    assert len(set(numbers)) == len(numbers), "one of each minor version stays"
    assert len({major for major, _ in numbers}) <= (majors or 99)
    assert all(sum(1 for other, _ in numbers if other == major) <= (minors or 99) for major, _ in numbers)
    if countable(versions):
        highest = max(number for each in countable(versions) if (number := version_number(each.title)))
        assert highest in numbers, "the newest version is always to be had"
    by_number: dict[tuple[int, int], list[datetime]] = defaultdict(list)
    for each in countable(versions):
        number, created = version_number(each.title), each.created_at
        assert number is not None
        assert created is not None
        by_number[number].append(created)
    for each in left:
        number = version_number(each.title)
        assert number is not None
        assert each.created_at == max(by_number[number])


@given(VERSIONS, LIMITS, LIMITS, st.randoms(use_true_random=False))
def test_what_is_taken_does_not_depend_on_the_order_unless_dates_are_equal(
    versions: list[ProductVersion], majors: int | None, minors: int | None, random: "object"
) -> None:
    distinct = list({(version_number(each.title), each.created_at): each for each in versions}.values())
    shuffled = sorted(distinct, key=lambda each: hash((each.title, str(random))))
    assert set(gone(shuffled, majors, minors)) == set(gone(distinct, majors, minors))


@given(VERSIONS, LIMITS, LIMITS)
def test_once_it_is_done_there_is_nothing_more_to_do(versions: list[ProductVersion], majors: int | None, minors: int | None) -> None:
    taken = set(gone(versions, majors, minors))
    after = [version(each.title, 0, "Restricted") if each.title in taken else each for each in versions]
    assert gone(after, majors, minors) == []


@given(VERSIONS, LIMITS, LIMITS, st.sets(st.sampled_from([f"{major}.{minor} a" for major in range(7, 11) for minor in range(4)])))
def test_keeping_some_takes_nothing_that_would_have_stayed(
    versions: list[ProductVersion], majors: int | None, minors: int | None, keep: set[str]
) -> None:
    assert gone(versions, majors, minors, sorted(keep)) == [each for each in gone(versions, majors, minors) if each not in keep]
