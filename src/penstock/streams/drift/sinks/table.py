"""The rows that people see."""

from collections.abc import Sequence
from typing import Final

from penstock.streams.drift.report import DriftReport
from penstock.streams.drift.since import by_publisher
from penstock.streams.drift.statuses import DriftFinding, Observation

COLUMNS: Final = ("arch", "cloud", "plan", "gen", "version", "status", "days", "limit", "verdict", "why")
STALE_COLUMNS: Final = ("publisher", "owner", "place", "version", "before", "now", "verdict")


def rows(report: DriftReport) -> list[Sequence[object]]:
    """One row for each finding, under :data:`COLUMNS`."""
    return [_row(finding) for finding in report.findings]


def stale_rows(report: DriftReport) -> list[Sequence[object]]:
    """One row for each image that the bump made stale, under :data:`STALE_COLUMNS`; grouped by publisher."""
    found: list[Sequence[object]] = []
    for publisher, members in by_publisher(report.stale).items():
        owner = report.owner(publisher)
        told = " ".join(part for part in (owner.name, owner.contact) if part) if owner else ""
        for one in members:
            seen = one.now.seen
            found.append((publisher, told, seen.name, seen.version, one.before.status, _status(seen), one.now.verdict))
    return found


def _row(finding: DriftFinding) -> Sequence[object]:
    seen = finding.seen
    slot = seen.slot
    cloud = f"{slot.cloud} ({_regions(seen)})" if seen.regions else seen.partition or slot.cloud
    version = seen.version if len(seen.version) <= 40 else f"{seen.version[:39]}…"
    return (
        slot.arch,
        cloud,
        slot.plan or slot.place,
        slot.generation.number if slot.generation else None,
        version,
        seen.status,
        seen.days or None,
        finding.limit_days if finding.limit_days is not None else "-",
        finding.verdict,
        seen.reason,
    )


def _status(seen: Observation) -> str:
    return f"{seen.status} {seen.days} days" if seen.days else seen.status.value


def _regions(seen: Observation) -> str:
    return seen.regions[0] if len(seen.regions) == 1 else f"{len(seen.regions)} regions"
