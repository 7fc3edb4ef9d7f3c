"""assisted-service as a running server."""

import re
import ssl
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus

from aiohttp import web

from penstock.model.hosts import CredentialKind
from penstock.simulators.assisted.infraenvs import InfraEnv
from penstock.simulators.assisted.steering import AssistedSteering
from penstock.simulators.assisted.tokens import CLAIM_LOCAL, HostTokens
from penstock.simulators.cloud.catalogue import Catalogue
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import Fault
from penstock.simulators.cloud.journal import Request, without_secrets, write_down
from penstock.simulators.cloud.operations import Call, Operation, Refusal, json_answer
from penstock.simulators.cloud.server import CloudSimulator
from penstock.simulators.cloud.tokens import bearer_of
from penstock.simulators.thread import threaded

_INFRA_ENV = "/api/assisted-install/v2/infra-envs/{infra_env}"
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FILE_NAMES = ("discovery.ign",)
_ISO_TYPES = ("full-iso", "minimal-iso", "disconnected-iso")
_REQUIRED = 602
_BAD_FORMAT = 601
_NO_CHOICE = 606
"""Codes of go-openapi's validation, which assisted-service passes on."""


class AssistedSimulator(CloudSimulator):
    """assisted-service's answers to an image service.

    Args:
        infra_envs: what there is, by UUID.
        auth: the ways to show a token of which one must be used; none for everybody may ask (``AUTH_TYPE=none``).
        now: the clock stands there; None is the real time.
        faults: what goes wrong from the start.
        host: the address to listen on.
        port: 0 is any free one.
        tls: with it the simulator speaks HTTPS.

    Attributes:
        infra_envs: see above; may be changed while it runs.
        auth: see above; may be changed while it runs.
    """

    def __init__(
        self,
        infra_envs: Mapping[str, InfraEnv] | None = None,
        *,
        auth: Collection[CredentialKind] = (),
        now: datetime | None = None,
        faults: Iterable[Fault] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.infra_envs = dict(infra_envs or {})
        self.auth = frozenset(auth) - {CredentialKind.NONE}
        clock = SimulatorClock(now)
        self._tokens = HostTokens(clock)
        super().__init__(clock=clock, faults=faults, host=host, port=port, tls=tls)
        self._steering = AssistedSteering(self.clock, self.faults, self.requests, self.infra_envs, self._tokens)

    def make_token(self, host: str, claim: str = CLAIM_LOCAL, *, lifetime_s: int | None = None) -> str:
        """A token that is good for ``host`` alone, in each of the three ways; shown in ``Authorization`` it follows ``Bearer``.

        Args:
            host: the infra-env.
            claim: which names it, ``infra_env_id`` or ``sub``.
            lifetime_s: it ends by the simulator's clock, or never.
        """
        return self._tokens.make(host, claim, lifetime_s=lifetime_s)

    def _stock(self, catalogue: Catalogue) -> None:
        """Nothing is for sale."""

    def _operations(self) -> Iterable[Operation]:
        yield Operation("GET", _INFRA_ENV, "assisted.infra-env", self._show)
        yield Operation("GET", f"{_INFRA_ENV}/downloads/files", "assisted.files", self._give_file)
        yield Operation("GET", f"{_INFRA_ENV}/downloads/minimal-initrd", "assisted.minimal-initrd", self._give_ramdisk)

    def _check(self, call: Call) -> None:
        if not self.auth:
            return
        shown = _shown(call.request)
        token = next((value for kind, value in shown.items() if kind in self.auth), None)
        host = None if token is None else self._tokens.host_of(token)
        if host is None:
            raise Refusal(HTTPStatus.UNAUTHORIZED, "401", "unauthenticated for invalid credentials")
        if host != call.path["infra_env"]:
            raise Refusal(HTTPStatus.FORBIDDEN, "403", "access denied: the token is for another infra-env")

    def _refuse(self, refusal: Refusal) -> web.Response:
        """assisted-service has two documents: ``infra_error`` for who may ask and how, ``error`` for the rest."""
        if refusal.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY):
            document: dict[str, object] = {"code": int(refusal.code), "message": refusal.message}
        else:
            document = {
                "code": refusal.code,
                "href": "",
                "id": int(refusal.status),
                "kind": "Error",
                "reason": refusal.message,
            }
        return json_answer(document, status=refusal.status, headers=refusal.headers)

    def _fault(self, status: int) -> Refusal:
        return Refusal(status, str(status), "a fault that was asked for")

    def _write_down(self, request: web.Request, form: Mapping[str, str], api: str) -> None:  # noqa: ARG002  # of the base; there are no forms
        scheme = request.headers.get("Authorization", "").partition(" ")[0].lower()
        token = CredentialKind.IMAGE_TOKEN.value if "Image-Token" in request.headers else ""
        told = Request(request.method, request.path, without_secrets(request.query), self.clock.now, api, scheme, token)
        write_down(self.requests, told)

    def _show(self, call: Call) -> web.Response:
        return json_answer(self._found(call).document(call.path["infra_env"]))

    def _give_file(self, call: Call) -> web.Response:
        infra_env = self._found(call)
        name = call.query.get("file_name")
        if name is None:
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, str(_REQUIRED), "file_name in query is required")
        _must_be_one_of("file_name", name, _FILE_NAMES)
        _must_be_one_of("discovery_iso_type", call.query.get("discovery_iso_type", _ISO_TYPES[0]), _ISO_TYPES)
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        if infra_env.changed_at is not None:
            headers["Last-Modified"] = format_datetime(infra_env.changed_at, usegmt=True)
        return web.Response(body=infra_env.ignition, headers=headers, content_type="application/octet-stream")

    def _give_ramdisk(self, call: Call) -> web.Response:
        ramdisk = self._found(call).ramdisk
        if ramdisk is None:
            return web.Response(status=HTTPStatus.NO_CONTENT)
        headers = {"Content-Disposition": 'attachment; filename="minimal-initrd"'}
        return web.Response(body=ramdisk, headers=headers, content_type="application/octet-stream")

    def _found(self, call: Call) -> InfraEnv:
        host = call.path["infra_env"]
        if _UUID.fullmatch(host) is None:
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, str(_BAD_FORMAT), f'infra_env_id in path must be of type uuid: "{host}"')
        if host not in self.infra_envs:
            raise Refusal(HTTPStatus.NOT_FOUND, "404", f"infra env {host} not found")
        return self.infra_envs[host]


def _shown(request: web.Request) -> dict[CredentialKind, str]:
    """The tokens of a request."""
    shown = {
        CredentialKind.API_KEY: request.query.get("api_key"),
        CredentialKind.IMAGE_TOKEN: request.headers.get("Image-Token"),
        CredentialKind.AUTHORIZATION: bearer_of(request.headers.get("Authorization")),
    }
    return {kind: value for kind, value in shown.items() if value}


def _must_be_one_of(key: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        message = f"{key} in query should be one of [{' '.join(choices)}]"
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, str(_NO_CHOICE), message)


AssistedThread = threaded(AssistedSimulator)
"""An :class:`AssistedSimulator` for synchronous code: it serves in a thread with an event loop of its own."""
