"""The grammars of CoreOS versions: what each reads, what none reads, and orders that end at the family."""

import json
import operator
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.model.versions import (
    FcosVersion,
    LegacyVersion,
    MajorMinor,
    OsVersion,
    RhelVersion,
    SemVer,
    Stamp,
    is_boot_image_id,
    parse_version,
)

_days = st.dates(date(2018, 1, 1), date(2039, 12, 31)).map(lambda day: f"{day:%Y%m%d}")
_minutes = st.datetimes(datetime(2018, 1, 1), datetime(2039, 12, 31)).map(lambda minute: f"{minute:%Y%m%d%H%M}")  # noqa: DTZ001
_iterations = st.integers(0, 12)
_rhel = st.sampled_from(["8", "80", "84", "810", "9", "90", "94", "96"])
_ocp = st.integers(1, 19)

_hyphened = st.builds("4{}.{}.{}-{}".format, _ocp, _rhel, _minutes, _iterations)
_dotted = st.builds("4{}{}.{}.{}.{}".format, _ocp, st.sampled_from(["", "devel"]), _rhel, _days | _minutes, _iterations)
legacy = st.one_of(_hyphened, _dotted)
rhel_based = st.builds("{}.{}.{}-{}".format, st.integers(8, 11), st.integers(0, 12), _days | _minutes, _iterations)
fcos = st.one_of(
    st.builds(
        "{}.{}.{}.{}{}".format,
        st.integers(30, 50),
        _days,
        st.sampled_from([1, 2, 3, 10, 20, 91]),
        st.sampled_from(["", "dev"]),
        _iterations,
    ),
    st.builds("{}.{}.dev.{}".format, st.integers(30, 50), _days, _iterations),
)


@pytest.mark.parametrize(
    ("text", "ocp", "rhel", "at", "iteration"),
    [
        ("418.94.202409090849-0", (4, 18), (9, 4), datetime(2024, 9, 9, 8, 49, tzinfo=UTC), 0),
        ("48.84.202208021106-3", (4, 8), (8, 4), datetime(2022, 8, 2, 11, 6, tzinfo=UTC), 3),
        ("49.94.202302111038-0", (4, 9), (9, 4), datetime(2023, 2, 11, 10, 38, tzinfo=UTC), 0),
        ("410.84.202201251210-0", (4, 10), (8, 4), datetime(2022, 1, 25, 12, 10, tzinfo=UTC), 0),
        ("417.810.202410090854-0", (4, 17), (8, 10), datetime(2024, 10, 9, 8, 54, tzinfo=UTC), 0),
        ("43.81.202003111353.0", (4, 3), (8, 1), datetime(2020, 3, 11, 13, 53, tzinfo=UTC), 0),
    ],
)
def test_a_legacy_version_tells_openshift_and_rhel(
    text: str,
    ocp: tuple[int, int],
    rhel: tuple[int, int],
    at: datetime,
    iteration: int,
) -> None:
    version = parse_version(text)
    assert isinstance(version, LegacyVersion)
    assert (version.ocp, version.rhel, version.stamp.at, version.iteration, version.devel) == (ocp, rhel, at, iteration, False)


def test_a_devel_build_says_so() -> None:
    version = LegacyVersion("44devel.81.202001151926.0")
    assert (version.ocp, version.devel) == (MajorMinor(4, 4), True)
    assert version < LegacyVersion("44.81.202001151926.0")


@pytest.mark.parametrize(
    ("text", "minor"), [("410.8.20190520.0", 1), ("410.81.20200520.0", 1), ("420.8.20190708.2", 2), ("41.81.20200520.0", 1)]
)
def test_openshift_4_1_could_be_written_410_before_4_10_existed(text: str, minor: int) -> None:
    assert LegacyVersion(text).ocp == (4, minor)


def test_local_builds_of_4_10_are_not_taken_for_4_1() -> None:
    assert LegacyVersion("410.84.20211112.0").ocp == (4, 10)


@pytest.mark.parametrize(("text", "major"), [("413.9.202302280609-0", 9), ("410.8.20190520.0", 8)])
def test_a_legacy_version_without_the_rhel_minor_gives_only_the_major(text: str, major: int) -> None:
    version = LegacyVersion(text)
    assert (version.rhel_major, version.rhel_minor, version.rhel) == (major, None, None)


def test_a_rhel_based_version_tells_rhel_and_its_day() -> None:
    version = parse_version("10.2.20260401-1")
    assert isinstance(version, RhelVersion)
    assert (str(version.rhel), version.stamp.day, version.stamp.minute, version.iteration) == ("10.2", date(2026, 4, 1), None, 1)


