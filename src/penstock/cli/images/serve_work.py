"""What ``penstock images serve`` does: what is set is checked, and the image service runs until a signal comes."""

import asyncio
import resource
import signal
from contextlib import suppress
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import click

from penstock.cli.interrupts import Interrupted
from penstock.cli.running import run_async
from penstock.model.errors import InputError
from penstock.servers.images.running import Serving, image_service
from penstock.wiring.imagelists import must_be_given, must_be_there, read_lists
from penstock.wiring.imageservice import BackendSettings, ImageSources

_BASE_URL_FORM: Final = "write http://HOST[:PORT][/PATH] or https://…, without query and without any of $ \\ \" '"


def check(sources: ImageSources, backend: BackendSettings, base_url: str, *, admin: bool) -> None:
    """Refuse what cannot be served, before anything is opened.

    Raises:
        InputError: a list or the base URL is wrong, or nothing is to be served, or nobody says what hosts get.
    """
    if base_url:
        _check_base_url(base_url)
    if not admin:
        must_be_given(sources.lists)
    must_be_there(sources.lists)
    read_lists(sources.lists)
    if backend.host is None and backend.config_dir is None:
        hint = "name assisted-service with --assisted-service-host (ASSISTED_SERVICE_HOST), or a folder with --config-dir"
        raise InputError("nobody says what a host gets", hint=hint)
    if backend.host is not None and backend.config_dir is not None:
        raise InputError("assisted-service and --config-dir exclude each other", hint="name one of them")
    for option, is_given in (("--default-config", backend.default_config), ("--configs-by-ledger", backend.by_ledger)):
        if is_given and backend.config_dir is None:
            raise InputError(f"{option} is about configs in a folder", hint="name the folder with --config-dir")
    if backend.default_config and backend.by_ledger:
        raise InputError("--default-config and --configs-by-ledger exclude each other", hint="the ledger knows no default")


def takes_configs(backend: BackendSettings, address: str | None, *, page_form: bool | None) -> bool:
    """Whether who opens the page may store a config: as ``--page-form`` says, else where only this machine can open it.

    Whoever reaches the form can fill the folder, and give a host a config.
    """
    if backend.config_dir is None:
        return False
    return page_form if page_form is not None else _is_loopback(address)


def _is_loopback(address: str | None) -> bool:
    if address == "localhost":
        return True
    try:
        return ip_address(address or "::").is_loopback
    except ValueError:
        return False


def _check_base_url(text: str) -> None:
    try:
        url = urlsplit(text)
        usable = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
        plain = (
            url.username is None
            and not url.query
            and not url.fragment
            and text.isascii()
            and text.isprintable()
            and not set(text) & set(" $\\\"'")
        )
    except ValueError:
        usable = plain = False
    if not usable or not plain:
        # The text is not shown: somebody may have written a password into it.
        raise InputError("this is no URL by which hosts could reach the service", subject="--base-url", hint=_BASE_URL_FORM)


def serve(serving: Serving) -> None:
    """Serve until a signal comes.

    Raises:
        Interrupted: of another signal than SIGTERM, which ends a server as it should end.
        PenstockError: it cannot be started.
    """
    _take_all_descriptors()
    try:
        run_async(_serve(serving), patient=True)
    except Interrupted as interrupted:
        if interrupted.signal != signal.SIGTERM:
            raise


def _take_all_descriptors() -> None:
    """Let this process have as many connections as it may have: a shell's first limit is 1024, for the sake of programs that use select."""
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit != most:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(serving: Serving) -> None:
    async with image_service(serving) as running:
        for scheme, port in (("https", running.bound.https_port), ("http", running.bound.http_port)):
            if port is not None:
                click.echo(f"{scheme}://{_host(serving.listening.address)}:{port}")
        await asyncio.Event().wait()


def _host(address: str | None) -> str:
    """What a client on this machine would write."""
    if address in {None, "", "0.0.0.0", "::"}:  # noqa: S104  # compared, not listened on
        return "localhost"
    return f"[{address}]" if ":" in str(address) else str(address)
