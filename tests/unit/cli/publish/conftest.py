"""Plans and results, as the shells of publishing are shown them."""

from collections.abc import Callable
from datetime import date

import pytest

from penstock.model.digest import Digest
from penstock.model.push.aws import Place
from penstock.model.push.items import AmiAttributes, BuildInfo, PushItem, ReleaseInfo
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.aws.actions import CreateBucket, MakePublic, ShareImage, UploadObject
from penstock.publish.plan import Plan, PlanBuilder, Verdict


@pytest.fixture
def a_plan() -> Callable[..., Plan]:
    """A plan for so many regions: a bucket that is there, an object, sharing, and publication."""

    def build(regions: int = 1) -> Plan:
        builder = PlanBuilder()
        for number in range(regions):
            place = Place("aws-us-storage", f"region-{number}")
            bucket = builder.add(CreateBucket(place, "b"), Verdict.REUSE, "there")
            upload = builder.add(UploadObject(place, "b", "k", Digest.of(b"x"), 1, {}), Verdict.CREATE, "new", needs=[bucket])
            share = builder.add(ShareImage(place, "n", (), ()), Verdict.ENSURE, "always", needs=[upload])
            public = builder.add(MakePublic(place, "n"), Verdict.ENSURE, "always", needs=[share])
            builder.target(f"region-{number}-hourly", [public])
        return builder.plan()

    return build


@pytest.fixture
def a_result() -> Callable[..., PushResult]:
    """A result of a state; keywords replace its fields."""

    def build(state: ItemState = ItemState.PUSHED, **fields: object) -> PushResult:
        item = PushItem(
            name="rhel.raw",
            src="/stage/rhel.raw",
            build=BuildInfo("rhel-ec2", "9.4", "1"),
            release=ReleaseInfo("RHEL", date(2026, 5, 11), "x86_64", 1, "9.4"),
            attributes=AmiAttributes(),
            dest=("us-east-1-hourly",),
        )
        known = {"order": (0, 0), "item": item, "filename": "RHEL-9.4", "state": state, "cloud": "aws", "account": "aws-us-storage"}
        return PushResult(**{**known, **fields})  # type: ignore[arg-type]

    return build
