"""Uploads of page blobs into an account in memory: whole, killed, resumed, refused."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.unit.publish.azure.fakeblobs import FakeBlob, FakeBlobs
from tests.unit.publish.azure.vhds import BUILD, MIB, OTHER_VHD, VHD, a_vhd
from tests.unit.publish.fakecloud import Killed

from penstock.model.digest import Digest
from penstock.model.errors import TransientError, VerificationError
from penstock.model.push.blobs import BlobChanged, BlobName, BlobState, fence_of, upload_marks
from penstock.model.push.journal import ExternalId
from penstock.publish.plan import Verdict

if TYPE_CHECKING:
    from tests.unit.publish.azure.conftest import BlobPushes

AT = BlobName("pubupload", "rhel.vhd")
DATA_BYTES = sum(1 for start in range(0, len(VHD), 65536) if any(VHD[start : start + 65536])) * 65536


def state_of(pushes: "BlobPushes", at: BlobName = AT) -> tuple[BlobState, bytes]:
    found = asyncio.run(FakeBlobs(pushes.account).blob(at))
    assert found is not None
    return found.state, bytes(pushes.account.blobs[at].content)


def half_blob(pushes: "BlobPushes", vhd: bytes, *, pages: int = 0) -> None:
    """What an upload of a VHD left that was killed early."""
    content = Digest.of(vhd)
    marks = upload_marks(content, BUILD)
    blob = FakeBlob(bytearray(len(vhd)), dict(marks.metadata), dict(marks.tags), fence_of(content))
    blob.content[: pages * 512] = vhd[: pages * 512]
    blob.written = set(range(pages))
    pushes.account.containers.add(AT.container)
    pushes.account.put(AT, blob)


def test_a_new_blob_is_whole_and_tagged_and_has_been_sent_without_its_zeros(pushes: "BlobPushes") -> None:
    (end,) = asyncio.run(pushes.run(pushes.wanted()))
    assert end.failure is None
    assert state_of(pushes) == (BlobState.COMPLETE, VHD)
    assert pushes.account.blobs[AT].tags == {**BUILD, "penstock_sha256": Digest.of(VHD).hex}
    assert pushes.account.sent_bytes[AT] <= DATA_BYTES


def test_the_outcome_is_the_address_without_a_signature(pushes: "BlobPushes") -> None:
    (end,) = asyncio.run(pushes.run(pushes.wanted()))
    made = [ids[ExternalId.BLOB] for ids in end.outcomes.values() if ExternalId.BLOB in ids]
    assert made == ["https://pictures.blob.example/pubupload/rhel.vhd"]


@pytest.mark.parametrize("answered", [False, True], ids=["before the call", "before its answer"])
def test_a_push_killed_at_any_call_is_completed_by_the_next_one_without_a_second_upload(
    answered: bool, new_pushes: "Callable[[], BlobPushes]"
) -> None:
    whole = new_pushes()
    asyncio.run(whole.run(whole.wanted(extra_tags={"team": "images"})))
    killed = 0
    for number in range(1, whole.account.count + 1):
        pushes = new_pushes()
        pushes.account.revive(number, after_effect=answered)
        try:
            asyncio.run(pushes.run(pushes.wanted(extra_tags={"team": "images"})))
        except Killed:
            killed += 1
            pushes.account.revive()
            (end,) = asyncio.run(pushes.run(pushes.wanted(extra_tags={"team": "images"})))
            assert end.failure is None, number
        assert state_of(pushes) == (BlobState.COMPLETE, VHD)
        assert pushes.account.blobs[AT].tags["team"] == "images"
        assert pushes.account.sent_bytes[AT] == whole.account.sent_bytes[AT], "each page was sent once"
        assert len(pushes.account.blobs) == 1
        assert pushes.account.made == 1
    assert killed > (5 if answered else 12)


def test_a_push_that_is_killed_again_and_again_ends(pushes: "BlobPushes") -> None:
    runs = 0
    while True:
        runs += 1
        pushes.account.revive(9, after_effect=bool(runs % 2))
        try:
            asyncio.run(pushes.run(pushes.wanted()))
        except Killed:
            assert runs < 30
        else:
            break
    assert runs > 1
    assert state_of(pushes) == (BlobState.COMPLETE, VHD)


def test_the_push_after_a_whole_one_makes_nothing(pushes: "BlobPushes") -> None:
    asyncio.run(pushes.run(pushes.wanted()))
    before = pushes.account.calls.copy()
    plan = asyncio.run(pushes.plan(pushes.wanted()))
    assert plan.idle
    asyncio.run(pushes.carry_out(plan, pushes.wanted()))
    assert set(pushes.account.calls - before) <= {"blob", "has_container"}


def test_only_the_pages_that_are_missing_are_sent(pushes: "BlobPushes") -> None:
    half_blob(pushes, VHD, pages=4 * MIB // 512)
    plan = asyncio.run(pushes.plan(pushes.wanted()))
    assert [step.verdict for step in plan.steps if step.action.verb == "upload blob"] == [Verdict.RESUME]
    asyncio.run(pushes.carry_out(plan, pushes.wanted()))
    assert state_of(pushes) == (BlobState.COMPLETE, VHD)
    assert pushes.account.calls["create_page_blob"] == 0


def test_what_an_upload_of_another_disk_left_is_never_gone_on_with(pushes: "BlobPushes") -> None:
    half_blob(pushes, OTHER_VHD, pages=len(OTHER_VHD) // 512)
    (end,) = asyncio.run(pushes.run(pushes.wanted()))
    assert end.failure is None
    assert state_of(pushes) == (BlobState.COMPLETE, VHD)


def test_a_late_page_of_a_push_that_was_overtaken_is_refused(pushes: "BlobPushes") -> None:
    half_blob(pushes, OTHER_VHD)
    asyncio.run(pushes.run(pushes.wanted()))
    with pytest.raises(Exception, match="sequence number"):
        asyncio.run(FakeBlobs(pushes.account).put_pages(AT, 0, b"x" * 512, fence=fence_of(Digest.of(OTHER_VHD))))
    assert state_of(pushes) == (BlobState.COMPLETE, VHD)


def test_a_blob_that_appears_after_the_plan_with_other_content_is_left_alone(pushes: "BlobPushes") -> None:
    plan = asyncio.run(pushes.plan(pushes.wanted()))
    pushes.account.containers.add(AT.container)
    marks = upload_marks(Digest.of(OTHER_VHD), {}).complete()
    pushes.account.put(AT, FakeBlob(bytearray(OTHER_VHD), dict(marks.metadata), dict(marks.tags)))
    (end,) = asyncio.run(pushes.carry_out(plan, pushes.wanted()))
    assert end.failure is not None
    assert "other content" in str(end.failure.error)
    assert bytes(pushes.account.blobs[AT].content) == OTHER_VHD


def test_whoever_is_overtaken_by_a_push_of_another_disk_fails_and_does_not_take_the_name_back(pushes: "BlobPushes") -> None:
    plan = asyncio.run(pushes.plan(pushes.wanted()))
    half_blob(pushes, OTHER_VHD)
    pushes.account.failing["create_page_blob"] = [BlobChanged("it is not as it was")]
    (end,) = asyncio.run(pushes.carry_out(plan, pushes.wanted()))
    assert end.failure is not None
    assert "another push took the name" in str(end.failure.error)
    assert pushes.account.blobs[AT].fence == fence_of(Digest.of(OTHER_VHD))


def test_two_pushes_at_the_same_time_make_one_whole_blob(pushes: "BlobPushes") -> None:
    async def both() -> None:
        for ends in await asyncio.gather(pushes.run(pushes.wanted()), pushes.run(pushes.wanted())):
            assert [end.failure for end in ends] == [None]

    asyncio.run(both())
    assert state_of(pushes) == (BlobState.COMPLETE, VHD)
    assert pushes.account.made == 1


def test_a_page_that_fails_for_good_fails_the_step_and_leaves_a_half_blob(pushes: "BlobPushes") -> None:
    pushes.account.failing["put_pages"] = [TransientError("busy")]
    (end,) = asyncio.run(pushes.run(pushes.wanted()))
    assert end.failure is not None
    assert str(end.failure.error) == "busy"
    assert state_of(pushes)[0] is BlobState.UPLOADING
    assert all(file.closed for file in pushes.files.opened)
    (again,) = asyncio.run(pushes.run(pushes.wanted()))
    assert again.failure is None
    assert state_of(pushes) == (BlobState.COMPLETE, VHD)


def test_pages_that_the_service_lost_are_no_whole_blob(pushes: "BlobPushes") -> None:
    pushes.account.forgets_page = 0
    (end,) = asyncio.run(pushes.run(pushes.wanted()))
    assert end.failure is not None
    assert isinstance(end.failure.error, VerificationError)
    assert "lacks what was sent" in str(end.failure.error)
    assert state_of(pushes)[0] is BlobState.UPLOADING


def test_no_more_pieces_are_in_memory_than_are_allowed_for_all_uploads_together(pushes: "BlobPushes") -> None:
    dense = {f"/stage/{name}.vhd": a_vhd(name.encode() * (8 * MIB)) for name in "abcd"}
    pushes.files.disks |= dense
    pushes.concurrency = 3
    wanted = [pushes.wanted(name=f"{src[-5:]}", content=pushes.files.content(src)) for src in dense]
    ends = asyncio.run(pushes.run(*wanted))
    assert [end.failure for end in ends] == [None] * 4
    assert 4 * MIB < pushes.account.most_bytes <= 12 * MIB


def test_a_raw_disk_under_the_name_of_a_vhd_is_refused_before_anything_is_made(pushes: "BlobPushes") -> None:
    pushes.files.disks["/stage/rhel.vhd"] = bytes(MIB)
    (end,) = asyncio.run(pushes.run(pushes.wanted()))
    assert end.failure is not None
    assert "this is no VHD" in str(end.failure.error)
    assert not pushes.account.blobs


def test_no_signature_is_made_by_an_upload(pushes: "BlobPushes") -> None:
    asyncio.run(pushes.run(pushes.wanted()))
    assert not [event for event in pushes.journal.events if "sig=" in repr(event)]
