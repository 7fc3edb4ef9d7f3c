"""What the simulators have in common on the command line: where they listen, TLS, and how they end."""

import asyncio
import signal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self

import click

from penstock.cli.interrupts import Interrupted
from penstock.cli.running import run_async
from penstock.model.errors import InputError

if TYPE_CHECKING:
    import ssl

EXISTING_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_MAX_PORT = 65535


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
