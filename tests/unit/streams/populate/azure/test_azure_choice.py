"""The order of candidates, by name alone."""

from collections.abc import Callable
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.arch import Arch
from penstock.model.catalogue import AzureSku
from penstock.model.stream import Stream
from penstock.model.versions.azure import upstream_key
from penstock.streams.populate.azure_choice import Candidate, Ranked, Refusal, rank
from penstock.streams.populate.azure_target import AzureTarget, azure_targets
from penstock.streams.populate.entries import Rule
from penstock.streams.populate.request import Choice, PopulateRequest

SKU = AzureSku("redhat", "rh-ocp-worker", "rh-ocp-worker")


TargetOf = Callable[..., AzureTarget]


@pytest.fixture(scope="session")
def target_of(stream: Callable[..., Stream], request_for: Callable[..., PopulateRequest]) -> TargetOf:
    """``target_of("9.6.20251023-0", choice=…, release="4.19", name=…)``: what is looked for on the x86_64."""

    def make(build: str, *, name: str = "rhcos-4.20", **more: Choice | str) -> AzureTarget:
        return azure_targets(request_for(stream(build, name=name, arches=("x86_64",)), **more))[Arch.X86_64]

    return make


def ranked(versions: list[str], target: AzureTarget, choice: Choice) -> list[Ranked]:
    return list(rank([Candidate.read(SKU, version) for version in versions], target, choice))


def fitting(versions: list[str], target: AzureTarget, choice: Choice = Choice.BOUNDED) -> list[tuple[str, str]]:
    return [(one.candidate.text, one.rule.value) for one in ranked(versions, target, choice) if one.fits]


def refused(versions: list[str], target: AzureTarget, choice: Choice = Choice.BOUNDED) -> dict[str, Refusal]:
    return {one.candidate.text: one.rule for one in ranked(versions, target, choice) if isinstance(one.rule, Refusal)}


def test_bounded_takes_the_day_then_the_newest_before_then_the_oldest_after(target_of: TargetOf) -> None:
    listed = ["9.6.20251101", "9.6.20251023", "9.6.20251015", "9.6.20250801", "9.6.20260101"]
    assert fitting(listed, target_of("9.6.20251023-0")) == [
        ("9.6.20251023", "exact"),
        ("9.6.20251015", "behind"),
        ("9.6.20250801", "behind"),
        ("9.6.20251101", "ahead"),
        ("9.6.20260101", "ahead"),
    ]


def test_an_hour_does_not_hinder_an_exact_match(target_of: TargetOf) -> None:
    assert fitting(["9.6.2025102314", "9.6.20251022"], target_of("9.6.20251023-0"))[0] == ("9.6.2025102314", "exact")


def test_the_enhancement_s_example_is_ahead_when_it_is_the_only_image(target_of: TargetOf) -> None:
    assert fitting(["418.94.20250122"], target_of("418.94.202410090804-0", name="rhcos-4.16")) == [("418.94.20250122", "ahead")]


def test_defect_8_an_image_of_a_later_minor_of_rhel_is_no_choice(target_of: TargetOf) -> None:
    """Upstream has no upper bound for versions that are named after RHEL: a 4.20 stream could take 9.8."""
    target = target_of("9.6.20251023-0")
    assert fitting(["9.8.20260428"], target) == []
    assert refused(["9.8.20260428"], target) == {"9.8.20260428": Refusal.RHEL_MINOR}


def test_latest_takes_the_exact_one_and_else_the_newest_of_the_same_major(target_of: TargetOf) -> None:
    target = target_of("9.6.20251023-0")
    listed = ["9.8.20260428", "9.6.20251023", "10.2.20260423", "4.18.2026012111"]
    assert fitting(listed, target, Choice.LATEST) == [("9.6.20251023", "exact"), ("9.8.20260428", "latest"), ("4.18.2026012111", "latest")]
    assert refused(listed, target, Choice.LATEST) == {"10.2.20260423": Refusal.RHEL_MAJOR}


@pytest.mark.parametrize("choice", Choice)
def test_another_major_of_rhel_is_never_taken(target_of: TargetOf, choice: Choice) -> None:
    target = target_of("9.6.20251023-0", choice=choice)
    assert refused(["10.2.20260423"], target, choice) == {"10.2.20260423": Refusal.RHEL_MAJOR}


@pytest.mark.parametrize("choice", [Choice.BOUNDED, Choice.LATEST])
@pytest.mark.parametrize("text", ["latest", "v1", "1.0.0", "9.6.20251399", "9.6", "9.6.20251023-0", ""])
def test_what_cannot_be_read_is_never_taken(target_of: TargetOf, choice: Choice, text: str) -> None:
    assert refused([text], target_of("9.6.20251023-0"), choice) == {text: Refusal.UNPARSABLE}


@pytest.mark.parametrize("text", ["latest", "v1", "12.1.20250101", "9.6", ""])
def test_the_installer_s_program_refuses_what_it_cannot_compare(target_of: TargetOf, text: str) -> None:
    target = target_of("9.6.20251023-0", choice=Choice.UPSTREAM)
    assert refused([text], target, Choice.UPSTREAM) == {text: Refusal.UNPARSABLE}


def test_defect_1_versions_are_compared_as_numbers(target_of: TargetOf) -> None:
    """As strings 9.10 is below 9.8, and 10.2 below 9.8."""
    target = target_of("9.6.20251023-0")
    assert fitting(["9.8.20260428", "9.10.20260301"], target, Choice.LATEST)[0][0] == "9.10.20260301"
    rhel10 = target_of("10.2.20260423-0", name="rhcos-5.0", choice=Choice.UPSTREAM)
    assert fitting(["10.2.20260423", "9.8.20260428"], rhel10, Choice.UPSTREAM) == [("10.2.20260423", "upstream")]


