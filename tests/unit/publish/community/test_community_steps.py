import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.unit.publish.fakecloud import FakeCloud, FakeImage
from tests.unit.publish.fakefiles import FakeClock, FakeFiles, FakeJournal, WaitedFor
from tests.unit.publish.fakepublisher import FakePublisher

from penstock.model.digest import Digest
from penstock.model.errors import OperationError, PenstockError, TransientError
from penstock.model.push.accounts import AccountAlias
from penstock.model.push.aws import (
    CONTENT_TAG,
    BucketState,
    FoundImage,
    FoundObject,
    FoundSnapshot,
    ImageRegistration,
    ImportStatus,
    Place,
    UploadedPart,
)
from penstock.model.push.journal import EventKind, ExternalId, Ids
from penstock.publish.actions import Action
from penstock.publish.aws.actions import CopySnapshot, ImportSnapshot, MakePublic, RegisterImage, RhsmRegion, TagSnapshot, UploadObject
from penstock.publish.aws.performing import ImagePerformer, Pace
from penstock.publish.aws.uploads import MOST_PARTS, SMALLEST_PART_BYTES, part_size, parts_fit
from penstock.publish.community.performing import CommunityPerformer
from penstock.publish.execution import TargetEnd, execute
from penstock.publish.plan import PlanBuilder, Verdict

HERE = Place("aws-us-storage", "us-east-1")
REGION, BUCKET, KEY = "us-east-1", "redhat-cloudimg-us-east-1", "rhel.raw"
DISK = bytes(SMALLEST_PART_BYTES) + b"the second part" * 1000 + bytes(SMALLEST_PART_BYTES)
"""Of three parts, the first one all zeros as in many disks."""
CONTENT = Digest.of(DISK)
UPLOAD = UploadObject(HERE, BUCKET, KEY, CONTENT, len(DISK), {CONTENT_TAG: CONTENT.hex})
IMPORT = ImportSnapshot(HERE, BUCKET, CONTENT, "A")
COPY = CopySnapshot(HERE, "us-west-2", CONTENT, "A")
REGISTRATION = ImageRegistration(name="A", description="", arch="x86_64", virtualization="hvm", root_device="/dev/sda1", volume="gp3")
REGISTER = RegisterImage(HERE, CONTENT, REGISTRATION, {CONTENT_TAG: CONTENT.hex})
SNAPSHOT = TagSnapshot(HERE, CONTENT, "A", {})


class Bench:
    """One step at a time over a cloud in memory.

    Attributes:
        cloud: with a bucket, and the object in it where it is asked for.
        wait: how long was waited.
        journal: of all steps.
    """

    def __init__(self, cloud: FakeCloud) -> None:
        self.cloud = cloud
        self.wait = WaitedFor()
        self.journal = FakeJournal()
        self.files = FakeFiles({"disk": DISK})
        self.cloud.buckets[(REGION, BUCKET)] = BucketState.OURS

    def do(self, action: Action, *, known: Ids | None = None, before: tuple[Action, Ids] | None = None, rhsm: bool = False) -> Ids:
        """What the step makes; ``before`` stands already.

        Raises:
            PenstockError: why it failed.
        """
        builder = PlanBuilder()
        needs = [builder.add(before[0], Verdict.REUSE, "", known=before[1])] if before else []
        name = builder.add(action, Verdict.CREATE, "", needs=needs, known=known)
        builder.target("t", [name])
        performer = CommunityPerformer(
            ImagePerformer(
                {AccountAlias.parse(HERE.account): FakePublisher(self.cloud)},
                self.files,
                {str(CONTENT): self.files.content("disk")},
                wait=self.wait,
                pace=Pace(),
            ),
            None,
        )

        async def run() -> TargetEnd:
            ends = execute(builder.plan(), performer, self.journal, FakeClock(), progress=lambda _: None, watcher=lambda *_: None)
            (end,) = [end async for end in ends]
            return end

        end = asyncio.run(run())
        if end.failure:
            raise end.failure.error
        return end.outcomes[name]

    def import_object(self, known: Ids | None = None) -> Ids:
        self.put(KEY, DISK)
        return self.do(IMPORT, known=known, before=(UPLOAD, {ExternalId.OBJECT: KEY}))

    def put(self, key: str, content: bytes, tags: Mapping[str, str] | None = None) -> None:
        found = FoundObject(key=key, size_bytes=len(content), tags=tags or {})
        self.cloud.objects[(REGION, BUCKET, key)] = (found, content)

    def open_upload(self, parts: Mapping[int, bytes], tags: Mapping[str, str]) -> str:
        name = self.cloud.new_id("upload")
        self.cloud.uploads[name] = ((REGION, BUCKET, KEY), dict(tags), dict(parts))
        return name

    def noted(self, kind: ExternalId) -> list[str]:
        return [each.ids[kind] for each in self.journal.events if each.kind is EventKind.STEP_NOTED and kind in each.ids]


