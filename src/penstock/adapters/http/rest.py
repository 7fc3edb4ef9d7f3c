"""Questions to a REST API of a cloud: a bearer token, redirects, retries; answers as plain documents.

The APIs differ in how they word a refusal, so a refusal (4xx) comes back as an :class:`~penstock.adapters.http.transport.Answer`, and each
adapter says what it means.  What may pass by itself (408, 429, 5xx, a cut) is tried again here, and then raised.
"""

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlencode

from yarl import URL

from penstock.adapters.http.failures import is_transient_status, retry_after_s, status_text, throttled
from penstock.adapters.http.hops import MAX_REDIRECTS, REDIRECTS, keeps_credentials, next_hop, place_of
from penstock.adapters.http.options import HttpOptions
from penstock.adapters.http.retrying import retried
from penstock.adapters.http.transport import Answer, Request, Transport
from penstock.model.errors import OperationError

_UNAUTHORIZED = 401
LONGEST_ANSWER_BYTES = 64 << 20
"""A listing of a large catalogue has some megabytes."""


class Tokens(Protocol):
    """Gives what ``Authorization`` shall say."""

    async def authorization(self, *, renew: bool) -> str:
        """For example ``Bearer …``; a new one where ``renew``, because the last one was refused.

        Raises:
            PenstockError: none can be had.
        """


class RestClient:
    """Asks REST APIs; made and closed inside the running loop."""

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        self._transport = Transport(options)

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def get(
        self,
        url: URL,
        *,
        subject: str,
        tokens: Tokens | None = None,
        headers: Mapping[str, str] | None = None,
        limit_bytes: int = LONGEST_ANSWER_BYTES,
    ) -> Answer:
        """The answer to a GET: a success, or a refusal that stays one.

        Args:
            url: with its query.
            subject: what is asked for, for messages.
            tokens: shown to the scheme, host and port of ``url`` alone; None asks without.
            headers: more of them; never Authorization.
            limit_bytes: a longer answer is refused.

        Raises:
            TransientError: no answer came that will stay, however often it was asked for.
            OperationError: no certificate that is trusted, no HTTP, redirects without end.
            VerificationError: the answer is longer than ``limit_bytes``.
        """
        request = Request("GET", subject, {"Accept": "application/json", **(headers or {})}, limit_bytes=limit_bytes)
        return await retried(lambda: self._once(request, url, tokens), self._options.retries)

    async def post_form(self, url: URL, form: Mapping[str, str], *, subject: str) -> Answer:
        """The answer to a POST of a form, as token endpoints take it; nothing is shown but the form.

        Raises:
            TransientError: no answer came that will stay.
            OperationError: see :meth:`get`.
        """
        body = urlencode(form).encode()
        request = Request("POST", subject, {"Content-Type": "application/x-www-form-urlencoded"}, body=lambda: body)

        async def once() -> Answer:
            return _settled(await self._sent(request, url, None), request)

        return await retried(once, self._options.retries)

    async def send(
        self,
        method: str,
        url: URL,
        content: bytes,
        *,
        content_type: str,
        subject: str,
        tokens: Tokens | None = None,
        limit_bytes: int = LONGEST_ANSWER_BYTES,
    ) -> Answer:
        """The answer to a request that carries something; redirects are not followed.

        It is tried again where no answer came, so that it must do no harm when it is done twice.

        Args:
            method: ``POST``, ``PUT``, ``PATCH``.
            url: with its query.
            content: what is sent.
            content_type: of it.
            subject: what it is about, for messages.
            tokens: as for :meth:`get`.
            limit_bytes: a longer answer is refused.

        Raises:
            TransientError: no answer came that will stay.
            OperationError: see :meth:`get`.
            VerificationError: the answer is longer than ``limit_bytes``.
        """
        headers = {"Accept": "application/json", "Content-Type": content_type}
        request = Request(method, subject, headers, body=lambda: content, limit_bytes=limit_bytes)

        async def once() -> Answer:
            answer = await self._sent(request, url, await tokens.authorization(renew=False) if tokens else None)
            if answer.status == _UNAUTHORIZED and tokens is not None:
                answer = await self._sent(request, url, await tokens.authorization(renew=True))
            return _settled(answer, request)

        return await retried(once, self._options.retries)

    async def _sent(self, request: Request, url: URL, authorization: str | None) -> Answer:
        return await self._transport.exchange(request, url, authorization=authorization, insecure=self._options.insecure)

    async def _once(self, request: Request, url: URL, tokens: Tokens | None) -> Answer:
        answer = await self._follow(request, url, await tokens.authorization(renew=False) if tokens else None)
        if answer.status == _UNAUTHORIZED and tokens is not None:
            answer = await self._follow(request, url, await tokens.authorization(renew=True))
        return _settled(answer, request)

    async def _follow(self, request: Request, url: URL, authorization: str | None) -> Answer:
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._sent(request, url, authorization)
            if answer.status not in REDIRECTS:
                return answer
            target = next_hop(url, answer.headers.get("Location"), subject=request.subject)
            if not keeps_credentials(url, target):
                authorization = None
            url = target
        raise OperationError(f"{place_of(url)} redirects in a circle", subject=request.subject)


def _settled(answer: Answer, request: Request) -> Answer:
    if not is_transient_status(answer.status):
        return answer
    said = f"{place_of(answer.url)} answered {status_text(answer.status)}"
    raise throttled(said, request.subject, retry_after_s(answer.headers.get("Retry-After")))
