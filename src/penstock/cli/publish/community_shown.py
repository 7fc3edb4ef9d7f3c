"""What a community push answers: the plan of a rehearsal, or the results; what is wrong goes to stderr besides."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.output import Output, Table, emit
from penstock.cli.publish.views import result_document
from penstock.cli.text import printable
from penstock.publish.preflight import Finding, Stops

if TYPE_CHECKING:
    from penstock.cli.publish.community_work import Pushed
    from penstock.publish.community.push import Prepared


def show_prepared(prepared: "Prepared", output: Output) -> None:
    """Print what a push would do."""
    warn(warnings_of(prepared))
    emit(prepared_document(prepared), output, lambda: "".join(f"{line}\n" for line in plan_lines(prepared)))


def show_pushed(pushed: "Pushed", output: Output) -> None:
    """Print what a push did."""
    warn(warnings_of(pushed.prepared))
    document = {
        "run": pushed.run,
        "outcome": pushed.outcome.value,
        "artifacts": pushed.folder,
        "results": [result_document(each) for each in pushed.results],
        "skipped": pushed.prepared.enriched.document()["skipped"],
        "findings": [_finding(each) for each in pushed.prepared.findings],
    }
    emit(document, output, lambda: [_results_table(pushed), f"results: {pushed.folder}\n"])


def prepared_document(prepared: "Prepared") -> dict[str, Any]:
    """A rehearsal as plain data, version 1."""
    return {
        "version": 1,
        "stopped": prepared.stopped,
        "plan": prepared.plan.document(),
        **prepared.enriched.document(),
        "unmapped": [{"item": each.item.label, "reason": each.reason} for each in prepared.unmapped],
        "unmeasured": [{"file": src, "reason": str(error)} for src, error in prepared.unmeasured.items()],
        "dropped": [{"subject": each.subject, "reason": each.reason} for listing in prepared.listings for each in listing.dropped],
        "findings": [_finding(each) for each in prepared.findings],
    }


def plan_lines(prepared: "Prepared") -> Sequence[str]:
    """The plan as a tree, and what becomes of everything that is not in it."""
    lines = ["  " * depth + line for depth, line in prepared.plan.tree()]
    lines += [f"skipped: {each.account} {each.destination}: {each.reason}" for each in prepared.enriched.skipped]
    if prepared.stopped:
        lines.append("nothing of this would be done: see the errors")
    elif prepared.plan.idle and any(not target.conflict for target in prepared.plan.targets):
        lines.append("nothing would be made: all images are there")
    return lines or ["nothing to push"]


def warnings_of(prepared: "Prepared") -> Sequence[str]:
    """A line for everything that is wrong, each with its next step."""
    lines = [f"warning: {each.subject}: {each.reason}" for listing in prepared.listings for each in listing.dropped]
    lines += [f"error: {each.item.label}: {each.reason}" for each in prepared.unmapped]
    lines += [f"error: {each.account} {each.destination}: {each.reason}" for each in prepared.enriched.failed]
    # An error names what it happened to by itself.
    lines += [f"error: {error}" for error in prepared.unmeasured.values()]
    for each in prepared.findings:
        level = "warning" if each.stops is Stops.NOTHING else "error"
        lines.append(f"{level}: {each.problem}" + (f" ({each.hint})" if each.hint else ""))
    for target in prepared.enriched.targets:
        lines += [f"warning: {target.label}: {each}" for each in target.sharing.ignored]
    return list(dict.fromkeys(lines))


def warn(lines: Sequence[str]) -> None:
    """Print lines on stderr."""
    for line in lines:
        click.echo(printable(line), err=True)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "problem": finding.problem,
        "hint": finding.hint or None,
        "stops": finding.stops.value,
        "targets": list(finding.labels),
    }


def _results_table(pushed: "Pushed") -> Table:
    rows = [
        (
            each.state.value,
            each.account,
            " ".join(each.item.dest) if each.account else "",
            each.filename,
            " ".join(receipt.image_id for receipt in each.receipts),
            each.reason,
        )
        for each in pushed.results
    ]
    return Table(("state", "account", "destination", "name", "image", "reason"), rows)
