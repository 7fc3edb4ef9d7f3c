"""Which RHEL a release of OpenShift boots."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.model.versions.openshift import RHEL_OF_OPENSHIFT, parse_openshift, releases_on
from penstock.model.versions.parts import MajorMinor


@given(st.integers(1, 99), st.integers(0, 99))
def test_a_release_is_read_back(major: int, minor: int) -> None:
    assert parse_openshift(f"{major}.{minor}") == MajorMinor(major, minor)


@pytest.mark.parametrize("text", ["", "4", "4.19.0", "04.19", "4.019", "v4.19", " 4.19", "4.19\n", "419", "4.١٩", "foo"])
def test_what_is_no_release_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is no version of OpenShift"):
        parse_openshift(text)


@pytest.mark.parametrize(
    ("rhel", "releases"),
    [
        (MajorMinor(9, 4), ["4.16", "4.17", "4.18"]),
        (MajorMinor(9, 8), ["4.22", "5.0"]),
        (MajorMinor(10, 2), ["5.0"]),
        (MajorMinor(7, 9), []),
    ],
)
def test_the_releases_on_a_rhel_come_oldest_first(rhel: MajorMinor, releases: list[str]) -> None:
    assert [str(release) for release in releases_on(rhel)] == releases


@given(st.sampled_from(sorted(RHEL_OF_OPENSHIFT)))
def test_a_release_stands_on_each_rhel_that_it_boots(release: MajorMinor) -> None:
    assert all(release in releases_on(rhel) for rhel in RHEL_OF_OPENSHIFT[release])


@given(st.sampled_from(sorted(RHEL_OF_OPENSHIFT)), st.sampled_from(sorted(RHEL_OF_OPENSHIFT)))
def test_a_later_release_never_boots_an_older_rhel(one: MajorMinor, two: MajorMinor) -> None:
    older, newer = sorted((one, two))
    assert RHEL_OF_OPENSHIFT[older][0] <= RHEL_OF_OPENSHIFT[newer][0]
