"""An API server as a running server."""

import base64
import json
import secrets
import ssl
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from aiohttp import web

from penstock.simulators.cloud.catalogue import Catalogue
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import Fault
from penstock.simulators.cloud.operations import Call, Handler, Operation, Refusal, json_answer
from penstock.simulators.cloud.server import CloudSimulator
from penstock.simulators.cloud.tokens import bearer_of
from penstock.simulators.kube.objects import Document, SecretShelf
from penstock.simulators.kube.status import bad_request, forbidden, status_document, unauthorized
from penstock.simulators.thread import threaded

ALL_VERBS = frozenset({"get", "list", "create", "update", "patch", "delete"})
_ONE, _MANY = "/api/v1/namespaces/{namespace}/secrets/{name}", "/api/v1/namespaces/{namespace}/secrets"
_MERGE_PATCH = "application/merge-patch+json"
_USER = "system:serviceaccount:images:penstock"


class KubeSimulator(CloudSimulator):
    """An API server with one account.

    Args:
        namespaces: those that exist.
        verbs: what the account may do with Secrets.
        now: the clock stands there; None is the real time.
        faults: what goes wrong from the start.
        host: the address to listen on.
        port: 0 is any free one.
        tls: with it the simulator speaks HTTPS.

    Attributes:
        token: what the account shows; another one may be assigned while it runs.
        verbs: see above; may be changed while it runs.
        secrets: the Secrets, to be read and changed as if by somebody else.
    """

    def __init__(
        self,
        *,
        namespaces: Iterable[str] = ("default",),
        verbs: Collection[str] = ALL_VERBS,
        now: datetime | None = None,
        faults: Iterable[Fault] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        clock = SimulatorClock(now)
        self.token = secrets.token_urlsafe(32)
        self.verbs = verbs
        self.secrets = SecretShelf(namespaces, clock)
        super().__init__(None, clock=clock, faults=faults, host=host, port=port, tls=tls)

    def put_secret(self, namespace: str, name: str, data: Mapping[str, bytes], *, kind: str = "kubernetes.io/dockerconfigjson") -> None:
        """Make a Secret, or replace its data, as if by somebody else."""
        document: Document = {
            "metadata": {"namespace": namespace, "name": name},
            "type": kind,
            "data": {key: base64.b64encode(content).decode() for key, content in data.items()},
        }
        try:
            self.secrets.replace(namespace, name, document)
        except Refusal as refusal:
            if refusal.status != 404:
                raise
            self.secrets.create(namespace, document)

    def kubeconfig(self) -> str:
        """A kubeconfig that leads here, in JSON, which is YAML."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "simulated",
            "contexts": [{"name": "simulated", "context": {"cluster": "simulated", "user": "simulated"}}],
            "clusters": [{"name": "simulated", "cluster": {"server": self.url}}],
            "users": [{"name": "simulated", "user": {"token": self.token}}],
        }
        return json.dumps(document, indent=2) + "\n"

    def _stock(self, catalogue: Catalogue) -> None:
        """Nothing is for sale."""

    def _operations(self) -> Iterable[Operation]:
        shelf = self.secrets
        yield self._operation("GET", _ONE, "get", lambda call: json_answer(shelf.get(*_place(call))))
        yield self._operation("GET", _MANY, "list", lambda call: json_answer(shelf.list(call.path["namespace"])))
        yield self._operation(
            "POST", _MANY, "create", lambda call: json_answer(shelf.create(call.path["namespace"], _object(call)), status=201)
        )
        yield self._operation("PUT", _ONE, "update", lambda call: json_answer(shelf.replace(*_place(call), _object(call))))
        yield self._operation("PATCH", _ONE, "patch", self._patch)
        yield self._operation("DELETE", _ONE, "delete", self._delete)

    def _operation(self, method: str, path: str, verb: str, handler: Callable[[Call], web.Response]) -> Operation:
        def answer(call: Call) -> web.Response:
            name = call.path.get("name", "")
            if verb not in self.verbs:
                return self._told(forbidden(_USER, verb, call.path["namespace"], name), name)
            try:
                return handler(call)
            except Refusal as refusal:
                return self._told(refusal, name)

        checked: Handler = answer
        return Operation(method, path, f"kube.secrets.{verb}", checked)

    def _patch(self, call: Call) -> web.Response:
        if call.request.content_type != _MERGE_PATCH:
            message = f"the body of the request was in an unknown format - accepted media types include: {_MERGE_PATCH}"
            raise Refusal(415, "UnsupportedMediaType", message)
        return json_answer(self.secrets.merge(*_place(call), _object(call)))

    def _delete(self, call: Call) -> web.Response:
        found = self.secrets.delete(*_place(call))
        details = {"name": found["metadata"]["name"], "kind": "secrets", "uid": found["metadata"]["uid"]}
        return json_answer({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})

    def _check(self, call: Call) -> None:
        if bearer_of(call.request.headers.get("Authorization")) != self.token:
            raise unauthorized()

    def _refuse(self, refusal: Refusal) -> web.Response:
        return self._told(refusal, "")

    def _told(self, refusal: Refusal, name: str) -> web.Response:
        return json_answer(status_document(refusal, name), status=refusal.status, headers=refusal.headers)

    def _fault(self, status: int) -> Refusal:
        reasons = {429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}
        return Refusal(status, reasons.get(status, "InternalError"), "A fault that was asked for.")


def _place(call: Call) -> tuple[str, str]:
    return call.path["namespace"], call.path["name"]


def _object(call: Call) -> dict[str, Any]:
    try:
        document = json.loads(call.body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise bad_request("the body is no JSON object")
    return document


KubeThread = threaded(KubeSimulator)
"""A :class:`KubeSimulator` for synchronous code: it serves in a thread with an event loop of its own."""
