"""A push on a terminal: a row for each destination, a column for each phase; results above, moving bytes below."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from penstock.cli.progress import describe
from penstock.cli.publish.board import Board, Cell, Row, standing, together
from penstock.cli.publish.views import result_line, step_line
from penstock.cli.text import printable
from penstock.model.progress import Progress
from penstock.model.push.journal import EventKind
from penstock.model.push.results import PushResult
from penstock.publish.actions import Phase
from penstock.publish.plan import Plan, Step
from penstock.publish.status import Stage

_STYLES: Final = {
    Stage.REUSED: "dim",
    Stage.WAITING: "dim",
    Stage.RUNNING: "cyan",
    Stage.DONE: "green",
    Stage.BARRED: "red",
    Stage.FAILED: "bold red",
}
_LINES_OF_BYTES: Final = 6
_BETWEEN: Final = 3
"""Cells between two columns."""
_LINES_AROUND: Final = 5
"""Heading, rule and foot of the table, and some air."""


@contextmanager
def live_table(console: Console | None = None) -> Iterator["LiveTable"]:
    """A view that is drawn anew four times a second, and vanishes at its end; stdout is left alone."""
    shown = console or Console(stderr=True)
    view = LiveTable(shown)
    live = Live(get_renderable=view.drawn, console=shown, refresh_per_second=4, transient=True, redirect_stdout=False)
    with live:
        yield view


class LiveTable:
    """:class:`penstock.cli.publish.views.PushView`; drawn from rich's thread, told from others."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._board: Board | None = None
        self._moving: dict[tuple[str, str], Progress] = {}
        self._lock = threading.Lock()

    def progress(self, event: Progress) -> None:
        """See the protocol."""
        with self._lock:
            if event.finished:
                self._moving.pop((event.step, event.item), None)
            else:
                self._moving[event.step, event.item] = event

    def planned(self, plan: Plan) -> None:
        """See the protocol."""
        with self._lock:
            self._board = Board(plan)

    def step(self, step: Step, kind: EventKind, detail: str) -> None:
        """See the protocol; what is tried again or failed leaves a line."""
        with self._lock:
            if self._board is not None:
                self._board.tell(step, kind)
        if kind in (EventKind.STEP_RETRIED, EventKind.STEP_FAILED):
            self._say(step_line(step, kind, detail))

    def result(self, result: PushResult) -> None:
        """See the protocol."""
        self._say(result_line(result))

    def drawn(self) -> RenderableType:
        """What the terminal shows now."""
        with self._lock:
            moving = [Text(describe(event), overflow="ellipsis", no_wrap=True) for event in list(self._moving.values())[-_LINES_OF_BYTES:]]
            if self._board is None:
                return Group(*moving)
            room = max(3, self._console.height - _LINES_AROUND - len(moving))
            return Group(_table(self._board, room, self._console.width), *moving)

    def _say(self, line: str) -> None:
        with suppress(OSError):
            self._console.print(printable(line), markup=False, highlight=False)


def _table(board: Board, room: int, width: int) -> Table:
    """A column for each phase where the terminal is wide enough, else one for all of them."""
    rows = board.busiest(room)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption=board.summary(), caption_justify="left")
    wide = _wide(board, rows)
    if _width(wide) <= width:
        for number, heading in enumerate(wide[0]):
            table.add_column(heading, no_wrap=True, min_width=len(heading) if number else None)
        for label, row in rows:
            cells = (row.get(phase) for phase in board.phases)
            table.add_row(Text(printable(label)), *(Text(str(each), style=_STYLES[each.stage]) if each else Text() for each in cells))
        return table
    table.add_column("destination", no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column("phases", no_wrap=True)
    table.add_column("now", no_wrap=True)
    table.expand = True
    for label, row in rows:
        over, words = standing(row)
        table.add_row(Text(printable(label)), f"{over} of {len(row)}", Text(words, style=_STYLES[_worst(row)]))
    return table


def _wide(board: Board, rows: Sequence[Row]) -> list[list[str]]:
    """The words of the table with a column for each phase, its heading first."""
    lines = [["destination", *(phase.value for phase in board.phases)]]
    lines += [[printable(label), *(str(row.get(phase) or "") for phase in board.phases)] for label, row in rows]
    return lines


def _width(lines: Sequence[Sequence[str]]) -> int:
    """How many cells of a terminal these columns need, with what is between them."""
    return sum(max(cell_len(line[column]) for line in lines) for column in range(len(lines[0]))) + _BETWEEN * len(lines[0])


def _worst(cells: Mapping[Phase, Cell]) -> Stage:
    """The stage of a row as a whole."""
    return together(each.stage for each in cells.values())
