"""Pushes while AWS throttles, answers with errors, or refuses in one region for good."""

import json
from typing import TYPE_CHECKING

import pytest

from penstock.simulators.cloud.faults import Fault

if TYPE_CHECKING:
    from tests.integration.publish.conftest import Stage

pytestmark = pytest.mark.integration

HOURLY, ACCESS, WEST = "us-east-1-hourly", "us-east-1-access", "us-west-2-hourly"


def retried(said: str) -> list[str]:
    """The verbs of the steps of which a retry was told."""
    events = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return [event["action"] for event in events if event.get("event") == "step-retried"]


@pytest.mark.parametrize(
    ("fault", "verb"),
    [
        ("status=503,times=2@Action=RegisterImage", "register"),
        ("status=503,times=2@Action=ImportSnapshot", "import snapshot"),
        ("status=503,times=2@partNumber=1", "upload"),
        ("cut=100,times=1@Action=ModifyImageAttribute", "share"),
        ("status=503,times=2@/amis", "rhsm image"),
    ],
)
def test_what_fails_now_and_then_is_tried_again_and_told(fault: str, verb: str, stage: "Stage") -> None:
    stage.map(HOURLY)
    faults = stage.rhsm.faults if "/amis" in fault else stage.aws.faults
    faults.add(Fault.parse(fault))
    done = stage.push("--progress", "json")
    assert (done.code, [each["state"] for each in done.json["results"]]) == (0, ["PUSHED"])
    assert verb in retried(done.err)
    assert "Traceback" not in done.err


def test_a_region_that_always_fails_takes_nothing_else_down_and_needs_no_new_upload_after_it_healed(stage: "Stage") -> None:
    stage.map(HOURLY, ACCESS, WEST)
    stage.aws.faults.add(Fault.parse("status=400@Action=RegisterImage.*region=us-west-2"))
    done = stage.push()
    assert done.code == 5
    states = {each["destination"][0]: each["state"] for each in done.json["results"]}
    assert states == {HOURLY: "PUSHED", ACCESS: "PUSHED", WEST: "UPLOADFAILED"}
    stage.aws.faults.clear()
    stage.aws.requests.clear()
    again = stage.push()
    assert (again.code, {each["state"] for each in again.json["results"]}) == (0, {"PUSHED"})
    assert stage.changes().count("RegisterImage") == 1
    assert "ImportSnapshot" not in stage.changes()
    assert not [each for each in stage.aws.requests if each.api == "s3.put"], "nothing is uploaded again"
