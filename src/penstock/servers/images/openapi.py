"""``GET /openapi.json``: the routes of the image service as an OpenAPI 3.1 document, made of the tables here.

A test holds them against the routes of the application, both ways.  The schemas stand in :mod:`penstock.servers.images.schemas`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from aiohttp import web

from penstock import __version__
from penstock.imageservice.asks import Artifact
from penstock.servers.images.schemas import ARCH, HASH, SCHEMAS, SHA512, TEXT, TYPE, UUID, Schema, ref

_JSON: Final = "application/json"
_BYTES: Final = "application/octet-stream"
_PLAIN: Final = "text/plain"


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    place: str
    about: str
    schema: Schema
    required: bool = False

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "in": self.place,
            "description": self.about,
            "schema": self.schema,
            **({"required": True} if self.required else {}),
        }


@dataclass(frozen=True, slots=True)
class _Body:
    """What a request or an answer holds: its media type, and a schema where it has one."""

    media_type: str = ""
    schema: Schema | None = None

    def content(self) -> dict[str, Any]:
        return {"content": {self.media_type: {"schema": self.schema} if self.schema else {}}} if self.media_type else {}


@dataclass(frozen=True, slots=True)
class _Operation:
    """A method of a path.

    Attributes:
        id: ``operationId``.
        about: what it is for.
        answers: by status.
        parameters: without those of the path, which all methods share.
        takes: the body of the request.
        security: names of security schemes, each of which is enough; empty where nobody is asked.
    """

    id: str
    about: str
    answers: dict[int, _Body]
    parameters: tuple[_Parameter, ...] = ()
    takes: _Body | None = None
    security: tuple[str, ...] = ()


_HOST = _Parameter("host", "path", "The UUID of a host or infra-env.", UUID, required=True)
_TOKEN = _Parameter("token", "path", "A JWT whose claim sub or infra_env_id names the host; it is passed on.", TEXT, required=True)
_API_KEY = _Parameter("api_key", "path", "As token, passed on as api_key.", TEXT, required=True)
_VERSION_PART = _Parameter("version", "path", "A build of CoreOS, or a version of OpenShift.", TEXT, required=True)
_ARCH_PART = _Parameter("arch", "path", "An architecture.", ARCH, required=True)
_FILE_PART = _Parameter(
    "file_name", "path", "Which ISO.", {"type": "string", "enum": ["full.iso", "minimal.iso", "disconnected.iso"]}, required=True
)
_ARTIFACT_PART = _Parameter("artifact", "path", "Which file.", {"type": "string", "enum": [name.value for name in Artifact]}, required=True)
_VERSION = _Parameter("version", "query", "A build of CoreOS, or a version of OpenShift.", TEXT, required=True)
_ARCH = _Parameter("arch", "query", "An architecture.", {**ARCH, "default": "x86_64"})
_TYPE = _Parameter("type", "query", "Which ISO.", TYPE, required=True)
_RANGE = _Parameter("Range", "header", "One range of bytes.", TEXT)

_PASSED_ON: Final = ("apiKey", "imageToken", "authorization")
"""Credentials are passed on to the backend, which judges them; a service without such a backend asks for none."""

_CONFIG_PARAMETERS: Final = (
    _VERSION,
    _ARCH,
    _TYPE,
    _Parameter("sha512", "query", "Of the very config that is wanted; where the host has another one by now, the answer is 409.", SHA512),
)
_OTHER_CONFIG: Final = {409: _Body(_PLAIN)}

_REFUSALS: Final = {status: _Body(_PLAIN) for status in (400, 404, 416, 500, 503)}
_FILE: Final = {200: _Body(_BYTES), 206: _Body(_BYTES), 304: _Body(), **_REFUSALS}
_ERRORS_OF_CHANGES: Final = {status: _Body(_JSON, ref("Error")) for status in (401, 403, 503)}


def _download(
    name: str,
    about: str,
    *parameters: _Parameter,
    security: tuple[str, ...] = _PASSED_ON,
    refusals: Mapping[int, _Body] = MappingProxyType({}),
) -> dict[str, _Operation]:
    """GET and HEAD of a file."""
    shown, answers = (*parameters, _RANGE), {**_FILE, **refusals}
    more = f"{about} Ranges, If-Range, If-None-Match and If-Modified-Since are answered."
    return {
        "get": _Operation(name, more, answers, shown, security=security),
        "head": _Operation(f"{name}Head", f"{about} The headers alone.", answers, shown, security=security),
    }


def _answered(name: str, about: str, answers: dict[int, _Body], *parameters: _Parameter) -> dict[str, _Operation]:
    """GET and HEAD of something small."""
    headless = {status: _Body() for status in answers}
    return {
        "get": _Operation(name, about, answers, parameters),
        "head": _Operation(f"{name}Head", f"{about} The headers alone.", headless, parameters),
    }


def _addition(name: str) -> _Operation:
    answers = {
        200: _Body(_JSON, ref("ImageIds")),
        201: _Body(_JSON, ref("ImageIds")),
        400: _Body(_JSON, ref("Error")),
        413: _Body(_JSON, ref("Error")),
        **_ERRORS_OF_CHANGES,
    }
    about = "Adds an image, or replaces the one of the same id; 201 where it was not wanted before."
    return _Operation(name, about, answers, takes=_Body(_JSON, ref("Addition")), security=("adminToken",))


def _short(
    kind: str, name: str, who: _Parameter, security: tuple[str, ...]
) -> dict[str, tuple[tuple[_Parameter, ...], dict[str, _Operation]]]:
    """The short addresses of a host's ISO: with version and architecture, without the latter, without both."""
    about = "A host's ISO by a short address: the minimal one where there is one; what is left out is chosen."
    made = {}
    parts: tuple[_Parameter, ...] = (who,)
    for more in ((), (_VERSION_PART,), (_ARCH_PART,)):
        parts = (*parts, *more)
        path = "/".join(f"{{{part.name}}}" for part in parts)
        title = "".join(part.name.capitalize() for part in parts[1:])
        made[f"/{kind}/{path}.iso"] = (parts, _download(f"shortIsoBy{name}{title}", about, security=security))
    return made


