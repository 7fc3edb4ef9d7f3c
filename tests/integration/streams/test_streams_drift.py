"""``penstock streams drift``: over files, over a payload, against the simulator of Azure, with every sink."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from penstock.formats.bootimages import write_boot_images
from penstock.formats.stream import parse_marketplace, parse_stream
from penstock.simulators.azure import AzureSimulator, AzureThread
from penstock.simulators.cloud import AzureCloud, Catalogue, implied_catalogue

if TYPE_CHECKING:
    from tests.integration.conftest import Build, Outcome, Place, Run
    from tests.integration.streams.conftest import Hook

GEN2_URN = "azureopenshift:aro4:aro_422-v2:9.8.20260428"
COLUMNS = ("arch", "cloud", "plan", "generation", "status", "days", "verdict")


def stream(release: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # plain JSON
    """A stream of one build for x86_64 and aarch64."""
    platforms = {name: {"release": release, "formats": {}} for name in ("azure", "aws", "metal")}
    entry = {"artifacts": platforms, "images": {}, "rhel-coreos-extensions": {"azure-disk": {"release": release}}}
    return {"stream": "rhcos-4.21", "metadata": {}, "architectures": {"x86_64": entry, "aarch64": entry}, **more}


def image(publisher: str, offer: str, sku: str, version: str) -> dict[str, str]:
    return {"publisher": publisher, "offer": offer, "sku": sku, "version": version}


def marketplace(unpaid: str, paid: str = "9.6.2026030314") -> dict[str, Any]:
    """A marketplace file: unpaid images, and those of one paid plan."""
    aro, ocp = ("azureopenshift", "aro4"), ("redhat", "rh-ocp-worker")
    x86_64 = {
        "no-purchase-plan": {"hyperVGen1": image(*aro, "aro_422", unpaid), "hyperVGen2": image(*aro, "aro_422-v2", unpaid)},
        "ocp": {"hyperVGen2": image(*ocp, "rh-ocp-worker", paid)},
    }
    aarch64 = {"no-purchase-plan": {"hyperVGen2": image(*aro, "aro_422-arm", unpaid)}}
    return {"aarch64": {"azure": aarch64}, "x86_64": {"azure": x86_64}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with documents: an exact pair, and what goes with it."""
    monkeypatch.chdir(tmp_path)
    documents = {
        "stream.json": stream("9.8.20260428-0"),
        "old.json": stream("9.8.20260428-0"),
        "bumped.json": stream("9.8.20260701-0"),
        "ten.json": stream("10.2.20260423-0"),
        "marketplace.json": marketplace("9.8.20260428"),
        "owners.json": {"azureopenshift": {"name": "ARO", "contact": "aro@example.com", "jira": {"project": "ARO"}}},
    }
    for name, document in documents.items():
        (tmp_path / name).write_text(json.dumps(document))
    return tmp_path


def findings(done: "Outcome") -> list[tuple[Any, ...]]:
    return [tuple(one[name] for name in COLUMNS) for one in done.json["findings"] if one["status"] != "missing"]


def posted(hook: "Hook") -> list[dict[str, Any]]:
    return [json.loads(body) for _, _, body in hook.got]


def ocp_verdicts(done: "Outcome") -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in done.json["findings"]:
        if one["plan"] == "ocp":
            found.setdefault(one["status"], []).append(one["verdict"])
    return found


def test_an_exact_pair_passes(run: "Run", folder: Path) -> None:
    done = run("streams", "drift", "stream.json", "marketplace.json", "-o", "json")
    assert (done.code, done.err) == (0, "")
    assert findings(done) == [
        ("x86_64", "azure", "no-purchase-plan", "hyperVGen1", "exact", 0, "ok"),
        ("x86_64", "azure", "no-purchase-plan", "hyperVGen2", "exact", 0, "ok"),
        ("x86_64", "azure", "ocp", "hyperVGen2", "behind", 56, "informational"),
        ("aarch64", "azure", "no-purchase-plan", "hyperVGen2", "exact", 0, "ok"),
    ]
    assert done.json["origin"] == "stream.json with marketplace.json"


