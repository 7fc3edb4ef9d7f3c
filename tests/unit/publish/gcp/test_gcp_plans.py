import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.digest import Digest
from penstock.model.errors import OperationError
from penstock.model.push.content import ImageContent
from penstock.model.push.gcp import (
    CONTENT_LABEL,
    EVERYBODY,
    DeprecationState,
    FoundGceImage,
    FoundGcsObject,
    content_of_label,
    label_of,
)
from penstock.model.push.items import BuildInfo, GceAttributes, PushItem, ReleaseInfo
from penstock.model.push.states import ItemState
from penstock.publish.actions import Phase
from penstock.publish.gcp.destination import GcpDestination
from penstock.publish.gcp.observing import ObservedGcp, archive_keys
from penstock.publish.gcp.planning import GcpRules, insertion_of, plan_gcp, previous_images
from penstock.publish.gcp.push import GcpAsk
from penstock.publish.gcp.target import GcpTarget
from penstock.publish.plan import Plan, Verdict

if TYPE_CHECKING:
    from tests.unit.publish.gcp.conftest import GcpPushes

NAME = "rhel-gce-9-4-1-x86-64"
ACCOUNT = "gcp-us-storage"
DAY = datetime(2026, 5, 11, tzinfo=UTC)


def content(text: str, *, compressed: bool = False) -> ImageContent:
    digest = Digest.of(text.encode())
    src = f"/stage/{text}.raw" + (".xz" if compressed else "")
    return ImageContent(src=src, file_sha256=digest, file_size_bytes=1, digest=digest, size_bytes=1, compressed=compressed, data_bytes=1)


def target(number: int, text: str, *, src: str = "", **fields: object) -> GcpTarget:
    src = src or f"/stage/{text}.raw"
    item = PushItem(
        name=f"{text}.raw",
        src=src,
        build=BuildInfo("rhel", "9.4", "1"),
        release=ReleaseInfo("rhel", DAY.date(), "x86_64"),
        attributes=GceAttributes(),
    )
    known: dict[str, Any] = {
        "label": f"gcp {number}",
        "order": (number, 0),
        "item": item,
        "source": item,
        "account": ACCOUNT,
        "destination": GcpDestination("rhel-images", "rhel-9"),
        "image_name": f"image-{number}",
        "architecture": "X86_64",
        "description": "RHEL",
        "licenses": ("https://compute.googleapis.com/compute/v1/projects/vm-options/global/licenses/enable-vmx",),
        "guest_os_features": ("GVNIC",),
    }
    return GcpTarget(**{**known, **fields})


def standing(one: GcpTarget, disk: ImageContent, **fields: object) -> FoundGceImage:
    """The image that a push of ``one`` made."""
    made = insertion_of(one, disk.digest)
    found = FoundGceImage(
        name=one.image_name,
        number="7",
        status="READY",
        architecture=made.architecture,
        created=DAY,
        description=made.description,
        labels=made.labels,
        licenses=tuple(each.replace("compute.googleapis.com/compute/v1", "www.googleapis.com/compute/beta") for each in made.licenses),
        guest_os_features=(*made.guest_os_features, "VIRTIO_SCSI_MULTIQUEUE"),
    )
    return replace(found, **fields)  # type: ignore[arg-type]


def planned(targets: list[GcpTarget], disks: list[ImageContent], observed: ObservedGcp, rules: GcpRules | None = None) -> Plan:
    return plan_gcp(targets, {each.src: each for each in disks}, {ACCOUNT: "images"}, observed, rules or GcpRules())


def at(one: GcpTarget) -> tuple[str, str, str]:
    return (one.account, one.project, one.image_name)


@given(st.binary(min_size=32, max_size=32))
def test_a_label_holds_a_digest_whole_and_is_one_that_google_takes(raw: bytes) -> None:
    digest = Digest("sha256", raw.hex())
    assert content_of_label(label_of(digest)) == digest
    assert len(label_of(digest)) <= 63
    assert label_of(digest).isalnum()
    assert label_of(digest) == label_of(digest).lower()


