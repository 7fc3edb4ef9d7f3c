"""``penstock streams merge``: a stream with its marketplace images put in."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.options import ledger_option
from penstock.cli.output import emit_bytes
from penstock.cli.running import run_async
from penstock.cli.streams.documents import DOCUMENT, STANDARD_INPUT, name_of, read_file
from penstock.cli.streams.plan_field import purchase_plan_field_option
from penstock.cli.streams.sources import tell_ignored

if TYPE_CHECKING:
    from penstock.streams.document_lineage import Lineage


@click.command("merge")
@click.argument("stream_file", metavar="STREAM", type=DOCUMENT)
@click.argument("marketplace_files", metavar="MARKETPLACE...", nargs=-1, required=True, type=DOCUMENT)
@purchase_plan_field_option
@ledger_option
def merge_command(*, stream_file: Path, marketplace_files: Sequence[Path], purchase_plan_field: str | None, ledger: str | None) -> None:
    """Print a stream with the marketplace images put in.

    Each architecture of the stream that a MARKETPLACE file has gets that entry,
    in the place of the one it had; of several files the last one counts. The
    layout is that of STREAM. One of the files may be "-", for stdin.

    \b
    Example:
      penstock streams merge coreos-rhel-9.json marketplace/coreos-rhel-9.json
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.formats.stream import parse_stream, write_stream_document
    from penstock.streams.document_lineage import Source, lineage_of_merge
    from penstock.streams.merging import merge_marketplace, parse_merged_marketplace
    from penstock.streams.plan_booleans import PurchasePlanField, apply_purchase_plan_field, check_purchase_plans

    if [stream_file, *marketplace_files].count(STANDARD_INPUT) > 1:
        raise click.UsageError("Only one of the files can be '-'.")
    layout_of = read_file(stream_file)
    stream = parse_stream(layout_of, subject=name_of(stream_file))
    sources = [Source(layout_of, _file_name(stream_file), stream)]
    for file in marketplace_files:
        content = read_file(file)
        marketplace = parse_merged_marketplace(content, subject=name_of(file))
        check_purchase_plans(marketplace, subject=name_of(file))
        merged = merge_marketplace(stream, marketplace)
        stream = merged.stream
        tell_ignored(file, merged.ignored)
        sources.append(Source(content, _file_name(file), marketplace=marketplace))
    check_purchase_plans(stream, subject=name_of(stream_file))
    stream = apply_purchase_plan_field(stream, PurchasePlanField(purchase_plan_field) if purchase_plan_field else None)
    made = write_stream_document(stream, like=layout_of)
    emit_bytes(made)
    run_async(record(lineage_of_merge(sources, made, stream), ledger))


async def record(lineage: "Lineage", ledger_place: str | None) -> None:
    """Tell the ledger."""
    from penstock.wiring import recording_ledger

    async with recording_ledger(ledger_place) as ledger:
        await ledger.record(*lineage)


def _file_name(file: Path) -> str:
    return "" if file == STANDARD_INPUT else file.name
