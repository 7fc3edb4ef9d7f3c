"""``penstock streams updates``: the update metadata of a Fedora CoreOS stream."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from penstock.cli.options import dry_run_option
from penstock.cli.output import Output, Shown, Table, emit, emit_bytes, emit_text, output_option
from penstock.cli.streams.documents import DOCUMENT, STANDARD_INPUT, name_of, read_file, talk
from penstock.cli.streams.moments import SOURCE_DATE_EPOCH, seconds_of

if TYPE_CHECKING:
    from penstock.model.updates import Update, Updates

F = TypeVar("F", bound=Callable[..., Any])

_FILE: Final = click.argument("file", metavar="FILE", type=DOCUMENT)
_VERSION: Final = click.argument("version", metavar="VERSION")
_REASON: Final = click.option("--reason", required=True, metavar="URL", help="Name the page that tells why.")


def _at_option(command: F) -> F:
    return click.option(
        "--at", metavar="TIME", envvar=SOURCE_DATE_EPOCH, show_envvar=True, show_default="now", help="Take this for the present time."
    )(command)


@click.group("updates", no_args_is_help=True)
def updates_group() -> None:
    """Edit the update metadata of a stream.

    FILE is updates/STREAM.json of Fedora CoreOS, or "-" for stdin, from where the
    changed document goes to stdout. A file is rewritten only where it changes;
    its layout, the spelling of its numbers and its unknown keys stay.

    \b
    Examples:
      penstock streams updates show updates/stable.json
      penstock streams updates rollout updates/stable.json 44.20260707.3.1 \\
        --start 2026-07-22T14:00:00Z --duration 2880
      penstock streams updates prune updates/stable.json --dry-run
    """  # noqa: D301  # \b keeps click from joining the lines


@updates_group.command("show")
@_FILE
@_at_option
@output_option
def show(*, file: Path, at: str | None, output: Output) -> None:
    """List barriers, dead ends and rollouts.

    \b
    Example:
      penstock streams updates show updates/stable.json
    """  # noqa: D301  # \b keeps click from joining the lines
    _, updates = _read(file)
    now_s = seconds_of(at, "--at")
    rows = [_row(release, now_s) for release in updates.releases]
    emit({"stream": updates.stream, "at_s": now_s, "releases": rows}, output, lambda: _table(rows))


@updates_group.command("barrier")
@_FILE
@_VERSION
@_REASON
@_at_option
@dry_run_option
def barrier(*, file: Path, version: str, reason: str, at: str | None, dry_run: bool) -> None:
    """Make a release one that nodes must pass through.

    \b
    Example:
      penstock streams updates barrier updates/stable.json 44.20260621.3.1 \\
        --reason https://docs.example/why
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.streams.updating import set_barrier

    _change(file, lambda updates, _: set_barrier(updates, version, reason), at=at, dry_run=dry_run)


@updates_group.command("deadend")
@_FILE
@_VERSION
@_REASON
@_at_option
@dry_run_option
def deadend(*, file: Path, version: str, reason: str, at: str | None, dry_run: bool) -> None:
    """Make a release one that nodes cannot leave by themselves.

    \b
    Example:
      penstock streams updates deadend updates/stable.json 44.20260621.3.1 \\
        --reason https://docs.example/why
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.streams.updating import set_deadend

    _change(file, lambda updates, _: set_deadend(updates, version, reason), at=at, dry_run=dry_run)


@updates_group.command("rollout")
@_FILE
@_VERSION
@click.option("--start", required=True, metavar="TIME", help="Begin then: RFC 3339, or seconds since the epoch.")
@click.option("--duration", required=True, type=int, metavar="MINUTES", help="Offer the release to all nodes after this time.")
@click.option("--start-percentage", type=float, default=0.0, metavar="P", help="Begin with this share of the nodes, 0.0 to 1.0.")
@click.option("--replace", is_flag=True, help="Replace the rollout that the release has.")
@_at_option
@dry_run_option
def rollout(
    *, file: Path, version: str, start: str, duration: int, start_percentage: float, replace: bool, at: str | None, dry_run: bool
) -> None:
    """Begin the rollout of a release, and prune the file.

    \b
    Example:
      penstock streams updates rollout updates/stable.json 44.20260707.3.1 \\
        --start 2026-07-22T14:00:00Z --duration 2880
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.streams.moments import parse_moment
    from penstock.streams.updating import NewRollout, set_rollout

    wanted = NewRollout(start_s=parse_moment(start, subject="--start"), duration_minutes=duration, start_share=start_percentage)
    _change(file, lambda updates, now_s: set_rollout(updates, version, wanted, replace=replace, now_s=now_s), at=at, dry_run=dry_run)


