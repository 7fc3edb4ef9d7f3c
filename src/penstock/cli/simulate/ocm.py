"""``penstock simulate ocm``: OpenShift Cluster Manager's pull secrets."""

import json
from pathlib import Path

import click

from penstock.cli.simulate.serving import EXISTING_FILE, parse_address, serve, tls_of


@click.command("ocm")
@click.option("--listen", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="Listen here; port 0 takes a free one.")
@click.option("--pull-secret", type=EXISTING_FILE, metavar="FILE", help="Give this pull secret, not one of no worth.")
@click.option("--token-lifetime", type=click.IntRange(min=1), default=900, show_default=True, metavar="SECONDS", help="Let tokens end.")
@click.option("--now", metavar="TIME", help="Let the clock stand at this time (RFC 3339; default: the real time).")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND[=N][,OPTION=N]…[@REGEX]",
    help="Let something go wrong with requests whose 'METHOD /path?query' matches; may be repeated.",
)
@click.option("--tls-cert", type=EXISTING_FILE, metavar="FILE", help="Speak HTTPS with this certificate (PEM, with its chain).")
@click.option("--tls-key", type=EXISTING_FILE, metavar="FILE", help="The certificate's private key (PEM).")
def ocm(
    *,
    listen: str,
    pull_secret: Path | None,
    token_lifetime: int,
    now: str | None,
    faults: tuple[str, ...],
    tls_cert: Path | None,
    tls_key: Path | None,
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
    from penstock.simulators.cloud import Fault, parse_moment
    from penstock.simulators.ocm import OcmSimulator

    given = None
    if pull_secret is not None:
        content = pull_secret.read_bytes()
        parse_pull_secret(content, subject=str(pull_secret))
        given = json.loads(content)
    host, port = parse_address(listen)
    simulator = OcmSimulator(
        given,
        token_lifetime_s=token_lifetime,
        now=None if now is None else parse_moment(now, subject="--now"),
        faults=[Fault.parse(text) for text in faults],
        host=host,
        port=port,
        tls=tls_of(tls_cert, tls_key),
    )
    serve(simulator)
