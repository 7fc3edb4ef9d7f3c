"""Versions of images in Azure: five shapes, one order, and the way from a build."""

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.model.versions import FcosVersion, LegacyVersion, OsVersion, RhelVersion, parse_version
from penstock.model.versions.azure import AzureImageVersion, azure_version_of, upstream_key
from penstock.model.versions.openshift import RHEL_OF_OPENSHIFT
from penstock.model.versions.parts import MajorMinor

DAYS = st.dates(date(2019, 1, 1), date(2099, 12, 31))
HOURS = st.integers(0, 23)
RHELS = st.tuples(st.integers(8, 12), st.integers(0, 12)).map(lambda pair: MajorMinor(*pair))
OPENSHIFTS = st.sampled_from([release for release in RHEL_OF_OPENSHIFT if release.major == 4])
LEGACY_RHELS = st.tuples(st.sampled_from([8, 9]), st.integers(0, 12)).map(lambda pair: MajorMinor(*pair))


def _stamp(day: date, hour: int | None) -> str:
    return f"{day:%Y%m%d}" + ("" if hour is None else f"{hour:02}")


STAMPS = st.builds(_stamp, DAYS, st.none() | HOURS)
RHEL_SHAPE = st.builds(lambda rhel, stamp: f"{rhel}.{stamp}", RHELS, STAMPS)
LEGACY_SHAPE = st.builds(lambda ocp, rhel, stamp: f"4{ocp.minor}.{rhel.major}{rhel.minor}.{stamp}", OPENSHIFTS, LEGACY_RHELS, STAMPS)
PAID_SHAPE = st.builds(lambda ocp, stamp: f"{ocp}.{stamp}", OPENSHIFTS, STAMPS)
VERSIONS = (RHEL_SHAPE | LEGACY_SHAPE | PAID_SHAPE).map(AzureImageVersion)


@pytest.mark.parametrize(
    ("text", "ocp", "rhel", "day", "hour"),
    [
        ("418.94.20250122", "4.18", "9.4", date(2025, 1, 22), None),
        ("417.94.20240701", "4.17", "9.4", date(2024, 7, 1), None),
        ("419.6.20250523", "4.19", "9.6", date(2025, 5, 23), None),
        ("413.92.2023101700", "4.13", "9.2", date(2023, 10, 17), 0),
        ("4.17.2024100419", "4.17", "9.4", date(2024, 10, 4), 19),
        ("4.18.2026012111", "4.18", "9.4", date(2026, 1, 21), 11),
        ("9.6.20251015", None, "9.6", date(2025, 10, 15), None),
        ("9.6.2026030314", None, "9.6", date(2026, 3, 3), 14),
        ("10.2.20260423", None, "10.2", date(2026, 4, 23), None),
        ("48.84.20210609", "4.8", "8.4", date(2021, 6, 9), None),
        ("416.810.20240101", "4.16", "8.10", date(2024, 1, 1), None),
    ],
)
def test_every_published_shape_is_understood(text: str, ocp: str | None, rhel: str, day: date, hour: int | None) -> None:
    version = AzureImageVersion(text)
    assert (str(version.ocp) if version.ocp else None, str(version.rhel), version.day, version.hour) == (ocp, rhel, day, hour)
    assert str(version) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9.6",
        "9.6.20251015-1",
        "9.6.20251015.1",
        "v9.6.20251015",
        "09.6.20251015",
        "9.6.2025101",
        "9.6.202510151",
        "9.6.20251315",
        "9.6.20250230",
        "9.6.2025101524",
        "9.6.19991231",
        "4.99.2025031114",
        "3.11.2025031114",
        "418.7.20250122",
        "419.4.20250523",
        "518.94.20250122",
        "44.20260707.3",
        "9.6.٢٠٢٥١٠١٥",
        "9." * 100,
    ],
)
def test_what_is_no_version_of_an_image_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        AzureImageVersion(text)


@given(RHELS, DAYS, st.none() | HOURS)
def test_a_rhel_version_is_read_back(rhel: MajorMinor, day: date, hour: int | None) -> None:
    version = AzureImageVersion(f"{rhel}.{_stamp(day, hour)}")
    assert (version.ocp, version.rhel, version.day, version.hour) == (None, rhel, day, hour)


@given(OPENSHIFTS, LEGACY_RHELS, DAYS, st.none() | HOURS)
def test_a_legacy_version_is_read_back(ocp: MajorMinor, rhel: MajorMinor, day: date, hour: int | None) -> None:
    version = AzureImageVersion(f"4{ocp.minor}.{rhel.major}{rhel.minor}.{_stamp(day, hour)}")
    assert (version.ocp, version.rhel, version.day, version.hour) == (ocp, rhel, day, hour)


@given(OPENSHIFTS, DAYS, HOURS)
def test_a_paid_version_takes_its_rhel_from_openshift(ocp: MajorMinor, day: date, hour: int) -> None:
    version = AzureImageVersion(f"{ocp}.{_stamp(day, hour)}")
    assert (version.ocp, version.rhel) == (ocp, RHEL_OF_OPENSHIFT[ocp][0])


@given(VERSIONS)
def test_any_text_that_is_a_version_is_three_numbers_without_leading_zeros(version: AzureImageVersion) -> None:
    assert version.text == ".".join(str(int(part)) for part in version.text.split("."))


# --- the order


@given(VERSIONS, VERSIONS, VERSIONS)
def test_the_order_is_total_across_all_shapes(one: AzureImageVersion, two: AzureImageVersion, three: AzureImageVersion) -> None:
    first, second, third = sorted((one, two, three), key=lambda version: version.key)
    assert first.key <= second.key <= third.key
    assert first.key <= third.key


