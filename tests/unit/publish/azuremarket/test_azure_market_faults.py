import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from penstock.model.errors import NotFoundError, OperationError, TransientError
from penstock.model.push.azuremarket import OfferBusy
from penstock.model.push.items import PushItem
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
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


# --- what goes wrong on the way


def test_a_certification_that_failed_is_not_tried_again(new_pushes: "Callable[..., MarketPushes]") -> None:
    pushes = new_pushes(products=(AzureProduct(offer="rhel", plans=("9-lvm",), previews=("certification", "certification")),))
    [result] = asyncio.run(pushes.run())
    assert result.state is ItemState.NOTPUSHED
    assert "Certification failed: the image has a password for root." in result.reason
    assert pushes.market.begun == {"draft": 1, "preview": 1}


def test_the_next_push_submits_again_what_was_not_certified(new_pushes: "Callable[..., MarketPushes]") -> None:
    pushes = new_pushes(products=(AzureProduct(offer="rhel", plans=("9-lvm",), previews=("certification",)),))
    asyncio.run(pushes.run())
    assert states(asyncio.run(pushes.run())) == [("PUSHED", "")]
    assert pushes.market.begun == {"draft": 1, "preview": 2, "live": 1}


def test_a_preview_that_failed_for_another_reason_is_tried_again_after_a_minute(new_pushes: "Callable[..., MarketPushes]") -> None:
    pushes = new_pushes(products=(AzureProduct(offer="rhel", plans=("9-lvm",), previews=("transient", "transient")),))
    assert states(asyncio.run(pushes.run())) == [("PUSHED", "")]
    assert pushes.market.begun == {"draft": 1, "preview": 3, "live": 1}
    assert pushes.time.pauses.count(60.0) == 2
    assert [verb for verb, _ in pushes.told] == ["publish preview"] * 2


def test_a_preview_is_tried_three_times(new_pushes: "Callable[..., MarketPushes]") -> None:
    pushes = new_pushes(products=(AzureProduct(offer="rhel", plans=("9-lvm",), previews=("transient",) * 5),))
    [result] = asyncio.run(pushes.run())
    assert (result.state, pushes.market.begun["preview"]) == (ItemState.NOTPUSHED, 3)


def test_a_failure_at_one_plan_fails_its_destination_alone(new_pushes: "Callable[..., MarketPushes]") -> None:
    """Upstream's whole run ends with the first exception before publication."""
    pushes = new_pushes(destinations=[{"destination": "rhel/9-lvm"}, {"destination": "rhel/9-raw"}])
    pushes.market.failing["configure"] = [OperationError("refused")]
    first, second = asyncio.run(pushes.run())
    assert (first.state, first.reason) == (ItemState.NOTPUSHED, "attach to draft: refused")
    assert (second.state, second.reason) == (ItemState.PUSHED, "")
    assert pushes.market.begun == {"draft": 1, "preview": 1, "live": 1}


def test_nothing_is_submitted_where_no_draft_was_attached(new_pushes: "Callable[..., MarketPushes]") -> None:
    pushes = new_pushes()
    pushes.market.failing["configure"] = [OperationError("refused")]
    assert states(asyncio.run(pushes.run())) == [("NOTPUSHED", "attach to draft: refused")]
    assert not pushes.market.begun


def test_what_is_live_already_does_not_fail_with_what_is_published_beside_it(new_pushes: "Callable[..., MarketPushes]") -> None:
    pushes = new_pushes(products=(AzureProduct(offer="rhel", plans=("9-lvm", "9-raw"), previews=("", "certification")),))
    asyncio.run(pushes.run())
    pushes.destinations = [{"destination": "rhel/9-lvm"}, {"destination": "rhel/9-raw"}]
    first, second = asyncio.run(pushes.run())
    assert (first.state, second.state) == (ItemState.PUSHED, ItemState.NOTPUSHED)


def test_an_answer_that_was_lost_is_not_asked_for_again(pushes: "MarketPushes") -> None:
    pushes.market.unheard = [TransientError("cut"), TransientError("cut"), TransientError("cut")]
    assert states(asyncio.run(pushes.run())) == [("PUSHED", "")]
    assert pushes.market.begun == {"draft": 1, "preview": 1, "live": 1}


def test_a_busy_offer_is_waited_for(pushes: "MarketPushes") -> None:
    pushes.market.failing["configure"] = [OfferBusy("in progress"), OfferBusy("in progress"), None, OfferBusy("in progress")]
    assert states(asyncio.run(pushes.run())) == [("PUSHED", "")]
    assert pushes.market.begun == {"draft": 1, "preview": 1, "live": 1}


def test_a_job_whose_status_cannot_be_read_goes_on(pushes: "MarketPushes") -> None:
    pushes.market.failing["job"] = [TransientError("503"), TransientError("503")]
    assert states(asyncio.run(pushes.run())) == [("PUSHED", "")]
    assert ("attach to draft", "503") in pushes.told


def test_a_job_that_is_not_known_everywhere_yet_is_asked_for_again(pushes: "MarketPushes") -> None:
    pushes.market.failing["job"] = [NotFoundError("404"), NotFoundError("404")]
    assert states(asyncio.run(pushes.run())) == [("PUSHED", "")]
    assert pushes.market.begun == {"draft": 1, "preview": 1, "live": 1}
    assert ("attach to draft", "404") in pushes.told


def test_a_job_that_nobody_knows_fails_its_step(pushes: "MarketPushes") -> None:
    pushes.market.failing["job"] = [NotFoundError("404")] * 3
    assert states(asyncio.run(pushes.run())) == [("NOTPUSHED", "attach to draft: 404")]


def test_a_submission_of_somebody_else_is_waited_for(pushes: "MarketPushes") -> None:
    product = pushes.market.offer("rhel")
    pushes.market.service.accept(
        {
            "$schema": "https://schema.mp.microsoft.com/schema/configure/2022-07-01",
            "resources": [
                {
                    "$schema": "https://schema.mp.microsoft.com/schema/submission/2022-07-01",
                    "product": f"product/{product.id}",
                    "target": {"targetType": "preview"},
                }
            ],
        }
    )
    assert states(asyncio.run(pushes.run())) == [("PUSHED", "")]
    assert ("publish preview", "a submission of the offer is running; it is waited for") in pushes.told


def test_a_job_that_never_ends_is_given_up_after_a_week(pushes: "MarketPushes") -> None:
    pushes.market.service.state.durations = type(pushes.market.service.state.durations)(preview_s=1e9)
    [result] = asyncio.run(pushes.run())
    assert result.state is ItemState.NOTPUSHED
    assert "7 days" in result.reason
    assert result.transient


def test_a_change_that_is_shown_late_is_not_made_twice(pushes: "MarketPushes") -> None:
    pushes.market.late_looks = 2
    assert states(asyncio.run(pushes.run())) == [("PUSHED", "")]
    assert pushes.market.begun["draft"] == 1
    assert [verb for verb, _ in pushes.told] == ["attach to draft"] * 2


def test_a_change_that_is_never_shown_is_given_up(pushes: "MarketPushes") -> None:
    pushes.market.late_looks = 1000
    [result] = asyncio.run(pushes.run(keep_draft=True))
    assert result.state is ItemState.NOTPUSHED
    assert "succeeded and changed nothing" in result.reason
