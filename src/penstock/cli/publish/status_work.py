"""Reading the journals of pushes."""

import os
from collections.abc import Sequence
from pathlib import Path

import click

from penstock.cli.text import printable
from penstock.model.errors import InputError, NotFoundError
from penstock.model.push.journal import JournalEvent, RunRecord
from penstock.ports.publish import RunBook
from penstock.publish.status import RunView, run_view
from penstock.wiring.publish import open_runs, state_folder


async def all_runs(state: Path | None) -> tuple[RunRecord, ...]:
    """All of them, newest first.

    Raises:
        OperationError: they cannot be read.
    """
    return await open_runs(state_folder(state, os.environ)).runs()


async def one_run(state: Path | None, name: str | None, *, follow: bool) -> tuple[RunRecord, RunView]:
    """The run of this name, or the newest one; with ``follow`` when it has ended, and its events are told meanwhile.

    Raises:
        NotFoundError: there is none.
        InputError: several begin so.
    """
    book = open_runs(state_folder(state, os.environ))
    record = _chosen(await book.runs(), name)
    events: list[JournalEvent] = []
    async for event in book.events(record.id, follow=follow):
        events.append(event)
        if follow:
            _tell(event)
    if follow:
        record = await _again(book, record)
    return record, run_view(events, alive=record.alive)


async def _again(book: RunBook, record: RunRecord) -> RunRecord:
    return next((each for each in await book.runs() if each.id == record.id), record)


def _chosen(runs: Sequence[RunRecord], name: str | None) -> RunRecord:
    hint = "list them with --runs; they are kept where --state (PENSTOCK_STATE) says"
    if name is None:
        if not runs:
            raise NotFoundError("no push has left a journal", hint=hint)
        return runs[0]
    found = [each for each in runs if each.id == name] or [each for each in runs if each.id.startswith(name)]
    if not found:
        raise NotFoundError("there is no such push", subject=name, hint=hint)
    if len(found) > 1:
        raise InputError(f"{len(found)} pushes begin so", subject=name, hint=hint)
    return found[0]


def _tell(event: JournalEvent) -> None:
    words = [event.kind.value, event.step, *(f"{kind.value}={value}" for kind, value in event.ids.items())]
    detail = "" if event.kind.value == "planned" else event.detail
    click.echo(printable(" ".join(filter(None, [*words, detail]))), err=True)
