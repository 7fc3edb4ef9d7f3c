import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.unit.publish.fakecloud import Killed

from penstock.model.digest import Digest
from penstock.model.push.gcp import EVERYBODY, DeprecationState
from penstock.model.push.states import ItemState
from penstock.publish.gcp.planning import GcpRules
from penstock.publish.gcp.push import GcpAsk

if TYPE_CHECKING:
    from tests.unit.publish.gcp.conftest import GcpPushes

NAME = "rhel-gce-9-4-1-x86-64"


def all_is_as_wanted(pushes: "GcpPushes") -> None:
    """One image of one object, made once, of the right bytes; the older one is out of use."""
    gcp, disk = pushes.gcp, next(iter(pushes.files.disks.values()))
    assert list(gcp.disks.values()) == [disk]
    assert gcp.inserted == {NAME: 1}
    image = gcp.images["rhel-images", NAME]
    assert (image.status, image.family, image.state, image.content) == ("READY", "rhel-9", DeprecationState.ACTIVE, Digest.of(disk))
    assert gcp.users["rhel-images", NAME] == {"group:qa@example.com", EVERYBODY}
    assert gcp.images["rhel-images", "rhel-gce-9-3"].state is DeprecationState.DEPRECATED
    assert all(each.closed for each in pushes.files.opened)


@pytest.mark.parametrize("answered", [False, True], ids=["before the call", "before its answer"])
@pytest.mark.parametrize("journal", [True, False], ids=["with its journal", "without its journal"])
def test_a_push_to_google_killed_at_any_call_is_completed_by_the_next_one(
    answered: bool, journal: bool, new_gcp_pushes: "Callable[[], GcpPushes]"
) -> None:
    whole = new_gcp_pushes()
    asyncio.run(whole.run())
    all_is_as_wanted(whole)
    for number in range(1, whole.gcp.life.count + 1):
        pushes = new_gcp_pushes()
        pushes.gcp.life.revive(number, after_effect=answered)
        try:
            asyncio.run(pushes.run())
        except Killed:
            pushes.gcp.life.revive()
            if not journal:
                pushes.earlier.clear()
            pushes.gcp.end_operations()
            results = asyncio.run(pushes.run())
            assert [(each.state, each.reason) for each in results] == [(ItemState.PUSHED, "")], number
        all_is_as_wanted(pushes)


def test_the_push_to_google_after_a_whole_one_only_reads(gcp_pushes: "GcpPushes") -> None:
    asyncio.run(gcp_pushes.run())
    before = gcp_pushes.gcp.life.calls.copy()
    prepared = asyncio.run(gcp_pushes.prepared())
    assert [step.action.verb for step in prepared.plan.steps if step.is_work] == []
    results = asyncio.run(gcp_pushes.run())
    made = gcp_pushes.gcp.life.calls - before
    assert not made.keys() & {"upload", "insert_image", "set_family", "deprecate", "grant"}
    assert [(each.state, each.receipts[0].facts["public"]) for each in results] == [(ItemState.PUSHED, True)]


def test_a_pre_push_makes_and_shares_the_image_and_a_full_push_releases_it(gcp_pushes: "GcpPushes") -> None:
    asyncio.run(gcp_pushes.run(GcpAsk(plan=GcpRules(pre_push=True))))
    image = gcp_pushes.gcp.images["rhel-images", NAME]
    assert (image.status, image.family) == ("READY", "")
    assert gcp_pushes.gcp.users["rhel-images", NAME] == {"group:qa@example.com"}
    assert gcp_pushes.gcp.images["rhel-images", "rhel-gce-9-3"].state is DeprecationState.ACTIVE
    asyncio.run(gcp_pushes.run())
    all_is_as_wanted(gcp_pushes)


def test_two_pushes_to_google_at_once_make_everything_once(gcp_pushes: "GcpPushes") -> None:
    async def both() -> None:
        for results in await asyncio.gather(gcp_pushes.run(), gcp_pushes.run()):
            assert [(each.state, each.reason) for each in results] == [(ItemState.PUSHED, "")]

    asyncio.run(both())
    all_is_as_wanted(gcp_pushes)


def test_an_image_that_is_being_made_is_gone_on_with(new_gcp_pushes: "Callable[[], GcpPushes]") -> None:
    pushes, number = new_gcp_pushes(), 0
    while ("rhel-images", NAME) not in pushes.gcp.images:
        pushes, number = new_gcp_pushes(), number + 1
        pushes.gcp.life.revive(number, after_effect=True)
        try:
            asyncio.run(pushes.run())
        except Killed:
            continue
        pushes = new_gcp_pushes()  # a call that only reads has no effect that it could be killed after
    pushes.gcp.life.revive()
    prepared = asyncio.run(pushes.prepared())
    verdicts = {step.action.verb: step.verdict.value for step in prepared.plan.steps}
    assert verdicts["insert image"] == "resume"
    assert "upload" not in verdicts
