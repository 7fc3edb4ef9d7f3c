"""``penstock payload``: the table of its commands; each stands in a module of its own, imported when it is called."""

from typing import Final

import click

from penstock.cli.commands import Entry
from penstock.cli.lazy import LazyGroup

COMMANDS: Final[dict[str, Entry]] = {
    "new": Entry("penstock.cli.payload_new", "new", "Make a release payload of component images."),
    "info": Entry("penstock.cli.payload_info", "info", "Show what a release payload holds."),
    "image-for": Entry("penstock.cli.payload_info", "image_for", "Print the pullspec of a component."),
    "extract": Entry("penstock.cli.payload_extract", "extract", "Extract files from an image, every byte verified."),
    "verify": Entry("penstock.cli.payload_verify", "verify", "Verify all that a release payload names."),
}


@click.group("payload", cls=LazyGroup, entries=COMMANDS, no_args_is_help=True)
def group() -> None:
    """Make, read and verify release payloads.

    A release payload is an image that names every component of a release, each by digest. REF is a pullspec, or oci:FOLDER:TAG.

    \b
    Examples:
      penstock payload info quay.example/release:4.20.1
      penstock payload image-for machine-os-images quay.example/release:4.20.1
    """  # noqa: D301  # \b keeps click from joining the lines
