from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from penstock.model.digest import Digest
from penstock.model.push.aws import BucketState, FoundObject, FoundSnapshot, OpenUpload, Place, Sharing, UploadedPart, content_of
from penstock.model.push.items import BuildInfo, PushItem
from penstock.model.push.journal import EventKind, ExternalId, JournalEvent
from penstock.publish.actions import Phase
from penstock.publish.aws.actions import (
    CopySnapshot,
    ImportSnapshot,
    ShareImage,
    ShareSnapshot,
    TagImage,
    TagSnapshot,
    UploadObject,
    WriteSnapshot,
)
from penstock.publish.aws.observing import Observed, ObservedRegion
from penstock.publish.community.planning import PlanRules, plan_community
from penstock.publish.mapping import Mapped
from penstock.publish.plan import Plan, Verdict, step_id

Items = Callable[..., PushItem]
Maps = Callable[..., Mapped]
Worlds = Callable[..., Any]

HERE = Place("aws-us-storage", "us-east-1")
HOURLY, ACCESS = "us-east-1-hourly", "us-east-1-access"
BUCKET = "redhat-cloudimg-us-east-1"
CONTENT = Digest.of(b"a disk")
ONE, TWO = "111111111111", "222222222222"


@pytest.fixture
def hourly(item: Items, mapped: Maps) -> Mapped:
    """An item with one destination."""
    return mapped(item(), [HOURLY])


def verbs(plan: Plan, *verdicts: Verdict) -> list[str]:
    return [each.action.verb for each in plan.steps if not verdicts or each.verdict in verdicts]


def actions(plan: Plan, kind: type) -> list[Any]:
    return [each.action for each in plan.steps if isinstance(each.action, kind)]


def conflicts(plan: Plan) -> list[str]:
    return [each.conflict for each in plan.targets if each.conflict]


def test_a_cold_region_needs_everything_in_order(hourly: Mapped, world: Worlds) -> None:
    plan = world([hourly], sharing=Sharing((ONE,), ("g",), (TWO,))).plan()
    assert verbs(plan) == [
        "prepare",
        "create bucket",
        "upload",
        "import snapshot",
        "tag snapshot",
        "share snapshot",
        "register",
        "tag image",
        "share",
        "rhsm region",
        "rhsm image",
        "make public",
    ]
    assert plan.targets[0].steps == tuple(each.id for each in plan.steps)
    assert not plan.idle


def test_an_image_is_released_after_everything_else(hourly: Mapped, world: Worlds) -> None:
    plan = world([hourly], sharing=Sharing((ONE,), (), (TWO,))).plan()
    steps, public = plan.by_id(), plan.steps[-1]
    assert (public.action.verb, steps[public.needs[0]].action.verb) == ("make public", "register")
    assert {"share snapshot", "tag image", "share", "rhsm image"} <= {steps[each].action.verb for each in public.needs}


def test_nobody_to_share_with_is_no_step(hourly: Mapped, world: Worlds) -> None:
    assert not {"share", "share snapshot"} & set(verbs(world([hourly]).plan()))


def test_two_billing_types_are_made_of_one_snapshot(item: Items, mapped: Maps, world: Worlds) -> None:
    plan = world([mapped(item(), [HOURLY, ACCESS])]).plan()
    assert [verbs(plan).count(each) for each in ("prepare", "upload", "import snapshot", "tag snapshot", "register")] == [1, 1, 1, 1, 2]
    (tagging,) = actions(plan, TagSnapshot)
    assert ("billing_type" in tagging.tags, tagging.name.endswith("-Hourly2-GP3")) == (False, True)


def test_a_snapshot_per_type_is_imported_twice_and_uploaded_once(item: Items, mapped: Maps, world: Worlds) -> None:
    plan = world([mapped(item(), [HOURLY, ACCESS])], snapshot_per_type=True).plan()
    assert [each.variant for each in actions(plan, ImportSnapshot)] == ["hourly", "access"]
    assert [each.tags["billing_type"] for each in actions(plan, TagSnapshot)] == ["hourly", "access"]
    assert verbs(plan).count("upload") == 1


