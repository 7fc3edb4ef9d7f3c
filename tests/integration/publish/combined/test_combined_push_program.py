"""``penstock publish push`` and ``marketplace-push``, and their upstream names, against simulators of every cloud."""

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.integration.publish.combined.conftest import AWS_MARKET, AZURE_MARKET, COMMUNITY, OFFER, PLAN, PRODUCT

from penstock.cli.publish.upstream import run_upstream
from penstock.cli.publish.upstream_parsers import COMBINED, MARKETPLACE
from penstock.simulators.cloud import Fault
from penstock.simulators.cloud.catalogue import AzureProduct

if TYPE_CHECKING:
    from tests.integration.publish.combined.conftest import Market

pytestmark = pytest.mark.integration
EVERYWHERE = {"azure-na": f"{OFFER}/{PLAN}", "aws-na": PRODUCT, "aws-us-storage": "us-east-1-hourly"}


def went(market: "Market") -> dict[str, str]:
    """Accounts and states of the newest results."""
    return {each["cloud_info"]["account"]: each["state"] for each in market.clouds()}


def test_one_run_brings_builds_to_all_their_destinations(market: "Market") -> None:
    done = market.push("push")
    assert done.code == 0, done.err
    results = done.json["results"]
    assert {each["account"]: each["destination"][0] for each in results} == EVERYWHERE
    assert {each["state"] for each in results} == {"PUSHED"}
    assert len(json.loads(market.run("publish", "status", "--runs", "-o", "json").out)) == 1, "one run"
    shown = market.run("publish", "status", "-o", "json").json
    assert (shown["command"], shown["outcome"]) == ("push", "done")
    assert {image for target in shown["targets"] for image in target["images"]} == {each["images"][0]["id"] for each in results}
    market.aws.requests.clear()
    again = market.push("push")
    assert again.code == 0
    asked = {request.query.get("Action", request.path) for request in market.aws.requests if request.method == "POST"}
    assert not asked & {"/StartChangeSet", "ImportSnapshot", "RegisterImage"}


def test_results_of_marketplaces_have_their_mapping_and_no_signature(market: "Market") -> None:
    assert market.push("push").code == 0
    by_account = {each["cloud_info"]["account"]: each for each in market.clouds()}
    assert {account for account, each in by_account.items() if "starmap_query" in each} == {"aws-na", "azure-na"}
    azure = by_account["azure-na"]
    assert (azure["name"], azure["cloud_info"]["provider"]) == ("rhel.vhd", "azure")
    assert azure["sas_uri"] == f"{market.blobs.url}/simulated/pubupload/rhel.vhd"
    assert by_account["aws-na"]["image_id"].startswith("ami-")
    left = "".join(path.read_text() for path in market.folder.glob("artifacts/*/*"))
    assert "sig=" not in left


@pytest.mark.parametrize(
    ("choice", "accounts"), [("marketplace", {"aws-na", "azure-na"}), ("community", {"aws-us-storage"}), ("all", set(EVERYWHERE))]
)
def test_a_workflow_is_pushed_alone_where_it_is_chosen(choice: str, accounts: set[str], market: "Market") -> None:
    done = market.push("push", "-w", choice, "--dry-run")
    assert done.code == 0, done.err
    assert {account for account in EVERYWHERE if any(account in label for label in done.json["targets"])} == accounts


def test_what_has_no_community_mapping_of_its_cloud_is_told_and_fails_nothing(market: "Market") -> None:
    done = market.push("community-push", "--dry-run")
    assert done.code == 0, done.err
    assert [each["subject"] for each in done.json["dropped"]] == ["rhel-azure-9.4-1 x86_64"]


def test_what_goes_nowhere_fails_the_run_and_the_rest_goes_on(market: "Market") -> None:
    market.map(COMMUNITY, AWS_MARKET)
    done = market.push("push")
    assert done.code == 5, done.err
    assert "error: rhel-azure-9.4-1 x86_64: there is no mapping" in done.err
    assert went(market) == {"aws-na": "PUSHED", "aws-us-storage": "PUSHED"}
    assert market.run("publish", "status", "-o", "json").json["outcome"] == "partly"


