"""``penstock simulate rhsm``: RHSM's catalogue of images in Amazon's cloud."""

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.simulate.serving import EXISTING_FILE, SimulatorSettings, serve, simulator_options
from penstock.model.errors import InputError

if TYPE_CHECKING:
    from penstock.model.push.rhsm import RhsmProduct


@click.command("rhsm")
@click.option(
    "--product",
    "products",
    multiple=True,
    metavar="NAME[@PROVIDER]",
    help="Have this group of images (provider: AWS); may be repeated (default: the usual ones of AWS, AGOV and ACN).",
)
@simulator_options
@click.option("--client-ca", type=EXISTING_FILE, metavar="FILE", help="Turn away clients without a certificate of this authority (PEM).")
def rhsm(
    *,
    settings: SimulatorSettings,
    products: tuple[str, ...],
    client_ca: Path | None,
) -> None:
    """Serve RHSM's catalogue of images in AWS.

    Regions and images can be entered, changed and listed. Kinds of faults are
    status, slow, cut and stall. The clock is moved, and requests are read,
    under /_simulator/.

    \b
    Examples:
      penstock simulate rhsm --product RHEL_HOURLY --product RHEL@AGOV
      penstock simulate rhsm --fault status=503,times=2@/amis
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.simulators.rhsm import USUAL_PRODUCTS, RhsmSimulator

    if client_ca is not None:
        _demand_certificates(settings.tls, client_ca)
    simulator = RhsmSimulator(
        tuple(_product(text) for text in products) or USUAL_PRODUCTS,
        now=settings.now,
        faults=settings.faults,
        host=settings.host,
        port=settings.port,
        tls=settings.tls,
    )
    serve(simulator)


def _product(text: str) -> "RhsmProduct":
    from penstock.model.push.rhsm import RhsmProduct

    name, at, provider = text.partition("@")
    if not name or (at and not provider):
        raise InputError(f"{text!r} is no group of images", subject="--product", hint="write NAME or NAME@PROVIDER: RHEL_HOURLY@AGOV")
    return RhsmProduct(name, provider or "AWS")


def _demand_certificates(tls: ssl.SSLContext | None, client_ca: Path) -> None:
    if tls is None:
        raise click.UsageError("--client-ca needs --tls-cert and --tls-key")
    try:
        tls.load_verify_locations(cafile=str(client_ca))
    except ssl.SSLError as error:
        raise InputError("holds no usable PEM certificate", subject=str(client_ca)) from error
    tls.verify_mode = ssl.CERT_REQUIRED