def test_a_snapshot_is_shared_with_the_accounts_of_all_that_it_serves(item: Items, mapped: Maps, world: Worlds) -> None:
    made = world([mapped(item(), [HOURLY, ACCESS])])
    first, second = made.targets
    made.sharing = {first.label: Sharing(snapshot_accounts=(ONE,)), second.label: Sharing(snapshot_accounts=(TWO, ONE))}
    assert [each.accounts for each in actions(made.plan(), ShareSnapshot)] == [(ONE, TWO)]


def test_a_file_is_prepared_once_for_all_regions(item: Items, mapped: Maps, world: Worlds) -> None:
    plan = world([mapped(item(), [HOURLY, "us-east-2-hourly", "us-west-1-hourly"])]).plan()
    assert [verbs(plan).count(each) for each in ("prepare", "upload", "import snapshot")] == [1, 3, 3]


def test_two_files_of_equal_content_are_one_content(item: Items, mapped: Maps, world: Worlds) -> None:
    respin = item(src="/stage/rhel-2.raw.xz", release=replace(item().release, respin=2))
    plan = world([mapped(item(), [HOURLY]), mapped(respin, [HOURLY], 1)]).plan()
    assert [verbs(plan).count(each) for each in ("prepare", "upload", "import snapshot", "register")] == [1, 1, 1, 2]


def test_two_contents_of_one_file_name_do_not_share_a_key(item: Items, mapped: Maps, world: Worlds) -> None:
    other = item(src="/other/rhel-9.4.raw.xz", release=replace(item().release, respin=2), build=BuildInfo("rhel-ec2", "9.4", "2"))
    made = world([mapped(item(), [HOURLY]), mapped(other, [HOURLY], 1)], {other.src: b"other"})
    keys = [each.key for each in actions(made.plan(), UploadObject)]
    assert keys == ["rhel-9.4.raw", f"{Digest.of(b'other').short}/rhel-9.4.raw"]


def test_an_image_that_is_there_needs_nothing_before_it(hourly: Mapped, world: Worlds) -> None:
    made = world([hourly])
    made.carry_out(made.plan())
    plan = made.plan()
    assert (plan.idle, verbs(plan)) == (True, ["register", "rhsm region", "rhsm image", "make public"])
    register = plan.steps[0]
    assert (register.verdict, register.needs) == (Verdict.REUSE, ())
    assert set(register.known) == {ExternalId.IMAGE, ExternalId.SNAPSHOT}


def test_a_reused_snapshot_is_shared_too_though_upstream_forgets_it(hourly: Mapped, world: Worlds) -> None:
    made = world([hourly], sharing=Sharing(snapshot_accounts=(ONE,)))
    made.carry_out(made.plan())
    assert verbs(made.plan(), Verdict.ENSURE)[0] == "share snapshot"


def test_a_new_type_beside_an_old_image_is_registered_from_its_snapshot(item: Items, mapped: Maps, world: Worlds) -> None:
    old, both = world([mapped(item(), [HOURLY])]), world([mapped(item(), [HOURLY, ACCESS])])
    old.carry_out(old.plan())
    both.regions = old.regions
    assert verbs(both.plan(), Verdict.CREATE) == ["register"]


def test_a_snapshot_without_tags_is_known_by_the_image_that_is_made_of_it(item: Items, mapped: Maps, world: Worlds) -> None:
    old, both = world([mapped(item(), [HOURLY])]), world([mapped(item(), [HOURLY, ACCESS])])
    old.carry_out(old.plan())
    old.regions[HERE].imports.clear()
    (snapshot,) = old.regions[HERE].snapshots.values()
    old.regions[HERE].snapshots[snapshot.id] = replace(snapshot, tags={})
    both.regions = old.regions
    assert verbs(both.plan(), Verdict.CREATE) == ["register"]