def test_what_lags_beyond_its_threshold_ends_with_3(run: "Run", folder: Path) -> None:
    done = run("streams", "drift", "bumped.json", "marketplace.json")
    assert done.code == 3
    assert "x86_64   azure  no-purchase-plan  2    9.8.20260428    behind   64    30     failing        64 days behind" in done.out
    assert "3 of 15 fail" in done.out
    assert run("streams", "drift", "bumped.json", "marketplace.json", "--threshold", "64").code == 0


def test_thresholds_come_from_a_file_and_a_branch(run: "Run", folder: Path) -> None:
    (folder / "limits.yaml").write_text('plans: {ocp: 10}\nbranches: {"release-4.*": {ocp: 90}, next: informational}\n')
    words = ("streams", "drift", "stream.json", "marketplace.json", "--thresholds", "limits.yaml")
    held = {"behind": ["failing"], "missing": ["failing"]}  # the hole, no first generation, fails with the age
    assert ocp_verdicts(run(*words, "-o", "json")) == held
    assert ocp_verdicts(run(*words, "--branch", "release-4.22", "-o", "json")) == held | {"behind": ["tolerated"]}
    done = run(*words, "--branch", "next")
    assert (done.code, done.err) == (0, "note: nothing fails: the branch next is informational\n")


def test_another_rhel_major_fails_unless_it_is_a_known_fallback(run: "Run", folder: Path) -> None:
    words = ("streams", "drift", "ten.json", "marketplace.json", "-o", "json")
    wrong = run(*words)
    assert (wrong.code, wrong.json["counts"]["wrong-rhel-major"]) == (3, 4)
    known = run(*words, "--fallback-of", "marketplace.json")
    assert known.code == 0
    assert known.json["counts"]["fallback"] == 4
    (folder / "strict.yaml").write_text("statuses: {fallback: fails}\n")
    assert run(*words, "--fallback-of", "marketplace.json", "--thresholds", "strict.yaml").code == 3


def test_what_populate_recorded_makes_a_known_fallback(run: "Run", folder: Path) -> None:
    entry = {"image": GEN2_URN, "rule": "fallback", "fallback_of": "rhel-9", "source": "https://management.example", "candidate_count": 3}
    sidecar = {"document_version": 1, "entries": {"azure no-purchase-plan hyperVGen2 x86_64": entry}}
    (folder / "provenance.json").write_text(json.dumps(sidecar))
    done = run("streams", "drift", "ten.json", "marketplace.json", "--provenance", "provenance.json", "-o", "json")
    assert done.json["counts"] | {"missing": 0} == {"wrong-rhel-major": 3, "fallback": 1, "missing": 0}


def test_the_streams_of_a_payload_are_looked_at(place: "Place", build: "type[Build]", run: "Run") -> None:
    nine, ten = (parse_stream(json.dumps(stream(release)).encode(), subject="s") for release in ("9.8.20260428-0", "10.2.20260423-0"))
    config_map = write_boot_images({"rhel-9": nine, "rhel-10": ten})
    image = build.release("5.0.0-ec.2", {"cli": "q.example/cli:1"}, more={"0000_50_installer_coreos-bootimages.yaml": config_map})
    ref = place.push(image, "release", "a")
    done = run("streams", "drift", "--release", ref, "--insecure", "-o", "json")
    assert (done.code, done.json["stream"], done.json["version"]) == (0, "rhel-10", "5.0.0-ec.2")
    assert "note: nothing fails: 5.0.0-ec.2 is not a release yet" in done.err
    strict = run("streams", "drift", "--release", ref, "--insecure", "--stream", "rhel-9", "--branch", "release-5.0", "-o", "json")
    assert (strict.code, strict.json["stream"]) == (3, "rhel-9")
    assert "is its marketplace file missing?" in strict.err


