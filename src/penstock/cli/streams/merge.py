"""``penstock streams merge``: a stream with its marketplace images put in."""

from collections.abc import Sequence
from pathlib import Path

import click

from penstock.cli.output import emit_bytes
from penstock.cli.streams.documents import DOCUMENT, STANDARD_INPUT, name_of, read_file, talk


@click.command("merge")
@click.argument("stream_file", metavar="STREAM", type=DOCUMENT)
@click.argument("marketplace_files", metavar="MARKETPLACE...", nargs=-1, required=True, type=DOCUMENT)
def merge_command(*, stream_file: Path, marketplace_files: Sequence[Path]) -> None:
    """Print a stream with the marketplace images put in.

    Each architecture of the stream that a MARKETPLACE file has gets that entry,
    in the place of the one it had; of several files the last one counts. The
    layout is that of STREAM. One of the files may be "-", for stdin.

    \b
    Example:
      penstock streams merge coreos-rhel-9.json marketplace/coreos-rhel-9.json
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.formats.stream import parse_marketplace, parse_stream, write_stream_document
    from penstock.streams.merging import merge_marketplace

    if [stream_file, *marketplace_files].count(STANDARD_INPUT) > 1:
        raise click.UsageError("Only one of the files can be '-'.")
    layout_of = read_file(stream_file)
    stream = parse_stream(layout_of, subject=name_of(stream_file))
    for file in marketplace_files:
        merged = merge_marketplace(stream, parse_marketplace(read_file(file), subject=name_of(file)))
        stream = merged.stream
        if merged.ignored:
            names = ", ".join(merged.ignored)
            talk(f"note: {name_of(file)} has images for {names}, which the stream does not have; they are left out")
    emit_bytes(write_stream_document(stream, like=layout_of))
