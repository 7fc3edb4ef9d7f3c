"""RHSM as a running server: groups of images, regions, images."""

import json
import ssl
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from penstock.model.push.rhsm import RhsmProduct
from penstock.simulators.cloud.catalogue import Catalogue
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import Fault
from penstock.simulators.cloud.operations import Call, Operation, Refusal, json_answer
from penstock.simulators.cloud.server import CloudSimulator
from penstock.simulators.thread import threaded

_AMAZON: Final = "/v1/internal/cloud_access_providers/amazon"
_STATUSES: Final = frozenset({"VISIBLE", "INVISIBLE"})
_LONGEST_PAGE: Final = 1000
USUAL_PRODUCTS: Final = tuple(
    RhsmProduct(name + paid, provider)
    for provider in ("AWS", "AGOV", "ACN")
    for name in ("RHEL", "RHEL_HA", "SAP", "rhcos")
    for paid in ("", "_HOURLY")
)
"""Groups enough for a rehearsal."""


class RhsmSimulator(CloudSimulator):
    """RHSM as far as images in Amazon's cloud go.

    Args:
        products: the groups of images.
        now: the clock stands there; None is the real time.
        faults: what goes wrong from the start.
        host: the address to listen on.
        port: 0 is any free one.
        tls: with it the simulator speaks HTTPS; a context that demands a client's certificate turns away those without one.

    Attributes:
        products: see above; others may be assigned while it runs.
        regions: that were entered: (provider, region).
        images: that were entered, by their id: what was last said of them.
        banned: whether the client may do nothing (403).
    """

    def __init__(
        self,
        products: Iterable[RhsmProduct] = USUAL_PRODUCTS,
        *,
        now: datetime | None = None,
        faults: Iterable[Fault] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.products: Sequence[RhsmProduct] = tuple(products)
        self.regions: set[tuple[str, str]] = set()
        self.images: dict[str, Mapping[str, str]] = {}
        self.banned = False
        super().__init__(None, clock=SimulatorClock(now), faults=faults, host=host, port=port, tls=tls)

    def _stock(self, catalogue: Catalogue) -> None:
        """Nothing is for sale."""

    def _operations(self) -> Iterable[Operation]:
        yield Operation("GET", f"{_AMAZON}/provider_image_groups", "rhsm.products", self._list_products)
        yield Operation("POST", f"{_AMAZON}/regions", "rhsm.regions.create", self._enter_region)
        yield Operation("PUT", f"{_AMAZON}/amis", "rhsm.amis.update", self._change_image)
        yield Operation("POST", f"{_AMAZON}/amis", "rhsm.amis.create", self._enter_image)
        yield Operation("GET", f"{_AMAZON}/amis", "rhsm.amis.list", self._list_images)

    def _list_products(self, _call: Call) -> web.Response:
        return json_answer({"body": [{"name": each.name, "providerShortName": each.provider} for each in self.products]})

    def _enter_region(self, call: Call) -> web.Response:
        words = _words(call, "regionID", "providerShortname")
        if words["providerShortname"] not in {each.provider for each in self.products}:
            raise Refusal(400, "BadRequest", f"there is no provider {words['providerShortname']}")
        self.regions.add((words["providerShortname"], words["regionID"]))
        return json_answer({})

    def _change_image(self, call: Call) -> web.Response:
        words = self._image_of(call)
        known = self.images.get(words["amiID"])
        if known is None:
            raise Refusal(404, "NotFound", f"{words['amiID']} is not known")
        self.images[words["amiID"]] = {**known, **words}
        return json_answer({})

    def _enter_image(self, call: Call) -> web.Response:
        words = self._image_of(call, "region")
        if words["amiID"] in self.images:
            raise Refusal(409, "Conflict", f"{words['amiID']} is known already")
        if words["region"] not in {region for _, region in self.regions}:
            raise Refusal(400, "BadRequest", f"the region {words['region']} is not known")
        self.images[words["amiID"]] = words
        return json_answer({})

    def _list_images(self, call: Call) -> web.Response:
        try:
            limit, offset = int(call.query.get("limit", "100")), int(call.query.get("offset", "0"))
        except ValueError:
            raise Refusal(400, "BadRequest", "limit and offset are numbers") from None
        page = list(self.images)[max(0, offset) :][: max(0, min(limit, _LONGEST_PAGE))]
        return json_answer({"pagination": {"count": len(page)}, "body": [{"amiID": each} for each in page]})

    def _image_of(self, call: Call, *more: str) -> dict[str, str]:
        words = _words(call, "amiID", "arch", "product", "version", "variant", "description", "status", *more)
        if words["status"].upper() not in _STATUSES:
            raise Refusal(400, "BadRequest", f"{words['status']} is no status")
        if words["product"] not in {each.name for each in self.products}:
            raise Refusal(400, "BadRequest", f"there is no product {words['product']}")
        return words

    def _check(self, call: Call) -> None:  # noqa: ARG002  # who may speak is TLS's matter
        if self.banned:
            raise Refusal(403, "Forbidden", "the client's certificate may not do this")

    def _refuse(self, refusal: Refusal) -> web.Response:
        document = {"error": {"code": refusal.status, "message": f"{refusal.code}: {refusal.message}"}}
        return json_answer(document, status=refusal.status, headers=refusal.headers)

    def _fault(self, status: int) -> Refusal:
        return Refusal(status, "Unavailable", "A fault that was asked for.")


def _words(call: Call, *needed: str) -> dict[str, str]:
    """The texts of a JSON object, which has all that is needed and nothing else."""
    try:
        tree: Any = json.loads(call.body)
    except ValueError:
        raise Refusal(400, "BadRequest", "the body is not JSON") from None
    if not isinstance(tree, dict):
        raise Refusal(400, "BadRequest", "the body is no object")
    for name in needed:
        if not isinstance(tree.get(name), str) or not tree[name]:
            raise Refusal(400, "BadRequest", f"{name} is missing")
    return {name: tree[name] for name in needed}


RhsmThread = threaded(RhsmSimulator)
"""An :class:`RhsmSimulator` for synchronous code: it serves in a thread with an event loop of its own."""
