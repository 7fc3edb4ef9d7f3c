"""``penstock simulate ocm``: OpenShift Cluster Manager's pull secrets."""

import json
from pathlib import Path

import click

from penstock.cli.simulate.serving import EXISTING_FILE, SimulatorSettings, serve, simulator_options


@click.command("ocm")
@click.option("--pull-secret", type=EXISTING_FILE, metavar="FILE", help="Give this pull secret, not one of no worth.")
@click.option("--token-lifetime", type=click.IntRange(min=1), default=900, show_default=True, metavar="SECONDS", help="Let tokens end.")
@simulator_options
def ocm(
    *,
    settings: SimulatorSettings,
    pull_secret: Path | None,
    token_lifetime: int,
) -> None:
    """Serve pull secrets as OpenShift Cluster Manager does.

    The address is that of OCM; tokens are given at the path where Red Hat's
    single sign-on gives them, below the same address. Kinds of faults are
    status, slow, cut and stall. The clock is moved, and requests are read,
    under /_simulator/. These may ask:

    \b
      the client simulated-service-account with the secret simulated-secret
      the offline token simulated-offline-token

    \b
    Examples:
      penstock simulate ocm --pull-secret pull-secret.json
      penstock simulate ocm --fault status=503,times=2@/access_token
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.formats.authfile import parse_pull_secret
    from penstock.simulators.ocm import OcmSimulator

    given = None
    if pull_secret is not None:
        content = pull_secret.read_bytes()
        parse_pull_secret(content, subject=str(pull_secret))
        given = json.loads(content)
    simulator = OcmSimulator(
        given,
        token_lifetime_s=token_lifetime,
        now=settings.now,
        faults=settings.faults,
        host=settings.host,
        port=settings.port,
        tls=settings.tls,
    )
    serve(simulator)
