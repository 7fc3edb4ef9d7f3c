"""What a populate run tells: the whole as plain data, the rows for a person, the Markdown of a pull request."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from penstock.streams.populate.entries import Evidence, Rule
from penstock.streams.populate.plan import Change, ChangeKind, PopulatePlan

_WORTH_SAYING: Final = frozenset({Rule.KEPT, Rule.UNFIT, Rule.ABSENT})
_COLUMNS: Final = ("slot", "was", "becomes", "rule", "reason")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|!])")


def plan_document(plan: PopulatePlan, *, stream: str, marketplace: str, dry_run: bool, written: Sequence[str]) -> dict[str, Any]:
    """The whole run as plain data.

    Args:
        plan: the run.
        stream: what the stream's file is called.
        marketplace: what the marketplace file is called.
        dry_run: whether nothing was to be written.
        written: the documents that were written.
    """
    request = plan.request
    return {
        "document_version": 1,
        "stream": stream,
        "marketplace": marketplace,
        "choice": request.choice.value,
        "release": request.release.text if request.release else None,
        "dry_run": dry_run,
        "written": list(written),
        "counts": {kind.value: sum(change.kind is kind for change in plan.changes) for kind in ChangeKind},
        "unfit": len(plan.unfit),
        "notes": list(plan.notes),
        "slots": [change_document(change) for change in plan.changes],
    }


def change_document(change: Change) -> dict[str, Any]:
    """One slot as plain data."""
    finding = change.finding
    slot = finding.slot
    return {
        "slot": str(slot),
        "cloud": slot.cloud.value,
        "arch": slot.arch.value,
        "plan": slot.plan.value if slot.plan else None,
        "generation": slot.generation.value if slot.generation else None,
        "region": slot.region,
        "place": slot.place.value,
        "change": change.kind.value,
        "before": change.before or None,
        "after": change.after or None,
        "release": finding.release or None,
        "rule": finding.rule.value,
        "reason": finding.reason,
        "fallback_of": finding.fallback_of or None,
        **evidence_document(finding.evidence),
    }


def evidence_document(evidence: Evidence) -> dict[str, Any]:
    """What a finding rests upon, as plain data."""
    return {
        "source": evidence.source or None,
        "asked_at": f"{evidence.asked_at:%Y-%m-%dT%H:%M:%SZ}" if evidence.asked_at else None,
        "candidates": evidence.candidates or None,
        "candidate_count": evidence.candidate_count,
    }


def told_changes(plan: PopulatePlan) -> list[Change]:
    """The changes that a person wants to see: whatever changes, and whatever is not as it should be."""
    return [change for change in plan.changes if change.kind is not ChangeKind.SAME or change.finding.rule in _WORTH_SAYING]


def change_rows(changes: Iterable[Change]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and rows of a table of changes."""
    rows: list[tuple[str, ...]] = [
        (str(change.finding.slot), _short(change.before), _becomes(change), change.finding.rule.value, change.finding.reason)
        for change in changes
    ]
    return _COLUMNS, rows


def last_line(plan: PopulatePlan) -> str:
    """The run in one line: ``3 added, 4 changed, 6 unchanged``."""
    counts: Mapping[ChangeKind, int] = {kind: sum(change.kind is kind for change in plan.changes) for kind in ChangeKind}
    unfilled = sum(not change.after for change in plan.changes if change.kind is ChangeKind.SAME)
    parts = [f"{count} {kind.value}" for kind, count in counts.items() if count and kind is not ChangeKind.SAME]
    parts += [f"{counts[ChangeKind.SAME] - unfilled} unchanged"] if counts[ChangeKind.SAME] - unfilled else []
    parts += [f"{unfilled} without an image"] if unfilled else []
    return ", ".join(parts) if parts else "nothing to look for"


def summary_markdown(plan: PopulatePlan, *, stream: str, marketplace: str) -> str:
    """The run as the text of a pull request."""
    headings, rows = change_rows(told_changes(plan))
    lines = [f"### Marketplace images of {_plain(stream)}", ""]
    lines += [f"{_plain(marketplace)}: {last_line(plan)}; chosen by `{plan.request.choice.value}`.", ""]
    if rows:
        lines += [f"| {' | '.join(headings)} |", f"|{' --- |' * len(headings)}"]
        lines += [f"| {' | '.join(_plain(cell) for cell in row)} |" for row in rows]
        lines.append("")
    lines += [f"- {_plain(note)}" for note in plan.notes]
    lines += [""] if plan.notes else []
    sources = sorted({(evidence.source, evidence.candidate_count, evidence.candidates) for evidence in _evidence(plan) if evidence.source})
    if sources:
        lines += [f"<details><summary>What was asked, {plan.request.now:%Y-%m-%d %H:%M} UTC</summary>", ""]
        lines += ["| source | candidates | their digest |", "| --- | --- | --- |"]
        lines += [f"| {_plain(source)} | {count} | {digest or '-'} |" for source, count, digest in sources]
        lines += ["", "</details>", ""]
    return "\n".join(lines)


def _evidence(plan: PopulatePlan) -> Iterable[Evidence]:
    return (change.finding.evidence for change in plan.changes)


def _becomes(change: Change) -> str:
    return "the same, written otherwise" if change.kind is ChangeKind.RESPELT else _short(change.after)


def _short(key: str) -> str:
    return key or "-"


def _plain(text: str) -> str:
    """Text of others that Markdown takes as text, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
