"""The bytes of one blob, in order, through cuts, expired tokens and failing mirrors.

The reader works in the caller's worker thread on a connection of its own.  What needs the event loop (scheme, token) it asks the loop for;
redirects it follows itself, from the registry anew for every request, because signed storage URLs expire.  Nothing is hashed here: who
reads hashes.  But the *number* of bytes is settled here:

* fewer bytes than the descriptor says: the rest is asked for by ``Range``; when it does not come, that is a TransientError, also where
  the source itself says that it has no more (a blob that was cut off on its disk and another, shorter one look the same from here);
* more: DigestMismatch once one byte too many has really come; a mere promise of more (``Content-Length``) that is not kept is a cut.

A mirror that announces another size before the first byte is passed over.
"""

import asyncio
import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from yarl import URL

from penstock.adapters.http.failures import TRY_LATER, pause_s
from penstock.adapters.http.hops import MAX_REDIRECTS, REDIRECTS, keeps_credentials, next_hop, proxy_for
from penstock.adapters.http.wire import Way, WireResponse, interrupt
from penstock.adapters.registry.failures import answer_error, everyone_failed
from penstock.adapters.registry.session import Access, Session
from penstock.formats.oci.descriptor import Descriptor
from penstock.model.errors import DigestMismatch, InputError, OperationError, PenstockError, TransientError
from penstock.model.mirrors import Endpoint

_CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)")
_OK, _PARTIAL, _UNAUTHORIZED, _UNSATISFIABLE = 200, 206, 401, 416
_LONGEST_REFUSAL_BYTES = 4096
_SKIP_BYTES = 256 << 10
_TRIES_AT_A_MIRROR = 2  # there is another place to ask
_FEWEST_TRIES_IN_ALL = 64  # however many of them brought bytes; one more for each of these:
_BYTES_PER_EXTRA_TRY = 1 << 20
_WORTHWHILE_BYTES = 64 << 10
_LOOK_UP_S = 0.5

T = TypeVar("T")


class _Body:
    """The part of one answer that is still to be read."""

    def __init__(self, response: WireResponse, *, left: int | None, skip: int = 0) -> None:
        self.response = response
        self.left = left  # bytes that the answer still promises; None where it does not say
        self.skip = skip  # bytes to throw away first: the server began too early

    def readinto(self, view: memoryview, subject: str) -> int:
        """As many bytes as come; 0 at the end."""
        if self.left == 0 or not view:
            return 0
        # Never past the answer's own end: there the server waits for the next request, and this side would wait for the server.
        got = self.response.readinto(view if self.left is None else view[: self.left], subject)
        if self.left is not None:
            self.left -= got
        return got


