"""Files by URL: what a server tells of them, small ones whole, large ones into a partial file that outlives cuts and runs.

A large body is read by a worker thread, on a connection of its own.  Whether the bytes that are there may be continued is the server's
word: ``If-Range`` with the validator that came with their beginning, and the total in ``Content-Range``.  Where it has another file now,
the partial file begins anew.  The number of bytes is settled here, their digest by whoever asked.
"""

import asyncio
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from email.message import Message
from http import HTTPStatus

from multidict import CIMultiDictProxy
from yarl import URL

from penstock.adapters.http.additions import NOTHING, Additions, Bearer
from penstock.adapters.http.failures import TRY_LATER, Throttled, is_transient_status, pause_s, retry_after_s, status_text
from penstock.adapters.http.hops import MAX_REDIRECTS, REDIRECTS, next_hop, place_of, proxy_for
from penstock.adapters.http.options import HttpOptions
from penstock.adapters.http.retrying import retried
from penstock.adapters.http.transport import Answer, Request, Transport
from penstock.adapters.http.wire import Way, WireResponse, interrupt
from penstock.model.downloads import RemoteFile
from penstock.model.errors import InputError, NotFoundError, OperationError, PenstockError, TransientError
from penstock.model.progress import Progress
from penstock.ports import PartialFile, ProgressSink

_CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)")
_BUFFER_BYTES = 1 << 20
_WORTHWHILE_BYTES = 64 << 10
_MOST_RESTARTS = 3
_TRIES_TO_LOOK = 2
_STOP_LIMIT_S = 5.0
_CHECK_ADDRESS = "check the address, and whether it needs credentials"
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


class HttpFiles:
    """``ports.FileSource`` over HTTP; made and closed inside the running loop."""

    def __init__(self, options: HttpOptions, *, parallel: int) -> None:
        """Ask nothing yet.

        Args:
            options: how HTTP is spoken.
            parallel: how many bodies are read at a time.
        """
        self._options = options
        self._transport = Transport(options)
        self._threads = ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="penstock-download")

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def look(self, url: str, *, additions: Additions = NOTHING) -> RemoteFile:
        """See ``ports.FileSource``; ``additions`` are sent with the request."""
        request = Request("HEAD", url, {"Accept": "*/*"})

        async def once() -> Answer:
            return _settled(await self._follow(request, URL(url, encoded=True), additions), request.subject)

        try:
            answer = await retried(once, self._options.retries, attempts=_TRIES_TO_LOOK, early=True)
        except InputError:
            raise
        except PenstockError as error:
            return RemoteFile(trouble=error.message)
        length = answer.headers.get("Content-Length", "")
        return RemoteFile(int(length) if length.isascii() and length.isdigit() else None, _validator(answer.headers))

    async def fetch_small(self, url: str, *, subject: str, limit_bytes: int, additions: Additions = NOTHING) -> bytes:
        """See ``ports.FileSource``; ``additions`` are sent with the request."""
        request = Request("GET", subject, {"Accept": "*/*"}, limit_bytes=limit_bytes)

        async def once() -> Answer:
            return _settled(await self._follow(request, URL(url, encoded=True), additions), subject)

        return (await retried(once, self._options.retries, early=True)).body

    async def fetch(self, url: str, into: PartialFile, *, subject: str, progress: ProgressSink, additions: Additions = NOTHING) -> bool:
        """See ``ports.FileSource``; ``additions`` are sent with each request."""
        download = _Download(self._options, self._transport, URL(url, encoded=True), into, subject, progress, additions)
        work = asyncio.get_running_loop().run_in_executor(self._threads, download.run)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # The thread cannot be cancelled: its connection is closed under it, and it must be out of the file before that is closed.
            download.stop()
            await asyncio.wait({work}, timeout=_STOP_LIMIT_S)
            if work.done() and not work.cancelled():
                work.exception()
            raise

    async def _follow(self, request: Request, url: URL, additions: Additions) -> Answer:
        first = url = additions.address(url)
        bearer = Bearer(additions, first)
        for _ in range(MAX_REDIRECTS + 1):
            shown = replace(request, headers={**request.headers, **bearer.fields_for(url)})
            answer = await self._transport.exchange(shown, url, insecure=self._options.insecure)
            if answer.status not in REDIRECTS:
                return answer
            url = next_hop(url, answer.headers.get("Location"), subject=request.subject)
        raise OperationError(f"{place_of(first)} redirects in a circle", subject=request.subject, hint=_CHECK_ADDRESS)