def test_defect_1_a_version_that_nobody_lists_is_never_chosen(target_of: TargetOf) -> None:
    """Where nothing matched, upstream wrote the version that it had looked for."""
    assert fitting([], target_of("9.6.20251023-0")) == []


def test_the_installer_s_program_takes_the_greatest_that_is_not_of_a_later_release(target_of: TargetOf) -> None:
    target = target_of("9.6.20250826-1", choice=Choice.UPSTREAM, release="4.19")
    listed = ["413.92.2023101700", "4.18.2025031114", "419.6.20250523", "4.20.2025100101", "420.6.20251001"]
    found = ranked(listed, target, Choice.UPSTREAM)
    assert [one.candidate.text for one in found if one.fits] == ["419.6.20250523"]
    assert refused(listed, target, Choice.UPSTREAM) == {
        "420.6.20251001": Refusal.NEWER_RELEASE,
        "4.20.2025100101": Refusal.NEWER_RELEASE,
        "4.18.2025031114": Refusal.NOT_THE_GREATEST,
        "413.92.2023101700": Refusal.NOT_THE_GREATEST,
    }


def test_the_installer_s_program_puts_every_rhel_version_above_every_openshift_one(target_of: TargetOf) -> None:
    target = target_of("9.6.20250826-1", choice=Choice.UPSTREAM, release="4.19")
    assert fitting(["4.19.2026123123", "9.2.20230101"], target, Choice.UPSTREAM) == [("9.2.20230101", "upstream")]


def test_the_better_series_wins_among_equals(target_of: TargetOf) -> None:
    target = target_of("9.8.20260428-0", name="rhcos-4.21")
    new, old = AzureSku("azureopenshift", "aro4", "aro_5-0_x64_gen2"), AzureSku("azureopenshift", "aro4", "aro_422-v2")
    listed = [Candidate.read(sku, "9.8.20260428") for sku in (new, old)]
    assert [one.candidate.sku for one in rank(listed, target, Choice.BOUNDED)] == [new, old]


days = st.dates(date(2022, 1, 1), date(2029, 12, 31)).map(lambda day: f"{day:%Y%m%d}")
stamps = st.one_of(days, st.builds(lambda day, hour: f"{day}{hour:02}", days, st.integers(0, 23)))
shapes = st.one_of(
    st.builds(lambda first, second, stamp: f"{first}.{second}.{stamp}", st.sampled_from([9, 10]), st.integers(0, 10), stamps),
    st.builds(lambda minor, stamp: f"4.{minor}.{stamp}", st.integers(8, 22), stamps),
    st.builds(lambda minor, rhel, stamp: f"4{minor}.{rhel}.{stamp}", st.integers(8, 22), st.sampled_from([84, 92, 94, 96]), stamps),
    st.sampled_from(["latest", "1.0.0", "0.0.0", "x"]),
)
listings = st.lists(shapes, max_size=25, unique=True)
builds = st.builds(lambda minor, day: f"9.{minor}.{day}-0", st.sampled_from([6, 8]), days)


@given(listings, builds, st.sampled_from(Choice))
def test_every_candidate_is_ranked_once_and_what_fits_comes_first(
    target_of: TargetOf, listed: list[str], build: str, choice: Choice
) -> None:
    found = ranked(listed, target_of(build, choice=choice, release="4.20"), choice)
    assert sorted(one.candidate.text for one in found) == sorted(listed)
    fits = [one.fits for one in found]
    assert fits == sorted(fits, reverse=True)


@given(listings, builds, st.sampled_from(Choice), st.randoms())
def test_the_order_of_the_listing_is_of_no_meaning(
    target_of: TargetOf, listed: list[str], build: str, choice: Choice, random: Random
) -> None:
    target = target_of(build, choice=choice, release="4.20")
    shuffled = list(listed)
    random.shuffle(shuffled)
    assert fitting(shuffled, target, choice) == fitting(listed, target, choice)


@given(listings, builds)
def test_bounded_stays_within_the_version_of_rhel_and_nearest_first(target_of: TargetOf, listed: list[str], build: str) -> None:
    target = target_of(build, release="4.20")
    found = [one for one in ranked(listed, target, Choice.BOUNDED) if one.fits]
    distances = []
    for one in found:
        assert one.candidate.version is not None
        assert one.candidate.version.rhel == target.rhel
        distance = one.candidate.version.day - target.day
        expected = Rule.EXACT if not distance else Rule.BEHIND if distance < timedelta() else Rule.AHEAD
        assert one.rule is expected
        distances.append((expected is Rule.AHEAD, abs(distance)))
    assert distances == sorted(distances)


@given(listings, builds)
def test_latest_is_never_older_than_what_bounded_takes_unless_that_is_exact(target_of: TargetOf, listed: list[str], build: str) -> None:
    target = target_of(build, release="4.20")
    bounded, latest = fitting(listed, target), fitting(listed, target, Choice.LATEST)
    if bounded and bounded[0][1] != "exact":
        first, second = (Candidate.read(SKU, found[0][0]).version for found in (latest, bounded))
        assert first is not None
        assert second is not None
        assert first.key >= second.key


@given(listings, builds)
def test_the_installer_s_program_has_one_choice_at_most_and_nothing_comparable_above_it(
    target_of: TargetOf, listed: list[str], build: str
) -> None:
    found = ranked(listed, target_of(build, choice=Choice.UPSTREAM, release="4.20"), Choice.UPSTREAM)
    taken = [one for one in found if one.fits]
    assert len(taken) <= 1
    for one in found:
        if one.rule is Refusal.NOT_THE_GREATEST:
            mine, best = upstream_key(one.candidate.text), upstream_key(taken[0].candidate.text)
            assert mine is not None
            assert best is not None
            assert mine <= best