@pytest.mark.parametrize(
    ("text", "release", "number", "stream", "iteration", "dev"),
    [
        ("40.20240808.3.0", 40, 3, "stable", 0, False),
        ("43.20260217.3.1", 43, 3, "stable", 1, False),
        ("44.20260301.1.12", 44, 1, "next", 12, False),
        ("43.20260301.20.dev1", 43, 20, "testing-devel", 1, True),
        ("32.20201030.dev.0", 32, None, None, 0, True),
        ("41.20250101.77.0", 41, 77, None, 0, False),
    ],
)
def test_an_fcos_version_tells_release_and_stream(
    text: str,
    release: int,
    number: int | None,
    stream: str | None,
    iteration: int,
    *,
    dev: bool,
) -> None:
    version = parse_version(text)
    assert isinstance(version, FcosVersion)
    assert (version.release, version.stream_number, version.stream, version.iteration, version.dev) == (
        release,
        number,
        stream,
        iteration,
        dev,
    )


@pytest.mark.parametrize("release", range(40, 50))
def test_a_leading_four_does_not_make_a_legacy_version(release: int) -> None:
    assert isinstance(parse_version(f"{release}.20240808.3.0"), FcosVersion)
    assert isinstance(parse_version(f"{release}.84.202208021106-0"), LegacyVersion)


@given(st.one_of(legacy, rhel_based, fcos))
def test_a_version_reads_back_and_belongs_to_one_family(text: str) -> None:
    version = parse_version(text)
    assert str(version) == text
    families: list[Callable[[str], OsVersion]] = [LegacyVersion, RhelVersion, FcosVersion]
    for family in families:
        if family is type(version):
            assert family(text) == version
        else:
            with pytest.raises(InputError):
                family(text)


def _is_a_total_order(a: OsVersion, b: OsVersion, c: OsVersion) -> None:
    assert (a.key < b.key) + (a == b) + (a.key > b.key) == 1
    low, middle, high = sorted((a, b, c))
    assert not middle < low
    assert not high < middle
    assert not high < low
    assert (low == high) <= (low == middle == high)


@given(legacy, legacy, legacy)
def test_legacy_versions_are_totally_ordered(a: str, b: str, c: str) -> None:
    _is_a_total_order(LegacyVersion(a), LegacyVersion(b), LegacyVersion(c))


@given(rhel_based, rhel_based, rhel_based)
def test_rhel_based_versions_are_totally_ordered(a: str, b: str, c: str) -> None:
    _is_a_total_order(RhelVersion(a), RhelVersion(b), RhelVersion(c))


@given(fcos, fcos, fcos)
def test_fcos_versions_are_totally_ordered(a: str, b: str, c: str) -> None:
    _is_a_total_order(FcosVersion(a), FcosVersion(b), FcosVersion(c))


@pytest.mark.parametrize(
    "ascending",
    [
        ["43.81.202003111353.0", "48.84.202208021106-0", "410.84.202201251210-0", "410.84.202201251210-10", "418.94.202409090849-0"],
        ["418.92.202501010000-0", "418.94.202409090849-0", "418.94.202409090850-0"],
        ["9.6.20251231-0", "9.8.20260101-0", "9.10.20250101-0", "10.0.20250628-0", "10.2.20250101-0"],
        ["9.6.202502022359-9", "9.6.20250203-0", "9.6.20250203-9", "9.6.202502030000-0", "9.6.202502030001-0", "9.6.20250204-0"],
        [
            "32.20201030.dev.0",
            "40.20240808.3.dev7",
            "40.20240808.3.0",
            "40.20240808.3.2",
            "40.20240808.3.10",
            "40.20240809.2.0",
            "41.20240101.1.0",
        ],
    ],
    ids=["openshift first", "rhel second", "rhel by number", "days before minutes", "fedora"],
)
def test_versions_sort_by_their_numbers(ascending: list[str]) -> None:
    assert [str(version) for version in sorted(map(parse_version, reversed(ascending)))] == ascending


@pytest.mark.parametrize(
    ("a", "b"),
    [("418.94.202409090849-0", "9.6.20250826-1"), ("9.6.20250826-1", "40.20240808.3.0"), ("40.20240808.3.0", "418.94.202409090849-0")],
)
def test_versions_of_two_families_are_unequal_and_have_no_order(a: str, b: str) -> None:
    one, other = parse_version(a), parse_version(b)
    assert one != other
    for compare in (operator.lt, operator.le, operator.gt, operator.ge):
        with pytest.raises(TypeError):
            compare(one, other)


