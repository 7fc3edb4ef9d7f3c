"""``penstock simulate aws``: the AMIs of AWS."""

import click

from penstock.cli.simulate.cloud import CloudSettings, cloud_options
from penstock.cli.simulate.serving import serve


@click.command("aws")
@cloud_options
def aws(*, settings: CloudSettings) -> None:
    """Serve AMIs of AWS (EC2 DescribeImages).

    One address serves all regions: the region is that of a request's signature, which must be there and is not verified. Kinds of
    faults are status, slow, cut, stall and partial. The clock is moved, and requests are read, under /_simulator/.

    \b
    Examples:
      penstock simulate aws --stream coreos-rhel-9.json
      penstock simulate aws --fault status=503,times=2@Action=DescribeImages
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.simulators.aws import AwsSimulator

    simulator = AwsSimulator(
        settings.catalogue, now=settings.now, faults=settings.faults, host=settings.host, port=settings.port, tls=settings.tls
    )
    serve(simulator)