class RemoteBlob:
    """A :class:`penstock.ports.BlobReader` of a blob in one of several places."""

    def __init__(self, session: Session, endpoints: Sequence[tuple[Endpoint, str]], blob: Descriptor, subject: str) -> None:
        """Nothing is requested yet.

        Args:
            session: lends tokens and settings.
            endpoints: the places to ask, in order, each with the blob's path below ``/v2/`` there.
            blob: what is wanted.
            subject: the reference, for messages.
        """
        self._session = session
        self._endpoints = endpoints
        self._size = blob.size_bytes
        self._digest = str(blob.digest)
        self._subject = subject
        self._loop = session.loop
        self._place = 0
        self._said: list[tuple[str, PenstockError]] = []
        self._offset = 0
        self._furthest = 0
        self._body: _Body | None = None
        self._socket: socket.socket | None = None
        self._etag: tuple[URL, str] | None = None
        self._whole = False
        self._failures = 0
        self._failing_since_s: float | None = None
        self._failing_from = 0
        self._tries_left = _FEWEST_TRIES_IN_ALL + blob.size_bytes // _BYTES_PER_EXTRA_TRY
        self._closed = threading.Event()
        self._reading = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """The size that the descriptor promises."""
        return self._size

    def readinto(self, buffer: memoryview, /) -> int:
        """See :meth:`penstock.ports.BlobReader.readinto`."""
        view = memoryview(buffer).cast("B")
        if self._whole or not view:
            return 0
        view = view[: self._size - self._offset]
        with self._reading:
            try:
                while True:
                    self._check_open()
                    try:
                        return self._advance(view)
                    except PenstockError as error:
                        self._drop()
                        self._check_open()
                        self._recover(error)
            finally:
                if self._closed.is_set():
                    self._drop()

    def close(self) -> None:
        """See :meth:`penstock.ports.BlobReader.close`."""
        self._closed.set()
        waited_for = self._socket
        if self._reading.acquire(blocking=False):
            try:
                self._drop()
            finally:
                self._reading.release()
        elif waited_for is not None:
            interrupt(waited_for)

    def _advance(self, view: memoryview) -> int:
        """One step: some bytes into ``view``, and at the blob's end the proof that it is the end."""
        body = self._body or self._open()
        got = body.readinto(view, self._subject)
        if view and got == 0:
            message = f"{body.response.place} gave {self._offset} of {self._size} bytes"
            raise TransientError(message, subject=self._subject, hint=TRY_LATER)
        if self._offset + got == self._size:
            self._see_the_end(body)
        self._offset += got
        if self._offset > self._furthest:
            self._furthest = self._offset
            self._failures = 0
        return got

    def _see_the_end(self, body: _Body) -> None:
        """All bytes have come: see that no more follow, then let the connection go.

        Where this fails the last bytes are not counted as given, and are asked for again together with what follows them.
        """
        if body.left != 0:
            promised = body.left is not None
            if body.readinto(memoryview(bytearray(1)), self._subject):
                raise self._other_size(body.response.place, f"more than {self._size} bytes")
            if promised:
                message = f"{body.response.place} announced more than {self._size} bytes and did not send them"
                raise TransientError(message, subject=self._subject, hint=TRY_LATER)
        self._whole = True
        self._drop()

    def _open(self) -> _Body:
        """Ask for the bytes from the current offset; the body stands at that offset."""
        endpoint, path = self._endpoints[self._place]
        access = self._on_loop(lambda: self._session.access(endpoint, path, self._subject))
        response = self._chase(access)
        if response.status == _UNAUTHORIZED and keeps_credentials(access.url, response.url):
            response.close()
            challenges = response.headers.get_all("WWW-Authenticate") or []
            rejected = access.authorization
            access = self._on_loop(
                lambda: self._session.renewed_access(endpoint, path, self._subject, rejected=rejected, challenges=challenges)
            )
            response = self._chase(access)
            if response.status == _UNAUTHORIZED and keeps_credentials(access.url, response.url):
                response.close()
                raise self._on_loop(lambda: self._session.refused(endpoint, self._subject))
        try:
            body = self._settle(response)
            self._skip(body)
        except PenstockError:
            response.close()
            raise
        self._body = body
        return body

    def _chase(self, access: Access) -> WireResponse:
        """GET from the current offset, through redirects; the Authorization header stays where it belongs."""
        url, authorization = access.url, access.authorization
        options = self._session.options
        tls = self._session.transport.tls(insecure=access.insecure)
        for _ in range(MAX_REDIRECTS + 1):
            headers = {"Authorization": authorization} if authorization else {}
            if self._offset:
                headers["Range"] = f"bytes={self._offset}-"
                # Only where the tag was made: another storage host may tag the same bytes otherwise, and would send all of them.
                if self._etag and self._etag[0] == url.origin():
                    headers["If-Range"] = self._etag[1]
            way = Way(tls, proxy_for(url, options.environment), options.timeouts)
            response = WireResponse.get(url, headers, way, self._subject, connected=self._connected)
            if response.status not in REDIRECTS:
                return response
            location = response.headers.get("Location")
            response.close()
            target = next_hop(url, location, subject=self._subject)
            if not keeps_credentials(url, target):
                authorization = None
            url = target
        raise OperationError(f"{access.url.host} redirects in a circle", subject=self._subject)

    def _connected(self, connected: socket.socket) -> None:
        self._socket = connected
        self._check_open()

    def _settle(self, response: WireResponse) -> _Body:
        """What an answer holds, from where; a refusal is raised."""
        headers, place, status = response.headers, response.place, response.status
        if status not in (_OK, _PARTIAL, _UNSATISFIABLE):
            refusal = response.first_bytes(_LONGEST_REFUSAL_BYTES)
            raise answer_error(status, refusal, retry_after=headers.get("Retry-After"), subject=self._subject, place=place)
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            hint = "is there a proxy between?"
            raise OperationError(f"{place} sends another encoding than it was asked for", subject=self._subject, hint=hint)
        etag = headers.get("ETag", "")
        if etag.startswith('"'):
            self._etag = (response.url.origin(), etag)
        if status == _OK:
            another_place = self._place + 1 < len(self._endpoints)
            if self._furthest == 0 and another_place and response.length not in (None, self._size):
                raise self._other_size(place, f"{response.length} bytes")
            return _Body(response, left=response.length, skip=self._offset)
        return self._settle_range(response)

    def _settle_range(self, response: WireResponse) -> _Body:
        """The same for an answer to ``Range``: what it says of the place of its bytes must be true."""
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        if response.status == _UNSATISFIABLE or not found or found[1] is None or int(found[1]) > self._offset:
            message = f"{response.place} does not give the bytes from {self._offset} on"
            raise TransientError(message, subject=self._subject, hint=TRY_LATER)
        first, last = int(found[1]), int(found[2])
        if response.length not in (None, last - first + 1):
            message = f"{response.place} contradicts itself: Content-Range and Content-Length tell different numbers"
            raise TransientError(message, subject=self._subject, hint=TRY_LATER)
        return _Body(response, left=last - first + 1, skip=self._offset - first)

    def _skip(self, body: _Body) -> None:
        """Throw away what was already given: the server ignored ``Range``."""
        scrap = memoryview(bytearray(min(body.skip, _SKIP_BYTES)))
        while body.skip:
            got = body.readinto(scrap[: body.skip], self._subject)
            if got == 0:
                message = f"{body.response.place} gave {self._offset - body.skip} of {self._size} bytes"
                raise TransientError(message, subject=self._subject, hint=TRY_LATER)
            body.skip -= got
            self._check_open()

    def _recover(self, error: PenstockError) -> None:
        """Wait for the next try, or turn to the next place; raises when there is neither."""
        if isinstance(error, InputError):
            raise error  # a wrong auth file or certificate file is not the place's fault
        retries = self._session.options.retries
        another_place = self._place + 1 < len(self._endpoints)
        now_s = time.monotonic()
        self._failures += 1
        self._tries_left -= 1
        if self._failing_since_s is None or self._offset - self._failing_from >= _WORTHWHILE_BYTES:
            # A server that gives a few bytes between two silences has not recovered: its time goes on.
            self._failing_since_s, self._failing_from = now_s, self._offset
        attempts = min(_TRIES_AT_A_MIRROR, retries.attempts) if another_place else retries.attempts
        wait_s = pause_s(error, self._failures, retries)
        in_time = now_s - self._failing_since_s < retries.total_s
        if wait_s is not None and self._failures < attempts and self._tries_left > 0 and in_time:
            if self._closed.wait(wait_s):
                raise self._stopped()
            return
        self._said.append((self._endpoints[self._place][0].ref.registry, error))
        if not another_place:
            raise everyone_failed(self._subject, self._said)
        self._place += 1
        self._failures = 0
        self._failing_since_s = None

    def _on_loop(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine in the session's loop and wait for it here."""
        with contextlib.suppress(RuntimeError):
            if asyncio.get_running_loop() is self._loop:
                raise AssertionError("a blob is read in a worker thread: in the event loop it would wait for itself")
        waiting = make()
        try:
            answer = asyncio.run_coroutine_threadsafe(waiting, self._loop)
        except RuntimeError:
            waiting.close()
            raise self._stopped() from None
        while True:
            try:
                return answer.result(_LOOK_UP_S)
            except CancelledError:
                raise self._stopped() from None
            except TimeoutError:
                if self._closed.is_set() or self._loop.is_closed():
                    answer.cancel()
                    raise self._stopped() from None

    def _other_size(self, place: str, found: str) -> DigestMismatch:
        expected = f"{self._digest} with {self._size} bytes"
        return DigestMismatch(self._subject, expected=expected, found=found, hint=f"{place} holds other bytes under this digest")

    def _stopped(self) -> OperationError:
        return OperationError("reading was stopped", subject=self._subject)

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise self._stopped()

    def _drop(self) -> None:
        body, self._body, self._socket = self._body, None, None
        if body is not None:
            body.response.close()
