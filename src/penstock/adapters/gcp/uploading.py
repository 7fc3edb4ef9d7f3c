"""One object, in one resumable session of Cloud Storage (JSON API, ``uploadType=resumable``).

The address of a session is a capability: whoever has it can write the object, without any token.  So it is in memory alone, and a process
that dies leaves a session that nobody can go on with; Google forgets it after a week, keeps nothing of it for anybody to see, and asks no
money for it.  Cuts of the network are survived: the service is asked how much it has, and the rest is sent.
"""

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from http import HTTPStatus

from yarl import URL

from penstock.adapters.gcp.writing import found_object, object_of_answer, refusal_of
from penstock.adapters.http.failures import is_transient_status, retry_after_s, status_text, throttled
from penstock.adapters.http.hops import keeps_credentials, place_of
from penstock.adapters.http.options import HttpOptions
from penstock.adapters.http.rest import RestClient, Tokens
from penstock.adapters.http.retrying import retried
from penstock.adapters.http.transport import Answer, Request, Transport
from penstock.formats.jsontext import write_json
from penstock.model.errors import OperationError, TransientError, VerificationError
from penstock.model.progress import Progress
from penstock.model.push.gcp import FoundGcsObject
from penstock.model.record import Tree
from penstock.ports.gcp import ArchiveStream
from penstock.ports.progress import ProgressSink

CHUNK_UNIT_BYTES = 256 << 10
"""All chunks but the last one are multiples of it."""
CHUNK_BYTES = 8 << 20
_PIECE_BYTES = 256 << 10
_PATIENCE_S = 600.0
"""For one chunk, which a slow line may take minutes for."""
_OK = (HTTPStatus.OK, HTTPStatus.CREATED)
_INCOMPLETE = HTTPStatus.PERMANENT_REDIRECT
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


class Arrived(Exception):
    """An object of this key came meanwhile."""