@given(VERSIONS, VERSIONS)
def test_rhel_decides_before_the_day_and_the_day_before_the_hour(one: AzureImageVersion, two: AzureImageVersion) -> None:
    def parts(version: AzureImageVersion) -> tuple[MajorMinor, date, int]:
        return (version.rhel, version.day, -1 if version.hour is None else version.hour)

    assert (one.key < two.key) == (parts(one) < parts(two))


@given(RHELS, RHELS, DAYS)
def test_numbers_are_compared_as_numbers(one: MajorMinor, two: MajorMinor, day: date) -> None:
    """String comparison puts 10.2 before 9.8, and 9.10 before 9.2."""
    older, newer = (AzureImageVersion(f"{rhel}.{day:%Y%m%d}") for rhel in sorted((one, two)))
    assert older.key <= newer.key


def test_three_shapes_of_one_system_stand_by_their_day() -> None:
    texts = ["9.6.20251015", "419.6.20250523", "9.6.2026030314", "419.96.20250601"]
    assert sorted(texts, key=lambda text: AzureImageVersion(text).key) == [
        "419.6.20250523",
        "419.96.20250601",
        "9.6.20251015",
        "9.6.2026030314",
    ]


# --- from a build


@pytest.mark.parametrize(
    ("build", "version"),
    [
        ("418.94.202410090804-0", "418.94.20241009"),
        ("417.94.202407010000-0", "417.94.20240701"),
        ("418.94.202410090804-10", "418.94.20241009"),
        ("9.6.20250513-0", "9.6.20250513"),
        ("9.6.20251015-1", "9.6.20251015"),
        ("9.6.20251015-10", "9.6.20251015"),
        ("9.6.202510151200-0", "9.6.20251015"),
        ("10.2.20260423-0", "10.2.20260423"),
        ("44.20260707.3.1", None),
    ],
)
def test_a_build_is_called_by_its_day(build: str, version: str | None) -> None:
    """Cutting six characters off, as upstream once did, makes ``9.6.2025`` of ``9.6.20250513-0``."""
    assert azure_version_of(parse_version(build)) == version


@given(RHELS, DAYS, st.sampled_from(["", "0804", "2359"]), st.integers(0, 120))
def test_the_name_of_a_rhel_build_says_its_rhel_and_its_day(rhel: MajorMinor, day: date, minute: str, iteration: int) -> None:
    build = RhelVersion(f"{rhel}.{day:%Y%m%d}{minute}-{iteration}")
    name = azure_version_of(build)
    assert name is not None
    version = AzureImageVersion(name)
    assert (version.ocp, version.rhel, version.day, version.hour) == (None, build.rhel, build.stamp.day, None)


@given(OPENSHIFTS, LEGACY_RHELS, DAYS, st.integers(0, 120))
def test_the_name_of_a_legacy_build_says_its_openshift_its_rhel_and_its_day(
    ocp: MajorMinor, rhel: MajorMinor, day: date, iteration: int
) -> None:
    build = LegacyVersion(f"4{ocp.minor}.{rhel.major}{rhel.minor}.{day:%Y%m%d}0804-{iteration}")
    assume(build.ocp == ocp)  # a 4M0 of 2020 and before is OpenShift 4.M
    name = azure_version_of(build)
    assert name is not None
    version = AzureImageVersion(name)
    assert (version.ocp, version.rhel, version.day) == (build.ocp, build.rhel, build.stamp.day)


@given(RHELS, DAYS, st.integers(0, 9), st.integers(0, 9))
def test_two_builds_of_one_day_have_one_name(rhel: MajorMinor, day: date, one: int, two: int) -> None:
    builds: list[OsVersion] = [RhelVersion(f"{rhel}.{day:%Y%m%d}-{iteration}") for iteration in (one, two)]
    assert azure_version_of(builds[0]) == azure_version_of(builds[1])


def test_fedora_has_no_name_in_azures_marketplace() -> None:
    assert azure_version_of(FcosVersion("44.20260707.3.1")) is None


# --- upstream's order


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("9.6.20251015", (9, 6, 20251015)),
        ("10.2.20260423", (10, 2, 20260423)),
        ("9.6.2026030314", (9, 6, 2026030314)),
        ("4.18.2025031114", (4, 18, 2025031114)),
        ("418.94.20250122", (4, 18, 20250122)),
        ("419.6.20250523", (4, 19, 20250523)),
        ("413.92.2023101700", (4, 13, 2023101700)),
        ("48.84.20210609", None),
        ("11.0.20270101", None),
        ("4190.6.20250523", None),
        ("v1", None),
        ("9.6", None),
        ("9.6.20251015-1", None),
        ("", None),
    ],
)
def test_upstreams_key_is_that_of_its_program(text: str, key: tuple[int, int, int] | None) -> None:
    assert upstream_key(text) == key


@given(RHELS.filter(lambda rhel: rhel.major in (9, 10)), LEGACY_SHAPE.filter(lambda text: text.index(".") == 3), STAMPS)
def test_upstream_puts_every_rhel_version_above_every_legacy_one(rhel: MajorMinor, legacy: str, stamp: str) -> None:
    new, old = upstream_key(f"{rhel}.{stamp}"), upstream_key(legacy)
    assert new is not None
    assert old is not None
    assert new > old


def test_upstream_puts_an_hour_above_every_day_of_one_release() -> None:
    hour, day = upstream_key("413.92.2023101700"), upstream_key("413.92.20991231")
    assert hour is not None
    assert day is not None
    assert hour > day
