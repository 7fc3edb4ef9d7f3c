import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.unit.publish.fakecloud import Killed

from penstock.model.push.states import ItemState

if TYPE_CHECKING:
    from tests.unit.publish.community.conftest import Pushes

    from penstock.publish.community.push import CommunityAsk

RULES = [{}, {"ebs_direct": True}, {"replicate_copy": True}]


def everything_stands_once(pushes: "Pushes") -> None:
    """Three images of two snapshots, one in each region, made of the right bytes and brought there once."""
    cloud, disk = pushes.cloud, next(iter(pushes.files.disks.values()))
    names = [(region, image.found.name) for (region, _), image in cloud.images.items()]
    assert sorted(region for region, _ in names) == ["us-east-1", "us-east-1", "us-east-2"]
    assert len(set(names)) == 3
    assert set(cloud.imported.values()) <= {1}
    assert sorted(region for region, _ in cloud.snapshots) == ["us-east-1", "us-east-2"]
    assert {cloud.snapshot_bytes[image.found.snapshots[0]] for image in cloud.images.values()} == {disk}
    assert {image.found.id for image in cloud.images.values()} == set(cloud.rhsm_images)
    assert [("all" in image.groups) for image in cloud.images.values()] == [("Hourly" in name) for _, name in names]


def calls_of_a_whole_push(new_pushes: "Callable[[], Pushes]", ask: "CommunityAsk") -> int:
    pushes = new_pushes()
    asyncio.run(pushes.run(ask))
    return pushes.cloud.count


@pytest.mark.parametrize(
    ("rules", "answered"),
    [({}, False), ({}, True), ({"ebs_direct": True}, True), ({"replicate_copy": True}, True)],
    ids=["imported, before the call", "imported, before its answer", "ebs-direct", "copied"],
)
def test_a_push_killed_at_any_call_is_completed_by_the_next_one(
    rules: dict[str, bool], answered: bool, new_pushes: "Callable[[], Pushes]", asking: "Callable[..., CommunityAsk]"
) -> None:
    ask, killed = asking(**rules), 0
    for number in range(1, calls_of_a_whole_push(new_pushes, ask) + 1):
        pushes = new_pushes()
        pushes.cloud.revive(number, after_effect=answered)
        try:
            asyncio.run(pushes.run(ask))
        except Killed:
            killed += 1
            pushes.cloud.revive()
            results = asyncio.run(pushes.run(ask))
            assert [(each.state, each.reason) for each in results] == [(ItemState.PUSHED, "")] * 3, number
        everything_stands_once(pushes)
    assert killed > 15


def test_a_lost_journal_costs_nothing_but_time(new_pushes: "Callable[[], Pushes]", asking: "Callable[..., CommunityAsk]") -> None:
    for number in range(1, calls_of_a_whole_push(new_pushes, asking()) + 1):
        pushes = new_pushes()
        pushes.cloud.revive(number, after_effect=True)
        try:
            asyncio.run(pushes.run())
        except Killed:
            pushes.cloud.revive()
            pushes.earlier.clear()
            asyncio.run(pushes.run())
        everything_stands_once(pushes)


def test_a_push_that_is_killed_again_and_again_ends(new_pushes: "Callable[[], Pushes]") -> None:
    pushes, runs = new_pushes(), 0
    pushes.cloud.import_looks = 0  # an import needs no two looks, else a process that dies sooner never sees its end
    while True:
        runs += 1
        pushes.cloud.revive(40, after_effect=bool(runs % 2))
        try:
            asyncio.run(pushes.run())
        except Killed:
            assert runs < 50
        else:
            break
    assert runs > 1
    everything_stands_once(pushes)


@pytest.mark.parametrize("rules", RULES, ids=["imported", "ebs-direct", "copied"])
def test_the_push_after_a_whole_one_makes_nothing(rules: dict[str, bool], pushes: "Pushes", asking: "Callable[..., CommunityAsk]") -> None:
    asyncio.run(pushes.run(asking(**rules)))
    before = pushes.cloud.calls.copy()
    assert asyncio.run(pushes.prepared(asking(**rules))).plan.idle
    asyncio.run(pushes.run(asking(**rules)))
    made = pushes.cloud.calls - before
    assert not made.keys() & {"begin_upload", "part", "start_import", "start_snapshot", "copy_snapshot", "register_image", "create_bucket"}
    everything_stands_once(pushes)


def test_a_full_push_after_a_pre_push_only_releases(pushes: "Pushes", asking: "Callable[..., CommunityAsk]") -> None:
    asyncio.run(pushes.run(asking(pre_push=True)))
    assert not pushes.cloud.rhsm_images
    assert not [image for image in pushes.cloud.images.values() if "all" in image.groups]
    asyncio.run(pushes.run())
    everything_stands_once(pushes)


def test_two_pushes_at_the_same_time_make_everything_once(pushes: "Pushes") -> None:
    async def both() -> None:
        for results in await asyncio.gather(pushes.run(), pushes.run()):
            assert {(each.state, each.reason) for each in results} == {(ItemState.PUSHED, "")}

    asyncio.run(both())
    everything_stands_once(pushes)
