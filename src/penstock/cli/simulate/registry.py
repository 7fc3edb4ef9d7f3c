"""``penstock simulate registry``: an image registry."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.simulate.serving import EXISTING_FILE, parse_address, serve, tls_of
from penstock.model.errors import InputError

if TYPE_CHECKING:
    from penstock.simulators.registry import Auth


@click.command("registry")
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
@click.option("--password-file", type=EXISTING_FILE, metavar="FILE", help="The user's password is the first line of this file.")
@click.option("--tls-cert", type=EXISTING_FILE, metavar="FILE", help="Speak HTTPS with this certificate (PEM, with its chain).")
@click.option("--tls-key", type=EXISTING_FILE, metavar="FILE", help="The certificate's private key (PEM).")
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

    host, port = parse_address(listen)
    planned = [Fault.parse(text) for text in faults]
    allowed = _auth_of(auth, user, password_file)
    tls = tls_of(tls_cert, tls_key)
    storage = None if folder is None else DirectoryStorage(folder)
    simulator = RegistrySimulator(
        storage=storage, auth=allowed, faults=planned, redirect_blobs=redirect_blobs, host=host, port=port, tls=tls, keep_requests=False
    )
    serve(simulator)


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