@pytest.fixture
def bench(fake_cloud: FakeCloud) -> Bench:
    """With an empty bucket."""
    return Bench(fake_cloud)


def test_an_upload_is_noted_before_its_first_part_and_its_parts_after(bench: Bench) -> None:
    assert bench.do(UPLOAD) == {ExternalId.OBJECT: KEY}
    assert bench.noted(ExternalId.UPLOAD) == ["upload-00000001"]
    assert bench.noted(ExternalId.PARTS)[-1] == "3/3"
    assert bench.cloud.objects[(REGION, BUCKET, KEY)][1] == DISK
    assert all(disk.closed for disk in bench.files.opened)


def test_an_upload_of_the_journal_goes_on_with_the_parts_that_are_missing(bench: Bench) -> None:
    upload = bench.open_upload({1: DISK[:SMALLEST_PART_BYTES]}, UPLOAD.tags)
    bench.do(UPLOAD, known={ExternalId.UPLOAD: upload})
    assert bench.cloud.calls["part"] == 2
    assert bench.cloud.objects[(REGION, BUCKET, KEY)][1] == DISK


def test_an_upload_of_the_journal_that_is_over_is_begun_again(bench: Bench) -> None:
    bench.do(UPLOAD, known={ExternalId.UPLOAD: "upload-gone"})
    assert bench.cloud.calls["begin_upload"] == 1


def test_an_upload_of_the_journal_with_parts_of_another_size_is_thrown_away(bench: Bench) -> None:
    upload = bench.open_upload({1: DISK[:10]}, UPLOAD.tags)
    bench.do(UPLOAD, known={ExternalId.UPLOAD: upload})
    assert (bench.cloud.calls["abort_upload"], bench.cloud.objects[(REGION, BUCKET, KEY)][1]) == (1, DISK)


def test_a_found_upload_is_gone_on_with_where_its_parts_are_ours(bench: Bench) -> None:
    bench.open_upload({2: DISK[SMALLEST_PART_BYTES : 2 * SMALLEST_PART_BYTES]}, UPLOAD.tags)
    bench.do(UPLOAD)
    assert (bench.cloud.calls["begin_upload"], bench.cloud.calls["part"]) == (0, 2)


def test_an_upload_of_another_disk_is_left_alone(bench: Bench) -> None:
    other = bench.open_upload({2: b"x" * SMALLEST_PART_BYTES}, {})
    bench.do(UPLOAD)
    assert bench.cloud.objects[(REGION, BUCKET, KEY)][1] == DISK
    assert other in bench.cloud.uploads


def test_an_upload_of_another_disk_that_begins_alike_does_not_give_our_bytes_its_tags(bench: Bench) -> None:
    bench.open_upload({1: DISK[:SMALLEST_PART_BYTES]}, {CONTENT_TAG: Digest.of(b"another disk").hex})
    bench.do(UPLOAD)
    assert bench.cloud.objects[(REGION, BUCKET, KEY)][0].tags == UPLOAD.tags


