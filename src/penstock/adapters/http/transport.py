"""One HTTP exchange with a small answer, on aiohttp; and the TLS settings that the blob readers share.

aiohttp's own redirects, cookies, netrc and decompression are off: credentials travel by the rules of :mod:`hops` alone, and the bytes
that were hashed are the bytes that came.  Names are resolved in threads of our own: blob readers wait in worker threads for tokens that
this loop fetches, and were the loop's shared threads all taken by them, a look-up queued behind would never come.
"""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDictProxy
from yarl import URL

from penstock import __version__
from penstock.adapters.http.failures import TRY_LATER, TlsNotSpoken
from penstock.adapters.http.hops import place_of, proxy_for
from penstock.adapters.http.options import HttpOptions
from penstock.model.errors import InputError, OperationError, PenstockError, TransientError, VerificationError

USER_AGENT = f"penstock/{__version__}"
LONGEST_REFUSAL_BYTES = 64 << 10
_READ_BYTES = 64 << 10
_FIRST_REFUSAL = 400

Body = Callable[[], AsyncIterator[bytes] | bytes]
"""Gives the content of a request from its start, for each try anew."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer.

    Attributes:
        status: the HTTP status.
        headers: names in any case.
        body: as it came; of a refusal only the first bytes.
        url: who answered.
    """

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    url: URL


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask.

    Attributes:
        method: ``GET``, ``HEAD``, ``POST``, ``PUT``.
        subject: the reference it is about, for messages.
        headers: without Authorization.
        body: the content, or None.
        limit_bytes: a longer answer is refused.
        commit: whether the server must store or hash before it can answer.
    """

    method: str
    subject: str
    headers: Mapping[str, str]
    body: Body | None = None
    limit_bytes: int = 1 << 20
    commit: bool = False


class Transport:
    """HTTP for one client; made and closed inside the running loop."""

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._resolver = _Resolver()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, limit_per_host=options.parallel, resolver=self._resolver),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()
        await self._resolver.close()

    def tls(self, *, insecure: bool) -> ssl.SSLContext:
        """The TLS settings, made once.

        Raises:
            InputError: the file of authorities is missing or wrong.
        """
        if self._options.tls is not None:
            return self._options.tls
        if insecure not in self._contexts:
            self._contexts[insecure] = tls_context(self._options, insecure=insecure)
        return self._contexts[insecure]

    async def exchange(self, request: Request, url: URL, *, authorization: str | None = None, insecure: bool = False) -> Answer:
        """Ask once, following nothing.

        Raises:
            TransientError: no answer came, or it was cut.
            TlsNotSpoken: the server does not speak TLS.
            OperationError: the certificate is not trusted, or the answer is no HTTP.
            VerificationError: the answer is longer than ``limit_bytes``.
        """
        timeouts = self._options.timeouts
        stall_s = timeouts.commit_s if request.commit else timeouts.stall_s
        total_s = None if request.body else timeouts.connect_s + 3 * stall_s
        headers = dict(request.headers)
        if authorization is not None:
            headers["Authorization"] = authorization
        try:
            async with self._session.request(
                request.method,
                url,
                headers=headers,
                data=request.body() if request.body else None,
                allow_redirects=False,
                ssl=self.tls(insecure=insecure) if url.scheme == "https" else True,
                proxy=proxy_for(url, self._options.environment),
                timeout=aiohttp.ClientTimeout(total=total_s, sock_connect=timeouts.connect_s, sock_read=stall_s),
            ) as response:
                body = await _read(response, request)
                return Answer(response.status, response.headers, body, url)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise _fault(error, url, request.subject) from error


async def _read(response: aiohttp.ClientResponse, request: Request) -> bytes:
    refused = response.status >= _FIRST_REFUSAL
    limit_bytes = LONGEST_REFUSAL_BYTES if refused else request.limit_bytes
    if not refused and response.headers.get("Content-Encoding", "identity").lower() != "identity":
        place = place_of(response.url)
        raise OperationError(
            f"{place} sends another encoding than it was asked for", subject=request.subject, hint="is there a proxy between?"
        )
    content = bytearray()
    async for chunk in response.content.iter_chunked(_READ_BYTES):
        content += chunk
        if len(content) > limit_bytes:
            if refused:
                return bytes(content[:limit_bytes])
            raise VerificationError(f"{place_of(response.url)} sends more than {limit_bytes} bytes", subject=request.subject)
    return bytes(content)


def tls_context(options: HttpOptions, *, insecure: bool) -> ssl.SSLContext:
    """TLS settings: the system's authorities, or those of ``ca_file`` in their place, or no check at all.

    Raises:
        InputError: the file of authorities is missing or wrong.
    """
    if insecure:
        # Not the default context with its checks taken off: that would first read all the authorities of the system, for 40 ms.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if options.ca_file is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=str(options.ca_file))
    except ssl.SSLError as error:
        raise InputError("holds no usable PEM certificate", subject=str(options.ca_file)) from error
    except OSError as error:
        raise InputError(f"the certificate authorities cannot be read: {error.strerror}", subject=str(options.ca_file)) from error


def certificate_error(place: str, reason: str, subject: str) -> OperationError:
    """The error for a certificate that is not trusted."""
    hint = "name its authority with --certificate-authority, or use --insecure where the bytes are named by digest"
    return OperationError(f"the certificate of {place} is not trusted: {reason}", subject=subject, hint=hint)


def _fault(error: Exception, url: URL, subject: str) -> PenstockError:
    """The error of the tree for what aiohttp or the system raised."""
    place = place_of(url)
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return certificate_error(place, _certificate_reason(error.certificate_error), subject)
        case aiohttp.ClientConnectorSSLError() | ssl.SSLError():
            return TlsNotSpoken(
                f"{place} does not speak TLS",
                subject=subject,
                hint="for plain HTTP, use --insecure with a registry, or write http:// before an address",
            )
        case aiohttp.ClientConnectorDNSError():
            return TransientError(f"the name {url.host} cannot be resolved", subject=subject, hint="check the name and the network")
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            return TransientError(f"the proxy on the way to {place} did not connect", subject=subject, hint="check the proxy settings")
        case aiohttp.ClientConnectorError():
            return TransientError(
                f"no connection to {place}: {os.strerror(error.errno) if error.errno else 'refused'}", subject=subject, hint=TRY_LATER
            )
        case TimeoutError():
            return TransientError(f"{place} did not answer in time", subject=subject, hint=TRY_LATER)
        case aiohttp.ClientPayloadError() | aiohttp.ServerDisconnectedError() | OSError():
            return TransientError(f"{place} cut the connection", subject=subject, hint=TRY_LATER)
        case aiohttp.ClientConnectionError():
            return TransientError(f"the connection to {place} broke", subject=subject, hint=TRY_LATER)
        case _:
            return OperationError(f"{place} does not answer as an HTTP server does", subject=subject, hint="check the address")


def _certificate_reason(error: Exception) -> str:
    return getattr(error, "verify_message", "") or "it is for another name"


class _Resolver(AbstractResolver):
    """Name look-ups in two threads that nobody else waits in."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="penstock-names")

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, lambda: socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM))
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._threads.shutdown(wait=False, cancel_futures=True)
