from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.model.push.items import BuildInfo, PushItem, VhdAttributes
from penstock.publish.azure.versions import LARGEST_NUMBER, VersionWish, checked_version, full_version, version_wish

NOW = datetime(2026, 5, 11, 13, 59, 59, tzinfo=UTC)
AnItem = Callable[..., PushItem]


def built(an_item: AnItem, version: str, release: str = "1", **fields: object) -> PushItem:
    return an_item(**{"build": BuildInfo("rhel-azure", version, release), "attributes": VhdAttributes(), **fields})


def test_the_last_number_is_the_hour_of_the_push(an_item: AnItem) -> None:
    assert version_wish(built(an_item, "9.4")).at(NOW) == "9.4.2026051113"


def test_the_hour_is_that_of_utc_whatever_the_machine_thinks(an_item: AnItem) -> None:
    """Upstream takes the time zone of the machine."""
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-11)))
    assert version_wish(built(an_item, "9.4")).at(elsewhere) == "9.4.2026051113"


def test_more_numbers_of_a_version_do_not_count(an_item: AnItem) -> None:
    assert version_wish(built(an_item, "9.4.7")).at(NOW) == "9.4.2026051113"


def test_what_the_mapping_says_counts_first(an_item: AnItem) -> None:
    item = built(an_item, "9.6.20250523", attributes=VhdAttributes(disk_version="1.2.3"))
    assert str(version_wish(item)) == "1.2.3"


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("9.6.20250523", "9.6.20250523"),
        ("9.6.20250523-0", "9.6.20250523"),
        ("419.6.20250523-12", "419.6.20250523"),
        ("414.92.202405282322", "414.92.2024052823"),
    ],
)
def test_a_coreos_build_is_its_exact_release_without_the_suffix(version: str, expected: str, an_item: AnItem) -> None:
    assert version_wish(built(an_item, version)).at(NOW) == expected


def test_the_name_at_the_build_system_tells_the_release_where_the_version_is_that_of_a_stream(an_item: AnItem) -> None:
    item = built(an_item, "4.19", nvr="rhcos-x86_64-9.6.20250523-0")
    assert version_wish(item).at(NOW) == "9.6.20250523"
    assert full_version(item) == "9.6.20250523"


def test_the_file_tells_the_release_of_a_coreos_build(an_item: AnItem) -> None:
    src = "https://storage.example/rhcos-9.6.20250523-0-azure.x86_64.vhd?sig=secret"
    item = built(an_item, "4.19", src=src, build=BuildInfo("rhcos", "4.19", "0"))
    assert version_wish(item).at(NOW) == "9.6.20250523"


def test_the_file_tells_nothing_of_any_other_build(an_item: AnItem) -> None:
    item = built(an_item, "9.4", src="/stage/rhel-9.6.20250523-0.vhd")
    assert version_wish(item).at(NOW) == "9.4.2026051113"


@pytest.mark.parametrize("version", ["9", "", "nine.four", "9.x"])
def test_a_version_without_a_minor_one_is_an_error_with_words(version: str, an_item: AnItem) -> None:
    with pytest.raises(InputError, match="major and minor"):
        version_wish(built(an_item, version))


@pytest.mark.parametrize("text", ["1.2", "1.2.3.4", "1.2.x", "01.2.3", "1.2.2147483648", "v1.2.3", ""])
def test_a_version_is_three_numbers_of_31_bits(text: str) -> None:
    with pytest.raises(InputError):
        checked_version(text)


@given(st.tuples(*[st.integers(0, LARGEST_NUMBER)] * 3))
def test_every_three_numbers_of_31_bits_are_a_version(numbers: tuple[int, ...]) -> None:
    text = ".".join(map(str, numbers))
    assert checked_version(text) == text


@given(st.integers(0, 110 * 365 * 24 * 60), st.integers(0, 40 * 60))
def test_later_pushes_have_larger_versions(moment: int, later: int) -> None:
    """Until the year 2147, when the hours have more than 31 bits."""

    def number(minutes: int) -> int:
        made = VersionWish(prefix="9.4").at(NOW + timedelta(minutes=minutes))
        return int(checked_version(made).rpartition(".")[2])

    assert number(moment) <= number(moment + later)


def test_the_name_of_a_step_has_no_hour(an_item: AnItem) -> None:
    assert str(version_wish(built(an_item, "9.4"))) == "9.4.*"
