"""The answer on stdout: a table for people, the document for programs.

A command builds one document (plain mappings, lists, strings, numbers) and says how to show it; ``-o`` decides.  JSON and YAML print the
document as it is, in its own key order, so the same answer is always the same bytes.  Tables go through rich on a terminal and are plain,
aligned text elsewhere.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import click

from penstock.cli.text import printable
from penstock.model.errors import OperationError

F = TypeVar("F", bound=Callable[..., Any])

Document = Mapping[str, Any] | Sequence[Any]
"""Plain data: mappings with string keys, sequences, strings, numbers, booleans, None."""


class Output(StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows for people.

    Attributes:
        columns: the headings; empty for a list of names and values.
        rows: one cell per column; what is no string is shown with ``str``, None as nothing.
        title: a line above, or ``""``.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    title: str = ""


Shown = str | Table | Sequence["str | Table"]
"""What a person sees: text (its lines are printed as they are, but for control characters), tables, or several of them."""


def output_option(command: F) -> F:
    """``-o/--output table|json|yaml``, passed as ``output: Output``."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(list(Output), case_sensitive=False),
        default=Output.TABLE.value,  # a member would be shown by its name, TABLE
        help="Print a table for people, or the document.",
    )(command)


def emit(document: Document, output: Output, table: Callable[[], Shown]) -> None:
    """Print an answer.

    Args:
        document: the whole answer as plain data.
        output: the value of ``output_option``.
        table: builds what people see; called for ``Output.TABLE`` only.

    Raises:
        OperationError: stdout cannot take it (disk full).
        BrokenPipeError: the reader went away; the shell ends the program in silence.
    """
    match output:
        case Output.JSON:
            emit_text(render_json(document))
        case Output.YAML:
            emit_text(_render_yaml(document))
        case Output.TABLE:
            shown = table()
            for part in [shown] if isinstance(shown, str | Table) else shown:
                _emit_part(part)


def emit_text(text: str) -> None:
    """Print ``text`` as it is, in UTF-8; for documents, whose bytes must not depend on the locale.

    Raises:
        OperationError: stdout cannot take it.
        BrokenPipeError: the reader went away.
    """
    emit_bytes(text.encode("utf-8", errors="backslashreplace"))


def emit_bytes(content: bytes) -> None:
    """Print exact bytes.

    Raises:
        OperationError: stdout cannot take them.
        BrokenPipeError: the reader went away.
    """
    try:
        click.echo(content, nl=False)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OperationError(f"cannot write the answer: {error.strerror}", subject="standard output") from error


def render_json(document: Document) -> str:
    """``document`` as JSON: its own key order, two spaces, Unicode as it is, one newline at the end."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _render_yaml(document: Document) -> str:
    from penstock.formats.yamltext import render_yaml

    # By way of JSON: both outputs then hold the same values, whatever kind of string or mapping the command used.
    return render_yaml(json.loads(json.dumps(document, allow_nan=False)))


def _emit_part(part: str | Table) -> None:
    if isinstance(part, str):
        emit_text("".join(f"{printable(line)}\n" for line in part.splitlines()))
    elif sys.stdout is not None and sys.stdout.isatty():
        _print_rich(part)
    else:
        emit_text(render_plain(part))


def _cells(table: Table) -> list[list[str]]:
    return [[printable("" if cell is None else str(cell)) for cell in row] for row in table.rows]


def render_plain(table: Table) -> str:
    """``table`` as aligned text without colours: two spaces between columns, none at the end of a line."""
    rows = _cells(table)
    if table.columns:
        rows.insert(0, [heading.upper() for heading in table.columns])
    widths = [max(len(row[index]) for row in rows if index < len(row)) for index in range(max(map(len, rows), default=0))]
    lines = ["  ".join(cell.ljust(widths[index]) for index, cell in enumerate(row)).rstrip() for row in rows]
    if table.title:
        lines.insert(0, table.title)
    return "".join(f"{line}\n" for line in lines)


def _print_rich(table: Table) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(
        title=Text(table.title) if table.title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD if table.columns else None,
        show_header=bool(table.columns),
        pad_edge=False,
    )
    for heading in table.columns or [""] * max(map(len, table.rows), default=0):
        drawn.add_column(heading, overflow="fold")
    for row in _cells(table):
        # Text, not str: a name with [brackets] in it is no markup.
        drawn.add_row(*(Text(cell) for cell in row))
    Console().print(drawn)
