"""The web application: routes, and what happens to every request before and after them."""

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from penstock.simulators.registry.auth import Auth
from penstock.simulators.registry.blobs import BlobRoutes, ContentRoutes
from penstock.simulators.registry.faults import FaultPlan
from penstock.simulators.registry.journal import Request, describe_request
from penstock.simulators.registry.listing import ListingRoutes
from penstock.simulators.registry.manifests import ManifestRoutes
from penstock.simulators.registry.refusal import ErrorCode, Refusal
from penstock.simulators.registry.serving import Sender
from penstock.simulators.registry.storage import Storage
from penstock.simulators.registry.uploads import UploadRoutes

_DEFAULT_STATUS = 503


def registry_app(
    *,
    storage: Storage,
    auth: Auth | None,
    faults: FaultPlan,
    requests: list[Request] | None,
    content: ContentRoutes | None,
    content_url: str,
) -> web.Application:
    """The registry itself.

    Args:
        storage: its state.
        auth: who may do what; None lets everybody do everything.
        faults: what goes wrong.
        requests: every request is written down here, unless it is None.
        content: the second port, or None where blobs are sent by the registry.
        content_url: the second port's address.
    """

    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = faults.take_status(request.method, request.path_qs)
        if fault is not None:
            status = _DEFAULT_STATUS if fault.amount is None else fault.amount
            code = ErrorCode.TOOMANYREQUESTS if status == 429 else ErrorCode.UNKNOWN
            raise Refusal(status, code, "a fault that was asked for", headers=fault.headers)
        if auth is not None and request.path.startswith("/v2/"):
            auth.check(request)
        return await handler(request)

    sender = Sender(storage, faults)
    app = _app(requests, "registry", [web.middleware(check)])
    app.router.add_get("/v2/", _version)
    app.add_routes(auth.routes() if auth is not None else [])
    app.add_routes(UploadRoutes(storage).routes())
    app.add_routes(BlobRoutes(storage, sender, None if content is None else lambda d: content_url + content.path_of(d)).routes())
    app.add_routes(ManifestRoutes(storage, sender).routes())
    app.add_routes(ListingRoutes(storage).routes())
    return app


def content_app(content: ContentRoutes, requests: list[Request] | None) -> web.Application:
    """The second port, which blobs are redirected to."""
    app = _app(requests, "content", [])
    app.add_routes(content.routes())
    return app


def _app(requests: list[Request] | None, site: str, middlewares: list[Middleware]) -> web.Application:
    async def write_down(request: web.Request, handler: Handler) -> web.StreamResponse:
        if requests is not None:
            requests.append(describe_request(request, site))
        try:
            return await handler(request)
        except Refusal as refusal:
            return refusal.response()
        except ConnectionError:
            if request.transport is not None and not request.transport.is_closing():
                raise
            # The client has gone, in the middle of an answer or of an upload.  This reaches nobody; an error would be logged as ours.
            return web.Response()
        except OSError as error:
            return Refusal(500, ErrorCode.UNKNOWN, f"the storage failed: {error.strerror}").response()
        except web.HTTPMethodNotAllowed as error:
            return Refusal(405, ErrorCode.UNSUPPORTED, "the operation is unsupported", headers={"Allow": error.headers["Allow"]}).response()

    app = web.Application(middlewares=[web.middleware(write_down), *middlewares])
    app.on_response_prepare.append(_finish_headers)
    return app


async def _version(_: web.Request) -> web.Response:
    return web.json_response({})


async def _finish_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Runs just before the head goes out, so that it also reaches the answers that aiohttp makes by itself."""
    response.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
    response.headers["X-Content-Type-Options"] = "nosniff"
    if isinstance(response, web.FileResponse) and "Docker-Content-Digest" in response.headers:
        # FileResponse puts one of its own, made of time and size, in place of the digest.
        response.headers["ETag"] = f'"{response.headers["Docker-Content-Digest"]}"'
