"""What each route does: read the request, ask the service, send what it gives."""

import json
import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web

from penstock.formats.jsontext import parse_json
from penstock.imageservice import parsing
from penstock.imageservice.asks import InitrdAsk, IsoAsk
from penstock.imageservice.refusals import Refused
from penstock.model.arch import Arch
from penstock.model.errors import InputError, PenstockError
from penstock.model.osimage import ImageType, listed_arch
from penstock.servers.images.access import note_of
from penstock.servers.images.aliases import DEFAULT_LIFE_S, LONGEST_TARGET, Aliases
from penstock.servers.images.answers import Snapshots, not_ready, plain
from penstock.servers.images.conditions import begins
from penstock.servers.images.metrics import Metrics
from penstock.servers.images.readiness import Gate, Presence, presence
from penstock.servers.images.sending import send
from penstock.servers.images.shortcuts import Choices, ShortAsk
from penstock.servers.images.targets import AliasAsk, Target, target_of, target_of_url

_READ_METHODS: Final = frozenset({"GET", "HEAD"})
_HOST: Final = re.compile(r"(?:[0-9A-Za-z._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_log = structlog.get_logger("penstock.servers.images")


class ImageHandlers:
    """Images and what belongs to a host; they raise ``Refused`` and ``PenstockError``."""

    def __init__(self, service: Snapshots, gate: Gate, aliases: Aliases) -> None:
        """Answer with what ``service`` gives."""
        self._service = service
        self._gate = gate
        self._aliases = aliases
        self._choices = Choices()

    async def iso(self, request: web.Request) -> web.StreamResponse:
        """An ISO, by any of its URLs."""
        ask = await self._iso_ask(request, target_of(request.rel_url.raw_path, request.query, _authorization(request)))
        note_of(request).asks(ask)
        self._admit(ask.version, ask.arch, ask.type)
        return await send(request, await self._service.iso(ask, from_start=_begins(request), etag=_seen(request)))

    async def initrd(self, request: web.Request) -> web.StreamResponse:
        """``/images/{host}/pxe-initrd``."""
        ask = self._initrd_ask(request)
        return await send(request, await self._service.initrd(ask, from_start=_begins(request), etag=_seen(request)))

    async def addrsize(self, request: web.Request) -> web.StreamResponse:
        """``/images/{host}/s390x-initrd-addrsize``."""
        return await send(request, await self._service.addrsize(self._initrd_ask(request, Arch.S390X)))

    async def config(self, request: web.Request) -> web.StreamResponse:
        """``/images/{host}/ignition``: what a pointer config in a host's ISO names.

        It is there as long as the backend gives it, also before the image is ready: the ISO may have been made by another replica.  With
        ``sha512``, as a pointer has it, it is that one or none.
        """
        shown = parsing.credentials_of(request.query, _authorization(request))
        ask = parsing.long_iso(request.match_info["host"], request.query, shown)
        note_of(request).asks(ask)
        return await send(request, await self._service.config(ask, sha512=parsing.config_hash(request.query)))

    async def artifact(self, request: web.Request) -> web.StreamResponse:
        """``/boot-artifacts/{artifact}``."""
        if request.method not in _READ_METHODS:
            return plain(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET, HEAD"})
        ask = parsing.boot_artifact(request.match_info["artifact"], request.query, is_known=self._is_known)
        note_of(request).asks(ask)
        return await send(request, self._service.artifact(ask))

    async def _iso_ask(self, request: web.Request, target: Target) -> IsoAsk:
        if isinstance(target, AliasAsk):
            alias = await self._aliases.find(target.alias)
            if alias is None:
                raise Refused.not_found()
            target = target_of_url(alias.target)
        match target:
            case IsoAsk():
                return target
            case ShortAsk():
                note_of(request).host = target.host
                ask = self._choices.iso(target, self._service.catalogue)
                if ask is None:
                    raise not_ready()
                return ask
            case AliasAsk():  # an alias of an alias is never made
                raise Refused.not_found()

    def _initrd_ask(self, request: web.Request, arch: Arch | None = None) -> InitrdAsk:
        shown = parsing.credentials_of(request.query, _authorization(request))
        ask = parsing.initrd(request.match_info["host"], request.query, shown, arch=arch)
        note_of(request).asks(ask)
        self._admit(ask.version, ask.arch)
        return ask

    def _admit(self, version: str, arch: Arch | None, image_type: ImageType = ImageType.FULL) -> None:
        """As long as the service as a whole is not ready, an image that is not there may still come; later the service says what it is."""
        catalogue = self._service.catalogue
        if catalogue.find(version, arch, image_type) is None and not self._gate.is_open(catalogue):
            raise not_ready()

    def _is_known(self, version: str, arch: Arch | None) -> bool:
        self._admit(version, arch)
        catalogue = self._service.catalogue
        return catalogue.find(version, arch) is not None or catalogue.expected(version, arch) is not None


class StateHandlers:
    """What monitors ask."""

    def __init__(self, service: Snapshots, gate: Gate, metrics: Metrics) -> None:
        """Tell about ``service``."""
        self._service = service
        self._gate = gate
        self._metrics = metrics

    async def health(self, request: web.Request) -> web.Response:
        """``/health``: the service as a whole; with ``version`` (``arch``, ``type``) one image, with the reason in words."""
        catalogue, version = self._service.catalogue, request.query.get("version", "")
        if not version:
            return plain(HTTPStatus.OK if self._gate.is_open(catalogue) else HTTPStatus.SERVICE_UNAVAILABLE)
        text = request.query.get("arch") or listed_arch(Arch.X86_64)
        try:
            image_type = ImageType(request.query.get("type") or ImageType.FULL)
        except ValueError:
            return plain(HTTPStatus.BAD_REQUEST, "no ISO is of this type\n")
        answer = presence(catalogue, version, parsing.parse_arch(text), image_type)
        if answer.presence is Presence.READY:
            return plain(HTTPStatus.OK, "ready\n")
        return plain(HTTPStatus.SERVICE_UNAVAILABLE, f"{version} {text} {image_type.value}: {answer.reason}\n", nosniff=True)

    async def live(self, _: web.Request) -> web.Response:
        """``/live``: the process answers."""
        return plain(HTTPStatus.OK)

    async def metrics(self, _: web.Request) -> web.Response:
        """``/metrics``."""
        return web.Response(body=self._metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


class AliasHandlers:
    """``/v1/aliases``."""

    def __init__(self, aliases: Aliases, base_url: str) -> None:
        """Make ``aliases``; their URLs begin with ``base_url``, or with what the client reached the service by."""
        self._aliases = aliases
        self._base_url = base_url

    async def make(self, request: web.Request) -> web.Response:
        """Make an alias of a URL of this service: ``{"url": …}``, and ``"life_s"`` where it is not to be a day."""
        try:
            document = parse_json(await request.read(), subject="the request", limit_bytes=4 * LONGEST_TARGET)
        except (InputError, web.HTTPRequestEntityTooLarge):
            document = None
        match document:
            case {"url": str(url), **more} if len(url) <= LONGEST_TARGET:
                life_s = more.get("life_s", DEFAULT_LIFE_S)
            case _:
                return _wrong("send a JSON object with the url of an ISO of this service")
        if not isinstance(life_s, int) or isinstance(life_s, bool) or life_s < 1:
            return _wrong("life_s is a number of seconds")
        try:
            is_alias = isinstance(target_of_url(url), AliasAsk)
        except (Refused, ValueError):
            is_alias = True
        if is_alias:
            return _wrong("the url is that of no ISO of this service")
        base = self._base_url or _reached_by(request)
        if not base:
            return _wrong("the header Host names no host by which the service could be reached")
        try:
            alias = await self._aliases.make(url, life_s)
        except PenstockError as error:
            _log.error("an alias was not made", error=error.message, subject=error.subject or None, hint=error.hint or None)
            return _wrong(error.message, HTTPStatus.SERVICE_UNAVAILABLE)
        expires = datetime.fromtimestamp(alias.expires_s, tz=UTC).isoformat().replace("+00:00", "Z")
        answer = {"alias": alias.name, "url": f"{base}/a/{alias.name}.iso", "expires": expires}
        return web.Response(
            status=HTTPStatus.CREATED, text=json.dumps(answer), content_type="application/json", headers={"Cache-Control": "no-store"}
        )


def _wrong(message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> web.Response:
    return web.Response(status=status, text=json.dumps({"error": message}), content_type="application/json")


def _reached_by(request: web.Request) -> str:
    """The scheme and host that the client wrote, or ``""`` where they make no URL."""
    return f"{request.scheme}://{request.host}" if _HOST.fullmatch(request.host) else ""


def _authorization(request: web.Request) -> str:
    return request.headers.get("Authorization", "")


def _begins(request: web.Request) -> bool:
    return begins(request.headers.get("Range", ""))


def _seen(request: web.Request) -> str:
    """The ETag of what the client has the beginning of."""
    tag = request.headers.get("If-Range", "").strip()
    return tag if tag.startswith('"') else ""
