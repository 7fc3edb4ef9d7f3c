"""``penstock demo``: the road on embedded parts."""

import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import click

from penstock.cli.progress import ProgressStyle, progress_option, progress_sink
from penstock.cli.running import run_async
from penstock.cli.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.lineage.trace import Trace
    from penstock.model.progress import Progress
    from penstock.ports import ProgressSink

_WORTH_DRAWING_BYTES: Final = 1 << 20


@click.command(name="demo")
@click.option(
    "--keep", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Work in DIR, which must be new or empty, and keep it."
)
@progress_option
def command(*, keep: Path | None, progress: ProgressStyle) -> None:
    """Show the road on embedded parts, from components to a trace.

    It publishes disk images to a simulated AWS and puts the AMIs into a stream,
    fills the stream's marketplace images from a simulated Azure, starts a
    registry on a loopback port, pushes small component images, makes a release
    payload of them, extracts the CoreOS ISO from it, shows that a flipped bit is
    refused, asks the payload which image an installer boots and how far that
    one is behind, and traces ISO, image and AMI back. It needs no network and
    no root, and takes a few seconds; publishing needs the extras "aws" and
    "simulate", and is left out without them.

    \b
    Examples:
      penstock demo
      penstock demo --keep road
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.demo.road import walk
    from penstock.demo.stage import PAYLOAD

    with _folder(keep) as folder:
        with _Teller(progress) as teller:
            host = run_async(walk(folder, teller, teller.progress))
        if keep is None:
            click.echo("\nThe folder of the demo is removed; `penstock demo --keep DIR` keeps it.")
        else:
            click.echo(f"\nEverything is kept in {printable(str(keep))}: the registry, the streams, the ledger, the ISO. To look around:")
            click.echo(f"  penstock simulate registry --dir {printable(str(keep / 'registry'))} --listen {host}")
            click.echo(f"  penstock payload info {host}/{PAYLOAD}")
            click.echo(f"  penstock trace coreos-x86_64.iso --ledger {printable(str(keep / 'ledger.sqlite'))}")


@contextmanager
def _folder(keep: Path | None) -> "Iterator[Path]":
    from penstock.adapters.files.failures import file_error
    from penstock.model.errors import InputError

    if keep is None:
        with tempfile.TemporaryDirectory(prefix="penstock-demo-") as folder:
            yield Path(folder)
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
        occupied = any(keep.iterdir())
    except OSError as error:
        raise file_error(error, str(keep)) from error
    if occupied:
        raise InputError("the folder is not empty", subject=str(keep), hint="name a new one")
    yield keep


class _Teller:
    """Prints the story on stdout, and progress between its lines: bars are taken away before a line is printed."""

    def __init__(self, style: ProgressStyle) -> None:
        self._style = style
        self._steps = 0
        self._lock = threading.Lock()
        self._drawing = ExitStack()
        self._sink: ProgressSink | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop_drawing()

    def progress(self, event: "Progress") -> None:
        """Draw an event; small things are over before anybody could read of them.  For any thread."""
        if (event.total_bytes or 0) < _WORTH_DRAWING_BYTES:
            return
        with self._lock:
            if self._sink is None:
                self._sink = self._drawing.enter_context(progress_sink(self._style))
            self._sink(event)

    def _stop_drawing(self) -> None:
        with self._lock:
            self._drawing.close()
            self._sink = None

    def step(self, title: str) -> None:
        """See ``penstock.demo.narrator``."""
        self._stop_drawing()
        self._steps += 1
        click.echo(("\n" if self._steps > 1 else "") + click.style(f"{self._steps}. {title}", bold=True))

    def command(self, line: str) -> None:
        """See ``penstock.demo.narrator``."""
        self._stop_drawing()
        click.echo("   " + click.style(f"$ {printable(line)}", fg="cyan"))

    def result(self, lines: Sequence[str]) -> None:
        """See ``penstock.demo.narrator``."""
        self._stop_drawing()
        for line in lines:
            click.echo(f"   {printable(line)}")

    def trace(self, traces: "Sequence[Trace]") -> None:
        """See ``penstock.demo.narrator``."""
        from penstock.cli.tracetree import glyphs_for, render_trees

        for line in render_trees(traces, glyphs_for(sys.stdout.encoding)).splitlines():
            click.echo(f"   {line}")
