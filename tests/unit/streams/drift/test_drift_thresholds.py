"""What fails, by plan, branch and status."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError
from penstock.model.marketplace import Generation, PurchasePlan
from penstock.model.versions import MajorMinor
from penstock.streams.drift.band import outside_the_band, parse_rhel
from penstock.streams.drift.observing import observe
from penstock.streams.drift.report import weigh_all
from penstock.streams.drift.statuses import DriftStatus, Observation, Verdict
from penstock.streams.drift.thresholds import Thresholds, parse_thresholds, thresholds_of
from penstock.streams.populate.entries import Place, Slot

if TYPE_CHECKING:
    from tests.unit.streams.drift.conftest import Build

NO_PLAN, OCP = PurchasePlan.NO_PURCHASE_PLAN, PurchasePlan.OCP
AMI = "ami-0123456789abcdef0"

SLOTS = st.one_of(
    st.builds(Slot, st.just(Cloud.AZURE), st.just(Arch.X86_64), st.sampled_from(PurchasePlan), st.sampled_from(Generation)),
    st.builds(Slot, st.sampled_from(Cloud), st.just(Arch.X86_64), place=st.just(Place.IMAGES)),
)
SEEN = st.builds(
    lambda slot, status, days: Observation(
        slot, status, "r", "p", days=days if status in (DriftStatus.BEHIND, DriftStatus.AHEAD, DriftStatus.EXACT) else None
    ),
    SLOTS,
    st.sampled_from(DriftStatus),
    st.integers(0, 400),
)


def seen_as(status: DriftStatus, plan: PurchasePlan = NO_PLAN, *, days: int | None = None, cloud: Cloud = Cloud.AZURE) -> Observation:
    return Observation(Slot(cloud, Arch.X86_64, plan, Generation.GEN2), status, "r", "p", days=days)


def rules(content: str = "", *given: str, branch: str = "", version: str = "") -> Thresholds:
    file = parse_thresholds(content.encode(), subject="t.yaml") if content else None
    return thresholds_of(file, given, branch=branch, version=version, subject="t.yaml")


@pytest.mark.parametrize(("days", "verdict"), [(0, Verdict.TOLERATED), (30, Verdict.TOLERATED), (31, Verdict.FAILING)])
def test_images_without_a_plan_may_lag_thirty_days(days: int, verdict: Verdict) -> None:
    assert rules().weigh(seen_as(DriftStatus.BEHIND, days=days)).verdict is verdict


@pytest.mark.parametrize("rule", ["soon", "-1", "{acp: 3}", "{ocp: soon}"])
def test_a_mistake_in_a_branch_shows_before_that_branch_is_there(rule: str) -> None:
    for branch in ("", "main", "release-5.0"):
        with pytest.raises(InputError, match="is no"):
            rules(f"branches: {{main: 3, release-5.0: {rule}}}\n", branch=branch)


@pytest.mark.parametrize("status", [DriftStatus.BEHIND, DriftStatus.MISSING, DriftStatus.FALLBACK])
def test_age_holes_and_fallbacks_of_paid_plans_fail_nothing(status: DriftStatus) -> None:
    assert rules().weigh(seen_as(status, OCP, days=900 if status is DriftStatus.BEHIND else None)).verdict is Verdict.INFORMATIONAL


@pytest.mark.parametrize("plan", PurchasePlan)
@pytest.mark.parametrize("status", [DriftStatus.AHEAD, DriftStatus.WRONG_RHEL_MAJOR, DriftStatus.DEPRECATED, DriftStatus.UNPARSABLE])
def test_what_must_never_be_fails_in_every_plan(status: DriftStatus, plan: PurchasePlan) -> None:
    assert rules().weigh(seen_as(status, plan)).verdict is Verdict.FAILING


def test_a_hole_without_a_plan_fails() -> None:
    assert rules().weigh(seen_as(DriftStatus.MISSING)).verdict is Verdict.FAILING


def test_the_stream_s_own_images_may_lag_no_day() -> None:
    image = replace(seen_as(DriftStatus.BEHIND, days=1), slot=Slot(Cloud.GCP, Arch.X86_64, place=Place.IMAGES))
    assert rules().weigh(image).verdict is Verdict.FAILING
    assert rules("", "images=1").weigh(image).verdict is Verdict.TOLERATED


def test_days_without_a_plan_hold_for_the_plans_that_have_some() -> None:
    thresholds = rules("", "7")
    assert thresholds.plans["no-purchase-plan"] == 7
    assert thresholds.plans["ocp"] is None
    assert thresholds.plans["images"] == 0
    assert rules("", "informational").plans["no-purchase-plan"] is None


def test_a_plan_can_be_held_to_days_in_one_cloud() -> None:
    thresholds = rules("", "aws/ocp=60")
    late = seen_as(DriftStatus.BEHIND, OCP, days=61)
    assert thresholds.weigh(late).verdict is Verdict.INFORMATIONAL
    assert thresholds.weigh(replace(late, slot=replace(late.slot, cloud=Cloud.AWS))).verdict is Verdict.FAILING


def test_the_command_line_goes_before_the_branch_and_the_branch_before_the_file() -> None:
    content = "plans: {no-purchase-plan: 10, ocp: 20}\nbranches: {'release-4.*': {ocp: 40}, '*': 5}\n"
    assert rules(content, branch="release-4.20").plans["ocp"] == 40
    assert rules(content, branch="release-4.20").plans["no-purchase-plan"] == 10
    assert rules(content, branch="other").plans["ocp"] == 5
    assert rules(content).plans["ocp"] == 20
    assert rules(content, "ocp=99", branch="release-4.20").plans["ocp"] == 99


def test_a_file_may_be_json() -> None:
    assert rules('{"plans": {"ocp": "informational", "no-purchase-plan": 3}}').plans["no-purchase-plan"] == 3


@pytest.mark.parametrize(
    ("branch", "version", "fails"),
    [
        ("", "", True),
        ("", "4.20.3", True),
        ("", "5.0.0-ec.2", False),
        ("", "4.21.0-0.nightly-2026-01-01-000000", False),
        ("", "0.0.1-snapshot", True),
        ("", "5.0", True),
        ("main", "", False),
        ("release-4.20", "4.20.0-rc.1", True),
    ],
)
def test_before_a_release_nothing_fails(branch: str, version: str, *, fails: bool) -> None:
    verdict = rules(branch=branch, version=version).weigh(seen_as(DriftStatus.AHEAD, days=1)).verdict
    assert verdict is (Verdict.FAILING if fails else Verdict.INFORMATIONAL)


def test_a_file_can_make_a_branch_informational_and_main_strict() -> None:
    content = "branches: {main: 14, 'feature-*': informational}\n"
    assert rules(content, branch="feature-x").informational == "the branch feature-x is informational"
    assert rules(content, branch="main").weigh(seen_as(DriftStatus.BEHIND, days=15)).verdict is Verdict.FAILING


def test_a_file_can_say_what_a_status_weighs() -> None:
    thresholds = rules("statuses: {fallback: fails, deprecated: informational}\n")
    assert thresholds.weigh(seen_as(DriftStatus.FALLBACK)).verdict is Verdict.FAILING
    assert thresholds.weigh(seen_as(DriftStatus.DEPRECATED)).verdict is Verdict.INFORMATIONAL


@pytest.mark.parametrize(
    ("content", "given", "told"),
    [
        ("plan: {ocp: 1}", [], "the key 'plan' is not known"),
        ("plans: {acp: 1}", [], "'acp' is no plan"),
        ("plans: {ocp: -1}", [], "'-1' is no number of days"),
        ("plans: {ocp: true}", [], ""),
        ("plans: {ocp: soon}", [], "'soon' is no number of days"),
        ("statuses: {exact: fails}", [], "'exact' is no status that can be set"),
        ("statuses: {behind: maybe}", [], "the status behind cannot be 'maybe'"),
        ("plans: [1]", [], ""),
        ("", ["ocp="], "'' is no number of days"),
        ("", ["x=1"], "'x' is no plan"),
        ("", ["1.5"], "'1.5' is no number of days"),
        ("", ["99999999999999999999"], "is no number of days"),
        ("", ["gcp/images=1"], "'gcp/images' is no plan"),
    ],
)
def test_what_is_no_threshold_is_refused(content: str, given: list[str], told: str) -> None:
    with pytest.raises(InputError) as caught:
        rules(content, *given)
    assert told in str(caught.value)


@given(SEEN)
def test_every_status_has_a_weight(seen: Observation) -> None:
    finding = Thresholds().weigh(seen)
    assert (finding.verdict is Verdict.OK) == (seen.status is DriftStatus.EXACT)


@given(SEEN, st.integers(0, 500), st.integers(0, 500))
def test_a_longer_threshold_never_fails_what_a_shorter_one_passes(seen: Observation, one: int, other: int) -> None:
    name = seen.slot.plan.value if seen.slot.plan else "images"
    strict, lax = (Thresholds({**Thresholds().plans, name: days}) for days in sorted((one, other)))
    assert not (lax.weigh(seen).verdict is Verdict.FAILING and strict.weigh(seen).verdict is not Verdict.FAILING)


@given(SEEN)
def test_nothing_fails_where_all_is_informational(seen: Observation) -> None:
    assert Thresholds(informational="main").weigh(seen).verdict is not Verdict.FAILING


def products(build: "type[Build]", *releases: str, stream: str = "9.6.20250826-1") -> tuple[Observation, ...]:
    regions = {f"us-east-{number}": {"release": release, "image": AMI} for number, release in enumerate(releases)}
    return observe(build.x86(stream, {}, more={"aws": {"ocp": {"product": "p", "regions": regions}}}))


@pytest.mark.parametrize(
    ("releases", "inside"),
    [
        (["9.6.20260210-0"], True),
        (["9.4.20250101-0"], True),
        (["9.2.20230101-0", "418.94.202511191518-0"], True),
        (["9.0.20230101-0"], False),
        (["9.8.20260428-0"], False),
        (["418.94.202511191518-0"], False),
        (["10.2.20260423-0", "9.0.20230101-0"], False),
        (["9.8.20260428-0", "9.4.20250101-0"], True),
    ],
)
def test_a_product_passes_with_one_image_between_floor_and_ceiling(build: "type[Build]", releases: list[str], *, inside: bool) -> None:
    assert (outside_the_band(products(build, *releases), MajorMinor(9, 2)) == {}) is inside


def test_a_product_outside_the_band_fails_although_its_age_is_informational(build: "type[Build]") -> None:
    findings = [one for one in weigh_all(products(build, "9.0.20230101-0"), Thresholds()) if one.seen.slot.cloud is Cloud.AWS]
    assert [one.verdict for one in findings] == [Verdict.FAILING]
    assert findings[0].seen.reason.endswith("no image of this product is of RHEL 9.2 to 9.6 (there is 9.0)")


def test_the_floor_can_be_moved(build: "type[Build]") -> None:
    seen = products(build, "9.4.20250101-0")
    assert outside_the_band(seen, MajorMinor(9, 4)) == {}
    assert outside_the_band(seen, MajorMinor(9, 5)) != {}


@pytest.mark.parametrize("text", ["", "9", "9.", "09.2", "9.2.1", "x"])
def test_what_is_no_version_of_rhel_is_no_floor(text: str) -> None:
    with pytest.raises(InputError, match="no version of RHEL"):
        parse_rhel(text)
