import json
from collections.abc import Callable

import pytest

from penstock.model.catalogue import Cloud
from penstock.model.digest import Digest
from penstock.model.errors import TransientError
from penstock.model.push.aws import ImageRegistration, Place
from penstock.model.push.items import PushItem
from penstock.model.push.journal import ExternalId
from penstock.model.push.rhsm import RhsmProduct
from penstock.model.push.states import ItemState
from penstock.model.starmap import BillingType
from penstock.publish.actions import Action
from penstock.publish.aws.actions import MakePublic, RegisterImage, RhsmRegion
from penstock.publish.aws.sharing import SharingWish
from penstock.publish.aws.tags import ImageTags
from penstock.publish.community.destination import CommunityDestination
from penstock.publish.community.ending import result_of
from penstock.publish.community.target import CommunityTarget
from penstock.publish.ending import result_detail, stopped_result
from penstock.publish.execution import Failure, TargetEnd
from penstock.publish.plan import PlanBuilder, PlannedTarget, Verdict

HERE = Place("aws-us-storage", "us-east-1")
CONTENT = Digest.of(b"a disk")
REGISTRATION = ImageRegistration(
    name="THE-IMAGE", description="", arch="x86_64", virtualization="hvm", root_device="/dev/sda1", volume="gp3"
)
REGISTER = RegisterImage(HERE, CONTENT, REGISTRATION, {})
PUBLIC = MakePublic(HERE, "THE-IMAGE")
REGION = RhsmRegion("AWS", "us-east-1")


@pytest.fixture
def target(an_item: Callable[..., PushItem]) -> CommunityTarget:
    """An hourly image that shall be public."""
    return CommunityTarget(
        label="t",
        order=(0, 0),
        item=an_item(dest=("us-east-1-hourly",)),
        source=an_item(),
        account="aws-us-storage",
        destination=CommunityDestination("us-east-1", BillingType.HOURLY),
        provider="AWS",
        registration=REGISTRATION,
        sharing=SharingWish(),
        tags=ImageTags({}, {}, BillingType.HOURLY),
        bucket="b",
        object_key="k",
        public=True,
        rhsm_product=RhsmProduct("RHEL_HOURLY", "AWS"),
    )


def ended(target: CommunityTarget, failed: Action | None = None) -> tuple[ItemState, str, list[tuple[str, bool]], str]:
    """State, file name, images (with whether they are public) and reason where the steps before ``failed`` went well."""
    builder = PlanBuilder()
    register = builder.add(REGISTER, Verdict.CREATE, "new")
    region = builder.add(REGION, Verdict.ENSURE, "")
    builder.target("t", [builder.add(PUBLIC, Verdict.ENSURE, "", needs=[register, region])])
    plan = builder.plan()
    made = {ExternalId.IMAGE: "ami-1", ExternalId.SNAPSHOT: "snap-1"}
    outcomes, failure = {}, None
    for step in plan.steps:
        if step.action == failed:
            failure = Failure(step, TransientError("cut"))
            break
        outcomes[step.id] = made if step.action == REGISTER else {}
    result = result_of(target, TargetEnd(plan.targets[0], outcomes, failure), plan.by_id(), CONTENT, {"aws-us-storage": "42"})
    return result.state, result.filename, [(each.key, each.facts["public"] is True) for each in result.receipts], result.reason


def test_a_destination_whose_steps_went_well_is_pushed_under_the_images_name(target: CommunityTarget) -> None:
    assert ended(target) == (ItemState.PUSHED, "THE-IMAGE", [("ami-1", True)], "")


def test_a_failure_before_the_image_stands_keeps_the_files_name(target: CommunityTarget) -> None:
    assert ended(target, REGISTER) == (ItemState.UPLOADFAILED, "rhel-9.4.raw.xz", [], "register: cut")


@pytest.mark.parametrize("failed", [REGION, PUBLIC])
def test_an_image_that_was_not_released_has_a_receipt_and_is_not_public(target: CommunityTarget, failed: Action) -> None:
    assert ended(target, failed) == (ItemState.NOTPUSHED, "THE-IMAGE", [("ami-1", False)], f"{failed.verb}: cut")


def test_a_conflict_is_a_failed_upload(target: CommunityTarget) -> None:
    end = TargetEnd(PlannedTarget("t", conflict="ami-9 has this name"), {})
    result = result_of(target, end, {}, CONTENT, {})
    assert (result.state, result.reason, result.receipts) == (ItemState.UPLOADFAILED, "ami-9 has this name", ())


def test_a_target_that_others_stopped_is_pending(target: CommunityTarget) -> None:
    assert stopped_result(target, None, Cloud.AWS).state is ItemState.PENDING


def test_the_journal_keeps_of_a_result_what_status_shows(target: CommunityTarget) -> None:
    detail = json.loads(result_detail(stopped_result(target, None, Cloud.AWS)))
    assert (detail["destination"], detail["state"], detail["images"]) == (["us-east-1-hourly"], "PENDING", [])
