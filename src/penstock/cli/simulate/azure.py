"""``penstock simulate azure``: the catalogues of Azure, and a publisher's products."""

import click

from penstock.cli.simulate.cloud import CloudSettings, cloud_options
from penstock.cli.simulate.serving import serve

_CLOUDS = ["AzureCloud", "AzureUSGovernment", "AzureChinaCloud"]


@click.command("azure")
@cloud_options
@click.option("--cloud", type=click.Choice(_CLOUDS), default="AzureCloud", show_default=True, help="Be this one of Azure's clouds.")
@click.option("--seed", type=int, default=0, show_default=True, help="Mix the order of versions by this number; Azure promises none.")
def azure(*, settings: CloudSettings, cloud: str, seed: int) -> None:
    """Serve Azure's marketplace and galleries.

    The address is that of the resource manager, of product ingestion and of the authority for tokens. Products come from azure_products of
    a catalogue, and stand in draft, preview and live. Kinds of faults are status, slow, cut, stall and partial.
    The clock is moved, and requests are read, under /_simulator/. This client gets tokens:

    \b
      AZURE_TENANT_ID=5f1a7c1e-0000-4000-8000-000000000001
      AZURE_CLIENT_ID=5f1a7c1e-0000-4000-8000-000000000002
      AZURE_CLIENT_SECRET=simulated-secret
      AZURE_SUBSCRIPTION_ID=5f1a7c1e-0000-4000-8000-000000000003

    A push finds it by AZURE_AUTHORITY_HOST, AZURE_INGESTION_ENDPOINT and
    AZURE_RESOURCE_MANAGER_ENDPOINT.

    \b
    Examples:
      penstock simulate azure --marketplace marketplace/coreos-rhel-9.json
      penstock simulate azure --catalogue azure.json --now 2026-05-20T00:00:00Z
      penstock simulate azure --fault status=429,probability=0.2,seed=7@/versions
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.simulators.azure import AzureSimulator
    from penstock.simulators.cloud import AzureCloud

    simulator = AzureSimulator(
        settings.catalogue,
        cloud=AzureCloud(cloud),
        now=settings.now,
        faults=settings.faults,
        seed=seed,
        host=settings.host,
        port=settings.port,
        tls=settings.tls,
    )
    serve(simulator)
