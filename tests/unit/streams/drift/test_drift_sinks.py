"""The report as JUnit XML, for Slack, for Jira, for webhooks, as a document and as rows."""

import asyncio
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud
from penstock.model.errors import TransientError
from penstock.model.marketplace import Generation, PurchasePlan
from penstock.streams.drift.check import DriftQuestion, find_drift
from penstock.streams.drift.document import report_document
from penstock.streams.drift.owners import JiraPlace, Owner
from penstock.streams.drift.report import DriftReport
from penstock.streams.drift.sinks import slack
from penstock.streams.drift.sinks.jira import LONGEST_DESCRIPTION, LONGEST_SUMMARY, render_jira
from penstock.streams.drift.sinks.junit import render_junit
from penstock.streams.drift.sinks.slack import render_slack
from penstock.streams.drift.sinks.table import COLUMNS, STALE_COLUMNS, rows, stale_rows
from penstock.streams.drift.sinks.webhook import WebhookPayload, render_webhook
from penstock.streams.drift.sinks.wording import stand
from penstock.streams.drift.statuses import DriftFinding, DriftStatus, Observation, Verdict
from penstock.streams.drift.thresholds import Thresholds
from penstock.streams.populate.entries import Slot

if TYPE_CHECKING:
    from tests.unit.streams.drift.conftest import Build

NO_PLAN, OCP = PurchasePlan.NO_PURCHASE_PLAN, PurchasePlan.OCP
ARO = Owner(
    name="ARO", contact="aro@example.com", slack_channel="#aro", jira=JiraPlace(project="ARO", component="images", labels=("boot",))
)
HOSTILE = "<!channel> & <https://evil.example|click> `x` *b* {noformat} ]]> \x00\x1b[31m\ud800 \u202e"


@pytest.fixture
def report(build: "type[Build]") -> DriftReport:
    stream = build.x86("9.6.20251113-0", {NO_PLAN: "9.6.20251015", OCP: "4.18.2025031114"})
    thresholds = Thresholds({**Thresholds().plans, "no-purchase-plan": 20})
    question = DriftQuestion(
        stream,
        "rhel-9",
        "new.json",
        thresholds=thresholds,
        owners={"azureopenshift": ARO},
        since=(build.x86("9.6.20251015-0", {}), "old.json"),
    )
    return asyncio.run(find_drift(question))


def made_up(texts: list[str], publishers: list[str], statuses: list[DriftStatus]) -> DriftReport:
    findings = tuple(
        Thresholds().weigh(
            Observation(
                Slot(Cloud.AZURE, Arch.X86_64, NO_PLAN, Generation.GEN2),
                status,
                text,
                publisher,
                target="9.6.20250826-1",
                image=f"{publisher}:o:s:{text}",
                version=text,
                days=31 if status is DriftStatus.BEHIND else None,
                regions=(str(number),),
            )
        )
        for number, (text, publisher, status) in enumerate(zip(texts, publishers, statuses, strict=True))
    )
    failures = (TransientError(texts[0], subject=texts[-1]),) if texts else ()
    owners = {publisher.casefold(): Owner(name=HOSTILE, contact=HOSTILE) for publisher in publishers}
    return DriftReport(HOSTILE, HOSTILE, "", "", Thresholds(), findings, owners=owners, failures=failures)


TEXTS = st.one_of(st.text(max_size=12), st.just(HOSTILE), st.just("long " * 2000))
REPORTS = st.sampled_from([0, 1, 2, 5, 55]).flatmap(
    lambda count: st.builds(
        made_up,
        st.lists(TEXTS, min_size=count, max_size=count),
        st.lists(st.one_of(st.sampled_from(["redhat", "RedHat", "aro"]), TEXTS), min_size=count, max_size=count),
        st.lists(st.sampled_from(DriftStatus), min_size=count, max_size=count),
    )
)


def strings(value: Any) -> Iterator[str]:  # noqa: ANN401  # plain JSON
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def test_junit_has_a_test_for_each_finding(report: DriftReport) -> None:
    root = ET.fromstring(render_junit(report))
    suite = root.find("testsuite")
    assert suite is not None
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "14",
        "failures": "2",
        "errors": "0",
        "skipped": "12",
    }
    failed = [case for case in suite.iter("testcase") if case.find("failure") is not None]
    assert [case.get("name") for case in failed] == [
        "azure no-purchase-plan hyperVGen1 x86_64",
        "azure no-purchase-plan hyperVGen2 x86_64",
    ]
    failure = failed[0].find("failure")
    assert failure is not None
    assert failure.get("message") == "9.6.20251015: behind (29 days behind)"
    assert failure.get("type") == "behind"


