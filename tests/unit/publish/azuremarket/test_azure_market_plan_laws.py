import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.model.push.items import PushItem
from penstock.publish.azuremarket.actions import AttachDraft, PublishLive, PublishPreview
from penstock.publish.plan import Plan, Verdict

if TYPE_CHECKING:
    from tests.unit.publish.azuremarket.conftest import MarketPushes

SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
DESTINATIONS = st.lists(
    st.fixed_dictionaries(
        {"destination": st.sampled_from(["rhel/9-lvm", "rhel/9-raw"]), "overwrite": st.booleans()},
        optional={"architecture": st.sampled_from(["x86_64", "aarch64"]), "meta": st.just({"modular_push": True})},
    ),
    min_size=1,
    max_size=4,
)
ITEMS = st.sampled_from([("x86_64",), ("aarch64",), ("x86_64", "aarch64")])
Vhd = Callable[..., PushItem]


def built(
    new_pushes: "Callable[..., MarketPushes]", vhd: Vhd, arches: Sequence[str], destinations: Sequence[Mapping[str, Any]]
) -> "MarketPushes":
    return new_pushes(items=tuple(vhd(f"rhel-{arch}.vhd", arch) for arch in arches), destinations=destinations)


def planned(pushes: "MarketPushes", **rules: object) -> Plan:
    return asyncio.run(pushes.prepared(**rules)).plan


@SLOW
@given(ITEMS, DESTINATIONS)
def test_drafts_of_an_offer_come_one_after_the_other_and_all_before_its_submissions(
    new_pushes: "Callable[..., MarketPushes]", vhd: Vhd, arches: tuple[str, ...], destinations: list[dict[str, Any]]
) -> None:
    plan = planned(built(new_pushes, vhd, arches, destinations))
    drafts = [each.id for each in plan.steps if isinstance(each.action, AttachDraft)]
    for step in plan.steps:
        if isinstance(step.action, AttachDraft):
            assert set(step.after) == set(drafts[: drafts.index(step.id)])
        if isinstance(step.action, PublishPreview):
            assert set(step.after) >= set(drafts)


@SLOW
@given(ITEMS, DESTINATIONS)
def test_submissions_of_an_offer_never_run_beside_each_other(
    new_pushes: "Callable[..., MarketPushes]", vhd: Vhd, arches: tuple[str, ...], destinations: list[dict[str, Any]]
) -> None:
    plan = planned(built(new_pushes, vhd, arches, destinations))
    submissions = [each for each in plan.steps if isinstance(each.action, PublishPreview | PublishLive)]
    for before, step in pairwise(submissions):
        assert before.id in (*step.needs, *step.after)


@SLOW
@given(ITEMS, DESTINATIONS)
def test_what_was_planned_and_done_needs_nothing_more(
    new_pushes: "Callable[..., MarketPushes]", vhd: Vhd, arches: tuple[str, ...], destinations: list[dict[str, Any]]
) -> None:
    pushes = built(new_pushes, vhd, arches, destinations)
    first = planned(pushes)
    results = asyncio.run(pushes.run())
    assert [each.reason for each in results] == [""] * len(results)
    second = planned(pushes)
    assert {each.verdict for each in second.steps} <= {Verdict.REUSE}
    assert {each.id for each in second.steps} <= {each.id for each in first.steps}


@SLOW
@given(ITEMS, DESTINATIONS)
def test_a_pre_push_is_a_part_of_the_full_one(
    new_pushes: "Callable[..., MarketPushes]", vhd: Vhd, arches: tuple[str, ...], destinations: list[dict[str, Any]]
) -> None:
    pushes = built(new_pushes, vhd, arches, destinations)
    half, kept, full = planned(pushes, pre_push=True), planned(pushes, keep_draft=True), planned(pushes)
    ids = [{each.id for each in plan.steps} for plan in (half, kept, full)]
    assert ids[0] <= ids[1] <= ids[2]
    assert not any(isinstance(each.action, AttachDraft) for each in half.steps)
