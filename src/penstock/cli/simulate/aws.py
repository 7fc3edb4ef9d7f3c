"""``penstock simulate aws``: the AMIs of AWS, and accounts in which they are made."""

import click

from penstock.cli.simulate.cloud import CloudSettings, cloud_options
from penstock.cli.simulate.serving import serve
from penstock.model.errors import InputError

_ACCOUNT_DIGITS = 12


@click.command("aws")
@cloud_options
@click.option(
    "--writable",
    is_flag=True,
    help="Serve accounts in which images are made: S3, STS, EC2's imports and images, EBS direct, the Marketplace Catalog.",
)
@click.option(
    "--account",
    "accounts",
    multiple=True,
    metavar="KEY=NUMBER",
    help="Whoever signs with this access key id is this account; may be repeated. All others are 123456789012.",
)
@click.option(
    "--latency",
    metavar="NAME=SECONDS[,…]",
    help="Let AWS take its time: request, import, copy, seal, register, visible, change, part-per-mib.",
)
def aws(*, settings: CloudSettings, writable: bool, accounts: tuple[str, ...], latency: str | None) -> None:
    """Serve AMIs of AWS (EC2), and with --writable make them.

    One address serves all regions and services: the region is that of a request's signature, which must be there and is not verified.
    Kinds of faults are status, slow, cut, stall and partial. The clock is moved, and requests are read, under /_simulator/.
    --writable needs moto (the extra "simulate"), and keeps everything in memory.

    \b
    Examples:
      penstock simulate aws --stream coreos-rhel-9.json
      penstock simulate aws --fault status=503,times=2@Action=DescribeImages
      penstock simulate aws --writable --latency import=5,request=0.02
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.simulators.aws import AwsSimulator

    numbers = dict(map(_account, accounts))
    if not writable:
        if latency is not None:
            raise click.UsageError("--latency goes with --writable")
        simulator = AwsSimulator(
            settings.catalogue,
            accounts=numbers,
            now=settings.now,
            faults=settings.faults,
            host=settings.host,
            port=settings.port,
            tls=settings.tls,
        )
        serve(simulator)
        return
    from penstock.simulators.aws.latencies import Latencies
    from penstock.simulators.aws.writable import WritableAwsSimulator

    serve(
        WritableAwsSimulator(
            settings.catalogue,
            latencies=Latencies.parse(latency or ""),
            accounts=numbers,
            now=settings.now,
            faults=settings.faults,
            host=settings.host,
            port=settings.port,
            tls=settings.tls,
        )
    )


def _account(text: str) -> tuple[str, str]:
    key, _, number = text.partition("=")
    if not key or len(number) != _ACCOUNT_DIGITS or not (number.isascii() and number.isdigit()):
        raise InputError(f"{text!r} is no account", subject="--account", hint=f"write KEY=NUMBER, the number with {_ACCOUNT_DIGITS} digits")
    return key, number
