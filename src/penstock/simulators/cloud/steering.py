"""The routes under ``/_simulator``, by which a rehearsal moves the clock, reads the request log and lets things go wrong.

=========================  ==========================================================================================
``GET /_simulator/clock``    ``{"now": "2026-05-20T12:00:00Z"}``
``POST /_simulator/clock``   ``{"now": "…"}`` makes the clock stand there, ``{"advance_s": 86400}`` moves it
``GET /_simulator/requests`` ``{"requests": [{"method", "path", "query", "at", "api", "authorization"}, …]}``
``DELETE …/requests``        forgets them
``GET /_simulator/faults``   ``{"faults": ["status=503,times=2@/versions", …]}``
``POST /_simulator/faults``  the same document; the faults are added
``DELETE …/faults``          lets everything go right from now on
=========================  ==========================================================================================

No credentials are asked for, and these requests are not in the log.
"""

import json

from aiohttp import web

from penstock.model.errors import InputError
from penstock.simulators.cloud.clock import SimulatorClock, moment_text, parse_moment
from penstock.simulators.cloud.faults import Fault, FaultPlan
from penstock.simulators.cloud.journal import Request
from penstock.simulators.cloud.operations import json_answer

STEERING = "/_simulator/"


class Steering:
    """Answers what is asked under :data:`STEERING`."""

    def __init__(self, clock: SimulatorClock, faults: FaultPlan, log: list[Request]) -> None:
        self._clock = clock
        self._faults = faults
        self._log = log

    def answer(self, method: str, path: str, body: bytes) -> web.Response:
        """The answer; 400 and 404 with ``{"error": …}`` where it is none of the above."""
        try:
            match method, path.removeprefix(STEERING):
                case "GET", "clock":
                    pass
                case "POST", "clock":
                    self._move(_object(body))
                case (("GET" | "DELETE"), "requests"):
                    return self._requests(forget=method == "DELETE")
                case (("GET" | "POST" | "DELETE"), "faults"):
                    return self._plan(method, body)
                case _:
                    return json_answer({"error": f"{method} {path} is not served; see the documentation of the simulator"}, status=404)
        except InputError as error:
            return json_answer({"error": str(error)}, status=400)
        return json_answer({"now": moment_text(self._clock.now)})

    def _move(self, document: dict[str, object]) -> None:
        match document:
            case {"now": str(text), **rest} if not rest:
                self._clock.now = parse_moment(text, subject="now")
            case {"advance_s": int() | float() as seconds, **rest} if not rest:
                self._clock.advance(seconds)
            case _:
                raise InputError('write {"now": "2026-05-20T12:00:00Z"} or {"advance_s": 86400}', subject="clock")

    def _requests(self, *, forget: bool) -> web.Response:
        told = [request.document() for request in list(self._log)]
        if forget:
            self._log.clear()
        return json_answer({"requests": told})

    def _plan(self, method: str, body: bytes) -> web.Response:
        if method == "POST":
            texts = _object(body).get("faults")
            if not isinstance(texts, list):
                raise InputError('write {"faults": ["status=503,times=2@/versions"]}', subject="faults")
            self._faults.add(*[Fault.parse(str(text)) for text in texts])
        if method == "DELETE":
            self._faults.clear()
        return json_answer({"faults": [str(fault) for fault in self._faults]})


def _object(body: bytes) -> dict[str, object]:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise InputError(f"the body is not JSON: {error}", subject="body") from error
    if not isinstance(document, dict):
        raise InputError("the body is not a JSON object", subject="body")
    return document
