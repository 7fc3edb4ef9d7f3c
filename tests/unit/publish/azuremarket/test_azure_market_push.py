import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from penstock.model.push.items import PushItem, VhdAttributes
from penstock.model.push.journal import EventKind
from penstock.model.push.receipts import AzureOfferReceipt
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.plan import Verdict
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


def test_an_image_goes_through_draft_and_preview_to_everybody(pushes: "MarketPushes") -> None:
    [result] = asyncio.run(pushes.run())
    assert (result.state, result.reason) == (ItemState.PUSHED, "")
    assert pushes.market.begun == {"draft": 1, "preview": 1, "live": 1}
    for target in ("draft", "preview", "live"):
        assert pushes.market.versions("rhel", "9-lvm", target) == {HOUR: {"x64Gen2": DISK}}


def test_the_result_has_the_urn_and_the_name_of_the_file(pushes: "MarketPushes") -> None:
    [result] = asyncio.run(pushes.run())
    [receipt] = result.receipts
    assert isinstance(receipt, AzureOfferReceipt)
    assert receipt.key == f"redhat:rhel:9-lvm:{HOUR}"
    assert (receipt.skus, receipt.blob, receipt.live) == (("9-lvm",), DISK, True)
    assert result.filename == result.item.name, "a VHD keeps the name of its file"
    assert isinstance(result.item.attributes, VhdAttributes)
    assert (result.item.attributes.sas_uri, result.item.attributes.disk_version) == (DISK, HOUR)
    assert result.starmap_query is not None


def test_the_second_push_changes_nothing(pushes: "MarketPushes") -> None:
    asyncio.run(pushes.run())
    before = pushes.account.calls.copy()
    pushes.clock.advance(7200)
    assert asyncio.run(pushes.prepared()).plan.idle
    [result] = asyncio.run(pushes.run())
    assert (result.state, result.receipts[0].key) == (ItemState.PUSHED, f"redhat:rhel:9-lvm:{HOUR}")
    assert not (pushes.account.calls - before).keys() & {"configure", "put_pages", "create_page_blob", "set_tags"}


def test_a_dry_run_only_reads(pushes: "MarketPushes") -> None:
    asyncio.run(pushes.prepared())
    assert pushes.account.calls.keys() <= {"products", "submissions", "tree", "has_container", "blob", "blobs_by_tags"}


def test_a_pre_push_ends_with_the_disk_and_asks_nothing_of_the_marketplace(pushes: "MarketPushes") -> None:
    [result] = asyncio.run(pushes.run(pre_push=True))
    assert (result.state, result.receipts) == (ItemState.PUSHED, ())
    assert not pushes.account.calls.keys() & {"products", "configure"}
    assert [str(at) for at in pushes.account.blobs] == ["pubupload/rhel-9.4.vhd"]


def test_a_full_push_after_a_pre_push_does_the_rest(pushes: "MarketPushes") -> None:
    asyncio.run(pushes.run(pre_push=True))
    sent = pushes.account.sent_bytes.copy()
    [result] = asyncio.run(pushes.run())
    assert result.state is ItemState.PUSHED
    assert pushes.account.sent_bytes == sent


def test_a_kept_draft_is_not_submitted(pushes: "MarketPushes") -> None:
    [result] = asyncio.run(pushes.run(keep_draft=True))
    assert pushes.market.begun == {"draft": 1}
    assert (result.state, result.receipts[0].facts["live"]) == (ItemState.PUSHED, False)


def test_one_submission_carries_all_plans_of_an_offer(new_pushes: "Callable[..., MarketPushes]") -> None:
    pushes = new_pushes(destinations=[{"destination": "rhel/9-lvm"}, {"destination": "rhel/9-raw"}])
    results = asyncio.run(pushes.run())
    assert states(results) == [("PUSHED", "")] * 2
    assert pushes.market.begun == {"draft": 2, "preview": 1, "live": 1}


def test_both_architectures_become_one_version_of_a_plan(new_pushes: "Callable[..., MarketPushes]", vhd: Vhd) -> None:
    pushes = new_pushes(items=(vhd(), vhd("rhel-9.4-arm.vhd", "aarch64")))
    results = asyncio.run(pushes.run())
    assert states(results) == [("PUSHED", "")] * 2
    assert pushes.market.versions("rhel", "9-lvm", "live") == {HOUR: {"x64Gen2": DISK, "arm64Gen2": ARM_DISK}}
    assert [each["skuId"] for each in pushes.market.technical("rhel", "9-lvm", "live")["skus"]] == ["9-lvm", "9-lvm-arm64"]


def test_an_image_that_comes_an_hour_later_joins_the_unpublished_version_of_its_build(
    new_pushes: "Callable[..., MarketPushes]", vhd: Vhd
) -> None:
    pushes = new_pushes(items=(vhd(),))
    asyncio.run(pushes.run(keep_draft=True))
    pushes.clock.advance(3600)
    arm = vhd("rhel-9.4-arm.vhd", "aarch64")
    pushes.files.disks[arm.src] = pushes.files.disks[vhd().src]
    pushes.items = (vhd(), arm)
    asyncio.run(pushes.run())
    assert list(pushes.market.versions("rhel", "9-lvm", "live")) == [HOUR]


