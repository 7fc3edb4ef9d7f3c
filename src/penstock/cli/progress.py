"""Progress, drawn on stderr: bars on a terminal, lines in a log, JSON lines for a program.

Use cases send ``Progress`` events from any thread and do not know who draws.  A sink never raises and never waits: a stderr that is gone
ends the drawing, not the work.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import click

from penstock.cli.text import format_size, printable
from penstock.model.progress import Progress
from penstock.ports import ProgressSink

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

F = TypeVar("F", bound=Callable[..., Any])

PLAIN_INTERVAL_S: Final = 5.0
"""A running item gets a plain line at most this often."""

JSON_INTERVAL_S: Final = 0.2
"""A running item gets a JSON line at most this often; the first and the last event are always told."""


class ProgressStyle(StrEnum):
    """How progress is shown."""

    AUTO = "auto"
    PLAIN = "plain"
    JSON = "json"
    NONE = "none"


def progress_option(command: F) -> F:
    """``--progress auto|plain|json|none``, passed as ``progress: ProgressStyle``."""
    return click.option(
        "--progress",
        type=click.Choice(list(ProgressStyle), case_sensitive=False),
        default=ProgressStyle.AUTO.value,  # a member would be shown by its name, AUTO
        envvar="PENSTOCK_PROGRESS",
        show_envvar=True,
        help="Show progress on stderr; auto is bars on a terminal, else plain.",
    )(command)


@contextmanager
def progress_sink(style: ProgressStyle, *, clock: Callable[[], float] = time.monotonic) -> Iterator[ProgressSink]:
    """A sink that draws in ``style`` while the context lasts; events that come later are dropped.

    Args:
        style: the value of ``progress_option``.
        clock: seconds from any beginning, for speeds and intervals.
    """
    match style:
        case ProgressStyle.NONE:
            yield _ignore
        case ProgressStyle.JSON:
            with _Guarded(_JsonLines(clock)) as sink:
                yield sink
        case ProgressStyle.AUTO if on_terminal():
            with _bars() as bars, _Guarded(_DrawnBars(bars, clock)) as sink:
                yield sink
        case _:
            with _Guarded(_PlainLines(clock)) as sink:
                yield sink


def on_terminal() -> bool:
    """Whether stderr is a terminal on which something can be drawn."""
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _ignore(_event: Progress) -> None:
    """Nobody looks."""


class _Guarded:
    """A drawing for any thread, one event at a time; given up when stderr breaks, and when the context ends."""

    def __init__(self, draw: ProgressSink) -> None:
        self._draw = draw
        self._lock = threading.Lock()
        self._over = False

    def __call__(self, event: Progress) -> None:
        with self._lock:
            if self._over:
                return
            try:
                self._draw(event)
            except (OSError, ValueError):  # closed pipe, full disk; closed file
                self._over = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            self._over = True


class _Pace:
    """When an item began and when it was last told."""

    def __init__(self, now_s: float) -> None:
        self.began_s = now_s
        self.told_s = now_s


class _PlainLines:
    """One line when an item is done, and one now and then while it is not."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._paces: dict[tuple[str, str], _Pace] = {}

    def __call__(self, event: Progress) -> None:
        now_s = self._clock()
        key = (event.step, event.item)
        pace = self._paces.setdefault(key, _Pace(now_s))
        if event.finished:
            del self._paces[key]
            _write(f"{describe(event)}{_speed(event, now_s - pace.began_s)}")
        elif now_s - pace.told_s >= PLAIN_INTERVAL_S:
            pace.told_s = now_s
            _write(describe(event))


class _JsonLines:
    """Events as JSON, one on each line, with the fields of ``Progress``; ``percent`` where it is true."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._told_s: dict[tuple[str, str], float] = {}

    def __call__(self, event: Progress) -> None:
        now_s = self._clock()
        key = (event.step, event.item)
        if not event.finished and now_s - self._told_s.get(key, float("-inf")) < JSON_INTERVAL_S:
            return
        self._told_s[key] = now_s
        if event.finished:
            del self._told_s[key]
        fields = {name: getattr(event, name) for name in Progress.__dataclass_fields__ if name != "percent" or event.percent}
        _write(json.dumps(fields))


def _write(line: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def describe(event: Progress) -> str:
    """An event for people: ``extract coreos-x86_64.iso: 512.0 MiB of 1.0 GiB (50 %)``."""
    text = f"{printable(event.step)} {printable(event.item)}"
    if event.percent:
        return f"{text}: done" if event.finished else f"{text}: {event.done_bytes} %"
    if event.finished:
        return f"{text}: {format_size(event.done_bytes)}" if event.done_bytes else f"{text}: done"
    if event.total_bytes:
        percent = 100 * event.done_bytes // event.total_bytes
        return f"{text}: {format_size(event.done_bytes)} of {format_size(event.total_bytes)} ({percent} %)"
    return f"{text}: {format_size(event.done_bytes)}" if event.done_bytes else text


def _speed(event: Progress, elapsed_s: float) -> str:
    """``, 250.0 MiB/s``; nothing where an item was over before its speed could be told."""
    if not event.done_bytes or event.percent or elapsed_s < 0.05:
        return ""
    return f", {format_size(event.done_bytes / elapsed_s)}/s"


def _bars() -> "Bars":
    """Bars that vanish at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    # stdout is left alone: it carries the answer.
    return Bars(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)


class _DrawnBars:
    """Events as tasks of a rich display; an item that is done leaves a line above them."""

    def __init__(self, bars: "Bars", clock: Callable[[], float]) -> None:
        self._bars = bars
        self._clock = clock
        self._tasks: dict[tuple[str, str], tuple[TaskID, float]] = {}

    def __call__(self, event: Progress) -> None:
        key = (event.step, event.item)
        if event.finished:
            now_s = self._clock()
            began_s = now_s
            if key in self._tasks:
                task, began_s = self._tasks.pop(key)
                self._bars.remove_task(task)
            self._bars.console.print(f"{describe(event)}{_speed(event, now_s - began_s)}", markup=False, highlight=False)
            return
        if key not in self._tasks:
            name = f"{printable(event.step)} {printable(event.item)}"
            self._tasks[key] = (self._bars.add_task(name, total=event.total_bytes), self._clock())
        task, _ = self._tasks[key]
        self._bars.update(task, completed=event.done_bytes, total=event.total_bytes)