@given(REPORTS)
def test_junit_is_what_readers_of_junit_take(report: DriftReport) -> None:
    """The rules of Jenkins' schema: these elements, these attributes, at most one result, counts that agree."""
    content = render_junit(report)
    root = ET.fromstring(content)
    assert root.tag == "testsuites"
    [suite] = root
    assert set(suite.attrib) <= {"name", "tests", "failures", "errors", "skipped", "time"}
    assert [child.tag for child in suite][:1] == ["properties"]
    cases = suite.findall("testcase")
    assert len(cases) == len(suite) - 1
    for case in cases:
        assert set(case.attrib) == {"name", "classname", "time"}
        assert [child.tag for child in case] in (["failure"], ["error"], ["skipped"], ["system-out"])
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.get(attribute, "")) == len(suite.findall(f"testcase/{tag}"))
    assert int(suite.get("tests", "")) == len(cases) == len(report.findings) + len(report.failures)
    assert len([one for one in cases if one.find("failure") is not None]) == len(report.failing)


@given(REPORTS)
def test_slack_takes_the_message(report: DriftReport) -> None:
    """Fifty blocks, 150 characters of a header, 3000 of a section, and nothing that calls anybody."""
    payload = render_slack(report)
    assert len(payload["blocks"]) <= 50
    assert payload["blocks"][0]["type"] == "header"
    assert len(payload["blocks"][0]["text"]["text"]) <= 150
    for block in payload["blocks"][1:]:
        assert block["type"] == "section"
        assert 0 < len(block["text"]["text"]) <= 3000
    for text in [payload["text"], *strings([block["text"] for block in payload["blocks"][1:]])]:
        assert "<" not in text
        assert ">" not in text
        assert text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "").count("&") == 0
        assert text.count("`") % 2 == 0


def test_slack_tells_publisher_owner_and_images(report: DriftReport) -> None:
    payload = render_slack(report)
    assert payload["channel"] == "#aro"
    assert payload["blocks"][0]["text"]["text"] == "rhel-9: 2 boot images lag behind"
    assert payload["blocks"][2]["text"]["text"] == (
        "`azureopenshift` (ARO, aro@example.com, #aro)\n"
        "• `azure no-purchase-plan hyperVGen1 x86_64: 9.6.20251015: behind (29 days behind), wanted 9.6.20251113-0; "
        "before the bump exact`\n"
        "• `azure no-purchase-plan hyperVGen2 x86_64: 9.6.20251015: behind (29 days behind), wanted 9.6.20251113-0; "
        "before the bump exact`"
    )


def test_each_status_is_said_with_its_count() -> None:
    """Whatever the mixture: every image counts once, under words of its own status."""
    statuses = [DriftStatus.AHEAD, DriftStatus.BEHIND, DriftStatus.BEHIND, DriftStatus.DEPRECATED]
    findings = made_up(["x"] * 4, ["redhat"] * 4, statuses).findings
    said = stand((finding.seen for finding in findings), what="boot image")
    assert said == "2 boot images lag behind, 1 is ahead of the stream, 1 is deprecated"


@pytest.mark.parametrize("status", DriftStatus)
def test_no_status_passes_for_another(status: DriftStatus) -> None:
    def said(each: DriftStatus, count: int) -> str:
        findings = made_up(["x"] * count, ["redhat"] * count, [each] * count).findings
        return stand((finding.seen for finding in findings), what="image")

    assert [said(status, 1)[:8], said(status, 2)[:9]] == ["1 image ", "2 images "]
    for count in (1, 2):
        assert [each for each in DriftStatus if said(each, count) == said(status, count)] == [status]


def test_slack_says_how_many_lines_it_leaves_out() -> None:
    report = made_up(["x" * 200] * 60, ["redhat"] * 60, [DriftStatus.AHEAD] * 60)
    text = render_slack(report)["blocks"][2]["text"]["text"]
    shown = text.count("•")
    assert 0 < shown < 60
    assert text.endswith(f"… and {60 - shown} more")
    assert len(text) <= slack.LONGEST_TEXT


def test_slack_says_how_many_publishers_it_leaves_out() -> None:
    report = made_up(["x"] * 80, [f"p{number}" for number in range(80)], [DriftStatus.AHEAD] * 80)
    blocks = render_slack(report)["blocks"]
    assert len(blocks) == 50
    assert blocks[-1]["text"]["text"] == "… and 33 more publishers"