def test_a_bump_names_the_publishers_whose_images_it_left_behind(run: "Run", folder: Path) -> None:
    words = ("streams", "drift", "bumped.json", "marketplace.json", "--since", "old.json", "--owners", "owners.json")
    done = run(*words)
    assert done.code == 3
    assert "Made stale since old.json:\n" in done.out
    assert (
        "azureopenshift  ARO aro@example.com  azure no-purchase-plan hyperVGen2 x86_64   9.8.20260428  exact   behind 64 days" in done.out
    )
    [group] = run(*words, "-o", "json").json["stale"]
    assert (group["publisher"], group["owner"]["name"], len(group["images"])) == ("azureopenshift", "ARO", 3)
    same = run("streams", "drift", "stream.json", "marketplace.json", "--since", "old.json")
    assert "Nothing was made stale since old.json." in same.out


def test_every_sink_has_the_report_although_the_check_fails(run: "Run", folder: Path, hook: "Hook") -> None:
    words = ("streams", "drift", "bumped.json", "marketplace.json", "--owners", "owners.json", "-o", "json")
    sinks = ("--junit", "drift.xml", "--slack", "slack.json", "--jira", "jira.json")
    done = run(*words, *sinks, env={"PENSTOCK_DRIFT_WEBHOOK": hook.url})
    assert done.code == 3
    suite = ET.fromstring((folder / "drift.xml").read_bytes()).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("15", "3")
    assert json.loads((folder / "slack.json").read_text())["blocks"][0]["text"]["text"] == "rhcos-4.21: 3 boot images lag behind"
    [issue] = json.loads((folder / "jira.json").read_text())
    assert issue["fields"]["project"] == {"key": "ARO"}
    assert posted(hook) == [{"event": "penstock.streams.drift", "report": done.json}]


def test_the_message_for_slack_can_be_the_answer(run: "Run", folder: Path, hook: "Hook") -> None:
    done = run("streams", "drift", "bumped.json", "marketplace.json", "--slack", "-", "--webhook", hook.url, "--webhook-payload", "slack")
    assert done.code == 3
    assert posted(hook) == [done.json]
    assert set(done.json) == {"text", "blocks"}


@pytest.mark.parametrize(("document", "code"), [("stream.json", 4), ("bumped.json", 3)])
def test_a_webhook_that_fails_is_a_warning_and_4_where_nothing_is_worse(
    run: "Run", folder: Path, hook: "Hook", document: str, code: int
) -> None:
    hook.answers = [(500, {})] * 10
    done = run("streams", "drift", document, "marketplace.json", "--webhook", hook.url, "--junit", "drift.xml")
    assert done.code == code
    assert "penstock: the webhook: 127.0.0.1:" in done.err
    assert "answered 500 Internal Server Error" in done.err
    assert "T0SECRET" not in done.err + done.out
    assert done.out.startswith("ARCH")
    assert (folder / "drift.xml").exists()


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_a_webhook_that_refuses_for_good_ends_with_1_and_hides_no_drift(run: "Run", folder: Path, hook: "Hook", status: int) -> None:
    hook.answers = [(status, {}), (status, {})]
    for tries, (document, code) in enumerate((("stream.json", 1), ("bumped.json", 3)), start=1):
        done = run("streams", "drift", document, "marketplace.json", "--webhook", hook.url)
        assert (done.code, len(hook.got)) == (code, tries)


@pytest.mark.parametrize("status", [408, 429, 503])
def test_a_webhook_that_may_take_it_later_ends_with_4(run: "Run", folder: Path, hook: "Hook", status: int) -> None:
    hook.answers = [(status, {})] * 10
    assert run("streams", "drift", "stream.json", "marketplace.json", "--webhook", hook.url).code == 4


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("9.8.20260701", "3 boot images are ahead of the stream"),
        ("2.1.x", "3 boot images have versions that cannot be compared"),
        ("10.2.20260423", "3 boot images are of another RHEL major"),
        ("9.8.20260101", "3 boot images lag behind"),
    ],
)
def test_messages_say_what_is_wrong_with_the_images(run: "Run", folder: Path, version: str, told: str) -> None:
    (folder / "wrong.json").write_text(json.dumps(marketplace(version)))
    words = ("streams", "drift", "stream.json", "wrong.json", "--slack", "-", "--jira", "jira.json", "--jira-project", "COS")
    done = run(*words)
    assert done.code == 3
    assert done.json["blocks"][0]["text"]["text"] == f"rhcos-4.21: {told}"
    [issue] = json.loads((folder / "jira.json").read_text())
    said = told.replace("boot ", "")
    assert issue["fields"]["summary"] == f"rhcos-4.21, azureopenshift: {said}; wanted: 9.8.20260428-0"


