"""``penstock publish status``: a push, or a deletion, out of its journal, while it runs and afterwards."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.output import Output, Shown, Table, emit, output_option
from penstock.model.errors import ExitCode
from penstock.model.push.journal import ExternalId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.model.push.journal import RunRecord
    from penstock.publish.status import PhaseView, RunView, TargetView

_TELLING = (ExternalId.IMAGE, ExternalId.VERSION, ExternalId.RESOURCE, ExternalId.BLOB)
"""What tells an image, the best first."""


@click.command("status")
@click.argument("run", required=False, metavar="[RUN]")
@click.option("--runs", "listed", is_flag=True, help="List all pushes whose journals are kept.")
@click.option("--follow", is_flag=True, help="Wait until the push ends, and tell on stderr what happens.")
@click.option(
    "--state",
    envvar="PENSTOCK_STATE",
    show_envvar=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Read the journals that are kept here (default: the XDG state directory).",
)
@output_option
def status_command(*, run: str | None, listed: bool, follow: bool, state: Path | None, output: Output) -> ExitCode:
    """Show a push, running or past.

    RUN is the id of a push or a deletion, or its beginning; without it the
    newest one is shown. Nothing is asked of any cloud: the journal knows all
    ids. A run that has ended is done, partly (some failed), failed, unreachable
    (nobody could be reached), interrupted or stopped.

    \b
    Examples:
      penstock publish status
      penstock publish status --runs
      penstock publish status 20260511T101112Z --follow -o json
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.cli.publish import status_work
    from penstock.cli.running import run_async
    from penstock.publish.status import view_document

    if listed:
        if run is not None or follow:
            raise click.UsageError("--runs lists all of them, and takes neither RUN nor --follow", click.get_current_context())
        records = run_async(status_work.all_runs(state))
        emit([_record_document(each) for each in records], output, lambda: _records_table(records))
        return ExitCode.DONE
    record, view = run_async(status_work.one_run(state, run, follow=follow))
    emit({**_record_document(record), **view_document(view)}, output, lambda: _shown(record, view))
    return ExitCode.DONE


def _record_document(record: "RunRecord") -> dict[str, Any]:
    return {
        "run": record.id,
        "command": record.command,
        "sources": list(record.sources),
        "started_at": _moment(record.started_at_s),
        "process": record.process,
        "alive": record.alive,
        "outcome": record.outcome or None,
    }


def _records_table(records: "Sequence[RunRecord]") -> Table:
    rows = [(each.id, each.command, _moment(each.started_at_s), _standing(each), " ".join(each.sources)) for each in records]
    return Table(("run", "command", "started", "state", "sources"), rows)


def _standing(record: "RunRecord") -> str:
    return "running" if record.alive else record.outcome or "cut off"


def _shown(record: "RunRecord", view: "RunView") -> Shown:
    phases = list(dict.fromkeys(phase for target in view.targets for phase in target.phases))
    ordered = sorted(phases, key=[*type(phases[0])].index) if phases else []
    rows: list[tuple[object, ...]] = []
    for target in view.targets:
        cells = [_cell(target.phases.get(phase)) for phase in ordered]
        rows.append((target.label, *cells, target.state, _image(target), target.reason))
    head = f"{record.command} {record.id}: {_standing(record)}, begun {_moment(record.started_at_s)}\n"
    if not view.planned:
        return [head, "there is no plan yet\n" if record.alive else "it never came to a plan\n"]
    return [head, Table(("destination", *(phase.value for phase in ordered), "state", "image", "reason"), rows)]


def _image(target: "TargetView") -> str:
    """What it became, or what is known of that while it runs."""
    known = (target.ids[kind] for kind in _TELLING if target.ids.get(kind))
    return " ".join(target.images) or next(known, "")


def _cell(phase: "PhaseView | None") -> str:
    if phase is None:
        return ""
    words = [phase.stage.value]
    words += [f"{phase.retries} {'retry' if phase.retries == 1 else 'retries'}"] if phase.retries else []
    return ", ".join(words)


def _moment(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
