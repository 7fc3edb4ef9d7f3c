"""Plans of blobs."""

import asyncio
import itertools
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.publish.azure.fakeblobs import FakeBlob
from tests.unit.publish.azure.vhds import BUILD, OTHER_VHD, VHD

from penstock.model.digest import Digest
from penstock.model.errors import OperationError
from penstock.model.push.blobs import BlobChanged, BlobName, upload_marks
from penstock.model.push.content import Extent
from penstock.model.push.items import PushItem
from penstock.model.push.journal import ExternalId
from penstock.publish.actions import Phase
from penstock.publish.azure.actions import DateBlob, DeleteBlob
from penstock.publish.azure.blobs import BlobConflict
from penstock.publish.azure.observing import ObservedAccount, ObservedBlobs
from penstock.publish.azure.pages import GAP_BYTES, MOST_BYTES, PAGE_BYTES, Written, data_in, pieces
from penstock.publish.azure.performing import release_date
from penstock.publish.azure.planning import BlobPlanner
from penstock.publish.azure.preflight import disk_findings
from penstock.publish.findings import Stops
from penstock.publish.plan import PlanBuilder, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.publish.azure.conftest import BlobPushes

    from penstock.publish.plan import Plan

AT = BlobName("pubupload", "rhel.vhd")


def steps_of(plan: "Plan") -> list[tuple[str, str]]:
    return [(step.action.verb, step.verdict.value) for step in plan.steps]


def standing(pushes: "BlobPushes", at: BlobName = AT, tags: dict[str, str] | None = None) -> None:
    marks = upload_marks(Digest.of(VHD), BUILD if tags is None else tags).complete()
    pushes.account.containers.add(at.container)
    pushes.account.put(at, FakeBlob(bytearray(VHD), dict(marks.metadata), dict(marks.tags)))


def test_a_new_blob_needs_the_file_and_the_container(pushes: "BlobPushes") -> None:
    plan = asyncio.run(pushes.plan(pushes.wanted()))
    assert steps_of(plan) == [("prepare", "ensure"), ("create container", "create"), ("upload blob", "create")]


def test_a_blob_that_is_there_needs_nothing(pushes: "BlobPushes") -> None:
    standing(pushes)
    plan = asyncio.run(pushes.plan(pushes.wanted()))
    assert steps_of(plan) == [("upload blob", "reuse")]
    assert plan.steps[0].known == {ExternalId.BLOB: "https://pictures.blob.example/pubupload/rhel.vhd"}


def test_a_blob_of_another_name_is_given_by_its_own_address(pushes: "BlobPushes") -> None:
    standing(pushes, BlobName("older", "x.vhd"))
    plan = asyncio.run(pushes.plan(pushes.wanted()))
    assert steps_of(plan) == [("upload blob", "reuse")]
    assert plan.steps[0].known == {ExternalId.BLOB: "https://pictures.blob.example/older/x.vhd"}


def test_tags_that_a_reused_blob_lacks_are_set(pushes: "BlobPushes") -> None:
    standing(pushes, tags={**BUILD, "release": "0"})
    (end,) = asyncio.run(pushes.run(pushes.wanted(extra_tags={"team": "images"})))
    assert end.failure is None
    assert {**BUILD, "team": "images"}.items() <= pushes.account.blobs[AT].tags.items()


def test_destinations_with_tags_of_their_own_share_one_upload(pushes: "BlobPushes") -> None:
    wanted = [pushes.wanted(extra_tags={name: "1"}) for name in ("a", "b")]
    plan = asyncio.run(pushes.plan(*wanted))
    assert [verb for verb, _ in steps_of(plan)].count("upload blob") == 1
    assert [verb for verb, _ in steps_of(plan)].count("tag blob") == 2


def test_two_disks_of_one_name_are_a_conflict_of_the_second(pushes: "BlobPushes") -> None:
    pushes.files.disks["/other/rhel.vhd"] = OTHER_VHD
    plan = asyncio.run(pushes.plan(pushes.wanted(), pushes.wanted(content=pushes.files.content("/other/rhel.vhd"))))
    assert [bool(target.conflict) for target in plan.targets] == [False, True]


