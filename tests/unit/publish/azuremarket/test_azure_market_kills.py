import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.unit.publish.fakecloud import Killed

from penstock.model.push.items import PushItem
from penstock.model.push.journal import EventKind
from penstock.model.push.states import ItemState

if TYPE_CHECKING:
    from tests.unit.publish.azuremarket.conftest import MarketPushes

HOUR = "9.4.2026051113"
OF_ARM = "9-lvm-arm64"


def everything_stands_once(pushes: "MarketPushes") -> None:
    """Two architectures in one plan and one of them in another, all of them live, in one version, submitted once."""
    for target in ("draft", "preview", "live"):
        [(number, images)] = pushes.market.versions("rhel", "9-lvm", target).items()
        assert number.startswith("9.4.20260511")
        assert set(images) == {"x64Gen2", "arm64Gen2"}
        assert len(pushes.market.versions("rhel", "9-raw", target)) == 1
    assert sorted(str(at) for at in pushes.account.blobs) == ["pubupload/rhel-9.4-arm.vhd", "pubupload/rhel-9.4.vhd"]
    assert all("release_date" in blob.tags for blob in pushes.account.blobs.values())


@pytest.fixture
def two(new_pushes: "Callable[..., MarketPushes]", vhd: Callable[..., PushItem]) -> "Callable[[], MarketPushes]":
    """Pushes of both architectures into one plan, and of one into another."""

    def build() -> "MarketPushes":
        destinations = [{"destination": "rhel/9-lvm"}, {"destination": "rhel/9-raw", "architecture": "x86_64"}]
        return new_pushes(items=(vhd(), vhd("rhel-9.4-arm.vhd", "aarch64")), destinations=destinations)

    return build


def calls_of_a_whole_push(two: "Callable[[], MarketPushes]") -> int:
    pushes = two()
    asyncio.run(pushes.run())
    return pushes.account.count


@pytest.mark.parametrize(
    ("answered", "journal"),
    [(False, True), (True, True), (True, False)],
    ids=["before the call", "before its answer", "before its answer, and the journal is lost"],
)
def test_a_push_killed_at_any_call_is_completed_by_the_next_one(two: "Callable[[], MarketPushes]", answered: bool, journal: bool) -> None:
    killed = 0
    for number in range(1, calls_of_a_whole_push(two) + 1):
        pushes = two()
        pushes.account.revive(number, after_effect=answered)
        try:
            asyncio.run(pushes.run())
        except Killed:
            killed += 1
            pushes.account.revive()
            if not journal:
                pushes.earlier.clear()
            results = asyncio.run(pushes.run())
            assert [(each.state, each.reason) for each in results] == [(ItemState.PUSHED, "")] * 3, number
        everything_stands_once(pushes)
        assert (pushes.market.begun["preview"], pushes.market.begun["live"]) == (1, 1), number
        if not answered:
            # What was noted is waited for; only an answer that was lost leaves a job of which nobody knows.
            assert pushes.market.begun["draft"] == 3, number
    # The disks are read by threads, so which call has which number differs a little from run to run.
    assert killed >= (10 if answered else 60)


def test_a_push_that_is_killed_again_and_again_ends(two: "Callable[[], MarketPushes]") -> None:
    pushes, runs = two(), 0
    while True:
        runs += 1
        pushes.account.revive(40)
        try:
            asyncio.run(pushes.run())
        except Killed:
            assert runs < 50
        else:
            break
    assert runs > 1
    everything_stands_once(pushes)


def test_two_pushes_at_the_same_time_lose_nothing_of_each_other(two: "Callable[[], MarketPushes]") -> None:
    pushes = two()

    async def both() -> None:
        for results in await asyncio.gather(pushes.run(), pushes.run()):
            assert {(each.state, each.reason) for each in results} == {(ItemState.PUSHED, "")}

    asyncio.run(both())
    everything_stands_once(pushes)


def test_a_job_that_the_service_forgot_is_looked_for_in_the_draft(pushes: "MarketPushes") -> None:
    asyncio.run(pushes.run(keep_draft=True))
    pushes.earlier = [each for each in pushes.earlier if each.kind is not EventKind.STEP_DONE]
    pushes.market.service.state.jobs.clear()
    [result] = asyncio.run(pushes.run())
    assert (result.state, pushes.market.begun) == (ItemState.PUSHED, {"draft": 1, "preview": 1, "live": 1})


def test_a_certification_that_failed_while_nobody_looked_is_told(pushes: "MarketPushes") -> None:
    pushes.market.offer("rhel").outcomes = ["certification"]
    waited = pushes.time.__class__.__call__

    async def die(pause_s: float) -> None:
        await waited(pushes.time, pause_s)
        if pushes.market.begun["preview"]:
            pushes.account.revive(1)

    pushes.dying = die
    with pytest.raises(Killed):
        asyncio.run(pushes.run())
    pushes.dying = None
    pushes.account.revive()
    pushes.clock.advance(86400)
    [result] = asyncio.run(pushes.run())
    assert "Certification failed" in result.reason
    assert pushes.market.begun["preview"] == 1
