"""Where the service listens, and how it stops.

With a certificate the first port speaks TLS, and a second one, if there is one, plain HTTP; without one there is one plain port
(assisted-image-service: ``pkg/servers/servers.go``).
"""

import asyncio
import contextlib
import errno
import ipaddress
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web

from penstock.imageservice.figures import Figures
from penstock.model.errors import InputError, OperationError
from penstock.servers.images.aliases import Aliases
from penstock.servers.images.answers import Snapshots
from penstock.servers.images.app import AppOptions, make_app
from penstock.servers.images.connections import HEADER_TIMEOUT_S, Connection, Connections
from penstock.servers.images.cors import AllowedOrigins

_BACKLOG: Final = 4096
_LONGEST_LINE_BYTES: Final = 64 << 10
_HANDSHAKE_TIMEOUT_S: Final = 10.0
"""Longer than for headers: the processors of BMCs are slow."""

_WHY_NOT: Final = {
    errno.EADDRINUSE: (
        "cannot listen: the port is taken by another program",
        "end that one (ss -ltnp shows it), or take another port; port 0 is any free one",
    ),
    errno.EACCES: (
        "cannot listen: this user may not take the port",
        "ports below 1024 are for root or need CAP_NET_BIND_SERVICE; take a higher one",
    ),
    errno.EADDRNOTAVAIL: ("cannot listen: this machine has no such address", "leave the address out to listen on all that it has"),
}
"""Why an address cannot be listened on, and what to do."""

