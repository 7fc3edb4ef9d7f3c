"""Putting one blob into a registry: begin an upload, send the whole content, name the digest.

Distribution-spec 1.1, "POST then PUT" and "Mounting a blob from another repository".  The content goes in one request, because every
registry takes it so; a try that breaks is begun again from its ``POST``.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import BinaryIO

from yarl import URL

from penstock.adapters.http.hops import next_hop
from penstock.adapters.http.transport import Request
from penstock.adapters.registry.session import Session
from penstock.adapters.registry.sites import api_path
from penstock.adapters.registry.tokens import Scopes
from penstock.formats.oci.descriptor import Descriptor
from penstock.model.errors import OperationError, PenstockError, VerificationError
from penstock.model.imageref import ImageRef
from penstock.model.mirrors import Endpoint

_PIECE_BYTES = 1 << 20
_CREATED, _ACCEPTED = 201, 202


async def upload_blob(
    session: Session, endpoint: Endpoint, blob: Descriptor, open_content: Callable[[], BinaryIO], *, begun_at: URL | None = None
) -> None:
    """Send ``blob``.

    Args:
        session: asks.
        endpoint: the registry and repository.
        blob: what is sent.
        open_content: opens the content from its start, for each try anew; closed here.
        begun_at: an upload that the registry has already begun.

    Raises:
        VerificationError: the content is shorter or longer than ``blob`` says, or the registry found another digest.
        OperationError: the content cannot be read, or the registry refuses.
        TransientError: the connection broke each time.
    """
    subject = f"{endpoint.ref.repository}@{blob.digest}"
    scopes = Scopes.push(api_path(endpoint.ref))
    begun = begun_at

    async def send() -> None:
        nonlocal begun
        place, begun = begun or await begin_upload(session, endpoint, subject), None
        content = _Content(open_content, blob.size_bytes, subject)
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(blob.size_bytes)}
        request = Request("PUT", subject, headers, content.pieces, commit=True)
        try:
            await session.ask(endpoint, _with_digest(place, blob), request, scopes=scopes, fine=(_CREATED,), attempts=1)
        except PenstockError as error:
            if content.failure is not None:
                raise content.failure from error
            raise

    await session.retried(send)


async def begin_upload(session: Session, endpoint: Endpoint, subject: str) -> URL:
    """Begin an upload; the URL to send the content to."""
    path = api_path(endpoint.ref)
    request = Request("POST", subject, {"Content-Length": "0"})
    answer = await session.ask(endpoint, f"{path}/blobs/uploads/", request, scopes=Scopes.push(path), fine=(_ACCEPTED,), attempts=1)
    return next_hop(answer.url, answer.headers.get("Location"), subject=subject)


async def mount_blob(session: Session, endpoint: Endpoint, blob: Descriptor, source: ImageRef) -> URL | None:
    """Ask the registry to take ``blob`` from another of its repositories.

    Returns:
        None when that is done, else the URL of the upload that the registry began instead.
    """
    subject = f"{endpoint.ref.repository}@{blob.digest}"
    path, source_path = api_path(endpoint.ref), api_path(source)
    target = f"{path}/blobs/uploads/?mount={str(blob.digest).replace(':', '%3A')}&from={source_path.replace('/', '%2F')}"
    request = Request("POST", subject, {"Content-Length": "0"})
    answer = await session.ask(endpoint, target, request, scopes=Scopes.push(path, source_path), fine=(_CREATED, _ACCEPTED))
    return None if answer.status == _CREATED else next_hop(answer.url, answer.headers.get("Location"), subject=subject)


def _with_digest(place: URL, blob: Descriptor) -> URL:
    """The upload's URL with the digest; what the registry put into its query stays as it is, letter by letter."""
    text = str(place)
    return URL(f"{text}{'&' if '?' in text else '?'}digest={str(blob.digest).replace(':', '%3A')}", encoded=True)


class _Content:
    """The pieces of a blocking file, exactly as many bytes as were announced."""

    def __init__(self, open_content: Callable[[], BinaryIO], size_bytes: int, subject: str) -> None:
        self._open = open_content
        self._size_bytes = size_bytes
        self._subject = subject
        self.failure: PenstockError | None = None  # aiohttp wraps what a body raises; here it is as it was

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            stream = await asyncio.to_thread(self._open)
            try:
                left = self._size_bytes
                while left:
                    piece = await asyncio.to_thread(stream.read, min(left, _PIECE_BYTES))
                    left -= len(piece)
                    more = b"" if left or not piece else await asyncio.to_thread(stream.read, 1)
                    if not piece or more:
                        relation = "longer" if piece else "shorter"
                        raise VerificationError(f"the content is {relation} than its {self._size_bytes} bytes", subject=self._subject)
                    yield piece
            finally:
                stream.close()
        except PenstockError as error:
            self.failure = error
            raise
        except OSError as error:
            self.failure = OperationError(f"the content cannot be read: {error.strerror}", subject=self._subject)
            raise self.failure from error
