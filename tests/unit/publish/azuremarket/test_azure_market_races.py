"""Others write to an offer, or submit it, while a push is at work: nothing of theirs is lost, and nothing is told that is not so."""

import asyncio
import copy
from collections.abc import Callable
from typing import TYPE_CHECKING

from penstock.model.errors import TransientError
from penstock.model.push.items import PushItem
from penstock.model.push.states import ItemState
from penstock.simulators.cloud.catalogue import AzureProduct

if TYPE_CHECKING:
    from tests.unit.publish.azuremarket.conftest import MarketPushes

Vhd = Callable[..., PushItem]
Stocked = Callable[..., AzureProduct]
TWO_PLANS = [{"destination": "rhel/9-lvm"}, {"destination": "rhel/9-raw"}]
OURS = "https://pictures.blob.example/pubupload"
FOREIGN = "https://others.blob.example/disks/other.vhd?se=2029-01-01T00%3A00%3A00Z&sp=r&sv=2021-12-02&sr=b&sig=secret"


def foreign(number: str) -> dict[str, object]:
    """A version of somebody else."""
    image = {"imageType": "x64Gen2", "source": {"sourceType": "sasUri", "osDisk": {"uri": FOREIGN}, "dataDisks": []}}
    return {"versionNumber": number, "vmImages": [image], "lifecycleState": "generallyAvailable"}


def test_an_image_that_was_taken_out_of_the_draft_is_not_told_to_be_pushed(new_pushes: "Callable[..., MarketPushes]") -> None:
    """Somebody wrote back the draft of a plan as they had read it before."""
    pushes = new_pushes(destinations=TWO_PLANS)

    async def meddling(pause_s: float) -> None:
        if pushes.market.begun["draft"] == 2:
            pushes.market.technical("rhel", "9-lvm", "draft")["vmImageVersions"] = []
        await pushes.time(pause_s)

    pushes.dying = meddling
    results = asyncio.run(pushes.run())
    assert [each.state for each in results] == [ItemState.NOTPUSHED] * 2
    assert "took images of this push out of the draft: 9-lvm" in results[0].reason
    assert not pushes.market.begun["preview"]
    pushes.dying = None
    assert [each.state for each in asyncio.run(pushes.run())] == [ItemState.PUSHED] * 2
    assert all(pushes.market.versions("rhel", each, "live") for each in ("9-lvm", "9-raw"))


def test_a_preview_without_an_image_of_the_push_does_not_go_live(new_pushes: "Callable[..., MarketPushes]") -> None:
    pushes = new_pushes(destinations=TWO_PLANS)

    async def meddling(pause_s: float) -> None:
        await pushes.time(pause_s)
        if pushes.market.begun["preview"] and "9.4.2026051113" in pushes.market.versions("rhel", "9-lvm", "preview"):
            pushes.market.technical("rhel", "9-lvm", "preview")["vmImageVersions"] = []
            pushes.market.technical("rhel", "9-lvm", "draft")["vmImageVersions"] = []

    pushes.dying = meddling
    first, second = asyncio.run(pushes.run())
    assert (first.state, second.state) == (ItemState.NOTPUSHED, ItemState.NOTPUSHED)
    assert not pushes.market.begun["live"]


def test_a_version_that_another_push_took_meanwhile_stays_as_it_is(pushes: "MarketPushes") -> None:
    """Two builds are pushed in one hour, and both plans were made before any of them was attached."""
    pushes.between = lambda: pushes.market.technical("rhel", "9-lvm", "draft")["vmImageVersions"].append(foreign("9.4.2026051113"))
    [result] = asyncio.run(pushes.run())
    assert result.state is ItemState.NOTPUSHED
    assert "since this push began the version 9.4.2026051113 has another image for x64Gen2 already" in result.reason
    assert pushes.market.versions("rhel", "9-lvm", "draft") == {"9.4.2026051113": {"x64Gen2": FOREIGN.partition("?")[0]}}


def test_a_draft_that_was_published_meanwhile_does_not_give_way_any_more(pushes: "MarketPushes") -> None:
    offer = pushes.market.offer("rhel")
    pushes.market.technical("rhel", "9-lvm", "draft")["vmImageVersions"] = [foreign("9.4.2026051113")]

    def published() -> None:
        offer.trees["live"] = copy.deepcopy(offer.trees["draft"])

    pushes.between = published
    [result] = asyncio.run(pushes.run())
    assert (result.state, "since this push began" in result.reason) == (ItemState.NOTPUSHED, True)
    assert not pushes.market.begun


def test_a_draft_that_nobody_published_gives_way(pushes: "MarketPushes") -> None:
    pushes.market.technical("rhel", "9-lvm", "draft")["vmImageVersions"] = [foreign("9.4.2026051113")]
    [result] = asyncio.run(pushes.run())
    assert result.state is ItemState.PUSHED
    assert pushes.market.versions("rhel", "9-lvm", "live") == {"9.4.2026051113": {"x64Gen2": f"{OURS}/rhel-9.4.vhd"}}


def test_two_images_that_come_to_one_version_by_different_ways_are_a_conflict(new_pushes: "Callable[..., MarketPushes]", vhd: Vhd) -> None:
    """One by the hour of the push, the other because it says so: the second would silently replace the first."""
    pushes = new_pushes(items=(vhd(), vhd("rhel-other.vhd", disk_version="9.4.2026051113")))
    results = asyncio.run(pushes.run())
    assert [each.state for each in results] == [ItemState.UPLOADFAILED] * 2
    assert "is the version 9.4.2026051113 too" in results[0].reason
    assert not pushes.market.begun


def test_what_a_refused_preview_shows_is_submitted_again(new_pushes: "Callable[..., MarketPushes]") -> None:
    """A preview may show what was submitted, though it was refused: going live with it would leave out the certification."""
    pushes = new_pushes(products=(AzureProduct(offer="rhel", plans=("9-lvm",), previews=("certification",)),))
    asyncio.run(pushes.run())
    offer = pushes.market.offer("rhel")
    offer.trees["preview"] = copy.deepcopy(offer.trees["draft"])
    [result] = asyncio.run(pushes.run())
    assert result.state is ItemState.PUSHED
    assert pushes.market.begun == {"draft": 1, "preview": 2, "live": 1}


def test_a_change_of_somebody_whose_preview_was_refused_stops_the_push(pushes: "MarketPushes") -> None:
    offer = pushes.market.offer("rhel")
    key = next(each for each in offer.trees["draft"] if each.startswith("listing/"))
    offer.trees["draft"][key]["title"] = "another title"
    offer.trees["preview"] = copy.deepcopy(offer.trees["draft"])
    offer.submissions["preview"]["result"] = "failed"
    [result] = asyncio.run(pushes.run())
    assert (result.state, "not published yet" in result.reason) == (ItemState.NOTPUSHED, True)
    assert not pushes.account.blobs


def test_disks_that_cannot_be_looked_at_for_the_moment_stop_the_push(new_pushes: "Callable[..., MarketPushes]", stocked: Stocked) -> None:
    """Without them an image that is live under another name would be published again."""
    pushes = new_pushes(products=(stocked("9.4.1", f"{OURS}/rhel-9.4-old.vhd?se=2029-01-01T00:00:00Z&sp=r&sr=b&sig=x"),))
    pushes.account.failing = {"blob": [TransientError("no answer")]}
    [result] = asyncio.run(pushes.run())
    assert (result.state, result.reason) == (ItemState.UPLOADFAILED, "no answer")
    assert not pushes.market.begun