_log = structlog.get_logger("penstock.servers.images")


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A certificate chain and its key, in PEM; read again when they change."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Where and how to serve.

    Attributes:
        host: the address to listen on; None is every one, of IPv4 and IPv6.
        port: ``LISTEN_PORT``: of TLS, else of plain HTTP unless ``http_port`` is given; 0 is any free one.
        http_port: ``HTTP_LISTEN_PORT``: of plain HTTP, or None.
        tls: with it ``port`` speaks TLS.
        max_concurrent_requests: how many transfers run at once; further ones wait.
        allowed_domains: ``ALLOWED_DOMAINS``, or ``""``.
        base_url: by which clients reach the service, without a slash at its end, or ``""``.
        alias_folder: where aliases are kept, or None for memory.
        figures: further numbers for the metrics.
        header_timeout_s: how long a client may take to send the headers of a request.
        drain_deadline_s: how long transfers may go on after the service is told to stop; None is without end.
        certificate_check_s: how often the files of ``tls`` are looked at.
    """

    host: str | None = None
    port: int = 8080
    http_port: int | None = None
    tls: TlsFiles | None = None
    max_concurrent_requests: int = 400
    allowed_domains: str = ""
    base_url: str = field(default="", repr=False)
    alias_folder: Path | None = None
    figures: Figures | None = None
    header_timeout_s: float = HEADER_TIMEOUT_S
    drain_deadline_s: float | None = None
    certificate_check_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Bound:
    """Where a server listens; None where it does not."""

    http_port: int | None
    https_port: int | None


@asynccontextmanager
async def serve(
    service: Snapshots,
    options: ServerOptions,
    *,
    extra_routes: Iterable[web.RouteDef] = (),
    limited_routes: Iterable[web.RouteDef] = (),
) -> AsyncIterator[Bound]:
    """Serve while the context is open; leaving it waits for the transfers that run, and takes no new ones.

    Args:
        service: gives what is sent.
        options: where and how.
        extra_routes: further routes, not limited and not of images.
        limited_routes: further routes that take a slot each, as transfers do: those that ask the backend.

    Raises:
        OperationError: an address cannot be listened on.
        InputError: the certificate or its key is wrong, or an address is none.
    """
    wants_plain = options.http_port is not None or options.tls is None
    connections = Connections(options.header_timeout_s)
    app_options = AppOptions(
        slots=options.max_concurrent_requests,
        origins=AllowedOrigins.parse(options.allowed_domains),
        tls_only=options.tls is not None and wants_plain,
        aliases=Aliases(options.alias_folder),
        base_url=options.base_url,
        figures=options.figures,
    )
    app = make_app(service, connections, app_options, extra_routes, limited_routes)
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        handler_cancellation=True,
        logger=_quiet_logger(),
        max_line_size=_LONGEST_LINE_BYTES,
        max_field_size=_LONGEST_LINE_BYTES,
        auto_decompress=False,
    )
    await runner.setup()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(runner.cleanup)
        stack.push_async_callback(connections.drain, options.drain_deadline_s)
        https_port = None
        if options.tls is not None:
            context = await stack.enter_async_context(_certificate(options.tls, options.certificate_check_s))
            server = await _listen(runner, connections, options.host, options.port, context)
            stack.callback(server.close)
            https_port = _port_of(server.sockets)
        http_port = None
        if wants_plain:
            port = options.port if options.http_port is None else options.http_port
            server = await _listen(runner, connections, options.host, port, None)
            stack.callback(server.close)
            http_port = _port_of(server.sockets)
        yield Bound(http_port, https_port)


async def _listen(
    runner: web.AppRunner, connections: Connections, host: str | None, port: int, tls: ssl.SSLContext | None
) -> asyncio.Server:
    def connection() -> Connection:
        assert runner.server is not None
        return Connection(runner.server(), connections)

    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(
            connection, host, port, ssl=tls, backlog=_BACKLOG, ssl_handshake_timeout=_HANDSHAKE_TIMEOUT_S if tls else None
        )
    except socket.gaierror as error:
        raise InputError("this is no address to listen on", subject=host or "*", hint="give an IP address of this machine") from error
    except OSError as error:
        message, hint = _WHY_NOT.get(error.errno or 0, (f"cannot listen: {error.strerror or error}", "check the address and the port"))
        raise OperationError(message, subject=f"{host or '*'}:{port}", hint=hint) from error
    for listener in server.sockets:
        _send_without_pauses(listener)
    return server


def _send_without_pauses(listener: socket.socket) -> None:
    """Let the connections of a listener that only this machine reaches have no congestion control that paces them.

    Where the system's is BBR the kernel sets a timer for every 64 KiB, between two programs of one machine too.  It is decided at the
    listener because a connection that began with BBR stays paced.  Reno is in every kernel, and everybody may take it.
    """
    if ipaddress.ip_address(listener.getsockname()[0]).is_loopback:
        with contextlib.suppress(OSError):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")


def _port_of(sockets: Iterable[socket.socket]) -> int:
    return int(next(iter(sockets)).getsockname()[1])


@asynccontextmanager
async def _certificate(files: TlsFiles, check_s: float) -> AsyncIterator[ssl.SSLContext]:
    """A context for TLS, which takes up new files for connections that come after."""
    context = _context()
    seen = await asyncio.to_thread(_seen, files)
    await asyncio.to_thread(_load, context, files)
    task = asyncio.create_task(_reload(context, files, check_s, seen))
    try:
        yield context
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _reload(context: ssl.SSLContext, files: TlsFiles, check_s: float, seen: tuple[int, ...]) -> None:
    while True:
        await asyncio.sleep(check_s)
        now = await asyncio.to_thread(_seen, files)
        if now == seen:
            continue
        try:
            # First into a context that nobody uses: a certificate that does not fit its key would spoil the one in use.
            await asyncio.to_thread(_load, _context(), files)
            _load(context, files)
        except InputError as error:
            _log.warning("the new certificate is not taken", error=error.message, subject=error.subject)
        else:
            _log.info("the certificate was read again", subject=str(files.certificate))
        seen = now


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _load(context: ssl.SSLContext, files: TlsFiles) -> None:
    try:
        # Never asks at a terminal for the password of a key.
        context.load_cert_chain(files.certificate, files.key, password=lambda: "")
    except (OSError, ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "it cannot be read"
        raise InputError(
            f"the certificate or its key is wrong: {reason}",
            subject=str(files.certificate),
            hint="give a certificate chain and its key, both in PEM and without a password",
        ) from None


def _seen(files: TlsFiles) -> tuple[int, ...]:
    """Tells whether the files have changed, also where a link to them has."""
    found: list[int] = []
    for path in (files.certificate, files.key):
        with contextlib.suppress(OSError):
            status = path.stat()
            found += [status.st_ino, status.st_size, status.st_mtime_ns]
    return tuple(found)


def _quiet_logger() -> logging.Logger:
    """For aiohttp: what it says of requests that it cannot read holds their first line, and with it secrets."""
    logger = logging.getLogger("penstock.servers.images.http")
    if not any(isinstance(known, _WithoutDetails) for known in logger.filters):
        logger.addFilter(_WithoutDetails())
    return logger


class _WithoutDetails(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0].__name__ if isinstance(record.exc_info, tuple) and record.exc_info[0] is not None else ""
        record.msg, record.args, record.exc_info = (
            f"a request could not be read: {kind}" if kind else "a request could not be read",
            (),
            None,
        )
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        return logging.getLogger().isEnabledFor(logging.DEBUG)