_PATHS: Final[dict[str, tuple[tuple[_Parameter, ...], dict[str, _Operation]]]] = {
    "/byid/{host}/{version}/{arch}/{file_name}": (
        (_HOST, _VERSION_PART, _ARCH_PART, _FILE_PART),
        _download("isoById", "A host's ISO."),
    ),
    "/bytoken/{token}/{version}/{arch}/{file_name}": (
        (_TOKEN, _VERSION_PART, _ARCH_PART, _FILE_PART),
        _download("isoByToken", "A host's ISO.", security=()),
    ),
    "/byapikey/{api_key}/{version}/{arch}/{file_name}": (
        (_API_KEY, _VERSION_PART, _ARCH_PART, _FILE_PART),
        _download("isoByApiKey", "A host's ISO.", security=()),
    ),
    "/images/{host}": ((_HOST,), _download("iso", "A host's ISO, by the older form of its address.", _VERSION, _ARCH, _TYPE)),
    "/images/{host}/pxe-initrd": (
        (_HOST,),
        _download("initrd", "A host's initramfs for a boot over the network.", _VERSION, _ARCH),
    ),
    "/images/{host}/s390x-initrd-addrsize": (
        (_HOST,),
        _download("initrdAddressAndSize", "Where a host's initramfs goes in memory, and its size (s390x).", _VERSION),
    ),
    "/images/{host}/ignition": (
        (_HOST,),
        _download("ignition", "A host's Ignition config, for an ISO that has no room for it.", *_CONFIG_PARAMETERS, refusals=_OTHER_CONFIG),
    ),
    **_short("i", "Id", _HOST, _PASSED_ON),
    **_short("t", "Token", _TOKEN, ()),
    "/a/{alias}.iso": (
        (_Parameter("alias", "path", "As POST /v1/aliases gave it; a secret.", TEXT, required=True),),
        _download("isoByAlias", "The ISO that an alias was made for.", security=()),
    ),
    "/v1/aliases": (
        (),
        {
            "post": _Operation(
                "makeAlias",
                "Makes a short address for the address of an ISO.",
                {201: _Body(_JSON, ref("Alias")), 400: _Body(_JSON, ref("Error")), 503: _Body(_JSON, ref("Error"))},
                takes=_Body(_JSON, ref("AliasRequest")),
            )
        },
    ),
    "/boot-artifacts/{artifact}": (
        (_ARTIFACT_PART,),
        _download("bootArtifact", "A file of the full ISO that is the same for all hosts.", _VERSION, _ARCH, security=()),
    ),
    "/health": (
        (),
        _answered(
            "health",
            "Whether all images are served that can be, or with a version the image of that version.",
            {200: _Body(_PLAIN), 400: _Body(_PLAIN), 503: _Body(_PLAIN)},
            _Parameter("version", "query", "A build of CoreOS, or a version of OpenShift.", TEXT),
            _ARCH,
            _Parameter("type", "query", "Which ISO.", TYPE),
        ),
    ),
    "/live": ((), _answered("live", "Whether the process answers.", {200: _Body()})),
    "/metrics": ((), _answered("metrics", "Metrics in the text format of Prometheus.", {200: _Body(_PLAIN)})),
    "/openapi.json": ((), _answered("openapi", "This document.", {200: _Body(_JSON)})),
    "/v1/provenance/{id}": (
        (_Parameter("id", "path", "The UUID of a host, or the hash in the ETag of a served ISO.", {"anyOf": [UUID, HASH]}, required=True),),
        _answered(
            "provenance",
            "Where the bytes of a served ISO come from. version and type are required with the UUID of a host.",
            {200: _Body(_JSON, ref("Provenance")), **{status: _Body(_JSON, ref("Error")) for status in (400, 404, 500, 503)}},
            _Parameter("version", "query", "A build of CoreOS, or a version of OpenShift.", TEXT),
            _ARCH,
            _Parameter("type", "query", "Which ISO.", TYPE),
        ),
    ),
    "/v1/images": (
        (),
        {
            **_answered("images", "What is wanted, and how far it is.", {200: _Body(_JSON, ref("Images"))}),
            "post": _addition("addImage"),
            "put": _addition("putImage"),
        },
    ),
    "/v1/images/{id}": (
        (_Parameter("id", "path", "The id of an image, as GET /v1/images tells it.", TEXT, required=True),),
        {
            "delete": _Operation(
                "removeImage",
                "Takes an image away, though the lists may have it.",
                {204: _Body(), 404: _Body(_JSON, ref("Error")), **_ERRORS_OF_CHANGES},
                security=("adminToken",),
            )
        },
    ),
    "/": (
        (),
        {
            **_answered("page", "A page with the images, and a form for a config.", {200: _Body("text/html")}),
            "post": _Operation(
                "makeIso",
                "Keeps an Ignition config for a new host; the page that follows has the address of its ISO.",
                {303: _Body(), **{status: _Body("text/html") for status in (400, 413, 415, 422, 503)}, 403: _Body(_PLAIN)},
                takes=_Body("application/x-www-form-urlencoded", ref("Form")),
            ),
        },
    ),
    "/page.css": ((), _answered("style", "How the page looks.", {200: _Body("text/css")})),
}