def test_an_import_that_ended_while_nobody_looked_is_found_by_its_description(hourly: Mapped, world: Worlds) -> None:
    made = world([hourly])
    plan = made.plan()
    made.carry_out(plan, verbs(plan).index("import snapshot") + 1)
    again = made.plan()
    (step,) = (each for each in again.steps if isinstance(each.action, ImportSnapshot))
    assert (step.verdict, set(step.known)) == (Verdict.REUSE, {ExternalId.IMPORT_TASK, ExternalId.SNAPSHOT})
    assert "upload" not in verbs(again)


def test_the_peers_snapshots_stay_with_the_images_that_are_made_of_them(item: Items, mapped: Maps, world: Worlds) -> None:
    peer = world([mapped(item(), [HOURLY, ACCESS])], snapshot_per_type=True)
    peer.carry_out(peer.plan())
    ours = world([mapped(item(), [HOURLY, ACCESS])], sharing=Sharing(snapshot_accounts=(ONE,)))
    ours.regions = peer.regions
    plan = ours.plan()
    reused = [each.known[ExternalId.SNAPSHOT] for each in plan.steps if isinstance(each.action, ImportSnapshot)]
    assert (plan.idle, len(set(reused)), len(actions(plan, ShareSnapshot))) == (True, 2, 2)


def test_an_image_is_tagged_again_where_a_tag_is_missing_or_different(hourly: Mapped, world: Worlds) -> None:
    made = world([hourly])
    made.carry_out(made.plan())
    (image,) = made.regions[HERE].images.values()
    tags = {key: value for key, value in image.tags.items() if key != "billing_type"}
    made.regions[HERE].images[image.id] = replace(image, tags=tags)
    plan = made.plan()
    assert [each.reason for each in plan.steps if isinstance(each.action, TagImage)] == ["billing_type missing or different"]


def test_a_snapshot_that_nobody_tagged_gets_its_tags(hourly: Mapped, world: Worlds) -> None:
    made = world([hourly])
    made.carry_out(made.plan())
    (snapshot,) = made.regions[HERE].snapshots.values()
    made.regions[HERE].snapshots[snapshot.id] = replace(snapshot, tags={})
    (tagging,) = actions(made.plan(), TagSnapshot)
    assert (content_of(tagging.tags), tagging.tags["billing_type"]) == (CONTENT, "hourly")


def test_a_snapshot_that_was_born_with_its_content_alone_gets_the_rest(hourly: Mapped, world: Worlds) -> None:
    made = world([hourly], ebs_direct=True)
    born = {"penstock:sha256": CONTENT.hex, "Name": "OLD"}
    made.regions[HERE].snapshots["snap-0"] = FoundSnapshot(id="snap-0", state="completed", size_gib=1, tags=born)
    (tagging,) = actions(made.plan(), TagSnapshot)
    assert (tagging.tags["nvra"], tagging.tags["billing_type"], "Name" in tagging.tags) == ("rhel-ec2-9.4-1.x86_64", "hourly", False)


def test_a_type_is_not_added_to_a_snapshot_that_was_shared_by_two(item: Items, mapped: Maps, world: Worlds) -> None:
    both, hourly_alone = world([mapped(item(), [HOURLY, ACCESS])]), world([mapped(item(), [HOURLY])])
    both.carry_out(both.plan())
    hourly_alone.regions = both.regions
    assert actions(hourly_alone.plan(), TagSnapshot) == []


def test_the_name_and_build_of_a_reused_snapshot_stay(item: Items, mapped: Maps, world: Worlds) -> None:
    made = world([mapped(item(), [{"destination": HOURLY, "tags": {"team": "x"}}])])
    made.regions[HERE].snapshots["snap-0"] = FoundSnapshot(
        id="snap-0", state="completed", size_gib=1, tags={"penstock:sha256": CONTENT.hex, "Name": "OLD", "nvra": "old"}
    )
    assert [set(each.tags) for each in actions(made.plan(), TagSnapshot)] == [{"team", "penstock:sha256"}]


def test_beta_after_ga_is_a_conflict_of_that_target_alone(item: Items, mapped: Maps, world: Worlds) -> None:
    released = world([mapped(item(), [HOURLY])])
    released.carry_out(released.plan())
    beta = {"destination": HOURLY, "meta": {"release": {"type": "beta"}}}
    made = world([mapped(item(), [beta, "us-east-2-hourly"])])
    made.regions[HERE] = released.regions[HERE]
    plan = made.plan()
    assert ["under the name" in each for each in conflicts(plan)] == [True]
    assert (plan.targets[0].steps, len(plan.targets[1].steps) > 3) == ((), True)


