"""A route under ``/_simulator`` beside those of every simulator: ``PUT /_simulator/mappings`` takes a list of entities to be served."""

from collections.abc import Callable

from aiohttp import web

from penstock.formats.jsontext import parse_json
from penstock.model.errors import InputError
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import FaultPlan
from penstock.simulators.cloud.journal import Request
from penstock.simulators.cloud.operations import json_answer
from penstock.simulators.cloud.steering import STEERING, Steering
from penstock.simulators.starmap.stock import StarmapStock


class StarmapSteering(Steering):
    """Answers what is asked under ``/_simulator/``."""

    def __init__(self, clock: SimulatorClock, faults: FaultPlan, log: list[Request], change: Callable[[StarmapStock], None]) -> None:
        super().__init__(clock, faults, log)
        self._change = change

    def answer(self, method: str, path: str, body: bytes) -> web.Response:
        """See the module; everything else as every simulator answers it."""
        if (method, path.removeprefix(STEERING)) != ("PUT", "mappings"):
            return super().answer(method, path, body)
        try:
            self._change(StarmapStock.of(parse_json(body, subject="body"), subject="body"))
        except InputError as error:
            return json_answer({"error": str(error)}, status=400)
        return web.Response(status=204)
