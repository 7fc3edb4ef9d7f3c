"""``penstock streams``: the table of its commands; each stands in a module of its own, imported when it is called."""

from typing import Final

import click

from penstock.cli.commands import Entry
from penstock.cli.lazy import LazyGroup

COMMANDS: Final[dict[str, Entry]] = {
    "format": Entry("penstock.cli.streams.formatting", "format_command", "Rewrite stream and marketplace files in canonical form."),
    "validate": Entry("penstock.cli.streams.validate", "validate_command", "Check stream documents against schema and lint."),
    "schema": Entry("penstock.cli.streams.schema", "schema_command", "Print the JSON Schema of a document."),
    "generate": Entry("penstock.cli.streams.generate", "generate_command", "Make release and stream metadata from builds."),
    "updates": Entry("penstock.cli.streams.updates", "updates_group", "Edit the update metadata of a stream."),
    "mirror": Entry("penstock.cli.streams.mirror", "mirror_command", "Download a stream's artifacts and rewrite their addresses."),
    "populate": Entry("penstock.cli.streams.populate", "populate_command", "Fill a marketplace file from the clouds' catalogues."),
    "merge": Entry("penstock.cli.streams.merge", "merge_command", "Print a stream with images put in."),
    "print": Entry("penstock.cli.streams.print", "print_command", "Print a stream as the installer does."),
    "image": Entry("penstock.cli.streams.image", "image_command", "Choose the boot image that an installer uses."),
    "configmap": Entry("penstock.cli.streams.configmap", "configmap_command", "Print the coreos-bootimages ConfigMap of streams."),
    "drift": Entry("penstock.cli.streams.drift", "drift_command", "Report marketplace images that lag behind their stream."),
    "explain": Entry("penstock.cli.streams.explain", "explain_command", "Explain why populate takes or refuses each candidate."),
    "impact": Entry("penstock.cli.streams.impact", "impact_command", "Preview which MachineSets a new stream would change."),
    "history": Entry("penstock.cli.streams.history", "history_command", "List which releases of a stream carried which image."),
}
"""In the order of the work: the document, how it is made, filled and given out, and what is asked of it."""


@click.group("streams", cls=LazyGroup, entries=COMMANDS, no_args_is_help=True)
def group() -> None:
    """Make, fill, print and check stream metadata.

    A stream says which boot image a release of CoreOS has for each architecture, platform and cloud.

    \b
    Examples:
      penstock streams format data/data/coreos/*.json
      penstock streams merge coreos-rhel-9.json marketplace/coreos-rhel-9.json
      penstock streams image --platform aws --region us-east-1 coreos-rhel-9.json
    """  # noqa: D301  # \b keeps click from joining the lines