class ResumableUpload:
    """Sends one object; for one call."""

    def __init__(self, base: URL, options: HttpOptions, tokens: Tokens | None, transport: Transport, client: RestClient) -> None:
        """Through these connections; ``base`` is that of Cloud Storage."""
        self._base = base
        self._options = options
        self._tokens = tokens
        self._transport = transport
        self._client = client
        self._has_bytes = 0
        self._is_sure = True
        """Whether it has just that; not while a request is under way, or was cut."""

    async def send(
        self,
        bucket: str,
        key: str,
        content: ArchiveStream,
        *,
        metadata: Mapping[str, str],
        chunk_bytes: int,
        progress: ProgressSink,
        item: str,
    ) -> tuple[FoundGcsObject, str]:
        """Send everything; the object, and what is wrong with it (``""`` for nothing).

        Raises:
            Arrived: there is an object of this key.
            TransientError, OperationError: it cannot be sent.
        """
        subject = f"gs://{bucket}/{key}"
        session = await self._begun(bucket, key, metadata, subject)
        whole, md5, start = content.size_bytes, hashlib.md5(usedforsecurity=False), 0
        total: int | None = None
        chunk, answer = await asyncio.to_thread(content.read, chunk_bytes), None
        while answer is None:
            # What is sent last must say so, and of a stream only the next piece tells.
            following = await asyncio.to_thread(content.read, chunk_bytes)
            await asyncio.to_thread(md5.update, chunk)
            total = None if following else start + len(chunk)
            answer = await self._brought(session, chunk, start, total, subject)
            start, chunk = start + len(chunk), following
            progress(Progress("upload", item, start, whole if total is None else total, finished=total is not None))
        if total is None:
            raise OperationError("Cloud Storage ended the upload before its end", subject=subject, hint="run again")
        tree = object_of_answer(answer, subject=subject)
        return found_object(tree), _wrong_in(tree, total, b64encode(md5.digest()).decode())

    async def _begun(self, bucket: str, key: str, metadata: Mapping[str, str], subject: str) -> URL:
        url = self._base / "upload/storage/v1/b" / bucket / "o"
        query = {"uploadType": "resumable", "name": key, "ifGenerationMatch": "0"}
        document: dict[str, Tree] = {"name": key, "contentType": "application/gzip", "metadata": dict(metadata)}
        answer = await self._client.send(
            "POST",
            url.with_query(query),
            write_json(document),
            content_type="application/json; charset=UTF-8",
            subject=subject,
            tokens=self._tokens,
        )
        if answer.status == HTTPStatus.PRECONDITION_FAILED:
            raise Arrived
        location = answer.headers.get("Location", "")
        if answer.status not in _OK or not location:
            raise refusal_of(answer, subject=subject)
        session = URL(location, encoded=True)
        if not keeps_credentials(url, session):
            raise OperationError("Cloud Storage wants the bytes to go to another host", subject=subject, hint="check the endpoint")
        return session

    async def _brought(self, session: URL, chunk: bytes, start: int, total: int | None, subject: str) -> Answer | None:
        """Send a chunk, all of it; the answer where the object is made."""
        patience = replace(self._options.retries, total_s=max(self._options.retries.total_s, _PATIENCE_S))
        end = start + len(chunk)

        async def once() -> Answer | None:
            if not self._is_sure:  # how much came of the try before is the service's to say
                answer = await self._put(session, b"", f"bytes */{'*' if total is None else total}", subject)
                if not self._takes(answer, subject):
                    return answer
            if self._has_bytes < start:
                raise OperationError("Cloud Storage lost what it had", subject=subject, hint="run again: it begins anew")
            if self._has_bytes < end or total is not None:
                self._is_sure = False
                answer = await self._put(session, chunk[self._has_bytes - start :], _range(self._has_bytes, end, total), subject)
                if not self._takes(answer, subject):
                    return answer
            if self._has_bytes < end or total is not None:
                raise TransientError("Cloud Storage took only a part of what was sent", subject=subject, hint="run again later")
            return None

        return await retried(once, patience)

    def _takes(self, answer: Answer, subject: str) -> bool:
        """Whether the service wants more; what it has is remembered then.

        Raises:
            Arrived, OperationError: it will take nothing more.
        """
        self._is_sure = True
        if answer.status in _OK:
            return False
        if answer.status == _INCOMPLETE:
            found = answer.headers.get("Range", "").rpartition("-")[2]
            self._has_bytes = int(found) + 1 if found.isascii() and found.isdigit() else 0
            return True
        if answer.status == HTTPStatus.PRECONDITION_FAILED:
            raise Arrived
        if answer.status in _GONE:
            raise OperationError("the upload was ended by Cloud Storage", subject=subject, hint="run again: it begins anew")
        raise refusal_of(answer, subject=subject)

    async def _put(self, session: URL, body: bytes, content_range: str, subject: str) -> Answer:
        """One request, never repeated here."""
        headers = {"Content-Range": content_range, "Content-Length": str(len(body)), "Accept": "application/json"}
        request = Request("PUT", subject, headers, body=lambda: _pieces(body), commit=True)
        token = await self._tokens.authorization(renew=False) if self._tokens else None
        answer = await self._transport.exchange(request, session, authorization=token, insecure=self._options.insecure)
        if answer.status == HTTPStatus.UNAUTHORIZED and self._tokens is not None:
            token = await self._tokens.authorization(renew=True)
            answer = await self._transport.exchange(request, session, authorization=token, insecure=self._options.insecure)
        if is_transient_status(answer.status):
            said = f"{place_of(answer.url)} answered {status_text(answer.status)}"
            raise throttled(said, subject, retry_after_s(answer.headers.get("Retry-After")))
        return answer


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    """In small pieces, so that the loop can do something else between."""
    for start in range(0, len(body), _PIECE_BYTES):
        yield body[start : start + _PIECE_BYTES]


def _range(start: int, end: int, total: int | None) -> str:
    whole = "*" if total is None else str(total)
    return f"bytes {start}-{end - 1}/{whole}" if end > start else f"bytes */{whole}"


def _wrong_in(tree: Mapping[str, Tree], size_bytes: int, md5: str) -> str:
    """What of an object is not as it was sent; one that is encrypted with a customer's key may have no MD5."""
    if tree.get("size") != str(size_bytes):
        return f"Cloud Storage has {tree.get('size')} bytes, and {size_bytes} were sent"
    if tree.get("md5Hash") not in (None, md5):
        return "Cloud Storage has other bytes than were sent"
    return ""


def damaged(problem: str, subject: str) -> VerificationError:
    """The error for an object that was deleted again."""
    return VerificationError(problem, subject=subject, hint="run again: it begins anew")
