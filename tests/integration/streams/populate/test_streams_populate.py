"""``penstock streams populate``, as people and pipelines call it."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.simulators.cloud.catalogue import AzureImage
from penstock.simulators.cloud.faults import Fault

if TYPE_CHECKING:
    from tests.integration.conftest import Run
    from tests.integration.streams.populate.conftest import Bench

Images = Callable[..., list[AzureImage]]
MakeImage = Callable[..., AzureImage]
OCP = "redhat:rh-ocp-worker:rh-ocp-worker"
ARO = "azureopenshift:aro4"


def test_the_enhancement_s_example_is_filled_in_although_its_images_came_later(bench: "Bench", example: Images) -> None:
    bench.put(*example(paid="4.18.2025031114"))
    outcome = bench.populate()
    assert outcome.code == 0, outcome.err
    free = bench.document["x86_64"]["azure"]["no-purchase-plan"]
    assert free["hyperVGen1"] == {"publisher": "azureopenshift", "offer": "aro4", "sku": "aro_418", "version": "418.94.20250122"}
    assert free["hyperVGen2"]["sku"] == "418-v2"
    assert bench.document["aarch64"]["azure"] == {"no-purchase-plan": {"hyperVGen2": {**free["hyperVGen1"], "sku": "418-arm"}}}
    assert list(bench.document["x86_64"]["azure"]) == ["no-purchase-plan", "ocp", "opp", "oke", "ocp-emea", "opp-emea", "oke-emea"]
    assert "ahead" in outcome.out
    assert bench.marketplace.read_bytes().startswith(b'{\n    "aarch64"')
    assert bench.marketplace.read_bytes().endswith(b"}\n")


def test_the_boolean_of_the_enhancement_is_written_on_demand_and_goes_without(bench: "Bench", example: Images) -> None:
    bench.put(*example(paid="4.18.2025031114"))
    assert bench.populate("--purchase-plan-field", "purchasePlan").code == 0
    azure = bench.document["x86_64"]["azure"]
    assert azure["no-purchase-plan"]["hyperVGen1"]["purchasePlan"] is False
    assert azure["ocp"]["hyperVGen2"]["purchasePlan"] is True
    assert bench.populate().code == 0
    assert b"purchasePlan" not in bench.marketplace.read_bytes()


def test_slots_that_cannot_be_filled_are_told_by_exit_code_and_the_others_are_written(bench: "Bench", example: Images) -> None:
    bench.put(*example(paid="9.6.2026030314"))
    outcome = bench.populate()
    assert outcome.code == 5
    assert "12 of 15 images were not found" in outcome.err
    assert set(bench.document["x86_64"]["azure"]) == {"no-purchase-plan"}


def test_a_second_run_changes_nothing(bench: "Bench", example: Images) -> None:
    bench.put(*example(paid="4.18.2025031114"))
    bench.populate()
    before = bench.marketplace.stat()
    outcome = bench.populate("-o", "json")
    assert outcome.json["written"] == []
    assert outcome.json["counts"] == {"added": 0, "changed": 0, "removed": 0, "respelt": 0, "same": 15}
    assert bench.marketplace.stat().st_mtime_ns == before.st_mtime_ns


def test_a_dry_run_tells_the_same_and_writes_nothing(bench: "Bench", example: Images, tmp_path: Path) -> None:
    bench.put(*example(paid="4.18.2025031114"))
    names = set(tmp_path.iterdir())
    dry = bench.populate("--dry-run", "--summary", str(tmp_path / "s.md"), "--provenance", str(tmp_path / "p.json"))
    assert set(tmp_path.iterdir()) == names
    assert bench.populate().out == dry.out


def test_the_layout_of_a_file_is_kept(bench: "Bench", example: Images) -> None:
    bench.put(*example())
    bench.marketplace.write_text(json.dumps({"x86_64": {"azure": {}}}, indent=2))
    bench.populate("--plan", "no-purchase-plan")
    content = bench.marketplace.read_bytes()
    assert content.startswith(b'{\n  "aarch64": {\n    "azure"')
    assert not content.endswith(b"\n")


def test_few_requests_are_made_for_each_series(bench: "Bench", example: Images) -> None:
    bench.put(*example(paid="4.18.2025031114"))
    bench.populate()
    lists = Counter(request.path for request in bench.azure.requests if request.api == "azure.versions.list")
    gets = Counter(request.path.rpartition("/")[0] for request in bench.azure.requests if request.api == "azure.versions.get")
    assert len(lists) == 15
    assert set(lists.values()) == {1}
    assert max(gets.values()) == 1


@pytest.mark.parametrize(
    ("release", "build", "expected"),
    [
        ("4.19", "9.6.20250826-1", "419-v2:419.6.20250523"),
        ("5.0", "10.2.20260423-0", "aro_5-0_x64_gen2:10.2.20260423"),
        ("417.94.202407010000-0", "418.94.202410090804-0", "417-v2:417.94.20240701"),
        ("9.6.20250513-0", "9.6.20250826-1", "420-v2:9.6.20250513"),
        ("418.94.202410090804-10", "9.6.20250826-1", "418-v2:418.94.20241009"),
    ],
)
def test_every_form_of_a_release_finds_its_image(bench: "Bench", make_image: MakeImage, release: str, build: str, expected: str) -> None:
    bench.put(*(make_image(f"{ARO}:{text}") for text in ("417-v2:417.94.20240701", "418-v2:418.94.20241009", "419-v2:419.6.20250523")))
    bench.put(*(make_image(f"{ARO}:{text}") for text in ("420-v2:9.6.20250513", "420-v2:9.6.20250826", "aro_5-0_x64_gen2:10.2.20260423")))
    bench.write_stream(build, name="rhcos-4.20", arches=("x86_64",))
    by_option = bench.populate("--plan", "no-purchase-plan", "--release", release)
    assert by_option.code == 0, by_option.err
    found = bench.document["x86_64"]["azure"]["no-purchase-plan"]["hyperVGen2"]
    assert f"{found['sku']}:{found['version']}" == expected
    bench.marketplace.unlink()
    by_variable = bench.populate("--plan", "no-purchase-plan", env={"STREAM_RELEASE_OVERRIDE": release})
    assert by_variable.out == by_option.out


@pytest.mark.parametrize("release", ["", "foo", "9.6"])
def test_what_is_no_release_is_a_clear_error(bench: "Bench", release: str) -> None:
    for outcome, where in (
        (bench.populate("--release", release), "--release"),
        (bench.populate(env={"STREAM_RELEASE_OVERRIDE": release}), "STREAM_RELEASE_OVERRIDE"),
    ):
        assert outcome.code == 2
        assert where in outcome.err
        assert "4.19" in outcome.err
    assert not bench.azure.requests


def test_the_option_goes_before_the_variable(bench: "Bench", make_image: MakeImage) -> None:
    bench.write_stream("9.6.20250826-1", name="rhcos-4.20", arches=("x86_64",))
    bench.put(make_image(f"{ARO}:419-v2:419.6.20250523"))
    assert bench.populate("--plan", "no-purchase-plan", "--release", "4.19", env={"STREAM_RELEASE_OVERRIDE": "foo"}).code == 0


def test_what_the_releases_were_found_by_is_said(bench: "Bench") -> None:
    bench.write_stream("9.8.20260428-0", name="rhcos-4.21")
    outcome = bench.populate("--dry-run")
    assert "note: the stream is called 'rhcos-4.21'" in outcome.err
    assert "5.0 and 4.22" in outcome.err


@pytest.mark.parametrize(("fault", "code"), [("status=500", 4), ("status=429,retry_after=0", 4), ("status=403", 1), ("status=401", 1)])
def test_where_azure_cannot_be_asked_nothing_is_written(bench: "Bench", example: Images, fault: str, code: int) -> None:
    bench.put(*example())
    before = json.dumps(
        {"x86_64": {"azure": {"ocp": {"hyperVGen2": dict(zip(("publisher", "offer", "sku", "version"), "abcd", strict=True))}}}}
    )
    bench.marketplace.write_text(before)
    bench.azure.faults.add(Fault.parse(f"{fault}@rh-oke-worker-gen1"))
    outcome = bench.populate("--prune")
    assert outcome.code == code
    assert outcome.out == ""
    assert bench.marketplace.read_text() == before


def test_prune_removes_what_is_gone_and_only_then(bench: "Bench", example: Images, make_image: MakeImage, long_ago: datetime) -> None:
    bench.put(*example(paid="4.18.2025031114"))
    bench.populate()
    bench.azure.catalogue = type(bench.azure.catalogue)()
    bench.put(*(each for each in example(paid="4.18.2025031114") if each.offer != "rh-oke-worker"))
    kept = bench.populate("-o", "json").json
    assert {slot["rule"] for slot in kept["slots"] if "oke" in slot["slot"]} == {"kept"}
    pruned = bench.populate("--prune", "-o", "json").json
    assert {slot["rule"] for slot in pruned["slots"] if "oke" in slot["slot"]} == {"pruned"}
    assert list(bench.document["x86_64"]["azure"]) == ["no-purchase-plan", "ocp", "opp", "ocp-emea", "opp-emea"]


def test_the_ledger_traces_an_image_to_the_file_that_names_it(bench: "Bench", example: Images, run: "Run") -> None:
    bench.put(*example(paid="4.18.2025031114"))
    bench.populate()
    outcome = run("trace", "azureopenshift:aro4:418-v2:418.94.20250122")
    assert outcome.code == 0, outcome.err
    assert "marketplace.json" in outcome.out
    assert "azure no-purchase-plan hyperVGen2 x86_64" in outcome.out


def test_provenance_names_source_time_candidates_and_fallback(bench: "Bench", example: Images, tmp_path: Path) -> None:
    bench.put(*example(paid="4.18.2025031114"))
    bench.populate("--provenance", str(tmp_path / "p.json"))
    entries = json.loads((tmp_path / "p.json").read_bytes())["entries"]
    entry = entries["azure ocp hyperVGen2 x86_64"]
    assert entry["source"].startswith(f"{bench.azure.url}/providers/Microsoft.Compute/locations/centralus/publishers/redhat/")
    assert bench.azure.account.subscription not in json.dumps(entries)
    assert entry["candidates"].startswith("sha256:")
    assert entry["asked_at"].endswith("Z")


def test_a_summary_is_written_for_a_pull_request(bench: "Bench", example: Images, tmp_path: Path) -> None:
    bench.put(*example(paid="4.18.2025031114"))
    bench.populate("--summary", str(tmp_path / "s.md"))
    text = (tmp_path / "s.md").read_text()
    assert text.startswith("### Marketplace images of")
    assert "| azure ocp hyperVGen2 x86\\_64 | - | redhat:rh-ocp-worker:rh-ocp-worker:4.18.2025031114 | ahead |" in text


def test_plans_that_stay_empty_are_copied_where_that_is_asked_for(bench: "Bench", example: Images, tmp_path: Path) -> None:
    bench.put(*example(paid="4.18.2025031114"))
    bench.populate()
    other = tmp_path / "coreos-rhel-9.json"
    bench.marketplace.rename(other)
    bench.write_stream("10.2.20260423-0", name="rhel-10")
    outcome = bench.populate("--fallback-from", str(other), "-o", "json")
    assert outcome.code == 0, outcome.err
    assert bench.marketplace.read_bytes() == other.read_bytes()
    found = [slot for slot in outcome.json["slots"] if slot["after"]]
    assert {(slot["rule"], slot["fallback_of"]) for slot in found} == {("fallback", "coreos-rhel-9.json")}


def test_without_a_subscription_the_next_step_is_told(bench: "Bench") -> None:
    outcome = bench.populate(env={"AZURE_SUBSCRIPTION_ID": ""})
    assert outcome.code == 2
    assert "--azure-subscription" in outcome.err


def test_a_wrong_secret_is_never_shown(bench: "Bench") -> None:
    outcome = bench.populate(env={"AZURE_CLIENT_SECRET": "hunter2-hunter2"})
    assert outcome.code == 1
    assert "hunter2" not in outcome.out + outcome.err


def test_a_token_in_a_file_will_do(bench: "Bench", example: Images, tmp_path: Path) -> None:
    bench.put(*example(paid="4.18.2025031114"))
    (tmp_path / "token").write_text(json.dumps({"accessToken": bench.azure.issue_token()}))
    nothing = {"AZURE_CLIENT_SECRET": ""}
    assert bench.populate("--azure-token-file", str(tmp_path / "token"), env=nothing).code == 0


@pytest.mark.parametrize("words", [("--cloud", "gallery"), ("--plan", "gold"), ("--choice", "best"), ("--tries", "0")])
def test_options_that_do_not_fit_are_usage_errors(bench: "Bench", words: tuple[str, ...]) -> None:
    assert bench.populate(*words).code == 2


@pytest.mark.parametrize("arch", ["s390x", "aarch64"])
def test_an_architecture_that_nothing_can_be_found_for_is_refused(bench: "Bench", arch: str) -> None:
    bench.write_stream(arches=("x86_64", "s390x"))
    outcome = bench.populate("--arch", arch)
    assert outcome.code == 2
    assert arch in outcome.err


def test_a_boolean_that_disagrees_with_its_plan_is_refused_before_anything_is_asked(bench: "Bench") -> None:
    image = {"publisher": "redhat", "offer": "rh-ocp-worker", "sku": "rh-ocp-worker", "version": "4.18.2025031114", "thirdParty": False}
    bench.marketplace.write_text(json.dumps({"x86_64": {"azure": {"ocp": {"hyperVGen2": image}}}}))
    outcome = bench.populate()
    assert outcome.code == 2
    assert "thirdParty" in outcome.err
    assert not bench.azure.requests


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("marketplace", "stream", "release"),
    [
        ("marketplace-rhcos-963ac1dd66.json", "rhcos-28ce2c4d65.json", "4.19"),
        ("marketplace-coreos-rhel-9-3ed9315bc6.json", "coreos-rhel-9-98c7275538.json", "4.22"),
    ],
)
def test_upstream_s_choice_writes_a_published_file_byte_for_byte(
    bench: "Bench", real_data: Path, marketplace: str, stream: str, release: str
) -> None:
    content = (real_data / "streams/marketplace" / marketplace).read_bytes()
    bench.put_file(content)
    bench.stream.write_bytes((real_data / "streams/installer" / stream).read_bytes())
    outcome = bench.populate("--choice", "upstream", env={"STREAM_RELEASE_OVERRIDE": release})
    assert outcome.code == 0, outcome.err
    assert bench.marketplace.read_bytes() == content


@pytest.mark.parametrize(
    "words", [("--summary", "marketplace.json"), ("--provenance", "stream.json"), ("--summary", "x", "--provenance", "./x")]
)
def test_no_two_files_of_a_run_may_be_one(bench: "Bench", example: Images, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    bench.put(*example())
    monkeypatch.chdir(bench.folder)
    before = bench.stream.read_bytes()
    outcome = bench.populate(*words)
    assert (outcome.code, bench.azure.requests) == (2, [])
    assert "are the same file" in outcome.err
    assert bench.stream.read_bytes() == before
    assert not bench.marketplace.exists()


@pytest.mark.parametrize("option", ["--summary", "--provenance"])
def test_a_folder_that_is_missing_is_told_before_anything_is_asked_and_written(bench: "Bench", example: Images, option: str) -> None:
    bench.put(*example())
    outcome = bench.populate(option, str(bench.folder / "none" / "file"))
    assert (outcome.code, bench.azure.requests) == (1, [])
    assert "there is no such folder" in outcome.err
    assert not bench.marketplace.exists()


def test_a_marketplace_file_that_is_to_be_written_cannot_be_standard_input(bench: "Bench") -> None:
    outcome = bench.run("streams", "populate", str(bench.stream), "-", "--azure-endpoint", bench.azure.url)
    assert outcome.code == 2
    assert "cannot be '-'" in outcome.err


def test_a_run_that_finds_nothing_at_all_fails_and_writes_no_file(bench: "Bench") -> None:
    outcome = bench.populate()
    assert outcome.code == 1
    assert "none of the images that were looked for is published" in outcome.err
    assert "15 without an image" in outcome.out
    assert not bench.marketplace.exists()


def test_plans_that_nobody_publishes_are_no_failure_beside_one_that_is_there(bench: "Bench", example: Images) -> None:
    bench.put(*example()[:3])
    assert bench.populate().code == 0


def test_a_later_run_leaves_the_sidecar_as_it_is(bench: "Bench", example: Images) -> None:
    bench.put(*example(paid="4.18.2025031114"))
    sidecar = bench.folder / "provenance.json"
    bench.populate("--provenance", str(sidecar))
    before = sidecar.stat()
    bench.populate("--provenance", str(sidecar))
    assert sidecar.stat() == before


def test_booleans_that_go_are_told(bench: "Bench", example: Images) -> None:
    bench.put(*example(paid="4.18.2025031114"))
    bench.populate("--purchase-plan-field", "thirdParty")
    outcome = bench.populate()
    assert "15 respelt" in outcome.out
    assert b"thirdParty" not in bench.marketplace.read_bytes()


def test_neither_files_nor_logs_nor_the_ledger_hold_a_secret(bench: "Bench", example: Images) -> None:
    bench.put(*example(paid="4.18.2025031114"))
    where = ("--summary", str(bench.folder / "s.md"), "--provenance", str(bench.folder / "p.json"), "--ledger", str(bench.folder / "l.db"))
    outcome = bench.populate(*where, "-o", "json", env={"PENSTOCK_DEBUG": "1", "PENSTOCK_LOG_LEVEL": "debug"})
    assert outcome.code == 0
    told = (outcome.out + outcome.err).encode() + b"".join(path.read_bytes() for path in bench.folder.iterdir() if path.is_file())
    account = bench.azure.account
    assert len([path for path in bench.folder.iterdir() if path.is_file()]) >= 5
    for secret in (account.client_secret, account.client_id, account.subscription):
        assert secret.encode() not in told
