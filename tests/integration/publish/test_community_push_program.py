"""``penstock publish community-push`` and its upstream name, against simulators of AWS and RHSM."""

import json
from typing import TYPE_CHECKING

import pytest

from penstock.cli.publish.upstream import run_upstream
from penstock.cli.publish.upstream_parsers import COMMUNITY
from penstock.simulators.cloud import Fault
from penstock.simulators.starmap import StarmapThread

if TYPE_CHECKING:
    from tests.integration.publish.conftest import Stage

pytestmark = pytest.mark.integration
NAME = "RHEL-9.4_HVM_GA-20260511-x86_64-1"


def test_a_push_and_the_next_one(stage: "Stage") -> None:
    first = stage.push("--emit-stream", "stream.json", "--stream-name", "rhel-9.4")
    assert first.code == 0, first.err
    answer = first.json
    assert [(each["state"], each["destination"][0], each["name"]) for each in answer["results"]] == [
        ("PUSHED", "us-east-1-hourly", f"{NAME}-Hourly2-GP3"),
        ("PUSHED", "us-east-1-access", f"{NAME}-Access2-GP3"),
        ("PUSHED", "us-west-2-hourly", f"{NAME}-Hourly2-GP3"),
    ]
    images = {each["images"][0]["id"] for each in answer["results"]}
    assert images == stage.rhsm.images.keys()
    assert stage.changes().count("ImportSnapshot") == 2, "one for each region, whatever the billing types"
    assert sorted(line["dest"] for line in stage.lines()) == ["us-east-1-access", "us-east-1-hourly", "us-west-2-hourly"]
    stream = json.loads((stage.folder / "stream.json").read_text())
    assert stream["stream"] == "rhel-9.4"
    regions = stream["architectures"]["x86_64"]["images"]["aws"]["regions"]
    assert {region: each["image"] for region, each in regions.items()} == {
        "us-east-1": answer["results"][0]["images"][0]["id"],
        "us-west-2": answer["results"][2]["images"][0]["id"],
    }
    traced = stage.run("trace", "stream.json")
    assert "rhel.raw.xz" in traced.out

    stage.aws.requests.clear()
    second = stage.push()
    assert (second.code, second.json["results"]) == (0, answer["results"])
    assert set(stage.changes()) == {"ModifyImageAttribute"}, "what makes sure, and nothing that makes"

    shown = stage.run("publish", "status", first.json["run"][:-1], "-o", "json").json
    assert (shown["run"], shown["alive"]) == (answer["run"], False)
    assert {target["state"] for target in shown["targets"]} == {"PUSHED"}
    assert {target["phases"]["import"]["stage"] for target in shown["targets"]} == {"done"}
    newest = stage.run("publish", "status").out
    assert second.json["run"] in newest
    assert "reused" in newest
    listed = json.loads(stage.run("publish", "status", "--runs", "-o", "json").out)
    assert [each["run"] for each in listed] == [second.json["run"], first.json["run"]]


def test_a_rehearsal_asks_and_changes_nothing(stage: "Stage") -> None:
    done = stage.push("--dry-run")
    assert done.code == 0, done.err
    plan = done.json["plan"]
    assert {step["verdict"] for step in plan["steps"]} == {"create", "ensure"}
    assert [step["action"] for step in plan["steps"]].count("import snapshot") == 2
    assert stage.aws.requests
    assert stage.changes() == []
    assert {request.method for request in stage.rhsm.requests} == {"GET"}
    assert not (stage.folder / "artifacts").exists()
    assert stage.run("publish", "status").code == 1, "no journal either"


def test_a_rehearsal_for_people_is_a_tree(stage: "Stage") -> None:
    stage.map("us-east-1-hourly")
    done = stage.run("publish", "community-push", *stage.places, "--dry-run")
    head, *steps = done.out.splitlines()
    assert head.startswith("aws-us-storage us-east-1-hourly")
    assert any(line.startswith("  create register [aws-us-storage us-east-1]") for line in steps)


