"""The admin API: which images are wanted and how far they are, for everybody; images added and removed, for who shows the token.

::

    GET    /v1/images          {"images": [{"id": "os-image:4.18:x86_64:full-iso:418.94…", "stage": "bringing", …}, …]}
    POST   /v1/images          {"os_image": ENTRY} or {"release_image": ENTRY}: 201, or 200 where the image was wanted already
    PUT    /v1/images          the same
    DELETE /v1/images/{id}     204

A change counts at once and for the next start; how it goes together with the lists is told in :mod:`penstock.imageservice.changes`.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import structlog
from aiohttp import web

from penstock.adapters.files.atomic import put_private
from penstock.imageservice.catalogue import Catalogue, ReadyImage, Status
from penstock.imageservice.changes import Changes, image_id, parse_addition, parse_changes, write_changes
from penstock.imageservice.provenance import without_query
from penstock.imageservice.wanted import resolved
from penstock.model.errors import InputError, NotFoundError, OperationError, PenstockError
from penstock.model.osimage import PayloadOrigin, UrlOrigin, Wanted, listed_arch

_LIMIT_BYTES: Final = 1 << 16

Want = Callable[[tuple[Wanted, ...]], Awaitable[None]]
"""Takes all images that are wanted from now on, as :func:`penstock.imageservice.wanted.resolve` gives them."""


class WantedImages:
    """The lists and the changes over them; for one event loop."""

    def __init__(self, want: Want, state: Path) -> None:
        """Nothing is wanted before :meth:`listed` is called.

        Args:
            want: told of everything that is wanted, each time that it changes; one call at a time.
            state: the file that keeps the changes; it need not exist.
        """
        self._want = want
        self._state = state
        self._listed: tuple[Wanted, ...] = ()
        self._changes: Changes | None = None
        self._lock = asyncio.Lock()

    async def listed(self, wanted: Sequence[Wanted]) -> None:
        """Go by these lists from now on: the entries of all of them, as :mod:`penstock.imageservice.lists` reads them.

        Raises:
            InputError: the state file is damaged.
            OperationError: it cannot be read.
        """
        async with self._lock:
            changes = await self._loaded()
            self._listed = tuple(wanted)
            settled = changes.settled(self._listed)
            if settled != changes:
                try:
                    await asyncio.to_thread(self._save, settled)
                except PenstockError as error:
                    # The lists count all the same; what is settled now is settled again at the next start.
                    structlog.get_logger("penstock.servers.images").warning("the state of images was not written", error=str(error))
            self._changes = settled
            await self._want(resolved(settled.over(self._listed)))

    async def add(self, images: Sequence[Wanted]) -> bool:
        """Want these too; whether one of them was not wanted before.

        Raises:
            PenstockError: it cannot be kept, so nothing has changed.
        """
        async with self._lock:
            changes = await self._loaded()
            known = {image_id(wanted) for wanted in changes.over(self._listed)}
            await self._change(changes.adding(images))
            return any(image_id(wanted) not in known for wanted in images)

    async def remove(self, name: str) -> None:
        """Want the image of this id no longer.

        Raises:
            NotFoundError: there is none.
            PenstockError: it cannot be kept, so nothing has changed.
        """
        async with self._lock:
            changes = await self._loaded()
            await self._change(changes.removing(name, self._listed))

    async def _change(self, changes: Changes) -> None:
        await asyncio.to_thread(self._save, changes)
        self._changes = changes
        await self._want(resolved(changes.over(self._listed)))

    async def _loaded(self) -> Changes:
        if self._changes is None:
            self._changes = await asyncio.to_thread(self._load)
        return self._changes

    def _load(self) -> Changes:
        try:
            content = self._state.read_bytes()
        except FileNotFoundError:
            return Changes()
        except OSError as error:
            raise OperationError(f"cannot read the state of images: {error.strerror}", subject=str(self._state)) from error
        return parse_changes(content, subject=str(self._state))

    def _save(self, changes: Changes) -> None:
        try:
            self._state.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OperationError(f"cannot write the state of images: {error.strerror}", subject=str(self._state)) from error
        put_private(self._state, write_changes(changes))  # addresses may hold secrets


@dataclass(frozen=True, slots=True)
class AdminOptions:
    """Who may change images.

    Attributes:
        images: the lists and the changes over them.
        token_file: holds the token, read for every change so that it can be replaced; None where nobody may.
    """

    images: WantedImages
    token_file: Path | None = None


class AdminRoutes:
    """The routes under ``/v1/images``."""

    def __init__(self, catalogue: Callable[[], Catalogue], options: AdminOptions) -> None:
        self._catalogue = catalogue
        self._images = options.images
        self._token_file = options.token_file

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.get("/v1/images", self._list),
            web.post("/v1/images", self._add),
            web.put("/v1/images", self._add),
            web.delete("/v1/images/{id}", self._remove),
        ]

    async def _list(self, _: web.Request) -> web.Response:
        document = {"images": [status_document(status) for status in self._catalogue().statuses]}
        return web.json_response(document, headers={"Cache-Control": "no-store"})

    async def _add(self, request: web.Request) -> web.Response:
        refusal = await self._refusal(request)
        if refusal is not None:
            return refusal
        body = await _body(request)
        if body is None:
            return error_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has {_LIMIT_BYTES} bytes at most")
        try:
            images = parse_addition(body)
            is_new = await self._images.add(images)
        except InputError as error:
            return error_response(HTTPStatus.BAD_REQUEST, str(error), error.hint)
        except PenstockError as error:
            return _not_kept(error)
        return web.json_response({"ids": [image_id(image) for image in images]}, status=HTTPStatus.CREATED if is_new else HTTPStatus.OK)

    async def _remove(self, request: web.Request) -> web.Response:
        refusal = await self._refusal(request)
        if refusal is not None:
            return refusal
        try:
            await self._images.remove(request.match_info["id"])
        except NotFoundError as error:
            return error_response(HTTPStatus.NOT_FOUND, str(error), error.hint)
        except PenstockError as error:
            return _not_kept(error)
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _refusal(self, request: web.Request) -> web.Response | None:
        """The answer to who may not change anything; None for who may."""
        if self._token_file is None:
            return error_response(HTTPStatus.FORBIDDEN, "images cannot be changed here", "start the service with --admin-token-file")
        try:
            token = (await asyncio.to_thread(self._token_file.read_bytes)).strip()
        except OSError:
            token = b""
        if not token:
            return error_response(HTTPStatus.SERVICE_UNAVAILABLE, "the file with the admin token is missing or empty")
        scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(errors="surrogateescape"), token):
            return None
        refusal = error_response(HTTPStatus.UNAUTHORIZED, "the admin token is wanted", "send Authorization: Bearer TOKEN")
        refusal.headers["WWW-Authenticate"] = 'Bearer realm="images"'
        return refusal


def status_document(status: Status) -> dict[str, Any]:
    """How far an image is, as plain data without anything secret."""
    wanted = status.wanted
    return {
        "id": image_id(wanted),
        "openshift_version": wanted.openshift_version,
        "cpu_architecture": listed_arch(wanted.arch),
        "type": wanted.type.value,
        "version": wanted.version,
        **_origin(wanted),
        "stage": status.stage.value,
        "reason": status.reason,
        "done_bytes": status.done_bytes,
        "total_bytes": status.total_bytes,
        "fallback": image_id(wanted.fallback) if wanted.fallback is not None else None,
        "ready": [_ready(image) for image in status.ready],
    }


def error_response(status: int, message: str, hint: str = "") -> web.Response:
    """One clear error: ``{"error": …, "hint": …}``."""
    return web.json_response({"error": message, **({"hint": hint} if hint else {})}, status=status)


def _not_kept(error: PenstockError) -> web.Response:
    structlog.get_logger("penstock.servers.images").error("a change of images was not kept", error=str(error))
    return error_response(HTTPStatus.SERVICE_UNAVAILABLE, f"the change cannot be kept: {error.message}", error.hint)


def _origin(wanted: Wanted) -> dict[str, str]:
    if isinstance(wanted.origin, PayloadOrigin):
        return {"release": wanted.origin.release, "release_version": wanted.origin.release_version}
    return {"url": without_query(wanted.origin.url)} if isinstance(wanted.origin, UrlOrigin) else {}


def _ready(image: ReadyImage) -> dict[str, Any]:
    record = image.stored.record
    return {
        "version": record.version,
        "openshift_version": record.openshift_version,
        "names": list(record.names),
        "file_name": record.file_name,
        "size_bytes": image.stored.size_bytes,
        "sha256": image.stored.digest.hex,
        "minimal_iso": image.prepared.minimal is not None,
        "why_no_minimal_iso": image.prepared.why_no_minimal,
    }


async def _body(request: web.Request) -> bytes | None:
    """The body, or None where it is larger than any request is."""
    found = bytearray()
    async for chunk in request.content.iter_chunked(_LIMIT_BYTES):
        found += chunk
        if len(found) > _LIMIT_BYTES:
            return None
    return bytes(found)