def openapi_document(served: Iterable[tuple[str, str]], *, base_url: str = "") -> dict[str, Any]:
    """The document of the routes that an application has.

    Args:
        served: method (``GET``) and path (``/images/{host}``) of each; which there are depends on the settings.
        base_url: by which the service is reached; ``""`` for the place that the document was had from.

    Raises:
        KeyError: a route has no entry in the tables.
    """
    paths: dict[str, Any] = {}
    for method, path in sorted(documented(served)):
        shared, operations = _PATHS[path]
        item = paths.setdefault(path, {"parameters": [parameter.document() for parameter in shared]} if shared else {})
        item[method.lower()] = _operation(operations[method.lower()])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Penstock image service",
            "version": __version__,
            "summary": "Discovery ISOs and boot artifacts of CoreOS.",
            "license": {"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
        },
        "servers": [{"url": base_url or "."}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "apiKey": {"type": "apiKey", "in": "query", "name": "api_key"},
                "imageToken": {"type": "apiKey", "in": "query", "name": "image_token"},
                "authorization": {"type": "apiKey", "in": "header", "name": "Authorization"},
                "adminToken": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def documented(served: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Method and path as the document has them; where any method is answered, as upstream does, those that are meant to be used."""
    return {(shown, path) for method, path in served for shown in (("GET", "HEAD") if method == "*" else (method,))}


def routes_of(application: web.Application) -> Iterable[tuple[str, str]]:
    """Method and path of every route of an application."""
    for route in application.router.routes():
        if route.resource is not None:
            yield route.method, route.resource.canonical


def openapi_route(*, base_url: str = "") -> web.RouteDef:
    """The route; the document is made by the first request, of the application that has it."""
    made: list[dict[str, Any]] = []

    async def show(request: web.Request) -> web.Response:
        if not made:
            made.append(openapi_document(routes_of(request.app), base_url=base_url))
        return web.json_response(made[0], headers={"Cache-Control": "max-age=300"})

    return web.get("/openapi.json", show)


def _operation(operation: _Operation) -> dict[str, Any]:
    document: dict[str, Any] = {"operationId": operation.id, "description": operation.about}
    if operation.parameters:
        document["parameters"] = [parameter.document() for parameter in operation.parameters]
    if operation.takes is not None:
        document["requestBody"] = {"required": True, **operation.takes.content()}
    document["responses"] = {
        str(status): {"description": HTTPStatus(status).phrase, **body.content()} for status, body in sorted(operation.answers.items())
    }
    if operation.security:
        # Passing credentials on is an offer; only the admin token is a demand.
        free: list[dict[str, list[str]]] = [{}] if operation.security is _PASSED_ON else []
        document["security"] = [*free, *({name: []} for name in operation.security)]
    return document
