"""The routes, and what happens around each request.

Routes and answers are those of OpenShift's image service (assisted-image-service: ``main.go``, ``internal/handlers/images.go``).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias, cast

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from penstock.imageservice.figures import Figures
from penstock.imageservice.parsing import HOST_PATTERN
from penstock.imageservice.refusals import Refused
from penstock.model.errors import PenstockError
from penstock.model.hosts import BackendRefused
from penstock.servers.images.access import Transfer, is_each_piece_told, note_of, write_down
from penstock.servers.images.aliases import LONGEST_TARGET, Aliases
from penstock.servers.images.answers import Snapshots, not_ready, plain, refusal
from penstock.servers.images.connections import Connections, connection_of
from penstock.servers.images.cors import AllowedOrigins
from penstock.servers.images.handlers import AliasHandlers, ImageHandlers, StateHandlers
from penstock.servers.images.limiter import Slots
from penstock.servers.images.metrics import Metrics
from penstock.servers.images.readiness import Gate
from penstock.servers.images.repeats import Repeatable
from penstock.servers.images.targets import clean_target

Respond: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HOST: Final = f"{{host:{HOST_PATTERN}}}"
_SHORT: Final = "{version}/{arch}/{file_name}"
_SHORTER: Final = ("", "/{version}", "/{version}/{arch}")
_CORS: Final = web.RequestKey("penstock.cors", dict[str, str])
_REPEATABLE: Final = web.RequestKey("penstock.repeatable", Repeatable)
_PLAIN_PATHS: Final = frozenset({"/health", "/live", "/metrics"})
_ARTIFACTS: Final = frozenset({"rootfs", "kernel", "ins-file"})
_log = structlog.get_logger("penstock.servers.images")


@dataclass(frozen=True, slots=True)
class AppOptions:
    """How requests are answered.

    Attributes:
        slots: how many transfers run at once, ``MAX_CONCURRENT_REQUESTS``.
        origins: of ``ALLOWED_DOMAINS``, or None.
        tls_only: whether a request without TLS gets no more than initramfs, boot artifacts and state.
        aliases: where they are kept.
        base_url: by which clients reach the service, without a slash at its end, or ``""``.
        figures: further numbers for the metrics.
    """

    slots: int
    origins: AllowedOrigins | None
    tls_only: bool
    aliases: Aliases
    base_url: str = ""
    figures: Figures | None = None


def make_app(
    service: Snapshots,
    connections: Connections,
    options: AppOptions,
    extra_routes: Iterable[web.RouteDef],
    limited_routes: Iterable[web.RouteDef] = (),
) -> web.Application:
    """The application; ``extra_routes`` are answered without slots, CORS and readiness, ``limited_routes`` with slots alone."""
    gate, slots = Gate(), Slots(options.slots)
    metrics = Metrics(lambda: service.catalogue, slots, options.figures)
    images = ImageHandlers(service, gate, options.aliases)
    around = _Around(service, gate, slots, metrics, options.origins)
    state = StateHandlers(service, gate, metrics)
    app = web.Application(middlewares=[_middleware(tls_only=options.tls_only)], client_max_size=4 * LONGEST_TARGET)
    app.on_response_prepare.append(_last_headers(connections))
    any_method = (
        (f"/images/{_HOST}", images.iso, "/images/:imageID"),
        (f"/images/{_HOST}/pxe-initrd", images.initrd, "/images/:imageID/pxe-initrd"),
        (f"/images/{_HOST}/s390x-initrd-addrsize", images.addrsize, "/images/:imageID/s390x-initrd-addrsize"),
        (f"/images/{_HOST}/ignition", images.config, "/images/:imageID/ignition"),
        (f"/byid/{_HOST}/{_SHORT}", images.iso, "/byid/:token"),
        (f"/bytoken/{{token}}/{_SHORT}", images.iso, "/bytoken/:token"),
        (f"/byapikey/{{api_key}}/{_SHORT}", images.iso, "/byapikey/:token"),
        *((f"/i/{{host}}{rest}.iso", images.iso, "/i/:imageID") for rest in _SHORTER),
        *((f"/t/{{token}}{rest}.iso", images.iso, "/t/:token") for rest in _SHORTER),
        ("/a/{alias}.iso", images.iso, "/a/:alias"),
        ("/boot-artifacts/{artifact:.*}", images.artifact, ""),
    )
    app.add_routes([web.route("*", path, around.respond(handler, label)) for path, handler, label in any_method])
    app.add_routes([web.route("*", path, respond) for path, respond in (("/health", state.health), ("/live", state.live))])
    app.add_routes([web.get("/metrics", state.metrics)])
    app.add_routes([web.post("/v1/aliases", AliasHandlers(options.aliases, options.base_url).make)])
    app.add_routes(extra_routes)
    app.add_routes([web.route(route.method, route.path, around.limited(cast("Respond", route.handler))) for route in limited_routes])
    return app


@dataclass(frozen=True, slots=True)
class _Around:
    """What every transfer goes through, in this order: CORS, readiness, a slot, metrics, errors."""

    service: Snapshots
    gate: Gate
    slots: Slots
    metrics: Metrics
    origins: AllowedOrigins | None

    def respond(self, handler: Respond, label: str) -> Respond:
        """``handler`` with all that around it; ``label`` is its name in the metrics, ``""`` that of a boot artifact."""
        initrd = label.endswith(("pxe-initrd", "initrd-addrsize"))
        with_text = initrd or not label

        async def respond(request: web.Request) -> web.StreamResponse:
            if self.origins is not None:
                if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
                    return plain(HTTPStatus.NO_CONTENT, headers=self.origins.preflight(request.headers))
                request[_CORS] = self.origins.actual(request.method, request.headers)
            async with self.slots:
                return await self._measured(request, handler, label or _artifact_label(request), with_text=with_text)

        return respond

    def limited(self, handler: Respond) -> Respond:
        """``handler`` with a slot and nothing else."""

        async def respond(request: web.Request) -> web.StreamResponse:
            async with self.slots:
                return await handler(request)

        return respond

    async def _measured(self, request: web.Request, handler: Respond, label: str, *, with_text: bool) -> web.StreamResponse:
        note = note_of(request)
        with self.metrics.running(label):
            began_s = note.seconds
            try:
                response = await self._answered(request, handler, with_text=with_text)
                note.status = response.status
                if note.repeats is not None:
                    request[_REPEATABLE] = Repeatable(*note.repeats, lambda: self.slots.is_free, self._ended(label))
                    note.repeats = None
                if isinstance(response, web.Response) and request.method != "HEAD":
                    note.sent_bytes = response.content_length or 0
                return response
            finally:
                if note.status:
                    seconds = note.seconds - began_s
                    self.metrics.ended(label, request.method, note.status, seconds=seconds, size_bytes=note.sent_bytes)

    def _ended(self, label: str) -> Callable[[float, int], None]:
        """Counts a small range that was answered without the application."""
        return lambda seconds, size_bytes: self.metrics.ended(
            label, "GET", HTTPStatus.PARTIAL_CONTENT, seconds=seconds, size_bytes=size_bytes
        )

    async def _answered(self, request: web.Request, handler: Respond, *, with_text: bool) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as refused:
            is_early = refused.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND} and not self._ready_for(request)
            return refusal(not_ready() if is_early else refused)
        except BackendRefused as error:
            return plain(error.status, f"{error}\n" if with_text else "", nosniff=with_text)
        except PenstockError as error:
            note = note_of(request)
            _log.error(
                "a request failed", error=error.message, subject=error.subject or None, hint=error.hint or None, host=note.host or None
            )
            return plain(HTTPStatus.INTERNAL_SERVER_ERROR, f"{error.message}\n" if with_text else "", nosniff=with_text)

    def _ready_for(self, request: web.Request) -> bool:
        """Whether a refusal is told: as long as nothing is ready, the answer is 503 whatever was asked for."""
        return bool(note_of(request).version) or self.gate.is_open(self.service.catalogue)


def _artifact_label(request: web.Request) -> str:
    name = request.match_info["artifact"]
    return f"/boot-artifacts/{name if name in _ARTIFACTS else 'other'}"


def _middleware(*, tls_only: bool) -> Middleware:
    async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
        connection, note = connection_of(request), note_of(request)
        if connection is not None:
            connection.request_began()
        note.ending = Transfer.CLIENT_LEFT
        try:
            response = await _respond(request, handler, tls_only=tls_only)
            if note.ending is Transfer.CLIENT_LEFT and not response.prepared:
                note.ending = Transfer.WHOLE
            note.status = response.status
            if isinstance(response, web.Response) and request.method != "HEAD":
                note.sent_bytes = response.content_length or 0
            return response
        finally:
            # Behind the answer, which aiohttp writes in the same step: no client waits for a line in a log.
            asyncio.get_running_loop().call_soon(write_down, request)
            if connection is not None:
                connection.request_ended()

    return web.middleware(around)


async def _respond(request: web.Request, handler: Handler, *, tls_only: bool) -> web.StreamResponse:
    if tls_only and not request.secure and not _is_for_everybody(request.path):
        return refusal(Refused.not_found())
    try:
        return await handler(request)
    except web.HTTPException as answer:
        if request.match_info.http_exception is None:
            raise
        if isinstance(answer, web.HTTPMethodNotAllowed):
            return plain(answer.status, headers={"Allow": answer.headers["Allow"]})
        target = clean_target(request.rel_url.raw_path, request.rel_url.raw_query_string)
        if target:
            return plain(HTTPStatus.TEMPORARY_REDIRECT, headers={"Location": target})
        return refusal(Refused.not_found())
    except Exception:  # noqa: BLE001  # the client gets an answer whatever it is
        _log.exception("a request failed for a reason that nobody thought of", host=note_of(request).host or None)
        if request.transport is not None and note_of(request).status:
            request.transport.abort()
        return plain(HTTPStatus.INTERNAL_SERVER_ERROR)


def _is_for_everybody(path: str) -> bool:
    return path.endswith("/pxe-initrd") or path.startswith("/boot-artifacts/") or path in _PLAIN_PATHS


def _last_headers(connections: Connections) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    async def add(request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Server"] = "penstock"
        response.headers.extend(request.get(_CORS, {}))
        if connections.is_draining:
            response.headers["Connection"] = "close"
        # Taken out: aiohttp keeps a request until the next one comes, and with it an open file.
        what, connection = request.pop(_REPEATABLE, None), connection_of(request)
        if what is not None and connection is not None and response.keep_alive and not is_each_piece_told():
            connection.remember(lambda asked: what.after(asked, response.headers))

    return add
