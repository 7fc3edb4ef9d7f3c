"""``penstock images``: the table of its commands; each stands in a module of its own, imported when it is called."""

from typing import Final

import click

from penstock.cli.commands import Entry
from penstock.cli.lazy import LazyGroup

COMMANDS: Final[dict[str, Entry]] = {
    "serve": Entry("penstock.cli.images.serve", "serve_command", "Serve discovery ISOs and boot artifacts."),
    "warm": Entry("penstock.cli.images.warm", "warm_command", "Fill the store of the image service ahead of time."),
    "pull-secret": Entry(
        "penstock.cli.images.pull_secret", "pull_secret_command", "Fetch the pull secret from OCM for a file or a Secret."
    ),
    "iso": Entry("penstock.cli.images.iso", "iso_command", "Customise a CoreOS ISO, or show what it holds."),
}


@click.group("images", cls=LazyGroup, entries=COMMANDS, no_args_is_help=True)
def group() -> None:
    """Serve and customise CoreOS ISOs and boot artifacts.

    An ISO is never unpacked: a customised one is the old one with a few areas written anew, which the ISO itself keeps for that.

    \b
    Examples:
      penstock images serve --iso 4.20:x86_64=rhcos-live.iso --config-dir hosts
      penstock images iso rhcos-live.iso --ignition host.ign -o host.iso
      penstock images iso rhcos-live.iso --pxe boot
    """  # noqa: D301  # \b keeps click from joining the lines
