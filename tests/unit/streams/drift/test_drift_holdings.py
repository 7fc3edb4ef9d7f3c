"""What versions of all shapes hold, and how far apart two of them are."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.streams.drift.holdings import (
    Family,
    Holding,
    compare,
    holding_of_azure,
    holding_of_build,
    holding_of_gallery,
    holding_of_gcp_name,
    holding_of_release,
)
from penstock.streams.drift.statuses import DriftStatus

EXACT, BEHIND, AHEAD = DriftStatus.EXACT, DriftStatus.BEHIND, DriftStatus.AHEAD

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
RHELS = st.builds(
    lambda major, minor, day: Holding("x", Family.RHEL, major, minor, day),
    st.sampled_from([9, 10]),
    st.sampled_from([None, 0, 2, 4, 6, 8]),
    DAYS,
)
FEDORAS = st.builds(lambda major, day: Holding("x", Family.FEDORA, major, None, day), st.integers(40, 44), DAYS)
BUILDS = st.one_of(
    st.builds(
        lambda major, minor, day, number: holding_of_build(f"{major}.{minor}.{day:%Y%m%d}-{number}"),
        st.sampled_from([9, 10]),
        st.integers(0, 10),
        DAYS,
        st.integers(0, 3),
    ),
    st.builds(
        lambda ocp, minor, day, number: holding_of_build(f"4{ocp}.9{minor}.{day:%Y%m%d}0804-{number}"),
        st.integers(12, 18),
        st.integers(0, 10),
        DAYS,
        st.integers(0, 3),
    ),
    st.builds(
        lambda release, day, number: holding_of_build(f"{release}.{day:%Y%m%d}.3.{number}"), st.integers(38, 44), DAYS, st.integers(0, 3)
    ),
)
HOLDINGS = st.one_of(RHELS, FEDORAS, BUILDS)


@pytest.mark.parametrize(
    ("text", "system", "day"),
    [
        ("9.6.20250826-1", "RHEL 9.6", date(2025, 8, 26)),
        ("418.94.202410090804-0", "RHEL 9.4", date(2024, 10, 9)),
        ("413.9.202302130811-0", "RHEL 9", date(2023, 2, 13)),
        ("42.20250526.2.1", "Fedora 42", date(2025, 5, 26)),
        ("4.18.2025031114", "RHEL 9.4", date(2025, 3, 11)),
        ("419.6.20250523", "RHEL 9.6", date(2025, 5, 23)),
    ],
)
def test_a_release_tells_the_os_and_the_day(text: str, system: str, day: date) -> None:
    held = holding_of_release(text)
    assert (held.system, held.day) == (system, day)


@pytest.mark.parametrize(
    ("name", "arch", "system", "day"),
    [
        ("rhcos-410-84-202201251210-0-gcp-x86-64", Arch.X86_64, "RHEL 8.4", date(2022, 1, 25)),
        ("rhcos-9-6-20250826-1-gcp-aarch64", Arch.AARCH64, "RHEL 9.6", date(2025, 8, 26)),
        ("fedora-coreos-42-20250526-3-0-gcp-x86-64", Arch.X86_64, "Fedora 42", date(2025, 5, 26)),
        ("redhat-coreos-ocp-413-x86-64-202305021736", Arch.X86_64, "RHEL 9.2", date(2023, 5, 2)),
    ],
)
def test_the_names_of_google_s_images_tell_the_build(name: str, arch: Arch, system: str, day: date) -> None:
    held = holding_of_gcp_name(name, arch)
    assert (held.system, held.day) == (system, day)


@pytest.mark.parametrize("build", ["48.84.202104271417-0", "418.94.202410090804-0", "9.6.20250826-1", "42.20250526.3.0"])
def test_the_name_of_google_s_image_tells_the_very_build(build: str) -> None:
    """Streams before 2022 have no release beside the name."""
    family = "fedora-coreos" if build.startswith("42") else "rhcos"
    held = holding_of_gcp_name(f"{family}-{build.replace('.', '-')}-gcp-x86-64", Arch.X86_64)
    assert compare(holding_of_build(build), held).reason == "the same build"


@pytest.mark.parametrize("name", ["", "debian-12", "rhcos-9-6-20250826-1-gcp-aarch64", "rhcos-9-6-20251399-1-gcp-x86-64"])
def test_a_name_that_tells_no_build_of_this_architecture_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        holding_of_gcp_name(name, Arch.X86_64)


def test_a_gallery_s_version_is_azure_s_or_fedora_s_without_its_stream() -> None:
    assert holding_of_gallery("10.0.20250628").system == "RHEL 10.0"
    assert (holding_of_gallery("42.20250526.1").system, holding_of_gallery("42.20250526.1").day) == ("Fedora 42", date(2025, 5, 26))


@pytest.mark.parametrize("text", ["", "latest", "9.6", "9.6.20251399", "v1", "42.20251399.1", "4.99.2025010100"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        holding_of_gallery(text)


@pytest.mark.parametrize(
    ("wanted", "found", "status", "days"),
    [
        # The table of real pairs.
        ("9.6.20250826-1", "419.6.20250523", BEHIND, 95),
        ("9.6.20250826-1", "4.18.2025031114", BEHIND, 168),
        ("9.6.20251023-0", "9.6.20251015", BEHIND, 8),
        ("9.8.20260428-0", "9.8.20260428", EXACT, 0),
        ("9.8.20260428-0", "9.6.2026030314", BEHIND, 56),
        ("9.8.20260428-0", "4.18.2026012111", BEHIND, 97),
        ("10.2.20260423-0", "9.8.20260428", DriftStatus.WRONG_RHEL_MAJOR, None),
        ("10.2.20260423-0", "4.18.2026012111", DriftStatus.WRONG_RHEL_MAJOR, None),
        # A stream that went back (2025-08-20) leaves its image ahead.
        ("9.6.20250523-0", "9.6.20250811", AHEAD, 80),
        # A later minor is ahead also where it is older: a stream of RHEL 9.6 never takes 9.8.
        ("9.6.20260501-0", "9.8.20260428", AHEAD, 0),
        ("9.8.20260428-0", "9.6.20260501", BEHIND, 0),
        ("418.94.202410090804-0", "418.94.20241009", EXACT, 0),
        ("418.94.202410090804-0", "418.94.20250122", AHEAD, 105),
    ],
)
def test_the_distance_of_real_pairs(wanted: str, found: str, status: DriftStatus, days: int | None) -> None:
    lag = compare(holding_of_build(wanted), holding_of_azure(found))
    assert (lag.status, lag.days) == (status, days)


def test_another_minor_of_the_same_major_is_named() -> None:
    lag = compare(holding_of_build("9.8.20260428-0"), holding_of_azure("9.6.2026030314"))
    assert lag.reason == "56 days behind; RHEL 9.6, not RHEL 9.8"


def test_the_number_of_a_build_counts_where_both_sides_tell_it() -> None:
    wanted = holding_of_build("9.6.20250826-1")
    assert compare(wanted, holding_of_build("9.6.20250826-0")).status is BEHIND
    assert compare(wanted, holding_of_build("9.6.20250826-2")).status is AHEAD
    assert compare(wanted, holding_of_azure("9.6.20250826")).status is EXACT


def test_fedora_is_not_compared_with_rhel() -> None:
    assert compare(holding_of_build("42.20250526.3.0"), holding_of_azure("9.6.20250826")).status is DriftStatus.UNPARSABLE


def test_another_release_of_fedora_is_a_question_of_days() -> None:
    lag = compare(holding_of_build("43.20250601.3.0"), holding_of_build("42.20250526.3.0"))
    assert (lag.status, lag.days) == (BEHIND, 6)


@given(HOLDINGS, HOLDINGS)
def test_what_is_behind_has_the_other_ahead_of_it_by_as_much(one: Holding, other: Holding) -> None:
    there, back = compare(one, other), compare(other, one)
    mirrored = {BEHIND: AHEAD, AHEAD: BEHIND}
    assert back.status is mirrored.get(there.status, there.status)
    assert there.days is None or (there.days >= 0 and isinstance(there.days, int))


@given(HOLDINGS)
def test_everything_is_exactly_itself(held: Holding) -> None:
    assert compare(held, held).status is EXACT


@given(st.sampled_from([9, 10]), st.integers(0, 10), DAYS, st.integers(1, 2000))
def test_days_are_those_of_the_calendar(major: int, minor: int, day: date, lag_days: int) -> None:
    wanted = Holding("w", Family.RHEL, major, minor, day + timedelta(days=lag_days))
    assert compare(wanted, Holding("f", Family.RHEL, major, minor, day)).days == lag_days


@pytest.mark.parametrize(
    ("wanted", "found", "reason"),
    [
        ("9.8.20260428-0", "9.6.20260420", "8 days behind; RHEL 9.6, not RHEL 9.8"),
        ("9.8.20260428-0", "9.6.20260601", "RHEL 9.6, not RHEL 9.8"),
        ("9.6.20260501-0", "9.8.20260428", "RHEL 9.8, not RHEL 9.6"),
    ],
)
def test_an_image_of_another_minor_is_not_told_to_be_no_days_away(wanted: str, found: str, reason: str) -> None:
    assert compare(holding_of_build(wanted), holding_of_azure(found)).reason == reason
