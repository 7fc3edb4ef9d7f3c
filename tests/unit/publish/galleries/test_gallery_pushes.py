import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.publish.fakecloud import Killed

from penstock.formats.everyfault import DocumentFaults
from penstock.formats.gallerymeta import read_gallery_meta
from penstock.model.digest import Digest
from penstock.model.errors import InputError, OperationError
from penstock.model.push.galleries import CONTENT_TAG, DefinitionWish, FoundDefinition, FoundGallery, FoundVersion, GalleryPlace
from penstock.model.push.items import BuildInfo, PushItem, ReleaseInfo, VhdAttributes
from penstock.model.push.receipts import GalleryReceipt
from penstock.model.push.states import ItemState
from penstock.publish.actions import Phase
from penstock.publish.galleries.judging import GalleryConflict, judge_definition, judge_gallery, judge_version
from penstock.publish.galleries.planning import GalleryRules
from penstock.publish.galleries.push import GalleriesAsk
from penstock.publish.galleries.target import GalleryDestination
from penstock.publish.galleries.versions import gallery_version
from penstock.publish.plan import Verdict

if TYPE_CHECKING:
    from tests.unit.publish.galleries.conftest import GalleryPushes

VERSION = "42.20250526.1"
PLACE = GalleryPlace("5f1a7c1e-0000-4000-8000-000000000003", "images", "fcos")
AT = (PLACE, "fcos-x64", VERSION)


def all_is_as_wanted(pushes: "GalleryPushes") -> None:
    """One version of one blob, made once, of the right bytes, in a gallery that everybody sees."""
    galleries = pushes.galleries
    assert galleries.made == {VERSION: 1}
    (blob,) = galleries.account.blobs.values()
    assert bytes(blob.content) == next(iter(pushes.files.disks.values()))
    assert list(galleries.versions) == [AT]
    found = galleries.versions[AT]
    assert (found.state, found.exclude_from_latest, found.regions) == ("Succeeded", False, ("eastus", "westus2"))
    assert found.content == Digest.of(bytes(blob.content))
    assert found.tags["real_version"] == "42.20250526.2.1"
    assert "?" not in galleries.blobs[AT]
    assert galleries.galleries[PLACE].public_names == ("coreos-0123",)


@pytest.mark.parametrize("answered", [False, True], ids=["before the call", "before its answer"])
def test_a_push_to_a_gallery_killed_at_any_call_is_completed_by_the_next_one(
    answered: bool, new_gallery_pushes: "Callable[[], GalleryPushes]"
) -> None:
    number, killed = 0, True
    while killed or number < 10:
        number += 1
        pushes = new_gallery_pushes()
        pushes.galleries.account.revive(number, after_effect=answered)
        try:
            asyncio.run(pushes.run())
        except Killed:
            pushes.galleries.account.revive()
            pushes.earlier.clear()
            results = asyncio.run(pushes.run())
            assert [(each.state, each.reason) for each in results] == [(ItemState.PUSHED, "")], number
        else:
            killed = answered and number < 30  # a call that only reads has no effect that it could be killed after
        all_is_as_wanted(pushes)
    assert number > 10


def test_a_version_in_a_gallery_is_told_by_a_receipt(gallery_pushes: "GalleryPushes") -> None:
    (result,) = asyncio.run(gallery_pushes.run())
    (receipt,) = result.receipts
    assert isinstance(receipt, GalleryReceipt)
    assert result.filename == f"fcos/fcos-x64/{VERSION}"
    assert receipt.key == f"{PLACE.resource_id}/images/fcos-x64/versions/{VERSION}"
    assert receipt.names == {f"/CommunityGalleries/coreos-0123/Images/fcos-x64/Versions/{VERSION}"}


def test_the_push_to_a_gallery_after_a_whole_one_only_reads(gallery_pushes: "GalleryPushes") -> None:
    asyncio.run(gallery_pushes.run())
    prepared = asyncio.run(gallery_pushes.prepared())
    assert [step.action.verb for step in prepared.plan.steps if step.is_work] == []
    (result,) = asyncio.run(gallery_pushes.run())
    assert result.receipts[0].facts["public"] is True
    all_is_as_wanted(gallery_pushes)


def test_a_pre_push_holds_the_version_back_and_a_full_push_releases_it(gallery_pushes: "GalleryPushes") -> None:
    asyncio.run(gallery_pushes.run(GalleriesAsk(plan=GalleryRules(pre_push=True))))
    assert gallery_pushes.galleries.versions[AT].exclude_from_latest is True
    assert gallery_pushes.galleries.galleries[PLACE].public_names == ()
    asyncio.run(gallery_pushes.run())
    all_is_as_wanted(gallery_pushes)


