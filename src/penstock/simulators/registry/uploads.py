"""Pushing blobs: distribution-spec, sections "Pushing blobs" and "Mounting a blob from another repository".

A session's location carries a token in its query, as docker-registry's does: a client must use the location as it was given.
Locations are relative here and absolute in docker-registry; clients must understand both.
"""

import asyncio
import re
import secrets
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from penstock.model.digest import Digest
from penstock.simulators.registry.names import parse_digest, parse_repository, repository_of
from penstock.simulators.registry.refusal import ErrorCode, Refusal
from penstock.simulators.registry.storage import CHUNK_BYTES, Storage, Upload

_CONTENT_RANGE = re.compile(r"(?:bytes[ =])?([0-9]+)-([0-9]+)(?:/.*)?")
_IDLE_LIMIT_S = 24 * 3600


@dataclass(slots=True)
class _Session:
    """An upload between requests."""

    repository: str
    upload: Upload
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    used_at_s: float = field(default_factory=time.monotonic)

    def headers(self) -> dict[str, str]:
        """Where it goes on, and from which byte; an empty upload says ``0-0``, as docker-registry does."""
        return {
            "Location": f"/v2/{self.repository}/blobs/uploads/{self.id}?_state={self.state}",
            "Docker-Upload-UUID": self.id,
            "Range": f"0-{max(0, self.upload.size_bytes - 1)}",
        }


class UploadRoutes:
    """The endpoints under ``/v2/<name>/blobs/uploads/``."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._sessions: dict[str, _Session] = {}

    def routes(self) -> list[web.RouteDef]:
        """POST, and what is done to a session."""
        session = "/v2/{name:.+}/blobs/uploads/{session}"
        return [
            web.post("/v2/{name:.+}/blobs/uploads/", self._start),
            web.patch(session, self._continue),
            web.put(session, self._finish),
            web.get(session, self._tell, allow_head=False),
            web.delete(session, self._cancel),
        ]

    async def _start(self, request: web.Request) -> web.Response:
        repository = repository_of(request)
        if "mount" in request.query:
            mounted = self._mount(repository, parse_digest(request.query["mount"]), request.query.get("from", ""))
            if mounted is not None:
                return mounted
        digest = parse_digest(request.query["digest"]) if "digest" in request.query else None
        session = _Session(repository, await asyncio.to_thread(self._storage.open_upload))
        if digest is not None:
            try:
                await _receive(request, session.upload, digest.algorithm)
                return await self._commit(session, digest)
            finally:
                session.upload.discard()
        self._forget_idle()
        self._sessions[session.id] = session
        return web.Response(status=202, headers=session.headers())

    def _mount(self, repository: str, digest: Digest, source: str) -> web.Response | None:
        """Without ``from`` the blob is not looked for elsewhere: the client may not be allowed to read there."""
        if not source or not self._storage.holds_blob(parse_repository(source), digest):
            return None
        self._storage.link_blob(repository, digest)
        return _created(repository, digest)

    async def _continue(self, request: web.Request) -> web.Response:
        session = self._session(request)
        async with self._turn(session):
            _check_position(request, session)
            await _receive(request, session.upload)
            return web.Response(status=202, headers=session.headers())

    async def _finish(self, request: web.Request) -> web.Response:
        session = self._session(request)
        if "digest" not in request.query:
            raise Refusal(400, ErrorCode.DIGEST_INVALID, "the digest of the whole blob is missing")
        digest = parse_digest(request.query["digest"])
        async with self._turn(session):
            _check_position(request, session)
            await _receive(request, session.upload, digest.algorithm)
            try:
                return await self._commit(session, digest)
            finally:
                # Right or wrong, the session is over: a client that sent other bytes begins anew.
                self._sessions.pop(session.id, None)
                session.upload.discard()

    async def _tell(self, request: web.Request) -> web.Response:
        return web.Response(status=204, headers=self._session(request).headers())

    async def _cancel(self, request: web.Request) -> web.Response:
        session = self._session(request)
        async with self._turn(session):
            self._sessions.pop(session.id, None)
            session.upload.discard()
        return web.Response(status=204)

    async def _commit(self, session: _Session, digest: Digest) -> web.Response:
        if not await asyncio.to_thread(session.upload.matches, digest):
            detail = {"digest": str(digest), "size": session.upload.size_bytes}
            raise Refusal(400, ErrorCode.DIGEST_INVALID, "provided digest did not match uploaded content", detail=detail)
        await asyncio.to_thread(self._storage.commit, session.repository, session.upload, digest)
        return _created(session.repository, digest)

    def _session(self, request: web.Request) -> _Session:
        session = self._sessions.get(request.match_info["session"])
        if session is None or session.repository != repository_of(request):
            raise _unknown_upload()
        if request.query.get("_state") != session.state:
            raise Refusal(400, ErrorCode.BLOB_UPLOAD_INVALID, "the location was not used as it was given")
        session.used_at_s = time.monotonic()
        return session

    @asynccontextmanager
    async def _turn(self, session: _Session) -> AsyncIterator[None]:
        """One request at a time; the session may have ended while this one waited."""
        async with session.lock:
            if session.id not in self._sessions:
                raise _unknown_upload()
            yield

    def _forget_idle(self) -> None:
        limit_s = time.monotonic() - _IDLE_LIMIT_S
        for session in [session for session in self._sessions.values() if session.used_at_s < limit_s and not session.lock.locked()]:
            del self._sessions[session.id]
            session.upload.discard()


def _unknown_upload() -> Refusal:
    return Refusal(404, ErrorCode.BLOB_UPLOAD_UNKNOWN, "blob upload unknown to registry")


def _created(repository: str, digest: Digest) -> web.Response:
    return web.Response(status=201, headers={"Location": f"/v2/{repository}/blobs/{digest}", "Docker-Content-Digest": str(digest)})


def _check_position(request: web.Request, session: _Session) -> None:
    """Chunks come in order; without a Content-Range the body simply follows what is there."""
    text = request.headers.get("Content-Range")
    if text is None:
        return
    found = _CONTENT_RANGE.fullmatch(text.strip())
    if found is None:
        raise Refusal(400, ErrorCode.BLOB_UPLOAD_INVALID, "Content-Range is not START-END", headers=session.headers())
    first, last = int(found[1]), int(found[2])
    if first != session.upload.size_bytes or last < first:
        raise Refusal(416, ErrorCode.BLOB_UPLOAD_INVALID, "the chunk does not follow the last one", headers=session.headers())
    if request.content_length is not None and request.content_length != last - first + 1:
        raise Refusal(400, ErrorCode.SIZE_INVALID, "Content-Range and Content-Length differ", headers=session.headers())


async def _receive(request: web.Request, upload: Upload, algorithm: str | None = None) -> None:
    """Stream the body to the storage, hashing in a worker thread; what came before a cut stays, so that the client may go on."""
    if algorithm is not None:
        await asyncio.to_thread(upload.use, algorithm)
    pieces: list[bytes] = []
    pending_bytes = 0
    try:
        while piece := await request.content.readany():
            pieces.append(piece)
            pending_bytes += len(piece)
            if pending_bytes >= CHUNK_BYTES:
                chunk, pieces, pending_bytes = b"".join(pieces), [], 0
                await asyncio.to_thread(upload.append, chunk)
    finally:
        if pieces:
            await asyncio.to_thread(upload.append, b"".join(pieces))
