"""The client of assisted-service.

It asks what OpenShift's image service asks (assisted-image-service: ``internal/handlers/assisted_service_client.go``), with the credentials
that somebody showed it, and hands on what it is told:

* the config wants exactly 200, the ramdisk any success; 204 is no ramdisk;
* whatever else is answered is the client's answer too, so nothing of it is tried again; and what cannot be reached is told at once, because
  a host that boots asks again by itself.  (A connection that the server closed without a byte of an answer, as it does with one that lay
  idle for too long, is replaced by aiohttp, once and at once.)
* credentials go to the scheme, host and port that they were meant for; a redirect to another place is followed without them.

No error has a cause or a context from below: aiohttp's know the URL, in which an API key stands.
"""

import asyncio
import re
from collections.abc import Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

from yarl import URL

from penstock.adapters.assisted.answers import arguments_of
from penstock.adapters.assisted.options import AssistedOptions
from penstock.adapters.http.failures import TlsNotSpoken
from penstock.adapters.http.hops import MAX_REDIRECTS, REDIRECTS, keeps_credentials, next_hop, place_of
from penstock.adapters.http.options import HttpOptions
from penstock.adapters.http.transport import Answer, Request, Transport, tls_context
from penstock.model.errors import InputError, OperationError, PenstockError, TransientError, VerificationError
from penstock.model.hosts import BackendRefused, CredentialKind, Credentials, HostIgnition
from penstock.model.osimage import ImageType

MAX_CONFIG_BYTES: Final = 16 << 20
MAX_RAMDISK_BYTES: Final = 64 << 20
MAX_INFRA_ENV_BYTES: Final = 16 << 20
_SLOW_TO_PARSE_BYTES: Final = 64 << 10

# The id may come from a token that nobody has verified: it must stay one segment of a path, also behind a proxy that decodes it.
_ID = re.compile(r"[0-9A-Za-z_-]{1,128}", re.ASCII)
_HEADER_VALUE = re.compile(r"[\x20-\x7e]+", re.ASCII)
_HINTS: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "the credentials in the URL are missing or have expired: get a new URL from assisted-service",
    HTTPStatus.FORBIDDEN: "the credentials in the URL are for another infra-env",
    HTTPStatus.NOT_FOUND: "assisted-service does not know this infra-env",
}
_CHECK: Final = "look at ASSISTED_SERVICE_SCHEME, ASSISTED_SERVICE_HOST and ASSISTED_SERVICE_API_TRUSTED_CA_FILE"
_TRY_LATER: Final = "try again later; if it stays so, look at the health of assisted-service and the network between"


