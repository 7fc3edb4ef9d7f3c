"""``penstock simulate gcp``: the images of Google Cloud."""

import click

from penstock.cli.simulate.cloud import CloudSettings, cloud_options
from penstock.cli.simulate.serving import serve


@click.command("gcp")
@cloud_options
@click.option("--anonymous", is_flag=True, help="Let in those who show no token; the real one never does.")
@click.option("--writable", is_flag=True, help="Let images be brought: objects, images, families, policies, deprecation.")
@click.option("--bucket", "buckets", multiple=True, metavar="NAME", help="A bucket that there is from the start; may be repeated.")
@click.option("--latency", default="", metavar="NAME=S[,…]", help="How long making (insert) and changing (change) images takes.")
def gcp(*, settings: CloudSettings, anonymous: bool, writable: bool, buckets: tuple[str, ...], latency: str) -> None:
    """Serve images of Google Cloud, and take new ones.

    Tokens are given at /token to every service account; its assertion is read, its signature is not verified. Kinds of faults are
    status, slow, cut, stall and partial. The clock is moved, and requests are read, under /_simulator/.

    \b
    Examples:
      penstock simulate gcp --stream coreos-rhel-9.json --anonymous
      penstock simulate gcp --catalogue gcp.json --fault slow=2,times=1
      penstock simulate gcp --writable --bucket images --latency insert=30
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.simulators.gcp import GcpLatencies, GcpSimulator

    simulator = GcpSimulator(
        settings.catalogue,
        anonymous=anonymous,
        writable=writable,
        buckets=buckets,
        latencies=GcpLatencies.parse(latency),
        now=settings.now,
        faults=settings.faults,
        host=settings.host,
        port=settings.port,
        tls=settings.tls,
    )
    serve(simulator)