@given(st.text(max_size=60))
def test_a_label_of_anybody_is_no_content_unless_it_is_one(text: str) -> None:
    found = content_of_label(text)
    assert found is None or label_of(found) == text


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[GcpTarget], list[ImageContent], ObservedGcp, GcpRules]:
    """Some targets of few disks, and what stands there of them."""
    disks = [content(name, compressed=draw(st.booleans())) for name in ("a", "b")]
    targets, images, users, objects = [], {}, {}, {}
    for number in range(draw(st.integers(1, 5))):
        disk = draw(st.sampled_from(disks))
        one = target(
            number,
            disk.src,
            src=disk.src,
            members=draw(st.sampled_from([(), ("group:qa@example.com",)])),
            public=draw(st.booleans()),
            deprecates=draw(st.sampled_from([None, DeprecationState.OBSOLETE])),
        )
        targets.append(one)
        stands = draw(st.sampled_from(["", "READY", "PENDING", "FAILED", "other"]))
        if stands:
            image = standing(one, disks[0] if stands == "other" else disk, family=draw(st.sampled_from(["", "rhel-9"])))
            images[at(one)] = image if stands == "other" else replace(image, status=stands)
            users[at(one)] = frozenset(draw(st.sets(st.sampled_from(["group:qa@example.com", EVERYBODY]))))
    for (account, digest), key in archive_keys(targets, {each.src: each for each in disks}).items():
        if draw(st.booleans()):
            objects[account, key] = FoundGcsObject(key=key, size_bytes=1, metadata={CONTENT_LABEL: digest.hex})
    older = [replace(standing(targets[0], disks[0]), name="older", family="rhel-9", created=datetime(2025, 1, 1, tzinfo=UTC))]
    families = {(ACCOUNT, "rhel-images", "rhel-9"): [*older, *(each for each in images.values() if each.family)]}
    skip = frozenset(draw(st.sets(st.sampled_from([Phase.SHARE, Phase.PUBLIC, Phase.PUBLISH, Phase.RESTRICT]))))
    observed = ObservedGcp(images=images, users=users, objects=objects, families=families)
    return targets, disks, observed, GcpRules(pre_push=draw(st.booleans()), skip=skip)


@given(situations(), st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_the_order_of_targets(one: tuple[Any, ...], chance: random.Random) -> None:
    targets, disks, observed, rules = one
    shuffled = list(targets)
    chance.shuffle(shuffled)
    assert planned(shuffled, disks, observed, rules) == planned(targets, disks, observed, rules)


@given(situations())
def test_every_content_is_sent_once_and_only_for_images_that_are_missing(one: tuple[Any, ...]) -> None:
    targets, disks, observed, rules = one
    plan = planned(targets, disks, observed, rules)
    uploads = [step for step in plan.steps if step.action.verb == "upload"]
    missing = {
        next(each.digest for each in disks if each.src == target.item.src) for target in targets if at(target) not in observed.images
    }
    assert len({step.action.content for step in uploads}) == len(uploads)  # type: ignore[attr-defined]
    assert {step.action.content for step in uploads} == missing  # type: ignore[attr-defined]


@given(situations())
def test_every_target_is_planned_or_in_conflict_and_nothing_follows_a_family_but_deprecation(one: tuple[Any, ...]) -> None:
    plan = planned(*one)
    steps = plan.by_id()
    assert [each.label for each in plan.targets] == [each.label for each in one[0]]
    for each in plan.targets:
        verbs = [steps[name].action.verb for name in each.steps]
        assert bool(each.conflict) != ("insert image" in verbs)
        if "set family" in verbs:
            assert set(verbs[verbs.index("set family") + 1 :]) <= {"deprecate previous"}


@given(situations())
def test_a_pre_push_releases_nothing(one: tuple[Any, ...]) -> None:
    targets, disks, observed, rules = one
    plan = planned(targets, disks, observed, replace(rules, pre_push=True))
    assert not [step for step in plan.steps if step.action.phase.releases]


@given(situations())
def test_what_stands_as_it_should_needs_no_call(one: tuple[Any, ...]) -> None:
    targets, disks, _, rules = one
    by_src = {each.src: each for each in disks}
    images = {at(each): standing(each, by_src[each.item.src], family="rhel-9") for each in targets}
    users = {at(each): frozenset({*each.members, EVERYBODY}) for each in targets}
    families = {(ACCOUNT, "rhel-images", "rhel-9"): list(images.values())}
    plan = planned(targets, disks, ObservedGcp(images=images, users=users, families=families), rules)
    assert not [each.conflict for each in plan.targets if each.conflict]
    assert not [step for step in plan.steps if step.is_work]


CONFLICTS: list[tuple[Mapping[str, Any], str]] = [
    ({"status": "FAILED"}, "is FAILED"),
    ({"description": "RHEL", "labels": {}}, "nothing tells what is in it"),
    ({"architecture": "ARM64"}, "is of ARM64"),
    ({"guest_os_features": ()}, "does not have GVNIC"),
    ({"licenses": ()}, "does not have the license projects/vm-options"),
]


@pytest.mark.parametrize(("fields", "reason"), CONFLICTS)
def test_what_cannot_be_mended_of_an_image_is_a_conflict(fields: Mapping[str, Any], reason: str) -> None:
    one, disk = target(0, "a"), content("a")
    (found,) = planned([one], [disk], ObservedGcp(images={at(one): standing(one, disk, **fields)})).targets
    assert reason in found.conflict
    assert found.steps == ()


def test_an_image_of_other_content_is_a_conflict_that_names_both() -> None:
    one, disk, other = target(0, "a"), content("a"), content("b")
    (found,) = planned([one], [disk], ObservedGcp(images={at(one): standing(one, other)})).targets
    assert f"sha256 {other.digest.short}, not {disk.digest.short}" in found.conflict


def test_a_label_that_somebody_changed_does_not_hide_what_the_description_says() -> None:
    one, disk = target(0, "a"), content("a")
    image = standing(one, disk, labels={CONTENT_LABEL: label_of(content("b").digest)})
    plan = planned([one], [disk], ObservedGcp(images={at(one): image}))
    assert plan.steps[0].verdict is Verdict.REUSE


def test_an_object_of_other_content_is_left_alone() -> None:
    one, disk = target(0, "a"), content("a")
    key = archive_keys([one], {disk.src: disk})[ACCOUNT, disk.digest]
    (found,) = planned([one], [disk], ObservedGcp(objects={(ACCOUNT, key): FoundGcsObject(key=key, size_bytes=1)})).targets
    assert "holds something else" in found.conflict


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["X86_64", "ARM64", ""]), st.sampled_from(list(DeprecationState))), max_size=8)
)
def test_only_older_images_in_use_of_the_same_architecture_are_put_out_of_use(rows: list[tuple[int, str, DeprecationState]]) -> None:
    mine = FoundGceImage(name="mine", number="0", status="READY", architecture="X86_64", created=DAY.replace(day=5))
    family = [
        replace(mine, name=f"other-{number}", created=DAY.replace(day=day + 1), architecture=arch, state=state)
        for number, (day, arch, state) in enumerate(rows)
    ]
    found = previous_images([mine, *family], mine, name="mine", architecture="X86_64")
    for each in family:
        wanted = each.created < mine.created and each.architecture != "ARM64" and each.state is DeprecationState.ACTIVE
        assert (each in found) is wanted
    assert mine not in found