def test_a_skipped_upload_that_is_needed_is_a_conflict(pushes: "BlobPushes") -> None:
    observed = ObservedBlobs({"azure-na": ObservedAccount(addresses={AT: "https://x.example/y"})})
    with pytest.raises(BlobConflict, match="upload is skipped"):
        BlobPlanner(PlanBuilder(), observed, skip={Phase.UPLOAD}).blob(pushes.wanted())


def test_an_account_that_cannot_be_read_is_a_conflict_of_what_is_wanted_there(pushes: "BlobPushes") -> None:
    pushes.account.failing["has_container"] = [OperationError("refused")]
    plan = asyncio.run(pushes.plan(pushes.wanted()))
    assert [target.conflict for target in plan.targets] == ["refused"]


def test_an_account_without_credentials_is_a_conflict(pushes: "BlobPushes") -> None:
    plan = asyncio.run(pushes.plan(pushes.wanted(account="azure-emea")))
    assert "no credentials" in plan.targets[0].conflict


def test_the_id_of_an_upload_depends_on_nothing_that_was_found(pushes: "BlobPushes") -> None:
    before = asyncio.run(pushes.plan(pushes.wanted()))
    standing(pushes)
    after = asyncio.run(pushes.plan(pushes.wanted()))
    assert before.steps[-1].id == after.steps[-1].id


def test_a_plan_holds_no_query(pushes: "BlobPushes") -> None:
    plan = asyncio.run(pushes.plan(pushes.copied("https://rhcos.example/x.vhd?sig=secret")))
    assert "secret" not in json.dumps(plan.document()) + repr(plan)


def test_the_first_date_of_a_release_stays(pushes: "BlobPushes") -> None:
    standing(pushes)
    builder, address = PlanBuilder(), "https://pictures.blob.example/pubupload/rhel.vhd"
    planner = BlobPlanner(builder, ObservedBlobs({"azure-na": ObservedAccount(containers={"pubupload": True}, addresses={AT: address})}))
    date = builder.add(DateBlob("azure-na", *("pubupload", "rhel.vhd")), Verdict.ENSURE, "", needs=[planner.blob(pushes.wanted())])
    builder.target("x", [date])
    for _ in range(2):
        (end,) = asyncio.run(pushes.carry_out(builder.plan(), pushes.wanted()))
        assert end.failure is None
    assert pushes.account.calls["set_tags"] == 1
    assert pushes.account.blobs[AT].tags["release_date"].startswith("2026051")


def tagging(pushes: "BlobPushes") -> "Plan":
    standing(pushes)
    return asyncio.run(pushes.plan(pushes.wanted(extra_tags={"team": "images"})))


def test_tags_whose_answer_was_lost_are_looked_at_and_set(pushes: "BlobPushes") -> None:
    """The second try of a write on a condition finds the work of the first, and its condition does not hold any more."""
    plan = tagging(pushes)
    pushes.account.failing["set_tags"] = [BlobChanged("412")] * 4
    (end,) = asyncio.run(pushes.carry_out(plan, pushes.wanted()))
    assert end.failure is None
    assert pushes.account.blobs[AT].tags["team"] == "images"


def test_a_blob_that_changes_again_and_again_is_given_up(pushes: "BlobPushes") -> None:
    plan = tagging(pushes)
    pushes.account.failing["set_tags"] = [BlobChanged("412")] * 5
    (end,) = asyncio.run(pushes.carry_out(plan, pushes.wanted()))
    assert end.failure is not None


def test_a_date_is_written_as_upstream_writes_it() -> None:
    assert release_date(1_778_494_272) == "2026051110::11::12"


