"""``penstock trace``: the ledger, asked about one thing."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.options import ledger_option
from penstock.cli.output import Output, emit, output_option
from penstock.cli.running import run_async
from penstock.model.lineage import Direction

if TYPE_CHECKING:
    from penstock.flow.file_recognition import FoundFile
    from penstock.lineage.trace import Trace

_DIRECTIONS = {"both": (Direction.UP, Direction.DOWN), "up": (Direction.UP,), "down": (Direction.DOWN,)}
_MAX_DEPTH = 100  # penstock.lineage.trace.MAX_DEPTH, which a test compares; importing it here would slow down --help


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the ledger says, and of a file how it was found."""

    traces: "list[Trace]"
    file: "FoundFile | None" = None


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
    spelling. An ISO of CoreOS that holds a config of its own is recognised by
    its other bytes, and if it was served, with them. All things of that name are
    shown.

    \b
    Examples:
      penstock trace coreos-x86_64.iso
      penstock trace 4.20.1 --direction down
      penstock trace quay.example/release:4.20.1 -o json
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.lineage.document import trace_document

    answer = run_async(_ask(subject, _DIRECTIONS[direction], depth, ledger))
    document = trace_document(answer.traces)
    if answer.file is not None and answer.file.outside is not None:
        document["recognised"] = {
            "outside": str(answer.file.outside),
            "areas": [{"offset": area.offset, "length": area.length} for area in answer.file.areas],
            "served_to": list(answer.file.served_to),
        }
    emit(document, output, lambda: _draw(answer))


async def _ask(subject: str, directions: tuple[Direction, ...], depth: int, option: str | None) -> _Answer:
    from penstock.lineage.lookup import find_artifacts
    from penstock.lineage.trace import trace
    from penstock.wiring import open_ledger

    ledger = open_ledger(option)
    try:
        path, file = Path(subject), None
        if await asyncio.to_thread(_is_file, path):
            from penstock.flow.file_recognition import find_file

            file = await find_file(ledger, path, place=ledger.place)
            found = list(file.artifacts)
        else:
            found = await find_artifacts(ledger, subject, place=ledger.place)
        return _Answer([await trace(ledger, artifact, directions, depth=depth) for artifact in found], file)
    finally:
        await ledger.close()


def _draw(answer: _Answer) -> str:
    from penstock.cli.tracetree import glyphs_for, render_trees

    drawn = render_trees(answer.traces, glyphs_for(sys.stdout.encoding))
    if answer.file is None or answer.file.outside is None:
        return drawn
    if answer.file.served_to:
        return f"this is the ISO that was served to {', '.join(answer.file.served_to)}\n\n{drawn}"
    areas = ", ".join(f"{area.length} bytes at {area.offset}" for area in answer.file.areas)
    return f"recognised by its bytes outside of the areas: {areas}\n\n{drawn}"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long for a path, or with a NUL: then it is a name
        return False