def test_a_webhook_without_an_address_is_told_before_anything_is_done(run: "Run", folder: Path) -> None:
    done = run("streams", "drift", "stream.json", "marketplace.json", "--webhook", "hooks.example/T0SECRET", "--junit", "drift.xml")
    assert (done.code, done.out) == (2, "")
    assert "T0SECRET" not in done.err
    assert not (folder / "drift.xml").exists()


@pytest.mark.parametrize(("document", "code"), [("stream.json", 1), ("bumped.json", 3)])
def test_a_file_that_cannot_be_written_keeps_no_other_sink_from_its_report(run: "Run", folder: Path, document: str, code: int) -> None:
    done = run("streams", "drift", document, "marketplace.json", "--junit", "none/drift.xml", "--slack", "slack.json")
    assert done.code == code
    assert "none/drift.xml" in done.err
    assert (folder / "slack.json").exists()
    assert done.out.startswith("ARCH")


def test_publishers_without_a_project_in_jira_are_named(run: "Run", folder: Path) -> None:
    done = run("streams", "drift", "bumped.json", "marketplace.json", "--jira", "jira.json")
    assert "note: nobody names a Jira project for azureopenshift" in done.err
    assert json.loads((folder / "jira.json").read_text()) == []
    run("streams", "drift", "bumped.json", "marketplace.json", "--jira", "jira.json", "--jira-project", "COS")
    assert len(json.loads((folder / "jira.json").read_text())) == 1


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("stream.json", "--threshold", "soon"),
        ("stream.json", "--threshold", "acp=3"),
        ("stream.json", "--aws-floor", "nine"),
        ("stream.json", "--cloud", "Azure"),
        ("stream.json", "--owners", "stream.json"),
        ("stream.json", "--thresholds", "stream.json"),
        ("stream.json", "--provenance", "stream.json"),
        ("stream.json", "--fallback-of", "stream.json"),
        ("stream.json", "--since", "marketplace.json"),
        ("-", "--since", "-"),
        ("stream.json", "--check-catalogue", "--cloud", "AzureUSGovernment", "--azure-endpoint", "http://127.0.0.1:9"),
    ],
)
def test_what_is_wrong_with_the_question_is_told(run: "Run", folder: Path, words: tuple[str, ...]) -> None:
    done = run("streams", "drift", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("penstock: ")


@pytest.mark.parametrize(("option", "first"), [("--thresholds", "  plans:"), ("--owners", "  azureopenshift:")])
def test_the_file_that_the_help_shows_is_taken(run: "Run", folder: Path, option: str, first: str) -> None:
    lines = run("streams", "drift", "--help").out.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"  {first}"))
    shown = lines[start : lines.index("", start)]
    (folder / "shown.yaml").write_text("\n".join(line.strip() for line in shown) + "\n")
    done = run("streams", "drift", "stream.json", "marketplace.json", option, "shown.yaml")
    assert (done.code, "shown.yaml" in done.err) == (0, False), done.err


def azure_words(azure: AzureSimulator, folder: Path) -> tuple[str, ...]:
    (folder / "token").write_text(azure.issue_token())
    subscription = azure.account.subscription
    return ("--azure-endpoint", azure.url, "--azure-subscription", subscription, "--azure-token-file", "token")


def published(folder: Path, *without: str) -> Catalogue:
    """The catalogue of the marketplace file, without some images."""
    catalogue = implied_catalogue(marketplace=parse_marketplace((folder / "marketplace.json").read_bytes(), subject="marketplace"))
    kept = (one for one in catalogue.azure if f"{one.publisher}:{one.offer}:{one.sku}:{one.version}" not in without)
    return Catalogue(azure=tuple(kept))


