"""``penstock streams print``: a stream as the installer prints it."""

import click

from penstock.cli.output import emit_bytes
from penstock.cli.running import run_async
from penstock.cli.streams.plan_field import purchase_plan_field_option
from penstock.cli.streams.sources import StreamSource, read_stream, stream_source_options


@click.command("print")
@stream_source_options
@click.option("--pretty", is_flag=True, help="Indent by two spaces, and end with a newline.")
@purchase_plan_field_option
def print_command(*, source: StreamSource, pretty: bool, purchase_plan_field: str | None) -> None:
    """Print a stream as the installer does.

    The marketplace images are merged in, and the document goes to stdout on one
    line without a newline. The stream comes from a STREAM file, which may be
    the coreos-bootimages ConfigMap too, from the installer's --dir, or from a
    payload. Of several streams the default is rhel-9 before OpenShift 5.0 and
    rhel-10 from then on.

    \b
    Examples:
      penstock streams print coreos-rhel-9.json marketplace/coreos-rhel-9.json
      penstock streams print --dir data/data/coreos --stream rhel-10
      penstock streams print --release quay.example/release:5.0.0 --pretty
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.streams.plan_booleans import PurchasePlanField, apply_purchase_plan_field
    from penstock.streams.printing import print_stream

    found = run_async(read_stream(source))
    field = PurchasePlanField(purchase_plan_field) if purchase_plan_field else None
    emit_bytes(print_stream(apply_purchase_plan_field(found.stream, field), pretty=pretty))
