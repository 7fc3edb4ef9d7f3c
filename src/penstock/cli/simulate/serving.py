"""What the simulators have in common on the command line: where they listen, the time, what goes wrong, TLS, and how they end."""

import asyncio
import functools
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeVar, cast

import click

from penstock.cli.interrupts import Interrupted
from penstock.cli.running import run_async
from penstock.model.errors import InputError

if TYPE_CHECKING:
    import ssl
    from datetime import datetime

    from penstock.simulators.cloud import Fault

F = TypeVar("F", bound=Callable[..., Any])

EXISTING_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """What the options of :func:`simulator_options` say, read.

    Attributes:
        host: to listen on.
        port: 0 for a free one.
        now: where the clock stands; None for the real time.
        faults: what goes wrong.
        tls: None for plain HTTP.
    """

    host: str
    port: int
    now: "datetime | None"
    faults: "tuple[Fault, ...]"
    tls: "ssl.SSLContext | None"


_OPTIONS: Final = (
    click.option("--listen", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="Listen here; port 0 takes a free one."),
    click.option("--now", metavar="TIME", help="Let the clock stand at this time (RFC 3339; default: the real time)."),
    click.option(
        "--fault",
        "faults",
        multiple=True,
        metavar="KIND[=N][,OPTION=N]…[@REGEX]",
        help="Let something go wrong with requests whose 'METHOD /path?query' matches; may be repeated.",
    ),
    click.option("--tls-cert", type=EXISTING_FILE, metavar="FILE", help="Speak HTTPS with this certificate (PEM, with its chain)."),
    click.option("--tls-key", type=EXISTING_FILE, metavar="FILE", help="The certificate's private key (PEM)."),
)


def simulator_options(command: F) -> F:
    """The options of a simulator with a clock and faults, passed as ``settings: SimulatorSettings``."""

    @functools.wraps(command)
    def collect(
        *,
        listen: str,
        now: str | None,
        faults: tuple[str, ...],
        tls_cert: Path | None,
        tls_key: Path | None,
        **values: Any,  # noqa: ANN401  # whatever the command takes
    ) -> object:
        return command(settings=_settings(listen, now, faults, tls_of(tls_cert, tls_key)), **values)

    return cast("F", with_options(collect, _OPTIONS))


def with_options(command: Any, options: tuple[Callable[[Any], Any], ...]) -> Any:  # noqa: ANN401  # click's decorators take whatever is one
    """``command`` with these options, which the help shows in this order."""
    return functools.reduce(lambda decorated, option: option(decorated), reversed(options), command)


def _settings(listen: str, now: str | None, faults: tuple[str, ...], tls: "ssl.SSLContext | None") -> SimulatorSettings:
    from penstock.simulators.cloud import Fault, parse_moment

    host, port = parse_address(listen)
    moment = None if now is None else parse_moment(now, subject="--now")
    return SimulatorSettings(host, port, moment, tuple(Fault.parse(text) for text in faults), tls)


class Simulator(Protocol):
    """A server that serves while its context is open."""

    @property
    def url(self) -> str:
        """Its address, once it serves."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def serve(simulator: Simulator) -> None:
    """Print the address once ``simulator`` serves, and let it until the program is interrupted."""
    try:
        run_async(_serve(simulator))
    except Interrupted as interrupted:
        # Whoever terminates a server has had it served to the end, so that is no failure; Ctrl-C is 130 in every command.
        if interrupted.signal != signal.SIGTERM:
            raise


async def _serve(simulator: Simulator) -> None:
    async with simulator:
        click.echo(simulator.url)
        await asyncio.Event().wait()


def parse_address(text: str) -> tuple[str, int]:
    """The host and the port of ``--listen``.

    Raises:
        InputError: it is no address.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > _MAX_PORT:
        raise InputError(f"{text!r} is not an address", subject="--listen", hint="write HOST:PORT, for example 127.0.0.1:0")
    return host.removeprefix("[").removesuffix("]"), int(port)


def tls_of(certificate: Path | None, key: Path | None) -> "ssl.SSLContext | None":
    """The context of ``--tls-cert`` and ``--tls-key``; None without them.

    Raises:
        InputError: they cannot be used.
    """
    import ssl

    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise click.UsageError("--tls-cert and --tls-key are given together")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise InputError(
            "the certificate and key cannot be used", subject=str(certificate), hint="both are PEM, and belong to each other"
        ) from error
    return context
