"""What a bump of the stream made stale, and whom it concerns."""

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.model.marketplace import Generation, PurchasePlan
from penstock.model.stream import Stream
from penstock.streams.drift.check import DriftQuestion, find_drift
from penstock.streams.drift.observing import observe
from penstock.streams.drift.owners import owner_of, parse_owners
from penstock.streams.drift.report import DriftReport, weigh_all
from penstock.streams.drift.since import by_publisher, made_stale, with_marketplace_of
from penstock.streams.drift.statuses import DriftStatus, Verdict
from penstock.streams.drift.thresholds import Thresholds

if TYPE_CHECKING:
    from tests.unit.streams.drift.conftest import Build

NO_PLAN, OCP, OPP, OCP_EMEA = PurchasePlan.NO_PURCHASE_PLAN, PurchasePlan.OCP, PurchasePlan.OPP, PurchasePlan.OCP_EMEA
OLD, NEW = "9.6.20251015-0", "9.6.20251113-0"


def bumped(build: "type[Build]", plans: dict[PurchasePlan, str], old: str = OLD, new: str = NEW, *, days: int = 30) -> DriftReport:
    thresholds = Thresholds({**Thresholds().plans, "no-purchase-plan": days})
    question = DriftQuestion(build.x86(new, plans), "s", "new.json", thresholds=thresholds, since=(build.x86(old, {}), "old.json"))
    return asyncio.run(find_drift(question))


def test_an_image_that_was_exact_and_is_not_any_more_is_stale_within_its_threshold_too(build: "type[Build]") -> None:
    report = bumped(build, {NO_PLAN: "9.6.20251015"})
    assert [(one.before.status, one.now.seen.days, one.now.verdict) for one in report.stale] == [
        (DriftStatus.EXACT, 29, Verdict.TOLERATED)
    ] * 2


def test_an_image_that_begins_to_fail_is_stale(build: "type[Build]") -> None:
    report = bumped(build, {NO_PLAN: "9.6.20251005"}, days=20)
    assert [(one.before.days, one.now.verdict) for one in report.stale] == [(10, Verdict.FAILING)] * 2


def test_an_image_that_lagged_before_is_not_stale_by_the_bump(build: "type[Build]") -> None:
    assert bumped(build, {NO_PLAN: "9.6.20250101", OCP: "4.18.2025031114"}).stale == ()


def test_an_image_of_a_paid_plan_that_was_exact_is_stale(build: "type[Build]") -> None:
    stale = bumped(build, {OCP: "9.6.2025101510"}).stale
    assert {one.now.verdict for one in stale} == {Verdict.INFORMATIONAL}


def test_holes_are_made_by_no_bump(build: "type[Build]") -> None:
    report = bumped(build, {})
    assert report.stale == ()
    assert report.failing != ()


def test_a_bump_to_another_rhel_leaves_what_was_exact(build: "type[Build]") -> None:
    stale = bumped(build, {NO_PLAN: "9.6.20251015"}, new="10.2.20260423-0").stale
    assert {one.now.seen.status for one in stale} == {DriftStatus.WRONG_RHEL_MAJOR}


def test_a_bump_backwards_leaves_images_ahead(build: "type[Build]") -> None:
    """4.19 went from 9.6.20251113-0 back to 9.6.20251023-0."""
    stale = bumped(build, {NO_PLAN: "9.6.20251113"}, old="9.6.20251113-0", new="9.6.20251023-0").stale
    assert {(one.now.seen.status, one.now.seen.days) for one in stale} == {(DriftStatus.AHEAD, 21)}


def test_stale_images_are_grouped_by_publisher_whatever_its_case(build: "type[Build]") -> None:
    azure = build.azure({OCP: "9.6.2025101510", OPP: "9.6.2025101510", OCP_EMEA: "9.6.2025101510"})
    azure["opp"]["hyperVGen1"]["publisher"] = "RedHat"
    stream = build.stream(x86_64=build.arch(NEW, {"azure": azure}))
    report = asyncio.run(find_drift(DriftQuestion(stream, "s", "new", since=(build.x86(OLD, {}), "old"))))
    assert {publisher: len(members) for publisher, members in by_publisher(report.stale).items()} == {"redhat": 4, "redhat-limited": 2}
    assert {publisher: len(members) for publisher, members in report.concerns().items() if publisher != "azureopenshift"} == {
        "redhat": 4,
        "redhat-limited": 2,
    }


RELEASES = st.sampled_from(
    ["9.6.20250826-1", "9.6.20251015-0", "9.6.20251113-0", "9.8.20260428-0", "10.2.20260423-0", "418.94.202410090804-0"]
)
VERSIONS = st.sampled_from(["9.6.20250826", "9.6.20251015", "9.8.20260428", "10.2.20260423", "4.18.2025031114", "418.94.20241009", "x"])
PLANS = st.dictionaries(
    st.sampled_from(PurchasePlan), st.one_of(VERSIONS, st.dictionaries(st.sampled_from(Generation), VERSIONS)), max_size=7
)


@st.composite
def bumps(draw: st.DrawFn) -> tuple[str, str, dict[PurchasePlan, str | dict[Generation, str]], Thresholds]:
    days = st.one_of(st.none(), st.integers(0, 400))
    limits = {name: draw(days) for name in Thresholds().plans}
    return draw(RELEASES), draw(RELEASES), draw(PLANS), Thresholds(limits)


@given(bump=bumps())
def test_only_what_changed_is_listed(
    build: "type[Build]", bump: tuple[str, str, dict[PurchasePlan, str | dict[Generation, str]], Thresholds]
) -> None:
    old_release, new_release, plans, thresholds = bump
    new: Stream = build.x86(new_release, plans)
    old = with_marketplace_of(build.x86(old_release, {}), new)
    before, now = weigh_all(observe(old), thresholds), weigh_all(observe(new), thresholds)
    by_key = {finding.seen.key: finding for finding in before}
    for one in made_stale(before, now):
        was = by_key[one.now.seen.key]
        assert (was.seen.status, was.verdict) != (one.now.seen.status, one.now.verdict)
        assert was.verdict is not Verdict.FAILING
        assert one.now in now
    assert made_stale(now, now) == ()
    assert made_stale(before, before) == ()


OWNERS = """
azureopenshift: {name: ARO, contact: aro@example.com, slack_channel: "#aro", jira: {project: ARO, component: images, labels: [boot]}}
RedHat: {name: Software Production}
"""


def test_owners_are_found_whatever_the_case() -> None:
    owners = parse_owners(OWNERS.encode(), subject="owners.yaml")
    aro, red_hat = owner_of(owners, "AzureOpenShift"), owner_of(owners, "redhat")
    assert aro is not None
    assert aro.jira is not None
    assert (aro.jira.project, aro.jira.issue_type, aro.jira.labels) == ("ARO", "Task", ("boot",))
    assert red_hat is not None
    assert red_hat.name == "Software Production"
    assert owner_of(owners, "nobody") is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("redhat: {nmae: x}", "the key 'nmae' of 'redhat' is not known"),
        ("redhat: {jira: {project: X, type: y}}", "the key 'jira.type' of 'redhat' is not known"),
        ("redhat: {jira: {}}", "'project' is missing"),
        ("redhat: {}\nRedHat: {}", "the publisher 'RedHat' stands twice"),
        ("redhat: x", "an object is wanted"),
    ],
)
def test_a_broken_file_of_owners_is_refused(content: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_owners(content.encode(), subject="owners.yaml")
    assert told in str(caught.value)
