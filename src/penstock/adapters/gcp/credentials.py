"""Tokens of Google Cloud by google-auth: service accounts, users, workload identities, and the metadata of a machine.

google-auth blocks, so it works in a thread; what it has to ask for, it asks through the transport of the house, with its patience, proxies
and authorities.  What a token endpoint said is not repeated, because it may quote what it was shown.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from yarl import URL

from penstock.adapters.extras import extra
from penstock.adapters.gcp.options import GcpOptions
from penstock.adapters.http.failures import TRY_LATER
from penstock.adapters.http.options import HttpOptions
from penstock.adapters.http.retrying import retried
from penstock.adapters.http.transport import Answer, Request, Transport
from penstock.formats.jsontext import parse_json
from penstock.model.errors import InputError, OperationError, PenstockError, TransientError

with extra("gcp", "google"):
    import google.auth
    from google.auth import exceptions as refusals
    from google.auth import transport as google_transport
    from google.oauth2 import credentials as user
    from google.oauth2 import service_account

READING = ("https://www.googleapis.com/auth/compute.readonly",)
"""The scopes of one who only looks at images."""
WRITING = ("https://www.googleapis.com/auth/compute", "https://www.googleapis.com/auth/devstorage.read_write")
"""The scopes of one who brings images."""
_SUBJECT = "a token of Google Cloud"
_LOG_IN = "log in with `gcloud auth application-default login`, or name a key with --gcp-credentials-file or GOOGLE_APPLICATION_CREDENTIALS"
_LONGEST_FILE_BYTES = 1 << 20


class GoogleTokens:
    """:class:`penstock.adapters.http.rest.Tokens` by google-auth; made and closed inside the running loop."""

    def __init__(self, options: GcpOptions, *, service_account: str = "", scopes: Sequence[str] = READING) -> None:
        """Ask for nothing yet.

        Args:
            options: where credentials are, if not in ``service_account``.
            service_account: the JSON of its key.
            scopes: what the tokens are for.
        """
        self._service_account = service_account
        self._scopes = tuple(scopes)
        self._file = options.credentials_file
        self._retries = options.http.retries
        self._transport = Transport(options.http)
        self._http = options.http
        self._lock = asyncio.Lock()
        self._credentials: Any = None

    async def __aenter__(self) -> Self:
        """The tokens themselves; nothing is asked yet."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close all connections."""
        await self._transport.close()

    async def authorization(self, *, renew: bool) -> str:
        """The token, a new one where the last is near its end or was refused.

        Raises:
            InputError: the credentials file is none.
            OperationError: there are no credentials, or they are refused.
            TransientError: the token endpoint did not answer.
        """
        refused = self._credentials.token if renew and self._credentials is not None else None
        async with self._lock:
            if self._credentials is None or not self._credentials.valid or self._credentials.token == refused:
                await retried(self._refresh, self._retries)
            return f"Bearer {self._credentials.token}"

    async def _refresh(self) -> None:
        request = _LoopRequest(self._transport, asyncio.get_running_loop(), self._http)
        await asyncio.to_thread(self._refresh_in_thread, request)

    def _refresh_in_thread(self, request: "_LoopRequest") -> None:
        try:
            if self._credentials is None:
                self._credentials = self._found(request)
            self._credentials.refresh(request)
        except refusals.DefaultCredentialsError:
            raise OperationError("no credentials for Google Cloud were found", hint=_LOG_IN) from None
        except refusals.GoogleAuthError as error:
            if isinstance(request.failure, PenstockError):
                raise request.failure from None
            if error.retryable:
                raise TransientError("the token endpoint of Google Cloud did not answer as it should", hint=TRY_LATER) from None
            raise OperationError("Google Cloud refuses these credentials", hint=_LOG_IN) from None

    def _found(self, request: "_LoopRequest") -> Any:  # noqa: ANN401  # google-auth has no types
        if self._service_account:
            return _credentials_of(self._service_account.encode(), "the service account", self._scopes)
        if self._file:
            return _read_credentials(self._file, self._scopes)
        return google.auth.default(scopes=self._scopes, request=request)[0]


def _read_credentials(path: Path, scopes: Sequence[str]) -> Any:  # noqa: ANN401  # see above
    """The credentials in a file.

    Raises:
        InputError: it is no key of a service account and no file of a user.
        OperationError: it cannot be read.
    """
    subject = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_FILE_BYTES)
    except OSError as error:
        raise OperationError(f"the credentials cannot be read: {error.strerror}", subject=subject) from error
    return _credentials_of(content, subject, scopes)


def _credentials_of(content: bytes, subject: str, scopes: Sequence[str]) -> Any:  # noqa: ANN401  # see above
    """The credentials in a document.

    Raises:
        InputError: it is no key of a service account and no file of a user.
    """
    try:
        tree = parse_json(content, subject=subject)
        kind = tree.get("type") if isinstance(tree, Mapping) else None
        if kind == "service_account":
            return service_account.Credentials.from_service_account_info(tree, scopes=scopes)  # type: ignore[no-untyped-call]
        if kind == "authorized_user":
            return user.Credentials.from_authorized_user_info(tree, scopes=scopes)  # type: ignore[no-untyped-call]
    except (PenstockError, ValueError, refusals.GoogleAuthError):
        raise InputError(
            "holds no usable credentials of Google Cloud", subject=subject, hint=_LOG_IN
        ) from None  # the cause may quote a key
    raise InputError(
        "holds neither the key of a service account nor the credentials of a user",
        subject=subject,
        hint="other kinds (external_account) are taken from GOOGLE_APPLICATION_CREDENTIALS",
    )


class _LoopRequest(google_transport.Request):
    """google-auth's way to ask, called in a thread: the question is put in the loop, and its answer waited for.

    Attributes:
        failure: why the last question had no answer, or None.
    """

    def __init__(self, transport: Transport, loop: asyncio.AbstractEventLoop, options: HttpOptions) -> None:
        self._transport = transport
        self._loop = loop
        self._insecure = options.insecure
        self.failure: PenstockError | None = None

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: object,
    ) -> "_Response":
        content = body.encode() if isinstance(body, str) else body
        request = Request(method, _SUBJECT, dict(headers or {}), body=None if content is None else lambda: content)
        asked = asyncio.run_coroutine_threadsafe(
            self._transport.exchange(request, URL(url, encoded=True), insecure=self._insecure), self._loop
        )
        try:
            answer = asked.result(timeout)
        except PenstockError as error:
            self.failure = error
            raise refusals.TransportError(error.message) from error  # type: ignore[no-untyped-call]
        except TimeoutError as error:
            asked.cancel()
            raise refusals.TransportError("no answer in time", retryable=True) from error  # type: ignore[no-untyped-call]
        self.failure = None
        return _Response(answer)


class _Response(google_transport.Response):
    """An answer as google-auth wants it."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    @property
    def status(self) -> int:
        return self._answer.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._answer.headers

    @property
    def data(self) -> bytes:
        return self._answer.body
