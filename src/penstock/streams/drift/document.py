"""The report as plain data: what ``-o json`` prints and what a webhook gets."""

from collections.abc import Mapping
from typing import Any

from penstock.streams.drift.owners import Owner
from penstock.streams.drift.report import DriftReport
from penstock.streams.drift.since import Stale, by_publisher
from penstock.streams.drift.statuses import DriftFinding, Observation

DOCUMENT_VERSION = 1


def report_document(report: DriftReport) -> dict[str, Any]:
    """The whole report; keys are stable, new ones may come."""
    document: dict[str, Any] = {
        "document_version": DOCUMENT_VERSION,
        "stream": report.stream,
        "origin": report.origin,
        "version": report.version or None,
        "branch": report.branch or None,
        "informational": report.thresholds.informational or None,
        "fails": bool(report.failing),
        "counts": {status.value: count for status, count in report.counts().items()},
        "findings": [finding_document(finding) for finding in report.findings],
    }
    if report.since is not None:
        document["since"] = report.since
        document["stale"] = [
            {"publisher": publisher, "owner": _owner(report.owner(publisher)), "images": [_stale(one) for one in members]}
            for publisher, members in by_publisher(report.stale).items()
        ]
    if report.asked:
        document["asked"] = dict(report.asked)
    document["not_asked"] = [str(error) for error in report.failures]
    document["notes"] = list(report.notes)
    return document


def finding_document(finding: DriftFinding) -> dict[str, Any]:
    """One finding."""
    seen = finding.seen
    return {
        "arch": seen.slot.arch.value,
        "cloud": seen.slot.cloud.value,
        "place": seen.slot.place.value,
        "plan": seen.slot.plan.value if seen.slot.plan else None,
        "generation": seen.slot.generation.value if seen.slot.generation else None,
        "regions": list(seen.regions),
        "partition": seen.partition or None,
        "publisher": seen.publisher,
        "image": seen.image or None,
        **_standing(seen),
        "limit_days": finding.limit_days,
        "verdict": finding.verdict.value,
    }


def _standing(seen: Observation) -> dict[str, Any]:
    return {
        "version": seen.version or None,
        "target": seen.target or None,
        "status": seen.status.value,
        "days": seen.days,
        "reason": seen.reason,
    }


def _stale(one: Stale) -> dict[str, Any]:
    before = {key: value for key, value in _standing(one.before).items() if key != "version"}
    return {**finding_document(one.now), "before": before}


def _owner(owner: Owner | None) -> Mapping[str, Any] | None:
    if owner is None:
        return None
    return {"name": owner.name or None, "contact": owner.contact or None, "slack_channel": owner.slack_channel or None}
