"""Semantic versions of releases and components."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.model.versions import MajorMinor, ReleaseVersion, SemVer, parse_component_versions

# The regular expression that semver.org suggests, without build metadata, as the counterpart of ours.
_SUGGESTED = re.compile(
    r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(?:-((?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
)
semvers = st.from_regex(_SUGGESTED, fullmatch=True).filter(lambda text: len(text) <= 255)


@pytest.mark.parametrize(
    "ascending",
    [
        ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"],
        ["4.21.0-0.nightly-2026-01-01-000000", "4.21.0-0.nightly-2026-01-02-000000", "4.21.0-ec.0", "4.21.0-rc.1", "4.21.0-rc.10"],
        ["4.9.60", "4.10.0-rc.0", "4.10.0", "4.10.3", "4.21.9", "5.0.0-ec.2", "5.0.0"],
    ],
    ids=["specification", "before a release", "releases"],
)
def test_releases_order_by_precedence(ascending: list[str]) -> None:
    releases = [ReleaseVersion(text) for text in ascending]
    assert sorted(set(releases)) == releases
    assert all(low < high for low, high in itertools.combinations(releases, 2))


def test_a_release_knows_its_parts() -> None:
    release = ReleaseVersion.parse("4.21.0-0.nightly-2026-01-01-000000")
    assert isinstance(release, ReleaseVersion)
    assert release.line == MajorMinor(4, 21)
    assert (release.patch, release.prerelease) == (0, ("0", "nightly-2026-01-01-000000"))
    assert ReleaseVersion("4.21.3").prerelease == ()


@given(semvers)
def test_every_semantic_version_reads_back(text: str) -> None:
    assert str(SemVer(text)) == text


@given(semvers, semvers)
def test_the_order_agrees_with_equality(a: str, b: str) -> None:
    one, other = SemVer(a), SemVer(b)
    assert (one < other) + (one == other) + (one > other) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4",
        "4.21",
        "4.21.0.1",
        "04.21.0",
        "4.21.00",
        "v4.21.0",
        "4.21.0-",
        "4.21.0-01",
        "4.21.0-a..b",
        "4.21.0-ä",
        " 4.21.0",
        "4.21.0\n",
        "4.٢.0",
        "4.21." + "9" * 300,
    ],
)
def test_what_is_no_semantic_version_is_refused(text: str) -> None:
    with pytest.raises(InputError) as refusal:
        ReleaseVersion(text)
    assert "4.21.0" in refusal.value.hint
    assert len(str(refusal.value)) < 400


def test_build_metadata_is_refused_and_named() -> None:
    with pytest.raises(InputError) as refusal:
        SemVer("1.34.2+a1b2c3d")
    assert "build metadata" in refusal.value.hint


def test_a_release_does_not_order_against_a_component() -> None:
    assert ReleaseVersion("1.0.0") != SemVer("1.0.0")
    with pytest.raises(TypeError):
        _ = ReleaseVersion("1.0.0") < SemVer("1.0.1")
    with pytest.raises(TypeError):
        _ = SemVer("1.0.0") >= ReleaseVersion("1.0.1")


def test_the_label_of_component_versions_keeps_its_order() -> None:
    found = parse_component_versions("machine-os=9.8.20260312-0, kubernetes=1.34.2,kubectl=1.34.2-rc.1")
    assert [(name, str(version)) for name, version in found.items()] == [
        ("machine-os", "9.8.20260312-0"),
        ("kubernetes", "1.34.2"),
        ("kubectl", "1.34.2-rc.1"),
    ]


@pytest.mark.parametrize("label", ["", "  "])
def test_an_empty_label_reports_nothing(label: str) -> None:
    assert parse_component_versions(label) == {}


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("machine-os", "component=version"),
        ("a=1.0.0,", "component=version"),
        ("-a=1.0.0", "component=version"),
        ("a_b=1.0.0", "component=version"),
        ("a=1.0.0,a=1.0.0", "twice"),
        ("kubernetes=1.34.2+abc", "not a semantic version"),
        ("machine-os=40.20240808.3.0", "not a semantic version"),
    ],
)
def test_a_wrong_label_is_refused_with_the_entry(label: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as refusal:
        parse_component_versions(label)
    assert refusal.value.subject == label
    assert refusal.value.hint
