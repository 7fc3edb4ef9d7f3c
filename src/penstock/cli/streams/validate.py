"""``penstock streams validate``: schema and lint of stream documents."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from penstock.cli.output import Output, Shown, Table, emit, output_option
from penstock.cli.streams.documents import DOCUMENT, STANDARD_INPUT, name_of, read_file, tell, worse
from penstock.model.errors import ExitCode, PenstockError

if TYPE_CHECKING:
    from penstock.streams.lint.checking import Report

_TOLD_BY_KEYS: Final = "auto"
_KINDS: Final = (_TOLD_BY_KEYS, "stream", "marketplace", "updates", "configmap")


@click.command("validate")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=DOCUMENT)
@click.option("--previous", type=DOCUMENT, help="Compare with this earlier file, and tell what got lost; for one FILE.")
@click.option("--kind", type=click.Choice(_KINDS), default=_TOLD_BY_KEYS, help="What the files are; for auto their keys tell.")
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@output_option
def validate_command(*, files: Sequence[Path], previous: Path | None, kind: str, strict: bool, output: Output) -> ExitCode:
    """Check stream documents against schema and lint.

    Streams, marketplace files, update metadata and coreos-bootimages ConfigMaps
    are checked; "-" is stdin. Each finding has a level (error, warning or info),
    a rule, the place and a sentence. Rules look at the name against the content,
    mixed releases, holes, addresses, checksums, marketplace images, and with
    --previous at what got lost: regions, platforms, formats, architectures.

    The exit code is 3 where there is an error (or a warning, with --strict), and
    2 where a file is none of these documents.

    \b
    Examples:
      penstock streams validate data/data/coreos/*.json
      penstock streams validate --strict --previous old.json new.json -o json
    """  # noqa: D301  # \b keeps click from joining the lines
    if previous is not None and len(files) > 1:
        raise click.UsageError("--previous compares one FILE; several are given.")
    if [*files, previous].count(STANDARD_INPUT) > 1:
        raise click.UsageError("Only one of the files can be '-'.")
    before = read_file(previous) if previous is not None else None
    reports: list[Report] = []
    worst = ExitCode.DONE
    for file in files:
        try:
            report = _check(file, kind, before, previous)
        except PenstockError as error:
            tell(error)
            code = error.exit_code
        else:
            reports.append(report)
            code = ExitCode.DONE if report.passes(strict=strict) else ExitCode.MISMATCH
        worst = worse(worst, code)
    described = [_described(report) for report in reports]
    emit({"document_version": 1, "passed": worst is ExitCode.DONE, "files": described}, output, lambda: _shown(described))
    return worst


def _check(file: Path, kind: str, before: bytes | None, previous: Path | None) -> "Report":
    from penstock.streams.lint.checking import CheckedKind, check_document

    wanted = None if kind == _TOLD_BY_KEYS else CheckedKind(kind)
    earlier = name_of(previous) if previous is not None else ""
    return check_document(read_file(file), subject=name_of(file), kind=wanted, previous=before, previous_subject=earlier)


def _described(report: "Report") -> dict[str, Any]:
    from penstock.streams.lint.findings import Level

    findings = [
        {
            "level": placed.finding.level.value,
            "rule": placed.finding.rule.value,
            "path": placed.finding.place,
            "line": placed.line,
            "message": placed.finding.message,
        }
        for placed in report.findings
    ]
    counts = {f"{level}_count": report.count(level) for level in Level}
    return {"file": report.subject, "kind": report.kind.value, **counts, "findings": findings}


def _shown(files: Sequence[Mapping[str, Any]]) -> Shown:
    shown: list[str | Table] = []
    for file in files:
        shown += ["\n"] if shown else []
        shown.append(f"{file['file']}: {file['kind']}, {_summary(file)}")
        if file["findings"]:
            rows = [(each["level"], each["rule"], _place(each), each["message"]) for each in file["findings"]]
            shown.append(Table(("level", "rule", "place", "message"), rows))
    return shown


def _place(finding: Mapping[str, Any]) -> str:
    return str(finding["path"]) if finding["line"] is None else f"{finding['line']}: {finding['path']}"


def _summary(file: Mapping[str, Any]) -> str:
    counts = [(file["error_count"], "error"), (file["warning_count"], "warning"), (file["info_count"], "note")]
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count) or "nothing to say"
