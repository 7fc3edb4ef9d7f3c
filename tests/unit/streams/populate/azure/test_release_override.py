"""``--release`` and ``STREAM_RELEASE_OVERRIDE``: every form, and clear errors for the rest."""

from collections.abc import Callable

import pytest

from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.stream import Stream
from penstock.model.versions.parts import MajorMinor
from penstock.streams.populate.azure_target import AzureTarget, azure_targets
from penstock.streams.populate.override import ReleaseOverride
from penstock.streams.populate.request import Choice, PopulateRequest

StreamOf = Callable[..., Stream]
TargetOf = Callable[..., AzureTarget]


@pytest.fixture
def target(request_for: Callable[..., PopulateRequest]) -> TargetOf:
    """``target(stream, "4.19", choice=…)``: what is looked for on the x86_64."""
    return lambda of, release=None, **more: azure_targets(request_for(of, release=release, **more))[Arch.X86_64]


@pytest.mark.parametrize(
    ("text", "openshift", "build"),
    [
        ("4.19", "4.19", None),
        ("5.0", "5.0", None),
        ("417.94.202407010000-0", "4.17", "417.94.202407010000-0"),
        ("418.94.202410090804-10", "4.18", "418.94.202410090804-10"),
        ("9.6.20250513-0", None, "9.6.20250513-0"),
        ("10.2.20260423-0", None, "10.2.20260423-0"),
    ],
)
def test_every_form_of_a_release_is_read(text: str, openshift: str | None, build: str | None) -> None:
    found = ReleaseOverride.parse(text, subject="--release")
    assert (found.openshift and str(found.openshift), found.build and str(found.build)) == (openshift, build)


@pytest.mark.parametrize("text", ["", "  ", "foo", "4", "4.19.0", "9.6", "40.20240808.3.0", "418.94.20249999-0"])
def test_what_is_no_release_is_told_with_the_place_it_came_from(text: str) -> None:
    with pytest.raises(InputError) as caught:
        ReleaseOverride.parse(text, subject="STREAM_RELEASE_OVERRIDE")
    assert caught.value.subject == "STREAM_RELEASE_OVERRIDE"
    assert caught.value.hint


def test_a_version_of_openshift_names_the_series_and_leaves_the_build_to_the_stream(target: TargetOf, stream: StreamOf) -> None:
    found = target(stream("9.6.20251023-0"), "4.19")
    assert (found.releases, found.version) == ((MajorMinor(4, 19),), "9.6.20251023")


def test_a_build_up_to_4_18_names_series_and_version(target: TargetOf, stream: StreamOf) -> None:
    found = target(stream("418.94.202410090804-0"), "417.94.202407010000-0")
    assert (found.releases, found.version, str(found.rhel)) == ((MajorMinor(4, 17),), "417.94.20240701", "9.4")


def test_defect_2_a_suffix_of_two_digits_does_not_spoil_the_day(target: TargetOf, stream: StreamOf) -> None:
    """Upstream cut the last six characters: that left 418.94.2024100 of this, and 9.6.2025 of a build that is named after RHEL."""
    assert target(stream("9.6.20251023-0"), "418.94.202410090804-10").version == "418.94.20241009"
    assert target(stream("9.6.20251023-0"), "9.6.20250513-0").version == "9.6.20250513"


def test_a_build_named_after_rhel_takes_openshift_from_the_stream_s_name_where_that_boots_it(target: TargetOf, stream: StreamOf) -> None:
    found = target(stream("9.6.20251023-0", name="rhcos-4.20"), "9.6.20250513-0")
    assert (found.releases, found.version, found.note) == ((MajorMinor(4, 20),), "9.6.20250513", "")


def test_a_build_whose_rhel_the_named_release_does_not_boot_is_looked_for_in_all_that_do_newest_first(
    target: TargetOf, stream: StreamOf
) -> None:
    found = target(stream("9.8.20260428-0", name="rhcos-4.21"))
    assert found.releases == (MajorMinor(5, 0), MajorMinor(4, 22))
    assert "5.0 and 4.22" in found.note


def test_a_build_of_a_rhel_that_no_release_boots_is_an_error_with_the_next_step(target: TargetOf, stream: StreamOf) -> None:
    with pytest.raises(InputError, match=r"boot RHEL 9\.0") as caught:
        target(stream("9.0.20250510-0", name="c9s"))
    assert "--release" in caught.value.hint


def test_a_release_given_helps_a_build_that_no_release_boots(target: TargetOf, stream: StreamOf) -> None:
    assert target(stream("9.10.20270101-0", name="rhel-9"), "5.2").releases == (MajorMinor(5, 2),)


def test_defect_6_the_build_tells_the_release_whatever_the_stream_is_called(target: TargetOf, stream: StreamOf) -> None:
    """Files of 4.17 and 4.18 still say rhcos-4.16; by the name, upstream asked for the series of 4.16."""
    found = target(stream("418.94.202410090804-0", name="rhcos-4.16"))
    assert found.releases == (MajorMinor(4, 18),)
    assert "rhcos-4.16" in found.note


def test_architectures_may_be_of_different_releases(stream: StreamOf, request_for: Callable[..., PopulateRequest]) -> None:
    mixed = stream({"aarch64": "410.84.202201251203-0", "x86_64": "411.85.202203181601-0"}, name="rhcos-4.11")
    found = azure_targets(request_for(mixed))
    assert {arch.value: found[arch].releases for arch in found} == {"aarch64": (MajorMinor(4, 10),), "x86_64": (MajorMinor(4, 11),)}


def test_fedora_coreos_has_no_marketplace(target: TargetOf, stream: StreamOf) -> None:
    with pytest.raises(InputError, match="Fedora CoreOS"):
        target(stream("42.20250526.3.0", name="stable"))


def test_the_installer_s_program_takes_a_version_of_openshift_from_the_option_or_the_name(target: TargetOf, stream: StreamOf) -> None:
    of = stream("9.6.20251023-0", name="rhcos-4.21")
    assert target(of, choice=Choice.UPSTREAM).releases == (MajorMinor(4, 21),)
    assert target(of, "4.19", choice=Choice.UPSTREAM).releases == (MajorMinor(4, 19),)


@pytest.mark.parametrize("name", ["stable", "rhel-9.6.1", "c10s", "rhcos-"])
def test_the_installer_s_program_needs_a_name_that_ends_in_a_version(target: TargetOf, stream: StreamOf, name: str) -> None:
    with pytest.raises(InputError, match="does not end in a version"):
        target(stream("9.6.20251023-0", name=name), choice=Choice.UPSTREAM)


def test_the_installer_s_program_refuses_a_build(target: TargetOf, stream: StreamOf) -> None:
    with pytest.raises(InputError, match="takes a version of OpenShift"):
        target(stream("9.6.20251023-0"), "9.6.20250513-0", choice=Choice.UPSTREAM)


def test_defect_6_a_name_that_the_stream_s_own_build_disproves_is_not_believed_for_another_build_either(
    target: TargetOf, stream: StreamOf
) -> None:
    """A stream of RHEL 9.8 that still says rhcos-4.21 is not of 4.21, although 4.21 boots the RHEL 9.6 that is asked for."""
    found = target(stream("9.8.20260428-0", name="rhcos-4.21"), "9.6.20250513-0")
    assert found.releases == (MajorMinor(4, 21), MajorMinor(4, 20), MajorMinor(4, 19))
    assert "holds 9.8.20260428-0" in found.note