def test_before_the_release_nothing_is_shown_to_anybody(stage: "Stage") -> None:
    stage.map("us-east-1-hourly")
    done = stage.push("--pre-push")
    assert (done.code, done.json["results"][0]["state"]) == (0, "PUSHED")
    assert done.json["results"][0]["images"][0]["public"] is False
    assert stage.rhsm.images == {}


def test_a_region_that_refuses_fails_alone_and_a_later_run_finishes(stage: "Stage") -> None:
    stage.map("us-east-1-hourly", "us-west-2-hourly")
    stage.rhsm.faults.add(Fault.parse("status=400@/amis"))
    failed = stage.push("--best-effort")
    assert failed.code == 1, "best effort is no excuse for nothing"
    assert {(each["state"], each["name"]) for each in failed.json["results"]} == {("NOTPUSHED", f"{NAME}-Hourly2-GP3")}
    stage.rhsm.faults.clear()
    stage.rhsm.faults.add(Fault.parse("status=400,times=3@/amis"))
    stage.aws.requests.clear()
    part = stage.push()
    assert part.code == 5
    assert sorted(each["state"] for each in part.json["results"]) == ["NOTPUSHED", "PUSHED"]
    stage.rhsm.faults.clear()
    assert stage.push().code == 0
    assert set(stage.changes()) == {"ModifyImageAttribute"}


def test_a_product_that_rhsm_does_not_have_stops_everything_before_any_upload(stage: "Stage") -> None:
    stage.map("us-east-1-hourly", product="OTHER")
    done = stage.push()
    assert (done.code, [each["state"] for each in done.json["results"]]) == (1, ["INVALIDFILE"])
    assert "OTHER_HOURLY" in done.err
    assert stage.changes() == []


def test_without_the_address_of_rhsm_nothing_is_begun_and_a_hint_is_given(stage: "Stage") -> None:
    done = stage.run("publish", "community-push", *[word for word in stage.places if word not in ("--rhsm-url", stage.rhsm.url)])
    assert done.code == 1
    assert "--rhsm-url" in done.err
    assert [line["state"] for line in stage.lines()] == ["PENDING"] * 3


def test_an_item_without_a_mapping_fails_the_run_and_is_in_no_result(stage: "Stage") -> None:
    stage.map("us-east-1-hourly", name="another")
    done = stage.push()
    assert done.code == 1
    assert "no mapping of rhel-ec2" in done.err


@pytest.mark.parametrize(("product", "code"), [("RHEL", 0), ("OTHER", 30)])
def test_under_its_upstream_name_it_ends_with_0_or_30(
    product: str, code: int, stage: "Stage", monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    stage.map("us-east-1-hourly", product=product)
    monkeypatch.setenv("CLOUD_CREDENTIALS", "aws.json")
    monkeypatch.setenv("RHSM_URL", stage.rhsm.url)
    assert run_upstream(COMMUNITY, ["--repo-file", "map.yaml", "--off", "--pre", "staged:stage"]) == code
    said = capfd.readouterr()
    assert said.out == ""
    assert f"[{'INFO    ' if code == 0 else 'ERROR   '}] community push {'done' if code == 0 else 'failed'}" in said.err
    assert len(stage.lines()) == 1


def test_what_is_not_mapped_here_is_asked_of_the_server(stage: "Stage") -> None:
    with StarmapThread(json.loads((stage.folder / "map.yaml").read_text())) as starmap:
        stage.map("us-east-1-hourly", name="another")
        words = [word for word in stage.places if word != "--offline"]
        done = stage.run("publish", "community-push", "--starmap-url", starmap.url, "--dry-run", "-o", "json", *words)
        assert done.code == 0, done.err
        assert len(done.json["plan"]["targets"]) == 3
        assert [request.query["name"] for request in starmap.requests] == ["rhel-ec2"]