def test_an_image_of_both_generations_has_both(new_pushes: "Callable[..., MarketPushes]", vhd: Vhd) -> None:
    pushes = new_pushes(items=(vhd(support_legacy=True),))
    [result] = asyncio.run(pushes.run())
    assert pushes.market.versions("rhel", "9-lvm", "live") == {HOUR: {"x64Gen2": DISK, "x64Gen1": DISK}}
    assert result.receipts[0].names >= {f"redhat:rhel:9-lvm-gen1:{HOUR}", f"redhat:rhel:9-lvm:{HOUR}"}


def test_a_new_version_stands_beside_the_old_ones(new_pushes: "Callable[..., MarketPushes]", stocked: Stocked) -> None:
    pushes = new_pushes(products=(stocked("9.3.2026010100", FOREIGN),))
    asyncio.run(pushes.run())
    assert list(pushes.market.versions("rhel", "9-lvm", "live")) == ["9.3.2026010100", HOUR]


def test_overwriting_leaves_the_new_version_alone(new_pushes: "Callable[..., MarketPushes]", stocked: Stocked) -> None:
    pushes = new_pushes(products=(stocked("9.3.2026010100", FOREIGN),), destinations=[{"destination": "rhel/9-lvm", "overwrite": True}])
    asyncio.run(pushes.run())
    assert list(pushes.market.versions("rhel", "9-lvm", "live")) == [HOUR]


def test_overwriting_with_two_architectures_keeps_both(new_pushes: "Callable[..., MarketPushes]", vhd: Vhd, stocked: Stocked) -> None:
    """Upstream overwrites the first with the second."""
    pushes = new_pushes(
        items=(vhd(), vhd("rhel-9.4-arm.vhd", "aarch64")),
        products=(stocked("9.3.2026010100", FOREIGN),),
        destinations=[{"destination": "rhel/9-lvm", "overwrite": True}],
    )
    asyncio.run(pushes.run())
    assert pushes.market.versions("rhel", "9-lvm", "live") == {HOUR: {"x64Gen2": DISK, "arm64Gen2": ARM_DISK}}
    assert asyncio.run(pushes.prepared()).plan.idle


def test_a_destination_for_another_architecture_is_skipped(new_pushes: "Callable[..., MarketPushes]", vhd: Vhd) -> None:
    pushes = new_pushes(
        items=(vhd("rhel-9.4-arm.vhd", "aarch64"),),
        destinations=[{"destination": "rhel/9-lvm", "architecture": "x86_64"}, {"destination": "rhel/9-raw", "architecture": "aarch64"}],
    )
    [result] = asyncio.run(pushes.run())
    assert result.item.dest == ("rhel/9-raw",)


def test_a_coreos_build_has_its_release_as_version(new_pushes: "Callable[..., MarketPushes]", vhd: Vhd) -> None:
    item = vhd()
    build = type(item.build)("rhel-azure", "9.6.20250523", "0")
    pushes = new_pushes(items=(type(item)(**{**{name: getattr(item, name) for name in item.__slots__}, "build": build}),))
    asyncio.run(pushes.run())
    assert list(pushes.market.versions("rhel", "9-lvm", "live")) == ["9.6.20250523"]


# --- what stays secret


def test_no_signature_is_in_a_plan_a_journal_or_a_result(pushes: "MarketPushes") -> None:
    plan = json.dumps(asyncio.run(pushes.prepared()).plan.document())
    results = asyncio.run(pushes.run())
    told = repr(results) + plan + repr(pushes.earlier) + repr(pushes.market.offer("rhel").id)
    assert "sig" not in told.replace("signing_key", "")
    assert "secret-signature" in json.dumps(pushes.market.sent)


def test_the_refusal_of_an_address_does_not_quote_its_signature(pushes: "MarketPushes") -> None:
    pushes.clock.advance(4 * 365 * 86400)  # the account in memory signs until 2029
    [result] = asyncio.run(pushes.run())
    assert "The SAS URI https://pictures.blob.example/pubupload/rhel-9.4.vhd of version" in result.reason
    assert "sig=" not in result.reason


def test_the_number_of_a_job_is_noted_before_it_is_waited_for(pushes: "MarketPushes") -> None:
    asyncio.run(pushes.run())
    noted = [each for each in pushes.earlier if each.kind is EventKind.STEP_NOTED and "job" in {key.value for key in each.ids}]
    assert len(noted) == 3


def test_the_verdicts_of_a_plan_say_where_the_image_stands(pushes: "MarketPushes") -> None:
    def verdicts() -> dict[str, Verdict]:
        return {each.action.verb: each.verdict for each in asyncio.run(pushes.prepared()).plan.steps}

    assert verdicts()["attach to draft"] is Verdict.CREATE
    asyncio.run(pushes.run(keep_draft=True))
    assert (verdicts()["attach to draft"], verdicts()["publish preview"]) == (Verdict.REUSE, Verdict.CREATE)
    asyncio.run(pushes.run())
    assert {verdicts()[verb] for verb in ("attach to draft", "publish preview", "publish live", "date release")} == {Verdict.REUSE}
