import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.unit.publish.azure.vhds import MIB, a_vhd

from penstock.model.errors import OperationError, TransientError
from penstock.model.push.items import PushItem
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.findings import Stops
from penstock.simulators.cloud.catalogue import AzureProduct

if TYPE_CHECKING:
    from tests.unit.publish.azuremarket.conftest import MarketPushes

Vhd = Callable[..., PushItem]
Stocked = Callable[..., AzureProduct]
DISK = "https://pictures.blob.example/pubupload/rhel-9.4.vhd"
ARM_DISK = "https://pictures.blob.example/pubupload/rhel-9.4-arm.vhd"
HOUR = "9.4.2026051113"
FOREIGN = "https://others.blob.example/disks/old.vhd?se=2027-01-01T00%3A00%3A00Z&sp=r&sv=2021-12-02&sr=b&sig=secret"


def states(results: list[PushResult]) -> list[tuple[str, str]]:
    return [(each.state.value, each.reason) for each in results]


# --- what is known before


def test_somebodys_draft_stops_the_offer_before_a_byte_moves(new_pushes: "Callable[..., MarketPushes]") -> None:
    pushes = new_pushes(products=(AzureProduct(offer="rhel", plans=("9-lvm",), draft_changes=("listing",)),))
    [result] = asyncio.run(pushes.run())
    assert result.state is ItemState.NOTPUSHED
    assert "not published yet: listing/" in result.reason
    assert not pushes.account.blobs


def test_somebodys_draft_is_published_too_where_that_is_allowed(new_pushes: "Callable[..., MarketPushes]") -> None:
    pushes = new_pushes(products=(AzureProduct(offer="rhel", plans=("9-lvm",), draft_changes=("listing",)),))
    [result] = asyncio.run(pushes.run(allow_draft=True))
    assert result.state is ItemState.PUSHED
    listing = next(each for key, each in pushes.market.offer("rhel").trees["live"].items() if key.startswith("listing/"))
    assert listing["changedByHand"] is True


def test_a_modular_push_leaves_the_draft_of_somebody_where_it_is(new_pushes: "Callable[..., MarketPushes]") -> None:
    pushes = new_pushes(
        products=(AzureProduct(offer="rhel", plans=("9-lvm", "9-raw"), draft_changes=("listing",)),), meta={"modular_push": True}
    )
    [result] = asyncio.run(pushes.run(allow_draft=True))
    assert result.state is ItemState.PUSHED
    live = pushes.market.offer("rhel").trees["live"]
    assert not any(each.get("changedByHand") for each in live.values())
    kinds = [each["$schema"].split("/")[4] for each in pushes.market.sent[1]]
    assert kinds == ["product", "property", "plan", "virtual-machine-plan-technical-configuration", "submission"]


def test_a_new_offer_has_no_draft_of_somebody(new_pushes: "Callable[..., MarketPushes]") -> None:
    pushes = new_pushes(products=(AzureProduct(offer="rhel", plans=("9-lvm",), live=False),))
    assert states(asyncio.run(pushes.run())) == [("PUSHED", "")]


@pytest.mark.parametrize(
    ("destination", "told"), [("rhel/8", "no such plan"), ("fedora/9", "no offer fedora"), ("rhel", "no plan of an offer")]
)
def test_a_place_that_is_not_there_stops_its_destination_alone(
    destination: str, told: str, new_pushes: "Callable[..., MarketPushes]"
) -> None:
    pushes = new_pushes(destinations=[{"destination": destination}, {"destination": "rhel/9-lvm"}])
    wrong, right = asyncio.run(pushes.run())
    assert told in wrong.reason
    assert right.state is ItemState.PUSHED


def test_missing_credentials_are_told_before_anything(new_pushes: "Callable[..., MarketPushes]") -> None:
    pushes = new_pushes(credentials=False)
    prepared = asyncio.run(pushes.prepared())
    [finding] = prepared.findings
    assert (finding.stops, finding.state) == (Stops.TARGETS, ItemState.UPLOADFAILED)
    assert "credentials" in finding.problem


def test_an_offer_that_cannot_be_read_fails_its_destinations(pushes: "MarketPushes") -> None:
    pushes.market.failing["submissions"] = [OperationError("forbidden")]
    [result] = asyncio.run(pushes.run())
    assert (result.state, "forbidden" in result.reason) == (ItemState.NOTPUSHED, True)


def test_a_published_version_with_another_image_is_a_conflict(new_pushes: "Callable[..., MarketPushes]", stocked: Stocked) -> None:
    pushes = new_pushes(products=(stocked(HOUR, FOREIGN),))
    [result] = asyncio.run(pushes.run())
    assert result.state is ItemState.UPLOADFAILED
    assert f"{HOUR} has another image for x64Gen2 already" in result.reason
    assert not pushes.account.blobs