class AssistedBackend:
    """:class:`penstock.ports.HostBackend` over assisted-service; made and closed inside the running loop."""

    def __init__(self, options: AssistedOptions) -> None:
        """Prepare; nothing is asked before the first question.

        Raises:
            InputError: scheme, host or the file of authorities is wrong.
        """
        self._base = options.base()
        http = options.http()
        if self._base.scheme == "https":
            # At once, so that a broken file of authorities stops the start and not the first host.
            tls = tls_context(http, insecure=False)
            http = HttpOptions(tls=tls, parallel=http.parallel, timeouts=http.timeouts, environment=http.environment)
        self._transport = Transport(http)

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close all connections."""
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def ignition(self, host: str, image_type: ImageType | None, credentials: Credentials) -> HostIgnition:
        """See :meth:`penstock.ports.HostBackend.ignition`; the bytes and the date are handed on as they come.

        Raises:
            VerificationError: a success other than 200, or more than ``MAX_CONFIG_BYTES``.
            OperationError: a certificate that is not trusted, or no HTTP.
        """
        query = {"file_name": "discovery.ign"}
        if image_type is not None:
            query["discovery_iso_type"] = image_type.value
        subject = f"the Ignition config of infra-env {host}"
        answer = await self._ask(_below(self._base, host, "downloads/files").with_query(query), credentials, subject, MAX_CONFIG_BYTES)
        _must_be_ok(answer, subject)
        return HostIgnition(answer.body, answer.headers.get("Last-Modified", ""))

    async def ramdisk(self, host: str, credentials: Credentials) -> bytes:
        """See :meth:`penstock.ports.HostBackend.ramdisk`; raises as :meth:`ignition`."""
        subject = f"the ramdisk of infra-env {host}"
        answer = await self._ask(_below(self._base, host, "downloads/minimal-initrd"), credentials, subject, MAX_RAMDISK_BYTES)
        return b"" if answer.status == HTTPStatus.NO_CONTENT else answer.body

    async def kernel_arguments(self, host: str, credentials: Credentials) -> tuple[str, ...]:
        """See :meth:`penstock.ports.HostBackend.kernel_arguments`; raises as :meth:`ignition`."""
        subject = f"the kernel arguments of infra-env {host}"
        answer = await self._ask(_below(self._base, host), credentials, subject, MAX_INFRA_ENV_BYTES)
        _must_be_ok(answer, subject)
        if len(answer.body) > _SLOW_TO_PARSE_BYTES:
            return await asyncio.to_thread(arguments_of, answer.body, subject=subject)
        return arguments_of(answer.body, subject=subject)

    async def _ask(self, url: URL, credentials: Credentials, subject: str, limit_bytes: int) -> Answer:
        """The answer, where it is a success."""
        answer = await self._outcome(url, credentials, subject, limit_bytes)
        if isinstance(answer, PenstockError):
            raise answer
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return answer
        if answer.status < HTTPStatus.OK or answer.status > 599:
            raise VerificationError(f"{place_of(url)} answered with a status that HTTP does not have", subject=subject, hint=_CHECK)
        raise BackendRefused(answer.status, subject=subject, hint=_HINTS.get(answer.status, ""))

    async def _outcome(self, url: URL, credentials: Credentials, subject: str, limit_bytes: int) -> Answer | PenstockError:
        """The answer, or why there is none: raised by the caller, outside of every ``except``, an error has no context."""
        try:
            return await self._follow(url, credentials, subject, limit_bytes)
        except PenstockError as error:
            return _reworded(error)

    async def _follow(self, url: URL, credentials: Credentials, subject: str, limit_bytes: int) -> Answer:
        headers, authorization = _shown(credentials, subject)
        if credentials.kind is CredentialKind.API_KEY:
            url = url.update_query(api_key=credentials.value)
        for _ in range(MAX_REDIRECTS + 1):
            request = Request("GET", subject, headers, limit_bytes=limit_bytes)
            answer = await self._transport.exchange(request, url, authorization=authorization)
            if answer.status not in REDIRECTS:
                return answer
            target = next_hop(url, answer.headers.get("Location"), subject=subject)
            if not keeps_credentials(url, target):
                headers, authorization = {}, None
            url = target
        raise OperationError(f"{place_of(url)} redirects in a circle", subject=subject)


def _below(base: URL, host: str, path: str = "") -> URL:
    """The address of something of an infra-env.

    Raises:
        BackendRefused: 404: what no infra-env can be called is none.
    """
    if _ID.fullmatch(host) is None:
        raise BackendRefused(HTTPStatus.NOT_FOUND, subject="an infra-env", hint="its id is a UUID")
    return base.with_path(f"{base.path}/{host}" + (f"/{path}" if path else ""))


def _shown(credentials: Credentials, subject: str) -> tuple[dict[str, str], str | None]:
    """The headers, and what ``Authorization`` says.

    Raises:
        InputError: the value cannot stand where it belongs.
    """
    value = credentials.value
    in_query = credentials.kind is CredentialKind.API_KEY
    usable = _is_text(value) if in_query else _HEADER_VALUE.fullmatch(value) is not None
    if credentials.kind is not CredentialKind.NONE and not usable:
        raise InputError("the credentials hold characters that credentials never have", subject=subject)
    match credentials.kind:
        case CredentialKind.IMAGE_TOKEN:
            return {"Image-Token": value}, None
        case CredentialKind.AUTHORIZATION:
            return {}, value
        case _:
            return {}, None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _must_be_ok(answer: Answer, subject: str) -> None:
    if answer.status != HTTPStatus.OK:
        raise VerificationError(
            f"{place_of(answer.url)} answered {answer.status}, and nothing but 200 brings it", subject=subject, hint=_CHECK
        )


def _reworded(error: PenstockError) -> PenstockError:
    """The same with a hint for who runs an image service, and nothing of what caused it."""
    match error:
        case TlsNotSpoken():
            return TransientError(error.message, subject=error.subject, hint=_CHECK)
        case TransientError():
            return TransientError(error.message, subject=error.subject, hint=_TRY_LATER)
        case VerificationError():
            return VerificationError(error.message, subject=error.subject, hint=_CHECK)
        case InputError():
            return InputError(error.message, subject=error.subject, hint=error.hint)
        case _:
            return OperationError(error.message, subject=error.subject, hint=_CHECK)
