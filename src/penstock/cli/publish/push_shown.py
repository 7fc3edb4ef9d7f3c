"""What a push answers: the plan of a rehearsal, or the results; what is wrong goes to stderr besides."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.output import Output, Table, emit
from penstock.cli.publish.views import result_document
from penstock.cli.text import printable
from penstock.publish.findings import Finding, Stops

if TYPE_CHECKING:
    from penstock.cli.publish.push_work import Pushed
    from penstock.publish.pushing import PreparedPush


def show_prepared(prepared: "PreparedPush", output: Output) -> None:
    """Print what a push would do."""
    warn(warnings_of(prepared))
    emit(prepared_document(prepared), output, lambda: "".join(f"{line}\n" for line in plan_lines(prepared)))


def show_removal(prepared: "PreparedPush", output: Output) -> None:
    """Print what a deletion would do."""
    warn(warnings_of(prepared))
    emit(prepared_document(prepared), output, lambda: "".join(f"{line}\n" for line in removal_lines(prepared)))


def show_pushed(pushed: "Pushed", output: Output) -> None:
    """Print what a push did."""
    warn([*warnings_of(pushed.prepared), *pushed.told])
    emit(pushed_document(pushed), output, lambda: [results_table(pushed), f"results: {pushed.folder}\n"])


def pushed_document(pushed: "Pushed") -> dict[str, Any]:
    """What a push did, as plain data."""
    return {
        "run": pushed.run,
        "outcome": pushed.outcome.value,
        "artifacts": pushed.folder,
        "results": [result_document(each) for each in pushed.results],
        "skipped": _documents(pushed.prepared)["skipped"],
        "findings": [_finding(each) for each in pushed.prepared.findings],
    }


def prepared_document(prepared: "PreparedPush") -> dict[str, Any]:
    """A rehearsal as plain data, version 1."""
    return {
        "version": 1,
        "stopped": prepared.stopped,
        "plan": prepared.plan.document(),
        **_documents(prepared),
        "unmapped": [{"item": each.item.label, "reason": each.reason} for each in prepared.unmapped],
        "unmeasured": [{"file": src, "reason": str(error)} for part in prepared.parts for src, error in part.unmeasured.items()],
        "dropped": [{"subject": subject, "reason": reason} for subject, reason in _dropped(prepared)],
        "findings": [_finding(each) for each in prepared.findings],
    }


def plan_lines(prepared: "PreparedPush") -> Sequence[str]:
    """The plan as a tree, and what becomes of everything that is not in it."""
    lines = ["  " * depth + line for depth, line in prepared.plan.tree()]
    lines += [f"skipped: {each.account} {each.destination}: {each.reason}" for part in prepared.parts for each in part.enriched.skipped]
    if prepared.stopped:
        lines.append("nothing of this would be done: see the errors")
    elif prepared.plan.idle and any(not target.conflict for target in prepared.plan.targets):
        lines.append("nothing would be made: all images are there")
    return lines or ["nothing to push"]


def removal_lines(prepared: "PreparedPush") -> Sequence[str]:
    """The plan of a deletion as a tree; what stands nowhere is told by its own line."""
    staying = {target.label for part in prepared.parts for target in part.enriched.targets if not target.listed}
    bare = {each.label for each in prepared.plan.targets if not each.steps and not each.conflict}
    ends = {label: ": stays" if label in staying else ": not there" for label in bare}
    lines = ["  " * depth + line + ("" if depth else ends.get(line, "")) for depth, line in prepared.plan.tree()]
    return lines or ["nothing to delete"]


def warnings_of(prepared: "PreparedPush") -> Sequence[str]:
    """A line for everything that is wrong, each with its next step."""
    lines = [f"warning: {subject}: {reason}" for subject, reason in _dropped(prepared)]
    lines += [f"error: {each.item.label}: {each.reason}" for each in prepared.unmapped]
    lines += [f"error: {each.account} {each.destination}: {each.reason}" for part in prepared.parts for each in part.enriched.failed]
    # An error names what it happened to by itself.
    lines += [f"error: {error}" for part in prepared.parts for error in part.unmeasured.values()]
    for each in prepared.findings:
        level = "warning" if each.stops is Stops.NOTHING else "error"
        lines.append(f"{level}: {each.problem}" + (f" ({each.hint})" if each.hint else ""))
    for part in prepared.parts:
        lines += [f"warning: {target.label}: {each}" for target in part.enriched.targets for each in target.warnings]
    return list(dict.fromkeys(lines))


def _documents(prepared: "PreparedPush") -> dict[str, Any]:
    """What the parts say of their destinations, together."""
    documents = [part.enriched.document() for part in prepared.parts]
    return {key: [each for document in documents for each in document[key]] for key in ("targets", "skipped", "failed")}


def _dropped(prepared: "PreparedPush") -> list[tuple[str, str]]:
    """What is not pushed, and fails nothing: of the sources, and items that no mapping wants."""
    dropped = [(each.subject, each.reason) for listing in prepared.listings for each in listing.dropped]
    return [*dropped, *((each.item.label, each.reason) for each in prepared.passed_over)]


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


def results_table(pushed: "Pushed") -> Table:
    """The results for people."""
    rows = [
        (
            each.state.value,
            each.account,
            " ".join(each.item.dest) if each.account else "",
            each.filename,
            " ".join(receipt.key for receipt in each.receipts),
            each.reason,
        )
        for each in pushed.results
    ]
    return Table(("state", "account", "destination", "name", "image", "reason"), rows)