def test_two_names_of_one_build_are_no_conflict_where_both_are_wanted(item: Items, mapped: Maps, world: Worlds) -> None:
    made = world([mapped(item(), [HOURLY, {"destination": HOURLY, "ami_version_template": "{major}"}])])
    plan = made.plan()
    second_register = [each.action.verb for each in plan.steps].index("register", verbs(plan).index("register") + 1)
    made.carry_out(plan, second_register)
    assert conflicts(made.plan()) == []


def test_a_region_that_cannot_be_read_fails_alone(item: Items, mapped: Maps, world: Worlds) -> None:
    made = world([mapped(item(), [HOURLY, "us-east-2-hourly"])])
    observed = Observed({HERE: ObservedRegion(error="UnauthorizedOperation")})
    plan = plan_community(made.targets, made.contents, made.sharing, observed, PlanRules())
    assert (conflicts(plan), [bool(each.steps) for each in plan.targets]) == (["UnauthorizedOperation"], [False, True])


@pytest.mark.parametrize(("noted", "verdict"), [("up-1", Verdict.RESUME), ("up-2", Verdict.CREATE), (None, Verdict.CREATE)])
def test_an_upload_goes_on_where_the_journal_and_the_cloud_agree(
    hourly: Mapped, world: Worlds, noted: str | None, verdict: Verdict
) -> None:
    made = world([hourly])
    (upload,) = actions(made.plan(), UploadObject)
    ids = {ExternalId.UPLOAD: noted} if noted else {}
    event = JournalEvent(kind=EventKind.STEP_NOTED, at_s=1.0, run="r", step=step_id(upload), ids=ids)
    open_upload = OpenUpload(id="up-1", key=upload.key, parts=(UploadedPart(1, "e", 5),))
    region = ObservedRegion(buckets={BUCKET: BucketState.OURS}, uploads={(BUCKET, upload.key): open_upload})
    plan = plan_community(made.targets, made.contents, made.sharing, Observed({HERE: region}, journal=(event,)), PlanRules())
    step = plan.by_id()[step_id(upload)]
    assert (step.verdict, step.known.get(ExternalId.UPLOAD)) == (verdict, "up-1" if verdict is Verdict.RESUME else None)


def test_an_object_that_is_there_needs_no_file_and_no_bucket(hourly: Mapped, world: Worlds) -> None:
    made = world([hourly])
    made.regions[HERE].objects[BUCKET, "rhel-9.4.raw"] = FoundObject(
        key="rhel-9.4.raw", size_bytes=6, tags={"penstock:sha256": CONTENT.hex}
    )
    plan = made.plan()
    assert not {"prepare", "create bucket"} & set(verbs(plan))
    assert verbs(plan, Verdict.REUSE) == ["upload"]


def test_a_bucket_of_another_account_is_a_conflict(hourly: Mapped, world: Worlds) -> None:
    made = world([hourly])
    made.regions[HERE].buckets[BUCKET] = BucketState.FOREIGN
    assert conflicts(made.plan()) == [f"the bucket {BUCKET} is another account's"]


def test_block_by_block_needs_no_bucket_and_no_object(item: Items, mapped: Maps, world: Worlds) -> None:
    plan = world([mapped(item(), [HOURLY, ACCESS])], ebs_direct=True).plan()
    assert [verbs(plan).count(each) for each in ("create bucket", "upload", "import snapshot", "write snapshot")] == [0, 0, 0, 1]
    (write,) = actions(plan, WriteSnapshot)
    assert (write.size_gib, write.content) == (1, CONTENT)