def test_a_version_has_no_order_with_text_or_a_release() -> None:
    with pytest.raises(TypeError):
        _ = RhelVersion("9.6.20250826-1") < "9.6.20250826-2"
    with pytest.raises(TypeError):
        _ = RhelVersion("9.6.20250826-1") < SemVer("9.6.20250826-1")


@pytest.mark.parametrize(
    "text",
    ["9.6.20251301-0", "9.6.20250230-0", "9.6.202502032400-0", "418.94.202409090860-0", "418.94.000001010000-0", "40.20241131.3.0"],
)
def test_a_day_that_does_not_exist_is_refused_as_such(text: str) -> None:
    with pytest.raises(InputError, match="calendar") as refusal:
        parse_version(text)
    assert refusal.value.subject == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4.21.0",
        "9.6",
        "412.86.202211091602",  # no iteration
        "418.94.20240909-0",  # a day before a hyphen is the RHEL family's, and no RHEL 418 exists
        "48.8.20220802-0",  # nor does RHEL 48
        "518.94.202409090849-0",
        "400.80.202409090849.0.1",
        "9.6.20250826-01",
        "9.06.20250826-0",
        "9.6.20250826.0",
        "9.6.2025082612-0",
        " 9.6.20250826-0",
        "9.6.20250826-0\n",
        "9.6.2025082٦-0",
        "9.6.20250826-0 (Plow)",
        "40.202408081200.3.0",
        "40.20240808.dev.dev1",
        "40.20240808.3",
        "9.6.20250826-" + "1" * 5000,
    ],
)
def test_what_no_grammar_reads_is_refused_with_examples(text: str) -> None:
    with pytest.raises(InputError, match="not a CoreOS version") as refusal:
        parse_version(text)
    assert "418.94.202409090849-0" in refusal.value.hint
    assert len(str(refusal.value)) < 400


def test_a_family_refuses_a_number_that_is_too_long_to_be_read() -> None:
    with pytest.raises(InputError, match="not a version of RHEL") as refusal:
        RhelVersion("9.6.20250826-" + "1" * 5000)
    assert len(str(refusal.value)) < 400


def test_openshift_has_no_minor_version_with_a_leading_zero() -> None:
    with pytest.raises(InputError, match="no version of OpenShift"):
        parse_version("408.84.202208021106-0")


@given(_days | _minutes)
def test_a_stamp_reads_back(text: str) -> None:
    stamp = Stamp.parse(text)
    assert str(stamp) == text
    assert stamp.at.tzinfo is UTC


@pytest.mark.parametrize("text", ["", "2025082", "202508260", "20250826120000", "2025-08-26"])
def test_a_stamp_has_eight_or_twelve_digits(text: str) -> None:
    with pytest.raises(InputError, match="not a build stamp"):
        Stamp.parse(text)


@given(st.one_of(_hyphened, rhel_based))
def test_openshifts_api_takes_the_versions_that_boot_images_have(text: str) -> None:
    assert is_boot_image_id(text) == (len(text) <= 21)


@given(st.one_of(_dotted, fcos))
def test_openshifts_api_refuses_the_other_versions(text: str) -> None:
    assert not is_boot_image_id(text)


@pytest.mark.parametrize("text", ["1.2.20250826-", "9.6.2025082612-0", "9.6.20250826-123456789", "9.6.20250826-0\n", "٩.6.20250826-0"])
def test_openshifts_api_checks_shape_and_length(text: str) -> None:
    assert not is_boot_image_id(text)


def test_a_rhel_based_version_is_a_semantic_version_and_an_fcos_version_is_none() -> None:
    assert SemVer("9.6.20250826-1").prerelease == ("1",)
    with pytest.raises(InputError, match=re.escape("40.20240808.3.0")):
        SemVer("40.20240808.3.0")


@pytest.mark.real_data
def test_every_release_of_published_streams_is_read(real_data: Path) -> None:
    found: set[str] = set()
    for path in sorted((real_data / "streams").rglob("*.json")):
        for arch in json.loads(path.read_bytes()).get("architectures", {}).values():
            found |= {artifact["release"] for artifact in arch.get("artifacts", {}).values()}
    assert len(found) >= 5
    assert {type(parse_version(text)) for text in found} == {LegacyVersion, RhelVersion, FcosVersion}


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "family"), [("rhcos", LegacyVersion), ("fcos", FcosVersion)])
def test_the_build_of_published_assembler_metadata_is_read(real_data: Path, name: str, family: type[OsVersion]) -> None:
    metadata = json.loads((real_data / "cosa" / f"{name}-meta.json").read_bytes())
    assert type(parse_version(metadata["buildid"])) is family