def test_an_old_build_that_is_pushed_again_takes_nothing_from_a_newer_one(gcp_pushes: "GcpPushes") -> None:
    asyncio.run(gcp_pushes.run())
    newer = gcp_pushes.gcp.add("rhel-images", "rhel-gce-9-5", family="rhel-9")
    asyncio.run(gcp_pushes.run())
    assert gcp_pushes.gcp.images["rhel-images", newer.name].state is DeprecationState.ACTIVE


def test_an_insertion_that_fails_is_told_in_googles_words_and_begun_again_by_the_next_run(gcp_pushes: "GcpPushes") -> None:
    gcp_pushes.gcp.failing_inserts = 1
    (result,) = asyncio.run(gcp_pushes.run())
    assert (result.state, result.filename) == (ItemState.UPLOADFAILED, "rhel-gce-9.4.raw")
    assert "the quota is exceeded" in result.reason
    (result,) = asyncio.run(gcp_pushes.run())
    assert (result.state, result.filename, result.receipts[0].key) == (
        ItemState.PUSHED,
        NAME,
        f"projects/rhel-images/global/images/{NAME}",
    )


def test_one_project_that_cannot_be_read_stops_no_other(gcp_pushes: "GcpPushes", gce_image: Callable[..., PushItem]) -> None:
    gcp_pushes.gcp.refused["rhel-images"] = OperationError("403 Forbidden")
    (result,) = asyncio.run(gcp_pushes.run())
    assert result.state is ItemState.UPLOADFAILED
    assert "403 Forbidden" in result.reason


def test_credentials_of_another_project_stop_the_destination_before_anything_is_read(gcp_pushes: "GcpPushes") -> None:
    gcp_pushes.project = "another-project"
    (result,) = asyncio.run(gcp_pushes.run())
    assert "for project another-project" in result.reason
    assert not gcp_pushes.gcp.life.calls


def test_a_bucket_that_is_not_there_is_found_before_anything_is_sent(gcp_pushes: "GcpPushes") -> None:
    gcp_pushes.bucket = "nobodys"
    (result,) = asyncio.run(gcp_pushes.run())
    assert "there is no bucket nobodys" in result.reason
    assert not gcp_pushes.gcp.life.calls["upload"]


def test_an_archive_whose_disk_has_no_whole_gib_is_refused_before_it_is_sent(
    gcp_pushes: "GcpPushes", gce_image: Callable[..., PushItem]
) -> None:
    src = "/stage/image.tar.gz"
    gcp_pushes.items = (gce_image(src),)
    gcp_pushes.files.disks[src] = b"short"
    (result,) = asyncio.run(gcp_pushes.run())
    assert (result.state, "whole GiB" in result.reason) == (ItemState.INVALIDFILE, True)


def test_an_item_without_a_mapping_to_google_is_passed_over(gcp_pushes: "GcpPushes", gce_image: Callable[..., PushItem]) -> None:
    gcp_pushes.items = (gce_image(build=BuildInfo("fcos", "42", "1")),)
    prepared = asyncio.run(gcp_pushes.prepared())
    assert [each.item.build.name for each in prepared.passed_over] == ["fcos"]
    assert not prepared.unmapped


@pytest.mark.parametrize("phase", [Phase.UPLOAD, Phase.REGISTER])
def test_what_is_skipped_and_needed_is_a_conflict(phase: Phase, gcp_pushes: "GcpPushes") -> None:
    (result,) = asyncio.run(gcp_pushes.run(GcpAsk(plan=GcpRules(skip=frozenset({phase})))))
    assert f"{phase.value} is skipped, and it is needed" in result.reason
