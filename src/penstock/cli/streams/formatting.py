"""``penstock streams``: stream metadata in its canonical form, and with its marketplace images."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from penstock.cli.output import emit_bytes, emit_text
from penstock.cli.text import printable
from penstock.model.errors import ExitCode, PenstockError

if TYPE_CHECKING:
    from penstock.streams.formatting import FormatPlan

_STANDARD_INPUT: Final = Path("-")
_DIFF_LINES: Final = 40
_BADNESS: Final = (ExitCode.DONE, ExitCode.MISMATCH, ExitCode.USAGE, ExitCode.TRY_AGAIN, ExitCode.FAILED)
_DOCUMENT = click.Path(path_type=Path, allow_dash=True)


@click.group("streams", no_args_is_help=True)
def group() -> None:
    """Format and merge stream metadata.

    A stream says which boot image a release of CoreOS has for each architecture, platform and cloud.

    \b
    Examples:
      penstock streams format data/data/coreos/*.json
      penstock streams merge coreos-rhel-9.json marketplace/coreos-rhel-9.json
    """  # noqa: D301  # \b keeps click from joining the lines


@group.command("format")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_DOCUMENT)
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
            _tell(error)
            code = error.exit_code
        worst = max(worst, code, key=_BADNESS.index)
    return worst


@group.command("merge")
@click.argument("stream_file", metavar="STREAM", type=_DOCUMENT)
@click.argument("marketplace_files", metavar="MARKETPLACE...", nargs=-1, required=True, type=_DOCUMENT)
def merge_command(*, stream_file: Path, marketplace_files: Sequence[Path]) -> None:
    """Print a stream with the marketplace images put in.

    Each architecture of the stream that a MARKETPLACE file has gets that entry,
    in the place of the one it had; of several files the last one counts. The
    layout is that of STREAM. One of the files may be "-", for stdin.

    \b
    Example:
      penstock streams merge coreos-rhel-9.json marketplace/coreos-rhel-9.json
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.formats.stream import parse_marketplace, parse_stream, write_stream_document
    from penstock.streams.merging import merge_marketplace

    if [stream_file, *marketplace_files].count(_STANDARD_INPUT) > 1:
        raise click.UsageError("Only one of the files can be '-'.")
    layout_of = _read(stream_file)
    stream = parse_stream(layout_of, subject=_name(stream_file))
    for file in marketplace_files:
        merged = merge_marketplace(stream, parse_marketplace(_read(file), subject=_name(file)))
        stream = merged.stream
        if merged.ignored:
            names = ", ".join(merged.ignored)
            _talk(f"note: {_name(file)} has images for {names}, which the stream does not have; they are left out")
    emit_bytes(write_stream_document(stream, like=layout_of))


def _format_one(file: Path, *, check: bool, dry_run: bool) -> ExitCode:
    from penstock.adapters.files.atomic import write_atomic
    from penstock.streams.formatting import plan_format

    plan = plan_format(_read(file), subject=_name(file))
    if file == _STANDARD_INPUT and not (check or dry_run):
        emit_bytes(plan.after)
        return ExitCode.DONE
    if not plan.changes:
        return ExitCode.DONE
    if check or dry_run:
        for line in _diff(plan):
            _talk(line)
    else:
        write_atomic(file, plan.after)
    emit_text(f"{plan.subject}\n")
    return ExitCode.MISMATCH if check else ExitCode.DONE


def _diff(plan: "FormatPlan") -> Iterator[str]:
    yield from plan.diff(max_lines=_DIFF_LINES).split("\n")


def _read(file: Path) -> bytes:
    from penstock.adapters.files.reading import read_document, read_stream
    from penstock.formats.text import DEFAULT_LIMIT_BYTES

    if file == _STANDARD_INPUT:
        return read_stream(sys.stdin.buffer, subject=_name(file), limit_bytes=DEFAULT_LIMIT_BYTES)
    return read_document(file, limit_bytes=DEFAULT_LIMIT_BYTES)


def _name(file: Path) -> str:
    return "standard input" if file == _STANDARD_INPUT else str(file)


def _tell(error: PenstockError) -> None:
    """Say what one file of several came to, in the form in which the program tells the error that ends it."""
    _talk(f"penstock: {error}")
    if error.hint:
        _talk(f"hint: {error.hint}")


def _talk(line: str) -> None:
    click.echo(printable(line), err=True)
