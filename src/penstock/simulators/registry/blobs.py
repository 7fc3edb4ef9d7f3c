"""Pulling and deleting blobs: distribution-spec, sections "Pulling blobs" and "Deleting Blobs".

With redirects, blobs are not sent by the registry itself: it answers 307 with a signed location on a second port, as registries do
that keep their blobs in an object store.  That port refuses requests that carry an Authorization header, as S3 does for
signed locations, so a client that forwards its credentials fails.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable

from aiohttp import web

from penstock.model.digest import Digest
from penstock.simulators.registry.names import parse_digest, repository_of
from penstock.simulators.registry.refusal import ErrorCode, Refusal
from penstock.simulators.registry.serving import Sender
from penstock.simulators.registry.storage import FileContent, MemoryContent, Storage

_BLOB = "/v2/{name:.+}/blobs/{digest}"


class BlobRoutes:
    """The endpoints ``/v2/<name>/blobs/<digest>``.

    Args:
        storage: where the blobs are.
        sender: sends them.
        locate: gives the location of a blob on the second port, or None where blobs are not redirected.
    """

    def __init__(self, storage: Storage, sender: Sender, locate: Callable[[Digest], str] | None = None) -> None:
        self._storage = storage
        self._sender = sender
        self._locate = locate

    def routes(self) -> list[web.RouteDef]:
        """GET, HEAD and DELETE."""
        return [web.get(_BLOB, self._get), web.delete(_BLOB, self._delete)]

    async def _get(self, request: web.Request) -> web.StreamResponse:
        digest, content = self._find(request)
        if self._locate is not None and request.method == "GET":
            return web.Response(status=307, headers={"Location": self._locate(digest), "Docker-Content-Digest": str(digest)})
        return await self._sender.send(request, content, blob_headers(digest))

    async def _delete(self, request: web.Request) -> web.Response:
        digest, _ = self._find(request)
        self._storage.unlink_blob(repository_of(request), digest)
        return web.Response(status=202, headers={"Docker-Content-Digest": str(digest)})

    def _find(self, request: web.Request) -> tuple[Digest, MemoryContent | FileContent]:
        repository, digest = repository_of(request), parse_digest(request.match_info["digest"])
        content = self._storage.find_content(digest) if self._storage.holds_blob(repository, digest) else None
        if content is None:
            raise Refusal(404, ErrorCode.BLOB_UNKNOWN, "blob unknown to registry", detail={"digest": str(digest)})
        return digest, content


class ContentRoutes:
    """The second port: ``/content/<digest>?signature=…``, without authentication."""

    def __init__(self, storage: Storage, sender: Sender) -> None:
        self._storage = storage
        self._sender = sender
        self._key = secrets.token_bytes(32)

    def routes(self) -> list[web.RouteDef]:
        """GET and HEAD."""
        return [web.get("/content/{digest}", self._get)]

    def path_of(self, digest: Digest) -> str:
        """The signed path and query under which the blob is sent."""
        return f"/content/{digest}?signature={self._sign(digest)}"

    def _sign(self, digest: Digest) -> str:
        return hmac.new(self._key, str(digest).encode(), hashlib.sha256).hexdigest()

    async def _get(self, request: web.Request) -> web.StreamResponse:
        digest = parse_digest(request.match_info["digest"])
        if "Authorization" in request.headers:
            raise Refusal(400, ErrorCode.DENIED, "a signed location was asked with an Authorization header")
        if not hmac.compare_digest(request.query.get("signature", ""), self._sign(digest)):
            raise Refusal(403, ErrorCode.DENIED, "the signature is wrong")
        content = self._storage.find_content(digest)
        if content is None:
            raise Refusal(404, ErrorCode.BLOB_UNKNOWN, "blob unknown to registry", detail={"digest": str(digest)})
        return await self._sender.send(request, content, blob_headers(digest))


def blob_headers(digest: Digest) -> dict[str, str]:
    """What goes with every blob."""
    return {"Content-Type": "application/octet-stream", "Docker-Content-Digest": str(digest), "ETag": f'"{digest}"'}