def test_jira_gets_an_issue_for_each_publisher_with_a_project(report: DriftReport) -> None:
    issues = render_jira(report)
    assert len(issues.payloads) == 1
    fields = issues.payloads[0]["fields"]
    assert fields["project"] == {"key": "ARO"}
    assert fields["issuetype"] == {"name": "Task"}
    assert fields["components"] == [{"name": "images"}]
    assert fields["summary"] == "rhel-9, azureopenshift: 2 images lag behind; wanted: 9.6.20251113-0"
    assert fields["labels"][0] == "penstock-drift"
    assert fields["labels"][-1] == "boot"
    assert "before the bump: old.json" in fields["description"]


def test_jira_names_publishers_without_a_project() -> None:
    report = made_up(["x"], ["redhat"], [DriftStatus.AHEAD])
    assert render_jira(report).without_project == ("redhat",)
    assert render_jira(report, default_project="COS").payloads[0]["fields"]["project"] == {"key": "COS"}


def test_the_label_of_an_issue_stays_while_the_wanted_build_does(report: DriftReport) -> None:
    first, again = (render_jira(report).payloads[0]["fields"]["labels"][1] for _ in range(2))
    other = render_jira(made_up(["x"], ["azureopenshift"], [DriftStatus.AHEAD]), default_project="P").payloads[0]["fields"]["labels"][1]
    assert first == again != other


@given(REPORTS)
def test_jira_takes_the_issues(report: DriftReport) -> None:
    for payload in render_jira(report, default_project="COS").payloads:
        fields = payload["fields"]
        assert 0 < len(fields["summary"]) <= LONGEST_SUMMARY
        assert "\n" not in fields["summary"]
        assert len(fields["description"]) <= LONGEST_DESCRIPTION
        assert fields["description"].count("{noformat}") == 2
        assert all(" " not in label for label in fields["labels"])


@given(REPORTS)
def test_each_publisher_is_told_once(report: DriftReport) -> None:
    told = [concern.finding for members in report.concerns().values() for concern in members]
    assert sorted(map(repr, told)) == sorted(map(repr, report.failing))
    assert len({publisher.casefold() for publisher in report.concerns()}) == len(report.concerns())


def test_a_webhook_gets_the_report_or_the_message(report: DriftReport) -> None:
    body = json.loads(render_webhook(report, WebhookPayload.REPORT))
    assert body == {"event": "penstock.streams.drift", "report": report_document(report)}
    assert json.loads(render_webhook(report, WebhookPayload.SLACK)) == render_slack(report)


@given(REPORTS)
def test_what_is_sent_is_json_whatever_documents_hold(report: DriftReport) -> None:
    for payload in WebhookPayload:
        assert isinstance(json.loads(render_webhook(report, payload)), dict)


def test_the_document_tells_everything(report: DriftReport) -> None:
    document = report_document(report)
    assert {name: document[name] for name in ("document_version", "stream", "fails", "counts", "since")} == {
        "document_version": 1,
        "stream": "rhel-9",
        "fails": True,
        "counts": {"behind": 4, "missing": 10},
        "since": "old.json",
    }
    assert document["findings"][0] == {
        "arch": "x86_64",
        "cloud": "azure",
        "place": "marketplace",
        "plan": "no-purchase-plan",
        "generation": "hyperVGen1",
        "regions": [],
        "partition": None,
        "publisher": "azureopenshift",
        "image": "azureopenshift:aro4:aro4-1:9.6.20251015",
        "version": "9.6.20251015",
        "target": "9.6.20251113-0",
        "status": "behind",
        "days": 29,
        "reason": "29 days behind",
        "limit_days": 20,
        "verdict": "failing",
    }
    [group] = document["stale"]
    assert group["owner"] == {"name": "ARO", "contact": "aro@example.com", "slack_channel": "#aro"}
    assert [image["before"]["status"] for image in group["images"]] == ["exact", "exact"]
    json.dumps(document, allow_nan=False)


def test_rows_have_a_cell_for_each_heading(report: DriftReport) -> None:
    assert {len(row) for row in rows(report)} == {len(COLUMNS)}
    assert {len(row) for row in stale_rows(report)} == {len(STALE_COLUMNS)}


def test_the_summary_counts_what_fails(report: DriftReport) -> None:
    assert report.summary() == "rhel-9 (9.6.20251113-0): 4 behind, 10 missing; 2 of 14 fail"


def test_a_finding_is_a_value() -> None:
    seen = Observation(Slot(Cloud.AZURE, Arch.X86_64, NO_PLAN, Generation.GEN2), DriftStatus.EXACT, "r", "p")
    assert DriftFinding(seen, Verdict.OK, 30) == Thresholds().weigh(seen)
