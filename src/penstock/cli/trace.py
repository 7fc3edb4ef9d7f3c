"""``penstock trace``: the ledger, asked about one thing."""

import asyncio
import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.options import ledger_option
from penstock.cli.output import Output, emit, output_option
from penstock.cli.running import run_async
from penstock.model.lineage import Direction

if TYPE_CHECKING:
    from penstock.lineage.trace import Trace

_DIRECTIONS = {"both": (Direction.UP, Direction.DOWN), "up": (Direction.UP,), "down": (Direction.DOWN,)}
_MAX_DEPTH = 100  # penstock.lineage.trace.MAX_DEPTH, which a test compares; importing it here would slow down --help


@click.command(name="trace")
@click.argument("subject", metavar="REF|FILE")
@click.option(
    "--direction", type=click.Choice(list(_DIRECTIONS)), default="both", help="Go up to what it came from, or down to what it became."
)
@click.option("--depth", type=click.IntRange(1, _MAX_DEPTH), metavar="STEPS", default=_MAX_DEPTH, help="Go this many steps.")
@ledger_option
@output_option
def command(*, subject: str, direction: str, depth: int, ledger: str | None, output: Output) -> None:
    """Show where a thing came from and where it went.

    REF is a digest (sha256:…, bare, or its first 8 digits or more), a pullspec,
    a version, or any other name under which a command recorded the thing. An
    existing FILE is looked up by its content, and wins over a name of the same
    spelling. All things of that name are shown.

    \b
    Examples:
      penstock trace coreos-x86_64.iso
      penstock trace 4.20.1 --direction down
      penstock trace quay.example/release:4.20.1 -o json
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.lineage.document import trace_document

    traces = run_async(_ask(subject, _DIRECTIONS[direction], depth, ledger))
    emit(trace_document(traces), output, lambda: _draw(traces))


async def _ask(subject: str, directions: tuple[Direction, ...], depth: int, option: str | None) -> "list[Trace]":
    from penstock.lineage.lookup import find_artifacts
    from penstock.lineage.trace import trace
    from penstock.wiring import open_ledger

    ledger = open_ledger(option)
    try:
        path = Path(subject)
        if await asyncio.to_thread(_is_file, path):
            found = await find_artifacts(ledger, await asyncio.to_thread(_sha256, path), path=subject, place=ledger.place)
        else:
            found = await find_artifacts(ledger, subject, place=ledger.place)
        return [await trace(ledger, artifact, directions, depth=depth) for artifact in found]
    finally:
        await ledger.close()


def _draw(traces: "list[Trace]") -> str:
    from penstock.cli.tracetree import glyphs_for, render_trees

    return render_trees(traces, glyphs_for(sys.stdout.encoding))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long for a path, or with a NUL: then it is a name
        return False


def _sha256(path: Path) -> str:
    """The digest of the file's content, read as a stream.

    Raises:
        InputError: the file cannot be read.
    """
    from penstock.model.errors import InputError

    try:
        with path.open("rb") as content:
            return f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"
    except OSError as error:
        raise InputError(f"cannot read the file: {error.strerror}", subject=str(path)) from error
