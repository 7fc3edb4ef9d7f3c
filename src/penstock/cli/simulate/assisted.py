"""``penstock simulate assisted``: what assisted-service tells an image service."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.simulate.serving import SimulatorSettings, serve, simulator_options
from penstock.model.errors import InputError

if TYPE_CHECKING:
    from penstock.simulators.assisted import InfraEnv


@click.command("assisted")
@click.option("--infra-env", "configs", multiple=True, metavar="UUID=FILE", help="Have this infra-env with this config; may be repeated.")
@click.option("--ramdisk", "ramdisks", multiple=True, metavar="UUID=FILE", help="Give its hosts this ramdisk; may be repeated.")
@click.option("--karg", "kargs", multiple=True, metavar="UUID=ARG", help="Give its hosts this kernel argument; may be repeated.")
@click.option(
    "--auth",
    type=click.Choice(["none", "api_key", "image_token", "authorization", "any"]),
    default="none",
    show_default=True,
    help="Ask for a token that is shown in this way, or in any.",
)
@simulator_options
def assisted(
    *,
    settings: SimulatorSettings,
    configs: tuple[str, ...],
    ramdisks: tuple[str, ...],
    kargs: tuple[str, ...],
    auth: str,
) -> None:
    """Serve Ignition configs as assisted-service does.

    Infra-envs are changed, tokens are given out, and requests are read, under /_simulator/. Kinds of faults are status, slow, cut and
    stall. For an image service, ASSISTED_SERVICE_HOST is the address without its scheme.

    \b
    Examples:
      penstock simulate assisted
      penstock simulate assisted --infra-env UUID=a.ign --karg UUID=nosmt
      penstock simulate assisted --auth api_key --fault status=503,times=2
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.model.hosts import CredentialKind
    from penstock.simulators.assisted import AssistedSimulator

    simulator = AssistedSimulator(
        _infra_envs(configs, ramdisks, kargs),
        auth=list(CredentialKind) if auth == "any" else [CredentialKind(auth)],
        now=settings.now,
        faults=settings.faults,
        host=settings.host,
        port=settings.port,
        tls=settings.tls,
    )
    serve(simulator)


def _infra_envs(configs: Iterable[str], ramdisks: Iterable[str], kargs: Iterable[str]) -> "dict[str, InfraEnv]":
    """The infra-envs that the options say.

    Raises:
        InputError: an option is not of its form, its file cannot be read, or it is for an infra-env that has no config.
    """
    from dataclasses import replace

    from penstock.simulators.assisted import InfraEnv, kernel_arguments_text

    made = {host: InfraEnv(_content("--infra-env", path)) for host, path in (_parted("--infra-env", text) for text in configs)}
    for host, path in (_parted("--ramdisk", text) for text in ramdisks):
        made[host] = replace(_known(made, "--ramdisk", host), ramdisk=_content("--ramdisk", path))
    arguments: dict[str, list[str]] = {}
    for host, argument in (_parted("--karg", text) for text in kargs):
        arguments.setdefault(host, []).append(argument)
    for host, values in arguments.items():
        made[host] = replace(_known(made, "--karg", host), kernel_arguments=kernel_arguments_text(values))
    return made


def _parted(option: str, text: str) -> tuple[str, str]:
    host, equals, value = text.partition("=")
    if not host or not equals or not value:
        raise InputError(f"{text!r} is not of the form UUID=…", subject=option)
    return host.lower(), value


def _content(option: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"the file {path!r} cannot be read: {error.strerror}", subject=option) from error


def _known(made: "dict[str, InfraEnv]", option: str, host: str) -> "InfraEnv":
    if host not in made:
        raise InputError(f"no --infra-env is given for {host}", subject=option)
    return made[host]