def test_two_pushes_to_a_gallery_at_once_make_one_version(gallery_pushes: "GalleryPushes") -> None:
    async def both() -> None:
        for results in await asyncio.gather(gallery_pushes.run(), gallery_pushes.run()):
            assert [(each.state, each.reason) for each in results] == [(ItemState.PUSHED, "")]

    asyncio.run(both())
    all_is_as_wanted(gallery_pushes)


def test_a_version_that_failed_is_told_and_made_again_by_the_next_push(gallery_pushes: "GalleryPushes") -> None:
    gallery_pushes.galleries.failing = 1
    (result,) = asyncio.run(gallery_pushes.run())
    assert (result.state, "replication failed" in result.reason) == (ItemState.UPLOADFAILED, True)
    asyncio.run(gallery_pushes.run())
    all_is_as_wanted(gallery_pushes)


def test_a_version_of_other_content_is_a_conflict_and_stays(gallery_pushes: "GalleryPushes") -> None:
    asyncio.run(gallery_pushes.run())
    other = Digest.of(b"another disk")
    versions = gallery_pushes.galleries.versions
    versions[AT] = replace(versions[AT], tags={CONTENT_TAG: other.hex})
    (result,) = asyncio.run(gallery_pushes.run())
    assert result.state is ItemState.UPLOADFAILED
    assert f"sha256 {other.short}" in result.reason
    assert gallery_pushes.galleries.made == {VERSION: 1}


def test_a_gallery_that_is_not_for_everybody_is_a_conflict(gallery_pushes: "GalleryPushes") -> None:
    gallery_pushes.galleries.galleries[PLACE] = FoundGallery(name="fcos", location="eastus", state="Succeeded")
    (result,) = asyncio.run(gallery_pushes.run())
    assert "is Private, and can only be shared" in result.reason
    assert not gallery_pushes.galleries.account.blobs


def test_a_private_gallery_is_not_shared(gallery_pushes: "GalleryPushes") -> None:
    gallery_pushes.meta = {"location": "eastus"}
    (result,) = asyncio.run(gallery_pushes.run())
    assert (result.state, result.receipts[0].facts["public"]) == (ItemState.PUSHED, False)
    assert not gallery_pushes.galleries.account.calls["share"]


def test_what_nobody_says_of_the_subscription_is_found_before_anything_is_asked(gallery_pushes: "GalleryPushes") -> None:
    gallery_pushes.subscription = ""
    (result,) = asyncio.run(gallery_pushes.run())
    assert "nothing says the subscription" in result.reason
    assert not gallery_pushes.galleries.account.calls


def test_galleries_that_cannot_be_read_are_told(gallery_pushes: "GalleryPushes") -> None:
    gallery_pushes.galleries.refused = OperationError("403 Forbidden")
    (result,) = asyncio.run(gallery_pushes.run())
    assert "403 Forbidden" in result.reason


def test_registering_that_is_skipped_and_needed_is_a_conflict(gallery_pushes: "GalleryPushes") -> None:
    (result,) = asyncio.run(gallery_pushes.run(GalleriesAsk(plan=GalleryRules(skip=frozenset({Phase.REGISTER})))))
    assert "register is skipped" in result.reason


def test_two_files_of_one_version_are_both_refused(gallery_pushes: "GalleryPushes", vhd_image: Callable[..., PushItem]) -> None:
    gallery_pushes.items = (vhd_image(), vhd_image(src="/stage/other.vhd"))
    results = asyncio.run(gallery_pushes.run())
    assert ["they differ" in each.reason for each in results] == [True, True]


def test_a_destination_for_another_architecture_of_a_gallery_is_skipped(gallery_pushes: "GalleryPushes") -> None:
    gallery_pushes.destinations = [{"destination": "fcos/fcos-arm64", "architecture": "aarch64"}]
    (part,) = asyncio.run(gallery_pushes.prepared()).parts
    assert [each.reason for each in part.enriched.skipped] == ["it is for aarch64, and the image is of x86_64"]


def item_of(version: str, release: str = "1", *, day: date = date(2026, 5, 11), respin: int = 1, said: str | None = None) -> PushItem:
    return PushItem(
        name="a.vhd",
        src="/a.vhd",
        build=BuildInfo("rhcos", version, release),
        release=ReleaseInfo("rhcos", day, "x86_64", respin),
        attributes=VhdAttributes(disk_version=said),
    )