@updates_group.command("finish")
@_FILE
@_VERSION
@_at_option
@dry_run_option
def finish(*, file: Path, version: str, at: str | None, dry_run: bool) -> None:
    """Complete the rollout of a release now, and prune the file.

    \b
    Example:
      penstock streams updates finish updates/stable.json 44.20260707.3.1
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.streams import updating

    _change(file, lambda updates, now_s: updating.finish(updates, version, now_s=now_s), at=at, dry_run=dry_run)


@updates_group.command("prune")
@_FILE
@_at_option
@dry_run_option
def prune(*, file: Path, at: str | None, dry_run: bool) -> None:
    """Complete rollouts whose time is over, and drop what says nothing.

    Of the completed rollouts only the newest stays.

    \b
    Example:
      penstock streams updates prune updates/stable.json --dry-run
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.streams import updating

    _change(file, lambda updates, now_s: updating.prune(updates, now_s=now_s), at=at, dry_run=dry_run)


def _change(file: Path, edit: "Callable[[Updates, int], Updates]", *, at: str | None, dry_run: bool) -> None:
    """Rewrite ``file`` where the edit changes it; with ``dry_run`` print the difference."""
    from penstock.adapters.files.atomic import write_atomic
    from penstock.formats.stream import write_stream_document
    from penstock.streams.change import FileChange
    from penstock.streams.moments import format_moment
    from penstock.streams.updating import touched

    content, updates = _read(file)
    now_s = seconds_of(at, "--at")
    edited = touched(updates, edit(updates, now_s), last_modified=format_moment(now_s))
    # A document that does not change keeps its very bytes, canonical or not.
    change = FileChange(name_of(file), content, content if edited == updates else write_stream_document(edited, like=content))
    if dry_run:
        emit_text(change.diff())
    elif file == STANDARD_INPUT:
        emit_bytes(change.after)
    elif change.changes:
        write_atomic(file, change.after)
        emit_text(f"{change.path}\n")
    if not change.changes:
        talk("nothing changes")


def _read(file: Path) -> "tuple[bytes, Updates]":
    """The bytes and the document.

    Raises:
        InputError: it is no update metadata.
    """
    from penstock.formats.stream import parse_stream_document
    from penstock.model.errors import InputError
    from penstock.model.updates import Updates

    content = read_file(file)
    document = parse_stream_document(content, subject=name_of(file))
    if not isinstance(document, Updates):
        raise InputError("this is no update metadata", subject=name_of(file), hint="its keys are stream, metadata and releases")
    return content, document


def _row(release: "Update", now_s: int) -> dict[str, Any]:
    from penstock.model.record import given
    from penstock.streams.updating import rollout_status

    metadata = given(release.metadata)
    barrier_, deadend_ = (given(metadata.barrier), given(metadata.deadend)) if metadata else (None, None)
    running = given(metadata.rollout) if metadata else None
    status = rollout_status(running, now_s=now_s) if running is not None else None
    return {
        "version": release.version,
        "barrier": barrier_.reason if barrier_ else None,
        "deadend": deadend_.reason if deadend_ else None,
        "rollout": status.state.value if status else None,
        "share": status.share if status else None,
        "start_s": status.start_s if status else None,
        "end_s": status.end_s if status else None,
    }


def _table(rows: list[dict[str, Any]]) -> Shown:
    from penstock.streams.moments import format_moment

    def rollout_of(row: dict[str, Any]) -> str:
        if row["rollout"] is None:
            return ""
        told = f"{row['rollout']}, {100 * row['share']:.0f} %"
        span = [format_moment(row[name]) for name in ("start_s", "end_s") if row[name] is not None]
        return f"{told}, {' to '.join(span)}" if span and row["rollout"] != "completed" else told

    kinds = [(row["version"], "barrier" if row["barrier"] else "dead end" if row["deadend"] else "", rollout_of(row), row) for row in rows]
    return Table(
        ("version", "kind", "rollout", "reason"),
        [(version, kind, told, row["barrier"] or row["deadend"]) for version, kind, told, row in kinds],
    )
