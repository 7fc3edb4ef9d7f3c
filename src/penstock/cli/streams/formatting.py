"""``penstock streams format``: stream documents in their canonical form."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from penstock.cli.output import emit_bytes, emit_text
from penstock.cli.streams.documents import DOCUMENT, STANDARD_INPUT, name_of, read_file, talk, tell, worse
from penstock.model.errors import ExitCode, PenstockError

if TYPE_CHECKING:
    from penstock.streams.change import FileChange

_DIFF_LINES: Final = 40


@click.command("format")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=DOCUMENT)
@click.option("--check", is_flag=True, help="Write nothing; exit with 3 where a file is not canonical.")
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would change.")
def format_command(*, files: Sequence[Path], check: bool, dry_run: bool) -> ExitCode:
    """Rewrite stream and marketplace files in canonical form.

    Canonical are the key order and the escapes of the upstream library; keys
    that it does not know stay, behind the ones it does. The indentation and the
    last newline are the file's own. The names of changed files are printed; with
    "-" the document goes from stdin to stdout. All files are treated before the
    command ends, with the worst of their exit codes.

    \b
    Examples:
      penstock streams format data/data/coreos/*.json
      penstock streams format --check streams/stable.json
      penstock streams format - < stream.json
    """  # noqa: D301  # \b keeps click from joining the lines
    worst = ExitCode.DONE
    for file in files:
        try:
            code = _format_one(file, check=check, dry_run=dry_run)
        except PenstockError as error:
            tell(error)
            code = error.exit_code
        worst = worse(worst, code)
    return worst


def _format_one(file: Path, *, check: bool, dry_run: bool) -> ExitCode:
    from penstock.adapters.files.atomic import write_atomic
    from penstock.streams.formatting import plan_format

    plan = plan_format(read_file(file), subject=name_of(file))
    if file == STANDARD_INPUT and not (check or dry_run):
        emit_bytes(plan.after)
        return ExitCode.DONE
    if not plan.changes:
        return ExitCode.DONE
    if check or dry_run:
        for line in _diff(plan):
            talk(line)
    else:
        write_atomic(file, plan.after)
    emit_text(f"{plan.path}\n")
    return ExitCode.MISMATCH if check else ExitCode.DONE


def _diff(plan: "FileChange") -> Iterator[str]:
    diff = plan.diff(after_name=f"{plan.path} (canonical)", context_lines=1, max_lines=_DIFF_LINES)
    yield from diff.removesuffix("\n").split("\n")
