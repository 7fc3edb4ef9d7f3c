"""The program ``penstock`` with commands that end in every way there is; run as a script by the tests."""

import asyncio
import os
import sys
import tempfile
import threading
import time

import click

from penstock.cli.commands import COMMANDS, Entry
from penstock.cli.main import main
from penstock.cli.output import Output, Table, emit, output_option
from penstock.cli.progress import ProgressStyle, progress_option, progress_sink
from penstock.cli.running import run_async
from penstock.model.errors import DigestMismatch, ExitCode, InputError, TransientError
from penstock.model.progress import Progress

ERRORS: dict[str, Exception] = {
    "input": InputError("not JSON", subject="a.json:3", hint="look at line 3"),
    "mismatch": DigestMismatch("sha256:aa", expected="10 bytes", found="11 bytes"),
    "transient": TransientError("cut after 10 bytes", subject="quay.example/a"),
    "bug": ZeroDivisionError("division by zero"),
}


@click.group()
def group() -> None:
    """Rehearse the ends of a command."""


@group.command()
@click.argument("names", nargs=-1)
def fail(names: tuple[str, ...]) -> None:
    """Fail with one error, or with a group of them."""
    if len(names) == 1:
        raise ERRORS[names[0]]
    raise ExceptionGroup("unhandled errors in a TaskGroup", [ExceptionGroup("inner", [ERRORS[name]]) for name in names])


@group.command()
def differ() -> ExitCode:
    """Return an exit code."""
    return ExitCode.MISMATCH


@group.command()
@click.option("--lines", default=100_000)
@output_option
def spam(*, lines: int, output: Output) -> None:
    """Print a long answer."""
    emit([{"line": number} for number in range(lines)], output, lambda: Table(["line"], [[number] for number in range(lines)]))


@group.command()
@progress_option
def work(*, progress: ProgressStyle) -> None:
    """Send progress from a thread."""
    with progress_sink(progress) as sink:

        def steps() -> None:
            for done in range(0, 4096, 1024):
                sink(Progress("extract", "a[b].iso", done, 4096))
            sink(Progress("extract", "a[b].iso", 4096, 4096, finished=True))

        thread = threading.Thread(target=steps)
        thread.start()
        thread.join()
    sink(Progress("extract", "too late", 1, 1, finished=True))


@group.command()
@click.option("--folder")
def wait(*, folder: str) -> None:
    """Wait in asyncio, holding a temporary file in FOLDER."""

    async def hold() -> None:
        with tempfile.NamedTemporaryFile(dir=folder):
            click.echo("ready")
            await asyncio.Event().wait()

    run_async(hold())


@group.command()
@click.option("--folder")
def tidy(*, folder: str) -> None:
    """Wait in asyncio, holding a temporary file in FOLDER whose removal takes its time."""

    async def hold() -> None:
        with tempfile.NamedTemporaryFile(dir=folder):
            try:
                click.echo("ready")
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.4)

    run_async(hold())


@group.command()
@click.option("--folder")
def stuck(*, folder: str) -> None:
    """Wait for a thread that nobody can end, holding a temporary file in FOLDER."""

    async def hold() -> None:
        with tempfile.NamedTemporaryFile(dir=folder):
            click.echo("ready")
            await asyncio.to_thread(time.sleep, 60)

    run_async(hold())


@group.command()
@click.option("--folder")
def collapse(*, folder: str) -> None:
    """Ignore FOLDER; answer cancellation with a group of errors, as tasks do whose connections are closed under them."""

    async def read() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise TransientError("cut")

    async def hold() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read())
            click.echo("ready")

    run_async(hold())


@group.command()
@click.option("--folder")
def listen(*, folder: str) -> None:
    """Ignore FOLDER; read stdin."""
    click.echo("ready")
    sys.stdin.read()


@group.command()
def log() -> None:
    """Log a warning in both ways, and what is less than a warning."""

    async def speak() -> None:
        import logging

        import structlog

        structlog.get_logger("penstock.rehearsal").warning("slow mirror", host="mirror.example")
        structlog.get_logger("penstock.rehearsal").info("fine")
        logging.getLogger("other.package").warning("from %s", "elsewhere")

    run_async(speak())


if __name__ == "__main__":
    sys.modules["rehearsal"] = sys.modules["__main__"]
    COMMANDS["rehearse"] = Entry("rehearsal", "group", "Rehearse the ends of a command.")
    os.environ.setdefault("TERM", "xterm")
    sys.argv.insert(1, "rehearse") if sys.argv[1:2] != ["--"] else sys.argv.pop(1)
    main()