def test_an_object_that_somebody_put_there_meanwhile_is_not_replaced(bench: Bench) -> None:
    bench.put(KEY, b"another disk")
    with pytest.raises(OperationError, match="another object was put here since the plan was made"):
        bench.do(UPLOAD)


def test_an_object_that_a_parallel_run_finished_is_not_sent_again(bench: Bench) -> None:
    bench.put(KEY, DISK, UPLOAD.tags)
    bench.do(UPLOAD)
    assert (bench.cloud.calls["begin_upload"], bench.files.opened) == (0, [])


def test_a_damaged_object_under_the_contents_own_key_is_replaced(bench: Bench) -> None:
    own = f"{CONTENT.short}/{KEY}"
    bench.put(own, b"damaged")
    bench.do(replace(UPLOAD, key=own))
    assert bench.cloud.objects[(REGION, BUCKET, own)][1] == DISK


@pytest.mark.parametrize("size_bytes", [0, 1, SMALLEST_PART_BYTES * MOST_PARTS, SMALLEST_PART_BYTES * MOST_PARTS + 1, 5 * 1024**4])
def test_no_object_has_more_parts_than_s3_takes(size_bytes: int) -> None:
    assert -(-size_bytes // part_size(size_bytes)) <= MOST_PARTS


@pytest.mark.parametrize(("number", "size_bytes", "fit"), [(1, 4, True), (3, 2, True), (3, 4, False), (2, 2, False), (4, 4, False)])
def test_parts_of_a_disk_are_told_by_number_and_size(number: int, size_bytes: int, fit: bool) -> None:
    assert parts_fit((UploadedPart(number, "", size_bytes),), 10, 4) is fit


def test_an_import_on_its_way_is_attached_to(bench: Bench) -> None:
    first = bench.import_object()
    assert bench.import_object(known={ExternalId.IMPORT_TASK: first[ExternalId.IMPORT_TASK]}) == first
    assert bench.cloud.calls["start_import"] == 1


def test_an_import_that_no_journal_tells_of_is_found_by_its_description(bench: Bench) -> None:
    first = bench.import_object()
    assert bench.import_object() == first
    assert bench.cloud.calls["start_import"] == 1


def test_an_import_that_is_attached_to_needs_no_object(bench: Bench) -> None:
    first = bench.import_object()
    assert bench.do(IMPORT, known={ExternalId.IMPORT_TASK: first[ExternalId.IMPORT_TASK]}) == first


def test_a_failed_import_is_told_and_begun_again_by_the_next_run_only(bench: Bench) -> None:
    bench.cloud.failing_imports = 1
    with pytest.raises(OperationError, match="the import failed: ClientError: Disk validation failed"):
        bench.import_object()
    assert bench.cloud.calls["start_import"] == 1
    assert bench.import_object()[ExternalId.SNAPSHOT].startswith("snap-")
    assert [each.task.status for each in bench.cloud.tasks] == [ImportStatus.FAILED, ImportStatus.COMPLETED]


def test_an_import_whose_snapshot_was_deleted_is_made_anew(bench: Bench) -> None:
    first = bench.import_object()
    bench.cloud.snapshots.clear()
    second = bench.import_object(known={ExternalId.IMPORT_TASK: first[ExternalId.IMPORT_TASK]})
    assert (REGION, second[ExternalId.SNAPSHOT]) in bench.cloud.snapshots


def test_an_import_that_ends_before_its_snapshot_is_shown_is_gone_on_with(bench: Bench) -> None:
    first = bench.import_object()
    bench.cloud.snapshots.clear()
    assert bench.do(IMPORT, known={ExternalId.IMPORT_TASK: first[ExternalId.IMPORT_TASK]}) == first
    assert bench.cloud.calls["start_import"] == 1


def test_a_snapshot_that_is_not_shown_is_looked_for_twice_before_another_is_made(bench: Bench) -> None:
    bench.import_object()
    bench.cloud.snapshots.clear()
    looked = bench.cloud.calls["describe_snapshots"]
    bench.import_object()
    assert bench.cloud.calls["describe_snapshots"] == looked + 2
    assert bench.cloud.calls["start_import"] == 2


def test_an_import_that_fails_after_the_plan_went_on_with_it_fails_its_destinations_only(bench: Bench) -> None:
    bench.cloud.failing_imports = 1
    with pytest.raises(OperationError, match="the import failed"):
        bench.import_object()
    (failed,) = bench.cloud.tasks
    with pytest.raises(OperationError, match="the import failed"):
        bench.do(IMPORT, known={ExternalId.IMPORT_TASK: failed.task.id})


@pytest.mark.parametrize("known", [{ExternalId.IMPORT_TASK: "import-snap-gone"}, {ExternalId.SNAPSHOT: "snap-gone"}])
@pytest.mark.parametrize("action", [IMPORT, COPY])
def test_what_is_gone_since_the_plan_went_on_with_it_is_a_failure_of_its_destinations(bench: Bench, action: Action, known: Ids) -> None:
    with pytest.raises(TransientError, match="not there any more"):
        bench.do(action, known=known)


def test_an_import_that_never_ends_can_be_gone_on_with_later(bench: Bench) -> None:
    bench.cloud.import_looks = 10**6
    with pytest.raises(PenstockError, match="this is not done after 7200 s"):
        bench.import_object()
    assert bench.wait.total_s == pytest.approx(7202)


def test_a_snapshot_that_is_pending_is_waited_for_and_no_longer_than_it_is(bench: Bench) -> None:
    bench.cloud.snapshots[(REGION, "snap-1")] = FoundSnapshot(id="snap-1", state="error", size_gib=1)
    made = bench.import_object(known={ExternalId.SNAPSHOT: "snap-1"})
    assert made[ExternalId.SNAPSHOT] != "snap-1"


def register(bench: Bench) -> Ids:
    bench.cloud.snapshots[(REGION, "snap-1")] = FoundSnapshot(id="snap-1", state="completed", size_gib=1)
    return bench.do(REGISTER, before=(SNAPSHOT, {ExternalId.SNAPSHOT: "snap-1"}))


def test_an_image_is_waited_for_until_it_is_seen(bench: Bench) -> None:
    bench.cloud.shy_looks = 3
    image = register(bench)[ExternalId.IMAGE]
    assert (bench.cloud.calls["image"], bench.noted(ExternalId.IMAGE)) == (4, [image])


def test_an_image_that_is_never_seen_fails_after_a_while(bench: Bench) -> None:
    bench.cloud.shy_looks = 10**6
    with pytest.raises(PenstockError, match="the image is not available after 3"):
        register(bench)


def stand(bench: Bench, tags: Mapping[str, str]) -> None:
    found = FoundImage(id="ami-9", name="A", state="available", arch="x86_64", tags=tags, snapshots=("snap-9",))
    bench.cloud.images[(REGION, "ami-9")] = FakeImage(found, REGISTRATION)


def test_an_image_that_a_parallel_run_made_is_taken(bench: Bench) -> None:
    stand(bench, REGISTER.tags)
    assert register(bench) == {ExternalId.IMAGE: "ami-9", ExternalId.SNAPSHOT: "snap-9"}


def test_an_image_of_other_content_that_took_the_name_meanwhile_is_a_failure(bench: Bench) -> None:
    stand(bench, {CONTENT_TAG: Digest.of(b"another disk").hex})
    with pytest.raises(OperationError, match="ami-9 has this name and other content"):
        register(bench)


def test_public_means_that_ec2_says_so(bench: Bench) -> None:
    stand(bench, {})
    bench.do(MakePublic(HERE, "A"), before=(REGISTER, {ExternalId.IMAGE: "ami-9"}))
    assert bench.cloud.calls["image"] == 1


def test_rhsm_that_is_not_configured_is_told(bench: Bench) -> None:
    with pytest.raises(OperationError, match="RHSM is not configured"):
        bench.do(RhsmRegion("AWS", REGION))
