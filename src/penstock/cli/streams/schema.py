"""``penstock streams schema``: the JSON Schema of a document."""

import click

from penstock.cli.output import emit_bytes

_KINDS = ("stream", "marketplace", "updates", "release", "release-index")


@click.command("schema")
@click.argument("kind", metavar="[DOCUMENT]", type=click.Choice(_KINDS), default="stream")
def schema_command(*, kind: str) -> None:
    """Print the JSON Schema of a document.

    DOCUMENT is stream (the default), marketplace, updates, release or
    release-index: the files STREAM.json, marketplace/STREAM.json, updates/*.json,
    release.json and releases.json. The dialect is draft 2020-12. Keys that are
    not in the schema are allowed, as upstream's readers allow them.

    \b
    Examples:
      penstock streams schema > stream.schema.json
      penstock streams schema marketplace
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.formats.stream_schema import SchemaKind, render_schema

    emit_bytes(render_schema(SchemaKind(kind)))
