"""``penstock streams merge``: a stream with images put in: those of marketplaces, and those that a push published."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.options import ledger_option
from penstock.cli.output import emit_bytes
from penstock.cli.running import run_async
from penstock.cli.streams.documents import DOCUMENT, STANDARD_INPUT, name_of, read_file, talk
from penstock.cli.streams.plan_field import purchase_plan_field_option
from penstock.cli.streams.sources import tell_ignored

if TYPE_CHECKING:
    from penstock.model.stream import Stream
    from penstock.streams.document_lineage import Lineage, Source
    from penstock.streams.parts import OtherBuilds


@click.command("merge")
@click.argument("stream_file", metavar="STREAM", type=DOCUMENT)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=DOCUMENT)
@purchase_plan_field_option
@click.option(
    "--other-builds",
    type=click.Choice(["refuse", "keep", "drop"]),
    default="refuse",
    show_default=True,
    help="Do this with regions that the images of a push do not name, where they hold another build.",
)
@ledger_option
def merge_command(
    *, stream_file: Path, files: Sequence[Path], purchase_plan_field: str | None, other_builds: str, ledger: str | None
) -> None:
    """Print a stream with images put in.

    Each FILE is a marketplace file, or the images of a push (--emit-stream).
    An architecture of the stream that a marketplace file has gets that entry, in
    the place of the one it had. Images of a push take their places one by one: a
    region, a plan and generation, the image of a cloud; all else stays. Of
    several files the last one counts. The layout is that of STREAM. One of the
    files may be "-", for stdin.

    \b
    Examples:
      penstock streams merge coreos-rhel-9.json marketplace/coreos-rhel-9.json
      penstock streams merge coreos-rhel-9.json pushed.json
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.formats.stream import parse_stream, write_stream_document
    from penstock.streams.document_lineage import Source, lineage_of_merge
    from penstock.streams.parts import OtherBuilds
    from penstock.streams.plan_booleans import PurchasePlanField, apply_purchase_plan_field, check_purchase_plans

    if [stream_file, *files].count(STANDARD_INPUT) > 1:
        raise click.UsageError("Only one of the files can be '-'.")
    layout_of = read_file(stream_file)
    stream = parse_stream(layout_of, subject=name_of(stream_file))
    sources = [Source(layout_of, _file_name(stream_file), stream)]
    for file in files:
        stream, source = _merged(stream, file, OtherBuilds(other_builds))
        sources.append(source)
    check_purchase_plans(stream, subject=name_of(stream_file))
    stream = apply_purchase_plan_field(stream, PurchasePlanField(purchase_plan_field) if purchase_plan_field else None)
    made = write_stream_document(stream, like=layout_of)
    emit_bytes(made)
    run_async(record(lineage_of_merge(sources, made, stream), ledger))


def _merged(stream: "Stream", file: Path, others: "OtherBuilds") -> "tuple[Stream, Source]":
    """A stream with what a file holds, whichever of the two kinds it is."""
    from penstock.formats.jsontext import parse_json
    from penstock.streams.document_lineage import Source
    from penstock.streams.merging import merge_marketplace, parse_merged_marketplace
    from penstock.streams.parts import OtherBuilds, merge_part, parse_part
    from penstock.streams.plan_booleans import check_purchase_plans

    content, subject = read_file(file), name_of(file)
    tree = parse_json(content, subject=subject)
    if not isinstance(tree, Mapping) or not tree.keys() & {"stream", "architectures"}:
        marketplace = parse_merged_marketplace(content, subject=subject)
        check_purchase_plans(marketplace, subject=subject)
        merged = merge_marketplace(stream, marketplace)
        tell_ignored(file, merged.ignored)
        return merged.stream, Source(content, _file_name(file), marketplace=marketplace)
    part = parse_part(content, subject=subject)
    check_purchase_plans(part, subject=subject)
    laid = merge_part(stream, part, others)
    tell_ignored(file, laid.ignored)
    for mix in laid.mixes:
        talk(f"warning: {mix}" + ("; these are dropped" if others is OtherBuilds.DROP else ""))
    return laid.stream, Source(content, _file_name(file), part=part)


async def record(lineage: "Lineage", ledger_place: str | None) -> None:
    """Tell the ledger."""
    from penstock.wiring import recording_ledger

    async with recording_ledger(ledger_place) as ledger:
        await ledger.record(*lineage)


def _file_name(file: Path) -> str:
    return "" if file == STANDARD_INPUT else file.name
