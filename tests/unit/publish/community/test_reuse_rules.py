from collections.abc import Mapping
from dataclasses import replace

import pytest

from penstock.model.digest import Digest
from penstock.model.push.aws import CONTENT_TAG, FoundImage, FoundObject, FoundSnapshot, ImageRegistration, ImportStatus, ImportTask
from penstock.model.push.journal import ExternalId
from penstock.publish.aws.reuse import (
    Conflict,
    Judged,
    WantedImage,
    WantedSnapshot,
    judge_image,
    judge_object,
    judge_snapshot,
    own_key,
)
from penstock.publish.plan import Verdict

CONTENT, OTHER = Digest.of(b"a disk"), Digest.of(b"another disk")
BUILD = {"nvra": "rhel-9.4-1.x86_64", "name": "rhel", "version": "9.4", "release": "1", "arch": "x86_64", "buildid": "None"}
SEARCH = {**BUILD, "billing_type": "hourly"}
TAGGED = {**SEARCH, CONTENT_TAG: CONTENT.hex}
NAME = "RHEL-9.4_HVM_GA-20260511-x86_64-1-Hourly2-GP3"
REGISTRATION = ImageRegistration(
    name=NAME, description="", arch="x86_64", virtualization="hvm", root_device="/dev/sda1", volume="gp3", boot_mode="uefi-preferred"
)
WANTED = WantedImage(REGISTRATION, CONTENT, SEARCH)
IMAGE = FoundImage(id="ami-1", name=NAME, state="available", arch="x86_64", boot_mode="uefi-preferred", snapshots=("snap-1",))
SNAPSHOT = WantedSnapshot(CONTENT, 1, BUILD, (NAME,))


def an_image(tags: Mapping[str, str], **fields: str) -> FoundImage:
    return replace(IMAGE, tags=tags, **fields)  # type: ignore[arg-type]


def a_snapshot(tags: Mapping[str, str], state: str = "completed", *, size_gib: int = 1) -> FoundSnapshot:
    return FoundSnapshot(id="snap-1", state=state, size_gib=size_gib, tags=tags)


def verdict(judged: Judged | Conflict) -> Verdict | None:
    return judged.verdict if isinstance(judged, Judged) else None


def test_nothing_there_is_made() -> None:
    assert verdict(judge_image(WANTED, [], [], {})) is Verdict.CREATE


def test_name_and_content_agree() -> None:
    judged = judge_image(WANTED, [an_image(TAGGED)], [], {})
    assert judged == Judged(Verdict.REUSE, "same name and content", {ExternalId.IMAGE: "ami-1", ExternalId.SNAPSHOT: "snap-1"})


def test_an_image_that_has_no_tags_yet_is_known_by_its_snapshot() -> None:
    assert verdict(judge_image(WANTED, [an_image({})], [], {"snap-1": a_snapshot(TAGGED)})) is Verdict.REUSE


def test_an_image_of_the_peer_is_known_by_its_build_and_billing_type() -> None:
    judged = judge_image(WANTED, [an_image(SEARCH)], [], {})
    assert isinstance(judged, Judged)
    assert (judged.verdict, "no tag of its content" in judged.reason) == (Verdict.REUSE, True)


@pytest.mark.parametrize("changed", sorted(SEARCH))
def test_every_tag_of_the_peer_must_agree(changed: str) -> None:
    assert isinstance(judge_image(WANTED, [an_image({**SEARCH, changed: "x"})], [], {}), Conflict)


@pytest.mark.parametrize(
    ("image", "word"),
    [
        (an_image({**SEARCH, CONTENT_TAG: OTHER.hex}), "other content"),
        (an_image(TAGGED, arch="arm64"), "is of arm64"),
        (an_image(TAGGED, boot_mode="uefi"), "boots uefi"),
        (an_image(TAGGED, state="failed"), "is failed"),
        (an_image({}), "nothing tells"),
    ],
)
def test_a_name_that_something_else_has_is_a_conflict(image: FoundImage, word: str) -> None:
    judged = judge_image(WANTED, [image], [], {})
    assert isinstance(judged, Conflict)
    assert word in judged.reason


@pytest.mark.parametrize("tags", [TAGGED, SEARCH])
def test_beta_after_ga_is_a_conflict_and_no_silent_reuse(tags: Mapping[str, str]) -> None:
    beta = replace(WANTED, registration=replace(REGISTRATION, name=NAME.replace("GA", "BETA")))
    judged = judge_image(beta, [], [an_image(tags)], {})
    assert isinstance(judged, Conflict)
    assert NAME in judged.reason


