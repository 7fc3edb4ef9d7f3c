"""Issues for Jira, ready to be posted: one for each publisher that has something to do.

The form is that of ``POST /rest/api/2/issue`` (Data Center and Cloud).  What documents hold stands in ``{noformat}``, where Jira's markup
does not count.  A label made of the publisher and the builds that are wanted lets a bot find the issue it made before.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from penstock.streams.drift.owners import JiraPlace
from penstock.streams.drift.report import Concern, DriftReport
from penstock.streams.drift.sinks.wording import headline, line_of, shortened

LONGEST_SUMMARY: Final = 255
LONGEST_DESCRIPTION: Final = 32_767
LABEL: Final = "penstock-drift"


@dataclass(frozen=True, slots=True)
class Issues:
    """What can be filed.

    Attributes:
        payloads: one for each issue.
        without_project: publishers that nobody named a project for.
    """

    payloads: tuple[Mapping[str, Any], ...]
    without_project: tuple[str, ...]


def render_jira(report: DriftReport, *, default_project: str = "") -> Issues:
    """The issues, in the order of the report.

    Args:
        report: what was found.
        default_project: for publishers whose owner has no project of its own, or ``""``.
    """
    payloads, without = [], []
    for publisher, members in report.concerns().items():
        owner = report.owner(publisher)
        place = owner.jira if owner else None
        if place is None and default_project:
            place = JiraPlace(project=default_project)
        if place is None:
            without.append(publisher)
        else:
            payloads.append({"fields": _fields(report, publisher, members, place)})
    return Issues(tuple(payloads), tuple(without))


def _fields(report: DriftReport, publisher: str, members: tuple[Concern, ...], place: JiraPlace) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "project": {"key": place.project},
        "issuetype": {"name": place.issue_type},
        "summary": shortened(headline(report, publisher, members), LONGEST_SUMMARY),
        "description": _description(report, members),
        "labels": list(dict.fromkeys([LABEL, _fingerprint(report, publisher), *place.labels])),
    }
    if place.component:
        fields["components"] = [{"name": place.component}]
    return fields


def _description(report: DriftReport, members: tuple[Concern, ...]) -> str:
    lines = [f"stream: {report.stream}", f"from: {report.origin}", f"wanted: {', '.join(report.targets)}"]
    if report.since is not None:
        lines.append(f"before the bump: {report.since}")
    for concern in members:
        lines += ["", line_of(concern), f"image: {concern.finding.seen.image or 'none'}"]
    text = "\n".join(shortened(line, 1000) for line in lines)
    text = text.replace("{noformat", "{ noformat")[: LONGEST_DESCRIPTION - 200]
    return f"These images are published apart from the stream, and are not what it wants.\n{{noformat}}\n{text}\n{{noformat}}"


def _fingerprint(report: DriftReport, publisher: str) -> str:
    told = "\n".join([publisher.casefold(), report.stream, *report.targets])
    return f"{LABEL}-{hashlib.sha256(told.encode(errors='surrogatepass')).hexdigest()[:12]}"