@pytest.mark.parametrize(("there", "deleted"), [(True, "deleted"), (False, "missing")])
def test_a_deletion_says_whether_there_was_something(there: bool, deleted: str, pushes: "BlobPushes") -> None:
    if there:
        standing(pushes)
    builder = PlanBuilder()
    builder.target("x", [builder.add(DeleteBlob("azure-na", "pubupload", "rhel.vhd"), Verdict.CREATE, "")])
    (end,) = asyncio.run(pushes.carry_out(builder.plan()))
    assert [ids[ExternalId.DELETED] for ids in end.outcomes.values()] == [deleted]
    assert not pushes.account.blobs


# --- pages

SIZE_PAGES = 40_000
RANGES = st.lists(st.tuples(st.integers(0, SIZE_PAGES * PAGE_BYTES - 1), st.integers(1, 6 << 20)), max_size=12)


def disjoint(ranges: list[tuple[int, int]], size_bytes: int) -> list[Extent]:
    """As a file system tells them: in order, apart, within the file."""
    found: list[Extent] = []
    for start, length in sorted(ranges):
        low = max(start, found[-1].offset + found[-1].length + 1 if found else 0)
        high = min(start + length, size_bytes)
        if low < high:
            found.append(Extent(low, high - low))
    return found


@given(ranges=RANGES)
def test_pieces_are_whole_pages_within_blocks_and_cover_all_data(ranges: list[tuple[int, int]]) -> None:
    size_bytes = SIZE_PAGES * PAGE_BYTES
    extents = disjoint(ranges, size_bytes)
    found = list(pieces(extents, size_bytes))
    for before, after in itertools.pairwise(found):
        assert before.offset + before.length <= after.offset
    for each in found:
        assert each.offset % PAGE_BYTES == each.length % PAGE_BYTES == 0
        assert each.offset // MOST_BYTES == (each.offset + each.length - 1) // MOST_BYTES
        assert each.offset + each.length <= size_bytes
    written = Written(found)
    assert all(written.covers(each) for each in extents)
    assert sum(each.length for each in found) <= sum(each.length for each in extents) + len(extents) * (GAP_BYTES + 2 * PAGE_BYTES)


@given(blocks=st.lists(st.sampled_from([b"\0" * GAP_BYTES, b"\0" * 100 + b"x" * 412, b"y" * GAP_BYTES]), max_size=20))
def test_data_in_a_piece_is_all_that_is_no_zero(blocks: list[bytes]) -> None:
    data = b"".join(blocks)
    found = list(data_in(1 << 20, data))
    rest = bytearray(data)
    for each in found:
        start = each.offset - (1 << 20)
        assert any(data[start : start + each.length])
        rest[start : start + each.length] = bytes(each.length)
    assert not any(rest)


SMALL = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=8)


@given(ranges=SMALL, asked=st.tuples(st.integers(0, 60), st.integers(1, 30)))
def test_what_was_written_is_told_whatever_its_order(ranges: list[tuple[int, int]], asked: tuple[int, int]) -> None:
    there = {place for start, length in ranges for place in range(start, start + length)}
    assert Written(Extent(*each) for each in ranges).covers(Extent(*asked)) == (set(range(asked[0], sum(asked))) <= there)


@dataclass(frozen=True)
class _Target:
    """As much of a target as a finding needs."""

    label: str
    order: tuple[int, int]
    item: PushItem
    source: PushItem
    account: str = "azure-na"
    warnings: tuple[str, ...] = ()


@pytest.mark.parametrize(("size_bytes", "told"), [(len(VHD), 0), (len(VHD) + 512, 1)], ids=["whole MiB", "odd"])
def test_a_disk_of_an_odd_size_is_told_once_and_stops_nothing(
    size_bytes: int, told: int, pushes: "BlobPushes", an_item: "Callable[..., PushItem]"
) -> None:
    item = an_item(src="/stage/rhel.vhd")
    targets = [_Target(f"offer {number}", (0, number), item, item) for number in range(2)]
    content = replace(pushes.files.content("/stage/rhel.vhd"), size_bytes=size_bytes)
    found = disk_findings(targets, {item.src: content})
    assert [(each.stops, each.labels) for each in found] == [(Stops.NOTHING, ("offer 0", "offer 1"))] * told
