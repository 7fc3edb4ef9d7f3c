"""``penstock simulate``: simulators of the outside systems, for rehearsals."""

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.interrupts import Interrupted
from penstock.cli.running import run_async
from penstock.model.errors import InputError

if TYPE_CHECKING:
    import ssl

    from penstock.simulators.registry import Auth, RegistrySimulator

_EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_MAX_PORT = 65535


@click.group("simulate", no_args_is_help=True)
def group() -> None:
    """Run simulators of the outside systems on this machine.

    Each one prints its address on stdout when it accepts connections, and serves until it is interrupted.

    \b
    Example:
      penstock simulate registry --dir ./images
    """  # noqa: D301  # \b keeps click from joining the lines


@group.command("registry")
@click.option("--listen", default="127.0.0.1:5000", show_default=True, metavar="HOST:PORT", help="Listen here; port 0 takes a free one.")
@click.option(
    "--dir", "folder", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER", help="Keep images in this folder, not in memory."
)
@click.option(
    "--auth",
    type=click.Choice(["none", "basic", "token"]),
    default=None,
    help="Ask for nothing, for a password, or for a token (default: basic with --user, else none).",
)
@click.option("--user", metavar="NAME", help="Let this user in.")
@click.option("--password-file", type=_EXISTING_FILE, metavar="FILE", help="The user's password is the first line of this file.")
@click.option("--tls-cert", type=_EXISTING_FILE, metavar="FILE", help="Speak HTTPS with this certificate (PEM, with its chain).")
@click.option("--tls-key", type=_EXISTING_FILE, metavar="FILE", help="The certificate's private key (PEM).")
@click.option("--redirect-blobs", is_flag=True, help="Redirect downloads of blobs to a second port, as many registries do.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND[=N][,times=N][,after=N][,other=DIGEST][@REGEX]",
    help="Let something go wrong with requests whose 'METHOD /path' matches; may be repeated.",
)
def registry(  # one parameter for each option
    *,
    listen: str,
    folder: Path | None,
    auth: str | None,
    user: str | None,
    password_file: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    redirect_blobs: bool,
    faults: tuple[str, ...],
) -> None:
    """Serve an image registry (OCI distribution-spec 1.1).

    Without --dir everything is gone when it ends.  Kinds of faults are flip_bit, append, swap_blob, cut_after, stall_after,
    lie_content_length, slow, ignore_range and status.

    \b
    Examples:
      penstock simulate registry --listen 127.0.0.1:0
      penstock simulate registry --dir ./images --user me --password-file pw
      penstock simulate registry --fault status=503,times=2@/blobs/
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.simulators.registry import DirectoryStorage, Fault, RegistrySimulator

    host, port = _parse_address(listen)
    planned = [Fault.parse(text) for text in faults]
    allowed = _auth_of(auth, user, password_file)
    tls = _tls_of(tls_cert, tls_key)
    storage = None if folder is None else DirectoryStorage(folder)
    simulator = RegistrySimulator(
        storage=storage, auth=allowed, faults=planned, redirect_blobs=redirect_blobs, host=host, port=port, tls=tls, keep_requests=False
    )
    try:
        run_async(_serve(simulator))
    except Interrupted as interrupted:
        # Whoever terminates a server has had it served to the end, so that is no failure; Ctrl-C is 130 in every command.
        if interrupted.signal != signal.SIGTERM:
            raise


async def _serve(simulator: "RegistrySimulator") -> None:
    async with simulator:
        click.echo(simulator.url)
        await asyncio.Event().wait()


def _parse_address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > _MAX_PORT:
        raise InputError(f"{text!r} is not an address", subject="--listen", hint="write HOST:PORT, for example 127.0.0.1:0")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _auth_of(kind: str | None, user: str | None, password_file: Path | None) -> "Auth | None":
    from penstock.simulators.registry import BasicAuth, TokenAuth

    if kind is None:
        kind = "none" if user is None else "basic"
    if kind == "none":
        if user is not None or password_file is not None:
            raise click.UsageError("--user and --password-file have no meaning with --auth none")
        return None
    if user is None or password_file is None:
        raise click.UsageError(f"--auth {kind} needs --user and --password-file")
    if not user or ":" in user:
        raise InputError("a user's name is not empty and holds no colon", subject="--user")
    try:
        password = password_file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except UnicodeDecodeError as error:
        raise InputError("the file is not UTF-8", subject=str(password_file)) from error
    if not password:
        raise InputError("the file holds no password", subject=str(password_file))
    users = {user: password}
    return BasicAuth(users) if kind == "basic" else TokenAuth(users)


def _tls_of(certificate: Path | None, key: Path | None) -> "ssl.SSLContext | None":
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
