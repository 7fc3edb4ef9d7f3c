"""The table of top-level commands.

``penstock --help`` and completion are answered from here, so that neither imports a command's module.  A test compares each line with the
command's own help, and another one walks all of them.
"""

from typing import Final, NamedTuple


class Entry(NamedTuple):
    """One top-level command and where it lives.

    Attributes:
        module: the module that is imported when the command is called.
        attribute: the name of the click command or group in that module.
        help: the first line of the command's help.
    """

    module: str
    attribute: str
    help: str


COMMANDS: Final[dict[str, Entry]] = {
    "demo": Entry("penstock.cli.demo", "command", "Show the road on embedded parts, from components to a trace."),
    "trace": Entry("penstock.cli.trace", "command", "Show where a thing came from and where it went."),
    "payload": Entry("penstock.cli.payload", "group", "Make, read and verify release payloads."),
    "streams": Entry("penstock.cli.streams", "group", "Make, fill, print and check stream metadata."),
    "images": Entry("penstock.cli.images", "group", "Serve and customise CoreOS ISOs and boot artifacts."),
    "publish": Entry("penstock.cli.publish", "group", "Publish images to clouds."),
    "simulate": Entry("penstock.cli.simulate", "group", "Run simulators of the outside systems on this machine."),
}
"""In the order in which help shows them: the whole first, then the stages along the road, then the simulators."""
