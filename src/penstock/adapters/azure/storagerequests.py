"""Signed requests to a storage account, tried again where that may help, and what its refusals mean."""

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote, urlencode

from yarl import URL

from penstock.adapters.azure.storageaccount import BlobOptions, StorageAccount
from penstock.adapters.http.failures import is_transient_status, retry_after_s, status_text, throttled
from penstock.adapters.http.hops import place_of
from penstock.adapters.http.retrying import retried
from penstock.adapters.http.transport import Answer, Request, Transport
from penstock.formats.azuresigning import STORAGE_VERSION, shared_key_text, signature
from penstock.model.errors import NotFoundError, OperationError, PenstockError, TransientError
from penstock.model.push.blobs import BlobChanged

_PASSING = frozenset({"ContainerBeingDeleted", "Md5Mismatch", "ServerBusy", "OperationTimedOut", "InternalError"})
_CHANGED = frozenset(
    {
        *("BlobAlreadyExists", "BlobImmutableDueToPolicy", "ConditionNotMet", "PendingCopyOperation", "TargetConditionNotMet"),
        *("SequenceNumberConditionNotMet", "SourceConditionNotMet", "UnmodifiedSinceConditionNotMet"),
    }
)
_CHECK_KEY = "see that the connection string is that of this account, and that the clock of this machine is right"
_SAFE = "/~!$&'()*,;=:@"
_PIECE_BYTES = 256 << 10
_LONGEST_BODY_BYTES = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request.

    Attributes:
        method: ``GET``, ``HEAD``, ``PUT``, ``DELETE``.
        subject: what it is about, for messages.
        container: or ``""`` for the account.
        blob: or ``""`` for the container.
        query: decoded, in order.
        headers: beside those that every request has.
        body: what is sent; a checksum goes with it.
        passes: codes of refusals that come back as answers.
    """

    method: str
    subject: str
    container: str = ""
    blob: str = ""
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    passes: frozenset[str] = frozenset()


class StorageRequests:
    """Asks one account; made and closed inside the running loop."""

    def __init__(self, account: StorageAccount, options: BlobOptions) -> None:
        self._account = account
        self._options = options
        self._transport = Transport(replace(options.http, parallel=max(options.http.parallel, options.concurrency)))

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def ask(self, ask: Ask) -> Answer:
        """The answer: a success, or a refusal that ``passes``.

        Raises:
            NotFoundError: 404.
            BlobChanged: a condition does not hold.
            TransientError: no answer came that will stay.
            OperationError: any other refusal.
        """
        checksum = await asyncio.to_thread(_md5, ask.body) if ask.body else ""
        return await retried(lambda: self._once(ask, checksum), self._options.http.retries)

    async def _once(self, ask: Ask, checksum: str) -> Answer:
        path = self._account.endpoint.raw_path.rstrip("/") + "".join(
            f"/{quote(part, safe=_SAFE)}" for part in (ask.container, ask.blob) if part
        )
        path = path or "/"
        headers = {
            **ask.headers,
            "x-ms-version": STORAGE_VERSION,
            "x-ms-date": format_datetime(datetime.now(UTC), usegmt=True),
        }
        if ask.method == "PUT":  # aiohttp adds these by itself, and they are signed
            headers |= {"Content-Length": str(len(ask.body)), "Content-Type": "application/octet-stream"}
        if ask.body:
            headers["Content-MD5"] = checksum
        text = shared_key_text(ask.method, self._account.name, path, ask.query, headers)
        query = urlencode(list(ask.query), quote_via=quote)
        url = URL(f"{self._account.endpoint.origin()}{path}" + (f"?{query}" if query else ""), encoded=True)
        body = (lambda: _pieces(ask.body)) if ask.body else None
        # On a slow line 16 times 4 MiB take long to send, and no answer comes meanwhile.
        request = Request(ask.method, ask.subject, headers, body=body, limit_bytes=_LONGEST_BODY_BYTES, commit=bool(ask.body))
        authorization = f"SharedKey {self._account.name}:{signature(self._account.key, text)}"
        answer = await self._transport.exchange(request, url, authorization=authorization, insecure=self._options.http.insecure)
        code = code_of(answer)
        if answer.status < 300 or code in ask.passes:
            return answer
        raise refusal(answer, code, ask.subject)


def code_of(answer: Answer) -> str:
    """The code of a refusal, which answers to HEAD have too; ``""`` for a success."""
    if answer.status < 300:
        return ""
    return answer.headers.get("x-ms-error-code") or {404: "BlobNotFound", 412: "ConditionNotMet"}.get(answer.status, "")


def refusal(answer: Answer, code: str, subject: str) -> PenstockError:
    """The error of a refusal; of what the service said only the code is told, because the rest may quote what was signed."""
    place, status = place_of(answer.url), answer.status
    said = f"{place} answered {status_text(status)}" + (f" ({code})" if code else "")
    if is_transient_status(status):
        return throttled(said, subject, retry_after_s(answer.headers.get("Retry-After")))
    if code in _PASSING:
        return TransientError(said, subject=subject, hint="try again later")
    if code in _CHANGED:
        return BlobChanged(f"it is not as it was: {said}", subject=subject, hint="is another push writing to it?")
    if status == 404:
        return NotFoundError(f"it is not there: {said}", subject=subject)
    if status in (401, 403):
        return OperationError(said, subject=subject, hint=_CHECK_KEY)
    return OperationError(said, subject=subject)


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    """In small pieces, so that the loop can do something else between; the length is in the header."""
    for start in range(0, len(body), _PIECE_BYTES):
        yield body[start : start + _PIECE_BYTES]


def _md5(body: bytes) -> str:
    return b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