def test_two_images_that_would_be_one_version_are_both_refused(new_pushes: "Callable[..., MarketPushes]", vhd: Vhd) -> None:
    pushes = new_pushes(items=(vhd(), vhd("rhel-9.4-other.vhd")))
    results = asyncio.run(pushes.run())
    assert [each.state for each in results] == [ItemState.UPLOADFAILED] * 2
    assert all("2 images would be the version 9.4.*" in each.reason for each in results)


def test_an_image_whose_disk_is_gone_is_never_taken_for_the_same(new_pushes: "Callable[..., MarketPushes]", stocked: Stocked) -> None:
    pushes = new_pushes(products=(stocked("9.4.2026010100", f"{DISK}?se=2027-01-01T00%3A00%3A00Z&sp=r&sv=1&sr=b&sig=x"),))
    [result] = asyncio.run(pushes.run())
    assert "nothing tells whether it is the same" in result.reason


def test_the_address_alone_tells_that_it_is_the_same_where_that_is_asked_for(
    new_pushes: "Callable[..., MarketPushes]", stocked: Stocked
) -> None:
    pushes = new_pushes(
        products=(stocked("9.4.2026010100", f"{DISK}?sp=rl&sig=x"),),
        destinations=[{"destination": "rhel/9-lvm", "vhd_check_base_sas_only": True}],
    )
    [result] = asyncio.run(pushes.run())
    assert (result.state, result.receipts[0].facts["version"]) == (ItemState.PUSHED, "9.4.2026010100")
    assert not pushes.market.begun


def test_an_image_of_the_same_version_that_was_never_published_gives_way(new_pushes: "Callable[..., MarketPushes]", vhd: Vhd) -> None:
    """A build that was not certified is built again, and has the same version: its suffix is cut."""
    first, second = vhd(disk_version="9.4.1"), vhd("rhel-9.4-2.vhd", disk_version="9.4.1")
    pushes = new_pushes(items=(first, second))
    pushes.items = (first,)
    asyncio.run(pushes.run(keep_draft=True))
    pushes.items = (second,)
    assert states(asyncio.run(pushes.run())) == [("PUSHED", "")]
    [(number, images)] = pushes.market.versions("rhel", "9-lvm", "live").items()
    assert (number, images["x64Gen2"].rpartition("/")[2]) == ("9.4.1", "rhel-9.4-2.vhd")


def test_two_images_with_equal_release_data_are_a_conflict_once_the_first_is_published(
    new_pushes: "Callable[..., MarketPushes]", vhd: Vhd
) -> None:
    first, second = vhd(disk_version="9.4.1"), vhd("rhel-9.4-2.vhd", disk_version="9.4.1")
    pushes = new_pushes(items=(first, second))
    pushes.items = (first,)
    asyncio.run(pushes.run())
    pushes.items = (second,)
    [result] = asyncio.run(pushes.run())
    assert (result.state, "has another image" in result.reason) == (ItemState.UPLOADFAILED, True)


def test_a_signature_that_has_ended_is_renewed(pushes: "MarketPushes") -> None:
    asyncio.run(pushes.run(keep_draft=True))
    draft = pushes.market.technical("rhel", "9-lvm", "draft")
    disk = draft["vmImageVersions"][0]["vmImages"][0]["source"]["osDisk"]
    disk["uri"] = disk["uri"].replace("2029", "2025")
    [result] = asyncio.run(pushes.run())
    assert result.state is ItemState.PUSHED
    assert "2029" in pushes.market.technical("rhel", "9-lvm", "live")["vmImageVersions"][0]["vmImages"][0]["source"]["osDisk"]["uri"]


def test_a_publisher_that_does_not_answer_may_answer_later(pushes: "MarketPushes") -> None:
    pushes.market.failing["products"] = [TransientError("no answer")]
    [result] = asyncio.run(pushes.run())
    assert (result.state, result.transient) == (ItemState.NOTPUSHED, True)


def test_a_storage_account_that_cannot_be_read_fails_its_destinations(new_pushes: "Callable[..., MarketPushes]", stocked: Stocked) -> None:
    pushes = new_pushes(products=(stocked("9.3.1", f"{DISK}?sig=x"),))
    pushes.account.failing = {"blob": [OperationError("the key is wrong")], "has_container": [OperationError("the key is wrong")]}
    [result] = asyncio.run(pushes.run())
    assert (result.state, result.reason) == (ItemState.UPLOADFAILED, "azure-na: the key is wrong")


def test_a_disk_of_an_odd_size_is_told_and_pushed(new_pushes: "Callable[..., MarketPushes]") -> None:
    pushes = new_pushes()
    pushes.files.disks = {src: a_vhd(bytes(MIB + 512)) for src in pushes.files.disks}
    [finding] = asyncio.run(pushes.prepared()).findings
    assert (finding.stops, "MiB" in finding.problem) == (Stops.NOTHING, True)
    assert [each.state for each in asyncio.run(pushes.run())] == [ItemState.PUSHED]
