"""The access log: what was asked for and what became of it, and never how it was written in the URL, where secrets are."""

import logging
import time
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web

from penstock.imageservice.asks import ArtifactAsk, InitrdAsk, IsoAsk
from penstock.imageservice.overlay import Source
from penstock.imageservice.snapshot import Snapshot
from penstock.model.osimage import listed_arch

_QUIET: Final = frozenset({"/health", "/live", "/metrics"})
_PIECE_BYTES: Final = 64 << 10
"""A part of a file up to here is one of the thousands that a BMC asks for: they are told to who debugs, and not one by one to everybody."""
_LOGGER: Final = logging.getLogger("penstock.servers.images.access")
_log = structlog.get_logger(_LOGGER.name)


class Transfer(StrEnum):
    """How an answer ended."""

    WHOLE = "whole"
    CLIENT_LEFT = "client left"
    CUT = "cut"


@dataclass(slots=True)
class Note:
    """What is known of a request, for the log and the metrics.

    Attributes:
        host: the infra-env, or ``""``.
        version: that was asked for, or ``""``.
        arch: that was asked for, or ``""``.
        status: of an answer that is being sent, or 0.
        sent_bytes: of the body.
        ending: of the answer.
        repeats: what a small range was sent of, and of which local file: others of that file can be sent without asking anybody.
    """

    host: str = ""
    version: str = ""
    arch: str = ""
    status: int = 0
    sent_bytes: int = 0
    ending: Transfer = Transfer.WHOLE
    repeats: tuple[Snapshot, Source] | None = None
    _began_s: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Since the request came."""
        return time.monotonic() - self._began_s

    def asks(self, ask: IsoAsk | InitrdAsk | ArtifactAsk) -> None:
        """Write down what is asked for."""
        if not isinstance(ask, ArtifactAsk):
            self.host = ask.host
        self.version = ask.version
        self.arch = listed_arch(ask.arch) if ask.arch is not None else ""


_NOTE: Final = web.RequestKey("penstock.note", Note)


def note_of(request: web.Request) -> Note:
    """The note of a request."""
    try:
        return request[_NOTE]
    except KeyError:
        request[_NOTE] = note = Note()
        return note


def is_each_piece_told() -> bool:
    """Whether somebody debugs, who is told of every small part of a file."""
    return _LOGGER.isEnabledFor(logging.DEBUG)


def write_down(request: web.Request) -> None:
    """Log a request that ended."""
    note = note_of(request)
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else ""
    is_piece = note.status == HTTPStatus.PARTIAL_CONTENT and note.sent_bytes <= _PIECE_BYTES
    is_quiet = is_piece or route in _QUIET
    # Asked first: to put a line together that nobody hears costs as much as a tenth of the answer to a BMC.
    if is_quiet and not is_each_piece_told():
        return
    log = _log.debug if is_quiet else _log.info
    told = {
        "route": route,
        "method": request.method,
        "host": note.host,
        "version": note.version,
        "arch": note.arch,
        "status": note.status,
        "bytes": note.sent_bytes,
        "seconds": round(note.seconds, 3),
        "ending": "" if note.ending is Transfer.WHOLE else note.ending.value,
    }
    log("request", **{name: value for name, value in told.items() if value not in {"", 0} or name in {"bytes", "seconds"}})