def test_the_same_build_tags_on_other_content_are_another_image() -> None:
    other = an_image({**SEARCH, CONTENT_TAG: OTHER.hex}, name="SOMETHING-ELSE")
    assert verdict(judge_image(WANTED, [], [other], {})) is Verdict.CREATE


def test_a_snapshot_of_the_content_is_reused_whatever_its_name() -> None:
    judged = judge_snapshot(SNAPSHOT, [a_snapshot({CONTENT_TAG: CONTENT.hex, "Name": "x"})], [])
    assert (judged.verdict, judged.known) == (Verdict.REUSE, {ExternalId.SNAPSHOT: "snap-1"})


def test_a_snapshot_that_is_not_complete_is_waited_for() -> None:
    assert judge_snapshot(SNAPSHOT, [a_snapshot({CONTENT_TAG: CONTENT.hex}, "pending")], []).verdict is Verdict.RESUME


def test_a_running_import_is_attached_to() -> None:
    judged = judge_snapshot(SNAPSHOT, [], [ImportTask(id="import-snap-1", status=ImportStatus.ACTIVE, progress_percent=40)])
    assert judged == Judged(Verdict.RESUME, "import-snap-1 is at 40 %", {ExternalId.IMPORT_TASK: "import-snap-1"})


def test_an_import_that_ended_before_anybody_tagged_its_snapshot_counts() -> None:
    task = ImportTask(id="import-snap-1", status=ImportStatus.COMPLETED, snapshot="snap-1")
    assert judge_snapshot(SNAPSHOT, [a_snapshot({})], [task]).known[ExternalId.SNAPSHOT] == "snap-1"


def test_an_import_whose_snapshot_was_deleted_is_made_again() -> None:
    task = ImportTask(id="import-snap-1", status=ImportStatus.COMPLETED, snapshot="snap-1")
    assert judge_snapshot(SNAPSHOT, [], [task]).verdict is Verdict.CREATE


@pytest.mark.parametrize(
    ("tags", "size_gib", "expected"),
    [
        ({**BUILD, "Name": NAME}, 1, Verdict.REUSE),
        ({**BUILD, "Name": NAME}, 2, Verdict.CREATE),
        ({**BUILD, "Name": "other"}, 1, Verdict.CREATE),
        ({"Name": NAME}, 1, Verdict.CREATE),
        ({**BUILD, "Name": NAME, CONTENT_TAG: OTHER.hex}, 1, Verdict.CREATE),
    ],
)
def test_a_snapshot_of_the_peer_must_agree_in_name_build_and_size(tags: Mapping[str, str], size_gib: int, expected: Verdict) -> None:
    assert judge_snapshot(SNAPSHOT, [a_snapshot(tags, size_gib=size_gib)], []).verdict is expected


def test_a_snapshot_of_another_type_is_none_where_each_type_has_its_own() -> None:
    access = a_snapshot({CONTENT_TAG: CONTENT.hex, "billing_type": "access"})
    assert judge_snapshot(replace(SNAPSHOT, type="hourly"), [access], []).verdict is Verdict.CREATE


def judged_object(*found: FoundObject) -> tuple[str, Verdict]:
    key, judged = judge_object("a.raw", CONTENT, 6, BUILD, {each.key: each for each in found})
    return key, judged.verdict


@pytest.mark.parametrize(
    ("tags", "size_bytes", "reused"),
    [
        ({CONTENT_TAG: CONTENT.hex}, 6, True),
        ({CONTENT_TAG: CONTENT.hex}, 5, False),
        (BUILD, 6, True),
        (BUILD, 7, False),
        ({}, 6, False),
        ({**BUILD, CONTENT_TAG: OTHER.hex}, 6, False),
    ],
)
def test_an_object_is_reused_where_it_holds_the_content(tags: Mapping[str, str], size_bytes: int, reused: bool) -> None:
    expected = ("a.raw", Verdict.REUSE) if reused else (own_key("a.raw", CONTENT), Verdict.CREATE)
    assert judged_object(FoundObject(key="a.raw", size_bytes=size_bytes, tags=tags)) == expected


def test_an_object_in_its_own_folder_is_found_again() -> None:
    taken = FoundObject(key="a.raw", size_bytes=9)
    own = FoundObject(key=own_key("a.raw", CONTENT), size_bytes=6, tags={CONTENT_TAG: CONTENT.hex})
    assert judged_object(taken, own) == (own.key, Verdict.REUSE)


def test_an_object_that_is_not_there_gets_upstreams_key() -> None:
    assert judged_object() == ("a.raw", Verdict.CREATE)