class _Download:
    """One large file; ``run`` is called once, in a worker thread."""

    def __init__(  # noqa: PLR0917  # what one download is
        self,
        options: HttpOptions,
        transport: Transport,
        url: URL,
        into: PartialFile,
        subject: str,
        progress: ProgressSink,
        additions: Additions,
    ) -> None:
        self._options = options
        self._additions = additions
        self._tls = transport.tls(insecure=options.insecure)
        self._url = additions.address(url)
        self._into = into
        self._subject = subject
        self._progress = progress
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._socket: socket.socket | None = None
        self._stopped = threading.Event()
        self._restarts = 0
        self._in_one_piece = False
        self._failures = 0
        self._failing_since_s = 0.0
        self._failing_from = 0

    def run(self) -> bool:
        """Read to the end, through cuts; whether all came in one answer.

        Raises:
            PenstockError: see ``ports.FileSource.fetch``.
        """
        while True:
            try:
                if self._ask():
                    self._tell(finished=True)
                    return self._in_one_piece
            except TransientError as error:
                self._check_running()
                self._wait_after(error)

    def stop(self) -> None:
        """End ``run`` soon; called from another thread."""
        self._stopped.set()
        connected = self._socket
        if connected is not None:
            interrupt(connected)

    def _ask(self) -> bool:
        """One request for what is missing; whether all is there then."""
        self._check_running()
        response = self._chase()
        try:
            if response.status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
                raise _refusal(response.status, response.headers.get("Retry-After"), self._subject, response.place)
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                message = f"{response.place} sends another encoding than it was asked for"
                raise OperationError(message, subject=self._subject, hint="is there a proxy between?")
            if response.status == HTTPStatus.OK:
                self._into.begin(total_bytes=response.length, validator=_validator(response.headers))
                self._in_one_piece = True
                return self._read(response, end=response.length, total=response.length)
            return self._continue(response)
        finally:
            self._socket = None
            response.close()

    def _chase(self) -> WireResponse:
        """GET what is missing, through redirects."""
        headers = {"Accept": "*/*"}
        if self._into.size_bytes:
            headers["Range"] = f"bytes={self._into.size_bytes}-"
            if self._into.validator:
                headers["If-Range"] = self._into.validator
        url = self._url
        bearer = Bearer(self._additions, url)
        for _ in range(MAX_REDIRECTS + 1):
            way = Way(self._tls, proxy_for(url, self._options.environment), self._options.timeouts)
            sent = {**headers, **bearer.fields_for(url)}
            response = WireResponse.get(url, sent, way, self._subject, connected=self._connected)
            if response.status not in REDIRECTS:
                return response
            location = response.headers.get("Location")
            response.close()
            url = next_hop(url, location, subject=self._subject)
        raise OperationError(f"{place_of(self._url)} redirects in a circle", subject=self._subject, hint=_CHECK_ADDRESS)

    def _connected(self, connected: socket.socket) -> None:
        self._socket = connected
        self._check_running()

    def _continue(self, response: WireResponse) -> bool:
        """Take an answer to ``Range``: the rest, or that there is none, or another file."""
        offset = self._into.size_bytes
        if not offset:
            message = f"{response.place} gave a part of the file that it was not asked for"
            raise TransientError(message, subject=self._subject, hint=TRY_LATER)
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        total = int(found[3]) if found and found[3] != "*" else None
        if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            if total == offset and self._into.total_bytes in (None, total):
                return True
            return self._restart(response)
        tag = _validator(response.headers)
        changed = tag is not None and self._into.validator is not None and tag != self._into.validator
        resized = total is not None and self._into.total_bytes is not None and total != self._into.total_bytes
        if not found or found[1] is None or int(found[1]) != offset or changed or resized:
            return self._restart(response)
        self._in_one_piece = False
        return self._read(response, end=int(found[2]) + 1, total=self._into.total_bytes if total is None else total)

    def _restart(self, response: WireResponse) -> bool:
        """What is there is not the beginning of what the server has: throw it away and ask for everything."""
        self._restarts += 1
        if self._restarts > _MOST_RESTARTS:
            message = f"{response.place} keeps changing the file, or does not give the parts it is asked for"
            raise OperationError(message, subject=self._subject, hint=TRY_LATER)
        self._into.begin(total_bytes=None, validator=None)
        return False

    def _read(self, response: WireResponse, *, end: int | None, total: int | None) -> bool:
        """Read a body that stands at the end of what is there; whether the file is whole then.

        Args:
            response: holds the body.
            end: how large the file is behind this answer; None where it does not say.
            total: how large the file is; None where nobody said.

        Raises:
            TransientError: the body ended early.
        """
        while end is None or self._into.size_bytes < end:
            room = len(self._buffer) if end is None else min(len(self._buffer), end - self._into.size_bytes)
            got = response.readinto(self._buffer[:room], self._subject)
            if got == 0:
                break
            self._into.append(self._buffer[:got])
            self._check_running()
            self._tell()
        if end is not None and self._into.size_bytes < end:
            message = f"{response.place} gave {self._into.size_bytes} of {end} bytes"
            raise TransientError(message, subject=self._subject, hint=TRY_LATER)
        return total is None or self._into.size_bytes >= total

    def _wait_after(self, error: TransientError) -> None:
        """Pause before the next try; raises ``error`` where there shall be none."""
        retries, now_s, size = self._options.retries, time.monotonic(), self._into.size_bytes
        if not self._failures or size - self._failing_from >= _WORTHWHILE_BYTES:
            # A server that gives a few bytes between two silences has not recovered: its time goes on.
            self._failures, self._failing_since_s = 0, now_s
        self._failing_from = size
        self._failures += 1
        wait_s = pause_s(error, self._failures, retries)
        if wait_s is None or self._failures >= retries.attempts or now_s - self._failing_since_s >= retries.total_s:
            raise error
        if self._stopped.wait(wait_s):
            self._check_running()

    def _check_running(self) -> None:
        if self._stopped.is_set():
            raise OperationError("the download was stopped", subject=self._subject)

    def _tell(self, *, finished: bool = False) -> None:
        self._progress(Progress("download", self._subject, self._into.size_bytes, self._into.total_bytes, finished=finished))


def _validator(headers: "Message | CIMultiDictProxy[str]") -> str | None:
    """What tells that a file has changed: a strong entity tag, else the time of the last change; a weak tag says nothing of bytes."""
    tag = headers.get("ETag", "").strip()
    if tag.startswith('"'):
        return tag
    return headers.get("Last-Modified", "").strip() or None


def _settled(answer: Answer, subject: str) -> Answer:
    if answer.status != HTTPStatus.OK:
        raise _refusal(answer.status, answer.headers.get("Retry-After"), subject, place_of(answer.url))
    return answer


def _refusal(status: int, retry_after: str | None, subject: str, place: str) -> PenstockError:
    said = f"{place} answered {status_text(status)}"
    if is_transient_status(status):
        wait_s = retry_after_s(retry_after)
        if wait_s is not None:
            return Throttled(said, subject=subject, hint=TRY_LATER, retry_after_s=wait_s)
        return TransientError(said, subject=subject, hint=TRY_LATER)
    if status in _GONE:
        return NotFoundError(said, subject=subject, hint="the server does not have it, or no longer; check the stream")
    return OperationError(said, subject=subject, hint=_CHECK_ADDRESS)
