"""Laws of every plan, over drawn sources, mappings, options and kill points."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from penstock.model.push.aws import Sharing
from penstock.model.push.items import BuildInfo, PushItem
from penstock.publish.actions import Phase
from penstock.publish.aws.actions import (
    CopySnapshot,
    ImportSnapshot,
    RegisterImage,
    RhsmRegion,
    RhsmRegistration,
    UploadObject,
    WriteSnapshot,
)
from penstock.publish.mapping import Mapped
from penstock.publish.plan import Plan, Verdict

Items = Callable[..., PushItem]
Maps = Callable[..., Mapped]
Worlds = Callable[..., Any]
Build = Callable[[Items, Maps, Worlds], Any]

DESTINATIONS = [f"{region}-{kind}" for region in ("us-east-1", "us-east-2", "cn-north-1") for kind in ("hourly", "access")]
SHARING = st.builds(
    Sharing,
    st.sampled_from([(), ("111111111111",)]),
    st.sampled_from([(), ("g",)]),
    st.sampled_from([(), ("222222222222",)]),
)
RULES = st.fixed_dictionaries({name: st.booleans() for name in ("pre_push", "ebs_direct", "replicate_copy", "snapshot_per_type")})


@st.composite
def worlds(draw: st.DrawFn) -> Build:
    """A function that makes a world: up to three files of one name, some of equal content, each with its destinations and tags."""
    destinations = st.lists(st.sampled_from(DESTINATIONS), unique=True, min_size=1)
    files = draw(st.lists(st.tuples(st.sampled_from([b"one", b"two"]), destinations, st.booleans()), min_size=1, max_size=3))
    sharing, rules = draw(SHARING), draw(RULES)

    def build(item: Items, mapped: Maps, world: Worlds) -> Any:  # noqa: ANN401
        made, disks = [], {}
        for number, (disk, places, tagged) in enumerate(files):
            src = f"/stage/{number}/rhel.raw.xz"
            release = replace(item().release, respin=number)
            one = item(src=src, build=BuildInfo("rhel-ec2", "9.4", str(number)), release=release)
            tags = {"team": str(number)} if tagged else None
            made.append(mapped(one, [{"destination": each, "tags": tags} for each in places], number))
            disks[src] = disk
        return world(made, disks, sharing, **rules)

    return build


def snapshots_made(steps: Any) -> Counter[tuple[Any, ...]]:  # noqa: ANN401
    made = [each.action for each in steps if isinstance(each.action, ImportSnapshot | WriteSnapshot | CopySnapshot)]
    return Counter((each.place, each.content, each.variant) for each in made)


def work(plan: Plan) -> list[Any]:
    return [each for each in plan.steps if each.is_work]


@given(build=worlds(), data=st.data())
def test_the_order_of_targets_changes_nothing(item: Items, mapped: Maps, world: Worlds, build: Build, data: st.DataObject) -> None:
    made = build(item, mapped, world)
    assert made.plan(data.draw(st.permutations(made.targets))) == made.plan()


@given(build=worlds())
def test_no_step_comes_twice_and_each_after_what_it_needs(item: Items, mapped: Maps, world: Worlds, build: Build) -> None:
    plan, seen = build(item, mapped, world).plan(), set[str]()
    for step in plan.steps:
        assert step.id not in seen
        assert set(step.needs) <= seen
        seen.add(step.id)


@given(build=worlds())
def test_every_target_has_its_image_last_among_the_registered(item: Items, mapped: Maps, world: Worlds, build: Build) -> None:
    made = build(item, mapped, world)
    plan = made.plan()
    steps = plan.by_id()
    registered = [[steps[name].action for name in each.steps if isinstance(steps[name].action, RegisterImage)] for each in plan.targets]
    assert [[each.registration for each in one] for one in registered] == [[each.registration] for each in made.targets]


@given(build=worlds())
def test_content_is_moved_once_into_each_place(item: Items, mapped: Maps, world: Worlds, build: Build) -> None:
    plan = build(item, mapped, world).plan()
    uploads = Counter((each.action.place, each.action.content) for each in work(plan) if isinstance(each.action, UploadObject))
    keys = Counter((each.action.bucket, each.action.key) for each in work(plan) if isinstance(each.action, UploadObject))
    for counted in (snapshots_made(work(plan)), uploads, keys):
        assert set(counted.values()) <= {1}


@given(build=worlds())
def test_a_copying_run_imports_once_in_each_partition(item: Items, mapped: Maps, world: Worlds, build: Build) -> None:
    plan = build(item, mapped, world).plan(replicate_copy=True)
    made = [each.action for each in work(plan) if isinstance(each.action, ImportSnapshot | WriteSnapshot)]
    assert set(Counter((each.place.region[:2], each.content, each.variant) for each in made).values()) <= {1}


@given(build=worlds())
def test_pre_push_is_the_beginning_of_a_full_push(item: Items, mapped: Maps, world: Worlds, build: Build) -> None:
    made = build(item, mapped, world)
    before, full = made.plan(pre_push=True), made.plan(pre_push=False)
    assert {each.id: each for each in before.steps}.items() <= {each.id: each for each in full.steps}.items()
    assert not any(each.action.phase.releases for each in before.steps)


@given(build=worlds())
def test_a_plan_that_was_carried_out_is_idle_and_names_its_images_alike(item: Items, mapped: Maps, world: Worlds, build: Build) -> None:
    made = build(item, mapped, world)
    first = made.plan()
    made.carry_out(first)
    again = made.plan()
    assert again.idle
    registered = [{each.id for each in plan.steps if isinstance(each.action, RegisterImage)} for plan in (first, again)]
    assert registered[0] == registered[1]


@given(build=worlds(), kills=st.lists(st.integers(0, 60), max_size=3))
def test_a_push_that_is_killed_again_and_again_converges_and_makes_nothing_twice(
    item: Items, mapped: Maps, world: Worlds, build: Build, kills: list[int]
) -> None:
    made = build(item, mapped, world)
    for kill in kills:
        made.carry_out(made.plan(), kill)
    made.carry_out(made.plan())
    plan = made.plan()
    assert plan.idle
    assert all(not each.conflict for each in plan.targets)
    outside = (each.id for each in made.made if each.verdict is Verdict.CREATE and each.action.phase is not Phase.PREPARE)
    for counted in (snapshots_made(made.made), Counter(outside)):
        assert set(counted.values()) <= {1}


@given(build=worlds())
def test_what_is_there_needs_nothing_before_it(item: Items, mapped: Maps, world: Worlds, build: Build) -> None:
    made = build(item, mapped, world)
    plan = made.plan()
    made.carry_out(plan, len(plan.steps) // 2)
    assert all(each.needs == () for each in made.plan().steps if each.verdict is Verdict.REUSE)


@given(build=worlds())
def test_another_mode_finds_what_the_first_one_made(item: Items, mapped: Maps, world: Worlds, build: Build) -> None:
    made = build(item, mapped, world)
    made.carry_out(made.plan())
    for changes in ({"ebs_direct": True}, {"replicate_copy": True}, {"snapshot_per_type": True}, {"snapshot_per_type": False}):
        assert made.plan(**changes).idle


@given(build=worlds())
def test_rhsm_knows_a_region_before_its_images(item: Items, mapped: Maps, world: Worlds, build: Build) -> None:
    plan = build(item, mapped, world).plan(pre_push=False)
    steps = plan.by_id()
    for step in plan.steps:
        if isinstance(step.action, RhsmRegistration):
            regions = [steps[need].action for need in step.needs]
            assert RhsmRegion(step.action.provider, step.action.place.region) in regions
