import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from penstock.model.push.blobs import BlobKind
from penstock.model.push.items import PushItem
from penstock.model.push.states import ItemState
from penstock.publish.actions import Phase
from penstock.publish.results import clouds_document, pushitems_line

if TYPE_CHECKING:
    from tests.unit.publish.azuremarket.conftest import MarketPushes

HOUR = "9.4.2026051113"
ADDRESS = "https://rhcos.blob.example/imagebucket/rhcos-9.6.20250523-0-azure.x86_64.vhd?sig=of-somebody"


def copied(vhd: Callable[..., PushItem], new_pushes: "Callable[..., MarketPushes]") -> "MarketPushes":
    """A push of a CoreOS disk that stands at an address."""
    item = replace(vhd(), src=ADDRESS, name="rhcos-9.6.20250523-0-azure.x86_64.vhd", build=replace(vhd().build, version="9.6.20250523"))
    pushes = new_pushes(items=(item,))
    pushes.account.sources[ADDRESS] = (BlobKind.PAGE, pushes.files.disks.pop(ADDRESS))
    return pushes


def test_a_disk_at_an_address_is_copied_by_the_service_and_published(
    vhd: Callable[..., PushItem], new_pushes: "Callable[..., MarketPushes]"
) -> None:
    pushes = copied(vhd, new_pushes)
    [result] = asyncio.run(pushes.run())
    assert (result.state, result.reason) == (ItemState.PUSHED, "")
    assert list(pushes.market.versions("rhel", "9-lvm", "live")) == ["9.6.20250523"]
    [receipt] = result.receipts
    assert receipt.content is None
    [blob] = pushes.account.blobs.values()
    assert blob.tags["version"] == "9.6.20250523"


def test_the_second_push_of_a_copy_changes_nothing(vhd: Callable[..., PushItem], new_pushes: "Callable[..., MarketPushes]") -> None:
    pushes = copied(vhd, new_pushes)
    asyncio.run(pushes.run())
    assert asyncio.run(pushes.prepared()).plan.idle
    assert pushes.account.copied == 1


def test_the_signature_of_a_source_is_in_no_plan_and_no_journal(
    vhd: Callable[..., PushItem], new_pushes: "Callable[..., MarketPushes]"
) -> None:
    pushes = copied(vhd, new_pushes)
    plan = asyncio.run(pushes.prepared()).plan
    asyncio.run(pushes.run())
    assert "of-somebody" not in f"{plan.document()} {pushes.earlier} {plan}"


def test_the_signature_of_a_source_is_in_no_result(vhd: Callable[..., PushItem], new_pushes: "Callable[..., MarketPushes]") -> None:
    pushes = copied(vhd, new_pushes)
    results = asyncio.run(pushes.run())
    written = pushitems_line(results[0]) + clouds_document(results)
    assert b"https://rhcos.blob.example/imagebucket/rhcos-9.6.20250523-0-azure.x86_64.vhd" in written
    assert "of-somebody" not in f"{written.decode()} {results}"


def test_a_file_that_is_not_there_fails_its_destinations_alone(
    vhd: Callable[..., PushItem], new_pushes: "Callable[..., MarketPushes]"
) -> None:
    pushes = new_pushes(items=(vhd(), vhd("rhel-9.4-arm.vhd", "aarch64")))
    del pushes.files.disks["/stage/rhel-9.4.vhd"]
    missing, there = asyncio.run(pushes.run())
    assert (missing.state, "no such file" in missing.reason) == (ItemState.UPLOADFAILED, True)
    assert there.state is ItemState.PUSHED


def test_images_for_other_clouds_are_left_alone(pushes: "MarketPushes", an_item: Callable[..., PushItem]) -> None:
    pushes.items = (an_item(), *pushes.items)
    prepared = asyncio.run(pushes.prepared())
    assert [each.label for each in prepared.plan.targets] == ["marketplace azure-na rhel/9-lvm rhel-9.4.vhd"]
    assert not prepared.unmapped


def test_a_vhd_without_a_mapping_is_told(pushes: "MarketPushes", vhd: Callable[..., PushItem]) -> None:
    pushes.items = (replace(vhd(), build=replace(vhd().build, name="other")),)
    [unmapped] = asyncio.run(pushes.prepared()).unmapped
    assert "other (stratosphere, azure)" in unmapped.reason


def test_skipping_publication_ends_with_the_draft(pushes: "MarketPushes") -> None:
    [result] = asyncio.run(pushes.run(skip=frozenset({Phase.PUBLISH})))
    assert (result.state, pushes.market.begun) == (ItemState.PUSHED, {"draft": 1})


@pytest.mark.parametrize("phase", [Phase.PRE_PUBLISH, Phase.UPLOAD])
def test_what_is_skipped_and_needed_is_a_conflict(phase: Phase, pushes: "MarketPushes") -> None:
    [result] = asyncio.run(pushes.run(skip=frozenset({phase})))
    assert result.state is ItemState.UPLOADFAILED
    assert f"{phase.value} is skipped" in result.reason


def test_skipping_what_is_done_already_is_no_conflict(pushes: "MarketPushes") -> None:
    asyncio.run(pushes.run(keep_draft=True))
    [result] = asyncio.run(pushes.run(skip=frozenset({Phase.PRE_PUBLISH, Phase.UPLOAD})))
    assert (result.state, list(pushes.market.versions("rhel", "9-lvm", "live"))) == (ItemState.PUSHED, [HOUR])


@pytest.mark.parametrize(
    ("meta", "told"),
    [
        ({"generation": "V3"}, "no generation"),
        ({"disk_version": "9.4"}, "no version of a disk"),
        ({"modular_push": "yes"}, "neither true nor false"),
        ({"support_legacy": "yes"}, "true or false"),
    ],
)
def test_nonsense_of_a_mapping_fails_its_destination_with_words(
    meta: dict[str, object], told: str, new_pushes: "Callable[..., MarketPushes]"
) -> None:
    pushes = new_pushes(meta=meta)
    [result] = asyncio.run(pushes.run())
    assert (result.state, told in result.reason) == (ItemState.UPLOADFAILED, True)


@pytest.mark.parametrize("key", ["nvra", "penstock:sha256", "Penstock_x"])
def test_reserved_tags_of_a_mapping_are_refused(key: str, new_pushes: "Callable[..., MarketPushes]") -> None:
    pushes = new_pushes(destinations=[{"destination": "rhel/9-lvm", "tags": {key: "x"}}])
    [result] = asyncio.run(pushes.run())
    assert "reserved" in result.reason


def test_tags_of_a_destination_are_on_the_disk(new_pushes: "Callable[..., MarketPushes]") -> None:
    pushes = new_pushes(destinations=[{"destination": "rhel/9-lvm", "tags": {"team": "images"}}])
    asyncio.run(pushes.run())
    [blob] = pushes.account.blobs.values()
    assert blob.tags["team"] == "images"
