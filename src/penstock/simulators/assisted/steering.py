"""Routes under ``/_simulator`` beside those of every simulator: a program's infra-envs are changed here, and its tokens are given out.

====================================  =====================================================================================
``PUT /_simulator/infra-envs/UUID``     ``{"ignition": "…", "ramdisk": "BASE64", "kernel_arguments": ["console=ttyS0"]}``; the last two
                                        may be missing
``DELETE /_simulator/infra-envs/UUID``  forgets it
``GET /_simulator/tokens/UUID``         ``{"token": "…"}``; ``…/UUID/sub`` names the infra-env in that claim
====================================  =====================================================================================
"""

import base64
import json

from aiohttp import web

from penstock.model.errors import InputError
from penstock.simulators.assisted.infraenvs import InfraEnv, kernel_arguments_text
from penstock.simulators.assisted.tokens import CLAIM_LOCAL, CLAIM_SAAS, HostTokens
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import FaultPlan
from penstock.simulators.cloud.journal import Request
from penstock.simulators.cloud.operations import json_answer
from penstock.simulators.cloud.steering import STEERING, Steering


class AssistedSteering(Steering):
    """Answers what is asked under ``/_simulator/``."""

    def __init__(
        self, clock: SimulatorClock, faults: FaultPlan, log: list[Request], infra_envs: dict[str, InfraEnv], tokens: HostTokens
    ) -> None:
        super().__init__(clock, faults, log)
        self._now = clock
        self._infra_envs = infra_envs
        self._tokens = tokens

    def answer(self, method: str, path: str, body: bytes) -> web.Response:
        """See the module; everything else as every simulator answers it."""
        match method, path.removeprefix(STEERING).split("/"):
            case "PUT", ["infra-envs", host]:
                try:
                    self._infra_envs[host] = self._read(body)
                except InputError as error:
                    return json_answer({"error": str(error)}, status=400)
                return web.Response(status=204)
            case "DELETE", ["infra-envs", host]:
                self._infra_envs.pop(host, None)
                return web.Response(status=204)
            case "GET", ["tokens", host, *claim] if claim in ([], [CLAIM_SAAS], [CLAIM_LOCAL]):
                return json_answer({"token": self._tokens.make(host, *claim)})
            case _:
                return super().answer(method, path, body)

    def _read(self, body: bytes) -> InfraEnv:
        try:
            match json.loads(body):
                case {"ignition": str(ignition), **rest} if rest.keys() <= {"ramdisk", "kernel_arguments"}:
                    return InfraEnv(
                        ignition.encode(), _archive(rest.get("ramdisk")), _arguments(rest.get("kernel_arguments")), self._now.now
                    )
        except (ValueError, TypeError) as error:
            raise InputError(f"the body cannot be read: {error}", subject="infra-env") from None
        raise InputError('write {"ignition": "…", "ramdisk": "BASE64", "kernel_arguments": ["…"]}', subject="infra-env")


def _archive(value: object) -> bytes | None:
    if value is None or isinstance(value, str):
        return None if value is None else base64.b64decode(value, validate=True)
    raise TypeError("ramdisk is no text")


def _arguments(value: object) -> str | None:
    if value is None or isinstance(value, list):
        return None if value is None else kernel_arguments_text(str(one) for one in value)
    raise TypeError("kernel_arguments is no list")
