"""``penstock simulate azure-blobs``: a storage account of Azure."""

from pathlib import Path

import click

from penstock.cli.simulate.serving import SimulatorSettings, serve, simulator_options
from penstock.model.errors import InputError


@click.command("azure-blobs")
@click.option("--container", "containers", multiple=True, metavar="NAME", help="Have this container; may be repeated.")
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="ADDRESS=FILE",
    help="Let this file stand for what is copied from an address elsewhere; may be repeated.",
)
@click.option("--copy-seconds", type=click.FloatRange(min=0), default=0.0, show_default=True, help="Let copies take so long.")
@click.option("--tag-seconds", type=click.FloatRange(min=0), default=0.0, show_default=True, help="Let searches find tags so late.")
@simulator_options
def azure_blobs(
    *, settings: SimulatorSettings, containers: tuple[str, ...], sources: tuple[str, ...], copy_seconds: float, tag_seconds: float
) -> None:
    """Serve page blobs as Azure does.

    Requests must be signed. Blobs are sparse files, which are gone when it
    ends. Kinds of faults are status, slow, cut and stall. The clock is moved,
    and requests are read, under /_simulator/. The account is told to clients
    by this connection string, with the address that is printed:

    \b
      AccountName=simulated;AccountKey=c2ltdWxhdGVk;BlobEndpoint=ADDRESS/simulated

    \b
    Examples:
      penstock simulate azure-blobs --listen 127.0.0.1:5004
      penstock simulate azure-blobs --container pubupload --copy-seconds 30
      penstock simulate azure-blobs --fault status=503,times=3@comp=page
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.simulators.azureblobs import AzureBlobsSimulator

    simulator = AzureBlobsSimulator(
        containers=containers,
        sources=dict(_source(text) for text in sources),
        copy_s=copy_seconds,
        tag_delay_s=tag_seconds,
        now=settings.now,
        faults=settings.faults,
        host=settings.host,
        port=settings.port,
        tls=settings.tls,
    )
    serve(simulator)


def _source(text: str) -> tuple[str, Path]:
    address, separator, file = text.rpartition("=")
    if not separator or "://" not in address or not Path(file).is_file():
        raise InputError(f"{text!r} names no address and file", subject="--source", hint="write https://HOST/PATH=FILE")
    return address, Path(file)