@pytest.mark.parametrize(
    ("item", "version"),
    [
        (item_of("42.20250526.2.1", "0"), "42.20250526.1"),
        (item_of("9.6.20250523", "0"), "9.6.20250523"),
        (item_of("9.6.20250523-0", "0"), "9.6.20250523"),
        (item_of("9.4"), "9.4.2026051101"),
        (item_of("9.4", respin=12), "9.4.2026051112"),
        (item_of("9.4", said="1.2.3"), "1.2.3"),
    ],
)
def test_the_version_of_a_gallery_is_told_by_the_build(item: PushItem, version: str) -> None:
    assert gallery_version(item) == version


@pytest.mark.parametrize("item", [item_of("nine"), item_of("9.4", respin=100), item_of("9.4", said="9.4")])
def test_a_version_that_cannot_be_told_is_refused(item: PushItem) -> None:
    with pytest.raises(InputError):
        gallery_version(item)


@given(st.integers(0, 99), st.integers(20000101, 20991231), st.sampled_from([1, 2, 3]), st.integers(0, 9999))
def test_a_version_of_fedora_loses_its_stream_alone(major: int, day: int, stream: int, revision: int) -> None:
    assert gallery_version(item_of(f"{major}.{day}.{stream}.{revision}")) == f"{major}.{day}.{revision}"


DIGESTS = [Digest.of(b"a"), Digest.of(b"b")]
STATES = ["Succeeded", "Creating", "Updating", "Failed", "Deleting"]


@given(st.sampled_from(STATES), st.sampled_from([*DIGESTS, None]))
def test_a_version_is_only_used_again_with_its_content(state: str, content: Digest | None) -> None:
    found = FoundVersion(name="1.2.3", state=state, tags={CONTENT_TAG: content.hex} if content else {})
    try:
        judged = judge_version("v", DIGESTS[0], found)
    except GalleryConflict:
        assert content != DIGESTS[0] or state == "Deleting"
    else:
        assert content == DIGESTS[0]
        wanted = {"Succeeded": Verdict.REUSE, "Updating": Verdict.REUSE, "Creating": Verdict.RESUME, "Failed": Verdict.CREATE}
        assert judged.verdict is wanted[state]


@pytest.mark.parametrize(
    ("fields", "conflict"),
    [
        ({}, False),
        ({"architecture": "X64"}, False),
        ({"architecture": "Arm64"}, True),
        ({"generation": "V1"}, True),
        ({"os_type": "Windows"}, True),
    ],
)
def test_a_definition_for_other_machines_is_a_conflict(fields: Mapping[str, Any], conflict: bool) -> None:
    wish = DefinitionWish(location="eastus", publisher="p", offer="o", sku="s", generation="V2", architecture="x64")
    found = replace(FoundDefinition(name="i", state="Succeeded", generation="V2", architecture="x64"), **fields)
    try:
        judged = judge_definition("i", wish, found)
    except GalleryConflict:
        assert conflict
    else:
        assert (conflict, judged.verdict) == (False, Verdict.REUSE)


def test_a_gallery_that_is_being_deleted_is_a_conflict() -> None:
    with pytest.raises(GalleryConflict, match="Deleting"):
        judge_gallery("g", FoundGallery(name="g", location="eastus", state="Deleting"), community=False)


@pytest.mark.parametrize("text", ["", "gallery", "/image", "gallery/", "a b/c", "g-1/i", "g/i/j", "g" * 81 + "/i"])
def test_what_is_no_destination_in_a_gallery_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        GalleryDestination.parse(text)


def test_all_that_is_wrong_in_the_meta_of_a_gallery_is_told_at_once() -> None:
    meta = {
        "location": "1",
        "regions": ["eastus", "?"],
        "replicas": 0,
        "storage_account_type": "Tape",
        "generation": "V3",
        "community": {"publisherUri": "u", "publisherContact": "c", "eula": "e", "publicNamePrefix": "x"},
    }
    with pytest.raises(DocumentFaults) as caught:
        read_gallery_meta(meta, subject="m")
    wanted = ["location", "regions[1]", "replicas", "storage_account_type", "generation", "community.publicNamePrefix"]
    assert all(any(each in fault.message for fault in caught.value.faults) for each in wanted)
    assert len(caught.value.faults) == len(wanted)


def test_the_location_is_one_of_the_regions() -> None:
    assert read_gallery_meta({"location": "West Europe", "regions": ["eastus"]}, subject="m").regions == ("westeurope", "eastus")
