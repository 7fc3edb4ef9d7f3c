"""``penstock images``: the table of its commands; each stands in a module of its own, imported when it is called."""

from typing import Final

import click

from penstock.cli.commands import Entry
from penstock.cli.lazy import LazyGroup

COMMANDS: Final[dict[str, Entry]] = {
    "iso": Entry("penstock.cli.images.iso", "iso_command", "Customise a CoreOS ISO, or show what it holds."),
}


@click.group("images", cls=LazyGroup, entries=COMMANDS, no_args_is_help=True)
def group() -> None:
    """Edit CoreOS ISOs and take boot artifacts out of them.

    An ISO is never unpacked: a customised one is the old one with a few areas written anew, which the ISO itself keeps for that.

    \b
    Examples:
      penstock images iso rhcos-live.iso --ignition host.ign -o host.iso
      penstock images iso rhcos-live.iso --pxe boot
    """  # noqa: D301  # \b keeps click from joining the lines
