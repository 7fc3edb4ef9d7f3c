"""``GET /v1/provenance/{id}``: where the bytes of a served ISO come from, see :mod:`penstock.imageservice.provenance`.

``id`` is the UUID of a host, with the query of ``/images/{id}`` (``version``, ``arch``, ``type``) and the credentials of the image routes:
the ISO is made, or the one that is being read is taken.  Or it is the hash in the ETag of an ISO that was served, 64 hex digits, which
nobody knows who has not had the ISO.
"""

import re
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from penstock.imageservice.asks import IsoAsk
from penstock.imageservice.catalogue import ReadyImage
from penstock.imageservice.parsing import HOST_PATTERN, credentials_of, long_iso
from penstock.imageservice.provenance import UNKNOWN, Outsides, Served, etag_hash, provenance_document, served_of
from penstock.imageservice.refusals import Refused
from penstock.imageservice.service import Recorder
from penstock.imageservice.snapshot import Snapshot
from penstock.servers.images.admin import error_response
from penstock.servers.images.answers import Snapshots

KEPT_DOCUMENTS: Final = 4096
"""How many served ISOs are remembered; a document has one to two KiB."""

_HOST: Final = re.compile(HOST_PATTERN)
_HASH: Final = re.compile(r"[0-9a-f]{64}")


class ServedDocuments:
    """The provenance of ISOs that were served lately, by the hash in their ETag; for one event loop."""

    def __init__(self, outsides: Callable[[ReadyImage], Outsides] = lambda _: UNKNOWN, *, limit: int = KEPT_DOCUMENTS) -> None:
        """Nothing is known yet.

        Args:
            outsides: what is known of an image's bases.
            limit: how many are kept; the one that was served longest ago is forgotten first.
        """
        self._outsides = outsides
        self._limit = limit
        self._documents: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def add(self, served: Served) -> dict[str, Any]:
        """Keep the document of an ISO; the document."""
        document = provenance_document(served, self._outsides(served.image))
        key = etag_hash(served.snapshot.etag)
        self._documents[key] = document
        self._documents.move_to_end(key)
        while len(self._documents) > self._limit:
            self._documents.popitem(last=False)
        return document

    def before(self, recorder: Recorder | None) -> Recorder:
        """A recorder for the service, which keeps the document of every ISO, and then calls ``recorder``.

        Afterwards the document is made again: by then the base may have been read.
        """

        async def record(ask: IsoAsk, image: ReadyImage, snapshot: Snapshot) -> None:
            served = Served(ask.host, ask.type, image, snapshot)
            self.add(served)
            if recorder is not None:
                await recorder(ask, image, snapshot)
                self.add(served)

        return record

    def find(self, key: str) -> dict[str, Any] | None:
        """The document of this hash, or None."""
        return self._documents.get(key)


class ProvenanceRoutes:
    """The route."""

    def __init__(self, service: Snapshots, documents: ServedDocuments) -> None:
        self._service = service
        self._documents = documents

    def routes(self) -> list[web.RouteDef]:
        """The route."""
        return [web.get("/v1/provenance/{id}", self._show)]

    async def _show(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if _HASH.fullmatch(name):
            found = self._documents.find(name)
            if found is None:
                return error_response(HTTPStatus.NOT_FOUND, "no ISO with this ETag was served lately", "ask by the host's UUID")
            return _answer(found)
        if _HOST.fullmatch(name) is None:
            return error_response(HTTPStatus.NOT_FOUND, "this is neither the UUID of a host nor the hash in an ETag")
        try:
            ask = long_iso(name, request.query, credentials_of(request.query, request.headers.get("Authorization", "")))
            snapshot = await self._service.iso(ask, from_start=False)
        except Refused as refused:
            message = refused.body.strip() or HTTPStatus(refused.status).phrase.lower()
            return error_response(refused.status, message)
        served = served_of(self._service.catalogue, ask, snapshot)
        if served is None:
            return error_response(HTTPStatus.NOT_FOUND, "the image of this ISO is not served any more")
        return _answer(self._documents.add(served))


def _answer(document: dict[str, Any]) -> web.Response:
    return web.json_response(document, headers={"Cache-Control": "no-store"})
