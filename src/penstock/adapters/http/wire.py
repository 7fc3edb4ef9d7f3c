"""One blocking GET whose body goes straight from the socket into the caller's memory.

Why not aiohttp: it hands each body out in pieces through the event loop, about 1.5 CPU-s per GiB on loopback; ``http.client`` with
large reads takes a sixth: CPython's BufferedReader passes a ``readinto1`` that is larger than its buffer on to ``recv_into``, without a
copy and without losing bytes when the connection breaks.  Only chunked bodies go through ``http.client``'s own, slower reading.
"""

import base64
import contextlib
import http.client
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from yarl import URL

from penstock.adapters.http.failures import TRY_LATER
from penstock.adapters.http.hops import place_of
from penstock.adapters.http.options import Timeouts
from penstock.adapters.http.transport import USER_AGENT, certificate_error
from penstock.model.errors import TransientError


@dataclass(frozen=True, slots=True)
class Way:
    """How connections are made.

    Attributes:
        tls: the settings for HTTPS.
        proxy: the proxy for this URL, or None.
        timeouts: ``connect_s`` and ``stall_s`` are used.
    """

    tls: ssl.SSLContext
    proxy: URL | None
    timeouts: Timeouts


class WireResponse:
    """The answer to one GET, and the connection it comes through."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse, url: URL, stall_s: float) -> None:
        self._connection = connection
        self._response = response
        self._raw = None if response.chunked or response.isclosed() else response.fp
        self._stall_s = stall_s
        self.url = url
        self.place = place_of(url)
        self.status = response.status
        self.headers = response.headers

    @classmethod
    def get(cls, url: URL, headers: Mapping[str, str], way: Way, subject: str, *, connected: Callable[[socket.socket], None]) -> Self:
        """Connect and ask; the body is not read.

        Args:
            url: what to get.
            headers: beside those that every request has.
            way: how to connect.
            subject: what is asked for, for messages.
            connected: told of the socket before anything is waited for, so that another thread can :func:`interrupt` it.

        Raises:
            TransientError: no answer came.
            OperationError: the certificate is not trusted.
        """
        place = place_of(url)
        connection = _connection(url, way)
        stall_s = way.timeouts.stall_s
        sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **_proxy_headers(url, way), **headers}
        try:
            connection.connect()
            connected(connection.sock)
            connection.sock.settimeout(stall_s)
            target = url.raw_path_qs if way.proxy is None or url.scheme == "https" else str(url)
            connection.request("GET", target, headers=sent)
            return cls(connection, connection.getresponse(), url, stall_s)
        except ssl.SSLCertVerificationError as error:
            connection.close()
            raise certificate_error(place, error.verify_message, subject) from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise _fault(error, place, subject, stall_s) from error
        except BaseException:
            connection.close()
            raise

    @property
    def length(self) -> int | None:
        """``Content-Length``, or None where it is not said (or is nonsense)."""
        value = self.headers.get("Content-Length", "")
        return int(value) if value.isascii() and value.isdigit() else None

    def readinto(self, view: memoryview, subject: str) -> int:
        """Up to ``len(view)`` bytes of the body; 0 at its end, or where the connection ended.

        Raises:
            TransientError: the connection broke, or nothing came for the stall time.
        """
        try:
            return self._response.readinto(view) if self._raw is None else self._raw.readinto1(view)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _fault(error, self.place, subject, self._stall_s) from error

    def first_bytes(self, limit_bytes: int) -> bytes:
        """The beginning of the body of a refusal; what cannot be read is left out."""
        try:
            return self._response.read(limit_bytes)
        except (OSError, http.client.HTTPException, ValueError):
            return b""

    def close(self) -> None:
        """Close the connection; what is left of the body is not read."""
        self._response.close()
        self._connection.close()


def interrupt(connected: socket.socket) -> None:
    """End what another thread waits for on this socket; that thread then closes it."""
    with contextlib.suppress(OSError):
        # The plain socket's method: an SSL socket's own would change state under the reader's feet.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _connection(url: URL, way: Way) -> http.client.HTTPConnection:
    host, port = url.host or "", url.port
    timeout_s = way.timeouts.connect_s
    if way.proxy is None:
        if url.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=way.tls)
        return http.client.HTTPConnection(host, port, timeout=timeout_s)
    proxy_host, proxy_port = way.proxy.host or "", way.proxy.port
    if url.scheme == "http":
        return http.client.HTTPConnection(proxy_host, proxy_port, timeout=timeout_s)
    tunnelled = http.client.HTTPSConnection(proxy_host, proxy_port, timeout=timeout_s, context=way.tls)
    tunnelled.set_tunnel(host, port, headers=_proxy_authorization(way.proxy))
    return tunnelled


def _proxy_headers(url: URL, way: Way) -> dict[str, str]:
    return _proxy_authorization(way.proxy) if way.proxy is not None and url.scheme == "http" else {}


def _proxy_authorization(proxy: URL) -> dict[str, str]:
    if not proxy.user:
        return {}
    return {"Proxy-Authorization": "Basic " + base64.b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode()}


def _fault(error: Exception, place: str, subject: str, stall_s: float) -> TransientError:
    if isinstance(error, TimeoutError):
        return TransientError(f"{place} sent nothing for {stall_s:g} s", subject=subject, hint=TRY_LATER)
    if isinstance(error, ConnectionRefusedError | socket.gaierror):
        return TransientError(f"no connection to {place}: {error.strerror}", subject=subject, hint=TRY_LATER)
    return TransientError(f"{place} cut the connection", subject=subject, hint=TRY_LATER)
