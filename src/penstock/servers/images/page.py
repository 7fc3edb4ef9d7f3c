"""The page at ``/``: which images there are, and a form that makes an ISO of a pasted Ignition config.

Rendered by the server; it needs no script and loads nothing from elsewhere.  All links are relative, so that it works behind a proxy that
puts a path in front.  The form is there only where configs can be stored, see :class:`PageOptions`.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from penstock.imageservice.asks import Artifact, IsoAsk
from penstock.imageservice.catalogue import ReadyImage, Stage, Status
from penstock.imageservice.ignition import Embedded, check_config, embed
from penstock.imageservice.refusals import Refused
from penstock.model.arch import Arch
from penstock.model.errors import InputError, PenstockError
from penstock.model.osimage import ImageType, listed_arch
from penstock.servers.images.answers import Snapshots

StoreConfig = Callable[[str, bytes], Awaitable[None]]
"""Keeps the Ignition config (second) of a host (first, a UUID), so that the backend gives it."""

CONFIG_LIMIT_BYTES: Final = 1 << 20
_FORM_LIMIT_BYTES: Final = 3 * CONFIG_LIMIT_BYTES + 4096
"""In a form most characters of JSON take three bytes."""

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_TYPES: Final = {
    ImageType.FULL: ("full.iso", "full: all on the ISO"),
    ImageType.MINIMAL: ("minimal.iso", "minimal: the root file system comes over the network"),
    ImageType.DISCONNECTED: ("disconnected.iso", "disconnected: with a registry on the ISO"),
}


@dataclass(frozen=True, slots=True)
class PageOptions:
    """What the page offers.

    Attributes:
        store: keeps a pasted config; None where nothing can be stored (assisted-service has its own configs), which leaves the form out.
        points_to_config: whether a config may be larger than the area in the ISO, because a base URL is known for a pointer to it.
        new_host: makes the UUID of a pasted config.
    """

    store: StoreConfig | None = None
    points_to_config: bool = False
    new_host: Callable[[], uuid.UUID] = uuid.uuid4


@dataclass(frozen=True, slots=True)
class _Link:
    href: str
    name: str


@dataclass(frozen=True, slots=True)
class _Choice:
    value: str
    name: str


@dataclass(frozen=True, slots=True)
class _Row:
    openshift_version: str
    version: str
    arch: str
    type: str
    stage: str
    progress: str = ""
    reason: str = ""
    size: str = ""
    artifacts: tuple[_Link, ...] = ()


@dataclass(frozen=True, slots=True)
class _Form:
    """The form as it is shown; the errors stand by their fields."""

    images: tuple[_Choice, ...] = ()
    types: tuple[_Choice, ...] = ()
    config: str = field(default="", repr=False)
    image: str = ""
    type: str = ImageType.FULL.value
    error: str = ""
    config_error: str = ""
    image_error: str = ""
    type_error: str = ""


@dataclass(frozen=True, slots=True)
class _Made:
    host: str
    image: str
    type: str
    href: str
    file_name: str
    size: str
    provenance_href: str


class _Wrong(Exception):
    """A form that is shown again, with what is wrong."""

    def __init__(self, form: _Form, status: int = HTTPStatus.UNPROCESSABLE_ENTITY) -> None:
        super().__init__(status)
        self.form = form
        self.status = status


class Page:
    """The routes of the page."""

    def __init__(self, service: Snapshots, options: PageOptions) -> None:
        self._service = service
        self._options = options
        environment = Environment(loader=PackageLoader("penstock.servers.images"), autoescape=True, undefined=StrictUndefined)
        self._template = environment.get_template("index.html")
        self._style = environment.get_template("page.css").render()

    def routes(self) -> list[web.RouteDef]:
        """``/`` and its style sheet; the form's POST where there is one."""
        found = [web.get("/", self._show), web.get("/page.css", self._css)]
        if self._options.store is not None:
            found.append(web.post("/", self._make))
        return found

    async def _css(self, _: web.Request) -> web.Response:
        headers = {"Cache-Control": "max-age=3600", "X-Content-Type-Options": "nosniff"}
        return web.Response(text=self._style, content_type="text/css", charset="utf-8", headers=headers)

    async def _show(self, request: web.Request) -> web.Response:
        made = await self._made(request) if request.query.get("host") and self._options.store is not None else None
        return self._page(_Form(), made=made)

    async def _make(self, request: web.Request) -> web.Response:
        if not is_same_origin(request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin"), request.host):
            return web.Response(status=HTTPStatus.FORBIDDEN, text="this form is taken from the page of this service alone\n")
        try:
            ask, config = await self._read(await _form_fields(request))
            await self._store(ask, config)
        except _Wrong as wrong:
            return self._page(wrong.form, status=wrong.status)
        query = {"host": ask.host, "version": ask.version, "arch": listed_arch(ask.arch) if ask.arch else "", "type": ask.type.value}
        # A redirect, so that loading the page again makes no second host.
        return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": f"?{urlencode(query)}", "Cache-Control": "no-store"})

    async def _read(self, fields: dict[str, str]) -> tuple[IsoAsk, bytes]:
        """What the form asks for.

        Raises:
            _Wrong: it is shown again.
        """
        form = _Form(config=fields.get("config", ""), image=fields.get("image", ""), type=fields.get("type", ""))
        version, _, arch_text = form.image.rpartition("/")
        arch = _arch(arch_text)
        if not any(_value(ready) == form.image for ready in self._service.catalogue.ready):
            raise _Wrong(_with(form, image_error="this image is not there any more: choose another one"))
        if form.type not in list(ImageType):
            raise _Wrong(_with(form, type=ImageType.FULL.value, type_error="choose one of these"))
        kind = ImageType(form.type)
        ready = self._service.catalogue.find(version, arch, kind)
        if ready is None:
            raise _Wrong(_with(form, type_error="there is no ISO of this type of the image: choose another type or image"))
        if kind is ImageType.MINIMAL and ready.prepared.minimal is None:
            why = ready.prepared.why_no_minimal or "it is being made; try again in a few seconds"
            raise _Wrong(_with(form, type_error=f"there is no minimal ISO of the image: {why}"))
        config = form.config.strip().encode()
        if len(config) > CONFIG_LIMIT_BYTES:
            raise _Wrong(_with(form, config_error=f"the config has {len(config)} bytes, and {CONFIG_LIMIT_BYTES} at most are taken"))
        try:
            await asyncio.to_thread(check_config, config, subject="")
            if not self._options.points_to_config:
                await asyncio.to_thread(embed, ready.prepared.full.ignition, Embedded.of(config))
        except InputError as error:
            raise _Wrong(_with(form, config_error=_told(error))) from None
        return IsoAsk(str(self._options.new_host()), version, arch, kind), config

    async def _store(self, ask: IsoAsk, config: bytes) -> None:
        """Keep the config, and see that an ISO can be made of it.

        Raises:
            _Wrong: it is shown again.
        """
        assert self._options.store is not None  # else there is no route here
        arch = listed_arch(ask.arch) if ask.arch else ""
        form = _Form(config=config.decode(), image=f"{ask.version}/{arch}", type=ask.type.value)
        try:
            await self._options.store(ask.host, config)
            await self._service.iso(ask, from_start=True)
        except PenstockError as error:
            raise _Wrong(_with(form, error=f"the config was not stored: {error.message}"), HTTPStatus.SERVICE_UNAVAILABLE) from None
        except Refused as refused:
            said = refused.body.strip() or f"the image service refused with status {refused.status}"
            raise _Wrong(_with(form, error=f"no ISO can be made of it: {said}"), refused.status) from None

    async def _made(self, request: web.Request) -> _Made | None:
        """What the form made, as the address of the page tells; None where the address tells nothing that is there."""
        host, version, arch_text, kind_text = (request.query.get(name, "") for name in ("host", "version", "arch", "type"))
        if not _is_uuid(host) or kind_text not in list(ImageType):
            return None
        kind = ImageType(kind_text)
        try:
            snapshot = await self._service.iso(IsoAsk(host, version, _arch(arch_text), kind), from_start=False)
        except Refused:
            return None
        place = {"version": version, "arch": arch_text, "type": kind.value}
        return _Made(
            host=host,
            image=f"{version} for {arch_text}",
            type=kind.value,
            href=f"byid/{host}/{quote(version, safe='')}/{quote(arch_text, safe='')}/{_TYPES[kind][0]}",
            file_name=snapshot.file_name,
            size=_size(snapshot.plan.size_bytes),
            provenance_href=f"v1/provenance/{host}?{urlencode(place)}",
        )

    def _page(self, form: _Form, *, made: _Made | None = None, status: int = HTTPStatus.OK) -> web.Response:
        catalogue = self._service.catalogue
        shown = None
        if self._options.store is not None:
            images = dict.fromkeys(_Choice(_value(ready), _called(ready)) for ready in catalogue.ready)
            shown = _with(form, images=tuple(images), types=tuple(_types(catalogue.ready)))
        text = self._template.render(rows=[row for status_ in catalogue.statuses for row in _rows(status_)], form=shown, made=made)
        return web.Response(text=text, content_type="text/html", charset="utf-8", headers=_HEADERS, status=status)


def is_same_origin(fetch_site: str | None, origin: str | None, host: str) -> bool:
    """Whether a form was sent by a page of this service, or by no page at all (the address bar, a program).

    Args:
        fetch_site: ``Sec-Fetch-Site``, which browsers send and pages cannot set; it counts where it is there.
        origin: ``Origin``, for browsers without it.
        host: ``Host``.
    """
    if fetch_site is not None:
        return fetch_site in ("same-origin", "none")
    return origin is None or urlsplit(origin).netloc.lower() == host.lower()


async def _form_fields(request: web.Request) -> dict[str, str]:
    """The fields of the form.

    Raises:
        _Wrong: there is more than a form can hold, or it is none.
    """
    if request.content_type != "application/x-www-form-urlencoded":
        raise _Wrong(_Form(error="this is no form of this page"), HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    body = bytearray()
    async for chunk in request.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > _FORM_LIMIT_BYTES:
            raise _Wrong(_Form(config_error="the config is too large"), HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        # In a thread, as all that reads a config: a large one takes a second, which every download would wait for.
        return await asyncio.to_thread(_fields_of, bytes(body))
    except ValueError:
        raise _Wrong(_Form(error="the form is damaged, or is not in UTF-8"), HTTPStatus.BAD_REQUEST) from None


def _fields_of(body: bytes) -> dict[str, str]:
    found = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=16, errors="strict")
    return {name: values[0] for name, values in found.items()}


def _rows(status: Status) -> Iterable[_Row]:
    wanted = status.wanted
    progress = ""
    if status.stage is Stage.BRINGING:
        progress = f"{_size(status.done_bytes)} of {_size(status.total_bytes)}" if status.total_bytes else _size(status.done_bytes)
    if not status.ready:
        yield _Row(
            wanted.openshift_version,
            wanted.version or "",
            listed_arch(wanted.arch),
            wanted.type.value,
            status.stage.value,
            progress,
            status.reason,
        )
    for ready in status.ready:
        record = ready.stored.record
        yield _Row(
            record.openshift_version,
            record.version,
            listed_arch(record.arch),
            record.type.value,
            status.stage.value,
            progress,
            status.reason,
            _size(ready.stored.size_bytes),
            tuple(_artifacts(ready)),
        )


def _artifacts(ready: ReadyImage) -> Iterable[_Link]:
    record, boot = ready.stored.record, ready.prepared.boot
    if record.type is not ImageType.FULL:
        return
    query = urlencode({"arch": listed_arch(record.arch), "version": record.version})
    there = ((Artifact.KERNEL, boot.kernel), (Artifact.ROOTFS, boot.rootfs), (Artifact.INS_FILE, boot.ins_file))
    yield from (_Link(f"boot-artifacts/{name.value}?{query}", name.value) for name, plan in there if plan is not None)


def _types(images: Iterable[ReadyImage]) -> Iterable[_Choice]:
    here = {image.stored.record.type for image in images}
    if ImageType.FULL in here:
        here.add(ImageType.MINIMAL)
    yield from (_Choice(kind.value, name) for kind, (_, name) in _TYPES.items() if kind in here)


def _value(ready: ReadyImage) -> str:
    return f"{ready.stored.record.version}/{listed_arch(ready.stored.record.arch)}"


def _called(ready: ReadyImage) -> str:
    record = ready.stored.record
    return f"OpenShift {record.openshift_version}, {listed_arch(record.arch)}, CoreOS {record.version}"


def _with(form: _Form, **changes: object) -> _Form:
    return replace(form, **changes)  # type: ignore[arg-type]


def _told(error: PenstockError) -> str:
    return f"{error.message}; {error.hint}" if error.hint else error.message


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _arch(text: str) -> Arch | None:
    try:
        return Arch.parse(text)
    except InputError:
        return None


def _size(size_bytes: float) -> str:
    value, units = float(size_bytes), iter(("KiB", "MiB", "GiB", "TiB"))
    unit = "B"
    while value >= 1024:
        value, unit = value / 1024, next(units)
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
