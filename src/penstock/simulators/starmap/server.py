"""StArMap as a running server."""

import ssl
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus

from aiohttp import web

from penstock.model.record import Tree
from penstock.model.starmap import StarmapCloud, StarmapWorkflow
from penstock.simulators.cloud.catalogue import Catalogue
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import Fault, without_some
from penstock.simulators.cloud.operations import Call, Operation, Refusal, json_answer
from penstock.simulators.cloud.server import CloudSimulator
from penstock.simulators.starmap.steering import StarmapSteering
from penstock.simulators.starmap.stock import Document, StarmapStock
from penstock.simulators.thread import threaded

_API = "/api/v2"
_MOST_PER_PAGE = 100
_NVR_PARTS = 3


class StarmapSimulator(CloudSimulator):
    """StArMap; nobody has to say who asks.

    Args:
        mappings: a list of entities as plain data; the format of ``--repo-file``, with patterns of versions.
        now: the clock stands there; None is the real time.
        faults: what goes wrong from the start.
        host: the address to listen on.
        port: 0 is any free one.
        tls: with it the simulator speaks HTTPS.

    Attributes:
        stock: what it has; another one may be assigned while it runs.

    Raises:
        DocumentFaults: the mappings are wrong.
    """

    def __init__(
        self,
        mappings: Tree = None,
        *,
        now: datetime | None = None,
        faults: Iterable[Fault] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.stock = StarmapStock.of([] if mappings is None else mappings, subject="mappings")
        super().__init__(clock=SimulatorClock(now), faults=faults, host=host, port=port, tls=tls)
        self._steering = StarmapSteering(self.clock, self.faults, self.requests, self._change)

    def _change(self, stock: StarmapStock) -> None:
        self.stock = stock

    def _stock(self, catalogue: Catalogue) -> None:
        """Nothing is for sale."""

    def _operations(self) -> Iterable[Operation]:
        yield Operation("GET", f"{_API}/query", "starmap.query", self._query)
        yield Operation("GET", f"{_API}/policy", "starmap.policies", self._policies)
        yield Operation("GET", f"{_API}/policy/{{id}}", "starmap.policy", lambda call: _one(call, self.stock.policies, "Policy"))
        yield Operation("GET", f"{_API}/mapping/{{id}}", "starmap.mapping", lambda call: _one(call, self.stock.mappings, "Mapping"))
        yield Operation(
            "GET", f"{_API}/destination/{{id}}", "starmap.destination", lambda call: _one(call, self.stock.destinations, "Destination")
        )

    def _check(self, call: Call) -> None:
        """Everybody may ask."""

    def _refuse(self, refusal: Refusal) -> web.Response:
        return json_answer({"code": refusal.status, "message": refusal.message}, status=refusal.status, headers=refusal.headers)

    def _fault(self, status: int) -> Refusal:
        return Refusal(status, str(status), "a fault that was asked for")

    def _query(self, call: Call) -> web.Response:
        name, version = _asked_for(call.query)
        workflow = _one_of(call.query, "workflow", list(StarmapWorkflow))
        cloud = _one_of(call.query, "cloud", list(StarmapCloud))
        found = self.stock.query(name, version=version, workflow=workflow, cloud=cloud)
        if not found:
            raise Refusal(HTTPStatus.NOT_FOUND, "404", f"there is no mapping for {name}")
        return json_answer(without_some(found, call.strikes))

    def _policies(self, call: Call) -> web.Response:
        page, per_page = _number(call.query, "page", 1), min(_number(call.query, "per_page", 20), _MOST_PER_PAGE)
        policies = list(self.stock.policies.values())
        pages = max(1, -(-len(policies) // per_page))
        if page > pages:
            raise Refusal(HTTPStatus.NOT_FOUND, "404", f"there are {pages} pages")

        def address(number: int) -> str:
            return f"{self.url}{_API}/policy?page={number}&per_page={per_page}"

        nav = {
            "first": address(1),
            "last": address(pages),
            "next": address(page + 1) if page < pages else None,
            "previous": address(page - 1) if page > 1 else None,
            "page": page,
            "per_page": per_page,
            "total": len(policies),
            "total_pages": pages,
        }
        shown = policies[(page - 1) * per_page : page * per_page]
        return json_answer({"items": without_some(shown, call.strikes), "nav": nav})


def _one(call: Call, known: Mapping[str, Document], kind: str) -> web.Response:
    document = known.get(call.path["id"])
    if document is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "404", f"{kind} {call.path['id']} not found")
    return json_answer(document)


def _asked_for(query: Mapping[str, str]) -> tuple[str, str | None]:
    """The build name and the version that a query is about: ``name`` and ``version``, or ``image``, a name-version-release."""
    image, name = query.get("image"), query.get("name")
    if (image is None) == (name is None):
        raise Refusal(HTTPStatus.BAD_REQUEST, "400", "a query has either name or image")
    if name is not None:
        return name, query.get("version")
    parts = (image or "").rsplit("-", _NVR_PARTS - 1)
    if len(parts) != _NVR_PARTS or not all(parts):
        raise Refusal(HTTPStatus.BAD_REQUEST, "400", f"{image} is no name-version-release")
    return parts[0], parts[1]


def _one_of(query: Mapping[str, str], key: str, choices: Sequence[str]) -> str | None:
    value = query.get(key)
    if value is not None and value not in choices:
        raise Refusal(HTTPStatus.BAD_REQUEST, "400", f"{key} is one of {', '.join(choices)}")
    return value


def _number(query: Mapping[str, str], key: str, default: int) -> int:
    text = query.get(key, str(default))
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise Refusal(HTTPStatus.BAD_REQUEST, "400", f"{key} is a whole number from 1 on")
    return int(text)


StarmapThread = threaded(StarmapSimulator)
"""A :class:`StarmapSimulator` for synchronous code: it serves in a thread with an event loop of its own."""
