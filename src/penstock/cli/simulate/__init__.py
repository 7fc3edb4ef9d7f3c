"""``penstock simulate``: the table of its commands; each stands in a module of its own, imported when it is called."""

from typing import Final

import click

from penstock.cli.commands import Entry
from penstock.cli.lazy import LazyGroup

COMMANDS: Final[dict[str, Entry]] = {
    "registry": Entry("penstock.cli.simulate.registry", "registry", "Serve an image registry (OCI distribution-spec 1.1)."),
    "azure": Entry("penstock.cli.simulate.azure", "azure", "Serve Azure's marketplace and galleries."),
    "azure-blobs": Entry("penstock.cli.simulate.azureblobs", "azure_blobs", "Serve page blobs as Azure does."),
    "aws": Entry("penstock.cli.simulate.aws", "aws", "Serve AMIs of AWS (EC2), and with --writable make them."),
    "gcp": Entry("penstock.cli.simulate.gcp", "gcp", "Serve images of Google Cloud, and take new ones."),
    "ocm": Entry("penstock.cli.simulate.ocm", "ocm", "Serve pull secrets as OpenShift Cluster Manager does."),
    "assisted": Entry("penstock.cli.simulate.assisted", "assisted", "Serve Ignition configs as assisted-service does."),
    "starmap": Entry("penstock.cli.simulate.starmap", "starmap", "Serve mappings as StArMap does (API v2)."),
    "rhsm": Entry("penstock.cli.simulate.rhsm", "rhsm", "Serve RHSM's catalogue of images in AWS."),
    "koji": Entry("penstock.cli.simulate.koji", "koji", "Serve builds of images as a hub of koji does."),
    "errata": Entry("penstock.cli.simulate.errata", "errata", "Serve advisories as the errata tool does."),
    "pub": Entry("penstock.cli.simulate.pub", "pub", "Serve what pushes left in the logs of Pub's tasks."),
}


@click.group("simulate", cls=LazyGroup, entries=COMMANDS, no_args_is_help=True)
def group() -> None:
    """Run simulators of the outside systems on this machine.

    Each one prints its address on stdout when it accepts connections, and serves until it is interrupted.

    \b
    Examples:
      penstock simulate registry --dir ./images
      penstock simulate azure --marketplace marketplace/coreos-rhel-9.json
    """  # noqa: D301  # \b keeps click from joining the lines