@pytest.mark.parametrize(("ebs_direct", "verdict"), [(True, Verdict.RESUME), (False, Verdict.CREATE)])
def test_a_snapshot_that_was_begun_block_by_block_is_gone_on_with_in_that_way_only(
    hourly: Mapped, world: Worlds, ebs_direct: bool, verdict: Verdict
) -> None:
    made = world([hourly], ebs_direct=ebs_direct)
    pending = FoundSnapshot(id="snap-0", state="pending", size_gib=1, tags={"penstock:sha256": CONTENT.hex})
    made.regions[HERE].snapshots["snap-0"] = pending
    assert [each.verdict for each in made.plan().steps if each.action.phase is Phase.IMPORT][:1] == [verdict]


def test_copies_are_made_of_one_import_in_each_partition(item: Items, mapped: Maps, world: Worlds) -> None:
    regions = ["eu-west-1-hourly", HOURLY, "cn-north-1-hourly", "us-east-1-access"]
    plan = world([mapped(item(), regions)], replicate_copy=True).plan()
    assert [each.place.region for each in actions(plan, ImportSnapshot)] == ["eu-west-1", "cn-north-1"]
    assert [(each.source_region, each.place.region) for each in actions(plan, CopySnapshot)] == [("eu-west-1", "us-east-1")]


def test_a_copy_is_made_of_a_snapshot_that_is_there(item: Items, mapped: Maps, world: Worlds) -> None:
    first = world([mapped(item(), [HOURLY])])
    first.carry_out(first.plan())
    made = world([mapped(item(), ["eu-west-1-hourly", HOURLY])], replicate_copy=True)
    made.regions = first.regions
    plan = made.plan()
    assert [(each.source_region, each.place.region) for each in actions(plan, CopySnapshot)] == [("us-east-1", "eu-west-1")]
    assert "import snapshot" not in verbs(plan, Verdict.CREATE)


@pytest.mark.parametrize(
    ("phase", "gone"),
    [(Phase.SHARE, {"share", "share snapshot"}), (Phase.RHSM, {"rhsm region", "rhsm image"}), (Phase.PUBLIC, {"make public"})],
)
def test_what_is_skipped_at_the_end_is_left_out(hourly: Mapped, world: Worlds, phase: Phase, gone: set[str]) -> None:
    made = world([hourly], sharing=Sharing((ONE,), (), (TWO,)))
    plan = made.plan(skip=frozenset({phase}))
    assert (set(verbs(made.plan())) - set(verbs(plan)), conflicts(plan)) == (gone, [])


@pytest.mark.parametrize("phase", [Phase.PREPARE, Phase.UPLOAD, Phase.IMPORT, Phase.REGISTER])
def test_what_is_skipped_and_needed_is_a_conflict(hourly: Mapped, world: Worlds, phase: Phase) -> None:
    plan = world([hourly]).plan(skip=frozenset({phase}))
    assert [each.startswith(f"{phase.value} is skipped, and it is needed: ") for each in conflicts(plan)] == [True]
    assert plan.steps == ()


@pytest.mark.parametrize("phase", [Phase.PREPARE, Phase.UPLOAD, Phase.IMPORT, Phase.REGISTER])
def test_what_is_skipped_and_there_is_no_conflict(hourly: Mapped, world: Worlds, phase: Phase) -> None:
    made = world([hourly])
    made.carry_out(made.plan())
    assert conflicts(made.plan(skip=frozenset({phase}))) == []


def test_a_raw_file_can_do_without_preparing(item: Items, mapped: Maps, world: Worlds) -> None:
    plan = world([mapped(item(src="/stage/rhel.raw"), [HOURLY])]).plan(skip=frozenset({Phase.PREPARE}))
    assert (conflicts(plan), "prepare" in verbs(plan), "upload" in verbs(plan)) == ([], False, True)


def test_an_access_image_is_never_made_public(item: Items, mapped: Maps, world: Worlds) -> None:
    assert "make public" not in verbs(world([mapped(item(), [ACCESS])]).plan())


def test_groups_are_shared_with_as_accounts_are(hourly: Mapped, world: Worlds) -> None:
    (share,) = actions(world([hourly], sharing=Sharing(groups=("g",))).plan(), ShareImage)
    assert (share.accounts, share.groups) == ((), ("g",))