def test_what_the_catalogue_deprecated_or_lost_fails(run: "Run", folder: Path) -> None:
    catalogue = published(folder, GEN2_URN)
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    azure = tuple(replace(one, deprecated_at=long_ago) if one.publisher == "redhat" else one for one in catalogue.azure)
    with AzureThread(Catalogue(azure=azure)) as simulator:
        done = run(
            "streams", "drift", "stream.json", "marketplace.json", "--check-catalogue", "-o", "json", *azure_words(simulator, folder)
        )
        asked = [request for request in simulator.requests if request.api == "azure.versions.get"]
    assert (done.code, done.err) == (3, "")
    told = {(one["plan"], one["generation"], one["arch"]): one["status"] for one in done.json["findings"] if one["image"]}
    assert told == {
        ("no-purchase-plan", "hyperVGen1", "x86_64"): "exact",
        ("no-purchase-plan", "hyperVGen2", "x86_64"): "missing",
        ("no-purchase-plan", "hyperVGen2", "aarch64"): "exact",
        ("ocp", "hyperVGen2", "x86_64"): "deprecated",
    }
    assert len(asked) == done.json["asked"]["catalogue"] == 4


def test_the_government_s_cloud_should_have_the_same_images(run: "Run", folder: Path) -> None:
    with AzureThread(published(folder, GEN2_URN), cloud=AzureCloud.US_GOVERNMENT) as simulator:
        words = ("streams", "drift", "stream.json", "marketplace.json", "--cloud", "AzureUSGovernment", *azure_words(simulator, folder))
        done = run(*words, "-o", "json")
    assert done.code == 3
    [lacking] = [one for one in done.json["findings"] if one["partition"]]
    assert (lacking["partition"], lacking["image"], lacking["status"], lacking["verdict"]) == (
        "AzureUSGovernment",
        GEN2_URN,
        "missing",
        "failing",
    )
    assert done.json["asked"] == {"AzureUSGovernment": 4}


def test_a_catalogue_that_cannot_be_asked_changes_nothing_and_ends_with_1_or_4(run: "Run", folder: Path) -> None:
    with AzureThread(published(folder)) as simulator:
        words = azure_words(simulator, folder)
        (folder / "token").write_text("revoked")
        done = run("streams", "drift", "stream.json", "marketplace.json", "--check-catalogue", "-o", "json", *words)
    assert done.code == 1
    assert done.json["counts"]["exact"] == 3
    assert len(done.json["not_asked"]) == 4
    gone = run("streams", "drift", "stream.json", "marketplace.json", "--check-catalogue", "-o", "json", *words)
    assert gone.code == 4
    assert gone.json["counts"]["exact"] == 3


@pytest.mark.real_data
def test_published_documents_drift_as_the_records_say(run: "Run", real_data: Path) -> None:
    folder = real_data / "streams"
    old = run(
        "streams", "drift", str(folder / "installer/rhcos-28ce2c4d65.json"), str(folder / "marketplace/marketplace-rhcos-963ac1dd66.json")
    )
    assert old.code == 3
    assert "rhcos-4.20 (9.6.20250826-1): 4 exact, 15 behind; 3 of 19 fail" in old.out
    new = run(
        "streams",
        "drift",
        str(folder / "installer/coreos-rhel-9-98c7275538.json"),
        str(folder / "marketplace/marketplace-coreos-rhel-9-3ed9315bc6.json"),
    )
    assert new.code == 0
    assert "rhcos-4.21 (9.8.20260428-0): 7 exact, 12 behind; none fails" in new.out


def test_the_fallbacks_of_populate_are_known_to_drift(run: "Run", folder: Path) -> None:
    (folder / "ten-marketplace.json").write_text("{}\n")
    with AzureThread(published(folder)) as simulator:
        words = ("ten.json", "ten-marketplace.json", "--fallback-from", "marketplace.json", "--provenance", "provenance.json")
        filled = run("streams", "populate", *words, *azure_words(simulator, folder))
    assert filled.code in (0, 5), filled.err
    done = run("streams", "drift", "ten.json", "ten-marketplace.json", "--provenance", "provenance.json", "-o", "json")
    assert (done.code, done.json["counts"]["fallback"]) == (0, 4)
    assert "wrong-rhel-major" not in done.json["counts"]
