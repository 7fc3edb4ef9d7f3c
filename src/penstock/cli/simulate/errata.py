"""``penstock simulate errata``: the errata tool."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.simulate.serving import EXISTING_FILE, SimulatorSettings, serve, simulator_options
from penstock.model.errors import InputError

if TYPE_CHECKING:
    from penstock.simulators.errata import Advisory


@click.command("errata")
@click.option("--advisory", "texts", multiple=True, metavar="ID=NVR[,NVR]…", help="Have an advisory of these builds; may be repeated.")
@click.option(
    "--advisories", "files", multiple=True, type=EXISTING_FILE, metavar="FILE", help="Have the advisories of this file; may be repeated."
)
@simulator_options
def errata(*, settings: SimulatorSettings, texts: tuple[str, ...], files: tuple[Path, ...]) -> None:
    """Serve advisories as the errata tool does.

    XML-RPC answers everybody; the REST API asks for a Kerberos ticket, which
    is not verified. Clients come by HTTPS alone, so --tls-cert and --tls-key
    are needed. Kinds of faults are status, slow, cut and stall. The clock is
    moved, and requests are read, under /_simulator/. A file of advisories:

    \b
      advisories:
        - {id: "RHBA-2026:1234", builds: [rhel-ec2-9.4-1]}

    \b
    Examples:
      penstock simulate errata --tls-cert s.pem --tls-key s.pem \\
        --advisory RHBA-2026:1234=rhel-ec2-9.4-1,rhel-azure-9.4-1
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.simulators.errata import ErrataSimulator, parse_advisories

    if settings.tls is None:
        raise click.UsageError("clients of the errata tool speak HTTPS alone: give --tls-cert and --tls-key")
    described = [advisory for file in files for advisory in parse_advisories(file.read_bytes(), subject=str(file))]
    simulator = ErrataSimulator(
        (*described, *map(_advisory, texts)),
        now=settings.now,
        faults=settings.faults,
        host=settings.host,
        port=settings.port,
        tls=settings.tls,
    )
    serve(simulator)


def _advisory(text: str) -> "Advisory":
    from penstock.simulators.errata import Advisory

    name, _, builds = text.partition("=")
    named = tuple(each for each in builds.split(",") if each)
    if not name or not named:
        raise InputError(f"{text!r} is no advisory", subject="--advisory", hint="write ID=NVR,NVR: RHBA-2026:1234=rhel-ec2-9.4-1")
    return Advisory(name, named)