def test_one_workflow_that_is_stopped_does_not_stop_the_other(market: "Market") -> None:
    market.rhsm.products = ()
    done = market.push("push")
    assert done.code == 5
    assert went(market) == {"aws-na": "PUSHED", "azure-na": "PUSHED", "aws-us-storage": "INVALIDFILE"}


def test_before_the_release_no_product_and_no_offer_is_touched(market: "Market") -> None:
    done = market.push("marketplace-push", "--pre-push")
    assert done.code == 0, done.err
    assert went(market) == {"aws-na": "PUSHED", "azure-na": "PUSHED"}
    assert "rhel.vhd" in " ".join(market.blobs.blobs)
    assert not any(request.path == "/StartChangeSet" for request in market.aws.requests)
    assert not any("product-ingestion" in request.path for request in market.azure.requests)


def test_steps_are_left_out_by_name(market: "Market") -> None:
    done = market.push("marketplace-push", "--skip", "publish,restrict,pre-publish", "--dry-run")
    assert done.code == 0, done.err
    assert {step["phase"] for step in done.json["plan"]["steps"]}.isdisjoint({"publish", "restrict", "pre-publish"})


@pytest.mark.parametrize(("flag", "variable", "code"), [((), "", 5), (("--azure-allow-draft-push",), "", 0), ((), "true", 0)])
def test_an_offer_that_somebody_changed_is_pushed_where_flag_or_environment_allow_it(
    flag: tuple[str, ...], variable: str, code: int, market: "Market", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upstream's flag breaks every upload of every cloud."""
    monkeypatch.setenv("AZURE_ALLOW_DRAFT_PUSH", variable)
    market.azure.publisher.stock([AzureProduct(offer=OFFER, plans=(PLAN,), draft_changes=("listing",))])
    assert market.push("marketplace-push", *flag).code == code
    assert went(market)["aws-na"] == "PUSHED"


def test_a_run_whose_items_all_failed_says_so(market: "Market") -> None:
    market.map(AZURE_MARKET)
    market.blobs.faults.add(Fault.parse("status=403"))
    done = market.run("publish", "push", *market.places, "-w", "marketplace", "-o", "json")
    assert done.code == 1
    assert ": failed, begun" in market.run("publish", "status").out


def test_clouds_that_do_not_answer_are_unreachable_and_not_refused(market: "Market", monkeypatch: pytest.MonkeyPatch) -> None:
    market.map(COMMUNITY)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    (market.folder / "stage/starmap/CLOUD_IMAGES/rhel-azure-9.4-1/resources.yaml").unlink()
    done = market.push("push", "-w", "community")
    assert done.code == 1
    assert "nobody answered there" in done.err
    assert [each["state"] for each in market.clouds()] == ["UPLOADFAILED"]
    assert ": unreachable, begun" in market.run("publish", "status").out


def test_under_its_upstream_name_a_combined_push_ends_with_0(
    market: "Market", monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RHSM_URL", market.rhsm.url)
    assert run_upstream(COMBINED, market.places) == 0
    said = capfd.readouterr()
    assert (said.out, "[INFO    ] push done, results: artifacts/" in said.err) == ("", True)
    assert set(went(market)) == set(EVERYWHERE)


def test_under_its_upstream_name_a_marketplace_push_of_which_a_part_failed_ends_with_30(
    market: "Market", capfd: pytest.CaptureFixture[str]
) -> None:
    market.map(AWS_MARKET)
    assert run_upstream(MARKETPLACE, market.places) == 30
    assert "[ERROR   ] marketplace push partly, results:" in capfd.readouterr().err
    assert went(market) == {"aws-na": "PUSHED"}


@pytest.mark.parametrize("name", ["push", "marketplace-push", "community-push", "delete"])
def test_every_program_tells_its_usage_without_loading_a_cloud(name: str) -> None:
    entry = {"push": "combined_push"}.get(name, name.replace("-", "_"))
    code = f"import sys; sys.argv[1:] = ['--help']; from penstock.__main__ import {entry} as run; run()"
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"usage: pubtools-marketplacesvm-{name} ")
    assert "boto3" not in done.stderr
